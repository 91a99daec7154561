//! Readings: what a decoder found, and what quality control made of it.

use super::{Quantity, Stamp};
use std::fmt;
use std::hash::{Hash, Hasher};

/// What distinguishes several numbers for one quantity of one device, so that
/// they never collide: which laser or satellite (`channel`), and which
/// treatment by the device (`variant`: `cf1`, `corrected`, …). Both empty is
/// the maker's main value, the only one that counts towards hours and alerts.
#[derive(Debug, Clone, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
pub struct Label {
    /// Which of several sensing elements: `a`, `b`, `1`, …; empty for the device as a whole.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub channel: String,
    /// Which treatment of the raw number; empty for the main one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// Main labels, the common case, are told equal by their lengths: `memcmp` of two
/// empty strings, which point nowhere, costs 150 ns on processors with AVX-512.
impl PartialEq for Label {
    fn eq(&self, other: &Label) -> bool {
        let same = |a: &str, b: &str| a.len() == b.len() && (a.is_empty() || a == b);
        same(&self.channel, &other.channel) && same(&self.variant, &other.variant)
    }
}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.channel.hash(state);
        self.variant.hash(state);
    }
}

impl Label {
    /// Of the main value.
    pub const MAIN: &'static Label = &Label { channel: String::new(), variant: String::new() };

    /// Whether this is the device's main value of a quantity.
    pub fn is_main(&self) -> bool {
        self.channel.is_empty() && self.variant.is_empty()
    }

    /// The suffix after a field name: empty, `__cf1`, `__ch_a` or `__ch_a__cf1`.
    pub fn suffix(&self) -> String {
        let mut s = String::new();
        if !self.channel.is_empty() {
            s.push_str("__ch_");
            s.push_str(&self.channel);
        }
        if !self.variant.is_empty() {
            s.push_str("__");
            s.push_str(&self.variant);
        }
        s
    }
}

impl Label {
    /// The label that a suffix is of, the other way round to [`Label::suffix`].
    pub fn of_suffix(suffix: &str) -> Option<Label> {
        if suffix.is_empty() {
            return Some(Label::default());
        }
        let rest = suffix.strip_prefix("__")?;
        let Some(rest) = rest.strip_prefix("ch_") else {
            return Some(Label { channel: String::new(), variant: rest.to_owned() });
        };
        let (channel, variant) = rest.split_once("__").unwrap_or((rest, ""));
        Some(Label { channel: channel.to_owned(), variant: variant.to_owned() })
    }
}

/// One number as a decoder found it, already in the quantity's own unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it measures.
    pub quantity: Quantity,
    /// Which of several numbers for that quantity.
    pub label: Label,
    /// The number, in [`Quantity::unit`].
    pub value: f64,
}

impl Value {
    /// A main value.
    pub fn main(quantity: Quantity, value: f64) -> Value {
        Value { quantity, label: Label::default(), value }
    }
}

/// Which labelled series stand for a device's main values, where its messages
/// bring none without a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandIn {
    /// The channels whose mean it is; one that is absent takes no part.
    pub channels: Vec<String>,
    /// Their variant; empty: none.
    pub variant: String,
}

impl StandIn {
    /// Whether a series of this label takes part.
    pub fn has(&self, label: &Label) -> bool {
        label.variant == self.variant && self.channels.contains(&label.channel)
    }
}

/// All values of one device at one instant, as decoded from a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// The device's identity within the whole network.
    pub device: String,
    /// The device's own time, if the message carries one; else arrival time counts.
    pub at: Option<Stamp>,
    /// The values; never empty.
    pub values: Vec<Value>,
}

/// A part of a message that a decoder left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Skipped {
    /// Where in the message: a JSON Pointer, in other texts the line or number of
    /// the entry, or empty for the message as a whole.
    pub path: String,
    /// Why, in words for an operator.
    pub reason: String,
}

/// Quality flag, by QARTOD.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[repr(u8)]
pub enum Flag {
    /// Passed every test that applies.
    Pass = 1,
    /// No test applies.
    NotEvaluated = 2,
    /// Kept, shown, but not counted.
    Suspect = 3,
    /// Known to be wrong.
    Fail = 4,
    /// No value.
    Missing = 9,
}

impl Flag {
    /// The QARTOD number.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The flag of a QARTOD number.
    pub fn from_code(code: u8) -> Option<Flag> {
        [Flag::Pass, Flag::NotEvaluated, Flag::Suspect, Flag::Fail, Flag::Missing]
            .into_iter()
            .find(|f| f.code() == code)
    }

