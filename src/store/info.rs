//! How large the store is, of what, and how fast it grows.

use super::read::{Reader, Res};
use super::retain::Dropped;
use crate::air::{Hour, Stamp};
use std::time::Duration;

/// The time over which growth is measured.
const DAY: Duration = Duration::from_secs(86_400);

/// The size of the store and of its parts.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Info {
    /// Bytes of the file.
    pub file: u64,
    /// Bytes of the write-ahead log beside it.
    pub wal: u64,
    /// Bytes of tables with their indices, the largest first.
    pub tables: Vec<TableInfo>,
    /// Where readings and their hours are: in the journal, sealed, closed.
    pub tiers: Vec<Tier>,
    /// Receipt of the oldest row of the journal, as RFC 3339.
    pub oldest: Option<String>,
    /// Receipt of the newest.
    pub newest: Option<String>,
    /// Readings stored so far, by the ledger.
    pub readings: u64,
    /// Bytes of the file for each of them.
    pub bytes_per_reading: Option<f64>,
    /// Bytes that a day brings: the readings of the last day, at the size that those
    /// have on average that are sealed or, without any, all. `None` without a whole day.
    pub bytes_per_day: Option<u64>,
    /// Bytes free on the disk.
    pub free: Option<u64>,
    /// Days until the disk is full, at that pace.
    pub days_left: Option<f64>,
}

/// What lies where.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Tier {
    /// `journal`, `history` or `hours`.
    pub name: &'static str,
    /// Bytes on disk, with indices.
    pub bytes: u64,
    /// Readings in it; of `hours`, closed hours of series.
    pub values: u64,
    /// Bytes for each of them.
    pub bytes_per_value: Option<f64>,
    /// The oldest time in it, as RFC 3339: of receipt in the journal, else of the hour.
    pub oldest: Option<String>,
    /// The newest such time.
    pub newest: Option<String>,
    /// What was dropped of it, by the limit that it was beyond.
    pub dropped: Vec<Gone>,
}

/// What was dropped of a tier.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Gone {
    /// The limit: `age`, `size` or `hard`.
    pub beyond: &'static str,
    /// Readings; of `hours`, closed hours of series.
    pub values: u64,
    /// From this hour on nothing is missing, as RFC 3339.
    pub before: String,
    /// When something was dropped last, as RFC 3339.
    pub at: String,
}

/// The size of one table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TableInfo {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its bytes on disk, with its indices.
    pub bytes: u64,
}

impl Gone {
    fn of(dropped: &Dropped) -> Gone {
        Gone {
            beyond: dropped.beyond,
            values: dropped.count,
            before: dropped.before.start().to_string(),
            at: dropped.at.to_string(),
        }
    }
}

