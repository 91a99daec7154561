//! How the air of a city goes through a few days: a pure function of time.
//!
//! An episode begins at a midnight UTC, lasts [`PERIOD`], and then begins
//! again. Each city has its own arrival, rise, stay and clearing; between them
//! lies a quiet background with the two traffic peaks of the day. The numbers
//! are invented, shaped after winters as the region knows them.

use std::f64::consts::TAU;
use std::time::Duration;

/// The length of an episode.
pub const PERIOD: Duration = Duration::from_secs(96 * 3600);

/// A city with devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum City {
    /// 서울.
    Seoul,
    /// 인천.
    Incheon,
    /// 北京.
    Beijing,
    /// 天津.
    Tianjin,
    /// 济南, in Shandong.
    Jinan,
    /// 青岛, in Shandong.
    Qingdao,
}

impl City {
    /// Every city.
    pub const ALL: [City; 6] =
        [City::Seoul, City::Incheon, City::Beijing, City::Tianjin, City::Jinan, City::Qingdao];

    /// Its name in topics and device identities.
    pub fn id(self) -> &'static str {
        match self {
            City::Seoul => "seoul",
            City::Incheon => "incheon",
            City::Beijing => "beijing",
            City::Tianjin => "tianjin",
            City::Jinan => "jinan",
            City::Qingdao => "qingdao",
        }
    }

    /// Its centre: latitude and longitude, WGS 84 degrees.
    pub fn centre(self) -> (f64, f64) {
        match self {
            City::Seoul => (37.5665, 126.9780),
            City::Incheon => (37.4563, 126.7052),
            City::Beijing => (39.9042, 116.4074),
            City::Tianjin => (39.0842, 117.2009),
            City::Jinan => (36.6512, 117.1201),
            City::Qingdao => (36.0671, 120.3826),
        }
    }

    /// How far from the centre its devices stand, km.
    pub fn radius_km(self) -> f64 {
        match self {
            City::Seoul => 13.0,
            City::Beijing => 20.0,
            City::Tianjin => 15.0,
            City::Incheon | City::Jinan | City::Qingdao => 10.0,
        }
    }

    /// Whether it lies in Korea; the others lie in China.
    pub fn in_korea(self) -> bool {
        matches!(self, City::Seoul | City::Incheon)
    }
}

/// What happens to the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Episode {
    /// Haze builds up over Shandong, Tianjin and Beijing from the sixth hour,
    /// reaches Incheon and Seoul 18 to 21 hours later, stays above 150 µg/m³
    /// PM2.5 for hours, and is gone everywhere by hour 60. Shows advisories
    /// and warnings that rise, step down and are lifted, first on one side of
    /// the sea and then on the other.
    #[default]
    Haze,
    /// Ordinary days: nothing comes near a threshold. Shows that nothing is
    /// raised without reason.
    Calm,
    /// Yellow dust from the north-west: PM10 up to 800 µg/m³ in Beijing and
    /// above 400 in Seoul while PM2.5 stays below 75. Shows the PM10 ladders
    /// alone.
    Dust,
}

impl Episode {
    /// Every episode.
    pub const ALL: [Episode; 3] = [Episode::Haze, Episode::Calm, Episode::Dust];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Episode::Haze => "haze",
            Episode::Calm => "calm",
            Episode::Dust => "dust",
        }
    }

    /// The episode of a name.
    pub fn from_name(name: &str) -> Option<Episode> {
        Episode::ALL.into_iter().find(|e| e.name() == name)
    }

    /// The air over a city this long after the beginning.
    pub fn air(self, city: City, since: Duration) -> Air {
        let hour = since.as_secs_f64() % PERIOD.as_secs_f64() / 3600.0;
        let local = hour + if city.in_korea() { 9.0 } else { 8.0 };
        let quiet = if city.in_korea() { 14.0 } else { 19.0 };
        let background = quiet * traffic(local);
        let wave = match self {
            Episode::Calm => 0.0,
            Episode::Haze => haze(city).at(hour),
            Episode::Dust => dust(city).at(hour),
        };
        let (pm2_5, pm10) = match self {
            Episode::Dust => (background + 0.055 * wave, background * 1.8 + wave),
            _ => (background + wave, background * 1.8 + 1.25 * wave),
        };
        let warmth = (TAU * (local - 9.0) / 24.0).sin();
        Air { pm2_5, pm10, temperature: 3.0 + 5.0 * warmth, humidity: 55.0 - 15.0 * warmth }
    }
}

