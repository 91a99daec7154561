//! Notices on their way to real HTTP receivers, well and badly behaved.

use crate::helpers::keeper::{Keeper, change};
use crate::helpers::receiver::{Receiver, Reply, settings};
use crate::helpers::stage::{NOW, Stage, dead, why};
use axum::http::Method;
use dustline::air::place::Language;
use dustline::config::settings::{self, Outgoing};
use dustline::deliver;
use dustline::flow::{Attempt, Handled, Outcome};
use dustline::store::NoticeState;
use std::time::Duration;

/// Commits a change of its own subject for one receiver.
async fn notice(keeper: &Keeper, id: &str, subject: &str, receiver: &str) {
    keeper.event(change(&format!("event-{id}"), subject, NOW), &[(id, receiver)]).await;
}

#[tokio::test]
async fn a_notice_arrives_signed_and_in_the_language_of_its_reader() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([]).await;
    let stage = Stage::start(&keeper, vec![receiver.settings("kr-desk")], &[0]);
    notice(&keeper, "n1", "zone/seoul/kr-pm25", "kr-desk").await;
    let got = receiver.got(1).await.remove(0);
    assert!(got.verified);
    assert_eq!((got.method, got.path.as_str(), got.id.as_str()), (Method::POST, "/hook", "n1"));
    assert!(
        got.headers["content-type"].to_str().unwrap().starts_with("application/cloudevents+json")
    );
    assert_eq!(got.body["source"], "dustline://seoul-1");
    assert_eq!(got.body["id"], "event-n1");
    assert_eq!(got.body["data"]["criterion"], "기준");
    assert!(
        got.body["data"]["text"].as_str().unwrap().starts_with("서울: 초미세먼지(PM2.5) 주의보")
    );
    let attempts = keeper.attempts(1).await;
    assert!(matches!(attempts[0].outcome, Outcome::Delivered { status: 200, .. }));
    stage.stop().await;
    let kept = keeper.reader().notice(attempts[0].notice).unwrap().unwrap();
    assert_eq!(kept.state, NoticeState::Delivered);
}

#[tokio::test]
async fn a_notice_that_is_refused_comes_again_under_the_same_id() {
    let keeper = Keeper::new();
    let script = [("n1", Reply::Status(500)), ("n1", Reply::Close)];
    let receiver = Receiver::new(script).await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 5, 5]);
    notice(&keeper, "n1", "s", "a").await;
    let attempts = keeper.attempts(3).await;
    let got = receiver.so_far();
    assert_eq!(got.iter().map(|g| g.id.as_str()).collect::<Vec<_>>(), ["n1", "n1", "n1"]);
    assert!(got.iter().all(|g| g.verified));
    assert_eq!(why(&attempts[0]), "500 (so be it)");
    assert!(!why(&attempts[1]).contains("hidden"), "{}", why(&attempts[1]));
    assert!(matches!(attempts[2].outcome, Outcome::Delivered { .. }));
    stage.stop().await;
}

#[tokio::test]
async fn notices_of_one_subject_keep_their_order_and_other_subjects_pass() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Status(503))]).await;
    for (id, subject) in [("n1", "seoul"), ("n2", "seoul"), ("n3", "busan")] {
        notice(&keeper, id, subject, "a").await;
    }
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 300]);
    keeper.attempts(4).await;
    let got = receiver.so_far();
    let place = |id: &str| got.iter().rposition(|g| g.id == id).unwrap();
    assert_eq!(got.len(), 4);
    assert!(place("n3") < place("n1") && place("n1") < place("n2"), "{got:?}");
    stage.stop().await;
}

