//! Query parameters: every fault names the parameter, what was given and what
//! is allowed.

use super::problem::Problem;
use crate::air::place::Language;
use crate::air::{Quantity, Stamp};
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Items on a page unless asked otherwise.
pub const LIMIT: usize = 1_000;
/// Items on a page at most.
pub const LIMIT_MAX: usize = 10_000;

/// The language that a reader of pages asks for in the address.
pub fn asked_language(uri: &Uri) -> Result<Option<Language>, Problem> {
    let params = Params::read(uri, &["lang"])?;
    let Some(code) = params.text("lang") else { return Ok(None) };
    let wrong = || Problem::parameter("lang", code, "must be one of ko, zh, en");
    Language::from_code(code).map(Some).ok_or_else(wrong)
}

/// The language that a browser prefers of ours.
pub fn accepted_language(headers: &HeaderMap) -> Language {
    let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    let mut codes = accepted.unwrap_or_default().split(',').map(|l| l.trim());
    codes.find_map(|l| Language::from_code(l.get(..2)?)).unwrap_or_default()
}

/// The query parameters of one request, all of them known and given once.
#[derive(Debug, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads the query of an address; only `known` parameters may occur. An empty
    /// one counts as not given.
    pub fn read(uri: &Uri, known: &[&str]) -> Result<Params, Problem> {
        let Query(mut pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|e| {
            Problem::new(StatusCode::BAD_REQUEST, format!("the query cannot be read: {e}"))
        })?;
        for (place, (name, value)) in pairs.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                return Err(Problem::parameter(name, value, unknown(name, known)));
            }
            if pairs.iter().take(place).any(|(n, _)| n == name) {
                return Err(Problem::parameter(name, value, "may be given once only"));
            }
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Ok(Params(pairs))
    }

    /// A parameter as it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn parsed<T>(
        &self,
        name: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        self.text(name)
            .map(|text| parse(text).ok_or_else(|| Problem::parameter(name, text, allowed)))
            .transpose()
    }

    /// An instant. A `+` of an offset that came through as a space is understood.
    pub fn time(&self, name: &str) -> Result<Option<Stamp>, Problem> {
        let parse =
            |text: &str| Stamp::parse(text).or_else(|| Stamp::parse(&text.replace(' ', "+")));
        self.parsed(name, "must be an RFC 3339 time such as 2022-01-08T13:00:00Z", parse)
    }

    /// The time range `from` (inclusive) to `to` (exclusive).
    pub fn range(&self) -> Result<(Option<Stamp>, Option<Stamp>), Problem> {
        let (from, to) = (self.time("from")?, self.time("to")?);
        match (from, to) {
            (Some(from), Some(to)) if from >= to => Err(Problem::parameter(
                "to",
                self.text("to").unwrap_or_default(),
                format!("must be later than from, {from}"),
            )),
            range => Ok(range),
        }
    }

    /// `true` or `false`; false unless given.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        Ok(self.yes_or_no(name)?.unwrap_or(false))
    }

    /// Whether something must be so, or must not.
    pub fn yes_or_no(&self, name: &str) -> Result<Option<bool>, Problem> {
        self.parsed(name, "must be true or false", |text| text.parse().ok())
    }

    /// A quantity by name.
    pub fn quantity(&self) -> Result<Option<Quantity>, Problem> {
        let names: Vec<&str> = Quantity::ALL.iter().map(|q| q.name()).collect();
        let allowed = format!("must be one of {}", names.join(", "));
        self.parsed("quantity", &allowed, Quantity::from_name)
    }

    /// How many items a page may have.
    pub fn limit(&self) -> Result<usize, Problem> {
        let allowed = format!("must be a number from 1 to {LIMIT_MAX}");
        let parse = |text: &str| text.parse().ok().filter(|n| (1..=LIMIT_MAX).contains(n));
        Ok(self.parsed("limit", &allowed, parse)?.unwrap_or(LIMIT))
    }

    /// Where the page before ended, as [`cursor`] wrote it into `next`.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, Problem> {
        let allowed = "must be the next of the page before, unchanged";
        self.parsed("after", allowed, |text| {
            postcard::from_bytes(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
        })
    }
}

/// A place in a list, opaque to clients.
pub fn cursor(place: &impl Serialize) -> String {
    // What is written here is plain data, which always has an encoding.
    URL_SAFE_NO_PAD.encode(postcard::to_allocvec(place).unwrap_or_default())
}

fn unknown(name: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(k, name), k))
        .filter(|(distance, _)| *distance <= 2)
        .min();
    match (near, known) {
        (_, []) => "is not known; this call takes no parameters".to_owned(),
        (Some((_, near)), _) => format!("is not known; did you mean {near}?"),
        (None, _) => format!("is not known; this call takes {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Params, Problem> {
        let uri: Uri = format!("/x?{query}").parse().unwrap();
        Params::read(&uri, &["from", "to", "quantity", "limit", "after"])
    }

    fn detail(problem: Problem) -> String {
        serde_json::to_value(problem).unwrap()["detail"].as_str().unwrap().to_owned()
    }

    #[test]
    fn faults_name_the_parameter_what_was_given_and_what_is_allowed() {
        let said = detail(read("quantity=pm3").unwrap().quantity().unwrap_err());
        assert!(said.starts_with("query parameter quantity=\"pm3\": must be one of pm1, pm2_5"));
        let said = detail(read("limit=0").unwrap().limit().unwrap_err());
        assert!(said.contains("from 1 to 10000"), "{said}");
        assert!(detail(read("form=x").unwrap_err()).contains("did you mean from?"));
        assert!(detail(read("colour=x").unwrap_err()).contains("this call takes from, to"));
        assert!(detail(read("to=x&to=y").unwrap_err()).contains("once only"));
        let turned = read("from=2022-01-02T00:00:00Z&to=2022-01-01T00:00:00Z").unwrap();
        assert!(detail(turned.range().unwrap_err()).contains("later than from"));
    }

    #[test]
    fn an_offset_written_with_a_bare_plus_is_understood() {
        let params = read("from=2022-01-08T22:00:00+09:00").unwrap();
        assert_eq!(params.time("from").unwrap(), Stamp::parse("2022-01-08T13:00:00Z"));
    }

    #[test]
    fn a_cursor_is_read_back_and_a_forged_one_is_refused() {
        let params = read(&format!("after={}", cursor(&(7i64, "a")))).unwrap();
        assert_eq!(params.after::<(i64, String)>().unwrap(), Some((7, "a".to_owned())));
        assert!(read("after=%21%21").unwrap().after::<(i64, String)>().is_err());
    }
}
