//! The live picture on a terminal.

use super::paint::{Line, Style, thousands, width};
use super::plan::{Plan, episode_hour};
use super::stage::{Scene, Stage, Told};
use super::story::Story;
use super::view::{LadderView, View, ZoneView, rank};
use crate::air::Stamp;
use crate::air::time::HOUR_MS;
use crate::simulate::episode::PERIOD;
use std::io::{self, Write};
use terminal_size::{Height, Width};

/// Another page of the terminal, and no cursor on it.
const OPEN: &str = "\x1b[?1049h\x1b[?25l";
/// The cursor, and the page as it was.
const CLOSE: &str = "\x1b[?25h\x1b[?1049l";
/// Terminals that know it show a picture only when it is whole.
const BEGIN: &str = "\x1b[?2026h\x1b[H";
const END: &str = "\x1b[J\x1b[?2026l";
/// Lines are no longer than this on the widest terminal.
const WIDTH_MAX: usize = 130;
/// Columns of a zone's name and value, of its PM2.5 level, and of its PM10 level.
const NAME: usize = 24;
const LEVEL: usize = 25;
const PM10: usize = 22;
/// Columns that the history of a zone should have.
const HISTORY_MIN: usize = 20;
/// Eighths of a line.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The full height, µg/m³.
const SCALE: f64 = 280.0;
/// With so many rows, zones get two each.
const TALL: usize = 30;

/// A terminal, given back as it was when this goes.
pub struct Screen<'a, W: Write> {
    out: &'a mut W,
    colours: bool,
}

impl<'a, W: Write> Screen<'a, W> {
    /// Takes the terminal. No colours if `NO_COLOR` is set.
    pub fn open(out: &'a mut W, colours: bool) -> io::Result<Screen<'a, W>> {
        out.write_all(OPEN.as_bytes())?;
        Ok(Screen { out, colours })
    }

    /// Draws how things stand.
    pub fn draw(
        &mut self,
        plan: &Plan,
        scene: &Scene,
        view: &View,
        stage: &Stage,
    ) -> io::Result<()> {
        let (Width(columns), Height(rows)) =
            terminal_size::terminal_size().unwrap_or((Width(80), Height(24)));
        let size = (usize::from(columns).min(WIDTH_MAX), usize::from(rows));
        let picture = Picture { plan, scene, view, stage, now: scene.clock.now(), size };
        let mut text = BEGIN.to_owned();
        for (row, line) in picture.lines().iter().take(size.1).enumerate() {
            // No line end after the last one: it would scroll.
            text.push_str(if row > 0 { "\r\n" } else { "" });
            text.push_str(&line.render(size.0, self.colours));
            text.push_str("\x1b[K");
        }
        text.push_str(END);
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for Screen<'_, W> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = self.out.write_all(CLOSE.as_bytes()).and_then(|()| self.out.flush());
    }
}

/// What is drawn.
struct Picture<'a> {
    plan: &'a Plan,
    scene: &'a Scene,
    view: &'a View,
    stage: &'a Stage,
    now: Stamp,
    /// Columns and rows.
    size: (usize, usize),
}

