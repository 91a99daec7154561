//! Asking a target what it has: how many readings of each series of an hour.
//!
//! VictoriaMetrics is asked for the samples themselves (`/api/v1/export`), since it
//! may keep one that was sent twice twice; InfluxDB 2 counts by itself (Flux).

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
        let (mut counts, mut waiting) = (Counts::new(), Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(error_words)? {
            waiting.extend_from_slice(&chunk);
            let whole = waiting.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
            for line in waiting.drain(..whole).collect::<Vec<u8>>().split(|b| *b == b'\n') {
                add_exported(line, &mut counts)?;
            }
            if waiting.len() > LINE_MAX {
                return Err("a line of its export is larger than an hour can be".to_owned());
            }
        }
        add_exported(&waiting, &mut counts)?;
        Ok(counts)
    }

    async fn counted(&self, hour: Hour) -> Result<Counts, String> {
        let query = format!(
            "from(bucket: {bucket}) |> range(start: {start}, stop: {stop}) \
             |> filter(fn: (r) => r._measurement == \"air\" and r._field !~ /_flag$/) \
             |> group(columns: [\"device\", \"_field\"]) |> count() \
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

/// Counts the instants of a line of an export, each once.
fn add_exported(line: &[u8], counts: &mut Counts) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    let series: Exported =
        serde_json::from_slice(line).map_err(|e| format!("its export cannot be read: {e}"))?;
    let Exported { mut metric, mut timestamps } = series;
    timestamps.sort_unstable();
    timestamps.dedup();
    let name = metric.remove("__name__").unwrap_or_default();
    let key = metric.remove("device").zip(name.strip_prefix("air_").map(str::to_owned));
    if let Some(key) = key {
        let count = u32::try_from(timestamps.len()).unwrap_or(u32::MAX);
        // A device may have come by another source or have moved to another station.
        let sum = counts.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
    Ok(())
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
        let mut counts = Counts::new();
        let line = br#"{"metric":{"__name__":"air_pm2_5__cf1","device":"s1","source":"city"},"values":[1,1,2],"timestamps":[1000,1000,2000]}"#;
        add_exported(line, &mut counts).unwrap();
        add_exported(b"", &mut counts).unwrap();
        assert_eq!(counts, Counts::from([(key("s1", "pm2_5__cf1"), 2)]));
        assert!(add_exported(b"{", &mut counts).is_err());
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
