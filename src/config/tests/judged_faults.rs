//! The same for what is judged, who is told, and secrets.

use super::check;

#[track_caller]
fn zone(line: &str, expected: &[&str]) {
    check(&format!("[[station]]\nid = \"jongno\"\n[[zone]]\nid = \"seoul\"\n{line}"), expected);
}

#[track_caller]
fn threshold(lines: &str, expected: &[&str]) {
    check(&format!("[[threshold]]\nid = \"t\"\nquantity = \"pm2_5\"\n{lines}"), expected);
}

#[track_caller]
fn receiver(lines: &str, expected: &[&str]) {
    check(&format!("[[receiver]]\nid = \"desk\"\n{lines}"), expected);
}

#[test]
fn zones_name_stations_rulesets_and_time_zones_that_exist() {
    zone(
        "stations = [\"jongro\"]\nrulesets = []",
        &["5:13: zone[0].stations[0]: there is no station \"jongro\"; did you mean `jongno`?"],
    );
    zone(
        "stations = [\"x\", \"*\"]\nrulesets = []",
        &["5:12: zone[0].stations: \"*\" means all stations, so nothing else belongs beside it"],
    );
    zone(
        "stations = []\nrulesets = []",
        &["5:12: zone[0].stations: no station; expected station ids, or [\"*\"] for all"],
    );
    zone(
        "rulesets = [\"kr-air-alrt\"]",
        &["5:13: zone[0].rulesets[0]: there is no ruleset \"kr-air-alrt\"; did you mean \
         `kr-air-alert`?"],
    );
    zone(
        "time_zone = \"Asia/Seul\"\nrulesets = []",
        &["5:13: zone[0].time_zone: found \"Asia/Seul\", expected a time zone such as \
         \"Asia/Seoul\"; did you mean `Asia/Seoul`?"],
    );
    zone(
        "country = \"kr\"\nrulesets = []",
        &[
            "5:11: zone[0].country: found \"kr\", expected two capital letters (ISO 3166-1), such as \
         \"KR\"",
        ],
    );
    zone(
        "min_valid_share = 1.5\nrulesets = []",
        &["5:19: zone[0].min_valid_share: found 1.5, expected a share above 0 and at most 1"],
    );
    zone(
        "name = {}\nrulesets = []",
        &["5:8: zone[0].name: no name; expected at least one of ko, zh, en"],
    );
}

#[test]
fn a_threshold_is_sane() {
    threshold(
        "at_least = 75\nlift_below = 150",
        &["5:14: threshold[0].lift_below: found 150, expected at most at_least, which is 75"],
    );
    for bad in ["0 of 3", "4 of 3", "2 of 61", "2/3", "-1 of 3"] {
        threshold(
            &format!("at_least = 75\nlift_below = 7.5\nreadings = {bad:?}"),
            &[&format!(
                "6:12: threshold[0].readings: found {bad:?}, expected \"K of N\" with 1 <= K <= N <= \
             60, such as \"2 of 3\""
            )],
        );
    }
    threshold(
        "at_least = nan\nlift_below = 7.5",
        &["4:12: threshold[0].at_least: found nan, expected a finite number"],
    );
    check(
        "[[threshold]]\nid = \"kr-pm25\"\nquantity = \"pm25\"\nat_least = 1\nlift_below = 1",
        &[
            "1:1: threshold[0].id: \"kr-pm25\" is the name of a ladder already",
            "3:12: threshold[0].quantity: found \"pm25\", expected \"pm1\" or \"pm2_5\" or \"pm4\" or \
         \"pm10\" or \"co2\" or \"temperature\" or \"humidity\" or \"pressure\" or \"o3\" or \
         \"no2\" or \"so2\" or \"co\"; did you mean `pm2_5`?",
        ],
    );
    check(
        "[[threshold]]\nid = \"kr-emergency\"\nquantity = \"pm2_5\"\nat_least = 1\nlift_below = 1",
        &["1:1: threshold[0].id: \"kr-emergency\" is the name of a ladder already"],
    );
}

#[test]
fn a_station_stands_somewhere_and_a_device_in_one_station() {
    check(
        "[[station]]\nid = \"a\"\nlat = 97\nlon = 181.5",
        &[
            "3:7: station[0].lat: found 97, expected a number from -90 to 90",
            "4:7: station[0].lon: found 181.5, expected a number from -180 to 180",
        ],
    );
    check("[[station]]\nid = \"a\"\nlat = 37", &["3:7: station[0].lat: needs lon beside it"]);
    check(
        "[[station]]\nid = \"a\"\ndevices = [\"d\"]\n[[station]]\nid = \"a\"\ndevices = [\"d\"]\n\
         [[station]]\nid = \"b\"\ndevices = [\"d\", 5]",
        &[
            "5:6: station[1].id: \"a\" is there twice; each needs its own",
            "6:12: station[1].devices[0]: device \"d\" is there twice",
            "9:12: station[2].devices[0]: device \"d\" stands in station \"a\" already",
            "9:17: station[2].devices[1]: found 5, expected a string",
        ],
    );
}