impl Picture<'_> {
    fn lines(&self) -> Vec<Line> {
        let mut head = vec![self.title(), self.time(), self.progress(), Line::new()];
        head.push(self.zone_head());
        head.extend(self.view.zones.iter().flat_map(|z| self.zone(z)));
        if self.tall() {
            head.push(Line::new());
        }
        head.extend(self.legend());
        head.push(Line::new());
        let mut foot = vec![Line::new()];
        foot.extend(self.ledger());
        foot.push(self.page());
        head.push(self.hotline());
        let room = self.size.1.saturating_sub(head.len() + foot.len() + 1);
        head.push(self.notices_head());
        let notices = self.stage.last_notices(room);
        head.extend(notices.iter().rev().map(|told| self.notice(told)));
        head.resize_with(head.len() + room - notices.len(), Line::new);
        head.extend(foot);
        head
    }

    /// Whether zones get two rows each.
    fn tall(&self) -> bool {
        self.size.1 >= TALL
    }

    /// Whether a line of so many columns fits.
    fn fits(&self, columns: usize) -> bool {
        columns <= self.size.0
    }

    fn title(&self) -> Line {
        let title = Line::of(Style::Bold, " Dustline demo");
        let words = "  everything here is simulated; no authority has issued anything";
        title.put(Style::Dim, words)
    }

    fn time(&self) -> Line {
        let at = |zone: &str, city: &str| {
            let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
            format!("{} {city}", self.now.local(&zone))
        };
        let seconds = 3600.0 / self.plan.speed;
        Line::of(Style::Plain, format!(" {}", at("Asia/Seoul", "Seoul")))
            .put(Style::Dim, format!(" · {}", at("Asia/Shanghai", "Beijing")))
            .put(Style::Dim, format!(" · one hour passes in {seconds:.2} s"))
    }

    /// How far the episode is; it begins again when it is through.
    fn progress(&self) -> Line {
        let hours = PERIOD.as_secs() as i64 / 3600;
        let hour = episode_hour(self.now).rem_euclid(hours);
        let (cells, words) = (32, format!(" hour {hour} of {hours}, then it begins again"));
        let done = (hour * cells / hours) as usize;
        Line::of(Style::Plain, " haze episode ")
            .put(Style::Cyan, "━".repeat(done))
            .put(Style::Dim, "─".repeat(cells as usize - done))
            .put(Style::Dim, words)
    }

    /// Columns for the history of a zone, and whether PM10 has room beside it.
    fn layout(&self) -> (usize, bool) {
        let left = self.size.0.saturating_sub(NAME + LEVEL + 2);
        match left.checked_sub(PM10).filter(|n| *n >= HISTORY_MIN) {
            Some(history) => (history, true),
            None => (left, false),
        }
    }

    fn zone_head(&self) -> Line {
        let (history, pm10) = self.layout();
        let title = match history {
            35.. => format!("PM2.5, means of the last {history} hours"),
            15.. => format!("PM2.5, {history} hours"),
            _ => String::new(),
        };
        let head = Line::of(Style::Dim, " zone").to(17).put(Style::Dim, "µg/m³");
        let head = head.to(NAME).put(Style::Dim, title);
        let head = head.to(NAME + history + 2).put(Style::Dim, "PM2.5 level since");
        if pm10 {
            head.to(NAME + history + LEVEL + 2).put(Style::Dim, "PM10 level since")
        } else {
            head
        }
    }

    /// The rows of a zone: the history stands on the last one.
    fn zone(&self, zone: &ZoneView) -> Vec<Line> {
        let (history, pm10) = self.layout();
        let name = Line::of(Style::Bold, format!(" {}", zone.name));
        let name = name.put(Style::Plain, format!(" {}", zone.own_name));
        let value = zone.now();
        let words = value.map_or("–".to_owned(), |v| format!("{v:.0}"));
        let value = value.map_or(Style::Dim, colour);
        let line = name.to(22 - words.chars().count()).put(value, words).to(NAME);
        let tall = usize::from(self.tall());
        let mut line = bars(line, zone, history, 0, tall + 1);
        line = level(line.to(NAME + history + 2), &zone.pm2_5, zone, self.now);
        if pm10 {
            line = level(line.to(NAME + history + LEVEL + 2), &zone.pm10, zone, self.now);
        }
        let above = (0..tall).map(|_| bars(Line::new().to(NAME), zone, history, 1, 2));
        above.chain([line]).collect()
    }

    fn legend(&self) -> Vec<Line> {
        let key = Line::of(Style::Plain, " ")
            .put(Style::Green, "▂ below 35  ")
            .put(Style::Yellow, "▃ below 75  ")
            .put(Style::Orange, "▅ from 75, two hours: advisory  ")
            .put(Style::Red, "▇ from 150, two hours: warning");
        let whose = match self.fits(100) {
            true => {
                " Measured: all five zones by Korea's criteria, for show. Foretold: Korea's measures, China's own warnings."
            }
            false => " Measured: all by Korea's criteria. Foretold: each by its own rules.",
        };
        let above = Line::of(Style::Plain, " Stations from 275 µg/m³ in 2 of 3 readings  ");
        let above = match self.view.above.as_slice() {
            [] => above.put(Style::Dim, "none"),
            some => above.put(Style::Red, format!("{}: {}", some.len(), some.join(", "))),
        };
        vec![key, Line::of(Style::Dim, whose), above]
    }

    fn hotline(&self) -> Line {
        let line = Line::of(Style::Bold, " Hotline").to(11);
        match self.view.cases.last() {
            None => line.put(Style::Dim, "no incident yet"),
            Some(case) => line.put(Style::Plain, Story::new(self.scene).state(case)),
        }
    }

    fn notices_head(&self) -> Line {
        let d = self.stage.deliveries();
        let head = Line::of(Style::Bold, " Notices");
        let head =
            head.put(Style::Plain, format!("  {} received by webhook", d.verified + d.refused));
        match (d.verified, d.refused) {
            (0, 0) => head.put(Style::Dim, "; the first is due within half a minute"),
            (_, 0) => head.put(Style::Green, ", every signature verified ✓"),
            (_, n) => head.put(Style::Red, format!(", {n} with a wrong signature ✗")),
        }
    }

    fn notice(&self, told: &Told) -> Line {
        let (mark, style) = if told.verified { ("✓", Style::Green) } else { ("✗", Style::Red) };
        let language = self.scene.language(&told.receiver);
        let line = Line::of(style, format!(" {mark} "));
        let line = line.put(Style::Dim, format!("{} {language}", told.receiver));
        line.to(20).put(Style::Plain, told.text.clone())
    }

    fn ledger(&self) -> Vec<Line> {
        let (m, r) = (self.view.ledger.messages, self.view.ledger.readings);
        let rate = Line::of(Style::Bold, " Messages").put(
            Style::Plain,
            format!(
                "  {:.0} a second from {} devices, {} readings kept",
                self.view.rate(),
                self.plan.network.len(),
                thousands(r.stored),
            ),
        );
        let counts = [m.stored, m.duplicate, m.quarantined, m.ignored].map(thousands);
        let [stored, duplicate, quarantined, ignored] = counts;
        let received = thousands(m.received);
        let parts = format!(
            "= {stored} stored + {duplicate} duplicate + {quarantined} quarantined + {ignored} ignored"
        );
        let short = format!("  {received} = {stored} + {duplicate} + {quarantined} + {ignored}");
        let forms = [format!("  {received} received {parts}"), format!("  {received} {parts}")];
        let words = forms.into_iter().find(|f| self.fits(width(f) + 11)).unwrap_or(short);
        let ledger = Line::of(Style::Bold, " Ledger  ").put(Style::Plain, words);
        let ledger = match m.balances() {
            true => ledger.put(Style::Green, " ✓"),
            false => ledger.put(Style::Red, " ✗ does not balance"),
        };
        vec![rate, ledger]
    }

    fn page(&self) -> Line {
        let page = Line::of(Style::Bold, " Page").to(11).put(Style::Link, self.scene.url.clone());
        let page = match self.scene.taken {
            Some(taken) => page.put(Style::Dim, format!(" ({taken} is taken)")),
            None => page,
        };
        match self.stage.is_ending() {
            true => page.put(Style::Yellow, "   ending: what was sent is stored and told …"),
            false => page.put(Style::Dim, "   Ctrl-C ends"),
        }
    }
}

