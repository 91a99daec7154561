//! Whether the store is whole: what is kept in two ways must agree.
//!
//! The ledger counts the readings that journal and history hold or have dropped,
//! closed hours are sums of the readings that their chains lead to, notices are of events. A finding
//! says what does not hold, where, and what to do; nothing is changed.

use super::ledger::LedgerLine;
use super::read::{Reader, Res};
use super::schema::StoreError;
use super::sealed::{Kept, PartInfo};
use super::types::*;
use crate::air::{Flag, Hour, Quantity, Stamp};
use crate::rules::HourSums;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

/// Journal rows read in one step.
const STEP: usize = 10_000;
/// Findings of one kind that are listed one by one.
const LISTED_MAX: u64 = 20;

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// Where: a table, a row, a device and hour.
    pub place: String,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: &'static str,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Checked {
    /// Rows of the journal.
    pub rows: u64,
    /// Parts of sealed history that were unpacked.
    pub parts: u64,
    /// Readings in all of them.
    pub readings: u64,
    /// Readings that were there and are beyond what is kept.
    pub dropped: u64,
    /// Closed hours of series that were summed again.
    pub hours: u64,
    /// What does not hold, at most 20 of a kind.
    pub findings: Vec<Finding>,
    /// What does not hold, all of it.
    pub found: u64,
    #[serde(skip)]
    listed: BTreeMap<&'static str, u64>,
}

const RESTORE: &str = "copy the data directory away, then restore a backup; \
    without one, `sqlite3 dustline.db .recover` saves what can be read";
const REPORT: &str = "keep a copy of the data directory and report this: \
    the readings themselves are whole and can be exported";

const UNREADABLE: &str = "the disk has lost it: copy the data directory away and restore a \
    backup; without one, everything else is whole and goes on, and the rows of this part can \
    be deleted from the table `history`";

impl Checked {
    fn find(&mut self, kind: &'static str, place: String, what: String, advice: &'static str) {
        self.found += 1;
        let listed = self.listed.entry(kind).or_default();
        *listed += 1;
        if *listed <= LISTED_MAX {
            self.findings.push(Finding { place, what, advice });
        }
    }
}

impl Reader {
    /// Looks at everything that is committed. Takes as long as reading it twice.
    pub fn check(&mut self) -> Res<Checked> {
        let mut checked = Checked::default();
        self.at_once(|reader| reader.check_all(&mut checked))?;
        Ok(checked)
    }

    fn check_all(&mut self, checked: &mut Checked) -> Res<()> {
        for problem in self.all("PRAGMA quick_check(20)", [], |r| r.get::<_, String>(0))? {
            if problem != "ok" {
                checked.find("file", "the file".to_owned(), problem, RESTORE);
            }
        }
        // A damaged file is not worth a closer look, and may not bear it.
        if checked.found > 0 {
            return Ok(());
        }
        self.refresh_names()?;
        let index = self.index()?;
        let kept = self.ledger(Hour(i32::MIN), Hour(i32::MAX))?;
        let aside = self.aside_count()?;
        let mut ledger = LedgerLine::default();
        for line in kept.iter().map(|(_, line)| line).chain(index.ledger.values()) {
            ledger.messages.merge(&line.messages);
            ledger.readings.merge(&line.readings);
        }
        self.check_journal(index.seq, checked)?;
        self.check_history(checked)?;
        let dropped = self.dropped()?;
        let of_history = || dropped.iter().filter(|d| d.tier == "history");
        checked.dropped = of_history().map(|d| d.count).sum();
        check_ledger(&ledger, aside, checked);
        let before = of_history().map(|d| d.before).max();
        self.check_hours(before.unwrap_or(Hour(i32::MIN)), checked)?;
        self.check_notices(checked)?;
        Ok(())
    }

    /// Every row that is not sealed can be read, none is missing, and `prev` leads
    /// back.
    fn check_journal(&mut self, end: i64, checked: &mut Checked) -> Res<()> {
        let mut after = self.sealed_through()?;
        while after < end {
            let rows = self.journal(after, STEP)?;
            if rows.is_empty() {
                break;
            }
            for row in rows.iter().take_while(|row| row.seq <= end) {
                checked.rows += 1;
                if row.seq != after + 1 {
                    let what =
                        format!("{} rows after row {after} are missing", row.seq - after - 1);
                    checked.find("gap", "journal".to_owned(), what, RESTORE);
                }
                after = row.seq;
                let RowKind::Arrival(arrival) = &row.kind else { continue };
                checked.readings += arrival.values.len() as u64;
                if arrival.prev >= row.seq {
                    let what = format!("leads forward, to row {}", arrival.prev);
                    checked.find("chain", format!("journal row {}", row.seq), what, RESTORE);
                }
            }
        }
        Ok(())
    }

    /// The block of every part can be read, and holds what is noted of it.
    fn check_history(&mut self, checked: &mut Checked) -> Res<()> {
        let mut after = 0;
        loop {
            let parts = self.parts_after(after, STEP)?;
            let Some(last) = parts.last() else { return Ok(()) };
            after = last.upto;
            parts.iter().try_for_each(|part| self.check_part(part, checked))?;
        }
    }

