//! Japan: the provisional guide for PM2.5 (注意喚起のための暫定的な指針).
//!
//! A prefecture calls for caution when the **daily mean is expected above 70**
//! µg/m³. It judges twice: in the morning by the mean of 05 to 07 h at the
//! second-highest station of the area (above 85), at noon by the mean of 05 to
//! 12 h at any station (above 80). Hours are those of the Japanese network, which
//! name the **end** of the hour (from memory): "05 h" is 04:00 to 05:00.
//!
//! Prefectures vary: Chiba and Kanagawa state the median in the morning, Shimane
//! takes "at or above", Hokkaido never lifts within the day and judges otherwise
//! with one or two stations. What is here is the national guide.

use super::{Basis, Sure, mean, usable};

/// Where the morning's criterion comes from (second-highest since 2014-11).
pub const MORNING_BASIS: Basis = Basis {
    text: "Ministry of the Environment of Japan, 2014-11-28, as summarised by NIES, \
           https://tenbou.nies.go.jp/news/jnews/detail.php?i=14978",
    sure: Sure::ReadInSource,
};
/// Where the noon criterion and the daily guide value come from.
pub const NOON_BASIS: Basis = Basis {
    text: "City of Kitakyushu, https://ssl.city.kitakyushu.lg.jp/kankyou/00600310.html",
    sure: Sure::ReadInSource,
};
/// Where the lifting comes from: "50 or less, consecutively" was read, that two
/// hours are meant is from memory.
pub const LIFT_BASIS: Basis = Basis {
    text: "Ministry of the Environment of Japan, 2014-11-28, as summarised by NIES; \
           two hours from memory",
    sure: Sure::FromMemory,
};

/// The guide value: a daily mean expected above this, µg/m³ ([`NOON_BASIS`]).
pub const DAY_ABOVE: f64 = 70.0;
/// A station that called for caution is clean again at or below this, µg/m³ ([`LIFT_BASIS`]).
pub const LIFT_AT_MOST: f64 = 50.0;
/// For so many consecutive hours ([`LIFT_BASIS`]).
pub const LIFT_HOURS: usize = 2;

/// Which station of the area decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// The highest: any station above is enough.
    Highest,
    /// The second-highest, so that one station alone does not call.
    SecondHighest,
}

/// One of the two judgements of a day.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Criterion {
    /// First and last hour, named by their ends (1 to 24).
    pub hours: (usize, usize),
    /// The mean of these hours must be above this, µg/m³.
    pub above: f64,
    /// At which station.
    pub rank: Rank,
    /// Hours that a station needs to count. The guide does not say; three
    /// quarters are Dustline's choice.
    pub min_hours: usize,
    /// Where the criterion comes from.
    pub basis: Basis,
}

/// About 08:00: mean of 05 to 07 h, second-highest station, above 85.
pub const MORNING: Criterion = Criterion {
    hours: (5, 7),
    above: 85.0,
    rank: Rank::SecondHighest,
    min_hours: 3,
    basis: MORNING_BASIS,
};

/// About 13:00: mean of 05 to 12 h, any station, above 80.
pub const NOON: Criterion =
    Criterion { hours: (5, 12), above: 80.0, rank: Rank::Highest, min_hours: 6, basis: NOON_BASIS };

/// One day of a station: hourly means of PM2.5 in µg/m³, the first that of
/// 00:00 to 01:00 ("01 h"), Japanese time.
pub type StationDay = [Option<f64>; 24];

/// What a judgement found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "judgement")]
pub enum Judgement {
    /// Too few stations with enough hours; absence calls for nothing and lifts nothing.
    Unknown {
        /// Stations that count.
        stations: usize,
    },
    /// The criterion is not met.
    NotMet {
        /// The mean at the station that decides, µg/m³.
        value: f64,
    },
    /// The criterion is met.
    Met {
        /// The mean at the station that decides, µg/m³.
        value: f64,
        /// Every station whose own mean is above, by its place in the input:
        /// those that must be clean again before the call is lifted.
        stations: Vec<usize>,
    },
}

/// Judges the stations of one area by one criterion. A station counts with at
/// least [`Criterion::min_hours`] usable hours; a judgement by the second-highest
/// needs two stations that count.
pub fn judge(criterion: &Criterion, stations: &[StationDay]) -> Judgement {
    let (first, last) = criterion.hours;
    let mut means: Vec<(f64, usize)> = stations
        .iter()
        .enumerate()
        .filter_map(|(place, day)| {
            let hours = day.get(first.saturating_sub(1)..last)?;
            Some((mean(hours, criterion.min_hours)?, place))
        })
        .collect();
    means.sort_by(|a, b| b.0.total_cmp(&a.0));
    let deciding = match criterion.rank {
        Rank::Highest => means.first(),
        Rank::SecondHighest => means.get(1),
    };
    match deciding {
        None => Judgement::Unknown { stations: means.len() },
        Some(&(value, _)) if value > criterion.above => {
            let above = means.iter().filter(|(mean, _)| *mean > criterion.above);
            let mut stations: Vec<usize> = above.map(|(_, place)| *place).collect();
            stations.sort_unstable();
            Judgement::Met { value, stations }
        }
        Some(&(value, _)) => Judgement::NotMet { value },
    }
}

/// Whether a (forecast or measured) daily mean in µg/m³ is above the guide value;
/// `None` for what is no concentration.
pub fn day_exceeds(mean: f64) -> Option<bool> {
    usable(mean).map(|mean| mean > DAY_ABOVE)
}

/// Whether a call may be lifted: each station that tripped, and each neighbour
/// looked at with it, has its latest [`LIFT_HOURS`] hourly means (newest last,
/// µg/m³) at or below [`LIFT_AT_MOST`]. A missing hour lifts nothing, and so does
/// an empty list.
pub fn may_lift(stations: &[&[Option<f64>]]) -> bool {
    let clean = |hours: &[Option<f64>]| {
        let latest = hours.iter().rev().take(LIFT_HOURS);
        latest.filter(|h| h.and_then(usable).is_some_and(|c| c <= LIFT_AT_MOST)).count()
            == LIFT_HOURS
    };
    !stations.is_empty() && stations.iter().all(|hours| clean(hours))
}

#[cfg(test)]
mod tests;
