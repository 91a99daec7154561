//! The page of a change: plain HTML with its style inside, nothing from elsewhere,
//! no script; made to be read on a screen, on a telephone, and on paper.

use super::behind::{HourBehind, StationHour};
use super::html::{Facts, escaped, link, number, table};
use super::inputs::Inputs;
use super::words::{self, Words};
use super::{Explained, Neighbour};
use crate::air::place::Language;
use crate::air::{Foretold, Names, Quantity, Stamp};
use crate::rules::condition::name_of;
use crate::rules::{NONE, Sure};
use crate::web::sheet::{STYLE, policy};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use jiff::tz::TimeZone;
use serde_json::Value;

/// Hours that stand side by side by station, at most; more are listed one by one.
const HOURS_MAX: usize = 8;
/// Stations that the page lists, at most.
const STATIONS_MAX: usize = 200;

/// The page as an answer; its policy allows its own style and nothing else.
pub(super) fn response(explained: &Explained, language: Language, instance: &str) -> Response {
    let page = Page::of(explained, language).html(instance);
    ([(header::CONTENT_SECURITY_POLICY, policy(STYLE, false))], Html(page)).into_response()
}

/// A change for a reader.
struct Page<'a> {
    explained: &'a Explained,
    language: Language,
    words: &'static Words,
    zone: TimeZone,
    unit: &'a str,
    inputs: Inputs,
}

impl<'a> Page<'a> {
    fn of(explained: &'a Explained, language: Language) -> Page<'a> {
        let data = &explained.change.data;
        let zone = data.get("time_zone").and_then(Value::as_str);
        let quantity = data.get("quantity").and_then(Value::as_str).and_then(Quantity::from_name);
        let index = data.get("index").is_some();
        let zone = zone.and_then(|z| TimeZone::get(z).ok()).unwrap_or(TimeZone::UTC);
        Page {
            explained,
            language,
            words: Words::of(language),
            inputs: Inputs::of(data, language, zone.clone()),
            zone,
            unit: quantity.filter(|_| !index).map_or("", Quantity::unit_text),
        }
    }

    fn data(&self, key: &str) -> Option<&'a Value> {
        self.explained.change.data.get(key)
    }

