//! Forecasts: one row for every value of every issue. What is said again changes
//! nothing; another value or cause for the same issue and period is a revision.

use super::read::{Reader, Res};
use super::schema::classify;
use super::write::Writer;
use crate::air::{Cause, Forecast, Foretold, Stamp};
use rusqlite::{OptionalExtension, params};

/// A forecast as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ForecastRow {
    /// The row of the journal that it came with.
    pub seq: i64,
    /// When it came in, by our clock.
    pub received: Stamp,
    /// The forecast.
    pub forecast: Forecast,
    /// Which value of this very issue it is, from 0; the last one counts.
    pub revision: u32,
    /// Whether its issuer has neither revised it nor issued a later one for the
    /// same period.
    pub counts: bool,
}

/// Which forecasts are wanted.
#[derive(Debug, Clone, Default)]
pub struct ForecastFilter {
    /// For this zone.
    pub zone: Option<String>,
    /// By this issuer.
    pub issuer: Option<String>,
    /// For periods that end after this.
    pub from: Option<Stamp>,
    /// For periods that begin before this.
    pub to: Option<Stamp>,
    /// Also those that do not count any more.
    pub all: bool,
    /// At most so many.
    pub limit: usize,
}

impl Writer {
    /// The value and cause of a forecast's issue for its period, as said last.
    pub fn foretold(&self, f: &Forecast) -> Res<Option<(f64, Option<Cause>)>> {
        let run = || {
            self.conn
                .prepare_cached(
                    "SELECT value, cause FROM forecasts WHERE zone = ? AND quantity = ?
                     AND starts = ? AND ends = ? AND issuer = ? AND issued_at = ?
                     ORDER BY revision DESC LIMIT 1",
                )?
                .query_row(
                    params![f.zone, f.of.name(), f.from.0, f.until.0, f.issuer, f.issued_at.0],
                    |r| Ok((r.get(0)?, r.get::<_, Option<String>>(1)?)),
                )
                .optional()
        };
        let found = run().map_err(|e| classify(&self.path, e))?;
        Ok(found.map(|(value, cause)| (value, cause.as_deref().and_then(Cause::from_name))))
    }

    /// Keeps a forecast as the last word of its issue.
    pub fn put_forecast(&self, seq: i64, received: Stamp, f: &Forecast) -> Res<()> {
        self.run(
            "INSERT INTO forecasts (seq, received, issuer, issued_at, zone, quantity, starts, ends,
               value, cause, revision)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,
               (SELECT count(*) FROM forecasts WHERE zone = ?5 AND quantity = ?6 AND starts = ?7
                AND ends = ?8 AND issuer = ?3 AND issued_at = ?4))",
            params![
                seq,
                received.0,
                f.issuer,
                f.issued_at.0,
                f.zone,
                f.of.name(),
                f.from.0,
                f.until.0,
                f.value,
                f.cause.map(Cause::name)
            ],
        )
        .map(drop)
    }
}

impl Reader {
    /// Forecasts after a row of the journal, in the order in which they came.
    pub fn forecasts(&self, filter: &ForecastFilter, after: i64) -> Res<Vec<ForecastRow>> {
        let found = self.all(
            "SELECT * FROM (
               SELECT seq, received, issuer, issued_at, zone, quantity, starts, ends, value, cause,
                 revision, NOT EXISTS (SELECT 1 FROM forecasts n WHERE n.zone = f.zone
                   AND n.quantity = f.quantity AND n.starts = f.starts AND n.ends = f.ends
                   AND n.issuer = f.issuer
                   AND (n.issued_at, n.revision) > (f.issued_at, f.revision)) AS counts
               FROM forecasts f WHERE seq > ?1 AND (?2 IS NULL OR zone = ?2)
                 AND (?3 IS NULL OR issuer = ?3) AND ends > ?4 AND starts < ?5)
             WHERE ?6 OR counts ORDER BY seq LIMIT ?7",
            params![
                after,
                filter.zone,
                filter.issuer,
                filter.from.map_or(i64::MIN, |t| t.0),
                filter.to.map_or(i64::MAX, |t| t.0),
                filter.all,
                filter.limit as i64
            ],
            row_of,
        )?;
        let damaged = || self.damaged("a forecast is of no known quantity".to_owned());
        found.into_iter().map(|row| row.ok_or_else(damaged)).collect()
    }
}

