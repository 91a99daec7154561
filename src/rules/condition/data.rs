//! Conditions as data.

use crate::air::{Cause, Foretold, Names, Quantity};
use crate::rules::Scale;
use jiff::civil::Date;

/// Ordered levels that are met by terms of several kinds. Level 0 is `none`;
/// `levels[0]` is level 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// Its id, such as `kr-emergency`.
    pub id: String,
    /// What it is called.
    pub title: Names,
    /// The quantity it is about.
    pub quantity: Quantity,
    /// When it is decided.
    pub decide: Decide,
    /// For which time a decision is in force, where the rules say so.
    pub in_force: Option<InForce>,
    /// Whether a level met in enough zones that decide together holds in all.
    pub coupled: bool,
    /// What the rules say where the issuers name this cause.
    pub remarks: Vec<(Cause, Names)>,
    /// The levels above `none`, lowest first.
    pub levels: Vec<ConditionLevel>,
}

impl Condition {
    /// What it has in common with a ladder.
    pub fn scale(&self) -> Scale<'_> {
        let levels = self.levels.iter().map(|l| (l.name.as_str(), &l.title)).collect();
        Scale { id: &self.id, title: &self.title, quantity: self.quantity, levels }
    }
}

/// One level of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionLevel {
    /// Its name, such as `yellow`.
    pub name: String,
    /// What it is called.
    pub title: Names,
    /// Its criterion.
    pub any: Any,
    /// What must hold, beside the criterion no longer being met, to leave it;
    /// empty if nothing.
    pub lift: Any,
}

/// Alternatives of which one suffices; in each, all terms must hold.
pub type Any = Vec<Vec<Term>>;

/// When a condition is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decide {
    /// When an hour of the zone is judged and when a forecast is issued.
    Always,
    /// Once a day at this local time, on what was measured and issued until then.
    Daily(LocalTime),
}

/// For which time a decision is in force: local times of the day so many days
/// after that of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// 0 for the day of the decision, 1 for the next.
    pub day: u8,
    /// When it begins.
    pub from: LocalTime,
    /// When it ends.
    pub until: LocalTime,
}

/// A time of the day in minutes after midnight, 0..=1440; 1440 is 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalTime(pub u16);

impl LocalTime {
    /// Reads `HH:MM`, up to `24:00`.
    pub fn parse(text: &str) -> Option<LocalTime> {
        let (hours, minutes) =
            text.split_once(':').filter(|(h, m)| h.len() == 2 && m.len() == 2)?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let all = hours.checked_mul(60)?.checked_add(minutes)?;
        (minutes < 60 && all <= 1440).then_some(LocalTime(all))
    }
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A part of the local day of the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub from: LocalTime,
    /// When it ends.
    pub until: LocalTime,
}

/// One thing that must hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// The mean of the zone's hours in a part of the day.
    Mean {
        /// Of what.
        quantity: Quantity,
        /// Which part.
        window: Window,
        /// In the quantity's unit.
        bound: Bound,
    },
    /// The mean of the n-th highest of the zone's stations in a part of the day.
    StationMean(StationMean),
    /// Consecutive hours of the zone: the latest, or any in a part of the day.
    Hours {
        /// Of what.
        quantity: Quantity,
        /// How many.
        hours: u8,
        /// In which part of the day; `None`: the latest.
        window: Option<Window>,
        /// For the mean of each hour, in the quantity's unit.
        bound: Bound,
    },
    /// A ladder of the zone stood at one of these levels in a part of the day.
    Stood {
        /// The ladder's id.
        ladder: String,
        /// Names of the levels.
        levels: Vec<String>,
        /// What people call that.
        title: Names,
        /// Which part.
        window: Window,
    },
    /// What is forecast for a local day.
    Forecast {
        /// Of what.
        of: Foretold,
        /// 1 for the day after that of the decision.
        day: u8,
        /// In the quantity's unit, or as an index.
        bound: Bound,
        /// What the issuer must say brings it.
        cause: Option<Cause>,
    },
    /// The forecasts meet the bound for so many hours on end, wherever they
    /// begin, and not all of them have passed.
    Outlook {
        /// Of what.
        of: Foretold,
        /// How many hours.
        hours: u16,
        /// In the quantity's unit, or as an index.
        bound: Bound,
    },
    /// The forecasts meet the bound for all of the coming hours.
    Ahead {
        /// Of what.
        of: Foretold,
        /// How many hours.
        hours: u16,
        /// In the quantity's unit, or as an index.
        bound: Bound,
    },
    /// A value computed from the zone's hours, on so many days on end.
    Value {
        /// Which.
        measure: Measure,
        /// On how many days on end; 1: now.
        days: u8,
        /// For each.
        bound: Bound,
    },
    /// A season of the same ruleset is in force, by its id.
    Season(String),
}

/// A judgement by single stations of a zone, made when a part of the day is over;
/// it ends with the day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StationMean {
    /// Of what.
    pub quantity: Quantity,
    /// 1 for the highest, 2 for the second-highest.
    pub rank: u8,
    /// Which part of the day.
    pub window: Window,
    /// For its mean, in the quantity's unit.
    pub bound: Bound,
    /// What lifts it earlier.
    pub lifted: Option<Lifted>,
}

