//! At which instants a condition is decided.

use super::data::Decide;
use super::local;
use super::state::{ConditionRules, Scene};
use crate::air::Stamp;

/// After a longer silence hours are taken up this many hours before its end, so
/// that one hour of a wrong year does not take for ever.
const HOURS_MAX: i32 = 31 * 24;
/// The same for daily decisions.
const DAYS_MAX: usize = 400;

/// The instants after `after`, or from the first evidence on, up to `until`.
pub(super) fn between(
    rules: &ConditionRules,
    scene: &Scene,
    after: Option<Stamp>,
    until: Stamp,
) -> Vec<Stamp> {
    match rules.latest().map(|c| (c.decide, c.looks_ahead())) {
        Some((Decide::Always, ahead)) => always(scene, ahead, after, until),
        Some((Decide::Daily(time), _)) => {
            let zone = scene.own.time_zone;
            let first = after.or_else(|| first(scene)).unwrap_or(Stamp(until.0.saturating_sub(1)));
            let next = |at: &Stamp| local::next(time, *at, zone);
            std::iter::successors(next(&first), next)
                .take_while(|at| *at <= until)
                .take(DAYS_MAX)
                .collect()
        }
        None => Vec::new(),
    }
}

/// Just before the first evidence.
fn first(scene: &Scene) -> Option<Stamp> {
    let evidence = scene.own.evidence;
    let hour = evidence.first.map(|hour| hour.end());
    let issue = evidence.forecasts.iter().map(|f| f.issued_at).next();
    hour.into_iter().chain(issue).min().map(|at| Stamp(at.0.saturating_sub(1)))
}

fn always(scene: &Scene, ahead: bool, after: Option<Stamp>, until: Stamp) -> Vec<Stamp> {
    let evidence = scene.own.evidence;
    let mut all = Vec::new();
    if let (Some(first), Some(last)) = (evidence.first, evidence.last) {
        let last = last.0.min(until.hour().back(1).0);
        let begin = after.map_or(first.0, |after| after.hour().0.max(first.0));
        let begin = begin.max(last.saturating_sub(HOURS_MAX));
        all.extend((begin..=last).map(|hour| crate::air::Hour(hour).end()));
    }
    if ahead {
        all.extend(evidence.forecasts.issues(after, until));
        all.sort_unstable();
        all.dedup();
    }
    all
}
