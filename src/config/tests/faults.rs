//! One small bad configuration per mistake, and exactly what is said about it.

use super::{Shelf, check, faults_of};

const SOURCE: &str = "[[source]]\nname = \"city\"\nurl = \"mqtt://127.0.0.1\"\nclient_id = \"c\"\n";

#[track_caller]
fn source(line: &str, expected: &[&str]) {
    let subscribe = "subscribe = [{ topic = \"a/{device}\", format = \"airgradient\" }]\n";
    check(&format!("{SOURCE}{subscribe}{line}"), expected);
}

#[track_caller]
fn subscribe(entry: &str, expected: &[&str]) {
    check(&format!("{SOURCE}subscribe = [{entry}]"), expected);
}

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
fn a_mistyped_key_is_named_with_the_nearest_known_one() {
    source(
        "silent_aftr = \"10m\"",
        &["6:1: source[0].silent_aftr: unknown key; did you mean `silent_after`?"],
    );
    check("[htpp]", &["1:2: htpp: unknown key; did you mean `http`?"]);
    check("lateness = \"1m\"", &["1:1: lateness: unknown key; `lateness` belongs in [judgement]"]);
    check("[log]\ncolour = true", &["2:1: log.colour: unknown key; known here: format"]);
}

#[test]
fn a_value_of_the_wrong_kind_is_named_with_what_is_allowed() {
    check("data_dir = 3", &["1:12: data_dir: found 3, expected a string"]);
    check(
        "data_dir = \" \"",
        &["1:12: data_dir: found \" \", expected a string of at least one visible character and \
         no control characters"],
    );
    check(
        "[http]\npublic = \"yes\"",
        &["2:10: http.public: found \"yes\", expected true or false"],
    );
    check("http = 1", &["1:8: http: found 1, expected a table"]);
    check(
        "source = 1",
        &["1:10: source: found 1, expected an array of tables, each begun by [[source]]"],
    );
    check(
        "[source]\nname = \"a\"",
        &["1:1: source: found a table, expected an array of tables, each begun by [[source]]"],
    );
    check(
        "instance = \"a b\"",
        &["1:12: instance: found \"a b\", expected 1 to 100 letters, digits, `-`, `_`, `.` or `:`"],
    );
    check(
        "[log]\nformat = \"jsno\"",
        &["2:10: log.format: found \"jsno\", expected \"text\" or \"json\"; did you mean `json`?"],
    );
}

#[test]
fn what_is_not_toml_is_reported_with_its_place() {
    check("a = ", &["1:5: not TOML: string values must be quoted, expected literal string"]);
    check("a = 1\na = 2", &["2:1: not TOML: duplicate key"]);
}

#[test]
fn a_server_open_to_others_must_say_who_may_read() {
    let open = "[http]\nlisten = \"0.0.0.0:80\"\n";
    check(
        open,
        &[
            "2:10: http.listen: 0.0.0.0:80 is reached from other machines, and nothing says who may \
         read; add operator_token, or public = true, or listen on 127.0.0.1",
        ],
    );
    let shelf = Shelf::default();
    shelf.parse(&format!("{open}public = true")).unwrap();
    shelf.parse(&format!("{open}operator_token = \"t\"")).unwrap();
    check(
        "[http]\nlisten = \"localhost\"",
        &["2:10: http.listen: found \"localhost\", expected an address and a port such as \
         \"127.0.0.1:8080\""],
    );
    check(
        "[http]\nbase_url = \"ftp://a\"",
        &["2:12: http.base_url: found \"ftp://a\", expected a URL that begins with http:// or \
         https://"],
    );
}

#[test]
fn a_source_must_have_a_name_a_url_and_subscriptions() {
    check(
        "[[source]]",
        &[
            "1:1: source[0].name: missing; expected a name of its own",
            "1:1: source[0].url: missing; expected a URL such as \"mqtt://127.0.0.1:1883\"",
            "1:1: source[0].subscribe: missing; expected at least one { topic = \"…\", format = \"…\" }",
        ],
    );
    check(
        &format!("{SOURCE}subscribe = []"),
        &[
            "5:13: source[0].subscribe: nothing is subscribed; add { topic = \"…\", format = \"…\" }",
        ],
    );
}

