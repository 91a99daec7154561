//! Forecasts on their way to the judge, from a broker or by a command.

use super::state::{Mode, State};
use crate::air::{Forecast, Stamp};
use crate::decode::Decoded;
use crate::flow::{Arrival, Taken};
use crate::store::{Bucket, Packet, Row, RowKind, StoreError};

impl State {
    /// Takes forecasts in; tells what became of each.
    pub fn forecasts(
        &mut self,
        forecasts: Vec<Forecast>,
        at: Stamp,
    ) -> Result<Vec<Taken>, StoreError> {
        forecasts.into_iter().map(|f| self.forecast(f, at)).collect()
    }

    /// A row for a forecast that is not there already.
    fn forecast(&mut self, forecast: Forecast, at: Stamp) -> Result<Taken, StoreError> {
        let taken = match self.writer.foretold(&forecast)? {
            None => Taken::New,
            Some((value, cause)) if value == forecast.value && cause == forecast.cause => {
                return Ok(Taken::Duplicate);
            }
            Some(_) => Taken::Revised,
        };
        self.append(at, RowKind::Forecast(forecast))?;
        Ok(taken)
    }

    /// Takes a broker's message of forecasts in: a row for each, and one that puts
    /// the message into its bucket.
    pub(super) fn foretelling(
        &mut self,
        arrival: &Arrival,
        (source, packet): (u32, Option<Packet>),
        decoded: Decoded,
        again: bool,
    ) -> Result<(), StoreError> {
        for left_out in &decoded.skipped {
            let (place, why) = (&left_out.path, &left_out.reason);
            tracing::warn!(place, why, "a forecast is left out");
        }
        let skipped = decoded.skipped.len() as u32;
        let taken = match again {
            true => Vec::new(),
            false => self.forecasts(decoded.forecasts, arrival.at)?,
        };
        let news = taken.iter().any(|t| *t != Taken::Duplicate);
        let bucket = if news { Bucket::Stored } else { Bucket::Duplicate };
        self.leave(arrival.at, source, packet, bucket, None, skipped)
    }

    /// What a forecast changes, live and after a restart.
    pub(super) fn absorb_forecast(
        &mut self,
        row: &Row,
        forecast: &Forecast,
        mode: Mode,
    ) -> Result<(), StoreError> {
        if mode == Mode::Live {
            self.writer.put_forecast(row.seq, row.received, forecast)?;
        }
        let judged = self.judge.forecast(forecast, row.received);
        judged.into_iter().try_for_each(|j| self.judged(j, row.received, mode))
    }

    /// What the decision of a zone that was due brings, live and after a restart.
    pub(super) fn absorb_decision(
        &mut self,
        row: &Row,
        (zone, at): (&str, Stamp),
        mode: Mode,
    ) -> Result<(), StoreError> {
        let judged = self.judge.decide(zone, at, row.received);
        judged.into_iter().try_for_each(|j| self.judged(j, row.received, mode))
    }
}
