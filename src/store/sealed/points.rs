//! The readings of one device by time, out of journal and history as one.
//!
//! Where they lie has a first hour: a part of history reaches over some hours, a
//! chain of the journal over one. These places are taken up in the order of their
//! first hours, so that what lies before the first hour of the next place is complete:
//! it is put in order and given out, and no more is held than overlaps in time.
//!
//! ```text
//!  part   ├───────────┤
//!  part            ├───────────┤
//!  chain                        ├┤
//!         given out├── held ──┤   when the second part is taken up
//! ```
//! Of several readings for one series and instant the latest received counts: that of
//! the last row of the journal, else that of the part with the greatest age, and in
//! a part the last.

use super::super::block::{self, Point, SealedValue};
use super::super::read::{Reader, Res};
use super::super::types::DeviceId;
use super::read::{parts_in, walk_journal};
use super::unpacked::read_block;
use super::{Kept, PartInfo};
use crate::air::{Hour, Label, Quantity, Stamp, Value};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

/// Closed hours whose heads are looked up in one go.
const AT_ONCE: usize = 256;

/// Which readings of a device are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Span<'a> {
    /// The device.
    pub device: DeviceId,
    /// Not before this.
    pub from: Stamp,
    /// Before this.
    pub to: Stamp,
    /// Only of this quantity.
    pub quantity: Option<Quantity>,
    /// The heads of the device's open hours, oldest first. Heads of closed hours are
    /// looked up later and count in their place.
    pub open: &'a [(Hour, i64)],
}

impl Span<'_> {
    fn hours(&self) -> (Hour, Hour) {
        (self.from.hour(), Stamp(self.to.0.saturating_sub(1)).hour().next())
    }

    fn wants(&self, at: Stamp) -> bool {
        at >= self.from && at < self.to
    }
}

impl Reader {
    /// Visits the readings of a device that count, with their labels, by time, for as
    /// long as they are wanted; those of one instant in any order. Columns that nobody
    /// asks for stay packed.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn points(
        &mut self,
        span: &Span<'_>,
        visit: impl FnMut(&Point, &Label) -> bool,
    ) -> Res<()> {
        self.at_once(|reader| reader.points_by(AT_ONCE, span, visit))
    }

    /// … with so many closed hours looked up in one go.
    fn points_by(
        &mut self,
        at_once: usize,
        span: &Span<'_>,
        mut visit: impl FnMut(&Point, &Label) -> bool,
    ) -> Res<()> {
        let mut places = Places::new(self, span, at_once)?;
        let mut held = Held::default();
        while let Some((first, place)) = places.next(self)? {
            if !held.give_before(first.start(), self, &mut visit)? {
                return Ok(());
            }
            match place {
                Place::Part(part) => held.take_part(self, span, &part)?,
                Place::Chain(head) => held.take_chain(self, span, head)?,
            }
        }
        held.give_before(span.to, self, &mut visit).map(drop)
    }

    /// The label of a reading, looked up again if it is new.
    fn known_label(&mut self, id: u32) -> Res<&Label> {
        if self.label_ref(id).is_none() {
            self.refresh_names()?;
        }
        self.label_ref(id).ok_or_else(|| self.no_label())
    }
}

/// Where readings lie.
enum Place {
    Part(PartInfo),
    /// A chain in the journal, by its head.
    Chain(i64),
}

/// The places of a span in the order of their first hours.
struct Places<'a> {
    span: &'a Span<'a>,
    through: i64,
    /// The latest first.
    parts: Vec<PartInfo>,
    chains: VecDeque<(Hour, i64)>,
    /// The hour from which on chains are not looked up yet; `None`: all are.
    rest: Option<Hour>,
    /// So many closed hours are looked up in one go.
    at_once: usize,
}

