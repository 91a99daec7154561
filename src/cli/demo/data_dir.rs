//! Where the demo keeps its data: where it was told, or nowhere for long.

use std::fs::DirBuilder;
use std::io;
use std::path::{Path, PathBuf};

/// How many names are tried for a temporary directory.
const NAMES_MAX: usize = 20;

/// A directory; a temporary one goes with the value.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    temporary: bool,
}

impl DataDir {
    /// The directory asked for, made if it is not there, or a temporary one.
    pub fn new(asked: Option<&Path>) -> io::Result<DataDir> {
        if let Some(path) = asked {
            std::fs::create_dir_all(path)?;
            return Ok(DataDir { path: std::path::absolute(path)?, temporary: false });
        }
        let mut failed = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..NAMES_MAX {
            let name = format!("dustline-demo-{:08x}", fastrand::u32(..));
            let path = std::env::temp_dir().join(name);
            match private().create(&path) {
                Ok(()) => return Ok(DataDir { path, temporary: true }),
                Err(e) => failed = e,
            }
        }
        Err(failed)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the data can be found afterwards, if anywhere.
    pub fn kept(&self) -> Option<&Path> {
        (!self.temporary).then_some(self.path.as_path())
    }
}

/// Makes directories that only their owner can read.
fn private() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary {
            // What cannot be removed is left to whoever cleans up temporary files.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DataDir;

    #[test]
    fn a_temporary_directory_goes_and_one_that_was_asked_for_stays() {
        let temporary = DataDir::new(None).unwrap();
        let path = temporary.path().to_owned();
        std::fs::write(path.join("file"), "x").unwrap();
        drop(temporary);
        assert!(!path.exists());
        let outer = tempfile::tempdir().unwrap();
        let asked = DataDir::new(Some(&outer.path().join("a/b"))).unwrap();
        assert_eq!(asked.kept(), Some(asked.path()));
        let path = asked.path().to_owned();
        drop(asked);
        assert!(path.is_dir());
    }
}
