//! The `subscribe` block, and what it would read of what was heard.

use super::filters::Subscription;
use super::mask;
use super::recognise::why_not;
use super::traffic::Traffic;
use crate::air::Stamp;
use crate::config::{self, Machine};
use crate::decode::{Memory, Message, Refused, Route, decode};
use std::io::{self, Write};
use std::path::Path;

/// How many topics that nothing reads are named.
const LEFT_MAX: usize = 20;

/// What the subscriptions would read.
pub(super) struct Report {
    subscriptions: Vec<(Subscription, Share)>,
    /// Messages in all, and how many topics they came on.
    messages: u64,
    topics: usize,
    retained: u64,
    /// Messages that would bring readings.
    read: u64,
    /// Messages that are known to be about something else.
    aside: u64,
    left: Vec<(String, u64, String)>,
    beyond: u64,
}

/// What one subscription would read.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    topics: u64,
    messages: u64,
}

/// What became of one topic.
enum Fate {
    Read,
    /// It says what other messages mean.
    Tells,
    Aside,
    Left(Option<Refused>),
}

impl Report {
    /// Reads what was heard by the subscriptions, as the daemon would.
    ///
    /// # Errors
    /// If the block that was made is no good configuration.
    pub fn of(
        traffic: &Traffic,
        subscriptions: Vec<Subscription>,
        received: Stamp,
    ) -> Result<Report, String> {
        let routes = routes(&subscriptions)?;
        let mut report = Report {
            subscriptions: subscriptions.into_iter().map(|s| (s, Share::default())).collect(),
            messages: traffic.messages,
            topics: traffic.topics.len(),
            retained: traffic.topics.values().map(|t| t.retained).sum(),
            read: 0,
            aside: 0,
            left: Vec::new(),
            beyond: traffic.beyond,
        };
        let memory = remembered(traffic, &routes, received);
        for (topic, heard) in &traffic.topics {
            let by = routes.iter().position(|r| r.pattern.matches(topic).is_some());
            let bodies = heard.samples.iter().map(|(body, _)| body.as_slice());
            let fate = fate(topic, bodies, &routes, &memory, received);
            let share = by.and_then(|i| report.subscriptions.get_mut(i));
            if let (Fate::Read | Fate::Tells, Some((_, share))) = (&fate, share) {
                share.topics += 1;
                share.messages += heard.messages;
            }
            match fate {
                Fate::Read => report.read += heard.messages,
                Fate::Tells | Fate::Aside => report.aside += heard.messages,
                Fate::Left(refused) => {
                    let why = why_not(heard, refused.as_ref());
                    report.left.push((mask::topic(topic), heard.messages, why));
                }
            }
        }
        report.subscriptions.retain(|(_, share)| share.messages > 0);
        report.left.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(report)
    }

    /// Writes it as a part of a configuration, with what is to know as comments.
    pub fn write(&self, place: &str, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "# {} messages on {} topics at {place}, {} of them from the broker's memory",
            self.messages, self.topics, self.retained
        )?;
        writeln!(out, "subscribe = [")?;
        for (subscription, share) in &self.subscriptions {
            writeln!(out, "  # {} messages on {} topics", share.messages, share.topics)?;
            writeln!(out, "  {},", subscription.entry())?;
        }
        writeln!(out, "]")?;
        let percent = self.read as f64 * 100.0 / self.messages.max(1) as f64;
        writeln!(
            out,
            "# this reads about {percent:.0} % of the messages ({} of {}); {} are housekeeping",
            self.read, self.messages, self.aside
        )?;
        if !self.left.is_empty() {
            writeln!(out, "# left are {} topics:", self.left.len())?;
        }
        for (topic, messages, why) in self.left.iter().take(LEFT_MAX) {
            writeln!(out, "#   {topic}  ({messages}): {why}")?;
        }
        if self.left.len() > LEFT_MAX {
            writeln!(out, "#   … and {} more", self.left.len() - LEFT_MAX)?;
        }
        if self.beyond > 0 {
            writeln!(out, "# {} messages on further topics were not looked at", self.beyond)?;
        }
        Ok(())
    }
}

/// The subscriptions as the daemon has them.
fn routes(subscriptions: &[Subscription]) -> Result<Vec<Route>, String> {
    if subscriptions.is_empty() {
        return Ok(Vec::new());
    }
    let entries: Vec<String> = subscriptions.iter().map(Subscription::entry).collect();
    let text = format!(
        "[[source]]\nname = \"s\"\nurl = \"mqtt://127.0.0.1\"\nsubscribe = [\n{},\n]\n",
        entries.join(",\n")
    );
    let loaded =
        config::parse(&text, "subscribe", Path::new("."), &Machine).map_err(|refused| {
            format!("what was found cannot be written as a configuration: {refused}")
        })?;
    Ok(loaded.settings.sources.into_iter().flat_map(|s| s.routes).collect())
}

fn message<'a>(topic: &'a str, payload: &'a [u8], received: Stamp) -> Message<'a> {
    Message { topic, payload, retained: false, received }
}

/// What descriptions among the messages say.
fn remembered(traffic: &Traffic, routes: &[Route], received: Stamp) -> Memory {
    let mut memory = Memory::default();
    let remembers = |r: &&Route| matches!(r.format, crate::decode::Format::Remembering(_));
    let routes: Vec<Route> = routes.iter().filter(remembers).cloned().collect();
    if routes.is_empty() {
        return memory;
    }
    for (topic, heard) in &traffic.topics {
        for (body, _) in &heard.samples {
            memory.learn(decode(&routes, &message(topic, body, received), &memory).noted);
        }
    }
    memory
}

fn fate<'a>(
    topic: &str,
    bodies: impl Iterator<Item = &'a [u8]>,
    routes: &[Route],
    memory: &Memory,
    received: Stamp,
) -> Fate {
    let mut fate = Fate::Left(None);
    for body in bodies {
        let heard = decode(routes, &message(topic, body, received), memory);
        match heard.outcome {
            Ok(decoded) if !decoded.observations.is_empty() => return Fate::Read,
            Ok(_) if heard.policy.is_some() => fate = Fate::Tells,
            Ok(_) | Err(Refused::Ignored("housekeeping")) => fate = Fate::Aside,
            Err(Refused::Ignored(_)) => {}
            Err(refused) => fate = Fate::Left(Some(refused)),
        }
    }
    fate
}
