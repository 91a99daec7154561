//! What a database took and does not have any more is sent again, and so is what
//! an operator asks for. The live points and their cursor go on meanwhile.

use super::rig::{Loop, START, reading, target, until_held, until_journal, with_source};
use crate::helpers::keeper::Keeper;
use crate::helpers::soon;
use crate::helpers::victoria::{self, Victoria};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use dustline::air::{Flag, Hour, Quantity, Stamp};
use dustline::config::settings::{Influx, ReadBack};
use dustline::flow::{Command, DATABASE_FORGETS, Redrive};
use dustline::store::{DeviceId, HourRow, OpenHour, RowKind};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The hour before the one in which the readings of these tests begin.
pub(super) fn hour(back: i32) -> Hour {
    Hour(Stamp(START).hour().0 - back)
}

/// Commits a closed hour of a device with a reading of PM10 each minute.
pub(super) async fn closed(keeper: &Keeper, device: &'static str, hour: Hour, readings: u32) {
    let write = move |w: &mut dustline::store::Writer| {
        for n in 0..readings {
            let at = hour.start().0 + i64::from(n) * 60_000;
            let prev = if n == 0 { 0 } else { w.last().journal };
            reading(w, device, at, prev, &[(Quantity::Pm10, "", f64::from(n), Flag::Pass)]);
        }
        let id = w.device(device, 1).unwrap();
        let head = w.last().journal;
        let open = OpenHour { hour, head, newest: hour.end(), rows: readings, sorted: true };
        w.put_chain(id, &open).unwrap();
        let row = HourRow {
            revision: 0,
            device: id,
            hour,
            quantity: Quantity::Pm10,
            label: 0,
            count: readings,
            sum_micro: 1_000_000,
            min_micro: 0,
            max_micro: 1_000_000,
            minutes: 1,
            flagged: 0,
        };
        w.put_hour(&row).unwrap();
    };
    keeper.commit(write).await;
}

/// Commits that every hour before the one in which these tests begin is closed.
pub(super) async fn all_closed(keeper: &Keeper) {
    let row = RowKind::DevicesClosed { frontier: hour(0), upto: DeviceId(u32::MAX) };
    keeper.commit(move |w| w.append(Stamp(START), row).unwrap()).await;
}

/// Which readings a database forgets, by the number of times they came.
type Forgets = fn(line: &str, times: usize) -> bool;

/// A database that answers 204 and forgets some of it.
#[derive(Clone)]
struct Forgetful {
    forgets: Forgets,
    /// How often each line came, and whether it is there.
    lines: Arc<Mutex<BTreeMap<String, (usize, bool)>>>,
}

impl Forgetful {
    /// One that forgets so, with its address.
    async fn new(forgets: Forgets) -> (Forgetful, String) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let database = Forgetful { forgets, lines: Arc::default() };
        let app = Router::new().fallback(answer).with_state(database.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        (database, url)
    }

    fn take(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap();
        for line in text.lines() {
            let entry = lines.entry(line.to_owned()).or_insert((0, false));
            entry.0 += 1;
            entry.1 |= !(self.forgets)(line, entry.0);
        }
    }

