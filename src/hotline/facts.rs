//! What entries carry: changes, what is asked of the parties, and measures.

use super::instant;
use super::plan::{Grade, Place};
use crate::air::{Names, Quantity, Stamp};
use crate::rules::{Change, Scope};

/// A change as a transcript has it: enough to find it and to understand it without.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// When the criterion was met.
    #[serde(with = "instant")]
    pub at: Stamp,
    /// The change's id.
    pub change: String,
    /// The criterion that was met, in words; entries of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criterion: Option<Names>,
    /// The level before.
    pub from: String,
    /// The ladder or threshold.
    pub ladder: String,
    /// The quantity judged.
    pub quantity: Quantity,
    /// The version of the rules.
    pub ruleset: String,
    /// The zone or station.
    pub scope: Scope,
    /// The level after.
    pub to: Grade,
    /// The unit of the value.
    pub unit: String,
    /// The value that met the criterion, as decimal text: transcripts have no fractions.
    pub value: String,
}

impl Facts {
    pub(super) fn of(change: &Change, to: Grade) -> Facts {
        Facts {
            at: change.at,
            change: change.id.clone(),
            criterion: Some(change.criterion.clone()),
            from: change.from.clone(),
            ladder: change.ladder.clone(),
            quantity: change.quantity,
            ruleset: change.ruleset.clone(),
            scope: change.scope.clone(),
            to,
            unit: change.quantity.unit().to_owned(),
            value: change.value.map_or_else(String::new, |value| value.to_string()),
        }
    }

    pub(super) fn place(&self) -> Place {
        Place { ladder: self.ladder.clone(), scope: self.scope.clone() }
    }
}

/// Where the air stands somewhere.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// How bad it is.
    pub level: Grade,
    /// Where.
    pub place: Place,
}

/// What is asked of a party when an incident opens.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// By when it must acknowledge.
    #[serde(with = "instant")]
    pub acknowledge_by: Stamp,
    /// Whether it has opened the incident itself and need not.
    pub knows: bool,
    /// The party.
    pub party: String,
    /// Who is called for it at once.
    pub receivers: Vec<String>,
    /// How many steps of its ladder that takes.
    pub steps: u32,
}

/// What a party says that it does.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// From when it is in force.
    #[serde(with = "instant")]
    pub from: Stamp,
    /// What kind of measure.
    pub kind: MeasureKind,
    /// Where.
    pub place: String,
    /// In words.
    pub text: String,
    /// Until when it is in force; open if not given.
    #[serde(with = "instant::maybe")]
    pub until: Option<Stamp>,
}

/// A kind of measure, for reading in another language.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MeasureKind {
    /// Power stations shut down or held back.
    Power,
    /// Factories held back.
    Industry,
    /// Vehicles kept off the roads.
    Traffic,
    /// Building sites stopped or kept wet.
    Construction,
    /// Open burning forbidden or watched.
    Burning,
    /// Heating held back or changed.
    Heating,
    /// The public is told what to do.
    Public,
    /// Anything else.
    Other,
}

impl MeasureKind {
    /// Every kind.
    pub const ALL: [MeasureKind; 8] = [
        MeasureKind::Power,
        MeasureKind::Industry,
        MeasureKind::Traffic,
        MeasureKind::Construction,
        MeasureKind::Burning,
        MeasureKind::Heating,
        MeasureKind::Public,
        MeasureKind::Other,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            MeasureKind::Power => "power",
            MeasureKind::Industry => "industry",
            MeasureKind::Traffic => "traffic",
            MeasureKind::Construction => "construction",
            MeasureKind::Burning => "burning",
            MeasureKind::Heating => "heating",
            MeasureKind::Public => "public",
            MeasureKind::Other => "other",
        }
    }
}

/// That a receiver has taken what it was told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// SHA-256 of its answer's body, in hexadecimal; none if the body did not end in time.
    pub answer: Option<String>,
    /// When the answer came.
    #[serde(with = "instant")]
    pub at: Stamp,
    /// The `webhook-id` under which it was told.
    pub notice: String,
    /// The number of the entry that it was told of.
    pub of: u32,
    /// The party for which it was told.
    pub party: String,
    /// The receiver.
    pub receiver: String,
    /// The status of its answer.
    pub status: u16,
}
