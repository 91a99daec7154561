//! Checking statements with nothing but the public key.

use super::day::Day;
use super::make::Document;
use super::sign::{PublicKey, hash_of, text_of};
use serde_json::Value;

/// `previous` of the first statement.
pub(super) const NONE_BEFORE: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// What does not hold, and of which statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Fault {
    /// The day, or the place in the list where there is no day.
    pub place: String,
    /// In words.
    pub what: String,
}

/// What was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Statements.
    pub statements: usize,
    /// The first and the last day.
    pub days: Option<(Day, Day)>,
    /// The hash of the last.
    pub head: String,
    /// Whose they are.
    pub key: PublicKey,
    /// Whether the first is the first there is.
    pub from_the_start: bool,
}

/// Checks statements of consecutive days, the oldest first: hashes, signatures, the
/// chain, and that the numbers add up. Without a `key` it is that of the first
/// statement, which says only that all are by the same.
///
/// # Errors
/// Everything that does not hold.
pub fn verify(statements: &[Document], key: Option<&PublicKey>) -> Result<Verified, Vec<Fault>> {
    let own = statements.first().and_then(|s| text(s, "key")).and_then(PublicKey::parse);
    let Some(key) = key.cloned().or(own) else {
        let what = "no statement with a `key` of the form whpk_…".to_owned();
        return Err(vec![Fault { place: "statement 1".to_owned(), what }]);
    };
    let mut faults = Vec::new();
    let mut before: Option<(Day, String)> = None;
    let mut first = None;
    for (number, statement) in statements.iter().enumerate() {
        let day = text(statement, "day").and_then(Day::parse);
        let place = day.map_or(format!("statement {}", number + 1), |d| d.to_string());
        let mut find = |what: String| faults.push(Fault { place: place.clone(), what });
        match link(statement, day, before.as_ref()) {
            Ok(()) => {}
            Err(what) => find(what),
        }
        seal(statement, &key).into_iter().chain(sums(statement)).for_each(&mut find);
        let hash = text(statement, "hash").unwrap_or_default().to_owned();
        first = first.or(day);
        before = Some((day.unwrap_or(Day(0)), hash));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let (last, head) = before.unzip();
    Ok(Verified {
        statements: statements.len(),
        days: first.zip(last),
        head: head.unwrap_or_default(),
        key,
        from_the_start: statements.first().and_then(|s| text(s, "previous")) == Some(NONE_BEFORE),
    })
}

/// The statement follows the one before.
fn link(
    statement: &Document,
    day: Option<Day>,
    before: Option<&(Day, String)>,
) -> Result<(), String> {
    let day = day.ok_or("`day` is not a day such as 2024-01-10")?;
    let Some((last, hash)) = before else { return Ok(()) };
    if day != last.next() {
        return Err(format!("follows {last}: a day is missing, twice or out of order"));
    }
    if text(statement, "previous") != Some(hash) {
        return Err(format!("`previous` is not the hash of {last}"));
    }
    Ok(())
}

/// Hash and signature.
fn seal(statement: &Document, key: &PublicKey) -> Option<String> {
    let Some(signed) = text_of(statement) else {
        return Some("a number in it is not whole".to_owned());
    };
    if text(statement, "hash") != Some(&hash_of(&signed)) {
        return Some("`hash` is not that of its contents: it was changed".to_owned());
    }
    let signature = text(statement, "signature").unwrap_or_default();
    (!key.signed(&signed, signature)).then(|| format!("not signed by {key}"))
}

/// What does not add up in the numbers.
fn sums(statement: &Document) -> Vec<String> {
    let mut faults = Vec::new();
    let hours = list(statement, "hours");
    for of in ["messages", "readings"] {
        let all = Sum::of(statement.get(of));
        let mut sum = Sum::default();
        for hour in hours {
            let part = Sum::of(hour.get(of));
            if !part.balances() {
                let at = hour.get("hour").and_then(Value::as_str).unwrap_or("?");
                faults.push(format!("{of} of {at} do not balance"));
            }
            sum.add(&part);
        }
        if !all.balances() {
            faults.push(format!("{of} do not balance"));
        }
        if all != sum {
            faults.push(format!("{of} are not the sum of the hours"));
        }
    }
    let stored = Sum::of(statement.get("readings")).stored;
    for target in list(statement, "targets") {
        let parts = ["forwarded", "pending", "held"].map(|key| number(Some(target), key));
        if parts.iter().sum::<u64>() != stored {
            let name = target.get("target").and_then(Value::as_str).unwrap_or("?");
            faults.push(format!("{name}: stored is not forwarded + pending + held"));
        }
    }
    faults
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    received: u64,
    stored: u64,
    others: u64,
}

impl Sum {
    fn of(counts: Option<&Value>) -> Sum {
        let of = |key| number(counts, key);
        Sum {
            received: of("received"),
            stored: of("stored"),
            others: of("duplicate").saturating_add(of("quarantined")).saturating_add(of("ignored")),
        }
    }

    fn add(&mut self, other: &Sum) {
        self.received = self.received.saturating_add(other.received);
        self.stored = self.stored.saturating_add(other.stored);
        self.others = self.others.saturating_add(other.others);
    }

    fn balances(&self) -> bool {
        self.received == self.stored.saturating_add(self.others)
    }
}

fn text<'a>(statement: &'a Document, key: &str) -> Option<&'a str> {
    statement.get(key).and_then(Value::as_str)
}

fn list<'a>(statement: &'a Document, key: &str) -> &'a [Value] {
    statement.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A count; what is none is more than any sum can be.
fn number(of: Option<&Value>, key: &str) -> u64 {
    of.and_then(|v| v.get(key)).and_then(Value::as_u64).filter(|n| *n < 1 << 53).unwrap_or(1 << 60)
}

#[cfg(test)]
mod tests;