#[test]
fn a_broker_url_holds_scheme_host_and_port_only() {
    let url = |url: &str, expected: &str| {
        check(
            &format!(
                "[[source]]\nname = \"a\"\nurl = {url:?}\n\
                 subscribe = [{{ topic = \"a/{{device}}\", format = \"airrohr\" }}]"
            ),
            &[expected],
        );
    };
    url(
        "tcp://a",
        "3:7: source[0].url: found \"tcp://a\", expected a URL that begins with \
                    mqtt:// or mqtts://",
    );
    url(
        "broker",
        "3:7: source[0].url: found \"broker\", expected a URL that begins with mqtt:// \
                   or mqtts://; relative URL without a base",
    );
    url(
        "mqtt://a/b",
        "3:7: source[0].url: found \"mqtt://a/b\", expected a URL that ends after \
                       host and port; topics go under subscribe",
    );
    url(
        "mqtt://me:hunter2@a",
        "3:7: source[0].url: a user name or password inside a URL would be \
                                seen in logs; write username = and password = below the url",
    );
    url(
        "mqtt://",
        "3:7: source[0].url: found \"mqtt://\", expected a URL that begins with \
                    mqtt:// or mqtts:// and names a host",
    );
    url(
        "mqtt://a:99999",
        "3:7: source[0].url: found \"mqtt://a:99999\", expected a URL that \
                           begins with mqtt:// or mqtts://; invalid port number",
    );
}

#[test]
fn numbers_of_a_source_have_their_ranges() {
    source("qos = 3", &["6:7: source[0].qos: found 3, expected a whole number from 0 to 2"]);
    source("version = 4", &["6:11: source[0].version: found 4, expected 5 or \"3.1.1\""]);
    source(
        "receive_maximum = 5000",
        &["6:19: source[0].receive_maximum: found 5000, expected a whole number from 1 to 4096"],
    );
    source(
        "keep_alive = \"20h\"",
        &["6:14: source[0].keep_alive: found \"20h\", expected at most \"65535s\""],
    );
    source(
        "keep_alive = \"0s\"",
        &["6:14: source[0].keep_alive: found \"0s\", expected at least \"1s\""],
    );
    source(
        "keep_alive = 30",
        &["6:14: source[0].keep_alive: found 30, expected a duration in quotes such as \"90s\", \
         \"15m\", \"2h\", \"7d\""],
    );
    source(
        "silent_after = \"soon\"",
        &["6:16: source[0].silent_after: found \"soon\", expected a duration such as \"90s\", \
         \"15m\", \"2h\", \"7d\""],
    );
    source(
        "packet_max = 10",
        &["6:14: source[0].packet_max: found 10, expected a whole number from 1024 to 268435460"],
    );
}

#[test]
fn tls_files_belong_to_mqtts_and_must_be_pem() {
    source(
        "ca_file = \"ca.pem\"",
        &["6:11: source[0].ca_file: only for mqtts://; change the scheme of the url"],
    );
    let toml = "[[source]]\nname = \"a\"\nurl = \"mqtts://a\"\nclient_id = \"c\"\n\
                ca_file = \"ca.pem\"\nclient_cert = \"none.pem\"\n\
                subscribe = [{ topic = \"a/{device}\", format = \"airrohr\" }]";
    let shelf = Shelf::default().with_file("/etc/dustline/ca.pem", "hello");
    assert_eq!(
        faults_of(&shelf, toml),
        [
            "5:11: source[0].ca_file: /etc/dustline/ca.pem has no line `-----BEGIN … \
         CERTIFICATE-----`; expected a PEM file",
            "6:15: source[0].client_cert: needs client_key beside it",
            "6:15: source[0].client_cert: cannot read /etc/dustline/none.pem: no such file; check \
         the path, and that the daemon's user may read it",
        ]
    );
}

#[test]
fn two_sources_cannot_share_a_name_or_a_session() {
    let one =
        format!("{SOURCE}subscribe = [{{ topic = \"a/{{device}}\", format = \"airrohr\" }}]\n");
    check(
        &format!("{one}{one}"),
        &[
            "6:1: source[1].client_id: \"c\" is used twice at the same broker; two sessions of one \
         client_id throw each other out",
            "7:8: source[1].name: \"city\" is there twice; each needs its own",
        ],
    );
}

#[test]
fn a_format_that_is_unknown_or_of_a_later_version_is_named_with_those_there_are() {
    let at = "5:47: source[0].subscribe[0].format: ";
    let available = crate::decode::Format::names().join(", ");
    subscribe(
        "{ topic = \"a/{device}\", format = \"tasmota\" }",
        &[&format!(
            "{at}\"tasmota\" is a known format that this version does not read; available: {available}"
        )],
    );
    subscribe(
        "{ topic = \"a/{device}\", format = \"airohr\", nonsense = 1 }",
        &[&format!("{at}found \"airohr\", expected one of {available}; did you mean `airrohr`?")],
    );
    subscribe(
        "{ topic = \"a/{device}\", device = \"x\" }",
        &[&format!("5:14: source[0].subscribe[0].format: missing; expected one of {available}")],
    );
    subscribe(
        "{ topic = \"a/{device}\", format = \"airrohr\", values = {} }",
        &["5:58: source[0].subscribe[0].values: unknown key; known here: topic, format"],
    );
}

