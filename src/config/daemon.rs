//! What concerns the daemon as a whole: its server, its judgement, its log.

use super::reader::Table;
use super::settings::{DiskBounds, Http, Judgement, Keep, Keeping, Ledger, Quarantine};
use std::net::SocketAddr;
use std::time::Duration;

/// The shortest interval at which devices usually report; who covers less of
/// an hour than this asks for cannot reach any coverage.
const USUAL_INTERVAL: Duration = Duration::from_secs(60);

/// No disk has more MiB: 1 EiB.
const MIB_MAX: i64 = 1 << 40;
/// Bytes in a MiB.
const MIB: u64 = 1 << 20;

/// Reads `[http]`.
pub(super) fn http(root: &mut Table<'_>) -> Http {
    let mut table = root.table("http");
    let defaults = Http::default();
    let written = table.get("listen");
    let listen = written.as_ref().and_then(|item| {
        let parsed = item.text()?.parse::<SocketAddr>();
        parsed.map_err(|_| item.wrong("an address and a port such as \"127.0.0.1:8080\"")).ok()
    });
    let listen = listen.unwrap_or(defaults.listen);
    let public = table.flag("public", defaults.public);
    let token = table.get("operator_token");
    let has_token = token.is_some();
    let operator_token = token.and_then(|i| i.secret());
    if let Some(item) = &written
        && !listen.ip().is_loopback()
        && !public
        && !has_token
    {
        item.fault(
            format!("{listen} is reached from other machines, and nothing says who may read"),
            Some("add operator_token, or public = true, or listen on 127.0.0.1".to_owned()),
        );
    }
    let base_url = table.get("base_url").and_then(|i| {
        let address = i.url(&["http", "https"], "leave the user out")?;
        Some(address.url.as_str().trim_end_matches('/').to_owned())
    });
    table.finish();
    Http {
        listen,
        public,
        operator_token,
        base_url: base_url.unwrap_or(format!("http://{listen}")),
    }
}

/// Reads `[disk]`.
pub(super) fn disk(root: &mut Table<'_>) -> DiskBounds {
    let mut table = root.table("disk");
    let low = table.whole("low_mib", 1_024, 0..=MIB_MAX);
    let full = table.whole("full_mib", 64, 0..=MIB_MAX);
    let reserve = table.whole("reserve_mib", 16, 0..=MIB_MAX);
    if full > low {
        table.warn(
            "full_mib is more than low_mib, so that nobody is told before messages have to wait"
                .to_owned(),
            Some("make low_mib larger than full_mib".to_owned()),
        );
    }
    table.finish();
    DiskBounds::of_mib(low, full, reserve)
}

/// Reads `[judgement]`.
pub(super) fn judgement(root: &mut Table<'_>) -> Judgement {
    let mut table = root.table("judgement");
    let defaults = Judgement::default();
    let written = table.get("lateness").or_else(|| table.get("grace"));
    let judgement = Judgement {
        lateness: table.duration_from("lateness", defaults.lateness, Duration::ZERO),
        grace: table.duration("grace", defaults.grace),
        reading_covers: table.duration("reading_covers", defaults.reading_covers),
        min_coverage: table.share("min_coverage", defaults.min_coverage),
        unknown_after: table.duration("unknown_after", defaults.unknown_after),
        revise_within: table.duration_from("revise_within", defaults.revise_within, Duration::ZERO),
        notify_late: table.flag("notify_late", defaults.notify_late),
    };
    if judgement.lateness > judgement.grace
        && let Some(item) = written
    {
        item.fault(
            "lateness is longer than grace, so hours would never wait for it",
            Some("make grace at least as long as lateness".to_owned()),
        );
    }
    let needed = USUAL_INTERVAL.mul_f64(judgement.min_coverage);
    if judgement.reading_covers < needed {
        table.warn(
            "no hour can be valid unless devices report more often than once a minute: \
             reading_covers is too short for min_coverage"
                .to_owned(),
            Some("make reading_covers at least the interval of your devices".to_owned()),
        );
    }
    table.finish();
    judgement
}

/// Reads `[ledger]`.
pub(super) fn ledger(root: &mut Table<'_>) -> Ledger {
    let mut table = root.table("ledger");
    let statements = table.flag("statements", true);
    let key_file = table.get("key_file").and_then(|i| i.path());
    table.finish();
    Ledger { statements, key_file }
}

/// Reads `[quarantine]`.
pub(super) fn quarantine(root: &mut Table<'_>) -> Quarantine {
    let mut table = root.table("quarantine");
    let defaults = Quarantine::default();
    let most = 1 << 40;
    let quarantine = Quarantine {
        max_messages: table.whole("max_messages", defaults.max_messages, 0..=most),
        max_bytes: table.whole("max_bytes", defaults.max_bytes, 0..=most),
    };
    table.finish();
    quarantine
}

/// Reads `[store]`, which must suit how far back late data are judged.
pub(super) fn store(root: &mut Table<'_>, judgement: &Judgement) -> Keeping {
    let mut table = root.table("store");
    let defaults = Keeping::default();
    let seal_after = table.duration_from("seal_after", defaults.seal_after, Duration::ZERO);
    let keep = keep(&mut table, seal_after, judgement.revise_within);
    table.finish();
    Keeping { seal_after, keep }
}

/// Reads `[store.keep]`. Only what is sealed can be dropped, and nothing that late
/// data still correct.
fn keep(store: &mut Table<'_>, seal_after: Duration, revise_within: Duration) -> Keep {
    let mut table = store.table("keep");
    let mut age = |key: &'static str| {
        let age = table.duration_from(key, Duration::ZERO, Duration::ZERO);
        if let Some(item) = table.get(key).filter(|_| !age.is_zero() && age < revise_within) {
            item.fault(
                "is shorter than judgement.revise_within: late data correct hours so far back",
                Some("make it longer, or revise_within shorter".to_owned()),
            );
        }
        age
    };
    let (readings, hours) = (age("readings"), age("hours"));
    let mut mib = |key: &'static str| table.whole::<u64>(key, 0, 0..=MIB_MAX) * MIB;
    let (readings_bytes, hard_bytes) = (mib("readings_mib"), mib("hard_mib"));
    let sealed = [
        ("readings", !readings.is_zero()),
        ("readings_mib", readings_bytes > 0),
        ("hard_mib", hard_bytes > 0),
    ];
    for (key, _) in sealed.into_iter().filter(|(_, set)| *set && seal_after.is_zero()) {
        if let Some(item) = table.get(key) {
            item.fault(
                "readings are dropped once they are sealed, and they never are",
                Some("set seal_after in [store], such as \"2d\"".to_owned()),
            );
        }
    }
    table.finish();
    Keep { readings, readings_bytes, hours, hard_bytes }
}

/// Reads `[log]`: whether lines are JSON.
pub(super) fn log_json(root: &mut Table<'_>) -> bool {
    let mut table = root.table("log");
    let json = table.choice("format", &[("text", false), ("json", true)], false);
    table.finish();
    json
}
