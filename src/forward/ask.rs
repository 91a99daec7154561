//! Asking a target what it has: how many readings of each series of an hour.
//!
//! What counts is instants: VictoriaMetrics may keep a sample that was sent twice
//! twice, and either has one of a device that came by two sources in two series.
//! VictoriaMetrics is therefore asked for the samples themselves (`/api/v1/export`);
//! InfluxDB 2 counts by itself (Flux).

use super::again::Counts;
use super::client::{error_words, plain_client};
use crate::air::Hour;
use crate::config::Secret;
use crate::config::settings::{Influx, ReadBack};
use serde::Deserialize;
use std::collections::HashMap;

/// A line of an export is an hour of one series; longer ones are not of ours.
const LINE_MAX: usize = 64 << 20;

/// Who asks one target.
#[derive(Debug, Clone)]
pub(super) struct Asker {
    client: reqwest_influx::Client,
    kind: ReadBack,
    url: String,
    org: String,
    bucket: String,
    token: Option<Secret>,
}

/// When there is a sample, by device and field: milliseconds since the hour began.
#[derive(Debug, Default)]
struct Instants(HashMap<(String, String), Vec<u32>>);

/// A line of an export of VictoriaMetrics.
#[derive(Deserialize)]
struct Exported {
    metric: HashMap<String, String>,
    timestamps: Vec<i64>,
}

impl Asker {
    /// Who asks this target; `None` if it is not to be asked.
    pub(super) fn new(target: &Influx) -> Option<Asker> {
        let kind = target.read_back?;
        let client = plain_client(target)?;
        let token = target.token.clone();
        let (org, bucket) = (target.org.clone(), target.bucket.clone());
        Some(Asker { client, kind, url: target.url.clone(), org, bucket, token })
    }

    /// What the target has of an hour; the error says why it does not say so.
    pub(super) async fn counts(&self, hour: Hour) -> Result<Counts, String> {
        match self.kind {
            ReadBack::VictoriaMetrics => self.exported(hour).await,
            ReadBack::Flux => self.counted(hour).await,
        }
    }

    async fn exported(&self, hour: Hour) -> Result<Counts, String> {
        let selector =
            r#"{__name__=~"air_.+",__name__!~".+_flag|air_hour_.+|air_change_.+",device!=""}"#;
        let start = hour.start().to_string();
        // Both ends belong to what is asked for.
        let end = crate::air::Stamp(hour.end().0 - 1).to_string();
        let asked = [("match[]", selector), ("start", start.as_str()), ("end", end.as_str())];
        let request = self.client.get(format!("{}/api/v1/export", self.url)).query(&asked);
        let mut answer = self.send(request).await?;
        let (mut instants, mut waiting) = (Instants::default(), Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(error_words)? {
            waiting.extend_from_slice(&chunk);
            let whole = waiting.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
            for line in waiting.drain(..whole).collect::<Vec<u8>>().split(|b| *b == b'\n') {
                instants.add(line, hour)?;
            }
            if waiting.len() > LINE_MAX {
                return Err("a line of its export is larger than an hour can be".to_owned());
            }
        }
        instants.add(&waiting, hour)?;
        Ok(instants.counts())
    }

    async fn counted(&self, hour: Hour) -> Result<Counts, String> {
        let query = format!(
            "from(bucket: {bucket}) |> range(start: {start}, stop: {stop}) \
             |> filter(fn: (r) => r._measurement == \"air\" and r._field !~ /_flag$/) \
             |> group(columns: [\"device\", \"_field\"]) \
             |> unique(column: \"_time\") |> count() \
             |> keep(columns: [\"device\", \"_field\", \"_value\"])",
            bucket = serde_json::json!(self.bucket),
            start = hour.start(),
            stop = hour.end(),
        );
        let dialect = serde_json::json!({ "header": true, "annotations": [] });
        let body = serde_json::json!({ "query": query, "dialect": dialect }).to_string();
        let request = self
            .client
            .post(format!("{}/api/v2/query", self.url))
            .query(&[("org", &self.org)])
            .header("content-type", "application/json")
            .header("accept", "application/csv")
            .body(body);
        let answer = self.send(request).await?;
        let text = answer.text().await.map_err(error_words)?;
        counted(&text)
    }

    async fn send(
        &self,
        request: reqwest_influx::RequestBuilder,
    ) -> Result<reqwest_influx::Response, String> {
        let request = match &self.token {
            Some(token) => {
                request.header("authorization", format!("Token {}", token.reveal().trim()))
            }
            None => request,
        };
        let answer = request.send().await.map_err(error_words)?;
        match answer.status() {
            status if status.is_success() => Ok(answer),
            status => Err(format!("{status}")),
        }
    }
}

impl Instants {
    /// Adds those of a line of an export of an hour.
    fn add(&mut self, line: &[u8], hour: Hour) -> Result<(), String> {
        if line.is_empty() {
            return Ok(());
        }
        let series: Exported =
            serde_json::from_slice(line).map_err(|e| format!("its export cannot be read: {e}"))?;
        let Exported { mut metric, timestamps } = series;
        let name = metric.remove("__name__").unwrap_or_default();
        let key = metric.remove("device").zip(name.strip_prefix("air_").map(str::to_owned));
        if let Some(key) = key {
            let since = |at: i64| u32::try_from(at.saturating_sub(hour.start().0)).ok();
            self.0.entry(key).or_default().extend(timestamps.into_iter().filter_map(since));
        }
        Ok(())
    }

