//! Influx line protocol, as Telegraf and the firmware of airRohr and NAMF send
//! it: `measurement,tag=v field=1.5,other=2i 1465839830100400200`, one line a
//! measurement.
//!
//! The format says neither what a field measures nor which tag names the
//! device. Fields are known by their usual names and by those of airRohr, and
//! by the operator's; the device is the first of `DEVICE_TAGS` that is there,
//! unless the operator names the tag. Numbers are taken in our units, save
//! those of airRohr, whose units are known. A tag `channel` keeps several
//! elements of one device apart.

use super::airrohr;
use super::batch::Batch;
use super::elements::{Elements, is_label};
use super::gathered::Gathered;
use super::json;
use super::number::{self, NoNumber};
use super::plain::usual_quantity;
use super::{Captures, Decoded, Hints, Message, Refused, time};
use crate::air::{Label, Quantity};
use std::borrow::Cow;

/// Tags that name a device, the most telling first. `host` is last: Telegraf
/// adds it to everything and means itself.
const DEVICE_TAGS: [&str; 9] =
    ["device", "device_id", "sensor_id", "sensor", "node", "station", "location", "topic", "host"];

/// Reads one message: one line or several.
pub fn read(m: &Message, captures: &Captures, hints: &Hints) -> Result<Decoded, Refused> {
    let text = json::message_text(m)?;
    let mut batch = Batch::default();
    let (mut lines, mut fault) = (0, None);
    for (place, text) in text.lines().enumerate() {
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        match Line::parse(text) {
            Ok(line) => {
                lines += 1;
                take(&line, place + 1, captures, hints, &mut batch);
            }
            Err(why) => {
                batch.skip(format!("line {}", place + 1), why);
                fault.get_or_insert((place + 1, why));
            }
        }
        batch.within_limit()?;
    }
    match fault {
        Some((place, why)) if lines == 0 => {
            let detail = format!("line {place}: {why}; it is to be `name,tag=x field=1 time`");
            Err(Refused::malformed("bad_syntax", detail))
        }
        _ => batch.finish(),
    }
}

/// Takes the fields of one line.
fn take(line: &Line, place: usize, captures: &Captures, hints: &Hints, batch: &mut Batch) {
    let device = match captures.get("device") {
        Some(device) => Cow::Borrowed(device),
        None => match device_of(line, captures, hints) {
            Ok(device) => device,
            Err(why) => return batch.skip(format!("line {place}"), why),
        },
    };
    let channel = line.tag("channel").filter(|c| is_label(c)).unwrap_or_default();
    let mut found = Gathered::default();
    let mut elements = Elements::default();
    for (name, text) in &line.fields {
        let Some((quantity, element, number)) = field(name, text, hints) else { continue };
        let mut label = Label { channel: channel.to_string(), ..Label::default() };
        if number.is_ok() && is_label(element) {
            let further = elements.channel(quantity, element);
            if !further.is_empty() {
                label.channel = further;
            }
        }
        found.add(quantity, label, number, || format!("line {place} {}", number::shown(name)));
    }
    if found.is_empty() {
        return;
    }
    let at = match line.time {
        "" => None,
        text => time::from_text(text, None, None)
            .map_err(|why| found.skip(format!("line {place} time"), why))
            .ok(),
    };
    batch.add(&device, at, found);
}

/// The quantity of a field, the element it belongs to, its number.
fn field<'a>(
    name: &'a str,
    text: &str,
    hints: &Hints,
) -> Option<(Quantity, &'a str, Result<f64, NoNumber>)> {
    let own = hints.own(name);
    match airrohr::of_sensor(name).filter(|_| own.is_none()) {
        Some((quantity, sensor)) => {
            let number = value(text).and_then(|n| airrohr::in_our_unit(quantity, n));
            Some((quantity, sensor, number))
        }
        None => Some((own.or_else(|| usual_quantity(name))?, name, value(text))),
    }
}

/// A field's value: a float, `5i`, `5u`, or a text that may hold a number.
fn value(text: &str) -> Result<f64, NoNumber> {
    if let Some(quoted) = text.strip_prefix('"') {
        return number::from_text(quoted.trim_end_matches('"'));
    }
    let whole = text.strip_suffix(['i', 'u']);
    let digits = |t: &&str| t.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    number::from_text(whole.filter(digits).unwrap_or(text))
}

/// The device by its tag, else by the topic.
fn device_of<'a>(
    line: &Line<'a>,
    captures: &Captures<'a>,
    hints: &Hints,
) -> Result<Cow<'a, str>, String> {
    match &hints.device_tag {
        Some(tag) => line.tag(tag).ok_or_else(|| format!("no tag {tag:?}, which names the device")),
        None => {
            let named = DEVICE_TAGS.iter().find_map(|tag| line.tag(tag));
            Ok(named.unwrap_or(Cow::Borrowed(captures.device())))
        }
    }
}

/// One line, taken apart; escapes are still in the tags.
pub struct Line<'a> {
    /// What it is of.
    pub measurement: &'a str,
    tags: Vec<(&'a str, &'a str)>,
    /// Fields with their values as written.
    pub fields: Vec<(Cow<'a, str>, &'a str)>,
    /// Empty if there is none.
    pub time: &'a str,
}

