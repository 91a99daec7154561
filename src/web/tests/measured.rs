//! Readings, hours, stations, devices.

use super::fixture::*;
use crate::air::Quantity::{Humidity, Pm2_5, Pm10};
use crate::air::Stamp;
use serde_json::{Value, json};

/// Two hours of `s1` (a reading every 20 minutes), the first of them closed, and one of `s3`.
fn town() -> Store {
    let mut store = Store::new();
    for n in [0, 20, 40, 60, 80] {
        let v = 10.0 + n as f64 / 20.0;
        store.reading("s1", minute(n), minute(n), &[good(Pm2_5, v), good(Pm10, v * 2.0)], false);
    }
    store.reading("s3", minute(70), minute(81), &[bad(Pm2_5, 9999.0)], false);
    store.close(minute(82), minute(60).hour());
    store
}

fn values(page: &Value) -> Vec<(String, String, f64)> {
    let text = |r: &Value, k: &str| r[k].as_str().unwrap().to_owned();
    let readings = page["readings"].as_array().unwrap();
    readings
        .iter()
        .map(|r| (text(r, "at"), text(r, "quantity"), r["value"].as_f64().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_reading_has_every_published_field() {
    let server = town().local().await;
    let page = server.json("/api/v1/readings?device=s3").await;
    assert_eq!(
        page,
        json!({ "readings": [{
            "device": "s3", "station": "mapo", "quantity": "pm2_5", "value": 9999.0, "unit": "ug/m3",
            "at": "2022-01-08T11:10:00Z", "received_at": "2022-01-08T11:21:00Z",
            "time_source": "device", "flag": 4, "reasons": ["range"],
        }] })
    );
}

#[tokio::test]
async fn readings_of_closed_and_open_hours_come_by_time_the_newest_last() {
    let server = town().local().await;
    let page = server.json("/api/v1/readings?station=jongno&quantity=pm2_5").await;
    let found: Vec<f64> = values(&page).into_iter().map(|(_, _, v)| v).collect();
    assert_eq!(found, [10.0, 11.0, 12.0, 13.0, 14.0]);
    let range = "from=2022-01-08T10:20:00Z&to=2022-01-08T11:20:00Z";
    let page = server.json(&format!("/api/v1/readings?device=s1&quantity=pm10&{range}")).await;
    let found: Vec<f64> = values(&page).into_iter().map(|(_, _, v)| v).collect();
    assert_eq!(found, [22.0, 24.0, 26.0], "from counts, to does not");
    let page = server.json(&format!("/api/v1/readings?{range}")).await;
    assert_eq!(values(&page).len(), 7, "all devices");
}

#[tokio::test]
async fn pages_join_to_the_whole_list_whatever_their_size() {
    let store = town();
    let server = store.local().await;
    for scope in ["device=s1", "from=2022-01-08T00:00:00Z"] {
        let whole = values(&server.json(&format!("/api/v1/readings?{scope}")).await);
        assert!(whole.len() >= 10);
        for limit in [1, 3, 10] {
            let (mut joined, mut after) = (Vec::new(), String::new());
            loop {
                let path = format!("/api/v1/readings?{scope}&limit={limit}&after={after}");
                let page = server.json(&path).await;
                assert!(page["readings"].as_array().unwrap().len() <= limit);
                joined.extend(values(&page));
                match page["next"].as_str() {
                    Some(next) => after = next.to_owned(),
                    None => break,
                }
            }
            assert_eq!(joined, whole, "{scope}, {limit} on a page");
        }
    }
}

#[tokio::test]
async fn of_a_revised_reading_only_the_value_that_counts_is_shown() {
    let mut store = town();
    // One in the open hour, one in the closed hour, each received twice more.
    for (n, received) in [(80, 83), (20, 84), (20, 85)] {
        store.reading("s1", minute(n), minute(received), &[good(Pm2_5, received as f64)], true);
    }
    let server = store.local().await;
    let page = server.json("/api/v1/readings?device=s1&quantity=pm2_5").await;
    let found: Vec<f64> = values(&page).into_iter().map(|(_, _, v)| v).collect();
    assert_eq!(found, [10.0, 85.0, 12.0, 13.0, 83.0]);
    let page = server.json("/api/v1/readings?device=s1&quantity=pm10").await;
    assert_eq!(values(&page).len(), 5, "what the revision does not name stays");
}

#[tokio::test]
async fn variants_are_readings_of_their_own() {
    let mut store = Store::new();
    let both = [good(Pm2_5, 10.0), variant(Pm2_5, "cf1", 14.0)];
    store.reading("x", minute(0), minute(0), &both, false);
    let server = store.local().await;
    let page = server.json("/api/v1/readings?device=x").await;
    assert_eq!(page["readings"][0].get("variant"), None);
    assert_eq!(page["readings"][1]["variant"], "cf1");
    assert_eq!(page["readings"][1]["station"], "x", "a device that no station names is its own");
    let devices = server.json("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["latest"]["pm2_5__cf1"]["value"], 14.0);
}

#[tokio::test]
async fn what_is_committed_after_the_first_request_is_seen_by_a_later_one() {
    let mut store = town();
    let server = store.local().await;
    let before = values(&server.json("/api/v1/readings?device=s1").await).len();
    let devices = server.json("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["latest"].get("humidity"), None);
    store.reading("s1", minute(90), minute(90), &[good(Humidity, 40.0)], false);
    // The view may be a tenth of a second old: ask until it is not.
    let path = "/api/v1/readings?device=s1";
    let mut now = before;
    for _ in 0..10_000 {
        now = values(&server.json(path).await).len();
        if now > before {
            break;
        }
    }
    assert_eq!(now, before + 1);
    let devices = server.json("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["latest"]["humidity"]["value"], 40.0);
}

#[tokio::test]
async fn all_devices_together_need_a_range_of_a_month_at_most() {
    let server = town().local().await;
    let answer = server.get("/api/v1/readings?from=2021-01-01T00:00:00Z").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["parameter"], "from");
    assert!(answer.text.contains("31 days") && answer.text.contains("device"), "{}", answer.text);
    let one = server.json("/api/v1/readings?from=2021-01-01T00:00:00Z&device=s1").await;
    assert_eq!(values(&one).len(), 10);
}

#[tokio::test]
async fn devices_and_stations_show_their_latest_values() {
    let mut store = town();
    store.reading("lone", minute(75), minute(86), &[good(Humidity, 55.0)], false);
    store.reading("s2", minute(79), minute(87), &[good(Pm2_5, 99.0)], false);
    let server = store.local().await;
    let devices = server.json("/api/v1/devices").await;
    let ids: Vec<&str> =
        devices["devices"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["s1", "s3", "lone", "s2"]);
    let s1 = &devices["devices"][0];
    assert_eq!((&s1["source"], &s1["station"]), (&json!("city"), &json!("jongno")));
    assert_eq!(s1["last_heard"], "2022-01-08T11:20:00Z");
    assert_eq!(
        (&s1["latest"]["pm2_5"]["value"], &s1["latest"]["pm10"]["value"]),
        (&json!(14.0), &json!(28.0))
    );
    assert_eq!(devices["devices"][1]["latest"]["pm2_5"]["flag"], 4);

    let stations = server.json("/api/v1/stations").await;
    let list = stations["stations"].as_array().unwrap();
    let ids: Vec<&str> = list.iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["jongno", "mapo", "lone"]);
    assert_eq!(list[0]["name"], json!({ "ko": "종로구", "en": "Jongno-gu" }));
    assert_eq!(list[0]["latest"]["pm2_5"]["value"], 14.0, "of the later of its two devices");
    assert_eq!(list[0]["last_heard"], "2022-01-08T11:27:00Z");
    let first = server.json("/api/v1/stations?limit=2").await;
    let next = first["next"].as_str().unwrap();
    let second = server.json(&format!("/api/v1/stations?limit=2&after={next}")).await;
    assert_eq!(second["stations"][0]["id"], "lone");
    assert_eq!(second.get("next"), None);
}

#[tokio::test]
async fn a_clock_that_is_ahead_does_not_hide_what_comes_after() {
    let mut store = Store::new();
    store.reading("x", minute(30), minute(0), &[good(Pm2_5, 1.0)], false);
    store.reading("x", minute(5), minute(5), &[good(Pm2_5, 2.0)], false);
    let server = store.local().await;
    let devices = server.json("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["latest"]["pm2_5"]["value"], 2.0);
}

#[tokio::test]
async fn hours_of_a_device_and_of_its_station() {
    let mut store = Store::new();
    let hour = |n: i64| Stamp(TEN.0 + n * 3_600_000).hour();
    store.hour("s1", hour(0), 20.0, 6, 60);
    store.hour("s2", hour(0), 40.0, 5, 45);
    store.hour("s1", hour(1), 30.0, 6, 44);
    store.hour("s2", hour(2), 50.0, 6, 60);
    let server = store.local().await;
    let s1 = server.json("/api/v1/hours?device=s1").await;
    assert_eq!(
        s1["hours"][0],
        json!({
            "device": "s1", "quantity": "pm2_5", "start": "2022-01-08T10:00:00Z", "mean": 20.0,
            "min": 19.0, "max": 21.0, "count": 6, "coverage": 1.0, "valid": true,
        })
    );
    assert_eq!(s1["hours"][1]["valid"], false, "44 minutes of 60 are too few");
    let jongno = server.json("/api/v1/hours?station=jongno&quantity=pm2_5").await;
    let of = |n: usize| {
        let h = &jongno["hours"][n];
        (h["mean"].as_f64().unwrap(), h["count"].as_u64().unwrap(), h["valid"].as_bool().unwrap())
    };
    assert_eq!([of(0), of(1), of(2)], [(30.0, 11, true), (30.0, 6, false), (50.0, 6, true)]);
    assert_eq!(
        (&jongno["hours"][0]["min"], &jongno["hours"][0]["max"]),
        (&json!(19.0), &json!(41.0))
    );

    let path = "/api/v1/hours?station=jongno&limit=2";
    let first = server.json(path).await;
    let rest = server.json(&format!("{path}&after={}", first["next"].as_str().unwrap())).await;
    assert_eq!(rest["hours"][0]["start"], "2022-01-08T12:00:00Z");
    let all = server.json("/api/v1/hours?from=2022-01-08T10:30:00Z").await;
    assert_eq!(all["hours"].as_array().unwrap().len(), 2, "the hour of 10:00 starts before");
    let answer = server.get("/api/v1/hours?device=s1&zone=seoul").await;
    assert_eq!((answer.status, &answer.json()["parameter"]), (400, &json!("zone")));
}

#[tokio::test]
async fn a_device_shows_how_its_days_were() {
    let mut store = town();
    store.hour("s1", minute(0).hour(), 11.0, 3, 45);
    let server = store.local().await;
    let s1 = server.json("/api/v1/devices/s1?days=2").await;
    assert_eq!(
        (&s1["station"], &s1["source"], &s1["model"]),
        (&json!("jongno"), &json!("city"), &Value::Null)
    );
    assert_eq!(s1["latest"]["pm2_5"]["value"], 14.0);
    let days = s1["days"].as_array().unwrap();
    assert_eq!(days[0]["readings"], 0);
    let today = &days[1];
    assert_eq!(today["day"], "2022-01-08");
    assert_eq!((&today["readings"], &today["flags"]), (&json!(10), &json!({ "1": 10 })));
    assert_eq!(today["clock"], json!({ "least": 0.0, "median": 0.0, "most": 0.0 }));
    assert_eq!(today["coverage"], json!({ "pm2_5": 0.75 / 24.0 }));
    let s3 = server.json("/api/v1/devices/s3").await;
    let today = &s3["days"].as_array().unwrap()[6];
    assert_eq!(today["reasons"], json!({ "range": 1 }));
    assert_eq!(today["clock"]["median"], 660.0);
}

#[tokio::test]
async fn a_device_that_has_never_reported_is_not_found() {
    let server = town().local().await;
    assert_eq!(server.get("/api/v1/devices/nobody").await.status, 404);
    for days in ["0", "32", "x"] {
        assert_eq!(server.get(&format!("/api/v1/devices/s1?days={days}")).await.status, 400);
    }
}
