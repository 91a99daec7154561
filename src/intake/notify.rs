//! From a judgement to what is kept and to whom it is told.

use super::state::State;
use crate::air::{Names, Stamp};
use crate::config::settings::EventKind;
use crate::rules::judge::{Judged, LevelNow};
use crate::rules::{Change, Input, Scope, ZoneHour, stable_id};
use crate::store::{ChangeRow, EventRow, LevelRow, StoreError};
use serde_json::{Value, json};

/// Keeps a change and writes its notices; nothing happens if it is there already.
pub(super) fn change(state: &mut State, judged: &Judged) -> Result<(), StoreError> {
    let change = &judged.change;
    let data = data_of(state, change);
    let new = state.writer.put_change(&ChangeRow {
        id: 0,
        uid: change.id.clone(),
        ladder: change.ladder.clone(),
        scope: path(&change.scope),
        from: change.from.clone(),
        to: change.to.clone(),
        at: change.at,
        late: change.late,
        data: data.clone(),
    })?;
    if new {
        state.tally.change(&change.ladder, &change.to);
    }
    // A change that was kept as one of the past may be told later, when it has
    // come to be the present; its event is there only once.
    if !judged.tell && !state.plan.notify_late {
        return Ok(());
    }
    let event = EventRow {
        id: 0,
        uid: change.id.clone(),
        kind: "dustline.change.v1".to_owned(),
        subject: format!("{}/{}", path(&change.scope), change.ladder),
        time: change.decided_at,
        data,
    };
    let zones = zones_of(state, &change.scope);
    tell(state, &event, change.at, EventKind::Change, &zones)?;
    match &mut state.desk {
        Some(desk) if judged.tell => desk.change(change, &mut state.writer),
        _ => Ok(()),
    }
}

/// Writes an event with a notice for every receiver that wants its kind and zone.
/// `of` is the instant that the event is about: like the event's own identity,
/// those of its notices do not depend on when it was decided.
pub(super) fn tell(
    state: &mut State,
    event: &EventRow,
    of: Stamp,
    kind: EventKind,
    zones: &[String],
) -> Result<(), StoreError> {
    let wants = |r: &&crate::config::settings::Receiver| {
        let zone = r.zones.as_ref().is_none_or(|z| zones.iter().any(|id| z.contains(id)));
        r.events.contains(&kind) && (zone || kind == EventKind::Operational)
    };
    let receivers = state.plan.receivers.iter().filter(wants);
    let notices: Vec<(String, String)> =
        receivers.map(|r| (stable_id(of, &[&event.uid, &r.id]), r.id.clone())).collect();
    state.writer.put_event(event, &notices)
}

/// The zones that a scope touches: a station's are all that have it.
fn zones_of(state: &State, scope: &Scope) -> Vec<String> {
    match scope {
        Scope::Zone(id) => vec![id.clone()],
        Scope::Station(id) => state
            .plan
            .judge
            .zones
            .iter()
            .filter(|z| z.stations.as_ref().is_none_or(|s| s.contains(id)))
            .map(|z| z.id.clone())
            .collect(),
    }
}

fn path(scope: &Scope) -> String {
    format!("{}/{}", scope.kind(), scope.id())
}

/// The webhook's `data`, without what depends on the receiver.
fn data_of(state: &State, change: &Change) -> Value {
    let name = name_of(state, &change.scope);
    let zone = zones_of(state, &change.scope).into_iter().next();
    let time_zone = zone.and_then(|z| state.plan.time_zones.get(&z));
    change.data(&name, time_zone.map(String::as_str))
}

fn name_of(state: &State, scope: &Scope) -> Names {
    let named = match scope {
        Scope::Zone(id) => {
            state.plan.judge.zones.iter().find(|z| z.id == *id).map(|z| z.name.clone())
        }
        Scope::Station(id) => state.plan.station_names.get(id).cloned(),
    };
    named.unwrap_or_else(|| Names::plain(scope.id()))
}

/// Keeps where a ladder stands.
pub(super) fn level(state: &mut State, now: &LevelNow) -> Result<(), StoreError> {
    let hour = |h: ZoneHour| Input::Hour {
        hour: h.hour,
        mean: h.mean(),
        stations: h.stations,
        expected: Some(h.expected),
        valid: Some(h.valid),
    };
    let inputs: Vec<Input> = now.last.map(hour).into_iter().collect();
    let since = now.since.or_else(|| now.hour().map(|h| h.start())).unwrap_or_default();
    state.writer.put_level(&LevelRow {
        ladder: now.ladder.clone(),
        scope: path(&now.scope),
        level: now.level.clone(),
        since,
        value: now.last.and_then(|h| h.mean()),
        inputs: json!(inputs),
        ruleset: now.ruleset.clone(),
        unknown_since: now.unknown_since,
    })
}

/// Keeps where a threshold stands after it moved.
pub(super) fn threshold_level(state: &mut State, judged: &Judged) -> Result<(), StoreError> {
    let c = &judged.change;
    state.writer.put_level(&LevelRow {
        ladder: c.ladder.clone(),
        scope: path(&c.scope),
        level: c.to.clone(),
        since: c.at,
        value: c.value,
        inputs: json!(c.inputs),
        ruleset: c.ruleset.clone(),
        unknown_since: None,
    })
}

/// The event of a condition of the operation.
pub(super) fn operational_event(
    (kind, subject): (&str, &str),
    active: bool,
    since: Stamp,
    at: Stamp,
    detail: &str,
) -> EventRow {
    let edge = if active { "begins" } else { "ends" };
    EventRow {
        id: 0,
        uid: stable_id(at, &["operational", kind, subject, edge, &since.to_string()]),
        kind: "dustline.operational.v1".to_owned(),
        subject: format!("operational/{kind}/{subject}"),
        time: at,
        data: json!({
            "kind": kind, "subject": subject, "active": active, "since": since.to_string(),
            "at": at.to_string(), "detail": detail, "exercise": false,
        }),
    }
}
