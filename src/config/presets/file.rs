//! A preset's file as it is written.

use super::case;
use crate::config::Fault;
use crate::config::environment::Environment;
use crate::config::fault::Text;
use crate::config::main_value;
use crate::config::mapping;
use crate::config::reader::{Context, Item, Table};
use crate::decode::preset::{Form, Reading};
use crate::decode::{Preset, TopicPattern};
use std::path::Path;
use toml::de::DeTable;

/// How sure a preset can be, in the words of rulesets.
const SURE: [(&str, &str); 3] = [
    ("read in source", "read in source"),
    ("widely reported", "widely reported"),
    ("from memory", "from memory"),
];

/// Reads a file and runs its cases.
pub(super) fn read(
    name: &str,
    text: &str,
    file: &str,
    env: &dyn Environment,
) -> Result<Preset, Vec<Fault>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let ctx = Context::new(Text::new(file, text), Path::new("."), env);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        let message = format!("not TOML: {}", error.message());
        ctx.push_fault(ctx.text.finding(&span, "", message, None, false));
    }
    let preset = errors.is_empty().then(|| preset(name, text, document.get_ref(), &ctx));
    let found = ctx.finish();
    preset.filter(|_| found.faults.is_empty()).ok_or(found.faults)
}

fn preset<'a>(name: &str, text: &str, document: &'a DeTable<'a>, ctx: &'a Context<'a>) -> Preset {
    let mut root = Table::root(ctx, document);
    let mut words = |key, expected| {
        let item = root.need(key, expected);
        item.and_then(|i| i.text()).unwrap_or_default().trim().to_owned()
    };
    let title = words("title", "what the network is");
    let link = words("link", "where its own description stands");
    let source = words("source", "what the forms were made from");
    let sure = root.need("sure", "how sure it is").and_then(|i| i.choice(&SURE));
    let note = root.get("note").and_then(|i| i.text()).unwrap_or_default().trim().to_owned();
    let main = main_value::read(&mut root, None);
    let housekeeping = topics(root.get("housekeeping"));
    let forms: Vec<Form> = root.tables("form").into_iter().map(form).collect();
    if forms.is_empty() && !root.has("form") {
        root.fault_at("form", "missing; expected at least one [[form]]".to_owned(), None);
    }
    let preset = Preset {
        name: name.to_owned(),
        title,
        link,
        source,
        sure: sure.unwrap_or_default(),
        note,
        main,
        housekeeping,
        forms,
        text: text.to_owned(),
    };
    let cases = root.tables("case");
    if cases.is_empty() && !root.has("case") {
        let hint = "a case is a message and what it means: name, topic, payload, expect";
        root.fault_at("case", "missing; expected at least one [[case]]".into(), Some(hint.into()));
    }
    cases.into_iter().for_each(|table| case::check(table, &preset));
    root.finish();
    preset
}

fn form(mut table: Table<'_>) -> Form {
    let topics = topics(table.get("topics"));
    let when = mapping::conditions(&mut table);
    let plain = table.choice("format", &[("json", false), ("plain", true)], false);
    let reading = match plain {
        true => Reading::Plain(mapping::plain(&mut table)),
        false => {
            Reading::Json(Box::new(mapping::json(&mut table, &topics.iter().collect::<Vec<_>>())))
        }
    };
    table.finish();
    Form { topics, when, reading }
}

fn topics(item: Option<Item<'_>>) -> Vec<TopicPattern> {
    let items = item.map(|i| i.list("topics")).unwrap_or_default();
    items.iter().filter_map(|i| i.parsed("an MQTT topic filter", TopicPattern::parse)).collect()
}