impl<'a> Places<'a> {
    fn new(reader: &Reader, span: &'a Span<'a>, at_once: usize) -> Res<Places<'a>> {
        let (first, end) = span.hours();
        let mut parts = parts_in(reader.connection(), span.device, (first, end.back(1)))
            .map_err(|e| reader.err(e))?;
        parts.sort_by_key(|part| Reverse(part.first));
        let through = reader.sealed_through()?;
        Ok(Places { span, through, parts, chains: VecDeque::new(), rest: Some(first), at_once })
    }

    fn next(&mut self, reader: &Reader) -> Res<Option<(Hour, Place)>> {
        let part = self.parts.last().map(|part| part.first);
        let reached = |rest: Hour| part.is_none_or(|part| part >= rest);
        while let Some(rest) = self.rest.filter(|rest| self.chains.is_empty() && reached(*rest)) {
            self.look_up(reader, rest)?;
        }
        let chain = self.chains.front().map(|(hour, _)| *hour);
        if chain.is_some_and(|chain| part.is_none_or(|part| chain < part)) {
            let next = self.chains.pop_front();
            return Ok(next.map(|(hour, head)| (hour, Place::Chain(head))));
        }
        Ok(self.parts.pop().map(|part| (part.first, Place::Part(part))))
    }

    /// Looks up the next chains that have rows in the journal.
    fn look_up(&mut self, reader: &Reader, from: Hour) -> Res<()> {
        let (_, end) = self.span.hours();
        let closed = reader.first_closed_hours(self.span.device, (from, end), self.at_once)?;
        let full = closed.last().filter(|_| closed.len() == self.at_once);
        self.rest = full.map(|last| last.hour.next());
        let hours = from..self.rest.unwrap_or(end);
        let open = self.span.open.iter().filter(|(hour, _)| hours.contains(hour)).copied();
        let mut heads: BTreeMap<Hour, i64> = open.collect();
        heads.extend(closed.iter().map(|closed| (closed.hour, closed.head)));
        self.chains.extend(heads.into_iter().filter(|(_, head)| *head > self.through));
        Ok(())
    }
}

/// Readings that are taken up and not given out yet, each with its age.
#[derive(Default)]
struct Held(Vec<(i64, Point)>);

impl Held {
    fn take_part(&mut self, reader: &Reader, span: &Span<'_>, part: &PartInfo) -> Res<()> {
        let unpack = |bytes: &[u8]| block::points(bytes, span.quantity);
        let points = read_block(reader.connection(), reader.path(), part, unpack)?;
        let wanted = points.into_iter().filter(|point| span.wants(point.at));
        self.0.extend(wanted.map(|point| (part.upto, point)));
        Ok(())
    }

    fn take_chain(&mut self, reader: &mut Reader, span: &Span<'_>, head: i64) -> Res<()> {
        let mut rows = Vec::new();
        walk_journal(reader, head, |seq, row| {
            if span.wants(row.observed) {
                rows.push((seq, row));
            }
            true
        })?;
        for (seq, row) in rows {
            let Kept { received, observed: at, time_source, values, .. } = row;
            for m in values {
                let Value { quantity, label, value } = m.value;
                if span.quantity.is_some_and(|q| q != quantity) {
                    continue;
                }
                let label = reader.label_id(&label).ok_or_else(|| reader.no_label())?;
                let (flag, reasons) = (m.flag, m.reasons);
                let reading = SealedValue { quantity, label, value, flag, reasons };
                self.0.push((seq, Point { at, received, time_source, reading }));
            }
        }
        Ok(())
    }

    /// Gives out what lies before an instant; whether more is wanted.
    fn give_before(
        &mut self,
        end: Stamp,
        reader: &mut Reader,
        visit: &mut impl FnMut(&Point, &Label) -> bool,
    ) -> Res<bool> {
        let series = |p: &Point| (p.at, p.reading.quantity, p.reading.label);
        // Keeps the order of a part, in which all have the same age.
        self.0.sort_by_key(|(age, point)| (series(point), *age));
        let complete = self.0.partition_point(|(_, point)| point.at < end);
        let mut points = self.0.drain(..complete).map(|(_, point)| point).peekable();
        while let Some(point) = points.next() {
            if points.peek().is_some_and(|later| series(later) == series(&point)) {
                continue;
            }
            if !visit(&point, reader.known_label(point.reading.label)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
