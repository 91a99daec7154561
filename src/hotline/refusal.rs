//! Why an act was not done, and what to do instead.

use super::plan::Grade;
use crate::air::Stamp;

/// Why an act was not done. Nothing of it took effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such incident that is open or may be opened again.
    #[error(
        "there is no incident {0} that is open or was closed lately; \
         `dustline incident list` shows those there are"
    )]
    NoIncident(String),
    /// It is closed.
    #[error("incident {case} was closed at {at}; open a new one if there is more to do")]
    Closed {
        /// Its case number.
        case: String,
        /// When it was closed.
        at: Stamp,
    },
    /// One is open for this already.
    #[error("incident {case} is open for {cause} in {group} already; add a note to it")]
    OpenAlready {
        /// Its case number.
        case: String,
        /// What it is about.
        cause: String,
        /// Where.
        group: String,
    },
    /// There is no such group of zones.
    #[error("there is no group of zones {group:?}; known: {known}")]
    NoGroup {
        /// What was asked for.
        group: String,
        /// What there is.
        known: String,
    },
    /// The hotline has no parties.
    #[error("the hotline has no parties; name them in [hotline] parties = […]")]
    NoParties,
    /// Whoever acts is not a party of it.
    #[error("{who} is not a party of this; the parties are {parties}")]
    NotAParty {
        /// Who acted.
        who: String,
        /// The parties there are.
        parties: String,
    },
    /// Only a party may do this, and only for itself.
    #[error("only a party may do this, for itself; act with the token of {parties}")]
    PartiesOnly {
        /// The parties there are.
        parties: String,
    },
    /// The party has acknowledged.
    #[error("{party} acknowledged incident {case} at {at}; nothing is left to acknowledge")]
    Acknowledged {
        /// The party.
        party: String,
        /// The case.
        case: String,
        /// When.
        at: Stamp,
    },
    /// The party has agreed to close.
    #[error("{party} agreed to close incident {case} at {at}; it waits for {missing}")]
    Agreed {
        /// The party.
        party: String,
        /// The case.
        case: String,
        /// When.
        at: Stamp,
        /// Who has not.
        missing: String,
    },
    /// The air holds it open.
    #[error(
        "the level of incident {case} is {}; it can be closed when it is lifted, \
         of which every party is told", level.name
    )]
    NotLifted {
        /// The case.
        case: String,
        /// Its level.
        level: Grade,
    },
    /// A measure that ends before it begins.
    #[error("it would end at {end}, not after it begins at {begin}; give a later end")]
    EndsBeforeItBegins {
        /// The beginning.
        begin: Stamp,
        /// The end.
        end: Stamp,
    },
    /// There is no such measure.
    #[error("incident {case} has no measure {number}; its measures are {known}")]
    NoMeasure {
        /// The case.
        case: String,
        /// What was asked for.
        number: u32,
        /// What there is.
        known: String,
    },
    /// It is another party's measure.
    #[error("measure {number} is one of {owner}, which alone can end it")]
    NotYours {
        /// The measure.
        number: u32,
        /// Whose it is.
        owner: String,
    },
    /// The measure has ended.
    #[error("measure {number} ended at {at} already")]
    EndedAlready {
        /// The measure.
        number: u32,
        /// When.
        at: Stamp,
    },
    /// The same was said already.
    #[error("this is there already, as entry {number}; say what is new")]
    SaidAlready {
        /// The entry.
        number: u32,
    },
    /// The message was rejected by this party before.
    #[error("{party} has said already that it cannot use the message of entry {of}")]
    RejectedAlready {
        /// The party.
        party: String,
        /// The entry that the message told of.
        of: u32,
    },
    /// Too much, nothing, or what cannot be read.
    #[error("{field}: expected 1 to {max} characters, and no control characters but line ends")]
    BadText {
        /// Which text.
        field: &'static str,
        /// How long it may be.
        max: usize,
    },
}
