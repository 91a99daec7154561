//! `dustline formats`: what messages can be read, and how.

use super::data::{Format as Form, JsonList, table};
use super::{Code, Failure};
use crate::config::presets;
use crate::decode::about::{self, About};
use crate::decode::{Preset, TopicPattern};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Arguments of `dustline formats`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// List every format.
    List {
        /// A table, or JSON.
        #[arg(long, value_enum, default_value_t)]
        format: Form,
    },
    /// Show a format: what it is, its topics, and a preset's mapping.
    Show {
        /// Its name.
        name: String,
    },
}

/// Prints formats.
///
/// # Errors
/// 64 if there is no such format.
pub fn run(args: &Args, out: &mut impl Write) -> Result<(), Failure> {
    let known = builtin()?;
    match &args.what {
        What::List { format } => list(known, *format, out)?,
        What::Show { name } => match known.get(name) {
            Some(preset) => show_preset(preset, out)?,
            None => match about::formats().find(|about| about.name == name) {
                Some(about) => show(about, out)?,
                None => return Err(unknown(name)),
            },
        },
    }
    Ok(out.flush()?)
}

/// The presets that are built in.
pub(super) fn builtin() -> Result<&'static presets::Presets, Failure> {
    presets::builtin().map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Failure::new(Code::Failed, faults.join("\n"))
    })
}

/// The failure of a format that there is not.
pub(super) fn unknown(name: &str) -> Failure {
    let words = format!("there is no format {name:?}; `dustline formats list` names them all");
    Failure::new(Code::Usage, words)
}

/// The topics of a preset's forms, each once.
pub(super) fn topics(preset: &Preset) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for topic in preset.forms.iter().flat_map(|f| &f.topics).map(TopicPattern::to_string) {
        if !all.contains(&topic) {
            all.push(topic);
        }
    }
    all
}

fn list(known: &presets::Presets, format: Form, out: &mut impl Write) -> Result<(), Failure> {
    let own = about::formats().map(|about| {
        let topics = about.topics.iter().map(|t| (*t).to_owned()).collect();
        (about.name, "program", about.title, topics)
    });
    let presets = known.values().map(|p| (p.name.as_str(), "preset", p.title.as_str(), topics(p)));
    let all: Vec<(&str, &str, &str, Vec<String>)> = own.chain(presets).collect();
    if format == Form::Json {
        let mut list = JsonList::start(out, "", "formats")?;
        for (name, by, title, topics) in &all {
            list.item(&json!({ "name": name, "read_by": by, "title": title, "topics": topics }))?;
        }
        return Ok(list.end()?);
    }
    let row = |(name, by, title, topics): &(&str, &str, &str, Vec<String>)| {
        let topic = topics.first().map_or("-", String::as_str);
        [name, by, topic, title].map(|cell| (*cell).to_owned()).to_vec()
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    Ok(table(out, &["format", "read by", "topic", "what it is"], &rows)?)
}

fn show(about: &About, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {}", about.name, about.title)?;
    writeln!(out, "  read by   the program itself")?;
    for topic in about.topics {
        writeln!(out, "  topic     {topic}")?;
    }
    writeln!(out, "\n{}", about.text)
}

fn show_preset(preset: &Preset, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}: {}", preset.name, preset.title)?;
    writeln!(out, "  read by   a preset: the file below")?;
    for topic in topics(preset) {
        writeln!(out, "  topic     {topic}")?;
    }
    writeln!(out, "  link      {}", preset.link)?;
    writeln!(out, "  source    {}", preset.source)?;
    writeln!(out, "  how sure  {}", preset.sure)?;
    if !preset.note.is_empty() {
        writeln!(out, "\n{}", preset.note)?;
    }
    writeln!(out, "\n{}", preset.text.trim_end())
}

/// A value of a decoded message for machines.
pub(super) fn value_json(v: &crate::air::Value) -> Value {
    let mut value = json!({ "quantity": v.quantity, "value": v.value, "unit": v.quantity.unit() });
    for (key, text) in [("channel", &v.label.channel), ("variant", &v.label.variant)] {
        if !text.is_empty() {
            value[key] = text.as_str().into();
        }
    }
    value
}
