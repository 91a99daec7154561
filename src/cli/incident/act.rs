//! What people do from a terminal: through the API of the running daemon, so that
//! there is one way in, with one set of rules.

use crate::air::Stamp;
use crate::cli::daemon::reachable;
use crate::cli::data::{harmless, parse_time};
use crate::cli::{Code, Failure, prepare_tls, run};
use crate::config::Secret;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// An answer takes no longer.
const TIMEOUT: Duration = Duration::from_secs(40);

/// Which daemon, and who acts.
#[derive(Debug, clap::Args)]
pub struct Caller {
    /// The configuration of the daemon on this machine: its address and tokens.
    #[arg(long, value_name = "FILE", required_unless_present = "url")]
    config: Option<PathBuf>,
    /// The daemon's address, such as http://127.0.0.1:8080.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// A file with the token to act with, instead of one of the configuration.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The party to act for; without it the operator acts.
    #[arg(long, value_name = "ID")]
    party: Option<String>,
    /// Who you are, for the transcript.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// Arguments of `open`.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    /// What it is about: a cause of the configuration, so that the air can join, or another.
    #[arg(long)]
    cause: String,
    /// Why, in words.
    #[arg(long)]
    text: String,
    /// The group of zones; needed if there are several.
    #[arg(long)]
    group: Option<String>,
    /// An exercise: marked in every message, and kept from those who get real ones only.
    #[arg(long)]
    exercise: bool,
    #[command(flatten)]
    caller: Caller,
}

/// Arguments of `ack` and `close`.
#[derive(Debug, clap::Args)]
pub struct PlainArgs {
    /// Its id or case number.
    id: String,
    #[command(flatten)]
    caller: Caller,
}

/// Arguments of `measure`.
#[derive(Debug, clap::Args)]
pub struct MeasureArgs {
    /// Its id or case number.
    id: String,
    /// power, industry, traffic, construction, burning, heating, public or other.
    #[arg(long, required_unless_present = "end")]
    kind: Option<String>,
    /// Where.
    #[arg(long, required_unless_present = "end")]
    place: Option<String>,
    /// In words.
    #[arg(long, required_unless_present = "end")]
    text: Option<String>,
    /// From when it is in force; now if not given.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    from: Option<Stamp>,
    /// Until when; open if not given. With --end: when it ends.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<Stamp>,
    /// Ends the measure of this number instead.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["kind", "place", "text", "from"])]
    end: Option<u32>,
    #[command(flatten)]
    caller: Caller,
}

/// Arguments of `note`.
#[derive(Debug, clap::Args)]
pub struct NoteArgs {
    /// Its id or case number.
    id: String,
    /// In words.
    #[arg(long)]
    text: String,
    #[command(flatten)]
    caller: Caller,
}

/// Opens an incident.
pub fn open(args: &OpenArgs, out: &mut impl Write) -> Result<(), Failure> {
    let (cause, text, group) = (&args.cause, &args.text, &args.group);
    let body = json!({ "cause": cause, "text": text, "group": group, "exercise": args.exercise });
    args.caller.act("", body, out)
}

/// Acknowledges, or agrees to close.
pub fn plain(args: &PlainArgs, what: &str, out: &mut impl Write) -> Result<(), Failure> {
    args.caller.act(&format!("/{}/{what}", segment(&args.id)?), json!({}), out)
}

/// Shares a measure, or ends one.
pub fn measure(args: &MeasureArgs, out: &mut impl Write) -> Result<(), Failure> {
    let id = segment(&args.id)?;
    let time = |t: Option<Stamp>| t.map(|t| t.to_string());
    let (from, until) = (time(args.from), time(args.until));
    if let Some(number) = args.end {
        let path = format!("/{id}/measures/{number}/end");
        return args.caller.act(&path, json!({ "at": until }), out);
    }
    let (kind, place, text) = (&args.kind, &args.place, &args.text);
    let body = json!({ "kind": kind, "place": place, "text": text, "from": from, "until": until });
    args.caller.act(&format!("/{id}/measures"), body, out)
}

