//! `dustline import`: readings of files, into a store on which no daemon runs.
//!
//! A file is read piece by piece and each piece committed, so that memory does not
//! grow with it. What is there already is passed over: a second run adds nothing,
//! and one that was broken off is gone on with by running it again.

mod faults;
mod file;
mod line;
mod own;
mod parquet;

use super::backtest::progress::Progress;
use super::{Code, Failure, run};
use crate::clock::Clock;
use crate::config::settings::Judgement;
use crate::intake::{Imported, Importer};
use crate::store::{self, Writer};
use faults::Faults;
use file::ReadingFile;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// Rows of a device and instant committed together.
const PIECE: usize = 2_000;

/// Arguments of `dustline import`.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    #[command(flatten)]
    into: Into,
    /// Files, also compressed (.gz, except parquet): what `dustline export` writes as csv,
    /// jsonl, line or parquet, and time,station,pm2_5,pm10; AirKorea by month; CNEMC by day.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Into which store.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Into {
    /// The configuration that names the data directory and says how hours are covered.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory itself; made if it is not there.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Into {
    fn target(&self) -> Result<(PathBuf, Judgement), Failure> {
        match (&self.config, &self.data_dir) {
            (Some(config), _) => {
                let settings = run::load(config)?.settings;
                Ok((settings.data_dir, settings.judgement))
            }
            (None, dir) => Ok((dir.clone().unwrap_or_default(), Judgement::default())),
        }
    }
}

/// Takes every file in and says what became of it.
///
/// # Errors
/// 64 if a file cannot be opened, 65 if it is of no known form or has no reading,
/// 73 if a daemon runs on the data.
pub fn run(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (dir, judgement) = args.into.target()?;
    let files = open(&args.files)?;
    let _lock = store::lock(&dir)?;
    let clock = Clock::system();
    let mut importer = Importer::open(Writer::open(&dir)?, &judgement, clock.now())?;
    let progress = Progress::start(files.iter().map(|(_, file)| file));
    let (mut total, mut faults) = (Imported::default(), Faults::default());
    for (name, file) in files {
        let mut file = ReadingFile::open(file, &name, &progress, clock.now())?;
        let (mut rows, mut more) = (Vec::new(), true);
        while more {
            rows.clear();
            more = file.next(&mut rows, PIECE, &mut faults)?;
            let imported = importer.take(&rows, clock.now())?;
            total.stored += imported.stored;
            total.revised += imported.revised;
            total.known += imported.known;
        }
    }
    drop(progress);
    faults.tell();
    if total == Imported::default() {
        return Err(Failure::new(Code::Data, "there is no reading in the files"));
    }
    writeln!(
        out,
        "{} readings are new, {} revise others, {} were there; {} rows or values could not be understood",
        total.stored,
        total.revised,
        total.known,
        faults.count()
    )?;
    Ok(())
}

fn open(paths: &[PathBuf]) -> Result<Vec<(String, File)>, Failure> {
    let open = |path: &PathBuf| {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok((name, file)),
            Err(e) => Err(Failure::new(Code::Usage, format!("{name}: {e}; check the path"))),
        }
    };
    paths.iter().map(open).collect()
}

#[cfg(test)]
mod tests;
