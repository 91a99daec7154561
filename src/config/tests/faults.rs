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
fn a_format_that_is_unknown_is_named_with_those_there_are() {
    let at = "5:47: source[0].subscribe[0].format: ";
    let presets = crate::config::presets::builtin().unwrap().keys().map(String::as_str);
    let native = crate::decode::Format::names().iter().copied();
    let available = native.chain(presets).collect::<Vec<_>>().join(", ");
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
        &[
            "5:58: source[0].subscribe[0].values: unknown key; known here: topic, retained, format, main",
        ],
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
fn what_is_dropped_must_be_sealed_and_past_all_correction() {
    check(
        "[store]\nseal_after = \"0s\"\n[store.keep]\nreadings = \"400d\"\nhard_mib = 1",
        &[
            "4:12: store.keep.readings: readings are dropped once they are sealed, and they never \
             are; set seal_after in [store], such as \"2d\"",
            "5:12: store.keep.hard_mib: readings are dropped once they are sealed, and they never \
             are; set seal_after in [store], such as \"2d\"",
        ],
    );
    let short = "is shorter than judgement.revise_within: late data correct hours so far back; \
                 make it longer, or revise_within shorter";
    check(
        "[store]\nseal_after = \"1h\"\n[store.keep]\nreadings = \"71h\"\nhours = \"2d\"",
        &[
            &format!("4:12: store.keep.readings: {short}"),
            &format!("5:9: store.keep.hours: {short}"),
        ],
    );
}
