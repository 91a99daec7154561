//! What receivers got of the hotline, and what its transcript says of that.

use crate::helpers::receiver::Got;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Each receiver got each entry as one notice, in the order of the transcript.
pub fn once_and_in_order(got: &[Got]) {
    let mut ids: BTreeMap<(String, u64), BTreeSet<String>> = BTreeMap::new();
    let mut last: BTreeMap<String, u64> = BTreeMap::new();
    for g in got {
        assert!(g.verified, "{:?}", g.headers);
        let number = g.body["data"]["number"].as_u64().unwrap();
        let new = ids.entry((g.path.clone(), number)).or_default().insert(g.id.clone());
        let before = last.entry(g.path.clone()).or_default();
        assert!(!new || *before < number, "{}: {number} after {before}", g.path);
        *before = number.max(*before);
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
}

/// Of every notice that arrived the transcript says so, with what was answered.
pub fn each_notice_is_proven_once(proofs: &[&Value], got: &[Got]) {
    // SHA-256 of what the receiver answers: "so be it".
    const ANSWER: &str = "802e720a2872a46ff65973146f240154b0b823ad41bfc33a3520012b66a62582";
    let proven: Vec<&str> = proofs.iter().map(|p| p["what"]["notice"].as_str().unwrap()).collect();
    let distinct: BTreeSet<&str> = proven.iter().copied().collect();
    assert_eq!(distinct, got.iter().map(|g| g.id.as_str()).collect());
    assert_eq!(distinct.len(), proven.len(), "once each");
    for proof in proofs {
        let what = &proof["what"];
        let g = got.iter().find(|g| g.id == what["notice"]).unwrap();
        assert_eq!(g.path, format!("/{}", what["receiver"].as_str().unwrap()));
        assert_eq!(
            (&g.body["data"]["number"], &g.body["data"]["party"]),
            (&what["of"], &what["party"])
        );
        assert_eq!((&what["status"], &what["answer"]), (&json!(200), &json!(ANSWER)));
    }
}