fn row_of(r: &rusqlite::Row<'_>) -> rusqlite::Result<Option<ForecastRow>> {
    let Some(of) = Foretold::from_name(&r.get::<_, String>(5)?) else { return Ok(None) };
    let cause = r.get::<_, Option<String>>(9)?;
    let forecast = Forecast {
        issuer: r.get(2)?,
        issued_at: Stamp(r.get(3)?),
        zone: r.get(4)?,
        of,
        from: Stamp(r.get(6)?),
        until: Stamp(r.get(7)?),
        value: r.get(8)?,
        cause: cause.as_deref().and_then(Cause::from_name),
    };
    Ok(Some(ForecastRow {
        seq: r.get(0)?,
        received: Stamp(r.get(1)?),
        forecast,
        revision: r.get(10)?,
        counts: r.get(11)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::Quantity;
    use crate::store::{RowKind, Writer};

    fn forecast(issuer: &str, issued_at: i64, value: f64) -> Forecast {
        Forecast {
            issuer: issuer.into(),
            issued_at: Stamp(issued_at),
            zone: "seoul".into(),
            of: Foretold::Quantity(Quantity::Pm2_5),
            from: Stamp(1_000),
            until: Stamp(2_000),
            value,
            cause: None,
        }
    }

    fn put(writer: &mut Writer, f: &Forecast) {
        let row = writer.append(Stamp(5), RowKind::Forecast(f.clone())).unwrap();
        writer.put_forecast(row.seq, row.received, f).unwrap();
    }

    #[test]
    fn the_latest_issue_counts_and_earlier_ones_and_revisions_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let dust = Forecast { cause: Some(Cause::Dust), ..forecast("nier", 20, 70.0) };
        for f in [
            &forecast("nier", 20, 60.0),
            &forecast("nier", 10, 50.0),
            &dust,
            &forecast("cnemc", 5, 40.0),
        ] {
            put(&mut writer, f);
        }
        assert_eq!(writer.foretold(&dust).unwrap(), Some((70.0, Some(Cause::Dust))));
        assert_eq!(writer.foretold(&forecast("nier", 30, 1.0)).unwrap(), None);
        let reader = Reader::open(dir.path()).unwrap();
        let list = |filter: ForecastFilter| {
            let rows = reader.forecasts(&ForecastFilter { limit: 9, ..filter }, 0).unwrap();
            rows.into_iter().map(|r| (r.forecast.value, r.revision, r.counts)).collect::<Vec<_>>()
        };
        assert_eq!(list(ForecastFilter::default()), [(70.0, 1, true), (40.0, 0, true)]);
        let all = ForecastFilter { all: true, ..ForecastFilter::default() };
        let every = [(60.0, 0, false), (50.0, 0, false), (70.0, 1, true), (40.0, 0, true)];
        assert_eq!(list(all), every);
        let issuer = ForecastFilter { issuer: Some("cnemc".into()), ..ForecastFilter::default() };
        assert_eq!(list(issuer).len(), 1);
        let past = ForecastFilter { from: Some(Stamp(2_000)), ..ForecastFilter::default() };
        assert_eq!(list(past), []);
        let before = ForecastFilter { to: Some(Stamp(1_000)), ..ForecastFilter::default() };
        assert_eq!(list(before), []);
    }

    #[test]
    fn forecasts_decisions_and_revisions_are_read_back_from_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(dir.path()).unwrap();
        let forecast = Forecast { cause: Some(Cause::Dust), ..forecast("nier", 20, 70.25) };
        let decided = RowKind::Decided { zone: "서울".into(), at: Stamp(77) };
        let revised = |moved| RowKind::ZoneRevised {
            zone: "서울".into(),
            quantity: Quantity::Pm2_5,
            hour: crate::rules::ZoneHour::missing(crate::air::Hour(7), 3),
            moved,
        };
        let station =
            |mean_micro| crate::rules::StationMoved { station: "종로".into(), mean_micro };
        let of_station = revised(Some(station(Some(-5))));
        let gone = revised(Some(station(None)));
        for kind in [RowKind::Forecast(forecast), decided, revised(None), of_station, gone] {
            let row = writer.append(Stamp(9), kind).unwrap();
            assert_eq!(writer.row(row.seq).unwrap(), Some(row));
        }
    }
}
