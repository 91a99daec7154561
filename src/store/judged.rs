//! Reading what was judged, set aside, and is to be told.

use super::read::{Filter, Reader, Res};
use super::types::*;
use crate::air::Stamp;
use rusqlite::params;

impl Reader {
    /// Changes in the order of decision, `at` within the filter, after a row.
    pub fn changes(&self, filter: &Filter, after: i64) -> Res<Vec<ChangeRow>> {
        self.all(
            "SELECT id, uid, ladder, scope, from_level, to_level, at, late, data FROM changes
             WHERE id > ?1 AND at >= ?2 AND at < ?3 AND (?4 IS NULL OR scope = 'zone/' || ?4)
             ORDER BY id LIMIT ?5",
            params![
                after,
                filter.from.map_or(i64::MIN, |t| t.0),
                filter.to.map_or(i64::MAX, |t| t.0),
                filter.zone,
                filter.sql_limit()
            ],
            change_of,
        )
    }

    /// One change by its identity.
    pub fn change(&self, uid: &str) -> Res<Option<ChangeRow>> {
        let found = self.all(
            "SELECT id, uid, ladder, scope, from_level, to_level, at, late, data FROM changes WHERE uid = ?",
            [uid],
            change_of,
        )?;
        Ok(found.into_iter().next())
    }

    /// The change of the same ladder and scope that lies before this one in time.
    pub fn change_before(&self, of: &ChangeRow) -> Res<Option<ChangeRow>> {
        self.neighbour(of, "(at, id) < (?3, ?4)", "DESC")
    }

    /// The change of the same ladder and scope that follows this one in time.
    pub fn change_after(&self, of: &ChangeRow) -> Res<Option<ChangeRow>> {
        self.neighbour(of, "(at, id) > (?3, ?4)", "ASC")
    }

    fn neighbour(&self, of: &ChangeRow, side: &str, order: &str) -> Res<Option<ChangeRow>> {
        let found = self.all(
            &format!(
                "SELECT id, uid, ladder, scope, from_level, to_level, at, late, data FROM changes
                 WHERE ladder = ?1 AND scope = ?2 AND {side}
                 ORDER BY at {order}, id {order} LIMIT 1"
            ),
            params![of.ladder, of.scope, of.at.0, of.id],
            change_of,
        )?;
        Ok(found.into_iter().next())
    }

    /// The notices of one event, by the event's identity.
    pub fn notices_of(&self, event: &str) -> Res<Vec<Notice>> {
        self.all(&format!("{NOTICES} WHERE e.uid = ? ORDER BY o.id"), [event], notice_of)
    }

    /// The present level of every ladder and threshold.
    pub fn levels(&self) -> Res<Vec<LevelRow>> {
        self.all(
            "SELECT ladder, scope, level, since, value, inputs, ruleset, unknown_since FROM levels ORDER BY ladder, scope",
            [],
            |r| {
                Ok(LevelRow {
                    ladder: r.get(0)?,
                    scope: r.get(1)?,
                    level: r.get(2)?,
                    since: Stamp(r.get(3)?),
                    value: r.get(4)?,
                    inputs: json(&r.get::<_, String>(5)?),
                    ruleset: r.get(6)?,
                    unknown_since: r.get::<_, Option<i64>>(7)?.map(Stamp),
                })
            },
        )
    }

    /// What was set aside, after a row.
    pub fn quarantine(&self, after: i64, limit: usize) -> Res<Vec<QuarantineRow>> {
        self.all(
            "SELECT q.id, q.seq, s.name, q.topic, q.payload, q.reason, q.detail, q.at
             FROM quarantine q JOIN sources s ON s.id = q.source WHERE q.id > ? ORDER BY q.id LIMIT ?",
            params![after, limit as i64],
            |r| {
                Ok(QuarantineRow {
                    id: r.get(0)?,
                    seq: r.get(1)?,
                    source: r.get(2)?,
                    topic: r.get(3)?,
                    payload: r.get(4)?,
                    reason: r.get(5)?,
                    detail: r.get(6)?,
                    at: Stamp(r.get(7)?),
                })
            },
        )
    }

    /// Notices after a row of the outbox, in order; of one state if asked.
    pub fn outbox(&self, state: Option<NoticeState>, after: i64, limit: usize) -> Res<Vec<Notice>> {
        self.all(
            &format!(
                "{NOTICES} WHERE o.id > ?1 AND (?2 IS NULL OR o.state = ?2) ORDER BY o.id LIMIT ?3"
            ),
            params![after, state.map(NoticeState::name), limit as i64],
            notice_of,
        )
    }

    /// Pending notices after a row of the outbox, in order.
    pub fn pending(&self, after: i64, limit: usize) -> Res<Vec<PendingNotice>> {
        let sql = format!("{PENDING} AND o.id > ? ORDER BY o.id LIMIT ?");
        self.all(&sql, params![after, limit as i64], pending_of)
    }

    /// A notice by its row, if it is still pending.
    pub fn still_pending(&self, id: i64) -> Res<Option<PendingNotice>> {
        Ok(self.all(&format!("{PENDING} AND o.id = ?"), [id], pending_of)?.pop())
    }

    /// One notice by its row.
    pub fn notice(&self, id: i64) -> Res<Option<Notice>> {
        let found = self.all(&format!("{NOTICES} WHERE o.id = ?"), [id], notice_of)?;
        Ok(found.into_iter().next())
    }