    /// Whether a value with this flag counts towards hours and alerts.
    pub fn counts(self) -> bool {
        matches!(self, Flag::Pass | Flag::NotEvaluated)
    }
}

/// Why a value did not simply pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reason {
    /// Outside what the quantity or the sensor can be.
    Range = 0,
    /// A number that this kind of sensor sends when it has failed.
    Sentinel = 1,
    /// The device's clock is ahead of ours by more than is believable.
    ClockAhead = 2,
    /// The device's time lies further back than is believable.
    ClockBehind = 3,
    /// PM1 ≤ PM2.5 ≤ PM10 does not hold.
    PmOrder = 4,
    /// The same value for too long.
    Stuck = 5,
    /// One reading far above the last.
    Spike = 6,
    /// Two sensing elements of one device disagree.
    Disagreement = 7,
    /// Air so humid that an optical sensor counts droplets as dust.
    Humid = 8,
    /// Above the scale that the sensor's maker states.
    OverScale = 9,
    /// A correction gave less than nothing and was set to 0.
    Clamped = 10,
}

impl Reason {
    /// Every reason, in the order of its stored bit.
    pub const ALL: [Reason; 11] = [
        Reason::Range,
        Reason::Sentinel,
        Reason::ClockAhead,
        Reason::ClockBehind,
        Reason::PmOrder,
        Reason::Stuck,
        Reason::Spike,
        Reason::Disagreement,
        Reason::Humid,
        Reason::OverScale,
        Reason::Clamped,
    ];

    /// The reason of a name.
    pub fn from_name(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|r| r.name() == name)
    }

    /// The name shown in the API and in files.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Range => "range",
            Reason::Sentinel => "sentinel",
            Reason::ClockAhead => "clock_ahead",
            Reason::ClockBehind => "clock_behind",
            Reason::PmOrder => "pm_order",
            Reason::Stuck => "stuck",
            Reason::Spike => "spike",
            Reason::Disagreement => "disagreement",
            Reason::Humid => "humid",
            Reason::OverScale => "over_scale",
            Reason::Clamped => "clamped",
        }
    }
}

/// A set of [`Reason`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Reasons(pub u16);

impl Reasons {
    /// Adds a reason.
    pub fn add(&mut self, reason: Reason) {
        self.0 |= 1 << reason as u16;
    }

    /// Whether the reason is in the set.
    pub fn has(self, reason: Reason) -> bool {
        self.0 & (1 << reason as u16) != 0
    }

    /// The reasons in the set.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.into_iter().filter(move |r| self.has(*r))
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, r) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            f.write_str(r.name())?;
        }
        Ok(())
    }
}

/// A value with the verdict of quality control beside it, never instead of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The value as decoded.
    pub value: Value,
    /// The verdict.
    pub flag: Flag,
    /// Why, if it did not simply pass.
    pub reasons: Reasons,
}

/// Which clock gave a reading its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeSource {
    /// The device's own.
    Device,
    /// The moment of arrival here.
    Arrival,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_are_the_same_if_channel_and_variant_are(
            a in "[ab]{0,1}", b in "[ab]{0,1}", c in "[ab]{0,1}", d in "[ab]{0,1}",
        ) {
            let label = |channel: &String, variant: &String| Label {
                channel: channel.clone(),
                variant: variant.clone(),
            };
            let (left, right) = (label(&a, &b), label(&c, &d));
            prop_assert_eq!(left == right, (&a, &b) == (&c, &d));
            prop_assert_eq!(left == right, left.cmp(&right).is_eq());
        }
    }

    #[test]
    fn reasons_keep_what_was_added_and_nothing_else() {
        let mut set = Reasons::default();
        set.add(Reason::Sentinel);
        set.add(Reason::PmOrder);
        assert_eq!(set.to_string(), "sentinel,pm_order");
        assert!(!set.has(Reason::Range));
    }

    #[test]
    fn a_suffix_is_read_back_as_the_label_that_it_is_of() {
        for (channel, variant) in [("", ""), ("a", ""), ("", "cf1"), ("a", "cf1"), ("3", "epa")] {
            let label = Label { channel: channel.into(), variant: variant.into() };
            assert_eq!(Label::of_suffix(&label.suffix()), Some(label));
        }
        assert_eq!(Label::of_suffix("_flag"), None);
    }

    #[test]
    fn only_pass_and_not_evaluated_count() {
        let counting: Vec<u8> =
            (0..=9).filter(|c| Flag::from_code(*c).is_some_and(Flag::counts)).collect();
        assert_eq!(counting, [1, 2]);
    }
}
