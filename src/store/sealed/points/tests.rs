use super::*;
use crate::air::reading::TimeSource;
use crate::air::{Flag, Measured, Reasons};
use crate::flow::Upkeep;
use crate::store::{
    ArrivalRow, Bucket, Index, OpenHour, RowKind, SealRule, Snapshot, StoreError, Writer, pass,
};
use proptest::prelude::*;
use std::collections::HashMap;
use tempfile::TempDir;

const MINUTE: i64 = 60_000;
/// Hours before this one are closed.
const CLOSED: Hour = Hour(6);
const HOURS: i64 = 9;

/// A store of rows of some devices, and what counts of them.
struct Filled {
    dir: TempDir,
    writer: Writer,
    heads: HashMap<(DeviceId, Hour), OpenHour>,
    counts: BTreeMap<(DeviceId, Stamp, Quantity, Label), (Stamp, f64)>,
}

/// What happens to the store.
#[derive(Debug, Clone)]
enum Step {
    /// A row of a device with readings of an instant.
    Row {
        device: u8,
        at: Stamp,
        values: BTreeMap<(u8, u8), i32>,
    },
    Seal {
        merge: bool,
    },
}

impl Filled {
    fn new() -> Filled {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::open(dir.path()).unwrap();
        Filled { dir, writer, heads: HashMap::new(), counts: BTreeMap::new() }
    }

    fn of(steps: &[Step]) -> Filled {
        let mut filled = Filled::new();
        for (n, step) in (1..).zip(steps) {
            match step {
                Step::Row { device, at, values } => filled.row(Stamp(n), *device, *at, values),
                Step::Seal { merge } => filled.seal(*merge),
            }
        }
        filled
    }

    fn row(&mut self, received: Stamp, device: u8, at: Stamp, values: &BTreeMap<(u8, u8), i32>) {
        self.writer.begin().unwrap();
        let source = self.writer.source("city").unwrap();
        let device = self.writer.device(&format!("s{device}"), source).unwrap();
        let known = self.heads.get(&(device, at.hour())).copied();
        let row = ArrivalRow {
            source,
            bucket: Bucket::Stored,
            continues: false,
            device: Some(device),
            observed: at,
            time_source: TimeSource::Device,
            revises: false,
            prev: known.map_or(0, |known| known.head),
            packet: None,
            values: values.iter().map(measured).collect(),
            duplicates: 0,
            skipped: 0,
        };
        for m in &row.values {
            let key = (device, at, m.value.quantity, m.value.label.clone());
            self.counts.insert(key, (received, m.value.value));
        }
        let row = self.writer.append(received, RowKind::Arrival(row)).unwrap();
        let head = OpenHour::with(known, at.hour(), (row.seq, 0), at);
        self.heads.insert((device, at.hour()), head);
        if at.hour() < CLOSED {
            self.writer.put_chain(device, &head).unwrap();
        }
        self.writer.commit().unwrap();
    }

    /// Seals all but the last row.
    fn seal(&mut self, merge: bool) {
        let mut reader = Reader::open(self.dir.path()).unwrap();
        let rule = SealRule { all: merge, ..SealRule::default() };
        let writer = &mut self.writer;
        pass(&mut reader, &rule, |work| {
            writer.begin()?;
            let done = match work {
                Upkeep::Snapshot => {
                    let index = Index::default().encode().unwrap();
                    let seq = writer.last().journal;
                    writer.put_snapshot(&Snapshot { seq, index, state: Vec::new() })?;
                    true
                }
                work => writer.upkeep(&work)?,
            };
            writer.commit()?;
            Ok::<_, StoreError>(done)
        })
        .unwrap();
    }

    fn open(&self, device: DeviceId) -> Vec<(Hour, i64)> {
        let of = self.heads.iter().filter(|((d, hour), _)| *d == device && *hour >= CLOSED);
        let mut open: Vec<_> = of.map(|((_, hour), head)| (*hour, head.head)).collect();
        open.sort_unstable();
        open
    }
}

fn measured(((code, label), value): (&(u8, u8), &i32)) -> Measured {
    let variant = if *label == 0 { String::new() } else { format!("v{label}") };
    let label = Label { channel: String::new(), variant };
    let quantity = Quantity::from_code(*code).unwrap();
    let value = Value { quantity, label, value: f64::from(*value) / 10.0 };
    Measured { value, flag: Flag::Pass, reasons: Reasons::default() }
}

/// Time, quantity, label, receipt and value.
type Shown = (Stamp, Quantity, Label, Stamp, f64);

