//! What a party's own system says in CAP of a message that it was sent: by an
//! `Ack` the party acknowledges the incident, an `Error` says that the message
//! could not be used. What cannot be taken here is answered with an `Error` too,
//! if the sender accepts CAP.

use super::super::Ctx;
use super::super::acts::{self, Actor, Done};
use super::super::problem::Problem;
use super::error;
use crate::hotline::Does;
use crate::store::{IncidentRow, Reader};
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use roxmltree::{Document, Node};
use serde_json::Value;
use std::sync::Arc;

/// The namespace of CAP 1.2.
pub(super) const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";
/// Characters of a sender; ours are shorter by far.
const SENDER_MAX: usize = 200;

/// What is said of the messages referred to.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Ack,
    /// What is wrong with them.
    Error(String),
}

/// What matters of an answer in CAP.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    said: Said,
    sender: String,
    exercise: bool,
    /// The identifiers of the messages that it refers to.
    refers: Vec<String>,
}

/// Takes a CAP 1.2 `Ack` of a party, which acknowledges the incident of the
/// messages that it refers to, or an `Error`, which says that they could not be
/// used. With `Accept: application/cap+xml`, what is wrong with it is said by a
/// CAP `Error` in place of the problem details.
#[utoipa::path(
    post, path = "/api/v1/cap", tag = "hotline",
    request_body(content = String, description = "A CAP 1.2 message of `msgType` `Ack` or `Error`", content_type = "application/cap+xml"),
    responses(
        (status = 200, description = "Recorded", body = Done),
        (status = 400, description = "No CAP 1.2", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "It refers to no message of an incident", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was said before, or the incident is closed", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Neither `Ack` nor `Error`, or one of an exercise for what is none", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn receive(
    State(ctx): State<Arc<Ctx>>,
    actor: Result<Actor, Problem>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match take(ctx.clone(), actor, &body).await {
        Ok(done) => done.into_response(),
        Err(problem) if accepts_cap(&headers) => {
            error::response(&ctx.settings.instance, ctx.clock.now(), &body, problem)
        }
        Err(problem) => problem.into_response(),
    }
}

/// Whether whoever asks can read CAP.
fn accepts_cap(headers: &HeaderMap) -> bool {
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok());
    accepted.any(|list| list.contains("application/cap+xml"))
}

async fn take(
    ctx: Arc<Ctx>,
    actor: Result<Actor, Problem>,
    body: &[u8],
) -> Result<Json<Done>, Problem> {
    let actor = actor?;
    let Answer { said, sender, exercise, refers } = read(body)?;
    let who = actor.through(&format!("cap {sender}")).named(None, None)?;
    let found = ctx.clone().read(move |_, reader, _| referred_to(reader, &refers));
    let (row, of) = found.await?;
    if row.exercise != exercise {
        let (is, said) = if exercise { ("real", "Exercise") } else { ("an exercise", "Actual") };
        let detail = format!("incident {} is {is}, but status is not: {said}", row.case);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let does = match said {
        Said::Ack => Does::Acknowledge { incident: row.id },
        Said::Error(text) => {
            tracing::warn!(case = row.case, entry = of, sender, "a message in CAP was rejected");
            Does::Reject { incident: row.id, of, text }
        }
    };
    acts::act(ctx, who, does).await
}

/// The incident of the first message that is one of ours, and the entry that it
/// told of.
fn referred_to(reader: &Reader, refers: &[String]) -> Result<(IncidentRow, u32), Problem> {
    for uid in refers {
        let Some(event) = reader.event(uid)? else { continue };
        let of = event.data.get("number").and_then(Value::as_u64);
        let incident = event.subject.strip_prefix("incident/").map(|id| reader.incident(id));
        if let (Some(row), Some(of)) = (incident.transpose()?.flatten(), of) {
            return Ok((row, u32::try_from(of).unwrap_or(u32::MAX)));
        }
    }
    Err(Problem::not_found("references: no message of an incident of this installation"))
}

fn read(body: &[u8]) -> Result<Answer, Problem> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let text = std::str::from_utf8(body).map_err(|e| bad(format!("the body is no UTF-8: {e}")))?;
    let document = Document::parse(text).map_err(|e| bad(format!("the body is no XML: {e}")))?;
    let alert = document.root_element();
    if !alert.has_tag_name((NAMESPACE, "alert")) {
        return Err(bad(format!("the body is no CAP 1.2: expected <alert xmlns={NAMESPACE:?}>")));
    }
    let need = |name: &str| {
        let found = child(alert, name).filter(|text| !text.is_empty());
        found.ok_or_else(|| bad(format!("the alert has no {name}")))
    };
    let wrong = |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail);
    let said = match need("msgType")? {
        "Ack" => Said::Ack,
        "Error" => Said::Error(need("note")?.to_owned()),
        kind => {
            let detail = format!("msgType is {kind:?}; only \"Ack\" and \"Error\" are taken here");
            return Err(wrong(detail));
        }
    };
    let exercise = match need("status")? {
        "Actual" => false,
        "Exercise" => true,
        other => {
            let said = format!("status is {other:?}; expected \"Actual\" or \"Exercise\"");
            return Err(wrong(said));
        }
    };
    let sender = need("sender")?;
    if sender.chars().count() > SENDER_MAX || sender.chars().any(char::is_control) {
        return Err(wrong(format!("sender: at most {SENDER_MAX} characters, none of control")));
    }
    let refers = identifiers(need("references")?);
    Ok(Answer { said, sender: sender.to_owned(), exercise, refers })
}

