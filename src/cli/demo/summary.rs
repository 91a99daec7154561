//! What the demo came to, and whether its ledger holds exactly what was sent.

use super::paint::thousands;
use super::plan::Plan;
use super::stage::{Scene, Stage};
use super::story::Story;
use super::view::{View, rank};
use crate::cli::{Code, Failure};
use crate::store::Counts;
use std::cmp::Ordering;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// How it ended.
pub struct Ending<'a> {
    /// Messages that the broker acknowledged.
    pub sent: u64,
    /// How long it took, by the machine's clock.
    pub took: Duration,
    /// Where the data are, if they were kept.
    pub kept: Option<&'a Path>,
}

/// Prints the summary.
///
/// # Errors
/// If the ledger does not balance or does not hold what was sent, or if a
/// transcript does not verify.
pub fn print(
    plan: &Plan,
    stage: &Stage,
    ending: &Ending<'_>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let Some(scene) = stage.scene() else { return Ok(()) };
    let view = View::open(plan, &scene)?;
    let hours = scene.clock.now().since(plan.start) as f64 / 3_600_000.0;
    writeln!(
        out,
        "\nDustline demo: {hours:.0} simulated hours in {:.0} s\n",
        ending.took.as_secs_f64()
    )?;
    zones(&view, out)?;
    let verified = hotline(&scene, &view, out)?;
    let notices = stage.deliveries();
    let before = match plan.received_before {
        0 => String::new(),
        n => format!(" beside {} of earlier runs", thousands(n)),
    };
    let (sent, received) = (ending.sent, view.received());
    writeln!(
        out,
        "\n  notices    {} delivered, signature verified; {} with a wrong signature",
        thousands(notices.verified),
        thousands(notices.refused),
    )?;
    writeln!(
        out,
        "  messages   {} sent, {} received{before}",
        thousands(sent),
        thousands(received)
    )?;
    writeln!(out, "  ledger     {}", ledger(&view.ledger.messages))?;
    writeln!(out, "  readings   {}", ledger(&view.ledger.readings))?;
    if let Some(kept) = ending.kept {
        writeln!(out, "\n  the data are kept: dustline ledger --data-dir {}", kept.display())?;
    }
    out.flush()?;
    let balances = view.ledger.messages.balances() && view.ledger.readings.balances();
    match balances && verified && received == sent && notices.refused == 0 {
        true => Ok(()),
        false => {
            let words = format!(
                "the ledger should hold exactly the {sent} messages that were sent, every signature should be right and every transcript verify; please report this"
            );
            Err(Failure::new(Code::Failed, words))
        }
    }
}

/// The hotline's cases; whether their transcripts verify.
fn hotline(scene: &Scene, view: &View, out: &mut impl Write) -> io::Result<bool> {
    let story = Story::new(scene);
    let mut verified = true;
    for case in &view.cases {
        verified &= story.print(case, out)?;
    }
    Ok(verified)
}

fn zones(view: &View, out: &mut impl Write) -> io::Result<()> {
    for zone in &view.zones {
        let highest = zone.highest().map_or("–".to_owned(), |v| format!("{v:.0}"));
        let steps = view.changes.iter().filter(|c| c.scope == format!("zone/{}", zone.id));
        let moves: Vec<_> = steps.map(|c| rank(&c.to).cmp(&rank(&c.from))).collect();
        let count = |way| moves.iter().filter(|m| **m == way).count();
        writeln!(
            out,
            "  {:<9} PM2.5 up to {highest:>3} µg/m³; levels raised {}, lowered {}",
            zone.name,
            times(count(Ordering::Greater)),
            times(count(Ordering::Less)),
        )?;
    }
    Ok(())
}

fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

fn ledger(c: &Counts) -> String {
    let [received, stored, duplicate, quarantined, ignored] =
        [c.received, c.stored, c.duplicate, c.quarantined, c.ignored].map(thousands);
    let verdict = if c.balances() { "balances" } else { "DOES NOT BALANCE" };
    format!(
        "{received} received = {stored} stored + {duplicate} duplicate + {quarantined} quarantined + {ignored} ignored: {verdict}"
    )
}