    fn check_part(&mut self, part: &PartInfo, checked: &mut Checked) -> Res<()> {
        checked.parts += 1;
        let place = part.place(self.device_name(part.device));
        let rows = match self.unpack(part) {
            Err(StoreError::Damaged { what, .. }) => {
                let why = what.rsplit(": ").next().unwrap_or_default();
                let what = format!("{why}: {} readings cannot be read", part.readings);
                checked.find("block", place, what, UNREADABLE);
                return Ok(());
            }
            rows => rows?,
        };
        let readings = rows.iter().map(|r| r.values.len() as u64).sum::<u64>();
        checked.readings += readings;
        let ends = rows.first().zip(rows.last());
        let ends = ends.map(|(a, b)| (a.observed.hour(), b.observed.hour()));
        let noted = (u64::from(part.rows), u64::from(part.readings), Some((part.first, part.last)));
        if noted != (rows.len() as u64, readings, ends) {
            let what = "its block has other rows than are noted".to_owned();
            checked.find("part", place, what, REPORT);
        }
        Ok(())
    }

    /// The readings that each chain leads to make the sums that are kept. Of an hour
    /// before `whole_from` some may have been dropped: then its sums are what is left.
    fn check_hours(&mut self, whole_from: Hour, checked: &mut Checked) -> Res<()> {
        let devices: Vec<(DeviceId, String)> =
            self.devices().map(|(id, name)| (id, name.to_owned())).collect();
        for (device, name) in devices {
            for closed in self.closed_hours(device, Hour(i32::MIN), Hour(i32::MAX))? {
                let place = || format!("device {name}, hour {}", closed.hour);
                let rows = match self.chain((device, closed.hour), closed.head) {
                    Err(StoreError::Damaged { what, .. }) => {
                        checked.find("chain", place(), what, RESTORE);
                        continue;
                    }
                    rows => rows?,
                };
                let (found, noted) = (rows.len() as u64, u64::from(closed.rows));
                if found < noted && closed.hour < whole_from {
                    continue;
                }
                if found != noted {
                    let what = format!("{found} rows, where {noted} are noted");
                    checked.find("rows", place(), what, REPORT);
                }
                let sums = sums_of(&rows);
                let hour = (closed.hour, closed.hour.next());
                let start = super::query::HourPlace::START;
                for kept in self.hours_page(device, hour, None, start, usize::from(u16::MAX))? {
                    checked.hours += 1;
                    let label = self.label(kept.label).unwrap_or_default();
                    let series = (kept.quantity, label.channel, label.variant);
                    let again = sums.get(&series).map_or((0, 0), |s| (s.count(), s.sum_micro()));
                    if again != (kept.count, kept.sum_micro) {
                        let what = format!(
                            "{}: {} readings with a sum of {} µ-units are kept, but {} are there with {}",
                            kept.quantity, kept.count, kept.sum_micro, again.0, again.1
                        );
                        checked.find("sums", place(), what, REPORT);
                    }
                }
            }
        }
        Ok(())
    }

    /// Every notice is of an event, and changes can be read.
    fn check_notices(&mut self, checked: &mut Checked) -> Res<()> {
        let orphans = self.all(
            "SELECT id FROM outbox WHERE event NOT IN (SELECT id FROM events) LIMIT 100",
            [],
            |r| r.get::<_, i64>(0),
        )?;
        for id in orphans {
            let what = "its event is missing: its receiver cannot be told".to_owned();
            checked.find("notice", format!("outbox row {id}"), what, REPORT);
        }
        let unread = self.all(
            "SELECT 'changes row ' || id FROM changes WHERE NOT json_valid(data)
             UNION ALL SELECT 'events row ' || id FROM events WHERE NOT json_valid(data) LIMIT 100",
            [],
            |r| r.get::<_, String>(0),
        )?;
        for place in unread {
            checked.find("json", place, "its data is not JSON".to_owned(), REPORT);
        }
        Ok(())
    }
}

fn check_ledger(ledger: &LedgerLine, aside: u64, checked: &mut Checked) {
    if ledger.messages.quarantined != aside {
        let words = format!(
            "{} messages quarantined by the ledger, {aside} are set aside",
            ledger.messages.quarantined
        );
        checked.find("quarantine", "quarantine".to_owned(), words, REPORT);
    }
    for (what, counts) in [("messages", &ledger.messages), ("readings", &ledger.readings)] {
        if !counts.balances() {
            let words = format!(
                "{} {what} received, but {} stored + {} duplicate + {} quarantined + {} ignored",
                counts.received,
                counts.stored,
                counts.duplicate,
                counts.quarantined,
                counts.ignored
            );
            checked.find("ledger", "ledger".to_owned(), words, REPORT);
        }
    }
    if ledger.readings.stored != checked.readings + checked.dropped {
        let words = format!(
            "{} readings stored by the ledger, {} are there and {} dropped",
            ledger.readings.stored, checked.readings, checked.dropped
        );
        checked.find("count", "ledger".to_owned(), words, RESTORE);
    }
}

type Series = (Quantity, String, String);

/// The sums of each series, of the latest receipt for each instant. How much of
/// the hour is covered depends on settings and is not compared.
fn sums_of(newest_first: &[Kept]) -> BTreeMap<Series, HourSums> {
    let mut seen = HashSet::new();
    let mut counting: BTreeMap<Series, Vec<(Stamp, f64, Flag)>> = BTreeMap::new();
    for row in newest_first {
        for m in &row.values {
            let label = m.value.label.clone();
            let series = (m.value.quantity, label.channel, label.variant);
            if seen.insert((row.observed, series.clone())) {
                let reading = (row.observed, m.value.value, m.flag);
                counting.entry(series).or_default().push(reading);
            }
        }
    }
    let sums = |all: Vec<_>| HourSums::of(all, Duration::ZERO);
    counting.into_iter().map(|(series, all)| (series, sums(all))).collect()
}