/// At most so many points of a span, as they come.
fn some(filled: &Filled, at_once: usize, span: &Span<'_>, limit: usize) -> Vec<Shown> {
    let mut reader = Reader::open(filled.dir.path()).unwrap();
    let mut shown = Vec::new();
    let visit = |p: &Point, label: &Label| {
        let Point { at, received, reading, .. } = *p;
        shown.push((at, reading.quantity, label.clone(), received, reading.value));
        shown.len() < limit
    };
    reader.points_by(at_once, span, visit).unwrap();
    shown
}

fn sorted(mut shown: Vec<Shown>) -> Vec<Shown> {
    shown.sort_by_key(|(at, quantity, label, ..)| (*at, *quantity, label.clone()));
    shown
}

/// What counts in a span.
fn expected(filled: &Filled, span: &Span<'_>) -> Vec<Shown> {
    let wanted = filled.counts.iter().filter(|((device, at, quantity, _), _)| {
        *device == span.device && span.wants(*at) && span.quantity.is_none_or(|q| q == *quantity)
    });
    let shown = |((_, at, quantity, label), (received, value)): (&(_, _, _, Label), &(_, _))| {
        (*at, *quantity, label.clone(), *received, *value)
    };
    wanted.map(shown).collect()
}

fn step() -> impl Strategy<Value = Step> {
    let values = prop::collection::btree_map((0u8..2, 0u8..3), -50..50, 1..4);
    let row = (0u8..2, 0..HOURS * 6, values).prop_map(|(device, tens, values)| Step::Row {
        device,
        at: Stamp(tens * 10 * MINUTE),
        values,
    });
    prop_oneof![12 => row, 1 => any::<bool>().prop_map(|merge| Step::Seal { merge })]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_counts_comes_by_time_wherever_it_lies(
        steps in prop::collection::vec(step(), 1..80),
        range in (0..HOURS * 60, 0..HOURS * 60),
        code in prop::option::of(0u8..3),
        at_once in 1usize..5,
        limit in 1usize..20,
    ) {
        let filled = Filled::of(&steps);
        let (from, to) = (Stamp(range.0.min(range.1) * MINUTE), Stamp(range.0.max(range.1) * MINUTE));
        let quantity = code.map(|code| Quantity::from_code(code).unwrap());
        for device in [DeviceId(1), DeviceId(2)] {
            let span = Span { device, from, to, quantity, open: &filled.open(device) };
            let whole = some(&filled, at_once, &span, usize::MAX);
            prop_assert!(whole.is_sorted_by_key(|(at, ..)| *at));
            let first: Vec<Shown> = whole.iter().take(limit).cloned().collect();
            prop_assert_eq!(some(&filled, at_once, &span, limit), first);
            prop_assert_eq!(sorted(whole), expected(&filled, &span));
        }
    }
}

/// A row every 20 minutes of two devices.
fn two_devices() -> Vec<Step> {
    let row = |(device, n): (u8, i64)| Step::Row {
        device,
        at: Stamp(n * 20 * MINUTE),
        values: [((0, 0), n as i32)].into(),
    };
    (0..HOURS * 3).flat_map(|n| [(0, n), (1, n)]).map(row).collect()
}

#[test]
fn heads_looked_up_a_few_at_a_time_join_to_the_whole() {
    let mut steps = two_devices();
    for sealed in [false, true] {
        if sealed {
            // Half of it, within an hour of both devices.
            steps.insert(steps.len() / 2 + 1, Step::Seal { merge: true });
        }
        let filled = Filled::of(&steps);
        for device in [DeviceId(1), DeviceId(2)] {
            let (from, to) = (Stamp(0), Stamp(HOURS * 60 * MINUTE));
            let span = Span { device, from, to, quantity: None, open: &filled.open(device) };
            let whole = some(&filled, 1_000, &span, usize::MAX);
            assert_eq!(whole.len() as i64, HOURS * 3);
            // One of these divides the closed hours, the other does not.
            for at_once in [3, 4] {
                assert_eq!(some(&filled, at_once, &span, usize::MAX), whole, "{at_once}, {sealed}");
            }
        }
    }
}

#[test]
fn a_damaged_part_is_named_and_nothing_is_guessed() {
    let mut steps = two_devices();
    steps.push(Step::Seal { merge: true });
    let filled = Filled::of(&steps);
    let broken = "UPDATE history SET block = x'0102030405060708090a' WHERE device = 1";
    filled.writer.conn.execute(broken, []).unwrap();
    let mut reader = Reader::open(filled.dir.path()).unwrap();
    let (from, to) = (Stamp(0), Stamp(HOURS * 60 * MINUTE));
    let span = Span { device: DeviceId(1), from, to, quantity: None, open: &[] };
    let said = reader.points(&span, |_, _| true).unwrap_err().to_string();
    assert!(said.contains("history of device row 1") && said.contains("checksum"), "{said}");
    let span = Span { device: DeviceId(2), ..span };
    reader.points(&span, |_, _| true).unwrap();
}