/// Says something.
pub fn note(args: &NoteArgs, out: &mut impl Write) -> Result<(), Failure> {
    let path = format!("/{}/notes", segment(&args.id)?);
    args.caller.act(&path, json!({ "text": args.text }), out)
}

/// An id as part of an address: nothing else may come into one.
fn segment(id: &str) -> Result<&str, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if !id.is_empty() && id.chars().all(plain) {
        return Ok(id);
    }
    let said = format!("{id:?} is neither an id nor a case number such as 2026-0042");
    Err(Failure::new(Code::Usage, said))
}

impl Caller {
    /// Has the daemon do it, and says what came of it.
    fn act(&self, path: &str, mut body: Value, out: &mut impl Write) -> Result<(), Failure> {
        let (url, token) = self.daemon()?;
        let said = [("name", &self.name), ("party", &self.party)];
        if let Value::Object(fields) = &mut body {
            fields.extend(said.map(|(key, value)| (key.to_owned(), json!(value))));
            fields.retain(|_, value| !value.is_null());
        }
        prepare_tls();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (status, answer) =
            runtime.block_on(post(&format!("{url}/api/v1/incidents{path}"), &token, &body))?;
        let answer: Map<String, Value> = serde_json::from_slice(&answer).unwrap_or_default();
        if !status.is_success() {
            let detail = answer.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
            return Err(Failure::new(Code::Failed, format!("{status}: {}", harmless(detail))));
        }
        let (incident, entry) = (&json!(answer)["incident"], &json!(answer)["entry"]);
        let text = |value: &Value| harmless(value.as_str().unwrap_or("-"));
        let missing = incident["missing"].as_array().into_iter().flatten();
        let missing: Vec<String> = missing.map(text).collect();
        let case = text(&incident["case"]);
        writeln!(out, "{case}: entry {}, {}", entry["number"], text(&entry["what"]["kind"]))?;
        match missing.is_empty() {
            true => writeln!(out, "{case}: closed")?,
            false => writeln!(out, "{case}: not agreed to close: {}", missing.join(", "))?,
        }
        Ok(())
    }

    /// The daemon's address, and the token to act with.
    fn daemon(&self) -> Result<(String, Secret), Failure> {
        let settings = self.config.as_deref().map(run::load).transpose()?.map(|l| l.settings);
        let own = settings.as_ref().map(|s| format!("http://{}", reachable(s.http.listen)));
        let url = self.url.as_ref().map(|u| u.trim_end_matches('/').to_owned()).or(own);
        let token = match (&self.token_file, &settings, &self.party) {
            (Some(file), ..) => {
                let read = std::fs::read_to_string(file);
                let said = |e| Failure::new(Code::Usage, format!("{}: {e}", file.display()));
                Some(Secret::new(read.map_err(said)?.trim()))
            }
            (None, Some(s), Some(party)) => s.party_tokens.get(party).cloned(),
            (None, Some(s), None) => s.http.operator_token.clone(),
            (None, None, _) => None,
        };
        let none = || {
            let whose = self.party.as_ref().map_or("the operator", |p| p.as_str());
            let said =
                format!("no token of {whose}: set one in the configuration, or give --token-file");
            Failure::new(Code::Usage, said)
        };
        url.zip(token).ok_or_else(none)
    }
}

/// Posts an act to the API; the answer's status and body.
///
/// # Errors
/// If nobody answers there.
pub async fn post(
    url: &str,
    token: &Secret,
    body: &Value,
) -> Result<(reqwest::StatusCode, Vec<u8>), Failure> {
    let away = |e: reqwest::Error| {
        let said = format!("{url}: {}; is the daemon running there?", e.without_url());
        Failure::new(Code::Unavailable, said)
    };
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .build()
        .map_err(away)?;
    let request = client.post(url).bearer_auth(token.reveal()).body(body.to_string());
    let answer = request.header("content-type", "application/json").send().await.map_err(away)?;
    let status = answer.status();
    Ok((status, answer.bytes().await.map_err(away)?.to_vec()))
}
