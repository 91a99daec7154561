//! One request to a target, and what its answer means.

use crate::air::mask::MASK;
use crate::config::Secret;
use crate::config::settings::Influx;
use flate2::{Compression, write::GzEncoder};
use influxdb2::api::write::TimestampPrecision;
use influxdb2::{ClientBuilder, RequestError};
use reqwest_influx::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};
use std::error::Error;
use std::io::Write;

/// As much of what a target says is kept for people, characters.
const WORDS_MAX: usize = 300;

/// A token that is shorter is a part of ordinary words, and protects nothing.
const TOKEN_LEAST: usize = 6;

/// What a target made of some lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has them.
    Taken,
    /// Not now; in words.
    Later(String),
    /// It has them, but for some that are older than it keeps.
    TooOld {
        /// How many it has dropped.
        dropped: u64,
        /// In words.
        why: String,
    },
    /// Not as we are configured.
    Held {
        /// The status.
        status: u16,
        /// In words.
        why: String,
    },
    /// At least one of them is wrong, or there are too many at once; in words.
    Wrong {
        /// Whether it said that the request is too large.
        too_large: bool,
        /// In words.
        why: String,
    },
}

/// A target's client.
#[derive(Debug, Clone)]
pub(super) struct Database {
    client: influxdb2::Client,
    org: String,
    bucket: String,
    /// What no answer may tell again.
    token: Option<Secret>,
    gzip: bool,
}

impl Database {
    /// Makes the client; the error says what is wrong with the configuration.
    pub(super) fn new(target: &Influx, gzip: bool) -> Result<Database, String> {
        let url = reqwest_influx::Url::parse(&target.url)
            .map_err(|e| format!("url of influxdb \"{}\" cannot be read: {e}", target.name))?;
        // `influxdb2` puts its own path in place of this one.
        if !matches!(url.path(), "" | "/") || !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "url of influxdb \"{}\" must be http://host:port or https://host:port without a path",
                target.name
            ));
        }
        let mut headers = HeaderMap::new();
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let builder = reqwest_influx::ClientBuilder::new()
            .default_headers(headers)
            .timeout(target.timeout)
            .redirect(reqwest_influx::redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("dustline/", env!("CARGO_PKG_VERSION")));
        let token = target.token.as_ref().map_or("", |t| t.reveal().trim());
        let client = ClientBuilder::with_builder(builder, url.as_str(), &target.org, token)
            .build()
            .map_err(|e| format!("no client for influxdb \"{}\": {e}", target.name))?;
        let (org, bucket) = (target.org.clone(), target.bucket.clone());
        Ok(Database { client, org, bucket, token: target.token.clone(), gzip })
    }

    /// Lines as a body.
    pub(super) fn pack(&self, lines: &str) -> Vec<u8> {
        if !self.gzip {
            return lines.as_bytes().to_vec();
        }
        let mut packed = GzEncoder::new(Vec::with_capacity(lines.len() / 6), Compression::fast());
        // Writing to a Vec cannot fail.
        let _ = packed.write_all(lines.as_bytes());
        packed.finish().unwrap_or_default()
    }

    /// Sends one body.
    pub(super) async fn write(&self, body: Vec<u8>) -> Answer {
        let precision = TimestampPrecision::Milliseconds;
        let sent = self
            .client
            .write_line_protocol_with_precision(&self.org, &self.bucket, body, precision)
            .await;
        match sent {
            Ok(()) => Answer::Taken,
            Err(RequestError::Http { status, text }) => {
                meaning(status.as_u16(), &self.without_token(&text))
            }
            Err(RequestError::ReqwestProcessing { source }) => Answer::Later(error_words(source)),
            Err(other) => Answer::Later(other.to_string()),
        }
    }

    /// What a target said, should it repeat the token that it was given.
    fn without_token(&self, text: &str) -> String {
        let token = self.token.as_ref().map(|t| t.reveal().trim());
        match token.filter(|t| t.len() >= TOKEN_LEAST) {
            Some(token) => text.replace(token, MASK),
            None => text.to_owned(),
        }
    }
}

