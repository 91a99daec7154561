//! An incident as lists and pages show it: where everybody stands, who is missing,
//! what is in force and by when something is owed.

use super::entry::Owed;
use super::facts::Measure;
use super::incident::{Incident, Shared};
use super::instant;
use super::party::PartyState;
use super::plan::{Grade, Plan};
use crate::air::Stamp;
use serde::Serialize;

/// Where an incident stands.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Its id.
    pub id: String,
    /// Its case number.
    pub case: String,
    /// The group of zones.
    pub group: String,
    /// What it is about.
    pub cause: String,
    /// Whether it is an exercise.
    pub exercise: bool,
    /// Its level.
    pub level: Grade,
    /// Whether the parties can agree to close it.
    pub may_close: bool,
    /// When it was opened, or opened again.
    #[serde(with = "instant")]
    pub opened_at: Stamp,
    /// When it was closed.
    #[serde(with = "instant::maybe")]
    pub closed_at: Option<Stamp>,
    /// Where each party stands.
    pub parties: Vec<PartySummary>,
    /// The parties that have not agreed to close.
    pub missing: Vec<String>,
    /// What the parties have shared.
    pub measures: Vec<MeasureSummary>,
    /// How many entries the transcript has.
    pub entries: u32,
    /// The hash of the last entry.
    pub head: String,
}

/// Where a party stands.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct PartySummary {
    /// The party.
    pub party: String,
    /// What it owes now.
    pub owes: Option<Owed>,
    /// The deadline that it let pass.
    pub overdue: Option<Owed>,
    /// By when it must acknowledge.
    #[serde(with = "instant")]
    pub acknowledge_by: Stamp,
    /// When it acknowledged.
    #[serde(with = "instant::maybe")]
    pub acknowledged: Option<Stamp>,
    /// By when it must share a measure or a note.
    #[serde(with = "instant::maybe")]
    pub share_by: Option<Stamp>,
    /// When it last did.
    #[serde(with = "instant::maybe")]
    pub shared: Option<Stamp>,
    /// When it agreed to close.
    #[serde(with = "instant::maybe")]
    pub agreed: Option<Stamp>,
    /// The receivers called for it so far.
    pub called: Vec<String>,
}

/// A measure that a party has shared.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MeasureSummary {
    /// The number of its entry, which names it.
    pub number: u32,
    /// Whose it is.
    pub party: String,
    /// What it says.
    #[serde(flatten)]
    pub measure: Measure,
    /// When its party ended it.
    #[serde(with = "instant::maybe")]
    pub ended: Option<Stamp>,
    /// Whether it is in force now, which is said by who answers and never kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_force: Option<bool>,
}

impl Summary {
    /// Where an incident stands, by the deadlines of a plan.
    pub fn of(incident: &Incident, plan: &Plan) -> Summary {
        let (entries, head) = incident.head();
        Summary {
            id: incident.id().to_owned(),
            case: incident.case().to_owned(),
            group: incident.group().to_owned(),
            cause: incident.cause().to_owned(),
            exercise: incident.exercise(),
            level: incident.level().clone(),
            may_close: incident.may_close(),
            opened_at: incident.opened_at(),
            closed_at: incident.closed_at(),
            parties: incident.parties().iter().map(|p| party(incident, p, plan)).collect(),
            missing: incident.missing().into_iter().map(str::to_owned).collect(),
            measures: incident.measures().iter().map(measure).collect(),
            entries,
            head: head.to_owned(),
        }
    }
}

fn party(incident: &Incident, p: &PartyState, plan: &Plan) -> PartySummary {
    let owes = incident.owes(p);
    let share_by = plan.party(&p.id).and_then(|known| p.share_by(known));
    PartySummary {
        party: p.id.clone(),
        owes,
        overdue: p.overdue.filter(|_| owes.is_some()),
        acknowledge_by: p.acknowledge_by,
        acknowledged: p.acknowledged,
        share_by: share_by.filter(|_| owes == Some(Owed::Share)),
        shared: p.shared,
        agreed: p.agreed,
        called: p.reached.clone(),
    }
}

fn measure(shared: &Shared) -> MeasureSummary {
    MeasureSummary {
        number: shared.number,
        party: shared.party.clone(),
        measure: shared.measure.clone(),
        ended: shared.ended,
        in_force: None,
    }
}
