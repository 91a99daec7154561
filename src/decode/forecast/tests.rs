use super::*;
use crate::air::{Cause, Foretold, IndexKind, Quantity};
use proptest::prelude::*;
use serde_json::{Value, json};

fn at(text: &str) -> Stamp {
    Stamp::parse(text).unwrap()
}

fn now() -> Stamp {
    at("2022-01-08T08:00:00Z")
}

fn zones() -> Vec<ForecastZone> {
    let zone = |id: &str, country: Option<&str>, time_zone: &str| ForecastZone {
        id: id.into(),
        country: country.map(str::to_owned),
        time_zone: TimeZone::get(time_zone).unwrap(),
    };
    vec![
        zone("seoul", Some("KR"), "Asia/Seoul"),
        zone("beijing", Some("CN"), "Asia/Shanghai"),
        zone("paris", Some("FR"), "Europe/Paris"),
    ]
}

fn element() -> Value {
    json!({"issuer": "nier", "issued_at": "2022-01-08T17:00:00+09:00", "zone": "seoul",
           "quantity": "pm2_5", "day": "2022-01-09", "value": 62})
}

fn with(field: &str, value: impl Into<Value>) -> Value {
    let mut element = element();
    element[field] = value.into();
    element
}

fn of(document: &Value) -> Forecasts {
    read(document.to_string().as_bytes(), &zones(), now()).unwrap()
}

fn one(document: &Value) -> Forecast {
    let found = of(document);
    assert_eq!(found.faults, [], "{document}");
    found.taken.into_iter().next().unwrap()
}

fn fault(document: &Value) -> (String, String) {
    let mut found = of(document);
    assert_eq!((found.taken.len(), found.faults.len()), (0, 1), "{document}: {found:?}");
    let fault = found.faults.remove(0);
    (fault.place, fault.detail)
}

#[test]
fn a_day_is_the_local_day_of_its_zone() {
    let expected = Forecast {
        issuer: "nier".into(),
        issued_at: at("2022-01-08T08:00:00Z"),
        zone: "seoul".into(),
        of: Foretold::Quantity(Quantity::Pm2_5),
        from: at("2022-01-08T15:00:00Z"),
        until: at("2022-01-09T15:00:00Z"),
        value: 62.0,
        cause: None,
    };
    assert_eq!(one(&element()), expected);
    // The clocks of Paris went forward that night: a day of 23 hours.
    let mut spring = with("zone", "paris");
    spring["day"] = json!("2022-03-27");
    let spring = one(&spring);
    assert_eq!(spring.until.since(spring.from), 23 * 3_600_000);
}

#[test]
fn plain_aqi_is_the_index_of_the_zones_country() {
    for (zone, index) in [("seoul", IndexKind::Cai), ("beijing", IndexKind::AqiCn)] {
        let mut element = with("quantity", "aqi");
        element["zone"] = json!(zone);
        assert_eq!(one(&element).of, Foretold::Index(index));
    }
    let mut element = with("quantity", "aqi");
    element["zone"] = json!("paris");
    let (place, detail) = fault(&element);
    assert!(place == "/quantity" && detail.contains("aqi_cn, cai or aqi_us"), "{detail}");
    assert_eq!(one(&with("quantity", "aqi_us")).of, Foretold::Index(IndexKind::AqiUs));
}

#[test]
fn a_period_takes_the_place_of_a_day_and_a_cause_may_be_told() {
    let mut element = with("cause", "dust");
    element.as_object_mut().unwrap().remove("day");
    element["from"] = json!("2022-01-09T06:00");
    element["until"] = json!("2022-01-09T12:00:00Z");
    let forecast = one(&element);
    assert_eq!(forecast.cause, Some(Cause::Dust));
    assert_eq!(forecast.from, at("2022-01-08T21:00:00Z"));
    assert_eq!(forecast.until, at("2022-01-09T12:00:00Z"));
    element["day"] = json!("2022-01-09");
    assert_eq!(fault(&element).0, "/day");
}

