//! What sealed history costs: bytes per value and values per second, on real
//! files given as arguments (`time,station,lat,lon,pm2_5,pm10`, also .gz), or on
//! made-up minutes without any. First the blocks alone, then a whole store whose
//! journal is sealed: read, packed, written, synced, and deleted from the journal.

#[path = "support/figures.rs"]
mod figures;
#[path = "support/victoria.rs"]
mod victoria;

use anyhow::{Context, Result};
use dustline::air::reading::TimeSource;
use dustline::air::{Flag, Measured, Quantity, Reasons, Stamp, Value};
use dustline::flow::Upkeep;
use dustline::store::block::{ROWS_MAX, Sealed, SealedValue, decode, encode};
use dustline::store::{
    ArrivalRow, Bucket, DeviceId, Index, Info, Reader, RowKind, SealRule, Snapshot, StoreError,
    Writer, pass,
};
use figures::{print_machine, quantile};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::time::Instant;
use victoria::Victoria;

/// How often each figure is measured.
const RUNS: usize = 5;

type Stations = BTreeMap<String, Vec<Sealed>>;

fn main() -> Result<()> {
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    print_machine();
    let mut all = Vec::new();
    if files.is_empty() {
        all.push(("made-up minutes", made_up()));
    }
    for file in &files {
        all.push((file.rsplit('/').next().unwrap_or(file), read(file)?));
    }
    println!(
        "| blocks | rows | values | bytes | bytes/value | packed, values/s | read, values/s |"
    );
    println!("|---|---|---|---|---|---|---|");
    all.iter().try_for_each(|(name, stations)| blocks(name, stations))?;
    println!(
        "\n| store | values | journal bytes | history bytes | bytes/value | sealed, values/s | the same by processor time |"
    );
    println!("|---|---|---|---|---|---|---|");
    all.iter().try_for_each(|(name, stations)| store(name, stations))?;
    println!("\n| VictoriaMetrics | points | bytes of its files | bytes/point |");
    println!("|---|---|---|---|");
    all.iter().try_for_each(|(name, stations)| peer(name, stations))
}

/// The same points in VictoriaMetrics, written out and merged: values and times
/// without times of receipt, flags and reasons, and what finds them.
fn peer(name: &str, stations: &Stations) -> Result<()> {
    let victoria = Victoria::start()?;
    let mut points = 0;
    for (id, rows) in stations {
        for some in rows.chunks(5_000) {
            let mut lines = String::new();
            for (row, v) in some.iter().flat_map(|row| row.values.iter().map(move |v| (row, v))) {
                let (name, at) = (v.quantity.name(), row.observed.0);
                writeln!(lines, "{name},device={id} value={} {at}", v.value)?;
                points += 1;
            }
            victoria.call("POST", "/write?precision=ms", lines.as_bytes())?;
        }
    }
    let bytes = victoria.size()?;
    println!("| {name} | {points} | {bytes} | {:.2} |", bytes as f64 / points as f64);
    Ok(())
}

/// Fills a store with the rows in the order of time, and seals all but the last.
fn store(name: &str, stations: &Stations) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut writer = Writer::open(dir.path())?;
    fill(&mut writer, stations)?;
    let mut reader = Reader::open(dir.path())?;
    let size = |info: Info, name: &str| {
        let tier = info.tiers.into_iter().find(|t| t.name == name);
        tier.map(|t| (t.bytes, t.values)).context("no such tier")
    };
    let (journal, _) = size(reader.info()?, "journal")?;
    let (began, busy) = (Instant::now(), processor_seconds()?);
    let rule = SealRule { all: true, ..SealRule::default() };
    pass(&mut reader, &rule, |work| {
        writer.begin()?;
        let done = match work {
            // It was kept when the store was filled.
            Upkeep::Snapshot => true,
            work => writer.upkeep(&work)?,
        };
        writer.commit()?;
        Ok::<_, StoreError>(done)
    })?;
    let (took, busy) = (began.elapsed().as_secs_f64(), processor_seconds()? - busy);
    let (history, values) = size(reader.info()?, "history")?;
    let (each, values) = (history as f64 / values as f64, values as f64);
    let (pace, busy) = (values / took, values / busy);
    println!("| {name} | {values} | {journal} | {history} | {each:.2} | {pace:.0} | {busy:.0} |");
    Ok(())
}

/// Processor time of this thread, without what it waited for the disk.
fn processor_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let ns: u64 = stat.split(' ').next().context("no figure in schedstat")?.parse()?;
    Ok(ns as f64 / 1e9)
}

