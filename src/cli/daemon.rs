//! Asking the daemon that runs on a data directory, with the operator's token of
//! its configuration.

use super::{Code, Failure, prepare_tls};
use crate::config::settings::Http;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// How long the daemon may take to answer: a commit, and the way there.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has the daemon do something: what it answers, if it did.
///
/// # Errors
/// If it has no token, cannot be reached, or says no; its words are in the failure.
pub fn order(http: &Http, path: &str, body: &Value) -> Result<Value, Failure> {
    let Some(token) = &http.operator_token else {
        let why = "a daemon runs here and takes orders only by a token: set http.operator_token";
        return Err(Failure::new(Code::Unavailable, why));
    };
    let url = format!("http://{}/api/v1/{path}", reachable(http.listen));
    prepare_tls();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let request = client.post(url).bearer_auth(token.reveal()).body(body.to_string());
        let answer = request.header("content-type", "application/json").send().await?;
        let status = answer.status();
        let body: Value = serde_json::from_slice(&answer.bytes().await?).unwrap_or_default();
        Ok::<_, reqwest::Error>((status, body))
    });
    let (status, body) =
        asked.map_err(|e| Failure::new(Code::Unavailable, format!("the daemon: {e}")))?;
    if status.is_success() {
        return Ok(body);
    }
    let detail = body.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
    let words = format!("the daemon answers {}: {detail}", status.as_u16());
    Err(Failure::new(Code::Failed, words))
}

/// Where a daemon on this machine that listens there is reached.
pub fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
