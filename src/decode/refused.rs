//! Why a message as a whole is no readings, by names that are counted.

use super::Message;

/// Why a message as a whole is no readings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not a reading by design (a housekeeping topic, an availability message):
    /// counted as ignored under this policy name, one of [`Refused::IGNORED`].
    Ignored(&'static str),
    /// Cannot be understood: kept in quarantine.
    Malformed {
        /// A fixed name for counting, such as `not_json`.
        reason: &'static str,
        /// What, where and what to do next, for an operator.
        detail: String,
    },
}

impl Refused {
    /// Every policy by which a decoder ignores a message: `empty` (a retained
    /// message is being cleared), `housekeeping` (a topic that is never about
    /// readings), `no_quantity` (well formed, but without anything we keep),
    /// `no_route` (no subscription's pattern matches the topic), `described` (it
    /// only says what other messages mean), `odd_unit` (the same, with a unit
    /// that the quantity does not have: its numbers are taken in our unit),
    /// `unsupported_template` (the value is computed in a way not read here),
    /// `retained_without_time` (its age is unknown, and its meaning not said yet),
    /// `simulated` (someone tries a network's console), `repeated` (the same
    /// packet by another way), `retained` (its subscription takes nothing from
    /// the broker's memory).
    pub const IGNORED: [&'static str; 11] = [
        "empty",
        "housekeeping",
        "no_quantity",
        "no_route",
        "described",
        "odd_unit",
        "unsupported_template",
        "retained_without_time",
        "simulated",
        "repeated",
        "retained",
    ];

    /// Every reason for which a decoder calls a message malformed.
    pub const MALFORMED: [&'static str; 17] = [
        "too_large",
        "not_utf8",
        "not_json",
        "not_an_object",
        "not_an_array",
        "not_a_number",
        "bad_syntax",
        "not_understood",
        "nothing_mapped",
        "no_sensordatavalues",
        "no_device",
        "bad_device",
        "too_many_values",
        "not_forecasts",
        "bad_forecast",
        "not_protobuf",
        "not_described_yet",
    ];

    /// The fixed name for counting.
    pub fn reason(&self) -> &'static str {
        match self {
            Refused::Ignored(reason) | Refused::Malformed { reason, .. } => reason,
        }
    }

    pub(super) fn malformed(reason: &'static str, detail: impl Into<String>) -> Refused {
        Refused::Malformed { reason, detail: detail.into() }
    }

    /// The refusal of data that came before what says what they mean, in a format
    /// whose messages carry no time. One from the broker's memory would be no
    /// reading with a description either.
    pub(super) fn not_described_yet(m: &Message, detail: &str) -> Refused {
        match m.retained {
            true => Refused::Ignored("retained_without_time"),
            false => Refused::malformed("not_described_yet", detail),
        }
    }
}