#[test]
fn a_receiver_is_checked() {
    let url = "url = \"https://a/h\"\n";
    receiver(
        "url = \"a\"",
        &[
            "3:7: receiver[0].url: found something else, expected a URL that begins with http:// or https://; \
         relative URL without a base",
        ],
    );
    receiver(
        &format!("{url}format = \"capp\""),
        &["4:10: receiver[0].format: found \"capp\", expected \"dustline\" or \"cap\" or \
         \"alertmanager\" or \"slack\" or \"feishu\" or \"dingtalk\" or \"wecom\" or \"discord\" or \
         \"email\"; did you mean `cap`?"],
    );
    receiver(
        &format!("{url}format = \"slack\"\nsecret = \"hunter2\""),
        &[
            "5:10: receiver[0].secret: this format is not signed; its url is the secret; give it as \
         url = { file = \"…\" } and leave out secret",
        ],
    );
    receiver(
        &format!("{url}fallback = \"dusk\"\nfallback_after = 0"),
        &[
            "4:12: receiver[0].fallback: there is no receiver \"dusk\"; did you mean `desk`?",
            "5:18: receiver[0].fallback_after: found 0, expected a whole number from 1 to 100",
        ],
    );
    receiver(
        &format!("{url}fallback = \"desk\""),
        &["4:12: receiver[0].fallback: a receiver cannot stand in for itself"],
    );
    receiver(
        &format!("{url}language = \"kr\""),
        &[
            "4:12: receiver[0].language: found \"kr\", expected \"ko\" or \"zh\" or \"en\"; did you \
         mean `ko`?",
        ],
    );
    receiver(
        &format!("{url}events = [\"changes\", \"change\", \"change\"]"),
        &[
            "4:11: receiver[0].events[0]: found \"changes\", expected \"change\" or \"incident\" or \
         \"operational\"; did you mean `change`?",
            "4:32: receiver[0].events[2]: this kind is there twice",
        ],
    );
    receiver(
        &format!("{url}zones = [\"seoul\"]"),
        &["4:10: receiver[0].zones[0]: there is no zone \"seoul\"; known zones: none"],
    );
    receiver(
        &format!("{url}secret = \"hunter2\""),
        &[
            "4:10: receiver[0].secret: the secret is not whsec_ followed by 24 to 64 bytes in base64; \
         make one: echo whsec_$(openssl rand -base64 32)",
        ],
    );
    receiver(
        &format!("{url}secret = \"whsk_AAAA\""),
        &[
            "4:10: receiver[0].secret: the secret is not whsk_ followed by an Ed25519 key of 32 or 64 \
         bytes in base64; make one: echo whsk_$(openssl rand -base64 32)",
        ],
    );
    receiver(
        &format!("{url}timeout = \"0s\""),
        &["4:11: receiver[0].timeout: found \"0s\", expected at least \"1ms\""],
    );
}

#[test]
fn a_secret_that_cannot_be_fetched_is_named_by_its_place() {
    let token = |value: &str, expected: &str| {
        check(&format!("[http]\noperator_token = {value}"), &[expected]);
    };
    let at = "2:18: http.operator_token: ";
    let forms = "{ file = \"…\" }, { env = \"…\" }, { credential = \"…\" } or a string";
    token(
        "{ file = \"t\" }",
        &format!(
            "{at}cannot read /etc/dustline/t: no such file; check the path, and that the daemon's \
         user may read it"
        ),
    );
    token("{ env = \"TOKEN\" }", &format!("{at}the environment variable TOKEN is not set"));
    token(
        "{ credential = \"t\" }",
        &format!(
            "{at}there is no credential \"t\": systemd has given none; add LoadCredential=t:/path to \
         the unit, or use {{ file = \"…\" }}"
        ),
    );
    token("{ env = \"A\", file = \"b\" }", &format!("{at}expected exactly one place: {forms}"));
    token("12345", &format!("{at}found a value of type integer, expected {forms}"));
    token("\"\"", &format!("{at}the string is empty, expected a secret"));
    token("\"a\\nb\"", &format!("{at}the string has several lines, expected one"));
}

#[test]
fn judgement_and_delivery_hold_together() {
    check(
        "[judgement]\ngrace = \"30s\"",
        &[
            "2:9: judgement.grace: lateness is longer than grace, so hours would never wait for it; \
         make grace at least as long as lateness",
        ],
    );
    check(
        "[judgement]\nmin_coverage = 0",
        &["2:16: judgement.min_coverage: found 0, expected a share above 0 and at most 1"],
    );
    check(
        "[delivery]\nschedule = []\nparallel = 0",
        &[
            "2:12: delivery.schedule: no attempt at all; expected at least one wait",
            "3:12: delivery.parallel: found 0, expected a whole number from 1 to 1024",
        ],
    );
}

#[test]
fn a_database_needs_its_address_organisation_and_bucket() {
    check(
        "[[influxdb]]\nname = \"main\"\nurl = \"http://127.0.0.1:8086\"\nbatch_lines = 0",
        &[
            "1:1: influxdb[0].org: missing; expected the organisation in the database",
            "1:1: influxdb[0].bucket: missing; expected the bucket in the database",
            "4:15: influxdb[0].batch_lines: found 0, expected a whole number from 1 to 100000",
        ],
    );
}