#[test]
fn every_fault_is_named_with_its_place_and_what_is_allowed() {
    let wrong = [
        ("issuer", json!("a b"), "letters"),
        ("issuer", json!(null), "who issued it"),
        ("issued_at", json!("yesterday"), "a time such as"),
        ("issued_at", json!("2022-01-08T18:01:00+09:00"), "in the future"),
        ("issued_at", json!("2022-01-10T00:00:00+09:00"), ""),
        ("zone", json!("busan"), "seoul, beijing, paris"),
        ("quantity", json!("pm25"), "pm2_5"),
        ("day", json!("2022-02-30"), "2026-01-31"),
        ("day", json!("2022-01-09T00:00"), "2026-01-31"),
        ("day", json!(null), "from and until"),
        ("value", json!(-1), "0 to"),
        ("value", json!("much"), "not a number"),
        ("value", json!([1]), "neither a text nor a number"),
        ("cause", json!("traffic"), "wildfire"),
        ("colour", json!("red"), "no such field"),
    ];
    for (field, value, part) in wrong {
        let found = of(&with(field, value.clone()));
        let fault = found.faults.first().unwrap();
        assert!(found.taken.is_empty(), "{field} {value}");
        assert_eq!(fault.place, format!("/{field}"), "{value}");
        assert!(fault.detail.contains(part), "{fault}");
    }
    let empty = of(&json!({}));
    let places: Vec<&str> = empty.faults.iter().map(|f| f.place.as_str()).collect();
    assert_eq!(places, ["/issuer", "/zone", "/quantity", "/value", "/issued_at", "/day"]);
}

#[test]
fn one_bad_element_never_drops_the_others() {
    let found = of(&json!([element(), 7, with("value", -3), with("value", 40), [element()]]));
    assert_eq!(found.taken.iter().map(|f| f.value).collect::<Vec<_>>(), [62.0, 40.0]);
    let mut places: Vec<&str> = found.faults.iter().map(|f| f.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/1", "/2/value", "/4"]);
}

#[test]
fn csv_has_the_same_fields_as_columns_and_faults_by_line() {
    let text = "\u{feff}zone,issuer,issued_at,quantity,day,value,cause\n\
                seoul,nier,2022-01-08T17:00:00+09:00,pm2_5,2022-01-09,62,\n\
                busan,nier,2022-01-08T17:00:00+09:00,pm2_5,2022-01-09,62,\n\
                seoul, nier ,2022-01-08 17:00,pm10,2022-01-09,\"1,5\",\n\
                seoul,nier,2022-01-08 17:00,pm10,2022-01-10,90,dust\n\
                seoul,nier,2022-01-08 17:00,pm10,2022-01-11,90,dust,more\n";
    let found = read(text.as_bytes(), &zones(), now()).unwrap();
    assert_eq!(found.taken.len(), 2);
    assert_eq!(found.taken[0], one(&element()));
    assert_eq!(found.taken[1].cause, Some(Cause::Dust));
    let mut places: Vec<&str> = found.faults.iter().map(|f| f.place.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["line 3, zone", "line 4, value", "line 6"]);
}

#[test]
fn a_document_that_is_no_forecasts_is_refused_as_a_whole() {
    for (bytes, reason) in [
        (&b"{\"issuer\""[..], "not_json"),
        (b"\xff\xfe", "not_utf8"),
        (b"12.5", "not_forecasts"),
        (b"", "not_forecasts"),
        (b"issuer,issued_at,zone,quantity,day\n", "not_forecasts"),
        (b"issuer,issued_at,zone,quantity,value,smell\n", "not_forecasts"),
    ] {
        let refused = read(bytes, &zones(), now()).unwrap_err();
        assert_eq!(refused.reason(), reason, "{refused:?}");
    }
    let many = json!(vec![0; ENTRIES_MAX + 1]).to_string();
    let refused = read(many.as_bytes(), &zones(), now()).unwrap_err();
    assert_eq!(refused.reason(), "too_many_values");
}

#[test]
fn a_message_of_which_nothing_can_be_taken_is_refused_with_its_first_faults() {
    let message =
        |payload: &'static [u8]| Message { topic: "f", payload, retained: false, received: now() };
    let Err(Refused::Malformed { reason, detail }) = decode(&message(b"[{}, {}]"), &zones()) else {
        panic!("taken");
    };
    assert_eq!(reason, "bad_forecast");
    assert!(detail.starts_with("/0/issuer: missing") && detail.ends_with("and 7 more"), "{detail}");
    assert_eq!(decode(&message(b"[]"), &zones()), Ok(Decoded::default()));
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes, &zones(), now());
    }

    #[test]
    fn no_text_in_any_field_is_too_strange(field in 0..FIELDS.len(), text in ".*") {
        let found = of(&with(FIELDS[field], text));
        prop_assert_eq!(found.taken.is_empty(), !found.faults.is_empty());
    }

    #[test]
    fn a_local_day_begins_and_ends_at_midnight(days in 0i64..20_000) {
        let date = jiff::civil::date(1990, 1, 1).checked_add(jiff::Span::new().days(days)).unwrap();
        let issued = "1990-01-01T00:00:00Z";
        let mut element = with("day", date.to_string());
        element["issued_at"] = json!(issued);
        prop_assume!(days > 1);
        let forecast = one(&element);
        let seoul = TimeZone::get("Asia/Seoul").unwrap();
        prop_assert!(forecast.from.local(&seoul).contains("00:00"));
        prop_assert!(forecast.until.local(&seoul).contains("00:00"));
    }
}
