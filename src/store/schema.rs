//! The file: where it lies, who may open it, which version it is.

use super::disk::{is_full, says_full};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The version of the schema that this program writes.
pub const VERSION: i32 = VERSIONS.len() as i32;
/// How long one connection waits for another's lock.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// Says in the file's header whose it is: "Dust".
const APPLICATION_ID: i32 = 0x4475_7374;

/// Why the store cannot be used. Each says which file, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data directory.
    #[error("{path}: in use by another dustline; stop that one or choose another data_dir")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The directory or file cannot be opened.
    #[error("{path}: {source}; check that it exists and belongs to the user that runs dustline")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no store.
    #[error("{path}: no store here; give the data_dir of a dustline that has run")]
    Absent {
        /// The file looked for.
        path: PathBuf,
    },
    /// The file is not ours.
    #[error("{path}: not a dustline store; move it away or choose another data_dir")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer program.
    #[error(
        "{path}: written by a newer dustline (schema {found}, this one knows {known}); run that version, nothing was changed"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
        /// Ours.
        known: i32,
    },
    /// The state of the judgement cannot be read, nor made anew.
    #[error(
        "{path}: the judgement's state in it is of another version, and the journal that it could be made from is sealed up to row {through}; run the dustline that wrote it, nothing was changed"
    )]
    State {
        /// The file.
        path: PathBuf,
        /// The last row that is sealed.
        through: i64,
    },
    /// The file is damaged.
    #[error(
        "{path}: damaged ({what}); nothing was changed: copy the file away, then restore a backup or run `sqlite3 {path} .recover`"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// There is no room left for what was to be written; nothing of it was.
    #[error("{path}: the disk is full; make room there, and it goes on by itself")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// SQLite failed.
    #[error("{path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
}

/// The database file of a data directory.
pub fn file(dir: &Path) -> PathBuf {
    dir.join("dustline.db")
}

/// Locks the data directory for one writing process. The lock lives as long as
/// the returned file; the kernel lets it go when the process dies.
pub fn lock(dir: &Path) -> Result<File, StoreError> {
    let refused = |path: &Path, source: std::io::Error| {
        let path = path.to_owned();
        match says_full(&source) {
            true => StoreError::Full { path },
            false => StoreError::Io { path, source },
        }
    };
    std::fs::create_dir_all(dir).map_err(|e| refused(dir, e))?;
    let path = dir.join("lock");
    let io = |source| refused(&path, source);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path }),
        Err(std::fs::TryLockError::Error(e)) => Err(io(e)),
    }
}

/// Opens the file for the one writer; makes it if it is not there.
pub fn open_writer(dir: &Path) -> Result<Connection, StoreError> {
    let path = file(dir);
    let conn = Connection::open(&path).map_err(|e| classify(&path, e))?;
    conn.busy_timeout(BUSY_MAX).map_err(|e| classify(&path, e))?;
    let found = identity(&conn, &path)?;
    // Only now: these settings are written into the file.
    prepare(&conn).map_err(|e| classify(&path, e))?;
    let steps = VERSIONS.get(found as usize..).unwrap_or_default();
    if !steps.is_empty() {
        // In one transaction with the marks that say whose it is and how far: a
        // file killed between the two would be nobody's.
        let marks =
            format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};");
        conn.execute_batch(&format!("BEGIN IMMEDIATE; {} {marks} COMMIT;", steps.concat()))
            .map_err(|e| classify(&path, e))?;
    }
    Ok(conn)
}

/// Opens the file for reading only; it must be there.
pub fn open_reader(dir: &Path) -> Result<Connection, StoreError> {
    let path = file(dir);
    if !path.exists() {
        return Err(StoreError::Absent { path });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&path, flags).map_err(|e| classify(&path, e))?;
    conn.busy_timeout(BUSY_MAX).map_err(|e| classify(&path, e))?;
    steady(&conn).map_err(|e| classify(&path, e))?;
    let version = identity(&conn, &path)?;
    for (_, tables) in STAND_INS.iter().filter(|(since, _)| version < *since) {
        conn.execute_batch(tables).map_err(|e| classify(&path, e))?;
    }
    Ok(conn)
}

