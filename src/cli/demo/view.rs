//! What can be seen of the daemon from outside: its store, read as any other
//! program would read it.

use super::plan::Plan;
use super::stage::Scene;
use crate::air::{Hour, Quantity, Stamp};
use crate::cli::Failure;
use crate::hotline::Entry;
use crate::rules::MICRO;
use crate::store::{
    ChangeRow, Filter, IncidentFilter, IncidentRow, Index, LedgerLine, LevelRow, Reader, StoreError,
};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// The rate is that of this last time.
const RATE_OVER: Duration = Duration::from_secs(3);
/// Incidents that are looked at.
const CASES_MAX: usize = 100;
/// Hours that late data may still have changed are read again.
const AGAIN: i32 = 3;

/// What is there to see.
pub struct View {
    reader: Reader,
    index: Index,
    /// The ledger is summed up to here.
    over: Hour,
    closed: LedgerLine,
    /// What an earlier run has left.
    before: u64,
    /// The whole ledger.
    pub ledger: LedgerLine,
    /// The zones, in the order of the configuration.
    pub zones: Vec<ZoneView>,
    /// Every change of this run, in the order of decision.
    pub changes: Vec<ChangeRow>,
    /// Names of the stations above the immediate threshold.
    pub above: Vec<String>,
    /// The incidents of this run, in the order of opening.
    pub cases: Vec<Case>,
    samples: VecDeque<(Instant, u64)>,
    from: Stamp,
}

/// An incident of the hotline.
pub struct Case {
    /// Where it stands.
    pub row: IncidentRow,
    /// Its transcript as it is kept …
    pub transcript: Vec<Value>,
    /// … and as it is read.
    pub entries: Vec<Entry>,
}

/// What there is to see of a zone.
pub struct ZoneView {
    /// Its id.
    pub id: String,
    /// Its name in English.
    pub name: String,
    /// … and in its own language.
    pub own_name: String,
    /// The clock of its people.
    pub time_zone: jiff::tz::TimeZone,
    /// PM2.5 means by hour, µg/m³; `None` where too few stations were valid.
    pub hours: BTreeMap<Hour, Option<f64>>,
    /// The PM2.5 ladder.
    pub pm2_5: LadderView,
    /// The PM10 ladder.
    pub pm10: LadderView,
}

/// Where a ladder stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LadderView {
    /// The level.
    pub level: String,
    /// Whether too little data came to judge the last hour.
    pub unknown: bool,
    /// The last step: when, and whether it went up.
    pub moved: Option<(Stamp, bool)>,
}

impl View {
    /// Opens the store of a run.
    pub fn open(plan: &Plan, scene: &Scene) -> Result<View, Failure> {
        let reader = Reader::open(&plan.data_dir)?;
        let mut view = View {
            reader,
            index: Index::default(),
            over: Hour(i32::MIN),
            closed: LedgerLine::default(),
            before: plan.received_before,
            ledger: LedgerLine::default(),
            zones: scene.zones.iter().map(ZoneView::new).collect(),
            changes: Vec::new(),
            above: Vec::new(),
            cases: Vec::new(),
            samples: VecDeque::new(),
            from: plan.start,
        };
        view.index = view.reader.index()?;
        view.refresh(scene)?;
        Ok(view)
    }

    /// Reads what is new.
    pub fn refresh(&mut self, scene: &Scene) -> Result<(), StoreError> {
        self.read_ledger()?;
        self.read_hours()?;
        let after = self.changes.last().map_or(0, |c| c.id);
        let filter = Filter { from: Some(self.from), ..Filter::default() };
        let new = self.reader.changes(&filter, after)?;
        for zone in &mut self.zones {
            zone.take_changes(&new);
        }
        self.changes.extend(new);
        let levels = self.reader.levels()?;
        for zone in &mut self.zones {
            zone.take_levels(&levels);
        }
        let raised = levels.iter().filter(|l| l.level != "none");
        let stations = raised.filter_map(|l| l.scope.strip_prefix("station/"));
        self.above = stations.map(|id| scene.station(id).to_owned()).collect();
        self.read_cases()
    }

