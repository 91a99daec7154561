//! Bounds of time, with readings as they come.

use super::rig::{Rig, START, ZONE, minute, settings};

#[test]
fn an_hour_and_59_minutes_are_not_two_hours() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    (0..=119).for_each(|n| rig.pm25("a", minute(n), 80.0));
    assert_eq!(rig.moves(), [""; 0], "the second hour is not over");
    rig.pm25("a", minute(121), 80.0);
    assert_eq!(rig.moves(), [""; 0], "its last readings may be on their way");
    rig.pm25("a", minute(122), 80.0);
    assert_eq!(rig.moves(), ["kr-pm25 none→advisory 2024-01-10T02:00:00Z"]);
}

#[test]
fn a_last_minute_below_75_takes_the_second_hour_below_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut rig = Rig::open(settings(dir.path(), ZONE), START);
    for n in 0..=180 {
        // The second hour has one minute of 74, the third and all others none.
        rig.pm25("a", minute(n), if n == 119 { 74.0 } else { 75.0 });
    }
    rig.pm25("a", minute(182), 75.0);
    assert_eq!(rig.moves(), [""; 0]);
    (183..=242).for_each(|n| rig.pm25("a", minute(n), 75.0));
    assert_eq!(rig.moves(), ["kr-pm25 none→advisory 2024-01-10T04:00:00Z"]);
}
