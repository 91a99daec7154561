//! Zones, levels, changes, ledger, quarantine, outbox.

use super::fixture::*;
use crate::air::Quantity;
use crate::flow::{Attempt, Outcome};
use crate::store::{Bucket, Reader, ZoneHourRow};
use crate::web::Span;
use serde_json::json;

fn zone_hour(store: &mut Store, minutes: i64, mean: f64, stations: u32) {
    store.batch(|w| {
        let row = ZoneHourRow {
            zone: "seoul".into(),
            quantity: Quantity::Pm2_5,
            hour: minute(minutes).hour(),
            sum_micro: (mean * 1e6) as i64 * i64::from(stations),
            stations,
            expected: 2,
            valid: stations > 0,
            left_out: Vec::new(),
        };
        w.put_zone_hour(&row).unwrap();
    });
}

#[tokio::test]
async fn a_zone_shows_its_levels_and_its_last_judged_hour() {
    let mut store = Store::new();
    zone_hour(&mut store, 0, 81.0, 2);
    zone_hour(&mut store, 60, 82.5, 1);
    store.change("c1", minute(120), "none", "advisory");
    let server = store.local().await;
    let zones = server.json("/api/v1/zones").await;
    assert_eq!(
        zones["zones"][0],
        json!({
            "id": "seoul", "name": { "ko": "서울", "en": "Seoul" }, "country": "KR",
            "time_zone": "Asia/Seoul", "stations": ["jongno", "mapo"],
            "rulesets": ["kr-air-alert", "kr-emergency"],
            "levels": [{ "ladder": "kr-pm25", "level": "advisory", "since": "2022-01-08T12:00:00Z",
                         "value": 81.84, "unknown": false }],
            "hours": { "pm2_5": { "start": "2022-01-08T11:00:00Z", "mean": 82.5, "unit": "ug/m3",
                                  "stations": 1, "expected": 2, "valid": true } },
        })
    );
    let hours = server.json("/api/v1/hours?zone=seoul&limit=1").await;
    assert_eq!(
        hours["hours"][0],
        json!({ "zone": "seoul", "quantity": "pm2_5", "start": "2022-01-08T10:00:00Z", "mean": 81.0,
                "min": null, "max": null, "count": 2, "coverage": 1.0, "valid": true })
    );
    let after = hours["next"].as_str().unwrap();
    let hours = server.json(&format!("/api/v1/hours?zone=seoul&limit=1&after={after}")).await;
    assert_eq!((&hours["hours"][0]["coverage"], hours.get("next")), (&json!(0.5), None));
}

#[tokio::test]
async fn levels_and_changes_have_every_published_field() {
    let mut store = Store::new();
    store.change("c1", minute(120), "none", "advisory");
    store.change("c2", minute(300), "advisory", "none");
    let server = store.local().await;
    let levels = server.json("/api/v1/levels").await;
    assert_eq!(
        levels["levels"],
        json!([{ "ladder": "kr-pm25", "scope": "zone/seoul", "level": "none",
            "since": "2022-01-08T15:00:00Z", "value": 81.84, "unknown": false,
            "inputs": [{ "hour": "2022-01-08T11:00:00Z", "mean": 79.2, "stations": 25 }],
            "ruleset": "kr-air-alert@2018-07-01" }])
    );
    let changes = server.json("/api/v1/changes?limit=1").await;
    let first = &changes["changes"][0];
    assert_eq!(
        (
            &first["id"],
            &first["from"],
            &first["to"],
            &first["at"],
            &first["late"],
            &first["ruleset"]
        ),
        (
            &json!("c1"),
            &json!("none"),
            &json!("advisory"),
            &json!("2022-01-08T12:00:00Z"),
            &json!(false),
            &json!("kr-air-alert@2018-07-01")
        )
    );
    assert_eq!(first["inputs"][0]["mean"], 79.2);
    let after = changes["next"].as_str().unwrap();
    let rest = server.json(&format!("/api/v1/changes?after={after}")).await;
    assert_eq!((&rest["changes"][0]["id"], rest.get("next")), (&json!("c2"), None));
    let some = server.json("/api/v1/changes?from=2022-01-08T12:00:01Z").await;
    assert_eq!(some["changes"].as_array().unwrap().len(), 1);
    assert_eq!(server.json("/api/v1/changes/c2").await["to"], "none");
    assert_eq!(server.get("/api/v1/changes/c3").await.status, 404);
}