    /// Incidents that were open in this run; there are few.
    fn read_cases(&mut self) -> Result<(), StoreError> {
        let filter = IncidentFilter { limit: CASES_MAX, ..IncidentFilter::default() };
        let rows = self.reader.incidents(&filter, 0)?;
        let own = rows.into_iter().filter(|row| row.closed.is_none_or(|at| at >= self.from));
        let cases = own.map(|row| {
            let transcript = self.reader.transcript(&row.id)?;
            let entry = |value: &Value| serde_json::from_value(value.clone()).ok();
            let entries = transcript.iter().filter_map(entry).collect();
            Ok(Case { row, transcript, entries })
        });
        self.cases = cases.collect::<Result<_, StoreError>>()?;
        Ok(())
    }

    fn read_ledger(&mut self) -> Result<(), StoreError> {
        self.reader.catch_up(&mut self.index)?;
        let running = self.index.received.hour();
        if running > self.over {
            let more = self.reader.ledger_sum(self.over, running)?;
            self.closed.messages.merge(&more.messages);
            self.closed.readings.merge(&more.readings);
            self.over = running;
        }
        self.ledger = self.closed;
        for line in self.index.ledger.values() {
            self.ledger.messages.merge(&line.messages);
            self.ledger.readings.merge(&line.readings);
        }
        let now = Instant::now();
        self.samples.push_back((now, self.ledger.messages.received));
        while self.samples.len() > 2
            && self.samples.front().is_some_and(|(at, _)| now - *at > RATE_OVER)
        {
            self.samples.pop_front();
        }
        Ok(())
    }

    fn read_hours(&mut self) -> Result<(), StoreError> {
        let last = self.zones.iter().filter_map(|z| z.hours.keys().next_back()).min();
        let from = last.map_or(self.from, |h| h.back(AGAIN).start());
        let filter =
            Filter { from: Some(from), quantity: Some(Quantity::Pm2_5), ..Filter::default() };
        for row in self.reader.zone_hours(&filter)? {
            let Some(zone) = self.zones.iter_mut().find(|z| z.id == row.zone) else { continue };
            let mean = row.sum_micro as f64 / f64::from(row.stations) / MICRO as f64;
            zone.hours.insert(row.hour, row.valid.then_some(mean));
        }
        Ok(())
    }

    /// Messages of this run in the ledger.
    pub fn received(&self) -> u64 {
        self.ledger.messages.received.saturating_sub(self.before)
    }

    /// Messages a second, lately.
    pub fn rate(&self) -> f64 {
        let (Some((then, before)), Some((now, count))) =
            (self.samples.front(), self.samples.back())
        else {
            return 0.0;
        };
        (count - before) as f64 / (*now - *then).as_secs_f64().max(0.1)
    }
}

impl ZoneView {
    fn new(zone: &crate::config::settings::Zone) -> ZoneView {
        use crate::air::place::Language;
        let own = if zone.country.as_deref() == Some("KR") { Language::Ko } else { Language::Zh };
        ZoneView {
            id: zone.id.clone(),
            name: zone.name.text(Language::En).to_owned(),
            own_name: zone.name.text(own).to_owned(),
            time_zone: zone.time_zone.clone(),
            hours: BTreeMap::new(),
            pm2_5: LadderView::default(),
            pm10: LadderView::default(),
        }
    }

    fn ladder(&mut self, scope: &str, ladder: &str) -> Option<&mut LadderView> {
        match (scope.strip_prefix("zone/") == Some(&self.id), ladder) {
            (true, "kr-pm25") => Some(&mut self.pm2_5),
            (true, "kr-pm10") => Some(&mut self.pm10),
            _ => None,
        }
    }

    fn take_changes(&mut self, changes: &[ChangeRow]) {
        for c in changes {
            if let Some(ladder) = self.ladder(&c.scope, &c.ladder) {
                ladder.moved = Some((c.at, rank(&c.to) > rank(&c.from)));
            }
        }
    }

    fn take_levels(&mut self, levels: &[LevelRow]) {
        for l in levels {
            if let Some(ladder) = self.ladder(&l.scope, &l.ladder) {
                ladder.level = l.level.clone();
                ladder.unknown = l.unknown_since.is_some();
            }
        }
    }

    /// The mean of the last hour, µg/m³.
    pub fn now(&self) -> Option<f64> {
        *self.hours.values().next_back()?
    }

    /// The highest mean, µg/m³.
    pub fn highest(&self) -> Option<f64> {
        self.hours.values().flatten().copied().reduce(f64::max)
    }
}

/// The order of levels.
pub fn rank(level: &str) -> u8 {
    match level {
        "advisory" | "preliminary" => 1,
        "warning" | "measures" | "yellow" => 2,
        "emergency" | "orange" => 3,
        "red" => 4,
        _ => 0,
    }
}
