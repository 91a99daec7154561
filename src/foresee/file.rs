//! A file of forecasts that is looked at again and again.

use crate::air::Stamp;
use crate::config::settings::ForecastFile;
use crate::decode::Refused;
use crate::decode::forecast::{self, ForecastZone, Forecasts};
use std::io::Read;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// The largest file that is read, bytes.
const SIZE_MAX: u64 = 16 << 20;

/// A file and what of it is taken already.
#[derive(Debug)]
pub(super) struct Watched {
    pub file: ForecastFile,
    /// The digest of the content that was read last.
    seen: Option<u64>,
}

/// A look at a file.
#[derive(Debug, PartialEq)]
pub(super) enum Look {
    /// Its content is what it was.
    Same,
    /// It has content that is not taken yet.
    Changed(Forecasts),
    /// It cannot be read or understood: what and what to do.
    Wrong(String),
}

impl Watched {
    pub fn new(file: ForecastFile) -> Watched {
        Watched { file, seen: None }
    }

    /// Looks at the file. Changed content is shown once, also if it is wrong.
    pub fn look(&mut self, zones: &[ForecastZone], now: Stamp) -> Look {
        let path = &self.file.path;
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(e) => {
                self.seen = None;
                return Look::Wrong(format!("{}: {e}; check the path", path.display()));
            }
        };
        let digest = Some(xxh3_64(&bytes));
        if self.seen == digest {
            return Look::Same;
        }
        self.seen = digest;
        match forecast::read(&bytes, zones, now) {
            Ok(found) => Look::Changed(found),
            Err(Refused::Malformed { detail, .. }) => {
                Look::Wrong(format!("{}: {detail}", path.display()))
            }
            Err(Refused::Ignored(policy)) => Look::Wrong(format!("{}: {policy}", path.display())),
        }
    }

    /// What was shown could not be handed on: it is shown again.
    pub fn again(&mut self) {
        self.seen = None;
    }
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE_MAX {
        return Err(std::io::Error::other(format!("more than {SIZE_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use std::time::Duration;

    const HEAD: &str = "issuer,issued_at,zone,quantity,day,value\n";
    const ROW: &str = "nier,2022-01-08T17:00:00+09:00,seoul,pm2_5,2022-01-09,62\n";

    #[test]
    fn changed_content_is_shown_once_and_again_when_it_changes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nier.csv");
        let zone = ForecastZone { id: "seoul".into(), country: None, time_zone: TimeZone::UTC };
        let now = Stamp::parse("2022-01-08T08:00:00Z").unwrap();
        let every = Duration::from_secs(1);
        let mut watched = Watched::new(ForecastFile { path: path.clone(), every });
        let mut look = || watched.look(std::slice::from_ref(&zone), now);
        assert!(matches!(look(), Look::Wrong(why) if why.contains("check the path")));
        std::fs::write(&path, format!("{HEAD}{ROW}")).unwrap();
        assert!(matches!(look(), Look::Changed(f) if f.taken.len() == 1 && f.faults.is_empty()));
        assert_eq!(look(), Look::Same);
        std::fs::write(&path, "nothing of the kind").unwrap();
        assert!(matches!(look(), Look::Wrong(why) if why.contains("nier.csv")));
        assert_eq!(look(), Look::Same);
        std::fs::write(&path, format!("{HEAD}{ROW}")).unwrap();
        assert!(matches!(look(), Look::Changed(_)));
        watched.again();
        assert!(matches!(watched.look(&[zone], now), Look::Changed(_)));
    }
}