/// Every station whose mean met the bound has since been clean, at the same time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lifted {
    /// For so many consecutive hours.
    pub hours: u8,
    /// For the mean of each, in the quantity's unit.
    pub bound: Bound,
}

/// A value computed from the hours of a zone. Indices are those of particles:
/// the highest of the sub-indices of PM2.5 and PM10 that are measured there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The mean of the last local day that is over.
    DayMean(Quantity),
    /// China's daily AQI of that day, by the edition of its date.
    AqiCnDay,
    /// China's AQI of the hourly report, by the edition of the date.
    AqiCnHour,
    /// Korea's CAI, from the predictive moving average.
    Cai,
    /// The US AQI of the NowCast.
    AqiUs,
    /// The US AQI of the last local day that is over.
    AqiUsDay,
}

/// Which side of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Strictly above.
    Above,
    /// At or above.
    AtLeast,
    /// Strictly below.
    Below,
    /// At or below.
    AtMost,
}

/// A bound and the side of it that is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// The side.
    pub side: Side,
    /// The value.
    pub value: f64,
}

impl Bound {
    /// Whether a value lies on the side that is meant.
    pub fn holds(self, value: f64) -> bool {
        self.holds_exactly(value, self.value)
    }

    /// The same for a sum over `n` parts in 10⁻⁶ units, exact to a millionth.
    pub fn holds_for_sum(self, sum_micro: i128, n: u32) -> bool {
        let bound = i128::from(crate::rules::micro(self.value)) * i128::from(n);
        self.holds_exactly(sum_micro, bound)
    }

    fn holds_exactly<T: PartialOrd>(self, value: T, bound: T) -> bool {
        match self.side {
            Side::Above => value > bound,
            Side::AtLeast => value >= bound,
            Side::Below => value < bound,
            Side::AtMost => value <= bound,
        }
    }
}

/// A part of every year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Season {
    /// Its id, such as `kr-seasonal`.
    pub id: String,
    /// What it is called.
    pub title: Names,
    /// Month and day with which it begins.
    pub from: (i8, i8),
    /// Month and day with which it ends; that day belongs to it.
    pub until: (i8, i8),
}

impl Season {
    /// Whether it is in force on a local date.
    pub fn contains(&self, date: Date) -> bool {
        let day = (date.month(), date.day());
        match self.from <= self.until {
            true => self.from <= day && day <= self.until,
            false => self.from <= day || day <= self.until,
        }
    }
}

impl Condition {
    /// The rank of a level's name, as [`crate::rules::Ladder::rank`].
    pub fn rank(&self, level: &str) -> usize {
        if level == crate::rules::NONE {
            return 0;
        }
        self.levels.iter().position(|l| l.name == level).map_or(self.levels.len(), |i| i + 1)
    }

    /// The level of a rank; `None` for `none`.
    pub fn level_of(&self, rank: usize) -> Option<&ConditionLevel> {
        self.levels.get(rank.checked_sub(1)?)
    }

    /// Every term of every level.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.levels.iter().flat_map(|l| l.any.iter().chain(&l.lift)).flatten()
    }

    /// Whether it looks at forecasts.
    pub fn looks_ahead(&self) -> bool {
        self.terms()
            .any(|t| matches!(t, Term::Forecast { .. } | Term::Outlook { .. } | Term::Ahead { .. }))
    }

    /// The quantities whose hours it looks at.
    pub fn quantities(&self) -> Vec<Quantity> {
        let of = |term: &Term| match term {
            Term::Mean { quantity, .. } | Term::Hours { quantity, .. } => vec![*quantity],
            Term::StationMean(term) => vec![term.quantity],
            Term::Value { measure, .. } => measure.quantities(),
            _ => Vec::new(),
        };
        self.terms().flat_map(of).collect()
    }

    /// The quantities whose hours it looks at station by station.
    pub fn by_station(&self) -> impl Iterator<Item = Quantity> {
        self.terms().filter_map(|term| match term {
            Term::StationMean(term) => Some(term.quantity),
            _ => None,
        })
    }

    /// How many hours before a decision it looks back.
    pub fn reach(&self) -> i32 {
        let of = |term: &Term| match term {
            Term::Hours { window: None, hours, .. } => i32::from(*hours),
            Term::Mean { .. } | Term::StationMean(_) | Term::Hours { .. } | Term::Stood { .. } => {
                26
            }
            Term::Value { measure: Measure::Cai | Measure::AqiUs, .. } => 12,
            Term::Value { measure: Measure::AqiCnHour, .. } => 24,
            // A day that is over, and the time since; days may have 25 hours.
            Term::Value { days, .. } => 25 * (i32::from(*days) + 1),
            _ => 0,
        };
        self.terms().map(of).max().unwrap_or(0)
    }
}

impl Measure {
    /// The quantities whose hours it is computed from.
    pub fn quantities(self) -> Vec<Quantity> {
        match self {
            Measure::DayMean(quantity) => vec![quantity],
            _ => vec![Quantity::Pm2_5, Quantity::Pm10],
        }
    }
}