/// Air as a perfect instrument would measure it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Air {
    /// µg/m³.
    pub pm2_5: f64,
    /// µg/m³.
    pub pm10: f64,
    /// °C.
    pub temperature: f64,
    /// %.
    pub humidity: f64,
}

/// Something that comes, stays and goes; times in hours of the episode.
struct Wave {
    comes: f64,
    rise: f64,
    stay: f64,
    fall: f64,
    /// µg/m³ above the background.
    peak: f64,
}

impl Wave {
    fn at(&self, hour: f64) -> f64 {
        let full = self.comes + self.rise;
        let goes = full + self.stay;
        let up = smooth((hour - self.comes) / self.rise);
        let down = smooth((hour - goes) / self.fall);
        self.peak * (up - down).max(0.0)
    }
}

fn haze(city: City) -> Wave {
    let (comes, stay, peak) = match city {
        City::Jinan => (6.0, 14.0, 230.0),
        City::Tianjin => (7.0, 14.0, 225.0),
        City::Beijing => (8.0, 13.0, 215.0),
        City::Qingdao => (9.0, 12.0, 170.0),
        City::Incheon => (26.0, 9.0, 190.0),
        City::Seoul => (28.0, 9.0, 185.0),
    };
    Wave { comes, rise: 9.0, stay, fall: 9.0, peak }
}

fn dust(city: City) -> Wave {
    let (comes, peak) = match city {
        City::Beijing => (4.0, 800.0),
        City::Tianjin => (6.0, 700.0),
        City::Jinan => (9.0, 550.0),
        City::Qingdao => (12.0, 450.0),
        City::Incheon => (16.0, 480.0),
        City::Seoul => (17.0, 450.0),
    };
    Wave { comes, rise: 4.0, stay: 5.0, fall: 8.0, peak }
}

/// From 0 to 1 between 0 and 1, without corners.
fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// The two peaks of a day's traffic, around 1, by the local hour.
fn traffic(local: f64) -> f64 {
    let peak = |at: f64, width: f64| {
        let away = (local - at).rem_euclid(24.0);
        let away = away.min(24.0 - away);
        (-(away / width).powi(2)).exp()
    };
    0.85 + 0.35 * peak(8.0, 2.5) + 0.4 * peak(20.0, 3.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(episode: Episode, city: City) -> Vec<Air> {
        (0..96).map(|h| episode.air(city, Duration::from_secs(h * 3600))).collect()
    }

    fn first_above(all: &[Air], limit: f64) -> usize {
        all.iter().position(|a| a.pm2_5 >= limit).unwrap()
    }

    #[test]
    fn haze_reaches_korea_about_a_day_after_it_built_up_in_china() {
        for (from, to) in [(City::Jinan, City::Incheon), (City::Beijing, City::Seoul)] {
            let later = first_above(&hours(Episode::Haze, to), 75.0)
                - first_above(&hours(Episode::Haze, from), 75.0);
            assert!((18..=30).contains(&later), "{later} h");
        }
    }

    #[test]
    fn haze_stays_above_a_warning_for_hours_and_clears_everywhere() {
        for city in City::ALL {
            let air = hours(Episode::Haze, city);
            let warned = air.iter().filter(|a| a.pm2_5 >= 150.0).count();
            assert!((6..=24).contains(&warned), "{}: {warned} h", city.id());
            assert!(air[60..].iter().all(|a| a.pm2_5 < 35.0), "{}", city.id());
        }
    }

    #[test]
    fn calm_days_come_near_no_threshold() {
        for city in City::ALL {
            let air = hours(Episode::Calm, city);
            assert!(air.iter().all(|a| a.pm2_5 < 35.0 && a.pm10 < 80.0), "{}", city.id());
        }
    }

    #[test]
    fn dust_is_coarse() {
        for city in City::ALL {
            let air = hours(Episode::Dust, city);
            assert!(air.iter().all(|a| a.pm2_5 < 75.0), "{}", city.id());
            assert!(air.iter().filter(|a| a.pm10 >= 300.0).count() >= 4, "{}", city.id());
        }
    }

    #[test]
    fn an_episode_begins_again_where_it_began() {
        for episode in Episode::ALL {
            assert_eq!(Episode::from_name(episode.name()), Some(episode));
            let early = Duration::from_secs(3600);
            let (one, two) =
                (episode.air(City::Seoul, early), episode.air(City::Seoul, early + PERIOD));
            assert!((one.pm2_5 - two.pm2_5).abs() < 1e-6);
        }
    }
}