#[test]
fn a_topic_filter_is_checked() {
    subscribe(
        "{ topic = \"a/#/b\", format = \"airrohr\" }",
        &["5:24: source[0].subscribe[0].topic: found \"a/#/b\", expected an MQTT topic filter; \
         `#` can only be the last level"],
    );
}

#[test]
fn a_mapping_is_checked_down_to_its_pointers() {
    let json = |rest: &str, expected: &[&str]| {
        subscribe(&format!("{{ topic = \"{{device}}\", format = \"json\", {rest} }}"), expected);
    };
    json(
        "time = \"/t\"",
        &["5:14: source[0].subscribe[0].values: missing; expected values such as { pm2_5 = \
         \"/pm2_5\" }"],
    );
    json(
        "values = {}",
        &["5:62: source[0].subscribe[0].values: no value; such as { pm2_5 = \"/pm2_5\" }"],
    );
    json(
        "values = { pm25 = \"/a\" }",
        &[
            "5:71: source[0].subscribe[0].values.pm25: \"pm25\" is no quantity; did you mean `pm2_5`?",
        ],
    );
    json(
        "values = { pm10 = \"a\" }",
        &[
            "5:71: source[0].subscribe[0].values.pm10: found \"a\", expected a JSON Pointer; a JSON \
         Pointer begins with `/`, as in \"/a\"",
        ],
    );
    json(
        "values = { pm10 = 1 }",
        &["5:71: source[0].subscribe[0].values.pm10: found 1, expected a JSON Pointer such as \
         \"/pm2_5\", or { pointer = \"…\", factor = … }"],
    );
    json(
        "values = { pm10 = { factor = 0, mising = [] } }",
        &[
            "5:71: source[0].subscribe[0].values.pm10.pointer: missing; expected a JSON Pointer such \
         as \"/pm2_5\"",
            "5:82: source[0].subscribe[0].values.pm10.factor: found 0, expected a number other than 0",
            "5:85: source[0].subscribe[0].values.pm10.mising: unknown key; did you mean `missing`?",
        ],
    );
    json(
        "values = { pm10 = [\"/a\", { pointer = \"/b\" }] }",
        &["5:78: source[0].subscribe[0].values.pm10[1]: pm10 is there twice; tell them apart by \
         channel or variant"],
    );
    json(
        "time_unit = \"ms\", values = { pm10 = \"/a\" }",
        &["5:65: source[0].subscribe[0].time_unit: needs time beside it; such as time = \"/time\""],
    );
    json(
        "time = \"/t\", time_unit = \"min\", values = { pm10 = \"/a\" }",
        &[
            "5:78: source[0].subscribe[0].time_unit: found \"min\", expected \"s\" or \"ms\" or \"us\" \
         or \"ns\"",
        ],
    );
}

#[test]
fn a_plain_topic_must_say_which_quantity_it_is() {
    subscribe(
        "{ topic = \"{device}/value\", format = \"plain\" }",
        &[
            "5:24: source[0].subscribe[0].topic: \"value\" is the name of no quantity; add quantity = \
         \"…\", or quantities = { \"value\" = \"…\" }; known: pm1, pm2_5, pm4, pm10, co2, \
         temperature, humidity, pressure, o3, no2, so2, co",
        ],
    );
}

#[test]
fn zones_name_stations_rulesets_and_time_zones_that_exist() {
    zone(
        "stations = [\"jongro\"]\nrulesets = []",
        &["5:13: zone[0].stations[0]: there is no station \"jongro\"; did you mean `jongno`?"],
    );
    zone(
        "stations = [\"x\", \"*\"]\nrulesets = []",
        &[
            "5:12: zone[0].stations: \"*\" means all stations, so nothing else belongs beside it",
            "5:13: zone[0].stations[0]: there is no station \"x\"; known stations: jongno",
        ],
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
            "3:7: receiver[0].url: found \"a\", expected a URL that begins with http:// or https://; \
         relative URL without a base",
        ],
    );
    receiver(
        &format!("{url}format = \"cap\""),
        &["4:10: receiver[0].format: \"cap\" is a known format that this version does not write; \
         available: dustline"],
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
            "4:10: receiver[0].secret: a whsk_ key (Ed25519) is known, but this version does not sign \
         with it; use a whsec_ key",
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

#[test]
fn parties_are_checked_although_they_are_not_active_yet() {
    check(
        "[[party]]\nid = \"KR\"\nlangage = \"ko\"\n[hotline]\nopen_on = [{ ladder = \"a\" }]",
        &[
            "3:1: party[0].langage: unknown key; did you mean `language`?",
            "4:1: hotline.parties: missing; expected a list of party ids",
            "5:12: hotline.open_on[0]: expected ladder and level, or threshold",
        ],
    );
}
