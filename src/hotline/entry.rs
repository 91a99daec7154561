//! An entry of a transcript: who, when, what, and the chain it hangs on. The form
//! in JSON is a promise to everyone who checks it: `docs/transcript.md`.

use super::canon::canonical;
use super::facts::{Asked, Facts, Measure, Proof, Standing};
use super::instant;
use super::plan::Grade;
use crate::air::Stamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What the first entry has as the hash of the one before it.
pub const FIRST: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One entry of a transcript.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it was recorded, by our clock.
    #[serde(with = "instant")]
    pub at: Stamp,
    /// SHA-256 of the canonical form of everything else here, in hexadecimal.
    pub hash: String,
    /// The incident's id.
    pub incident: String,
    /// Counts the entries of the incident, from 1.
    pub number: u32,
    /// The hash of the entry before; [`FIRST`] for the first.
    pub previous: String,
    /// What happened.
    pub what: What,
    /// Who did it.
    pub who: Who,
}

impl Entry {
    /// The entry with its hash.
    pub(super) fn sealed(mut self) -> Entry {
        let value = serde_json::to_value(&self).unwrap_or_default();
        self.hash = hash_of(&value).unwrap_or_default();
        self
    }
}

/// The hash that an entry must have; `None` if it is none in the form agreed.
pub(super) fn hash_of(entry: &Value) -> Option<String> {
    let mut rest = entry.as_object()?.clone();
    rest.remove("hash");
    let digest = Sha256::digest(canonical(&Value::Object(rest))?);
    Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "role", rename_all = "snake_case", deny_unknown_fields)]
pub enum Who {
    /// The daemon, by its rules.
    System,
    /// The operator of this installation.
    Operator {
        /// From where: the API and an address, the command line and a user.
        from: String,
        /// The person, as given.
        name: Option<String>,
    },
    /// A party.
    Party {
        /// From where.
        from: String,
        /// The person, as given.
        name: Option<String>,
        /// The party's id.
        party: String,
    },
}

impl Who {
    /// The party, if it is one.
    pub fn party(&self) -> Option<&String> {
        match self {
            Who::Party { party, .. } => Some(party),
            _ => None,
        }
    }
}

/// What happened, with what is needed to understand it years later.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum What {
    /// The incident was opened.
    Opened {
        /// Its case number.
        case: String,
        /// What it is about.
        cause: String,
        /// The change that opened it; none if somebody did.
        change: Option<Facts>,
        /// Whether it is an exercise.
        exercise: bool,
        /// The group of zones.
        group: String,
        /// How bad it is.
        level: Grade,
        /// What is asked of each party.
        parties: Vec<Asked>,
        /// Where the air was bad already, beside the change.
        standing: Vec<Standing>,
        /// Why, in words, if somebody opened it.
        text: Option<String>,
    },
    /// The air turned bad again soon after the end.
    Reopened {
        /// The change that did it.
        change: Facts,
        /// How bad it is.
        level: Grade,
        /// What is asked of each party.
        parties: Vec<Asked>,
        /// Where the air was bad already, beside the change.
        standing: Vec<Standing>,
    },
    /// A change of the air that belongs to it.
    Joined {
        /// The change.
        change: Facts,
    },
    /// The level of the incident moved.
    Level {
        /// When it was due to fall.
        #[serde(with = "instant::maybe")]
        due: Option<Stamp>,
        /// The level before.
        from: Grade,
        /// Whether it is lifted now, so that the incident can be closed.
        lifted: bool,
        /// The level now.
        to: Grade,
    },
    /// A step of a party's ladder was climbed.
    Escalated {
        /// When that was due.
        #[serde(with = "instant")]
        due: Stamp,
        /// The party that has not acknowledged.
        party: String,
        /// Who is called now.
        receivers: Vec<String>,
        /// Which step, from 1.
        step: u32,
    },
    /// A party let a deadline pass.
    Overdue {
        /// When it was.
        #[serde(with = "instant")]
        due: Stamp,
        /// What it owes.
        owed: Owed,
        /// Which party.
        party: String,
    },
    /// A party is reminded.
    Reminder {
        /// When that was due.
        #[serde(with = "instant")]
        due: Stamp,
        /// What it owes.
        owed: Owed,
        /// Which party.
        party: String,
    },
    /// The party knows.
    Acknowledged,
    /// The party says what it does; the entry's number names the measure.
    Measure {
        /// What it does.
        measure: Measure,
    },
    /// A measure of the party ended, or ends earlier than it said.
    Ended {
        /// When it ends or ended.
        #[serde(with = "instant")]
        at: Stamp,
        /// The number of the measure.
        measure: u32,
    },
    /// Something to say.
    Note {
        /// In words.
        text: String,
    },
    /// The party agrees to close.
    Agreed,
    /// It is lifted and all have agreed.
    Closed,
    /// A receiver has taken what it was told of an entry: the proof of it.
    Delivered(Proof),
    /// The party's own system could not use the message that told it of an entry.
    Rejected {
        /// The number of that entry.
        of: u32,
        /// What its system says is wrong.
        text: String,
    },
}

/// A kind of [`What`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is explained at the variant of `What` of its name")]
pub enum Kind {
    Opened,
    Reopened,
    Joined,
    Level,
    Escalated,
    Overdue,
    Reminder,
    Acknowledged,
    Measure,
    Ended,
    Note,
    Agreed,
    Closed,
    Delivered,
    Rejected,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 15] = [
        Kind::Opened,
        Kind::Reopened,
        Kind::Joined,
        Kind::Level,
        Kind::Escalated,
        Kind::Overdue,
        Kind::Reminder,
        Kind::Acknowledged,
        Kind::Measure,
        Kind::Ended,
        Kind::Note,
        Kind::Agreed,
        Kind::Closed,
        Kind::Delivered,
        Kind::Rejected,
    ];

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Opened => "opened",
            Kind::Reopened => "reopened",
            Kind::Joined => "joined",
            Kind::Level => "level",
            Kind::Escalated => "escalated",
            Kind::Overdue => "overdue",
            Kind::Reminder => "reminder",
            Kind::Acknowledged => "acknowledged",
            Kind::Measure => "measure",
            Kind::Ended => "ended",
            Kind::Note => "note",
            Kind::Agreed => "agreed",
            Kind::Closed => "closed",
            Kind::Delivered => "delivered",
            Kind::Rejected => "rejected",
        }
    }
}

impl What {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            What::Opened { .. } => Kind::Opened,
            What::Reopened { .. } => Kind::Reopened,
            What::Joined { .. } => Kind::Joined,
            What::Level { .. } => Kind::Level,
            What::Escalated { .. } => Kind::Escalated,
            What::Overdue { .. } => Kind::Overdue,
            What::Reminder { .. } => Kind::Reminder,
            What::Acknowledged => Kind::Acknowledged,
            What::Measure { .. } => Kind::Measure,
            What::Ended { .. } => Kind::Ended,
            What::Note { .. } => Kind::Note,
            What::Agreed => Kind::Agreed,
            What::Closed => Kind::Closed,
            What::Delivered(_) => Kind::Delivered,
            What::Rejected { .. } => Kind::Rejected,
        }
    }
}

/// What a party owes.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// That it acknowledges.
    Acknowledgement,
    /// That it shares a measure or a note.
    Share,
    /// That it agrees to close.
    Agreement,
}