#[tokio::test]
async fn the_ledger_joins_hours_that_are_over_with_the_running_one() {
    let mut store = Store::new();
    store.reading("s1", minute(0), minute(0), &[good(Quantity::Pm2_5, 1.0)], false);
    store.message(minute(1), Bucket::Quarantined);
    store.message(minute(59), Bucket::Duplicate);
    store.reading("s1", minute(61), minute(61), &[good(Quantity::Pm2_5, 2.0)], false);
    store.message(minute(62), Bucket::Ignored);
    let server = store.local().await;
    let ledger = server.json("/api/v1/ledger").await;
    let counts = |l: &serde_json::Value| {
        ["received", "stored", "duplicate", "quarantined", "ignored"]
            .map(|k| l[k].as_u64().unwrap())
    };
    assert_eq!(counts(&ledger), [5, 2, 1, 1, 1]);
    assert_eq!(counts(&ledger["readings"]), [2, 2, 0, 0, 0]);
    let by = ledger["by"].as_array().unwrap();
    assert_eq!(by.len(), 4);
    assert_eq!((&by[0]["device"], &by[1]["device"]), (&json!(null), &json!("s1")));
    assert_eq!(counts(&by[0]), [2, 0, 1, 1, 0]);
    assert_eq!(by[3]["hour"], "2022-01-08T11:00:00Z");

    let running = server.json("/api/v1/ledger?from=2022-01-08T11:00:00Z").await;
    assert_eq!(counts(&running), [2, 1, 0, 0, 1]);
    let over = server.json("/api/v1/ledger?to=2022-01-08T11:00:00Z").await;
    assert_eq!(counts(&over), [3, 1, 1, 1, 0]);

    let (mut lines, mut after) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = server.json(&format!("/api/v1/ledger?limit=1&after={after}")).await;
        assert_eq!(counts(&page), [5, 2, 1, 1, 1], "the sum is of the whole range");
        lines.extend(page["by"].as_array().unwrap().clone());
        after = page["next"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((&lines, after.as_str()), (by, ""));
}

#[test]
fn the_ledger_counts_nothing_twice_when_the_hour_turns_while_it_is_read() {
    let mut store = Store::new();
    store.message(minute(10), Bucket::Ignored);
    let mut reader = Reader::open(store.dir.path()).unwrap();
    let index = reader.index().unwrap();
    // The table now has the hour that the index still counts as the running one.
    store.message(minute(70), Bucket::Ignored);
    let span = Span::new(&index, None, None);
    assert_eq!(span.sum(&reader).unwrap().messages.received, 1);
    assert_eq!(span.page(&reader, None, 10).unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_set_aside_is_shown_byte_by_byte_where_nothing_is_secret() {
    let mut store = Store::new();
    store.message(minute(1), Bucket::Quarantined);
    store.message(minute(2), Bucket::Quarantined);
    let server = store.local().await;
    let page = server.json("/api/v1/quarantine?limit=1").await;
    assert_eq!(
        page["quarantine"][0],
        json!({ "id": 1, "at": "2022-01-08T10:01:00Z", "source": "city", "topic": "air/\u{fffd}",
            "reason": "not_json", "detail": "byte 7 is not UTF-8; mend the device", "size": 9,
            "payload": "{\"pm\": \u{fffd}}", "payload_base64": "eyJwbSI6IP99" })
    );
    let after = page["next"].as_str().unwrap();
    let rest = server.json(&format!("/api/v1/quarantine?limit=1&after={after}")).await;
    assert_eq!((&rest["quarantine"][0]["id"], rest.get("next")), (&json!(2), None));
    assert_eq!(server.json("/api/v1/quarantine/2").await["id"], 2);
    for none in ["3", "0", "x", "-9223372036854775808"] {
        assert_eq!(server.get(&format!("/api/v1/quarantine/{none}")).await.status, 404, "{none}");
    }
}

#[tokio::test]
async fn the_outbox_is_listed_by_state() {
    let mut store = Store::new();
    store.change("c1", minute(120), "none", "advisory");
    store.change("c2", minute(300), "advisory", "none");
    store.batch(|w| {
        let outcome = Outcome::Dead { why: "410 Gone".into(), disable: false };
        w.put_attempt(&Attempt { notice: 1, at: minute(121), outcome }).unwrap();
    });
    let server = store.local().await;
    let dead = server.json("/api/v1/outbox?state=dead").await;
    let notice = &dead["outbox"][0];
    assert_eq!(dead["outbox"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &notice["webhook_id"],
            &notice["receiver"],
            &notice["last"],
            &notice["attempts"],
            &notice["type"]
        ),
        (
            &json!("msg-c1"),
            &json!("desk"),
            &json!("410 Gone"),
            &json!(1),
            &json!("dustline.change.v1")
        )
    );
    assert_eq!(
        (notice.get("next_attempt"), &notice["done"]),
        (None, &json!("2022-01-08T12:01:00Z"))
    );
    assert_eq!(server.json("/api/v1/outbox").await["outbox"].as_array().unwrap().len(), 2);
    assert_eq!(server.json("/api/v1/outbox/2").await["state"], "pending");
    assert_eq!(server.get("/api/v1/outbox/3").await.status, 404);
    let answer = server.get("/api/v1/outbox?state=lost").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["allowed"], "must be one of pending, delivered, dead");
}
