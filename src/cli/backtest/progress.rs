//! A progress bar on standard error, if that is a terminal.

use std::cell::Cell;
use std::fs::File;
use std::io::{IsTerminal, Read, Result, Write, stderr};
use std::time::{Duration, Instant};

/// How often the bar is drawn at most.
const REDRAW: Duration = Duration::from_millis(100);
/// Cells of the bar.
const WIDTH: u64 = 30;

/// How much of several files has been read.
pub(in crate::cli) struct Progress {
    total: u64,
    done: Cell<u64>,
    /// When it was last drawn; `None`: nobody would see it.
    drawn: Option<Cell<Instant>>,
}

impl Progress {
    /// Of these files, in bytes.
    pub fn start<'a>(files: impl Iterator<Item = &'a File>) -> Progress {
        let sizes = files.filter_map(|f| f.metadata().ok()).map(|m| m.len());
        let drawn = stderr().is_terminal().then(|| Cell::new(Instant::now()));
        Progress { total: sizes.sum(), done: Cell::new(0), drawn }
    }

    /// Counts what is read from a file.
    pub fn through(&self, file: File) -> impl Read + '_ {
        Counted { file, progress: self }
    }

    /// Counts what is read of a file in another way.
    pub fn add(&self, bytes: usize) {
        self.done.set(self.done.get() + bytes as u64);
        let Some(drawn) = &self.drawn else { return };
        if drawn.get().elapsed() >= REDRAW {
            drawn.set(Instant::now());
            let share = self.done.get().min(self.total) * 100 / self.total.max(1);
            let full = (share * WIDTH / 100) as usize;
            let bar = "█".repeat(full) + &"░".repeat(WIDTH as usize - full);
            // A bar that cannot be drawn is no reason to stop.
            let _ = write!(stderr(), "\rreading {bar} {share:3} %");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            // As above; the line is cleared for what follows.
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

struct Counted<'a> {
    file: File,
    progress: &'a Progress,
}

impl Read for Counted<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize> {
        let n = self.file.read(buf)?;
        self.progress.add(n);
        Ok(n)
    }
}
