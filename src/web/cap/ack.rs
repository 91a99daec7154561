//! A CAP `Ack` from a party's own system: the party acknowledges the incident of
//! the message that it refers to.

use super::super::Ctx;
use super::super::acts::{self, Actor, Done};
use super::super::problem::Problem;
use crate::hotline::Does;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use roxmltree::{Document, Node};
use std::sync::Arc;

const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";
/// Characters of a sender; ours are shorter by far.
const SENDER_MAX: usize = 200;

/// What matters of an `Ack`.
#[derive(Debug, PartialEq, Eq)]
struct Ack {
    sender: String,
    exercise: bool,
    /// The identifiers of the messages that it refers to.
    refers: Vec<String>,
}

/// Takes a CAP 1.2 `Ack` of a party: it acknowledges the incident of the messages
/// that it refers to.
#[utoipa::path(
    post, path = "/api/v1/cap", tag = "hotline",
    request_body(content = String, description = "A CAP 1.2 message of `msgType` `Ack`", content_type = "application/cap+xml"),
    responses(
        (status = 200, description = "Acknowledged", body = Done),
        (status = 400, description = "No CAP 1.2", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "It refers to no message of an incident", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was acknowledged, or is closed", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "No `Ack`, or one of an exercise for what is none", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn receive(
    State(ctx): State<Arc<Ctx>>,
    actor: Actor,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let ack = read(&body)?;
    let Ack { sender, exercise, refers } = ack;
    let incident = ctx.clone().read(move |_, reader, _| {
        for uid in &refers {
            let event = reader.event(uid)?;
            let subject = event.as_ref().and_then(|e| e.subject.strip_prefix("incident/"));
            if let Some(row) = subject.map(|id| reader.incident(id)).transpose()?.flatten() {
                return Ok(row);
            }
        }
        Err(Problem::not_found("references: no message of an incident of this installation"))
    });
    let incident = incident.await?;
    if incident.exercise != exercise {
        let (is, said) = if exercise { ("real", "Exercise") } else { ("an exercise", "Actual") };
        let detail = format!("incident {} is {is}, but status is not: {said}", incident.case);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let actor = actor.through(&format!("cap {sender}"));
    acts::act(ctx, actor.named(None, None)?, Does::Acknowledge { incident: incident.id }).await
}

fn read(body: &[u8]) -> Result<Ack, Problem> {
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
    let kind = need("msgType")?;
    if kind != "Ack" {
        return Err(wrong(format!("msgType is {kind:?}; only \"Ack\" is taken here")));
    }
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
    Ok(Ack { sender: sender.to_owned(), exercise, refers: identifiers(need("references")?) })
}

/// The text of a child element.
fn child<'a>(of: Node<'a, '_>, name: &str) -> Option<&'a str> {
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

    use axum::response::IntoResponse;

    #[test]
    fn an_ack_says_who_sent_it_and_to_what_it_refers() {
        let refers = vec!["01A".to_owned(), "01B".to_owned()];
        let ack = Ack { sender: "desk@cn".to_owned(), exercise: true, refers };
        assert_eq!(read(alert("Ack", "Exercise").as_bytes()), Ok(ack));
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