impl<'a> Line<'a> {
    /// Takes a line apart; says why it is none.
    pub fn parse(text: &'a str) -> Result<Line<'a>, &'static str> {
        let mut rest = Rest(text);
        let measurement = rest.until(b", ");
        if measurement.is_empty() {
            return Err("it has no measurement");
        }
        let mut tags = Vec::new();
        while rest.eat(',') {
            let key = rest.until(b",= ");
            if !rest.eat('=') {
                return Err("a tag has no `=`");
            }
            tags.push((key, rest.until(b", ")));
        }
        if !rest.eat(' ') {
            return Err("it has no fields");
        }
        rest.0 = rest.0.trim_start_matches(' ');
        let mut fields = Vec::new();
        loop {
            let key = rest.until(b",= ");
            if !rest.eat('=') {
                return Err("a field has no `=`");
            }
            fields.push((unescaped(key), rest.value()?));
            if !rest.eat(',') {
                break;
            }
        }
        Ok(Line { measurement, tags, fields, time: rest.0.trim() })
    }

    /// A tag's value, without escapes.
    pub fn tag(&self, name: &str) -> Option<Cow<'a, str>> {
        let tag = self.tags.iter().find(|(key, value)| *key == name && !value.is_empty());
        tag.map(|(_, value)| unescaped(value))
    }
}

/// What of a line is still to be read.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes everything up to one of these ASCII characters that no backslash
    /// stands before, or up to the end.
    fn until(&mut self, stops: &[u8]) -> &'a str {
        let mut escaped = false;
        let end = self.0.bytes().position(|b| {
            let stop = !escaped && stops.contains(&b);
            escaped = !escaped && b == b'\\';
            stop
        });
        let (taken, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Takes this character, if it is next.
    fn eat(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// Takes a field's value; a text keeps its quotes.
    fn value(&mut self) -> Result<&'a str, &'static str> {
        let all = self.0;
        if !self.eat('"') {
            return Ok(self.until(b", "));
        }
        let inner = self.until(b"\"");
        match self.eat('"') {
            true => Ok(all.get(..inner.len() + 2).unwrap_or_default()),
            false => Err("a text is not closed"),
        }
    }
}

/// A key or tag without the backslashes before comma, blank and equals sign.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\\,", ",").replace("\\ ", " ").replace("\\=", "="))
}

#[cfg(test)]
mod tests {
    use crate::air::Quantity;
    use crate::decode::fixture::{self, native, short};
    use crate::decode::{Format, Hints};
    use std::collections::BTreeMap;

    fn read(payload: &str) -> String {
        short(&native("influx-line", "telegraf/all", payload))
    }

    fn hinted(hints: Hints, payload: &str) -> String {
        let format = Format::hinted("influx-line", hints).unwrap();
        short(&fixture::read("#", format, "telegraf/all", payload))
    }

    #[test]
    fn a_line_is_a_device_its_fields_and_its_time() {
        assert_eq!(
            read("air,location=roof,host=box so2=3,pm25=17.5,pm10=21i 1700000000123456789"),
            "roof@2023-11-14T22:13:20.123Z: pm2_5=17.5 pm10=21"
        );
        assert_eq!(read("air pm25=17 1700000000"), "telegraf/all@2023-11-14T22:13:20Z: pm2_5=17");
        assert_eq!(read("air,host=box pm25=17"), "box: pm2_5=17");
    }

    #[test]
    fn the_names_and_marks_of_airrohr_are_known() {
        assert_eq!(
            read(
                "feinstaub,node=esp8266-77 SDS_P1=-1,SDS_P2=6.25,PMS_P2=7,BME280_pressure=100150,samples=5"
            ),
            "esp8266-77: pm2_5=6.25 pm2_5__ch_pms=7 pressure=1001.5\n\
             left out line 1 SDS_P1 -1: no reading"
        );
    }

    #[test]
    fn a_batch_has_many_devices_and_times_and_one_bad_line_drops_only_itself() {
        let batch = "# comment\n\
                     a,node=x pm25=1 1700000000\r\n\
                     \n\
                     broken\n\
                     a,node=x temperature=9.5 1700000000\n\
                     a,node=x pm25=2 1700000060\n\
                     a,node=y pm25=3,pm10=oops soon\n";
        assert_eq!(
            read(batch),
            "x@2023-11-14T22:13:20Z: pm2_5=1 temperature=9.5\n\
             x@2023-11-14T22:14:20Z: pm2_5=2\n\
             y: pm2_5=3\n\
             left out line 4 it has no fields\n\
             left out line 7 pm10 \"oops\" is not a number\n\
             left out line 7 time \"soon\" is not a time known here; arrival time used"
        );
    }

    #[test]
    fn escapes_texts_and_switches_are_understood() {
        assert_eq!(
            read(
                r#"my\ air,node=main\ hall\,\ west,channel=b note="a, b=\"c\" d",pm25="8.5",pm10=t,on=T"#
            ),
            "main hall, west: pm2_5__ch_b=8.5\nleft out line 1 pm10 \"t\" is not a number"
        );
        assert_eq!(read(r#"a pm25="9"#), "malformed: bad_syntax");
        assert_eq!(read("a,b pm25=9"), "malformed: bad_syntax");
        assert_eq!(read(",b=c pm25=9"), "malformed: bad_syntax");
        assert_eq!(read("a no2=9"), "ignored: no_quantity");
    }

    #[test]
    fn the_operator_may_name_fields_and_the_tag() {
        let hints = Hints {
            names: BTreeMap::from([("dust".to_owned(), Quantity::Pm10)]),
            device_tag: Some("kit".to_owned()),
            ..Hints::default()
        };
        assert_eq!(
            hinted(hints, "a,kit=k1,node=n dust=4\na,node=n dust=5"),
            "k1: pm10=4\nleft out line 2 no tag \"kit\", which names the device"
        );
    }
}