fn prepare(conn: &Connection) -> rusqlite::Result<()> {
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "cache_size", -16_384)?;
    conn.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    steady(conn)
}

/// Statements are prepared once: without the planner's stability guarantee SQLite
/// prepares one anew whenever a parameter has another value that might matter.
fn steady(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_prepared_statement_cache_capacity(64);
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// The schema version of the file, 0 for a fresh one; refuses what is not ours.
fn identity(conn: &Connection, path: &Path) -> Result<i32, StoreError> {
    let get = |name| conn.pragma_query_value(None, name, |r| r.get::<_, i32>(0));
    let version = get("user_version").map_err(|e| classify(path, e))?;
    let owner = get("application_id").map_err(|e| classify(path, e))?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_master", [], |r| r.get(0))
        .map_err(|e| classify(path, e))?;
    if tables > 0 && owner != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if version > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known: VERSION });
    }
    Ok(version)
}

/// Tells damage from a full disk and from anything else. A failed sync is neither:
/// what was written before it may be lost, and only a restart tells.
pub fn classify(path: &Path, e: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase};
    let path = path.to_owned();
    match e.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => StoreError::Damaged { path, what: e.to_string() },
        Some(DiskFull) => StoreError::Full { path },
        _ if could_not_write(&e) && path.parent().is_some_and(is_full) => StoreError::Full { path },
        _ => StoreError::Sqlite { path, source: e },
    }
}

/// Whether bytes could not be written, be it for want of room or for a fault of the disk.
fn could_not_write(e: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
    let code = e.sqlite_error().map(|e| e.extended_code);
    code.is_some_and(|code| [SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE].contains(&code))
}

/// What leads from each version to the next, from the empty file on. A step that
/// a released program has taken never changes; a new version is a new step.
const VERSIONS: [&str; 12] = [
    VERSION_1, VERSION_2, VERSION_3, VERSION_4, VERSION_5, VERSION_6, VERSION_7, VERSION_8,
    VERSION_9, VERSION_10, VERSION_11, VERSION_12,
];

const VERSION_1: &str = "
CREATE TABLE sources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, filters TEXT NOT NULL DEFAULT '');
CREATE TABLE devices (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, source INTEGER NOT NULL, last INTEGER NOT NULL DEFAULT 0);
CREATE TABLE labels (id INTEGER PRIMARY KEY, channel TEXT NOT NULL, variant TEXT NOT NULL, UNIQUE (channel, variant));
-- tag: bits 0-2 bucket (0: not an arrival), 3 continues, 4 device time, 5 revises;
-- where bits 0-2 are 0, bits 3.. tell the kind: 0 zone closed, 1 devices closed, 2 overload, 3 zone revised,
-- 4 new session
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY, tag INTEGER NOT NULL, received INTEGER NOT NULL, source INTEGER,
  device INTEGER, observed INTEGER, prev INTEGER, packet INTEGER, digest INTEGER, body BLOB);
CREATE TABLE chains (device INTEGER NOT NULL, hour INTEGER NOT NULL, head INTEGER NOT NULL,
  newest INTEGER NOT NULL, rows INTEGER NOT NULL, sorted INTEGER NOT NULL,
  PRIMARY KEY (device, hour)) WITHOUT ROWID;
CREATE TABLE hours (device INTEGER NOT NULL, hour INTEGER NOT NULL, quantity INTEGER NOT NULL,
  label INTEGER NOT NULL, count INTEGER NOT NULL, sum_micro INTEGER NOT NULL, min_micro INTEGER NOT NULL,
  max_micro INTEGER NOT NULL, minutes INTEGER NOT NULL, flagged INTEGER NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (device, hour, quantity, label)) WITHOUT ROWID;
