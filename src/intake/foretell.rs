//! Forecasts on their way to the judge, from a broker or by a command.

use super::arrive::Inward;
use super::state::{Mode, State};
use crate::air::{Forecast, Stamp};
use crate::decode::Decoded;
use crate::flow::Taken;
use crate::store::{Bucket, Row, RowKind, StoreError};

impl State {
    /// Takes forecasts that came together in, and judges once with all of them;
    /// tells what became of each.
    pub fn forecasts(
        &mut self,
        forecasts: &[Forecast],
        at: Stamp,
    ) -> Result<Vec<Taken>, StoreError> {
        let mut all = Vec::with_capacity(forecasts.len());
        for forecast in forecasts {
            all.push(self.forecast(forecast, at)?);
        }
        for judged in self.judge.forecasts(forecasts, at) {
            self.judged(judged, at, Mode::Live)?;
        }
        Ok(all)
    }

    /// A row for a forecast that is not there already.
    fn forecast(&mut self, forecast: &Forecast, at: Stamp) -> Result<Taken, StoreError> {
        let taken = match self.writer.foretold(forecast)? {
            None => Taken::New,
            Some((value, cause)) if value == forecast.value && cause == forecast.cause => {
                return Ok(Taken::Duplicate);
            }
            Some(_) => Taken::Revised,
        };
        self.append(at, RowKind::Forecast(forecast.clone()))?;
        Ok(taken)
    }

    /// Takes a broker's message of forecasts in: a row for each, and one that puts
    /// the message into its bucket.
    pub(super) fn foretelling(
        &mut self,
        inward: &Inward,
        decoded: Decoded,
    ) -> Result<Bucket, StoreError> {
        for left_out in &decoded.skipped {
            let (place, why) = (&left_out.path, &left_out.reason);
            tracing::warn!(place, why, "a forecast is left out");
        }
        let skipped = decoded.skipped.len() as u32;
        let taken = match inward.again {
            true => Vec::new(),
            false => self.forecasts(&decoded.forecasts, inward.at)?,
        };
        let news = taken.iter().any(|t| *t != Taken::Duplicate);
        let bucket = if news { Bucket::Stored } else { Bucket::Duplicate };
        self.leave(inward, bucket, None, skipped)?;
        Ok(bucket)
    }

    /// What a forecast's row brings. Live it is judged with those that came with it;
    /// after a restart one by one, which ends at the same levels.
    pub(super) fn absorb_forecast(
        &mut self,
        row: &Row,
        forecast: &Forecast,
        mode: Mode,
    ) -> Result<(), StoreError> {
        match mode {
            Mode::Live => self.writer.put_forecast(row.seq, row.received, forecast),
            Mode::Replay => {
                let judged = self.judge.forecasts([forecast], row.received);
                judged.into_iter().try_for_each(|j| self.judged(j, row.received, mode))
            }
        }
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
