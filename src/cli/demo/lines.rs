//! What happens as plain lines, for files and pipes.

use super::paint::thousands;
use super::plan::Plan;
use super::stage::{Scene, Stage};
use super::story::{Story, is_story};
use super::view::View;
use crate::air::Quantity;
use crate::store::ChangeRow;
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// How often the state is told.
const STATUS_EVERY: Duration = Duration::from_secs(5);

/// Writes lines, each with the time of the demo in front.
pub struct Lines<'a, W: Write> {
    out: &'a mut W,
    changes: usize,
    /// Entries written of each incident.
    entries: Vec<usize>,
    notices: u64,
    status: Instant,
}

impl<'a, W: Write> Lines<'a, W> {
    /// Nothing is written yet.
    pub fn new(out: &'a mut W) -> Lines<'a, W> {
        Lines { out, changes: 0, entries: Vec::new(), notices: 0, status: Instant::now() }
    }

    /// What is going to be seen.
    pub fn opening(&mut self, plan: &Plan, scene: &Scene) -> io::Result<()> {
        writeln!(
            self.out,
            "Dustline demo: {} simulated devices, {} zones, {} times as fast as usual; no authority has issued anything",
            plan.network.len(),
            scene.zones.len(),
            plan.speed,
        )?;
        writeln!(
            self.out,
            "All zones are judged by Korea's criteria for what is measured, for show; Korea's emergency measures and China's warnings rest on the bulletins of the demo's forecasters"
        )?;
        if let Some(taken) = scene.taken {
            writeln!(self.out, "{taken} is taken; another port is used")?;
        }
        writeln!(self.out, "Page: {}", scene.url)?;
        self.out.flush()
    }

    /// Writes what is new.
    pub fn write(&mut self, scene: &Scene, view: &View, stage: &Stage) -> io::Result<()> {
        let now = scene.clock.now().hour().start();
        for change in view.changes.iter().skip(self.changes) {
            writeln!(self.out, "{} level   {}", change.at, step(scene, change))?;
        }
        self.changes = view.changes.len();
        self.hotline(scene, view)?;
        let count = stage.deliveries();
        let count = count.verified + count.refused;
        let new = usize::try_from(count - self.notices).unwrap_or(usize::MAX);
        for told in stage.last_notices(new) {
            let signature = if told.verified { "signature verified" } else { "SIGNATURE WRONG" };
            let language = scene.language(&told.receiver);
            let (receiver, text) = (&told.receiver, &told.text);
            writeln!(self.out, "{now} notice  {receiver} ({language}), {signature}: {text}")?;
        }
        self.notices = count;
        if self.status.elapsed() >= STATUS_EVERY {
            self.status = Instant::now();
            writeln!(self.out, "{now} status  {}", status(view))?;
        }
        self.out.flush()
    }

    /// What is new in the transcripts.
    fn hotline(&mut self, scene: &Scene, view: &View) -> io::Result<()> {
        let story = Story::new(scene);
        self.entries.resize(view.cases.len(), 0);
        for (case, written) in view.cases.iter().zip(&mut self.entries) {
            for entry in case.entries.iter().skip(*written).filter(|e| is_story(e)) {
                let (at, number, said) = (entry.at, &case.row.case, story.line(entry));
                writeln!(self.out, "{at} hotline {number}: {said}")?;
            }
            *written = case.entries.len();
        }
        Ok(())
    }
}

fn step(scene: &Scene, change: &ChangeRow) -> String {
    let place = match change.scope.split_once('/') {
        Some(("station", id)) => scene.station(id).to_owned(),
        Some((_, id)) => scene.zone(id).to_owned(),
        None => change.scope.clone(),
    };
    let text = |key: &str| change.data.get(key).and_then(serde_json::Value::as_str);
    let of_quantity = || text("quantity").and_then(Quantity::from_name).map(Quantity::unit_text);
    let unit = match text("index") {
        Some(index) => index,
        None => of_quantity().unwrap_or_default(),
    };
    let value = change.data.get("value").and_then(serde_json::Value::as_f64);
    let value = value.map_or(String::new(), |v| format!(" at {v:.1} {unit}"));
    format!("{place}, {}: {} → {}{value}", change.ladder, change.from, change.to)
}

fn status(view: &View) -> String {
    let m = view.ledger.messages;
    let [received, stored, duplicate, quarantined, ignored] =
        [m.received, m.stored, m.duplicate, m.quarantined, m.ignored].map(thousands);
    let mut text = format!(
        "{:.0} messages/s; received {received} = stored {stored} + duplicate {duplicate} + quarantined {quarantined} + ignored {ignored}; PM2.5",
        view.rate()
    );
    for zone in &view.zones {
        let mean = zone.now().map_or("–".to_owned(), |v| format!("{v:.0}"));
        text += &format!(" {} {mean}", zone.name);
    }
    text
}