    /// An event by its row.
    pub fn event_row(&self, id: i64) -> Res<Option<EventRow>> {
        let sql = "SELECT id, uid, kind, subject, time, data FROM events WHERE id = ?";
        Ok(self.all(sql, [id], |r| event_of(r, 0))?.pop())
    }

    /// An event by its identity.
    pub fn event(&self, uid: &str) -> Res<Option<EventRow>> {
        let sql = "SELECT id, uid, kind, subject, time, data FROM events WHERE uid = ?";
        Ok(self.all(sql, [uid], |r| event_of(r, 0))?.pop())
    }

    /// The latest events of a kind, the newest first.
    pub fn latest_events(&self, kind: &str, limit: usize) -> Res<Vec<EventRow>> {
        self.all(
            "SELECT id, uid, kind, subject, time, data FROM events
             WHERE kind = ? ORDER BY id DESC LIMIT ?",
            params![kind, limit as i64],
            |r| event_of(r, 0),
        )
    }

    /// Events of a subject before one of them, the newest first.
    pub fn events_before(&self, subject: &str, id: i64, limit: usize) -> Res<Vec<EventRow>> {
        self.all(
            "SELECT id, uid, kind, subject, time, data FROM events
             WHERE subject = ? AND id < ? ORDER BY id DESC LIMIT ?",
            params![subject, id, limit as i64],
            |r| event_of(r, 0),
        )
    }

    /// Receivers that asked to be left alone (410), with when and why.
    pub fn disabled_receivers(&self) -> Res<Vec<(String, Stamp, String)>> {
        self.all("SELECT receiver, at, why FROM disabled_receivers", [], |r| {
            Ok((r.get(0)?, Stamp(r.get(1)?), r.get(2)?))
        })
    }

    /// Conditions of the operation that hold: kind, subject, since when, in words.
    pub fn conditions(&self) -> Res<Vec<(String, String, Stamp, String)>> {
        self.all("SELECT kind, subject, since, detail FROM conditions ORDER BY since", [], |r| {
            Ok((r.get(0)?, r.get(1)?, Stamp(r.get(2)?), r.get(3)?))
        })
    }

    /// Notices per receiver and state.
    pub fn outbox_counts(&self) -> Res<Vec<(String, String, u64)>> {
        self.all("SELECT receiver, state, count(*) FROM outbox GROUP BY receiver, state", [], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get::<_, i64>(2)? as u64))
        })
    }

    /// How far a target of `forward` is.
    pub fn cursor(&self, target: &str) -> Res<Cursor> {
        let found = self.all(
            "SELECT journal, change, hour FROM cursors WHERE target = ?",
            [target],
            |r| Ok(Cursor { journal: r.get(0)?, change: r.get(1)?, hour: r.get(2)? }),
        )?;
        Ok(found.into_iter().next().unwrap_or_default())
    }
}

const NOTICES: &str =
    "SELECT o.id, o.uid, o.receiver, o.state, o.attempts, o.created, o.next, o.last, o.done,
  e.id, e.uid, e.kind, e.subject, e.time, e.data FROM outbox o JOIN events e ON e.id = o.event";

const PENDING: &str = "SELECT o.id, o.uid, o.event, o.receiver, e.subject, o.attempts, o.next
  FROM outbox o JOIN events e ON e.id = o.event WHERE o.state = 'pending'";

fn pending_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<PendingNotice> {
    Ok(PendingNotice {
        id: r.get(0)?,
        uid: r.get(1)?,
        event: r.get(2)?,
        receiver: r.get(3)?,
        subject: r.get(4)?,
        attempts: r.get(5)?,
        next: Stamp(r.get(6)?),
    })
}

fn change_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<ChangeRow> {
    Ok(ChangeRow {
        id: r.get(0)?,
        uid: r.get(1)?,
        ladder: r.get(2)?,
        scope: r.get(3)?,
        from: r.get(4)?,
        to: r.get(5)?,
        at: Stamp(r.get(6)?),
        late: r.get(7)?,
        data: json(&r.get::<_, String>(8)?),
    })
}

fn notice_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<Notice> {
    let state = match r.get::<_, String>(3)?.as_str() {
        "delivered" => NoticeState::Delivered,
        "dead" => NoticeState::Dead,
        _ => NoticeState::Pending,
    };
    Ok(Notice {
        id: r.get(0)?,
        uid: r.get(1)?,
        receiver: r.get(2)?,
        state,
        attempts: r.get(4)?,
        created: Stamp(r.get(5)?),
        next: Stamp(r.get(6)?),
        last: r.get(7)?,
        done: r.get::<_, Option<i64>>(8)?.map(Stamp),
        event: event_of(r, 9)?,
    })
}

/// An event whose columns begin at `first`.
pub(super) fn event_of(r: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<EventRow> {
    Ok(EventRow {
        id: r.get(first)?,
        uid: r.get(first + 1)?,
        kind: r.get(first + 2)?,
        subject: r.get(first + 3)?,
        time: Stamp(r.get(first + 4)?),
        data: json(&r.get::<_, String>(first + 5)?),
    })
}

/// Text that this program wrote as JSON; shown as text if it is not.
fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|_| serde_json::Value::String(text.to_owned()))
}