/// A client without the headers of writing.
pub(super) fn plain_client(target: &Influx) -> Option<reqwest_influx::Client> {
    reqwest_influx::ClientBuilder::new()
        .timeout(target.timeout)
        .redirect(reqwest_influx::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("dustline/", env!("CARGO_PKG_VERSION")))
        .build()
        .ok()
}

/// What a status means; `text` is what the target said.
fn meaning(status: u16, text: &str) -> Answer {
    let said = words(text);
    let why = if said.is_empty() { status.to_string() } else { format!("{status} ({said})") };
    if let (400 | 422, Some(dropped)) = (status, dropped_for_age(&said)) {
        return Answer::TooOld { dropped, why };
    }
    let held = |hint: &str| Answer::Held { status, why: format!("{why}{hint}") };
    match status {
        200..=299 => Answer::Taken,
        408 | 429 | 500..=599 => Answer::Later(why),
        400 | 413 | 422 => Answer::Wrong { too_large: status == 413, why },
        300..=399 => held(": redirects are not followed; give the final url"),
        401 | 403 => held(": check the token and what it may write"),
        404 => held(": check url, org and bucket"),
        _ => held(""),
    }
}

/// How many points InfluxDB says that it has left out for their age; it has taken the
/// others. Its versions say "points beyond retention policy dropped=2" and "dropped 2
/// points outside retention policy".
fn dropped_for_age(said: &str) -> Option<u64> {
    if !["beyond retention policy", "outside retention policy"].iter().any(|w| said.contains(w)) {
        return None;
    }
    let (_, after) = said.split_once("dropped")?;
    let digits = after.trim_start_matches(['=', ' ']);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

/// One line of what a target said.
fn words(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS_MAX) {
        Some((end, _)) => line.get(..end).map(|l| format!("{l}…")).unwrap_or_default(),
        None => line,
    }
}

/// An error with its causes, without the address.
pub(super) fn error_words(e: reqwest_influx::Error) -> String {
    if e.is_timeout() {
        return "no answer in time".to_owned();
    }
    let e = e.without_url();
    let mut text = e.to_string();
    let mut cause = e.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn target(url: &str) -> Influx {
        Influx {
            name: "main".to_owned(),
            url: url.to_owned(),
            org: "dustline".to_owned(),
            bucket: "air".to_owned(),
            token: None,
            gzip: true,
            batch_lines: 10,
            batch_bytes: 1000,
            timeout: Duration::from_secs(1),
            retention: Duration::ZERO,
            create_bucket: false,
            read_back: None,
            read_back_after: Duration::ZERO,
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        for status in [200, 204] {
            assert_eq!(meaning(status, ""), Answer::Taken);
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(matches!(meaning(status, "x"), Answer::Later(_)), "{status}");
        }
        for status in [301, 401, 403, 404, 405, 415] {
            assert!(matches!(meaning(status, "x"), Answer::Held { .. }), "{status}");
        }
        for status in [400, 413, 422] {
            let too_large = status == 413;
            assert_eq!(
                meaning(status, "bad\n line"),
                Answer::Wrong { too_large, why: format!("{status} (bad line)") }
            );
        }
    }

    #[test]
    fn an_address_that_the_client_would_change_is_refused() {
        assert!(Database::new(&target("http://127.0.0.1:8086/"), true).is_ok());
        for url in ["/3242/23", "http://host/prefix", "ftp://host", ""] {
            assert!(Database::new(&target(url), true).unwrap_err().contains("main"), "{url}");
        }
    }

    #[test]
    fn a_token_that_a_target_repeats_is_not_told_again() {
        let token = Some(Secret::new(" s3cret\n"));
        let target = Influx { token, ..target("http://127.0.0.1:8086/") };
        let database = Database::new(&target, true).unwrap();
        assert_eq!(database.without_token("who is s3cret?"), "who is ***?");
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        use std::io::Read;
        let database = Database::new(&target("http://127.0.0.1:1"), true).unwrap();
        let packed = database.pack("air pm10=1 1\n");
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "air pm10=1 1\n");
    }
}
