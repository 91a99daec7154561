//! `dustline decode`: what one message means, without a broker or a store.

use super::formats;
use super::{Code, Failure};
use crate::air::{Observation, Value};
use crate::clock::Clock;
use crate::config::{self, Machine};
use crate::decode::{
    self, Decoded, Format, Memory, Message, PAYLOAD_MAX, Plain, Refused, Route, TopicPattern,
};
use serde_json::json;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The topic of a message whose topic was not given.
const NO_TOPIC: &str = "unnamed";

/// Subscriptions by which messages are read unless another one is given. The
/// token in these topics names the device here, where whoever reads it has it
/// already; the daemon shows it to nobody.
const SUBSCRIPTIONS: &[(&str, &str)] = &[("smartcitizen", "device/sck/{device}/readings/raw")];

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Human,
    /// For machines: an array.
    Json,
}

/// Arguments of `dustline decode`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The format: see `dustline formats list`.
    #[arg(long, value_name = "F")]
    format: String,
    /// The topic that the message came on: many formats name the device there.
    #[arg(long, value_name = "T", default_value = NO_TOPIC)]
    topic: String,
    /// The topic of the subscription that reads it, with names for levels such as
    /// `air/{device}/#`; without it every topic is taken as it is.
    #[arg(long, value_name = "PATTERN", value_parser = TopicPattern::parse, conflicts_with = "config")]
    subscription: Option<TopicPattern>,
    /// A configuration: the first subscription with this format whose topic
    /// matches says how. `json` and `forecast` need one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// For people or for machines.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
    /// The file holds a message on each line: topic, tabulator, body.
    #[arg(long)]
    lines: bool,
    /// The body of the message; `-`: standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// Reads one message, or several, and prints what it means.
///
/// # Errors
/// 64 for a format or configuration that there is not, 65 for a message that
/// cannot be understood, 1 if the file cannot be read.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let route = route(args)?;
    let input = read(&args.file)?;
    let received = Clock::system().now();
    let mut whole = Decoded::default();
    let mut memory = Memory::default();
    let mut understand = |topic: &str, payload: &[u8]| {
        let message = Message { topic, payload, retained: false, received };
        let heard = match &route {
            Way::Format(format) => format.hear(&message, &memory),
            Way::Route(route) => decode::decode(std::slice::from_ref(route), &message, &memory),
        };
        memory.learn(heard.noted);
        absorb(&mut whole, topic, heard.outcome)
    };
    if args.lines {
        for line in input.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
            let tab = line.iter().position(|b| *b == b'\t');
            let (topic, body) = tab.map_or((line, &[][..]), |i| (&line[..i], &line[i + 1..]));
            understand(&String::from_utf8_lossy(topic), body)?;
        }
    } else {
        understand(&args.topic, &input)?;
    }
    match args.output {
        Output::Human => human(&whole, out)?,
        Output::Json => machine(&whole, out)?,
    }
    Ok(out.flush()?)
}

/// How messages are read: by a format, or as a configuration says.
enum Way {
    Format(Format),
    Route(Route),
}

fn route(args: &Args) -> Result<Way, Failure> {
    if let Some(file) = &args.config {
        return configured(file, args).map(Way::Route);
    }
    let preset = formats::builtin()?.get(&args.format);
    let format = match args.format.as_str() {
        "json" | "forecast" => {
            let words = "this format needs what a configuration says: name one with --config";
            return Err(Failure::new(Code::Usage, words));
        }
        "plain" => Format::Plain(Plain::default()),
        name => match preset {
            Some(preset) => Format::Preset(Arc::new(preset.clone())),
            None => Format::native(name).ok_or_else(|| formats::unknown(name))?,
        },
    };
    let usual = SUBSCRIPTIONS.iter().find(|(name, _)| *name == args.format);
    let usual = usual.and_then(|(_, pattern)| TopicPattern::parse(pattern).ok());
    let usual = usual.filter(|pattern| pattern.matches(&args.topic).is_some());
    Ok(match args.subscription.clone().or(usual) {
        Some(pattern) => Way::Route(Route::new(pattern, format)),
        None => Way::Format(format),
    })
}

/// The first subscription of a configuration that would read the message.
fn configured(file: &Path, args: &Args) -> Result<Route, Failure> {
    let loaded =
        config::load(file, &Machine).map_err(|refused| Failure::new(Code::Usage, refused))?;
    let routes = loaded.settings.sources.into_iter().flat_map(|s| s.routes);
    let fits = |r: &Route| {
        r.format.name() == args.format && (args.lines || r.pattern.matches(&args.topic).is_some())
    };
    routes.into_iter().find(fits).ok_or_else(|| {
        let words = format!(
            "no subscription in {} has format {:?} and a topic that matches {:?}",
            file.display(),
            args.format,
            args.topic
        );
        Failure::new(Code::Usage, words)
    })
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    // One byte more than is read, so that the decoder can say that it is too much.
    let most = 16 * PAYLOAD_MAX as u64;
    let mut bytes = Vec::new();
    let done = match file == Path::new("-") {
        true => io::stdin().lock().take(most).read_to_end(&mut bytes),
        false => std::fs::File::open(file).and_then(|f| f.take(most).read_to_end(&mut bytes)),
    };
    done.map_err(|e| Failure::new(Code::Failed, format!("{}: {e}", file.display())))?;
    Ok(bytes)
}

