//! The disk under the store: how much room it has, and a file that holds some of
//! it back, so that the little that must be written on a full disk still can be.

use super::schema::StoreError;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The file that holds room back.
const RESERVE: &str = "reserve";
/// Written to learn whether the disk takes anything: more than one page of the
/// store and of its log need.
const PROBE_BYTES: usize = 64 << 10;

/// The disk that a data directory lies on.
#[derive(Debug)]
pub struct Disk {
    dir: PathBuf,
    /// Bytes that the reserve holds.
    reserve: u64,
}

impl Disk {
    /// The disk of a data directory, with a reserve of so many bytes, which is
    /// not made yet.
    pub fn of(dir: &Path, reserve: u64) -> Disk {
        Disk { dir: dir.to_owned(), reserve }
    }

    /// Bytes that are left for us; `None` if the system does not say.
    pub fn free(&self) -> Option<u64> {
        free(&self.dir)
    }

    /// Bytes that have to be free for the reserve to be made.
    pub fn lacks(&self) -> u64 {
        if self.file().exists() { 0 } else { self.reserve }
    }

    fn file(&self) -> PathBuf {
        self.dir.join(RESERVE)
    }

    /// Makes the reserve if it is not there in this size.
    ///
    /// # Errors
    /// If there is no room for it, or the file system cannot hold room back.
    pub fn hold_back(&self) -> Result<(), StoreError> {
        let path = self.file();
        if self.reserve == 0 || std::fs::metadata(&path).is_ok_and(|m| m.len() == self.reserve) {
            return Ok(());
        }
        let make = || {
            let file = OpenOptions::new().create(true).write(true).truncate(true).open(&path)?;
            rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, self.reserve)?;
            file.sync_all()
        };
        make().map_err(|source| {
            // A part of it would be taken for the whole.
            let _ = std::fs::remove_file(&path);
            StoreError::Io { path: path.clone(), source }
        })
    }

    /// Gives the room up that the reserve holds. Whether there was any.
    pub fn give_up(&self) -> bool {
        std::fs::remove_file(self.file()).is_ok()
    }
}

/// Bytes that the disk of a file or directory has left for us.
pub(super) fn free(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Whether the disk of a data directory takes nothing more, because it is full or
/// because a quota is used up: tried, since the error of a database does not say.
pub(super) fn is_full(dir: &Path) -> bool {
    let probe = dir.join("probe");
    let written = File::create(&probe)
        .and_then(|mut file| file.write_all(&[0; PROBE_BYTES]).and_then(|()| file.sync_all()));
    // Without it, nothing depends on it.
    let _ = std::fs::remove_file(&probe);
    written.is_err_and(|e| says_full(&e))
}

/// Whether the system says that there is no room left, or no more of a quota.
pub fn says_full(e: &std::io::Error) -> bool {
    [ErrorKind::StorageFull, ErrorKind::QuotaExceeded].contains(&e.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_takes_room_until_it_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path(), 1 << 20);
        assert_eq!(disk.lacks(), 1 << 20);
        disk.hold_back().unwrap();
        disk.hold_back().unwrap();
        assert_eq!(disk.lacks(), 0);
        use std::os::unix::fs::MetadataExt;
        let blocks = std::fs::metadata(dir.path().join(RESERVE)).unwrap().blocks();
        assert!(blocks * 512 >= 1 << 20, "{blocks} blocks");
        assert!(disk.give_up());
        assert!(!disk.give_up());
        assert_eq!(disk.lacks(), 1 << 20);
    }

    #[test]
    fn a_reserve_that_the_disk_cannot_hold_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::of(dir.path(), 1 << 60);
        assert!(disk.hold_back().is_err());
        assert!(!disk.give_up());
    }

    #[test]
    fn a_disk_with_room_is_not_full_and_the_probe_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_full(dir.path()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