/// The text of a child element.
pub(super) fn child<'a>(of: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let found = of.children().find(|node| node.has_tag_name((NAMESPACE, name)));
    found.and_then(|node| node.text()).map(str::trim)
}

/// The identifiers of `sender,identifier,sent sender,identifier,sent …`.
fn identifiers(references: &str) -> Vec<String> {
    let each = references.split_whitespace();
    each.filter_map(|one| one.split(',').nth(1)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn alert(kind: &str, status: &str) -> String {
        format!(
            "<alert xmlns=\"{NAMESPACE}\"><identifier>a</identifier><sender>desk@cn</sender>\
             <sent>2026-03-16T10:00:00+08:00</sent><status>{status}</status>\
             <msgType>{kind}</msgType><scope>Private</scope>\
             <references>dustline-x,01A,2026-03-16T09:00:00+09:00 dustline-x,01B,2026-03-16T09:01:00+09:00</references></alert>"
        )
    }

    fn status_of(body: &str) -> u16 {
        read(body.as_bytes()).unwrap_err().into_response().status().as_u16()
    }

    #[test]
    fn an_ack_says_who_sent_it_and_to_what_it_refers() {
        let refers = vec!["01A".to_owned(), "01B".to_owned()];
        let sender = "desk@cn".to_owned();
        let ack = Answer { said: Said::Ack, sender, exercise: true, refers };
        assert_eq!(read(alert("Ack", "Exercise").as_bytes()), Ok(ack));
    }

    #[test]
    fn an_error_says_what_is_wrong() {
        let error = alert("Error", "Actual");
        let noted = error.replace("<references>", "<note>no such area</note><references>");
        let said = read(noted.as_bytes()).map(|answer| answer.said);
        assert_eq!(said, Ok(Said::Error("no such area".to_owned())));
        assert_eq!(status_of(&error), 400, "it has no note");
    }

    #[test]
    fn what_is_no_ack_is_refused_and_says_why() {
        assert_eq!(status_of(&alert("Cancel", "Actual")), 422);
        assert_eq!(status_of(&alert("Ack", "Test")), 422);
        assert_eq!(status_of("<alert/>"), 400);
        assert_eq!(status_of("not XML"), 400);
        let entity = "<!DOCTYPE a [<!ENTITY e \"x\">]>";
        assert_eq!(status_of(&format!("{entity}{}", alert("Ack", "Actual"))), 400);
        assert_eq!(status_of(&alert("Ack", "Actual").replace("<references>", "<note>")), 400);
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_breaks_anything(body in "\\PC{0,200}") {
            let _ = read(body.as_bytes());
            let _ = identifiers(&body);
        }
    }
}