    fn string(&self, key: &str) -> &'a str {
        self.data(key).and_then(Value::as_str).unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.data(key).and_then(Value::as_bool) == Some(true)
    }

    fn text(&self, names: &'a Names) -> &'a str {
        names.text(self.language)
    }

    /// A text by language inside the change's data.
    fn named(&self, value: Option<&Value>) -> String {
        let names = value.and_then(|v| serde_json::from_value::<Names>(v.clone()).ok());
        names.map(|n| n.text(self.language).to_owned()).unwrap_or_default()
    }

    fn local(&self, at: Stamp) -> String {
        at.local(&self.zone)
    }

    /// An instant in the data as local time; as it is written if it is none.
    fn local_text(&self, text: &str) -> String {
        Stamp::parse(text).map_or_else(|| text.to_owned(), |at| self.local(at))
    }

    fn with_unit(&self, value: f64) -> String {
        format!("{} {}", number(value), self.unit).trim_end().to_owned()
    }

    fn html(&self, instance: &str) -> String {
        let (w, title) = (self.words, self.title());
        let languages: Vec<String> = [("ko", "한국어"), ("zh", "中文"), ("en", "English")]
            .map(|(code, name)| {
                let here = if code == self.language.code() { " aria-current=\"true\"" } else { "" };
                format!("<a href=\"?lang={code}\" lang=\"{code}\"{here}>{name}</a>")
            })
            .to_vec();
        let id = &self.explained.change.id;
        format!(
            "<!doctype html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title}</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head>\
             <body><main><nav><p>Dustline · {instance} · {explained}</p><p class=\"langs\">{languages}</p></nav>\
             {head}<h2>{what}</h2>{facts}{behind}<h2>{rules}</h2>{source}<h2>{around}</h2>{neighbours}\
             <h2>{told}</h2>{notices}<footer>{id} · <a href=\"/api/v1/changes/{id}\">{as_data}</a></footer></main></body></html>\n",
            lang = self.language.code(),
            title = escaped(&title),
            instance = escaped(instance),
            explained = w.explained,
            languages = languages.join(" · "),
            head = self.head(&title),
            what = w.what,
            facts = self.facts(),
            behind = self.behind(),
            rules = w.rules,
            source = self.rules(),
            around = w.around,
            neighbours = self.around(),
            told = w.told,
            notices = self.notices(),
            id = escaped(id),
            as_data = w.as_data,
        )
    }

    /// The place, or its id where it has no name.
    fn place(&self) -> String {
        let scope = self.data("scope");
        let name = self.named(scope.and_then(|s| s.get("name")));
        let id = || ["zone", "station"].iter().find_map(|k| scope?.get(*k)?.as_str());
        if name.is_empty() { id().unwrap_or_default().to_owned() } else { name }
    }

    fn title(&self) -> String {
        let e = &self.explained.explanation;
        let separator = if self.language == Language::Zh { "：" } else { ": " };
        format!("{}{separator}{}", self.place(), self.text(&e.title))
    }

    fn head(&self, title: &str) -> String {
        let e = &self.explained.explanation;
        let none = if self.string("to") == NONE { " none" } else { "" };
        let mut html = format!(
            "<h1>{}</h1><p class=\"move\"><span class=\"level\">{}</span> → \
             <span class=\"level to{none}\">{}</span> <span>{}</span></p>",
            escaped(title),
            escaped(self.text(&e.from_title)),
            escaped(self.text(&e.to_title)),
            self.words.met,
        );
        if self.flag("exercise") {
            html.push_str(&format!("<p class=\"exercise\">{}</p>", self.words.exercise));
        }
        html.push_str(&format!("<p class=\"caution\">{}</p>", escaped(self.text(&e.caution))));
        if self.explained.change.late {
            html.push_str(&format!("<p>{}</p>", self.words.late));
        }
        html
    }

    fn facts(&self) -> String {
        let (w, mut facts) = (self.words, Facts::default());
        facts.text(w.criterion, &self.named(self.data("criterion")));
        if let Some(value) = self.data("value").and_then(Value::as_f64) {
            let name = if self.inputs.foretell(value) { w.foretold } else { w.value };
            let index = self.data("index").and_then(Value::as_str).and_then(Foretold::from_name);
            let index = index.map_or(String::new(), |of| format!("{} ", name_of(of)));
            facts.text(name, &format!("{index}{}", self.with_unit(value)));
        }
        let zone = self.zone.iana_name().unwrap_or("UTC");
        facts.text(w.met_at, &format!("{} ({zone})", self.local_text(self.string("at"))));
        let decided = self.string("decided_at");
        if !decided.is_empty() {
            facts.text(w.decided_at, &format!("{} ({zone})", self.local_text(decided)));
        }
        if let Some(period) = self.data("in_force") {
            facts.text(w.in_force, &self.period(period));
        }
        facts.text(w.cause, words::cause(self.string("cause")).text(self.language));
        facts.text(w.remark, &self.named(self.data("remark")));
        let seasons = self.data("seasons").and_then(Value::as_object);
        let seasons: Vec<String> =
            seasons.into_iter().flatten().map(|(_, title)| self.named(Some(title))).collect();
        facts.text(w.seasons, &seasons.join(", "));
        facts.card()
    }

    /// A time with `from` and `until`.
    fn period(&self, period: &Value) -> String {
        let end = |key| self.local_text(period.get(key).and_then(Value::as_str).unwrap_or("?"));
        format!("{} – {}", end("from"), end("until"))
    }

    fn behind(&self) -> String {
        let (w, hours) = (self.words, &self.explained.explanation.hours);
        let hours = if hours.is_empty() { String::new() } else { self.hours(hours) };
        let inputs = self.inputs.table();
        if hours.is_empty() && inputs.is_empty() {
            return String::new();
        }
        let quality = match self.inputs.measured() {
            true => format!("<p class=\"soft\">{}</p>", w.quality),
            false => String::new(),
        };
        format!("<h2>{}</h2>{hours}{inputs}{quality}", w.rests_on)
    }

    /// The hours side by side, by station; without the stations if they are many.
    fn hours(&self, hours: &[HourBehind]) -> String {
        let (w, detailed) = (self.words, hours.len() <= HOURS_MAX);
        let head: String =
            hours.iter().map(|h| format!("<th>{}</th>", self.hour_label(h.start.0))).collect();
        let stations = hours.first().map_or(0, |h| h.stations.len());
        let shown = if detailed { stations.min(STATIONS_MAX) } else { 0 };
        let mut body = String::new();
        for place in 0..shown {
            let row: Vec<&StationHour> =
                hours.iter().filter_map(|h| h.stations.get(place)).collect();
            let name = row.first().map_or("", |s| self.text(&s.name));
            let cells: String = row.iter().map(|s| self.station_cell(s)).collect();
            body.push_str(&format!("<tr><td>{}</td>{cells}</tr>", escaped(name)));
        }
        let means: String = hours.iter().map(|h| self.zone_cell(h)).collect();
        body.push_str(&format!("<tr class=\"sum\"><td>{}</td>{means}</tr>", w.zone_mean));
        let table = format!(
            "<div class=\"scroll\"><table><thead><tr><th>{}</th>{head}</tr></thead><tbody>{body}</tbody></table></div>",
            w.station
        );
        let further = hours.first().map_or(0, |h| h.further) + stations - shown;
        let further =
            if further > 0 { format!("{further} {}. ", w.further) } else { String::new() };
        format!("{table}<p class=\"soft\">{further}{}</p>", w.key)
    }

    fn hour_label(&self, start: Stamp) -> String {
        let from = self.local(start);
        let until = self.local(start.hour().end());
        let (_, until) = until.split_once(' ').unwrap_or(("", &until));
        escaped(&format!("{from}–{until}"))
    }

    fn station_cell(&self, s: &StationHour) -> String {
        let share = format!("{:.0} %", s.coverage * 100.0);
        let flagged = if s.flagged > 0 { format!(" · −{}", s.flagged) } else { String::new() };
        match (s.state, s.mean) {
            ("counted", Some(mean)) => {
                format!("<td>{}<small>{share}{flagged}</small></td>", number(mean))
            }
            (state, Some(mean)) => {
                let w = self.words;
                let why = if state == "left_out" { w.left_out } else { w.too_little };
                let mean = number(mean);
                format!("<td><s>{mean}</s><small>{share}{flagged}, {why}</small></td>")
            }
            _ => format!("<td class=\"out\">–<small>{}{flagged}</small></td>", self.words.missing),
        }
    }

    fn zone_cell(&self, hour: &HourBehind) -> String {
        let w = self.words;
        let mean = hour.mean.map_or_else(|| "–".to_owned(), |m| self.with_unit(m));
        let expected = hour.now.as_ref().map(|n| format!(" / {}", n.expected)).unwrap_or_default();
        let moved = hour.now.as_ref().filter(|now| now.moved).map(|now| {
            let mean = now.mean.map_or_else(|| "–".to_owned(), number);
            format!("<small>{mean} ({}, {})</small>", now.stations, w.moved)
        });
        format!(
            "<td>{}<small>{} {}{expected}</small>{}</td>",
            escaped(&mean),
            w.counted,
            hour.counted,
            moved.unwrap_or_default()
        )
    }

    fn rules(&self) -> String {
        let w = self.words;
        let Some(r) = &self.explained.explanation.rules else {
            let own = self.string("ruleset") == "threshold";
            let words = if own { w.own_threshold } else { w.unknown_rules };
            return format!(
                "<p class=\"card\">{} ({})</p>",
                words,
                escaped(self.string("ruleset"))
            );
        };
        let zone = TimeZone::get(&r.time_zone).unwrap_or(TimeZone::UTC);
        let day = |at: Stamp| at.local(&zone).chars().take(10).collect::<String>();
        let until = r.until.map_or_else(|| w.no_end.to_owned(), |until| day(until.0));
        let sure = match r.sure {
            Sure::ReadInSource => w.read_in_source,
            Sure::WidelyReported => w.widely_reported,
            Sure::FromMemory => w.from_memory,
        };
        let mut facts = Facts::default();
        facts.text(
            w.version,
            &format!("{} ({}, {})", self.text(&r.title), r.ruleset, r.jurisdiction),
        );
        facts.text(w.source, &r.source);
        let links: Vec<String> = r.links.iter().map(|l| link(l)).collect();
        facts.html(w.links, &links.join("<br>"));
        facts.text(w.sure, sure);
        facts.text(w.force, &format!("{} – {until} ({})", day(r.from.0), r.time_zone));
        facts.text(w.note, &r.note);
        facts.card()
    }

    fn around(&self) -> String {
        let (w, e) = (self.words, &self.explained.explanation);
        let mut facts = Facts::default();
        for (name, neighbour) in [(w.before, &e.before), (w.after, &e.after)] {
            let html = neighbour.as_ref().map(|n| self.neighbour(n));
            facts.html(name, &html.unwrap_or_else(|| w.nothing.to_owned()));
        }
        facts.card()
    }

    fn neighbour(&self, n: &'a Neighbour) -> String {
        let lang = self.language.code();
        format!(
            "<a href=\"/changes/{}?lang={lang}\">{}</a> {} → {}",
            escaped(&n.id),
            escaped(&self.local(n.at.0)),
            escaped(self.text(&n.from_title)),
            escaped(self.text(&n.to_title))
        )
    }

    fn notices(&self) -> String {
        let (w, notices) = (self.words, &self.explained.explanation.notices);
        if notices.is_empty() {
            return format!("<p class=\"card\">{}</p>", w.nobody);
        }
        let row = |n: &super::NoticeFact| {
            let state = match n.state {
                "delivered" => w.delivered,
                "dead" => w.dead,
                _ => w.pending,
            };
            let last = n.last.as_deref().unwrap_or_default();
            let state = if last.is_empty() { state.to_owned() } else { format!("{state}: {last}") };
            let when = self.local(n.done.unwrap_or(n.created).0);
            vec![n.receiver.clone(), state, n.attempts.to_string(), when]
        };
        let rows: Vec<Vec<String>> = notices.iter().map(row).collect();
        table(&[w.receiver, w.state, w.attempts, w.when], &rows)
    }
}
