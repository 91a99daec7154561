//! What a target has of the readings that were received in some hours.

use super::fixture::*;
use crate::air::Quantity::{Pm2_5, Pm10, Temperature};
use crate::air::Stamp;
use crate::flow::FORWARDING_HELD;
use crate::store::{Cursor, Reader, Share};

/// Six rows; by receipt 1 to 3 (six readings) are of the first hour, 4 and 5 (three) of
/// the second. By measurement the first is of an hour before, the fourth of the first.
fn town() -> Store {
    let mut store = Store::new();
    let all = [good(Pm2_5, 10.5), good(Pm10, 20.0), good(Temperature, 3.0)];
    for (observed, received, count) in
        [(-120, 0, 2), (1, 1, 1), (2, 59, 3), (3, 60, 1), (61, 119, 2), (120, 120, 1)]
    {
        store.reading("s1", minute(observed), minute(received), &all[..count], false);
    }
    store
}

/// The share of `main`, which has the rows up to one, of the hours that begin so many
/// after ten o'clock.
fn share(store: &Store, upto: i64, hours: std::ops::Range<i64>, stored: u64) -> Share {
    store.writer.put_cursor("main", Cursor { journal: upto, ..Cursor::default() }).unwrap();
    let hour = |n: i64| minute(60 * n).hour();
    let mut reader = Reader::open(store.dir.path()).unwrap();
    reader.share("main", (hour(hours.start), hour(hours.end)), stored).unwrap()
}

fn pending(forwarded: u64, pending: u64) -> Share {
    Share { forwarded, pending, held: 0 }
}

#[test]
fn a_target_lacks_the_readings_received_in_the_hours_behind_its_cursor() {
    let store = town();
    for (upto, hours, stored, expected) in [
        (0, 0..1, 6, pending(0, 6)),
        (2, 0..1, 6, pending(3, 3)),
        (3, 0..1, 6, pending(6, 0)),
        (0, 1..2, 3, pending(0, 3)),
        (4, 1..2, 3, pending(1, 2)),
        (2, 0..2, 9, pending(3, 6)),
        (6, 0..3, 10, pending(10, 0)),
        // Some of them were counted in another bucket since.
        (0, 0..1, 4, pending(0, 4)),
    ] {
        assert_eq!(share(&store, upto, hours.clone(), stored), expected, "{upto}, {hours:?}");
    }
}

#[test]
fn sealed_readings_are_lacked_like_those_of_the_journal() {
    let mut store = town();
    store.seal();
    assert_eq!(share(&store, 0, 0..1, 6), pending(0, 6));
    assert_eq!(share(&store, 0, 1..2, 3), pending(0, 3));
    assert_eq!(share(&store, 0, 0..3, 10), pending(0, 10), "the last row is in the journal");
    assert_eq!(share(&store, 5, 0..3, 10), pending(9, 1));
    assert_eq!(share(&store, 2, 0..1, 6), pending(0, 6), "a part is sent as a whole");
}

#[test]
fn what_a_target_lacks_is_held_while_its_own_configuration_is_to_be_mended() {
    let store = town();
    let hold = |target: &str, since: Option<(Stamp, &str)>| {
        store.writer.put_condition(FORWARDING_HELD, target, since).unwrap();
    };
    hold("other", Some((TEN, "401")));
    assert_eq!(share(&store, 2, 0..1, 6), pending(3, 3));
    hold("main", Some((TEN, "401")));
    assert_eq!(share(&store, 2, 0..1, 6), Share { forwarded: 3, pending: 0, held: 3 });
    hold("main", None);
    assert_eq!(share(&store, 2, 0..1, 6), pending(3, 3));
}