    /// How many there are, each once.
    fn counts(self) -> Counts {
        let count = |mut instants: Vec<u32>| {
            instants.sort_unstable();
            instants.dedup();
            u32::try_from(instants.len()).unwrap_or(u32::MAX)
        };
        self.0.into_iter().map(|(key, instants)| (key, count(instants))).collect()
    }
}

/// Reads the counts that Flux gives as CSV: tables one below the other, each with a
/// head of its own.
fn counted(text: &str) -> Result<Counts, String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut head: Vec<String> = Vec::new();
    let mut counts = Counts::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("its answer is no CSV: {e}"))?;
        if record.iter().any(|cell| cell == "_value") {
            head = record.iter().map(str::to_owned).collect();
            continue;
        }
        let cell = |name: &str| {
            let place = head.iter().position(|h| h == name)?;
            record.get(place)
        };
        let count = cell("_value").and_then(|v| v.parse::<u32>().ok());
        let Some(((device, field), count)) = cell("device").zip(cell("_field")).zip(count) else {
            return Err("its answer is not a table of counts".to_owned());
        };
        counts.insert((device.to_owned(), field.to_owned()), count);
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(device: &str, field: &str) -> (String, String) {
        (device.to_owned(), field.to_owned())
    }

    #[test]
    fn an_instant_that_victoriametrics_has_twice_counts_once() {
        let (mut instants, hour) = (Instants::default(), Hour(0));
        let by = |source: &str, times: &str| {
            format!(
                r#"{{"metric":{{"__name__":"air_pm2_5__cf1","device":"s1","source":"{source}"}},"values":[],"timestamps":[{times}]}}"#
            )
        };
        instants.add(by("city", "1000,1000,2000").as_bytes(), hour).unwrap();
        // By another source: one that the first has, and one that it lacks.
        instants.add(by("town", "2000,3000").as_bytes(), hour).unwrap();
        instants.add(b"", hour).unwrap();
        assert!(instants.add(b"{", hour).is_err());
        assert_eq!(instants.counts(), Counts::from([(key("s1", "pm2_5__cf1"), 3)]));
    }

    #[test]
    fn the_counts_of_flux_are_read_whatever_the_order_of_their_columns() {
        let text = ",result,table,_value,_field,device\r\n,_result,0,60,pm10,s1\r\n,_result,1,59,pm2_5,\"s,2\"\r\n\r\n,result,table,device,_field,_value\r\n,_result,2,s3,pm1,7\r\n";
        let counts = counted(text).unwrap();
        let wanted = [(key("s1", "pm10"), 60), (key("s,2", "pm2_5"), 59), (key("s3", "pm1"), 7)];
        assert_eq!(counts, Counts::from(wanted));
        assert_eq!(counted("").unwrap(), Counts::new());
        assert!(counted("error,reference\r\nfailed,897\r\n").is_err());
    }
}
