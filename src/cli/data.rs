//! What commands on a data directory share: which one, and how to show it. They
//! read what is committed, whether or not a daemon runs on it.

use super::{Failure, run};
use crate::air::Stamp;
use crate::store::Reader;
use crate::web::Places;
use std::io::{self, Write};
use std::path::PathBuf;

/// Which data directory.
#[derive(Debug, Clone, clap::Args)]
#[group(required = true, multiple = false)]
pub struct DataArgs {
    /// The configuration that names the data directory and the stations.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory itself; every device is then its own station.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// The form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people: aligned columns.
    #[default]
    Table,
    /// For machines: as the HTTP API answers.
    Json,
}

impl DataArgs {
    /// Opens the store, and says where devices stand.
    pub fn open(&self) -> Result<(Reader, Places), Failure> {
        let (dir, places) = self.named()?;
        let mut reader = Reader::open(&dir)?;
        reader.refresh_names()?;
        Ok((reader, places))
    }

    /// The data directory.
    pub fn dir(&self) -> Result<PathBuf, Failure> {
        Ok(self.named()?.0)
    }

    fn named(&self) -> Result<(PathBuf, Places), Failure> {
        Ok(match (&self.config, &self.data_dir) {
            (Some(config), _) => {
                let settings = run::load(config)?.settings;
                (settings.data_dir, Places::new(&settings.stations))
            }
            (None, dir) => (dir.clone().unwrap_or_default(), Places::default()),
        })
    }
}

impl DataArgs {
    /// The names of the databases that get a copy; none without a configuration.
    pub fn target_names(&self) -> Result<Vec<String>, Failure> {
        match &self.config {
            Some(config) => Ok(run::load(config)?.settings.target_names()),
            None => Ok(Vec::new()),
        }
    }
}

/// Parses an instant given as an argument.
pub fn parse_time(text: &str) -> Result<Stamp, String> {
    Stamp::parse(text).ok_or_else(|| "not an RFC 3339 time such as 2022-01-08T13:00:00Z".to_owned())
}

/// Parses a time zone given as an argument.
pub fn parse_time_zone(text: &str) -> Result<jiff::tz::TimeZone, String> {
    jiff::tz::TimeZone::get(text).map_err(|_| "not a time zone such as Asia/Seoul".to_owned())
}

/// Writes rows in aligned columns; those whose title starts with `>` to the
/// right. Control characters in cells are shown as `\u{…}`, so that no stored
/// byte can move a terminal's cursor.
pub fn table(out: &mut impl Write, titles: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| harmless(cell)).collect()).collect();
    let name = |title: &&str| title.trim_start_matches('>').to_owned();
    let head: Vec<String> = titles.iter().map(name).collect();
    let width = |i: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(i));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..titles.len()).map(width).collect();
    for row in [&head].into_iter().chain(&rows) {
        let mut line = String::new();
        for ((cell, width), title) in row.iter().zip(&widths).zip(titles) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let gap = " ".repeat(width - cell.chars().count());
            let right = title.starts_with('>');
            line.extend(if right { [&gap, cell.as_str()] } else { [cell.as_str(), &gap] });
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Text from outside with its control characters made visible.
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// Writes a JSON array item by item, as the value of `name` in an object.
pub struct JsonList<'a, W: Write> {
    out: &'a mut W,
    empty: bool,
}

impl<'a, W: Write> JsonList<'a, W> {
    /// Starts the list after `head`, the text of the object before its name.
    pub fn start(out: &'a mut W, head: &str, name: &str) -> io::Result<JsonList<'a, W>> {
        write!(out, "{{{head}\"{name}\":[")?;
        Ok(JsonList { out, empty: true })
    }

    /// Writes one item.
    pub fn item(&mut self, item: &impl serde::Serialize) -> io::Result<()> {
        self.out.write_all(if self.empty { b"\n" } else { b",\n" })?;
        self.empty = false;
        Ok(serde_json::to_writer(&mut *self.out, item)?)
    }

    /// Ends the list, and starts another one in the same object.
    pub fn then(self, name: &str) -> io::Result<JsonList<'a, W>> {
        let head = if self.empty { "" } else { "\n" };
        write!(self.out, "{head}],\"{name}\":[")?;
        Ok(JsonList { out: self.out, empty: true })
    }

    /// Ends the list and the object.
    pub fn end(self) -> io::Result<()> {
        writeln!(self.out, "{}]}}", if self.empty { "" } else { "\n" })
    }
}

#[cfg(test)]
mod tests;
