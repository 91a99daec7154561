use super::*;
use std::collections::BTreeSet;

/// Name and labels of every metric, as published.
const PUBLISHED: [&str; 31] = [
    "dustline_arrivals_total{source}",
    "dustline_readings_stored_total{source}",
    "dustline_duplicates_total{source}",
    "dustline_quarantined_total{reason,source}",
    "dustline_ignored_total{reason,source}",
    "dustline_quarantine_left_total{source,way}",
    "dustline_quarantine_messages{}",
    "dustline_quarantine_bytes{}",
    "dustline_descriptions_dropped_total{source}",
    "dustline_commit_seconds{}",
    "dustline_commit_batch_arrivals{}",
    "dustline_arrival_to_ack_seconds{}",
    "dustline_mqtt_connected{source}",
    "dustline_source_silent{source}",
    "dustline_store_bytes{tier}",
    "dustline_store_dropped_total{beyond,tier}",
    "dustline_disk_free_bytes{}",
    "dustline_disk_full{}",
    "dustline_series{}",
    "dustline_levels{ladder,level,scope}",
    "dustline_changes_total{ladder,to}",
    "dustline_outbox_pending{receiver}",
    "dustline_outbox_dead{receiver}",
    "dustline_delivery_attempts_total{outcome,receiver}",
    "dustline_change_to_delivery_seconds{}",
    "dustline_forward_pending{target}",
    "dustline_forward_points_total{outcome,target}",
    "dustline_incidents_open{}",
    "dustline_exercises_open{}",
    "dustline_build_info{revision,version}",
    "# EOF",
];

fn figures() -> StoreFigures {
    StoreFigures {
        bytes: vec![("database".into(), 4096)],
        dropped: vec![("history".into(), "age".into(), 12)],
        levels: vec![("kr-pm25".into(), "zone/seoul".into(), "advisory".into(), true)],
        outbox: vec![("desk".into(), 2, 1)],
        forward: vec![("main".into(), 7)],
        incidents: (1, 0),
    }
}

/// `name{labels}` of a line, histograms under their own name.
fn shape(line: &str) -> String {
    let (name, labels) = match line.split_once('{') {
        Some((name, rest)) => (name, rest.split_once('}').map_or(rest, |(l, _)| l)),
        None => (line.split(' ').next().unwrap_or_default(), ""),
    };
    let mut keys: Vec<&str> =
        labels.split(',').filter_map(|l| l.split_once('=')).map(|(k, _)| k).collect();
    keys.retain(|k| *k != "le");
    keys.sort_unstable();
    let name =
        ["_bucket", "_sum", "_count"].iter().find_map(|s| name.strip_suffix(s)).unwrap_or(name);
    format!("{name}{{{}}}", keys.join(","))
}

#[test]
fn names_and_labels_are_exactly_those_published() {
    let metrics = Metrics::new("1.2.3", "abc");
    let source = metrics.source("city");
    source.quarantined("not_json");
    source.ignored("retained", 3);
    source.left_quarantine("read");
    metrics.change("kr-pm25", "advisory");
    metrics.attempt("desk", "delivered");
    metrics.forwarded("main", "written", 10);
    metrics.commit(0.002, 12);
    metrics.acknowledged(0.003);
    metrics.delivered(0.004);
    let text = metrics.render(&figures());
    let shown: BTreeSet<String> = text
        .lines()
        .map(|l| if l.starts_with('#') { l.to_owned() } else { shape(l) })
        .filter(|l| !l.starts_with("# HELP") && !l.starts_with("# TYPE"))
        .collect();
    let published: BTreeSet<String> = PUBLISHED.iter().map(|s| (*s).to_owned()).collect();
    assert_eq!(shown, published);
}

#[test]
fn handles_of_one_source_count_into_one_series() {
    let metrics = Metrics::new("1", "x");
    metrics.source("city").arrivals.inc();
    metrics.clone().source("city").arrivals.inc_by(2);
    let text = metrics.render(&StoreFigures::default());
    assert!(text.contains("dustline_arrivals_total{source=\"city\"} 3\n"), "{text}");
}

#[test]
fn what_the_store_no_longer_says_is_no_longer_shown() {
    let metrics = Metrics::new("1", "x");
    assert!(metrics.render(&figures()).contains("level=\"advisory\"} 1\n"));
    let text = metrics.render(&StoreFigures::default());
    assert!(!text.contains("advisory") && !text.contains("receiver="), "{text}");
}
