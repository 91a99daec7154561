//! The hotline's incidents and their transcripts, written and read. The store
//! keeps them as JSON: what is in it is the hotline's business.

use super::read::{Reader, Res};
use super::schema::classify;
use super::write::Writer;
use crate::air::Stamp;
use rusqlite::{OptionalExtension, Row, params};
use serde_json::Value;

/// An incident as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRow {
    /// Its row; 0 before the write.
    pub row: i64,
    /// Its id.
    pub id: String,
    /// Its case number.
    pub case: String,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// When it was opened first.
    pub opened: Stamp,
    /// When it was closed; `None` while it is open.
    pub closed: Option<Stamp>,
    /// Where it stands, as JSON.
    pub state: Value,
}

/// Which incidents to read.
#[derive(Debug, Clone, Default)]
pub struct IncidentFilter {
    /// Opened at or after this.
    pub from: Option<Stamp>,
    /// Opened before this.
    pub to: Option<Stamp>,
    /// Only open ones, or only closed ones.
    pub open: Option<bool>,
    /// Only exercises, or only real ones.
    pub exercise: Option<bool>,
    /// At most so many.
    pub limit: usize,
}

impl Writer {
    /// Keeps where an incident stands.
    pub fn put_incident(&self, i: &IncidentRow) -> Res<()> {
        self.run(
            "INSERT INTO incidents (uid, number, exercise, opened, closed, state) VALUES (?, ?, ?, ?, ?, ?)
             ON CONFLICT (uid) DO UPDATE SET closed = excluded.closed, state = excluded.state",
            params![i.id, i.case, i.exercise, i.opened.0, i.closed.map(|t| t.0), i.state.to_string()],
        )
        .map(drop)
    }

    /// Adds an entry to a transcript: its number, its hash, and all of it as
    /// canonical JSON. One of that number must not be there.
    pub fn put_entry(&self, incident: &str, number: u32, hash: &str, entry: &str) -> Res<()> {
        self.run(
            "INSERT INTO transcript (incident, number, hash, entry) VALUES (?, ?, ?, ?)",
            params![incident, number, hash, entry],
        )
        .map(drop)
    }

    /// Keeps the hotline's own state, encoded.
    pub fn put_hotline(&self, state: &[u8]) -> Res<()> {
        self.run("INSERT OR REPLACE INTO hotline (id, state) VALUES (1, ?)", [state]).map(drop)
    }

    /// The hotline's own state as kept last.
    pub fn hotline(&self) -> Res<Option<Vec<u8>>> {
        self.conn
            .query_row("SELECT state FROM hotline WHERE id = 1", [], |r| r.get(0))
            .optional()
            .map_err(|e| classify(&self.path, e))
    }

    /// Every transcript there is, as JSON texts, in the order of opening.
    pub fn transcripts(&self) -> Res<Vec<Vec<String>>> {
        let run = || {
            let mut statement = self.conn.prepare(
                "SELECT i.id, t.entry FROM incidents i JOIN transcript t ON t.incident = i.uid
                 ORDER BY i.id, t.number",
            )?;
            let entries = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?;
            entries.collect::<rusqlite::Result<Vec<(i64, String)>>>()
        };
        let entries = run().map_err(|e| classify(&self.path, e))?;
        let chunks = entries.chunk_by(|a, b| a.0 == b.0);
        Ok(chunks.map(|c| c.iter().map(|(_, entry)| entry.clone()).collect()).collect())
    }
}

const COLUMNS: &str = "id, uid, number, exercise, opened, closed, state";

impl Reader {
    /// Incidents in the order of opening, after a row.
    pub fn incidents(&self, filter: &IncidentFilter, after: i64) -> Res<Vec<IncidentRow>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM incidents
             WHERE id > ?1 AND opened >= ?2 AND opened < ?3
               AND (?4 IS NULL OR (closed IS NULL) = ?4) AND (?5 IS NULL OR exercise = ?5)
             ORDER BY id LIMIT ?6"
        );
        let bounds = params![
            after,
            filter.from.map_or(i64::MIN, |t| t.0),
            filter.to.map_or(i64::MAX, |t| t.0),
            filter.open,
            filter.exercise,
            i64::try_from(filter.limit).unwrap_or(i64::MAX)
        ];
        self.all(&sql, bounds, incident_of)
    }

    /// One incident by its id or case number.
    pub fn incident(&self, id_or_case: &str) -> Res<Option<IncidentRow>> {
        let sql = format!("SELECT {COLUMNS} FROM incidents WHERE uid = ?1 OR number = ?1");
        Ok(self.all(&sql, [id_or_case], incident_of)?.pop())
    }

    /// The entries of an incident's transcript by its id, each as it was written.
    pub fn transcript(&self, incident: &str) -> Res<Vec<Value>> {
        let sql = "SELECT entry FROM transcript WHERE incident = ? ORDER BY number";
        self.all(sql, [incident], entry_of)
    }

    /// One of the entries by its number.
    pub fn entry(&self, incident: &str, number: u32) -> Res<Option<Value>> {
        let sql = "SELECT entry FROM transcript WHERE incident = ? AND number = ?";
        Ok(self.all(sql, params![incident, number], entry_of)?.pop())
    }

    /// How many incidents are open: real ones, exercises.
    pub fn incidents_open(&self) -> Res<(u64, u64)> {
        let sql = "SELECT count(*) FILTER (WHERE NOT exercise), count(*) FILTER (WHERE exercise)
                   FROM incidents WHERE closed IS NULL";
        Ok(self.all(sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?.pop().unwrap_or_default())
    }
}

fn entry_of(r: &Row<'_>) -> rusqlite::Result<Value> {
    let text: String = r.get(0)?;
    // Whoever checks the chain finds what is no JSON, at its place.
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

fn incident_of(r: &Row<'_>) -> rusqlite::Result<IncidentRow> {
    Ok(IncidentRow {
        row: r.get(0)?,
        id: r.get(1)?,
        case: r.get(2)?,
        exercise: r.get(3)?,
        opened: Stamp(r.get(4)?),
        closed: r.get::<_, Option<i64>>(5)?.map(Stamp),
        state: serde_json::from_str(&r.get::<_, String>(6)?).unwrap_or_default(),
    })
}
