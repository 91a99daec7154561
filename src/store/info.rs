//! How large the store is, of what, and how fast it grows.

use super::read::{Reader, Res};
use crate::air::Stamp;
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
    /// Receipt of the oldest row of the journal, as RFC 3339.
    pub oldest: Option<String>,
    /// Receipt of the newest.
    pub newest: Option<String>,
    /// Readings stored so far, by the ledger.
    pub readings: u64,
    /// Bytes of the file for each of them.
    pub bytes_per_reading: Option<f64>,
    /// Bytes that a day brings: the rows of the last day, at the size that rows
    /// have on average. `None` without a whole day.
    pub bytes_per_day: Option<u64>,
    /// Bytes free on the disk.
    pub free: Option<u64>,
    /// Days until the disk is full, at that pace.
    pub days_left: Option<f64>,
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
        let bytes_per_day = self.bytes_per_day(file)?;
        let free = self.free();
        let journal = |end: &str| self.number(&format!("SELECT {end}(received) FROM journal"));
        let any = self.number("SELECT count(*) FROM (SELECT 1 FROM journal LIMIT 1)")? > 0;
        Ok(Info {
            file,
            wal,
            tables,
            oldest: if any { Some(Stamp(journal("min")?).to_string()) } else { None },
            newest: if any { Some(Stamp(journal("max")?).to_string()) } else { None },
            readings,
            bytes_per_reading: (readings > 0).then(|| file as f64 / readings as f64),
            bytes_per_day,
            free,
            days_left: free.zip(bytes_per_day.filter(|b| *b > 0)).map(|(f, b)| f as f64 / b as f64),
        })
    }

    fn bytes_per_day(&self, file: u64) -> Res<Option<u64>> {
        let end = self.number("SELECT received FROM journal ORDER BY seq DESC LIMIT 1")?;
        let begin = self.number("SELECT received FROM journal ORDER BY seq LIMIT 1")?;
        let since = Stamp(end).minus(DAY);
        if end == 0 || Stamp(begin) > since {
            return Ok(None);
        }
        let rows = self.number("SELECT count(*) FROM journal")?.max(1) as u64;
        let sql = format!("SELECT count(*) FROM journal WHERE received > {}", since.0);
        Ok(Some(self.number(&sql)? as u64 * file / rows))
    }
}
