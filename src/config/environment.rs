//! What the configuration asks of the machine: files and environment variables.

use std::io;
use std::path::{Path, PathBuf};

/// Files and variables, so that tests can bring their own.
pub trait Environment {
    /// The bytes of a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files in a directory, by name.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// The value of an environment variable, if it is set and is text.
    fn variable(&self, name: &str) -> Option<String>;

    /// Whether every user of the machine may read the file.
    fn readable_by_all(&self, path: &Path) -> bool;
}

/// The machine itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Environment for Machine {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = std::fs::read_dir(dir)?;
        let mut files = entries.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
        files.sort();
        Ok(files)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    #[cfg(unix)]
    fn readable_by_all(&self, path: &Path) -> bool {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o004 != 0)
    }

    #[cfg(not(unix))]
    fn readable_by_all(&self, _path: &Path) -> bool {
        false
    }
}