/// Adds a message's result to the whole.
fn absorb(
    whole: &mut Decoded,
    topic: &str,
    result: Result<Decoded, Refused>,
) -> Result<(), Failure> {
    match result {
        Ok(one) => {
            whole.observations.extend(one.observations);
            whole.skipped.extend(one.skipped);
            whole.device = one.device.or(whole.device.take());
            Ok(())
        }
        Err(Refused::Ignored(policy)) => {
            eprintln!("dustline: {topic}: ignored ({policy}): no message about readings");
            Ok(())
        }
        Err(Refused::Malformed { reason, detail }) => {
            Err(Failure::new(Code::Data, format!("{topic}: {reason}: {detail}")))
        }
    }
}

fn machine(whole: &Decoded, out: &mut impl Write) -> io::Result<()> {
    let one = |device: Option<&str>, at, values: &[Value], skipped: &[crate::air::Skipped]| {
        let values: Vec<serde_json::Value> = values.iter().map(formats::value_json).collect();
        json!({ "device": device, "time": at, "values": values, "skipped": skipped })
    };
    let mut all: Vec<serde_json::Value> = Vec::new();
    for o in &whole.observations {
        // What was left out belongs to the message: it is told once, first.
        let skipped = if all.is_empty() { &whole.skipped[..] } else { &[] };
        all.push(one(Some(&o.device), o.at.map(|at| at.to_string()), &o.values, skipped));
    }
    if all.is_empty() && (whole.device.is_some() || !whole.skipped.is_empty()) {
        all.push(one(whole.device.as_deref(), None, &[], &whole.skipped));
    }
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

fn human(whole: &Decoded, out: &mut impl Write) -> io::Result<()> {
    for Observation { device, at, values } in &whole.observations {
        let at = at.map_or("time of arrival".to_owned(), |at| at.to_string());
        writeln!(out, "{device}  {at}")?;
        for v in values {
            let series = format!("{}{}", v.quantity, v.label.suffix());
            writeln!(out, "  {series:24} {} {}", v.value, v.quantity.unit_text())?;
        }
    }
    if whole.observations.is_empty() {
        writeln!(out, "{}  no reading", whole.device.as_deref().unwrap_or("nobody"))?;
    }
    for s in &whole.skipped {
        let path = if s.path.is_empty() { "the whole" } else { &s.path };
        writeln!(out, "  left out {path}: {}", s.reason)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{Label, Quantity, Skipped, Stamp};

    fn found() -> Decoded {
        let label = Label { channel: "A".into(), variant: "cf1".into() };
        let value = Value { quantity: Quantity::Pm10, label, value: 3.5 };
        let observation = |at| Observation { device: "d".into(), at, values: vec![value.clone()] };
        Decoded {
            observations: vec![observation(Some(Stamp(1_767_582_245_000))), observation(None)],
            skipped: vec![Skipped { path: "/x".into(), reason: "-: no reading".into() }],
            ..Decoded::default()
        }
    }

    #[test]
    fn machines_get_an_array_with_what_was_left_out_told_once() {
        let mut out = Vec::new();
        machine(&found(), &mut out).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let value = json!({ "quantity": "pm10", "value": 3.5, "unit": "ug/m3", "channel": "A", "variant": "cf1" });
        let first = json!({ "device": "d", "time": "2026-01-05T03:04:05Z", "values": [value],
            "skipped": [{ "path": "/x", "reason": "-: no reading" }] });
        assert_eq!(said[0], first);
        assert_eq!((&said[1]["time"], &said[1]["skipped"]), (&json!(null), &json!([])));
        assert!(!String::from_utf8(out).unwrap().contains("null,\n      \"channel\""));
    }

    #[test]
    fn a_device_without_readings_is_named_still() {
        let whole = Decoded { observations: Vec::new(), device: Some("d".into()), ..found() };
        let mut out = Vec::new();
        machine(&whole, &mut out).unwrap();
        let said: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!((&said[0]["device"], &said[0]["values"]), (&json!("d"), &json!([])));
        let mut out = Vec::new();
        human(&whole, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "d  no reading\n  left out /x: -: no reading\n"
        );
    }

    #[test]
    fn people_read_series_units_and_times() {
        let mut out = Vec::new();
        human(&found(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("d  2026-01-05T03:04:05Z\n  pm10__ch_A__cf1"), "{text}");
        assert!(text.contains("3.5 µg/m³\nd  time of arrival\n"), "{text}");
    }
}
