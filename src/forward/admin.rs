//! Asking InfluxDB 2 about organisation, bucket and token: which of them is wrong,
//! and making a bucket that is missing.
//!
//! A token that may only write cannot see any of that. So what it may do is tried
//! first, and only a write that is refused is asked about.

use super::client::{Answer, Database, error_words, plain_client};
use crate::config::settings::Influx;
use serde_json::{Value, json};

/// What is wrong where the bucket is.
const BUCKET: &str = "bucket: ";

/// Who asks one target.
#[derive(Debug, Clone)]
pub(super) struct Admin {
    client: reqwest_influx::Client,
    target: Influx,
}

impl Admin {
    /// Who asks this target; none if there can be no client.
    pub(super) fn new(target: &Influx) -> Option<Admin> {
        Some(Admin { client: plain_client(target)?, target: target.clone() })
    }

    /// Which of token, organisation and bucket is wrong, after a write was answered so.
    async fn diagnosed(&self, status: u16, said: &str) -> String {
        let Influx { org, bucket, .. } = &self.target;
        let orgs = self.ask("orgs", &[("org", org.as_str())]).await;
        match (status, orgs) {
            (401, Ok((401, _))) => {
                "token: the database does not know it; make one there, or mend `token`".to_owned()
            }
            (401 | 403, _) => format!(
                "token: it may not write to bucket {bucket:?} of org {org:?}; give it that permission"
            ),
            (404, Ok((404, _))) => self.no_org().await,
            (404, Ok((200, found))) if none(&found, "orgs") => self.no_org().await,
            (404, _) => format!(
                "{BUCKET}there is no {bucket:?} in org {org:?}; make it, mend `bucket`, or set create_bucket = true"
            ),
            _ => said.to_owned(),
        }
    }

    async fn no_org(&self) -> String {
        let seen = match self.ask("orgs", &[]).await {
            Ok((200, found)) => names(&found, "orgs"),
            _ => Vec::new(),
        };
        let hint = match seen.is_empty() {
            true => "mend `org`, or give the token more rights".to_owned(),
            false => format!("the token sees {}", seen.join(", ")),
        };
        format!("org: there is no {:?}; {hint}", self.target.org)
    }

    /// Makes the bucket.
    pub(super) async fn create_bucket(&self) -> Result<(), String> {
        let Influx { org, bucket, retention, .. } = &self.target;
        let (status, found) = self.ask("orgs", &[("org", org.as_str())]).await?;
        let id = found.pointer("/orgs/0/id").and_then(Value::as_str);
        let Some(id) = id.filter(|_| status == 200) else { return Err(self.no_org().await) };
        let rules = match retention.as_secs() {
            0 => json!([]),
            seconds => json!([{ "type": "expire", "everySeconds": seconds }]),
        };
        let body = json!({ "orgID": id, "name": bucket, "retentionRules": rules });
        let request = self
            .client
            .post(format!("{}/api/v2/buckets", self.target.url))
            .header("content-type", "application/json")
            .body(body.to_string());
        match self.send(request).await? {
            (200..=299, _) => Ok(()),
            (status, said) => {
                Err(format!("the bucket cannot be made: {status} {}", message(&said)))
            }
        }
    }

    async fn ask(&self, what: &str, query: &[(&str, &str)]) -> Result<(u16, Value), String> {
        let request = self.client.get(format!("{}/api/v2/{what}", self.target.url)).query(query);
        self.send(request).await
    }

    async fn send(&self, request: reqwest_influx::RequestBuilder) -> Result<(u16, Value), String> {
        let request = match &self.target.token {
            Some(token) => {
                request.header("authorization", format!("Token {}", token.reveal().trim()))
            }
            None => request,
        };
        let answer = request.send().await.map_err(error_words)?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(error_words)?;
        Ok((status, serde_json::from_str(&text).unwrap_or_default()))
    }
}

fn names(found: &Value, list: &str) -> Vec<String> {
    let all = found.get(list).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|o| o.get("name")?.as_str()).map(|n| format!("{n:?}")).collect()
}

fn none(found: &Value, list: &str) -> bool {
    found.get(list).and_then(Value::as_array).is_some_and(Vec::is_empty)
}

fn message(said: &Value) -> &str {
    said.get("message").and_then(Value::as_str).unwrap_or_default()
}

/// Whether a target can be reached and takes our word: writes nothing, with our
/// organisation, bucket and token. Answers in words; the error says what failed, and
/// of InfluxDB 2 which of the three is wrong.
pub async fn probe(target: &Influx) -> Result<String, String> {
    let database = Database::new(target, false)?;
    let (status, why) = match database.write(Vec::new()).await {
        Answer::Taken | Answer::TooOld { .. } => return Ok("reachable, takes writes".to_owned()),
        // InfluxDB says so to a write of nothing once it knows bucket and token.
        Answer::Wrong { too_large: false, .. } => {
            return Ok("reachable, knows the bucket and token".to_owned());
        }
        Answer::Wrong { why, .. } | Answer::Later(why) => return Err(why),
        Answer::Held { status, why } => (status, why),
    };
    let Some(admin) = Admin::new(target).filter(|_| matches!(status, 401 | 403 | 404)) else {
        return Err(why);
    };
    let wrong = admin.diagnosed(status, &why).await;
    match target.create_bucket && wrong.starts_with(BUCKET) {
        true => Ok("reachable; the bucket is missing and will be made".to_owned()),
        false => Err(format!("{why}; {wrong}")),
    }
}
