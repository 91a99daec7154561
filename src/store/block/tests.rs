use super::*;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        9 => (-2_000_000i64..2_000_000).prop_map(|n| n as f64 / 1000.0),
        1 => any::<f64>().prop_filter("finite", |v| v.is_finite()),
    ]
}

fn row() -> impl Strategy<Value = Sealed> {
    let series =
        prop::collection::btree_map((0u8..12, 0u32..3), (value(), 1u8..5, 0u16..512), 0..5);
    (any::<i32>(), any::<u16>(), any::<u32>(), any::<bool>(), any::<bool>(), series).prop_map(
        |(observed, delay, source, device, revises, series)| Sealed {
            observed: Stamp(i64::from(observed) * 1000),
            received: Stamp(i64::from(observed) * 1000 + i64::from(delay)),
            time_source: if device { TimeSource::Device } else { TimeSource::Arrival },
            source,
            revises,
            values: series
                .into_iter()
                .map(|((quantity, label), (value, flag, reasons))| SealedValue {
                    quantity: Quantity::from_code(quantity).unwrap(),
                    label,
                    value,
                    flag: Flag::from_code(flag).unwrap(),
                    reasons: Reasons(reasons),
                })
                .collect(),
        },
    )
}

proptest! {
    #[test]
    fn a_block_gives_its_rows_back_in_the_order_of_time(rows in prop::collection::vec(row(), 1..80)) {
        let bytes = encode(rows.clone()).unwrap();
        let mut sorted = rows;
        sorted.sort_by_key(|r| r.observed);
        prop_assert_eq!(decode(&bytes).unwrap(), sorted);
    }

    #[test]
    fn the_readings_of_a_quantity_are_those_of_its_rows(rows in prop::collection::vec(row(), 1..80), code in prop::option::of(0u8..12)) {
        let wanted = code.map(|code| Quantity::from_code(code).unwrap());
        let bytes = encode(rows).unwrap();
        let mut expected = Vec::new();
        for row in decode(&bytes).unwrap() {
            let Sealed { observed: at, received, time_source, values, .. } = row;
            let values = values.into_iter().filter(|v| wanted.is_none_or(|q| q == v.quantity));
            expected.extend(values.map(|reading| Point { at, received, time_source, reading }));
        }
        expected.sort_by_key(|p| (p.reading.quantity, p.reading.label));
        prop_assert_eq!(points(&bytes, wanted).unwrap(), expected);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_found(rows in prop::collection::vec(row(), 1..20), place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = encode(rows).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        prop_assert_eq!(decode(&bytes), Err(BlockFault::Checksum));
    }

    #[test]
    fn bytes_that_are_no_block_are_refused_and_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        bytes.insert(0, VERSION);
        bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
        let _ = decode(&bytes);
        let _ = points(&bytes, Some(Quantity::Pm2_5));
    }
}

fn minute(n: i64) -> Sealed {
    let value = |quantity, value| SealedValue {
        quantity,
        label: 0,
        value,
        flag: Flag::Pass,
        reasons: Reasons::default(),
    };
    Sealed {
        observed: Stamp(1_700_000_000_000 + n * 60_000),
        received: Stamp(1_700_000_000_000 + n * 60_000 + n * 7_919 % 900),
        time_source: TimeSource::Device,
        source: 1,
        revises: false,
        values: vec![
            value(Quantity::Pm2_5, (200 + n * n % 17) as f64 / 10.0),
            value(Quantity::Pm10, (300 + n * n % 29) as f64 / 10.0),
        ],
    }
}

#[test]
fn a_day_of_minutes_takes_less_than_two_bytes_a_value() {
    let bytes = encode((0..1_440).map(minute).collect()).unwrap();
    let share = bytes.len() as f64 / 2_880.0;
    assert!(share < 2.0, "{share} bytes a value");
}

#[test]
fn what_would_not_come_back_whole_is_not_written() {
    assert_eq!(encode(Vec::new()), None);
    assert_eq!(encode((0..=ROWS_MAX as i64).map(minute).collect()), None);
    let mut twice = minute(0);
    twice.values.push(twice.values[0]);
    assert_eq!(encode(vec![twice]), None);
}

