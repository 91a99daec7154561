//! Whether a reading can be believed: QARTOD flags with named reasons, beside
//! the value and never instead of it; pure.
//!
//! | test | verdict | needs |
//! |---|---|---|
//! | [`failure`] | fail `sentinel`: the number that such sensors send when they have failed | the value |
//! | [`range`] | fail `range`: what cannot be; noted `over_scale`: above the model's scale | the value |
//! | [`clock`] | suspect `clock_ahead`, `clock_behind`: the device's clock is off | the times |
//! | [`order`] | `pm_order`: a finer fraction exceeds a coarser; suspect only if gross, only the coarser | the message |
//! | [`agreement`] | suspect `disagreement`: two lasers of one device differ | the message |
//! | [`humidity`] | `humid`: droplets count as dust; noted, or suspect | the message |
//! | [`stuck`] | suspect `stuck`: the same value for too long | the series |
//! | [`spike`] | noted `spike`: one reading far above the last (suspect, if the policy says so) | the series |
//!
//! The worst verdict counts; a value that no test objects to passes. Ranges are
//! wide on purpose: hourly means above 1000 µg/m³ have been real. Every test can
//! be switched off, and its bounds set, in a [`Policy`]. How a station compares with
//! those of its zone is judged with the hours of zones, not here.
//!
//! [`assess`] judges the values of one message by themselves; [`follow`] those of
//! one message that are new, after what their series brought before, which is
//! kept in [`Past`]. [`main_value`] makes the main value of a device whose numbers all
//! have labels, [`correction`] further values out of them.

pub mod agreement;
pub mod clock;
pub mod correction;
pub mod failure;
pub mod humidity;
pub mod main_value;
pub mod model;
pub mod order;
pub mod past;
mod policy;
pub mod range;
pub mod spike;
pub mod stuck;

pub use correction::Correction;
pub use model::Model;
pub use past::Past;
pub use policy::Policy;

use crate::air::reading::TimeSource;
use crate::air::{Flag, Measured, Reason, Reasons, Stamp, Value};

/// What a device's readings are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'a> {
    /// The tests and their bounds.
    pub policy: &'a Policy,
    /// The kind of sensor, if it was said.
    pub model: Option<Model>,
}

/// When a reading was made and came in.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// The time it is stored under.
    pub observed: Stamp,
    /// The clock that gave it.
    pub source: TimeSource,
    /// When it came in.
    pub received: Stamp,
}

/// Judges the values that one device reported for one instant.
pub fn assess(by: Judged<'_>, values: Vec<Value>, when: When) -> Vec<Measured> {
    let Judged { policy, model } = by;
    let unjudged = |value| Measured { value, flag: Flag::Pass, reasons: Reasons::default() };
    let mut judged: Vec<Measured> = values.into_iter().map(unjudged).collect();
    for m in &mut judged {
        if policy.failure && failure::is_mark(m.value.quantity, model, m.value.value) {
            object(m, Flag::Fail, Reason::Sentinel);
        } else if policy.range {
            range::judge(m, model);
        }
    }
    if policy.order {
        order::judge(&mut judged);
    }
    if let Some(bounds) = &policy.agreement {
        agreement::judge(bounds, &mut judged);
    }
    if let Some(bounds) = &policy.humidity {
        humidity::judge(bounds, model, &mut judged);
    }
    if let Some(reason) = clock::fault(policy, when) {
        judged.iter_mut().for_each(|m| object(m, Flag::Suspect, reason));
    }
    judged
}

/// Judges one value after those of its series. `trail` is what [`Past`] knows of
/// the series; without it there is nothing to compare with.
pub fn follow(policy: &Policy, m: &mut Measured, trail: Option<&past::Trail>, observed: Stamp) {
    let Some(trail) = trail.filter(|_| m.flag != Flag::Fail) else { return };
    if policy.stuck.as_ref().is_some_and(|b| stuck::is(b, trail, m.value.value, observed)) {
        object(m, Flag::Suspect, Reason::Stuck);
    }
    if let Some(bounds) = policy.spike.filter(|b| spike::is(b, trail, m.value.value, observed)) {
        let flag = if bounds.counts { Flag::Pass } else { Flag::Suspect };
        object(m, flag, Reason::Spike);
    }
}

/// Adds an objection; the worst flag stays.
fn object(m: &mut Measured, flag: Flag, reason: Reason) {
    m.flag = m.flag.max(flag);
    m.reasons.add(reason);
}

#[cfg(test)]
mod tests;