    /// What VictoriaMetrics would export of it.
    fn export(&self) -> String {
        let lines = self.lines.lock().unwrap();
        let there = lines.iter().filter(|(_, (_, there))| *there).map(|(line, _)| line);
        let mut out = String::new();
        for line in there.filter(|l| l.starts_with("air,")) {
            let [tags, fields, at] = line.split(' ').collect::<Vec<_>>()[..] else { panic!() };
            let device = tags.split(',').find_map(|t| t.strip_prefix("device=")).unwrap();
            let field = fields.split('=').next().unwrap();
            let metric = format!(r#"{{"__name__":"air_{field}","device":"{device}"}}"#);
            out += &format!(r#"{{"metric":{metric},"values":[1],"timestamps":[{at}]}}"#);
            out.push('\n');
        }
        out
    }

    /// How many readings of a device are there.
    fn there(&self, device: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        let of = format!("air,device={device},");
        lines.iter().filter(|(l, (_, there))| *there && l.starts_with(&of)).count()
    }

    /// How often the readings of a device came, all together.
    fn came(&self, device: &str) -> usize {
        let of = format!("air,device={device},");
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(l, _)| l.starts_with(&of)).map(|(_, (times, _))| times).sum()
    }
}

async fn answer(State(database): State<Forgetful>, uri: Uri, body: Bytes) -> (StatusCode, String) {
    if uri.path() != "/api/v2/write" {
        assert_eq!(uri.path(), "/api/v1/export");
        return (StatusCode::OK, database.export());
    }
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    database.take(&text);
    (StatusCode::NO_CONTENT, String::new())
}

fn read_back(url: &str) -> Influx {
    Influx { read_back: Some(ReadBack::VictoriaMetrics), ..target("main", url) }
}

/// Waits until everything before an hour was read back.
pub(super) async fn until_read_back(keeper: &Keeper, wanted: Hour) {
    let there = |c: &Command| matches!(c, Command::Redrive(Redrive::ReadBack { hour, .. }) if *hour >= wanted);
    keeper.until("read-back", |told| told.iter().any(there).then_some(())).await;
}

#[tokio::test]
async fn what_a_database_took_and_forgot_is_found_by_reading_back_and_sent_again() {
    let (database, url) = Forgetful::new(|line, times| {
        times == 1 && line.starts_with("air,device=s2,") && !line.contains("pm10=7,")
    })
    .await;
    let keeper = with_source().await;
    closed(&keeper, "s1", hour(2), 60).await;
    closed(&keeper, "s2", hour(1), 60).await;
    all_closed(&keeper).await;
    let forwarding = Loop::start(&keeper, read_back(&url));
    until_read_back(&keeper, hour(0)).await;
    assert_eq!((database.there("s1"), database.there("s2")), (60, 60));
    assert_eq!((database.came("s1"), database.came("s2")), (60, 120));
    assert_eq!(forwarding.counted("again"), 60);
    assert!(keeper.reader().conditions().unwrap().is_empty());
    forwarding.stop().await;
    assert_eq!(keeper.reader().read_back("main").unwrap(), Some(hour(0)));
}

#[tokio::test]
async fn a_database_that_forgets_for_good_is_said_and_holds_up_nothing() {
    let (database, url) = Forgetful::new(|line, _| line.starts_with("air,device=s2,")).await;
    let keeper = with_source().await;
    closed(&keeper, "s2", hour(2), 3).await;
    all_closed(&keeper).await;
    let forwarding = Loop::start(&keeper, read_back(&url));
    let said = until_held(&keeper, true).await;
    assert_eq!((said.kind, said.subject.as_str()), (DATABASE_FORGETS, "main"));
    assert!(said.detail.contains("s2"), "{}", said.detail);
    assert_eq!((database.came("s2"), database.there("s2")), (12, 0));
    closed(&keeper, "s1", hour(1), 3).await;
    until_journal(&keeper, "main", 6).await;
    until_read_back(&keeper, hour(0)).await;
    assert_eq!(database.there("s1"), 3);
    forwarding.stop().await;
}

#[tokio::test]
async fn a_replay_sends_a_stretch_once_more_and_leaves_the_cursor_where_it_is() {
    let (database, url) = Forgetful::new(|_, _| false).await;
    let keeper = with_source().await;
    for (device, back) in [("s1", 3), ("s1", 2), ("s2", 2), ("s2", 1)] {
        closed(&keeper, device, hour(back), 60).await;
    }
    let forwarding = Loop::start(&keeper, target("main", &url));
    until_journal(&keeper, "main", 240).await;
    let (from, to) = (hour(2).start(), Stamp(hour(1).start().0 + 10 * 60_000));
    keeper.commit(move |w| w.ask_replay("other", from, to, Stamp(START)).unwrap()).await;
    let id = keeper.commit(move |w| w.ask_replay("main", from, to, Stamp(START)).unwrap()).await;
    let done = |c: &Command| matches!(c, Command::Redrive(Redrive::Went { replay, done: Some(_), .. }) if *replay == id);
    keeper.until("the replay", |told| told.iter().any(done).then_some(())).await;
    assert_eq!((database.came("s1"), database.came("s2")), (120 + 60, 120 + 60 + 10));
    closed(&keeper, "s3", hour(1), 5).await;
    until_journal(&keeper, "main", 245).await;
    assert_eq!(database.came("s3"), 5);
    forwarding.stop().await;
    let replays = keeper.reader().replays(9).unwrap();
    // 130 readings, and the three hours that begin in the stretch.
    assert_eq!((replays[0].1.points, replays[0].1.done), (133, Some(Stamp(START))));
    assert_eq!((replays[1].0.as_str(), replays[1].1.done), ("other", None));
    assert_eq!(keeper.reader().cursor("main").unwrap().journal, 245);
}

#[tokio::test]
async fn what_victoriametrics_has_lost_is_sent_again() {
    if victoria::absent("what_victoriametrics_has_lost_is_sent_again") {
        return;
    }
    let keeper = with_source().await;
    let mut victoria = Victoria::started().await;
    closed(&keeper, "s1", hour(2), 60).await;
    closed(&keeper, "s2", hour(2), 60).await;
    all_closed(&keeper).await;
    let forwarding = Loop::start(&keeper, target("main", &victoria.url()));
    until_journal(&keeper, "main", 120).await;
    forwarding.stop().await;
    assert_eq!(victoria.export("air_pm10").await.len(), 120);
    victoria.lose_all().await;
    assert_eq!(victoria.export("air_pm10").await.len(), 0);
    // It shows series that are new to it some seconds after it has taken them.
    let settles = Duration::from_secs(5);
    let target = Influx { read_back_after: settles, ..read_back(&victoria.url()) };
    let forwarding = Loop::start(&keeper, target);
    let whole = async {
        while victoria.export("air_pm10").await.len() < 120 {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    soon("all of it", whole).await;
    assert!(forwarding.counted("again") >= 120);
    forwarding.stop().await;
}
