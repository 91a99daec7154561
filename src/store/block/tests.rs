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
