//! The officers of the demo: they read what their receivers are told of incidents,
//! take their time, and act through the API with the token of their party, as
//! people do.
//!
//! Korea's desk answers everything. China's desk sleeps, so that its director is
//! called, who then acts for it, and agrees to close only when reminded.

use super::stage::{Letter, Scene, Stage};
use crate::air::Stamp;
use crate::cli::incident;
use crate::mqtt::PublishError;
use serde_json::{Value, json};
use std::pin::pin;
use std::time::Duration;

/// How often they look into their letters, by the machine's clock.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Somebody who reads the letters to one receiver and acts for one party.
#[derive(Debug)]
struct Officer {
    receiver: &'static str,
    party: &'static str,
    name: &'static str,
    /// How long anything takes, by the clock of the demo.
    takes: Duration,
    /// Whether it agrees to close as soon as that can be done.
    eager: bool,
    /// What its party does about the air: kind, place, words.
    measure: (&'static str, &'static str, &'static str),
}

const OFFICERS: [Officer; 2] = [
    Officer {
        receiver: "seoul-desk",
        party: "KR",
        name: "Kim",
        takes: Duration::from_secs(20 * 60),
        eager: true,
        measure: ("power", "Chungnam", "coal-fired power stations held at 80 %"),
    },
    Officer {
        receiver: "beijing-director",
        party: "CN",
        name: "director Wang",
        takes: Duration::from_secs(40 * 60),
        eager: false,
        measure: ("industry", "Shandong", "cement and steel works stop every other line"),
    },
];

/// What an officer is going to do.
#[derive(Debug, Clone, PartialEq)]
struct Deed {
    /// When, by the clock of the demo.
    at: Stamp,
    party: &'static str,
    /// The call of the API.
    path: String,
    body: Value,
}

/// Has the officers act until told to stop.
///
/// # Errors
/// None: what the daemon refuses, as it does when two do the same, stays undone.
pub async fn work(
    scene: &Scene,
    stage: &Stage,
    until: impl Future<Output = ()>,
) -> Result<(), PublishError> {
    let mut until = pin!(until);
    let mut deeds: Vec<Deed> = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = &mut until => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = scene.clock.now();
        for letter in stage.letters() {
            deeds.extend(OFFICERS.iter().filter_map(|officer| officer.answer(&letter, now)));
        }
        let (due, later) = deeds.into_iter().partition(|deed| deed.at <= now);
        deeds = later;
        for deed in due {
            perform(scene, &deed).await;
        }
    }
}

/// Does a deed; one that is refused was done already, or is not asked any more.
async fn perform(scene: &Scene, deed: &Deed) {
    let Some(token) = scene.tokens.get(deed.party) else { return };
    let url = format!("{}{}", scene.url.trim_end_matches('/'), deed.path);
    let _ = incident::post(&url, token, &deed.body).await;
}

impl Officer {
    /// What it does about a letter.
    fn answer(&self, letter: &Letter, now: Stamp) -> Option<Deed> {
        if letter.receiver != self.receiver {
            return None;
        }
        let (data, what) = (&letter.data, &letter.data["what"]);
        let own = what["party"] == self.party;
        let (call, mut body) = match (data["kind"].as_str()?, what["owed"].as_str()) {
            ("opened" | "reopened", _) => ("ack", json!({})),
            ("escalated", _) | ("overdue" | "reminder", Some("acknowledgement")) if own => {
                ("ack", json!({}))
            }
            ("acknowledged", _) if data["who"]["party"] == self.party => self.shares(),
            ("overdue" | "reminder", Some("share")) if own => self.shares(),
            ("level", _) if what["lifted"] == true && self.eager => ("close", json!({})),
            ("reminder", Some("agreement")) if own => ("close", json!({})),
            _ => return None,
        };
        body["name"] = self.name.into();
        let path = format!("/api/v1/incidents/{}/{call}", data["incident"].as_str()?);
        Some(Deed { at: now.plus(self.takes), party: self.party, path, body })
    }

    fn shares(&self) -> (&'static str, Value) {
        let (kind, place, text) = self.measure;
        ("measures", json!({ "kind": kind, "place": place, "text": text }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(receiver: &str, data: Value) -> Vec<String> {
        let mut data = data;
        data["incident"] = "01X".into();
        let letter = Letter { receiver: receiver.to_owned(), data };
        let deeds = OFFICERS.iter().filter_map(|officer| officer.answer(&letter, Stamp(0)));
        deeds.map(|d| format!("{} {}", d.party, d.path.rsplit('/').next().unwrap())).collect()
    }

    #[test]
    fn korea_answers_at_once_and_china_when_its_director_is_called_or_reminded() {
        let of = |kind: &str, what: Value| json!({ "kind": kind, "what": what, "who": { "party": "CN" } });
        let opened = of("opened", json!({}));
        assert_eq!(calls("seoul-desk", opened.clone()), ["KR ack"]);
        assert!(calls("beijing-desk", opened).is_empty());
        let escalated = of("escalated", json!({ "party": "CN" }));
        assert_eq!(calls("beijing-director", escalated.clone()), ["CN ack"]);
        assert!(calls("seoul-desk", escalated).is_empty());
        let acknowledged = of("acknowledged", json!({}));
        assert_eq!(calls("beijing-director", acknowledged.clone()), ["CN measures"]);
        assert!(calls("seoul-desk", acknowledged).is_empty(), "it was China");
        let lifted = of("level", json!({ "lifted": true }));
        assert_eq!(calls("seoul-desk", lifted.clone()), ["KR close"]);
        assert!(calls("beijing-director", lifted).is_empty());
        let reminder = of("reminder", json!({ "party": "CN", "owed": "agreement" }));
        assert_eq!(calls("beijing-director", reminder), ["CN close"]);
    }
}
