//! Events for the tests of formats.

use super::{Area, Areas, Offers, Told, World};
use crate::air::Stamp;
use crate::air::place::Language;
use crate::config::settings::Links;
use crate::link::Key;
use crate::store::EventRow;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When things are told: 2022-01-08T13:00:05Z.
pub const NOW: Stamp = Stamp(1_641_646_805_000);

/// A change of Seoul's PM2.5, with a number that names it and sets its minute.
pub fn change(number: u8, from: &str, to: &str) -> EventRow {
    event(
        number,
        "dustline.change.v1",
        "zone/seoul/kr-pm25",
        json!({
            "ladder": "kr-pm25", "ruleset": "kr-air-alert@2018-07-01",
            "scope": { "zone": "seoul", "name": { "ko": "서울", "zh": "首尔", "en": "Seoul" } },
            "from": from, "to": to, "at": "2022-01-08T13:00:00Z", "time_zone": "Asia/Seoul",
            "quantity": "pm2_5", "unit": "ug/m3", "value": 81.84,
            "criterion": { "ko": "시간평균 75 µg/m³ 이상 2시간", "zh": "小时均值 ≥ 75 µg/m³ 持续 2 小时", "en": "hourly mean ≥ 75 µg/m³ for 2 hours" },
            "exercise": false,
        }),
    )
}

/// A source that falls silent, or speaks again.
pub fn silence(number: u8, active: bool) -> EventRow {
    event(
        number,
        "dustline.operational.v1",
        "operational/source_silent/city",
        json!({
            "kind": "source_silent", "subject": "city", "active": active,
            "at": "2022-01-08T13:00:00Z", "detail": "nothing since <noon> & before",
        }),
    )
}

/// An incident of which Korea is told, and what it owes.
pub fn incident(number: u8, owes: &str) -> EventRow {
    event(
        number,
        "dustline.incident.v1",
        "incident/01FRVFR800E1TGVBETPXF4TPS9",
        json!({
            "incident": "01FRVFR800E1TGVBETPXF4TPS9", "case": "2022-0001", "kind": "opened",
            "party": "KR", "owes": owes, "at": "2022-01-08T13:00:00Z", "exercise": false,
            "said": { "ko": "사건 2022-0001", "zh": "事件 2022-0001", "en": "Incident 2022-0001" },
        }),
    )
}

/// Links for one desk of each party.
pub fn offers() -> Offers {
    let desk = |party: &str, desk: &str| (party.to_owned(), BTreeSet::from([desk.to_owned()]));
    let links = Links {
        public_url: "https://hotline.example".to_owned(),
        valid: Duration::from_secs(24 * 3600),
        ladders: BTreeMap::from([desk("KR", "kr-desk"), desk("CN", "cn-desk")]),
    };
    Offers { key: Key::of(&[7; 32]), links }
}

fn event(number: u8, kind: &str, subject: &str, data: Value) -> EventRow {
    EventRow {
        id: i64::from(number),
        uid: format!("01FRXY0000ABCDEFGHJKMNPQ{number:02}"),
        kind: kind.to_owned(),
        subject: subject.to_owned(),
        time: Stamp(1_641_646_803_000 + i64::from(number) * 60_000),
        data,
    }
}

/// The installation of the tests.
pub fn world() -> World {
    let mut areas = Areas::default();
    let corners = vec![[37.7, 126.8], [37.7, 127.2], [37.4, 127.2], [37.7, 126.8]];
    areas.insert("zone/seoul", Area::Polygon(corners));
    areas.insert("station/jongno", Area::Point([37.572, 127.005]));
    let (instance, base_url) = ("seoul-1".to_owned(), "http://127.0.0.1:8080/".to_owned());
    World { instance, base_url, areas, offers: Some(offers()), ..World::default() }
}

/// Hands out an event as it is told to a reader of this language.
pub fn told<T>(event: &EventRow, language: Language, take: impl FnOnce(&Told<'_>) -> T) -> T {
    take(&Told { event, earlier: &[], language, offer: None, world: &world(), now: NOW })
}