CREATE UNIQUE INDEX hours_revision ON hours (revision);
CREATE TABLE zone_hours (zone TEXT NOT NULL, quantity INTEGER NOT NULL, hour INTEGER NOT NULL,
  sum_micro INTEGER NOT NULL, stations INTEGER NOT NULL, expected INTEGER NOT NULL, valid INTEGER NOT NULL,
  PRIMARY KEY (zone, quantity, hour)) WITHOUT ROWID;
CREATE TABLE ledger (hour INTEGER NOT NULL, source INTEGER NOT NULL, device INTEGER NOT NULL,
  received INTEGER NOT NULL, stored INTEGER NOT NULL, duplicate INTEGER NOT NULL, quarantined INTEGER NOT NULL,
  ignored INTEGER NOT NULL, r_received INTEGER NOT NULL, r_stored INTEGER NOT NULL, r_duplicate INTEGER NOT NULL,
  r_quarantined INTEGER NOT NULL, r_ignored INTEGER NOT NULL,
  PRIMARY KEY (hour, source, device)) WITHOUT ROWID;
CREATE TABLE quarantine (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, source INTEGER NOT NULL,
  topic BLOB NOT NULL, payload BLOB NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE changes (id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, ladder TEXT NOT NULL, scope TEXT NOT NULL,
  from_level TEXT NOT NULL, to_level TEXT NOT NULL, at INTEGER NOT NULL, late INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX changes_at ON changes (at);
CREATE TABLE levels (ladder TEXT NOT NULL, scope TEXT NOT NULL, level TEXT NOT NULL, since INTEGER NOT NULL,
  value REAL, inputs TEXT NOT NULL, ruleset TEXT NOT NULL, unknown_since INTEGER,
  PRIMARY KEY (ladder, scope)) WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, subject TEXT NOT NULL,
  time INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE outbox (id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, event INTEGER NOT NULL REFERENCES events (id),
  receiver TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,
  next INTEGER NOT NULL, last TEXT, done INTEGER);
CREATE INDEX outbox_state ON outbox (state, id);
CREATE TABLE disabled_receivers (receiver TEXT PRIMARY KEY, at INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE conditions (kind TEXT NOT NULL, subject TEXT NOT NULL, since INTEGER NOT NULL, detail TEXT NOT NULL,
  PRIMARY KEY (kind, subject)) WITHOUT ROWID;
CREATE TABLE cursors (target TEXT PRIMARY KEY, journal INTEGER NOT NULL, change INTEGER NOT NULL, hour INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE snapshot (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, fold BLOB NOT NULL, state BLOB NOT NULL);
";

/// What messages said for those to come.
const VERSION_2: &str = "
CREATE TABLE remembered (id INTEGER PRIMARY KEY, source INTEGER NOT NULL, key TEXT NOT NULL,
  value TEXT NOT NULL, at INTEGER NOT NULL, UNIQUE (source, key));
";

/// Forecasts; in the journal the further kinds 5 forecast and 6 decided.
const VERSION_3: &str = "
CREATE TABLE forecasts (seq INTEGER PRIMARY KEY, received INTEGER NOT NULL, issuer TEXT NOT NULL,
  issued_at INTEGER NOT NULL, zone TEXT NOT NULL, quantity TEXT NOT NULL, starts INTEGER NOT NULL,
  ends INTEGER NOT NULL, value REAL NOT NULL, cause TEXT, revision INTEGER NOT NULL,
  UNIQUE (zone, quantity, starts, ends, issuer, issued_at, revision));
";

/// The hotline: its state, its incidents, their transcripts.
const VERSION_4: &str = "
CREATE TABLE hotline (id INTEGER PRIMARY KEY CHECK (id = 1), state BLOB NOT NULL);
CREATE TABLE incidents (id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, number TEXT NOT NULL,
  exercise INTEGER NOT NULL, opened INTEGER NOT NULL, closed INTEGER, state TEXT NOT NULL);
CREATE INDEX incidents_number ON incidents (number);
CREATE TABLE transcript (incident TEXT NOT NULL, number INTEGER NOT NULL, hash TEXT NOT NULL, entry TEXT NOT NULL,
  PRIMARY KEY (incident, number)) WITHOUT ROWID;
";

/// Quarantine that can be left again; in the journal the further kind 7.
const VERSION_5: &str = "
ALTER TABLE quarantine ADD COLUMN retained INTEGER NOT NULL DEFAULT 0;
CREATE TABLE ledger_moves (left INTEGER NOT NULL, hour INTEGER NOT NULL, source INTEGER NOT NULL,
  bucket INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (left, hour, source, bucket)) WITHOUT ROWID;
";

/// One-time links that were used.
const VERSION_6: &str = "
CREATE TABLE used_links (link TEXT PRIMARY KEY, at INTEGER NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID;
";

/// The daily statements of the ledger.
const VERSION_7: &str = "
CREATE TABLE statements (day INTEGER PRIMARY KEY, hash TEXT NOT NULL, statement TEXT NOT NULL);
";

/// What targets are sent once more, and how far they were read back.
const VERSION_8: &str = "
CREATE TABLE replays (id INTEGER PRIMARY KEY, target TEXT NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
  device INTEGER NOT NULL, hour INTEGER NOT NULL, points INTEGER NOT NULL, asked INTEGER NOT NULL, done INTEGER);
CREATE TABLE read_back (target TEXT PRIMARY KEY, hour INTEGER NOT NULL) WITHOUT ROWID;
";

/// Sealed history, and how far the journal is sealed.
const VERSION_9: &str = "
CREATE TABLE history (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, upto INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, rows INTEGER NOT NULL, readings INTEGER NOT NULL, block BLOB NOT NULL);
CREATE INDEX history_device ON history (device, last, first, upto, rows);
CREATE UNIQUE INDEX history_upto ON history (upto);
CREATE TABLE sealed (id INTEGER PRIMARY KEY CHECK (id = 1), through INTEGER NOT NULL);
INSERT INTO sealed (id, through) VALUES (1, 0);
";

/// What was dropped, by table and by what it was beyond, and the oldest parts first.
const VERSION_10: &str = "
CREATE TABLE dropped (tier TEXT NOT NULL, beyond TEXT NOT NULL, count INTEGER NOT NULL, before INTEGER NOT NULL,
  at INTEGER NOT NULL, PRIMARY KEY (tier, beyond)) WITHOUT ROWID;
CREATE INDEX history_age ON history (last, upto, readings, length(block));
";

/// The stations that the mean of a zone's hour is without: their ids as a list in JSON,
/// or nothing.
const VERSION_11: &str = "
ALTER TABLE zone_hours ADD COLUMN left_out TEXT;
";

/// Points that targets refused.
const VERSION_12: &str = "
CREATE TABLE refused (id INTEGER PRIMARY KEY, target TEXT NOT NULL, measurement TEXT NOT NULL, source TEXT NOT NULL,
  device TEXT NOT NULL, series TEXT NOT NULL, time INTEGER NOT NULL, line TEXT NOT NULL, why TEXT NOT NULL,
  at INTEGER NOT NULL, UNIQUE (target, measurement, source, device, series, time));
";

/// What stands for later tables in a store of an older version that is only read,
/// by the version that has them: nothing is sealed there, nothing dropped, no station
/// left out, and nothing refused.
const STAND_INS: [(i32, &str); 4] = [
    (
        9,
        "CREATE TEMP TABLE history (device, upto, first, last, rows, readings, block);
         CREATE TEMP TABLE sealed AS SELECT 1 AS id, 0 AS through;",
    ),
    (10, "CREATE TEMP TABLE dropped (tier, beyond, count, before, at);"),
    (11, "CREATE TEMP VIEW zone_hours AS SELECT *, NULL AS left_out FROM main.zone_hours;"),
    (
        12,
        "CREATE TEMP TABLE refused (id, target, measurement, source, device, series, time, line, why, at);",
    ),
];

#[cfg(test)]
mod tests;
