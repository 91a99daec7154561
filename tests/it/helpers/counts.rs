//! Whether what a daemon counts agrees with what it keeps.

use super::daemon::TestDaemon;
use serde_json::Value;

impl TestDaemon {
    /// Waits until this many messages have been received, and hands the ledger
    /// out; it must balance.
    pub async fn received(&self, messages: u64) -> Value {
        let what = format!("{messages} messages received");
        let enough = |v: &Value| v["received"].as_u64().is_some_and(|n| n >= messages);
        let ledger = self.until(&what, "/api/v1/ledger?limit=1", enough).await;
        balanced(&ledger);
        balanced(&ledger["readings"]);
        ledger
    }

    /// Once nothing comes in any more, its counts agree: every message and reading is in
    /// one bucket, in every line of the ledger; what is quarantined is set aside; every
    /// reading stored is forwarded, pending or held for each database; and the store
    /// has as many as the ledger says.
    pub async fn agrees(&self) {
        let ledger = self.get("/api/v1/ledger?limit=10000&targets=true").await;
        let lines = ledger["by"].as_array().into_iter().flatten();
        for counts in lines.chain([&ledger]) {
            balanced(counts);
            balanced(&counts["readings"]);
        }
        let aside = self.list("quarantine", "").await.len();
        assert_eq!(ledger["quarantined"], aside, "{ledger}");
        for target in ledger["targets"].as_array().into_iter().flatten() {
            let of = |name: &str| target[name].as_u64().unwrap();
            let all = of("forwarded") + of("pending") + of("held");
            assert_eq!(ledger["readings"]["stored"], all, "{ledger}");
        }
        let checked = self.output(&["store", "check"]);
        let said = String::from_utf8_lossy(&checked.stdout);
        assert!(checked.status.success(), "{said}");
    }

    /// Waits until a database has every reading that is stored.
    pub async fn forwarded_all(&self, target: &str) {
        let has_all = |ledger: &Value| {
            let of = |t: &&Value| t["target"] == target;
            let found = ledger["targets"].as_array().into_iter().flatten().find(of);
            found.is_some_and(|t| t["forwarded"] == ledger["readings"]["stored"])
        };
        let path = "/api/v1/ledger?limit=1&targets=true";
        self.until(&format!("{target} has everything"), path, has_all).await;
    }
}

/// Every message is in exactly one bucket.
pub fn balanced(counts: &Value) {
    let count = |name: &str| counts[name].as_u64().unwrap();
    let buckets = ["stored", "duplicate", "quarantined", "ignored"].map(count);
    assert_eq!(count("received"), buckets.iter().sum::<u64>(), "{counts}");
}