#[test]
fn a_block_of_another_version_is_named() {
    let mut bytes = encode(vec![minute(0)]).unwrap();
    bytes.truncate(bytes.len() - 8);
    bytes[0] = 9;
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    assert_eq!(decode(&bytes), Err(BlockFault::Version(9)));
}

/// A block of version 1, as it was written: what [`of_version_1`] gives.
const VERSION_1: &str = "\
    010c041380a0abfef962c0a90706c0e3be0301c0a90704051200010a003cab6159b0fcad6c8560ada277b105\
    050c010110000201000c050dc0b80264052090049178ad3d01010203020a050800010410426597ba03647063\
    6f2103008302040106090000103103009624499224496affdd02000000000000030880244992244992f02f00\
    0000000000000080b305aa4992244992241d0000000000001a4992244992245edbb66ddbb6ed459224499224\
    c90800000000000000000506028208010400d112947d0c932230";

fn of_version_1() -> Vec<Sealed> {
    let row = |n: i64| {
        let (mut row, later) = (minute(n), n / 7 * 3_600_000);
        (row.observed.0, row.received.0) = (row.observed.0 + later, row.received.0 + later);
        row.revises = n == 4;
        row.values.truncate(1);
        let coarse = SealedValue {
            quantity: Quantity::Pm10,
            label: 2,
            value: (n.pow(3) % 101) as f64 / 7.0,
            flag: if n == 2 { Flag::Suspect } else { Flag::Pass },
            reasons: Reasons(if n == 2 { 4 } else { 0 }),
        };
        row.values.extend(Some(coarse).filter(|_| n % 5 != 3));
        row
    };
    (0..12).map(row).collect()
}

#[test]
fn a_block_of_version_1_is_read_as_ever() {
    let digits = VERSION_1.as_bytes().chunks(2).map(|two| str::from_utf8(two).unwrap());
    let bytes: Vec<u8> = digits.map(|two| u8::from_str_radix(two, 16).unwrap()).collect();
    assert_eq!(decode(&bytes).unwrap(), of_version_1());
    let now = encode(of_version_1()).unwrap();
    assert!(now.len() <= bytes.len(), "{} of {} bytes", now.len(), bytes.len());
}

#[test]
fn readings_beside_those_of_another_series_are_read_alone_whatever_rows_have_both() {
    let with = |n: i64, rise: i64| {
        let mut row = minute(n);
        let fine = (n.pow(3) % 983) as f64;
        (row.values[0].value, row.values[1].value) = (fine, fine * 2.0 + (n % 3) as f64);
        // Some rows have one of both, the first of them only the second.
        match (n + rise) % 11 {
            0 => row.values.truncate(1),
            5 => row.values.truncate(0),
            _ => {}
        }
        if (n + rise) % 7 == 0 {
            row.values.reverse();
            row.values.truncate(1);
        }
        row
    };
    let rows: Vec<Sealed> = (0..300).map(|n| with(n, 7)).collect();
    let bytes = encode(rows.clone()).unwrap();
    assert_eq!(decode(&bytes).unwrap(), rows);
    let coarse = points(&bytes, Some(Quantity::Pm10)).unwrap();
    let has = |row: &&Sealed| row.values.iter().any(|v| v.quantity == Quantity::Pm10);
    assert_eq!(coarse.len(), rows.iter().filter(has).count());
    let only = |quantity| encode(only(quantity, &rows)).unwrap().len();
    let apart = only(Quantity::Pm2_5) + only(Quantity::Pm10);
    assert!(bytes.len() * 10 < apart * 9, "{} of {apart} bytes", bytes.len());
}

fn only(quantity: Quantity, rows: &[Sealed]) -> Vec<Sealed> {
    let mut rows = rows.to_vec();
    rows.iter_mut().for_each(|row| row.values.retain(|v| v.quantity == quantity));
    rows
}