/// The colour of a PM2.5 mean by the levels that it leads to.
fn colour(mean: f64) -> Style {
    match mean {
        150.0.. => Style::Red,
        75.0.. => Style::Orange,
        35.0.. => Style::Yellow,
        _ => Style::Green,
    }
}

/// One of the `rows` that the history of a zone is high, counted from below.
fn bars(mut line: Line, zone: &ZoneView, hours: usize, row: usize, rows: usize) -> Line {
    let first = zone.hours.len().saturating_sub(hours);
    for mean in zone.hours.values().skip(first) {
        let Some(mean) = mean else {
            line = line.put(Style::Dim, if row == 0 { "?" } else { " " });
            continue;
        };
        let eighths = (mean / SCALE * (rows * BARS.len()) as f64).max(1.0) as usize;
        let here = eighths.saturating_sub(row * BARS.len()).min(BARS.len());
        let bar = here.checked_sub(1).and_then(|i| BARS.get(i)).unwrap_or(&' ');
        line = line.put(colour(*mean), bar.to_string());
    }
    line
}

/// A level with when it was reached, by the clock of the zone.
fn level(line: Line, ladder: &LadderView, zone: &ZoneView, now: Stamp) -> Line {
    let line = match (rank(&ladder.level), ladder.unknown) {
        (_, true) => line.put(Style::Dim, " unknown "),
        (0, _) => line.put(Style::Green, " none "),
        (1, _) => line.put(Style::OnYellow, " advisory "),
        _ => line.put(Style::OnRed, " warning "),
    };
    let Some((at, up)) = ladder.moved else { return line };
    let hours = now.since(at) / HOUR_MS;
    let local = at.local(&zone.time_zone);
    let clock = local.split(' ').nth(1).unwrap_or_default().to_owned();
    let arrow = if up { "▲" } else { "▼" };
    match (hours, up) {
        (..6, true) => line.put(Style::Red, format!(" {arrow} {clock}")),
        (..6, false) => line.put(Style::Green, format!(" {arrow} {clock}")),
        (..24, _) => line.put(Style::Dim, format!(" {arrow} {clock}")),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Hour;

    fn zone(means: &[Option<f64>]) -> ZoneView {
        let hours = means.iter().enumerate().map(|(h, mean)| (Hour(h as i32), *mean)).collect();
        ZoneView {
            id: "seoul".to_owned(),
            name: "Seoul".to_owned(),
            own_name: "서울".to_owned(),
            time_zone: jiff::tz::TimeZone::get("Asia/Seoul").unwrap(),
            hours,
            pm2_5: LadderView::default(),
            pm10: LadderView::default(),
        }
    }

    #[test]
    fn a_history_two_rows_high_rises_through_both_and_shows_the_last_hours() {
        let zone = zone(&[Some(9.0), Some(0.0), Some(120.0), None, Some(150.0), Some(500.0)]);
        let row = |row, rows| bars(Line::new(), &zone, 5, row, rows).render(99, false);
        assert_eq!(row(1, 2), "    █");
        assert_eq!(row(0, 2), "▁▆?██");
        assert_eq!(row(0, 1), "▁▃?▄█");
    }

    #[test]
    fn a_level_shows_which_way_it_went_and_when_by_the_clock_of_the_zone() {
        let at = Stamp::parse("2026-01-12T12:00:00Z").unwrap();
        let shown = |name: &str, up, hours| {
            let ladder =
                LadderView { level: name.to_owned(), unknown: false, moved: Some((at, up)) };
            let now = Stamp(at.0 + hours * HOUR_MS);
            level(Line::new(), &ladder, &zone(&[]), now).render(99, false)
        };
        assert_eq!(shown("warning", true, 1), " warning  ▲ 21:00");
        assert_eq!(shown("none", false, 7), " none  ▼ 21:00");
        assert_eq!(shown("none", false, 30), " none ");
    }
}
