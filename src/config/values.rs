//! The kinds of value that the configuration knows, each with its faults.

use super::fault::did_you_mean;
use super::reader::{Item, Table};
use crate::air::Names;
use crate::air::time::{format_duration, parse_duration};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;

/// Longest name in characters of a source, station, zone, receiver and the like.
const NAME_MAX: usize = 100;

impl<'a> Item<'a> {
    /// The value as a string.
    pub(super) fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text.as_ref()),
            _ => {
                self.wrong("a string");
                None
            }
        }
    }

    /// The value as a string that says something.
    pub(super) fn filled_text(&self) -> Option<&'a str> {
        let text = self.text()?;
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            self.wrong("a string of at least one visible character and no control characters");
            return None;
        }
        Some(text)
    }

    /// The value as a name that goes into labels, addresses and database keys.
    pub(super) fn name(&self) -> Option<&'a str> {
        let text = self.text()?;
        let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if text.is_empty() || text.chars().count() > NAME_MAX || !text.chars().all(good) {
            self.wrong(&format!("1 to {NAME_MAX} letters, digits, `-`, `_`, `.` or `:`"));
            return None;
        }
        Some(text)
    }

    /// The value as a duration of at least `least`.
    pub(super) fn duration(&self, least: Duration) -> Option<Duration> {
        let DeValue::String(text) = self.value else {
            self.wrong("a duration in quotes such as \"90s\", \"15m\", \"2h\", \"7d\"");
            return None;
        };
        match parse_duration(text) {
            None => {
                self.wrong("a duration such as \"90s\", \"15m\", \"2h\", \"7d\"");
                None
            }
            Some(d) if d < least => {
                self.wrong(&format!("at least {:?}", format_duration(least)));
                None
            }
            Some(d) => Some(d),
        }
    }

    /// The value as a whole number in a range.
    pub(super) fn whole(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let number = match self.value {
            DeValue::Integer(n) => i64::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        let number = number.filter(|n| range.contains(n));
        if number.is_none() {
            self.wrong(&format!("a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    /// The value as a finite number, written as an integer or with a point.
    pub(super) fn number(&self) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(n) if n.radix() == 10 => n.as_str().parse().ok(),
            DeValue::Float(n) => n.as_str().parse().ok(),
            _ => None,
        };
        let number = number.filter(|n: &f64| n.is_finite());
        if number.is_none() {
            self.wrong("a finite number");
        }
        number
    }

    /// The value as a number in a range.
    pub(super) fn number_in(&self, range: RangeInclusive<f64>) -> Option<f64> {
        let number = self.number()?;
        if !range.contains(&number) {
            self.wrong(&format!("a number from {} to {}", range.start(), range.end()));
            return None;
        }
        Some(number)
    }

    /// The value as a share: above 0, at most 1.
    pub(super) fn share(&self) -> Option<f64> {
        let number = self.number()?;
        if number <= 0.0 || number > 1.0 {
            self.wrong("a share above 0 and at most 1");
            return None;
        }
        Some(number)
    }

    /// The value as `true` or `false`.
    pub(super) fn flag(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => {
                self.wrong("true or false");
                None
            }
        }
    }

    /// The value as one of a few words.
    pub(super) fn choice<T: Copy>(&self, known: &[(&str, T)]) -> Option<T> {
        let names = || known.iter().map(|(name, _)| *name);
        let found = match self.value {
            DeValue::String(text) => text.as_ref(),
            _ => "",
        };
        let meant = known.iter().find(|(name, _)| *name == found).map(|(_, meant)| *meant);
        if meant.is_none() {
            let expected = names().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(" or ");
            self.wrong_with(&expected, did_you_mean(found, names()));
        }
        meant
    }

    /// The value as the path of a file, relative to the configuration's folder.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.filled_text().map(|text| self.ctx.base_dir.join(text))
    }

    /// The value as names: one string, or a table by language.
    pub(super) fn names(&self) -> Option<Names> {
        match self.value {
            DeValue::String(_) => self.filled_text().map(Names::plain),
            DeValue::Table(_) => {
                let mut table = self.table()?;
                let mut in_language =
                    |language| table.get(language).and_then(|i| i.filled_text()).map(str::to_owned);
                let names =
                    Names { ko: in_language("ko"), zh: in_language("zh"), en: in_language("en") };
                if table.entries().is_empty() {
                    table.fault("no name; expected at least one of ko, zh, en".to_owned(), None);
                }
                table.finish();
                Some(names)
            }
            _ => {
                self.wrong("a string, or { ko = \"…\", zh = \"…\", en = \"…\" }");
                None
            }
        }
    }
}

impl Table<'_> {
    /// The name of this thing, which no other of its kind has; empty, with a
    /// fault, if there is none.
    pub(super) fn own_name(&mut self, key: &'static str, others: &mut Unique) -> String {
        let Some(item) = self.need(key, "a name of its own") else { return String::new() };
        let name = item.name().unwrap_or_default();
        others.note(&item, name);
        name.to_owned()
    }

    /// A duration above zero.
    pub(super) fn duration(&mut self, key: &'static str, default: Duration) -> Duration {
        self.duration_from(key, default, Duration::from_millis(1))
    }

    /// A duration of at least `least`.
    pub(super) fn duration_from(
        &mut self,
        key: &'static str,
        default: Duration,
        least: Duration,
    ) -> Duration {
        self.get(key).and_then(|i| i.duration(least)).unwrap_or(default)
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        self.get(key).and_then(|i| i.flag()).unwrap_or(default)
    }

    /// A whole number in a range.
    pub(super) fn whole<T: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        default: T,
        range: RangeInclusive<i64>,
    ) -> T {
        let found = self.get(key).and_then(|i| i.whole(range));
        found.and_then(|n| T::try_from(n).ok()).unwrap_or(default)
    }

    /// A share above 0 and at most 1.
    pub(super) fn share(&mut self, key: &'static str, default: f64) -> f64 {
        self.get(key).and_then(|i| i.share()).unwrap_or(default)
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        known: &[(&str, T)],
        default: T,
    ) -> T {
        self.get(key).and_then(|i| i.choice(known)).unwrap_or(default)
    }

    /// A string that says something.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.get(key).and_then(|i| i.filled_text()).map(str::to_owned)
    }
}

/// The names of one kind of thing; each may be given once.
#[derive(Default)]
pub(super) struct Unique {
    taken: BTreeSet<String>,
}

impl Unique {
    /// Notes a name; a fault at `item` if it was there before.
    pub(super) fn note(&mut self, item: &Item<'_>, name: &str) {
        if !name.is_empty() && !self.take(name) {
            item.fault(format!("{name:?} is there twice"), Some("each needs its own".to_owned()));
        }
    }

    /// Notes a name; false if it was there before.
    pub(super) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_owned())
    }

    /// Whether a name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.taken.contains(name)
    }

    /// All names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.taken.iter().map(String::as_str)
    }

    /// All names in a sentence; the first few if there are many.
    pub(super) fn sentence(&self) -> String {
        const SHOWN: usize = 12;
        let mut text = self.names().take(SHOWN).collect::<Vec<_>>().join(", ");
        if self.taken.len() > SHOWN {
            text.push_str(&format!(", … ({} in all)", self.taken.len()));
        }
        if text.is_empty() { "none".to_owned() } else { text }
    }
}