#[tokio::test]
async fn a_long_line_of_notices_arrives_whole_and_in_order() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([]).await;
    let write = |from: usize, to: usize| {
        keeper.commit(move |w| {
            for i in from..to {
                let event = change(&format!("e{i}"), "seoul", NOW);
                w.put_event(&event, &[(format!("n{i}"), "a".to_owned())]).unwrap();
            }
        })
    };
    write(0, 250).await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0]);
    receiver.got(20).await;
    write(250, 300).await;
    keeper.attempts(300).await;
    let ids: Vec<String> = receiver.so_far().into_iter().map(|g| g.id).collect();
    assert_eq!(ids, (0..300).map(|i| format!("n{i}")).collect::<Vec<_>>());
    stage.stop().await;
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::RetryAfter(429, 1))]).await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 1]);
    notice(&keeper, "n1", "s", "a").await;
    let got = receiver.got(2).await;
    assert!(got[1].at - got[0].at >= Duration::from_secs(1));
    let attempts = keeper.attempts(2).await;
    let Outcome::Retry { next, .. } = attempts[0].outcome else { panic!("{attempts:?}") };
    assert_eq!(next, NOW.plus(Duration::from_secs(1)));
    stage.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone_also_after_a_restart() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Status(410))]).await;
    notice(&keeper, "n1", "s", "a").await;
    notice(&keeper, "n2", "s", "a").await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 1]);
    let attempts = keeper.attempts(2).await;
    assert_eq!(dead(&attempts[0]), ("410: the receiver asks to be left alone (so be it)", true));
    let (said, disable) = dead(&attempts[1]);
    assert!(said.starts_with("receiver disabled since 2022-01-08T13:00:03Z: 410") && !disable);
    stage.stop().await;

    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 1]);
    notice(&keeper, "n3", "other", "a").await;
    let attempts = keeper.attempts(3).await;
    assert!(dead(&attempts[2]).0.starts_with("receiver disabled since"));
    assert_eq!(receiver.so_far().len(), 1);
    stage.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Redirect)]).await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 1]);
    notice(&keeper, "n1", "s", "a").await;
    let attempts = keeper.attempts(2).await;
    assert!(why(&attempts[0]).starts_with("301: redirects are not followed"));
    assert!(receiver.so_far().iter().all(|g| g.path == "/hook"));
    stage.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_times_out() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Hang)]).await;
    let impatient =
        settings::Receiver { timeout: Duration::from_millis(200), ..receiver.settings("a") };
    let stage = Stage::start(&keeper, vec![impatient], &[0, 1]);
    notice(&keeper, "n1", "s", "a").await;
    let attempts = keeper.attempts(2).await;
    assert_eq!(why(&attempts[0]), "no answer within 200ms");
    assert!(matches!(attempts[1].outcome, Outcome::Delivered { .. }));
    stage.stop().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other_however_much_waits_for_it() {
    let keeper = Keeper::new();
    let slow = Receiver::new([]).await.usually(Reply::Hang);
    let quick = Receiver::new([]).await;
    let patient = settings::Receiver { timeout: Duration::from_secs(600), ..slow.settings("slow") };
    keeper
        .commit(|w| {
            for i in 0..10_000 {
                let event = change(&format!("e{i}"), &format!("s{i}"), NOW);
                w.put_event(&event, &[(format!("n{i}"), "slow".to_owned())]).unwrap();
            }
        })
        .await;
    let receivers = vec![patient, quick.settings("quick")];
    let stage = Stage::finishing(&keeper, receivers, &[0, 1], Duration::ZERO);
    slow.got(4).await;
    notice(&keeper, "q1", "s1", "quick").await;
    quick.got(1).await;
    let attempts = keeper.attempts(1).await;
    assert_eq!(attempts.len(), 1, "{attempts:?}");
    assert_eq!(slow.so_far().len(), 4);
    stage.stop().await;
}

#[tokio::test]
async fn after_the_last_step_a_notice_is_dead_and_the_next_has_its_turn() {
    let keeper = Keeper::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let lost = settings("a", &format!("http://{nobody}/hook?key=hidden"));
    notice(&keeper, "n1", "s", "a").await;
    notice(&keeper, "n2", "s", "a").await;
    let stage = Stage::start(&keeper, vec![lost], &[0, 1, 1]);
    let attempts = keeper.attempts(6).await;
    let notices: Vec<i64> = attempts.iter().map(|a| a.notice).collect();
    assert_eq!(notices, [1, 1, 1, 2, 2, 2]);
    let (said, disable) = dead(&attempts[2]);
    assert!(said.starts_with("given up after 3 attempts; the last: "), "{said}");
    assert!(said.contains("refused") && !said.contains("hidden") && !disable, "{said}");
    stage.stop().await;
}

#[tokio::test]
async fn notices_of_a_receiver_that_is_no_longer_configured_are_dead() {
    let keeper = Keeper::new();
    notice(&keeper, "n1", "s", "former").await;
    let stage = Stage::start(&keeper, Vec::new(), &[0]);
    let attempts = keeper.attempts(1).await;
    assert_eq!(dead(&attempts[0]), ("receiver no longer configured", false));
    stage.stop().await;
}

#[tokio::test]
async fn after_a_restart_delivery_goes_on_where_it_was() {
    let keeper = Keeper::new();
    let script = [("n2", Reply::Hang)];
    let receiver = Receiver::new(script).await;
    let none = Duration::ZERO;
    let stage = Stage::finishing(&keeper, vec![receiver.settings("a")], &[0, 1], none);
    for id in ["n1", "n2", "n3"] {
        notice(&keeper, id, "s", "a").await;
    }
    receiver.got(2).await;
    stage.stop().await;

    let keeper = keeper.reopened().await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 1]);
    keeper.attempts(2).await;
    let ids: Vec<String> = receiver.so_far().into_iter().map(|g| g.id).collect();
    assert_eq!(ids, ["n1", "n2", "n2", "n3"]);
    stage.stop().await;
}

