//! A consistent copy of the store while a daemon writes to it.

use super::read::{Reader, Res};
use super::schema::{StoreError, classify, file};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use std::fs::File;
use std::path::Path;

/// Pages copied in one step: about 4 MB.
const PAGES: i32 = 1_000;

impl Reader {
    /// Copies everything that is committed now into `dir`, which can then be used
    /// as a data directory. A copy that is there already is replaced once the
    /// new one is complete and on disk. `progress` is told pages left and pages in all.
    /// Returns the size of the copy in bytes.
    ///
    /// # Errors
    /// If the copy cannot be written or is damaged; an earlier copy stays then.
    pub fn backup(&self, dir: &Path, mut progress: impl FnMut(i32, i32)) -> Res<u64> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Io { path, source }
        };
        std::fs::create_dir_all(dir).map_err(io(dir))?;
        let (whole, partial) = (file(dir), dir.join("dustline.db.partial"));
        // What is left of a copy that was broken off would be taken for its beginning.
        match std::fs::remove_file(&partial) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io(&partial)(e)),
            _ => {}
        }
        self.copy(&partial, &mut progress).map_err(|e| classify(&partial, e))?;
        let copy = File::open(&partial).map_err(io(&partial))?;
        copy.sync_all().map_err(io(&partial))?;
        let bytes = copy.metadata().map_err(io(&partial))?.len();
        std::fs::rename(&partial, &whole).map_err(io(&whole))?;
        File::open(dir).and_then(|d| d.sync_all()).map_err(io(dir))?;
        Ok(bytes)
    }

    fn copy(&self, partial: &Path, progress: &mut impl FnMut(i32, i32)) -> rusqlite::Result<()> {
        let from = self.connection();
        let mut to = Connection::open(partial)?;
        // One snapshot for the whole copy: it is not begun again when something is written.
        from.execute_batch("BEGIN; SELECT count(*) FROM sqlite_master;")?;
        let copied = copy_all(from, &mut to, progress);
        from.execute_batch("COMMIT")?;
        copied?;
        let verdict: String = to.query_row("PRAGMA quick_check(1)", [], |r| r.get(0))?;
        if verdict != "ok" {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(code, Some(verdict)));
        }
        Ok(())
    }
}

fn copy_all(
    from: &Connection,
    to: &mut Connection,
    progress: &mut impl FnMut(i32, i32),
) -> rusqlite::Result<()> {
    let backup = Backup::new(from, to)?;
    loop {
        match backup.step(PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {
                let at = backup.progress();
                progress(at.remaining, at.pagecount);
            }
            // Nobody else knows the copy, and reading waits for no writer.
            _ => {
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
                return Err(rusqlite::Error::SqliteFailure(code, None));
            }
        }
    }
}