impl Reader {
    /// Measures the store. Reads the whole file once.
    pub fn info(&mut self) -> Res<Info> {
        let sizes = self.all(
            "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat d JOIN sqlite_schema s ON s.name = d.name
             WHERE d.aggregate = TRUE GROUP BY s.tbl_name ORDER BY 2 DESC",
            [],
            |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)),
        )?;
        let mut tables = Vec::with_capacity(sizes.len());
        for (name, bytes) in sizes {
            let rows = self.number(&format!("SELECT count(*) FROM \"{name}\""))? as u64;
            tables.push(TableInfo { name, rows, bytes: bytes as u64 });
        }
        let index = self.index()?;
        let running: u64 = index.ledger.values().map(|l| l.readings.stored).sum();
        let readings = self.number("SELECT sum(r_stored) FROM ledger")? as u64 + running;
        let (file, wal) = self.files();
        let tiers = self.tiers(&tables, readings)?;
        let bytes_per_day = self.bytes_per_day(file, readings, &tiers)?;
        let free = self.free();
        let journal = tiers.first();
        Ok(Info {
            file,
            wal,
            tables,
            oldest: journal.and_then(|t| t.oldest.clone()),
            newest: journal.and_then(|t| t.newest.clone()),
            readings,
            bytes_per_reading: (readings > 0).then(|| file as f64 / readings as f64),
            bytes_per_day,
            free,
            days_left: free.zip(bytes_per_day.filter(|b| *b > 0)).map(|(f, b)| f as f64 / b as f64),
            tiers,
        })
    }

    fn tiers(&self, tables: &[TableInfo], readings: u64) -> Res<Vec<Tier>> {
        let bytes = |name: &str| tables.iter().find(|t| t.name == name).map_or(0, |t| t.bytes);
        let counted = "upto <= (SELECT through FROM sealed)";
        let sealed =
            self.number(&format!("SELECT sum(readings) FROM history WHERE {counted}"))? as u64;
        let hours = self.number("SELECT count(*) FROM hours")? as u64;
        let gone = self.dropped()?;
        let hour = |n: i64| Hour(n as i32).start();
        let tier = |name: &'static str, values: u64, ends: Option<(Stamp, Stamp)>| Tier {
            name,
            bytes: bytes(name),
            values,
            bytes_per_value: (values > 0).then(|| bytes(name) as f64 / values as f64),
            oldest: ends.map(|(oldest, _)| oldest.to_string()),
            newest: ends.map(|(_, newest)| newest.to_string()),
            dropped: gone.iter().filter(|d| d.tier == name).map(Gone::of).collect(),
        };
        let dropped: u64 = gone.iter().filter(|d| d.tier == "history").map(|d| d.count).sum();
        let rows = "journal WHERE seq > (SELECT through FROM sealed)";
        let journal = self.ends("min(received), max(received)", rows)?;
        let history = self.ends("min(first), max(last)", &format!("history WHERE {counted}"))?;
        let closed = self.ends("min(hour), max(hour)", "hours")?;
        let hourly = |ends: Option<(i64, i64)>| ends.map(|(a, b)| (hour(a), hour(b)));
        let journal = journal.map(|(a, b)| (Stamp(a), Stamp(b)));
        Ok(vec![
            tier("journal", readings.saturating_sub(sealed + dropped), journal),
            tier("history", sealed, hourly(history)),
            tier("hours", hours, hourly(closed)),
        ])
    }

    /// The least and the greatest of something; `None` where there is nothing.
    fn ends(&self, what: &str, of: &str) -> Res<Option<(i64, i64)>> {
        let both = |r: &rusqlite::Row<'_>| Ok(Option::zip(r.get(0)?, r.get(1)?));
        let found = self.all(&format!("SELECT {what} FROM {of}"), [], both)?;
        Ok(found.into_iter().next().flatten())
    }

    fn bytes_per_day(&self, file: u64, readings: u64, tiers: &[Tier]) -> Res<Option<u64>> {
        let end = Stamp(self.number("SELECT received FROM journal ORDER BY seq DESC LIMIT 1")?);
        let since = end.minus(DAY).hour();
        let first = self.number("SELECT min(hour) FROM ledger")?;
        let [journal, history, ..] = tiers else { return Ok(None) };
        if end == Stamp(0) || first == 0 || first > i64::from(since.0) {
            return Ok(None);
        }
        let each = match history.values {
            0 => file as f64 / readings.max(1) as f64,
            _ => file.saturating_sub(journal.bytes) as f64 / history.values as f64,
        };
        let sql = format!("SELECT sum(r_stored) FROM ledger WHERE hour >= {}", since.0);
        Ok(Some((self.number(&sql)? as f64 * each) as u64))
    }
}

#[cfg(test)]
mod tests {
    use crate::store::{Reader, Writer};

    #[test]
    fn a_store_in_which_nothing_is_yet_is_described_too() {
        let dir = tempfile::tempdir().unwrap();
        drop(Writer::open(dir.path()).unwrap());
        let info = Reader::open(dir.path()).unwrap().info().unwrap();
        assert!(info.tiers.iter().all(|tier| tier.values == 0));
    }
}