fn fill(writer: &mut Writer, stations: &Stations) -> Result<()> {
    let source = writer.source("bench")?;
    let mut rows: Vec<(&str, &Sealed)> =
        stations.iter().flat_map(|(id, all)| all.iter().map(move |r| (id.as_str(), r))).collect();
    rows.sort_by_key(|(_, row)| row.received);
    let mut index = Index::default();
    for some in rows.chunks(2_000) {
        writer.begin()?;
        for (id, row) in some {
            let device = writer.device(id, source)?;
            let kind = RowKind::Arrival(arrival(device, source, row));
            index.apply(&writer.append(row.received, kind)?);
        }
        writer.commit()?;
    }
    let encoded = index.encode().context("an index that cannot be encoded")?;
    writer.put_snapshot(&Snapshot { seq: index.seq, index: encoded, state: Vec::new() })?;
    Ok(())
}

fn arrival(device: DeviceId, source: u32, row: &Sealed) -> ArrivalRow {
    let measured = |v: &SealedValue| Measured {
        value: Value::main(v.quantity, v.value),
        flag: v.flag,
        reasons: v.reasons,
    };
    ArrivalRow {
        source,
        bucket: Bucket::Stored,
        continues: false,
        device: Some(device),
        observed: row.observed,
        time_source: row.time_source,
        revises: false,
        prev: 0,
        packet: None,
        values: row.values.iter().map(measured).collect(),
        duplicates: 0,
        skipped: 0,
    }
}

fn blocks(name: &str, stations: &Stations) -> Result<()> {
    let rows: usize = stations.values().map(Vec::len).sum();
    let values: usize = stations.values().flatten().map(|r| r.values.len()).sum();
    let chunks: Vec<Vec<Sealed>> =
        stations.values().flat_map(|s| s.chunks(ROWS_MAX).map(<[Sealed]>::to_vec)).collect();
    let blocks = chunks.iter().cloned().map(encode).collect::<Option<Vec<_>>>();
    let blocks = blocks.context("rows that make no block")?;
    let sealed = values as f64 / median(|| chunks.iter().cloned().filter_map(encode).count());
    let read = values as f64 / median(|| blocks.iter().filter_map(|b| decode(b).ok()).count());
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    let each = bytes as f64 / values as f64;
    println!("| {name} | {rows} | {values} | {bytes} | {each:.2} | {sealed:.0} | {read:.0} |");
    Ok(())
}

/// The median of the seconds that several runs take.
fn median(mut run: impl FnMut() -> usize) -> f64 {
    let seconds = (0..RUNS).map(|_| {
        let began = Instant::now();
        std::hint::black_box(run());
        began.elapsed().as_secs_f64()
    });
    quantile(&seconds.collect::<Vec<f64>>(), 0.5)
}

fn read(path: &str) -> Result<Stations> {
    let bytes = std::fs::read(path).context(path.to_owned())?;
    let mut text = Vec::new();
    match path.ends_with(".gz") {
        true => _ = flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text)?,
        false => text = bytes,
    }
    let mut stations = Stations::new();
    let mut csv = csv::Reader::from_reader(&text[..]);
    for record in csv.records() {
        let record = record?;
        let at = record.get(0).and_then(Stamp::parse).context("a row without a time")?;
        let values = [(4, Quantity::Pm2_5), (5, Quantity::Pm10)];
        let values = values.into_iter().filter_map(|(column, quantity)| {
            Some(value(quantity, record.get(column)?.parse().ok()?))
        });
        let row = sealed(at, values.collect());
        if !row.values.is_empty() {
            let station = record.get(1).context("a row without a station")?;
            stations.entry(station.to_owned()).or_default().push(row);
        }
    }
    for rows in stations.values_mut() {
        rows.sort_by_key(|r| r.observed);
        rows.dedup_by(|a, b| a.observed == b.observed && a.values == b.values);
    }
    Ok(stations)
}

fn made_up() -> Stations {
    let mut rng = fastrand::Rng::with_seed(7);
    let device = |n: usize, rng: &mut fastrand::Rng| {
        let mut level = 20.0;
        let mut row = |minute: i64| {
            level = (level + rng.f64() * 4.0 - 2.0f64).clamp(2.0, 300.0);
            let tenth = |v: f64| (v * 10.0).round() / 10.0;
            let values = [(Quantity::Pm2_5, tenth(level)), (Quantity::Pm10, tenth(level * 1.6))];
            let values = values.into_iter().map(|(q, v)| value(q, v)).collect();
            let late = rng.i64(20..400);
            let row = sealed(Stamp(1_700_000_000_000 + minute * 60_000), values);
            Sealed { received: Stamp(row.observed.0 + late), ..row }
        };
        (format!("d{n}"), (0..10 * 1_440).map(&mut row).collect())
    };
    (0..20).map(|n| device(n, &mut rng)).collect()
}

fn value(quantity: Quantity, value: f64) -> SealedValue {
    SealedValue { quantity, label: 0, value, flag: Flag::Pass, reasons: Reasons::default() }
}

fn sealed(at: Stamp, values: Vec<SealedValue>) -> Sealed {
    Sealed {
        observed: at,
        received: at,
        time_source: TimeSource::Device,
        source: 1,
        revises: false,
        values,
    }
}