#[tokio::test]
async fn what_is_under_way_is_finished_before_the_stage_stops() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Hang)]).await;
    let brief =
        settings::Receiver { timeout: Duration::from_millis(500), ..receiver.settings("a") };
    let stage = Stage::start(&keeper, vec![brief], &[0, 3_600_000]);
    notice(&keeper, "n1", "s", "a").await;
    receiver.got(1).await;
    stage.stop().await;
    assert_eq!(why(&keeper.attempts(1).await[0]), "no answer within 500ms");
}

#[tokio::test]
async fn a_secret_that_cannot_sign_never_leads_to_an_unsigned_request() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([]).await;
    let secrets = vec![dustline::config::Secret::new("whsec_%%%")];
    let wrong = settings::Receiver { secrets, ..receiver.settings("a") };
    let stage = Stage::start(&keeper, vec![wrong.clone()], &[0]);
    notice(&keeper, "n1", "s", "a").await;
    assert!(dead(&keeper.attempts(1).await[0]).0.contains("cannot sign"));
    assert!(
        deliver::probe(&wrong, &Outgoing::default()).await.unwrap_err().contains("cannot sign")
    );
    assert!(receiver.so_far().is_empty());
    stage.stop().await;
}

#[tokio::test]
async fn each_receiver_reads_its_own_language() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([]).await;
    let speaking = |id: &str, language| settings::Receiver { language, ..receiver.settings(id) };
    let receivers = Language::ALL.map(|l| speaking(l.code(), l)).to_vec();
    let stage = Stage::start(&keeper, receivers, &[0]);
    let notices = [("n-ko", "ko"), ("n-zh", "zh"), ("n-en", "en")];
    keeper.event(change("e", "s", NOW), &notices).await;
    for got in receiver.got(3).await {
        let start = match got.id.as_str() {
            "n-ko" => "서울: ",
            "n-zh" => "首尔：",
            _ => "Seoul: ",
        };
        assert!(got.body["data"]["text"].as_str().unwrap().starts_with(start), "{got:?}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_probe_asks_and_tells_nothing() {
    let receiver = Receiver::new([]).await.usually(Reply::Status(405));
    let said = deliver::probe(&receiver.settings("a"), &Outgoing::default()).await.unwrap();
    assert!(said.contains("405"), "{said}");
    let got = receiver.so_far();
    assert_eq!((got.len(), &got[0].method), (1, &Method::OPTIONS));
    assert!(got[0].id.is_empty() && got[0].body.is_null());
    let gone = receiver.settings("a");
    drop(receiver);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = dustline::config::Secret::new(format!("http://{nobody}/?key=hidden"));
    let gone = settings::Receiver { url, ..gone };
    let said = deliver::probe(&gone, &Outgoing::default()).await.unwrap_err();
    assert!(said.contains("refused") && !said.contains("hidden"), "{said}");
}

#[tokio::test]
async fn a_notice_that_is_given_up_lets_the_next_have_its_turn_at_once() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Status(500))]).await;
    notice(&keeper, "n1", "s", "a").await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 3_600_000]);
    keeper.attempts(1).await;
    keeper
        .commit(|w| {
            assert_eq!(w.drop_notice(1, NOW).unwrap(), Handled::Done { notice: 1 });
            assert_eq!(w.drop_notice(1, NOW).unwrap(), Handled::Unfit { state: "dead".to_owned() });
            w.put_event(&change("e2", "s", NOW), &[("n2".to_owned(), "a".to_owned())]).unwrap();
            w.acted();
        })
        .await;
    let attempts = keeper.attempts(2).await;
    assert_eq!(attempts[1].notice, 2);
    assert!(matches!(attempts[1].outcome, Outcome::Delivered { .. }));
    stage.stop().await;
}

#[tokio::test]
async fn a_receiver_that_was_gone_is_enabled_and_its_dead_notices_are_tried_again() {
    let keeper = Keeper::new();
    let receiver = Receiver::new([("n1", Reply::Status(410))]).await;
    notice(&keeper, "n1", "s", "a").await;
    notice(&keeper, "n2", "s", "a").await;
    let stage = Stage::start(&keeper, vec![receiver.settings("a")], &[0, 1]);
    keeper.attempts(2).await;
    keeper
        .commit(|w| {
            assert!(w.enable_receiver("a").unwrap() && !w.enable_receiver("a").unwrap());
            for (old, new) in [(1, 3), (2, 4)] {
                assert_eq!(w.retry_notice(old, NOW).unwrap(), Handled::Done { notice: new });
            }
            assert_eq!(w.retry_notice(1, NOW).unwrap(), Handled::Absent);
            w.acted();
        })
        .await;
    let attempts = keeper.attempts(4).await;
    let delivered = |a: &&Attempt| matches!(a.outcome, Outcome::Delivered { .. });
    assert_eq!(attempts.iter().filter(delivered).count(), 2, "{attempts:?}");
    let ids: Vec<String> = receiver.so_far().into_iter().map(|g| g.id).collect();
    assert_eq!(ids, ["n1", "n1", "n2"]);
    stage.stop().await;
}
