//! What people do on the hotline, over HTTP: each call is one act, answered when
//! it is on disk. A party's token acts for that party only.

mod bodies;

use super::Ctx;
use super::auth::{self, Role};
use super::incidents::{self, Incident};
use super::problem::Problem;
use crate::air::Stamp;
use crate::flow::{Acted, Command};
use crate::hotline::{Act, Does, Entry, Measure, Refusal, Who};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bodies::{End, NewMeasure, Note, Opening, Plain};
use serde::Serialize;
use serde_json::Value;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Characters of a person's name.
pub const NAME_MAX: usize = 100;

/// An act that was done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Done {
    /// Where the incident stands now.
    incident: Incident,
    /// The entry that the act has left in the transcript.
    #[schema(value_type = Entry)]
    entry: Value,
}

/// Whose token came with a request, and from which address.
pub struct Actor {
    role: Role,
    /// By which way in.
    way: String,
    address: Option<IpAddr>,
}

impl FromRequestParts<Arc<Ctx>> for Actor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, ctx: &Arc<Ctx>) -> Result<Actor, Problem> {
        let role = auth::role(ctx, &parts.headers)?;
        if ctx.settings.hotline.is_none() {
            return Err(Problem::not_found("there is no hotline; configure [hotline] parties"));
        }
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Actor { role, way: "api".to_owned(), address: address.map(|a| a.0.ip()) })
    }
}

impl Actor {
    /// Who acts: the person's name and the party as the body says them.
    ///
    /// # Errors
    /// If the token is another party's, or the name cannot be shown.
    pub fn named(self, name: Option<String>, party: Option<&str>) -> Result<Who, Problem> {
        self.is(party)?;
        let unreadable =
            |n: &String| n.chars().count() > NAME_MAX || n.chars().any(char::is_control);
        if name.as_ref().is_some_and(unreadable) {
            let detail = format!("name: at most {NAME_MAX} characters, no control characters");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
        }
        Ok(self.who(name.filter(|n| !n.trim().is_empty())))
    }

    /// Refuses to act for a party that the token is not of.
    fn is(&self, party: Option<&str>) -> Result<(), Problem> {
        let own = match &self.role {
            Role::Operator => None,
            Role::Party(own) => Some(own.as_str()),
        };
        match party {
            Some(named) if own != Some(named) => {
                let detail = format!("this token does not act for {named}; each party has its own");
                Err(Problem::new(StatusCode::FORBIDDEN, detail))
            }
            _ => Ok(()),
        }
    }

    /// The same, come in by another way.
    pub fn through(self, way: &str) -> Actor {
        Actor { way: way.to_owned(), ..self }
    }

    fn who(self, name: Option<String>) -> Who {
        let from = self.address.map_or(self.way.clone(), |ip| format!("{} {ip}", self.way));
        match self.role {
            Role::Operator => Who::Operator { from, name },
            Role::Party(party) => Who::Party { from, name, party },
        }
    }
}

/// Has the intake do it; the answer when it is on disk.
///
/// # Errors
/// Why it was not done.
pub async fn act(ctx: Arc<Ctx>, who: Who, does: Does) -> Result<Json<Done>, Problem> {
    let at = ctx.clock.now();
    let act = Box::new(Act { who, does });
    let stopping = "the daemon is stopping; whether this was done shows in the incident";
    let done = ctx.ask(|reply| Command::Act { act, at, reply }, stopping).await?;
    let Acted { incident, number } = done.map_err(refused)?;
    let gone = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the incident cannot be read");
    let read = ctx.read(move |_, reader, _| {
        let Some(row) = reader.incident(&incident)? else { return Ok(None) };
        let entry = reader.entry(&row.id, number)?;
        Ok(entry.map(|entry| Done { incident: incidents::shape(row, at), entry }))
    });
    read.await?.map(Json).ok_or(gone)
}

/// The status that fits why an act was not done.
fn refused(refusal: Refusal) -> Problem {
    let status = match &refusal {
        Refusal::NoIncident(_) | Refusal::NoMeasure { .. } => StatusCode::NOT_FOUND,
        Refusal::NotAParty { .. } | Refusal::PartiesOnly { .. } | Refusal::NotYours { .. } => {
            StatusCode::FORBIDDEN
        }
        Refusal::BadText { .. } | Refusal::EndsBeforeItBegins { .. } | Refusal::NoGroup { .. } => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        _ => StatusCode::CONFLICT,
    };
    Problem::new(status, refusal.to_string())
}

/// An instant of a body.
fn time(key: &str, text: Option<String>) -> Result<Option<Stamp>, Problem> {
    let parse = |text: String| {
        Stamp::parse(&text).ok_or_else(|| {
            let detail =
                format!("{key}: expected a time such as 2022-01-08T13:00:00Z, not {text:?}");
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        })
    };
    text.map(parse).transpose()
}

/// Opens an incident by hand, or an exercise.
#[utoipa::path(
    post, path = "/api/v1/incidents", tag = "hotline",
    request_body = Opening,
    responses(
        (status = 201, description = "It is open", body = Done),
        (status = 400, description = "The body is not as described", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "One is open for this already", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something in it is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn open(
    State(ctx): State<Arc<Ctx>>,
    actor: Actor,
    body: Bytes,
) -> Result<Response, Problem> {
    let Opening { cause, text, exercise, group, name, party } = bodies::read(&body)?;
    let who = actor.named(name, party.as_deref())?;
    let done = act(ctx, who, Does::Open { cause, exercise, group, text }).await?;
    let id = done.entry.get("incident").and_then(Value::as_str).unwrap_or_default();
    let place = [(header::LOCATION, format!("/api/v1/incidents/{id}"))];
    Ok((StatusCode::CREATED, place, done).into_response())
}

/// A party says that it knows: its own reminders end.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/ack", tag = "hotline",
    params(("id" = String, Path, description = "Its id or case number.")),
    request_body(content = Option<Plain>, description = "May be empty"),
    responses(
        (status = 200, description = "Acknowledged", body = Done),
        (status = 400, description = "The body is not as described", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such incident", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was acknowledged, or is closed", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The name cannot be shown", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn acknowledge(
    State(ctx): State<Arc<Ctx>>,
    Path(incident): Path<String>,
    actor: Actor,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let Plain { name, party } = bodies::read(&body)?;
    act(ctx, actor.named(name, party.as_deref())?, Does::Acknowledge { incident }).await
}

/// A party shares a measure.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/measures", tag = "hotline",
    params(("id" = String, Path, description = "Its id or case number.")),
    request_body = NewMeasure,
    responses(
        (status = 200, description = "Shared; the entry's number names it", body = Done),
        (status = 400, description = "The body is not as described", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such incident", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is closed, or this was said before", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something in it is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn share(
    State(ctx): State<Arc<Ctx>>,
    Path(incident): Path<String>,
    actor: Actor,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let NewMeasure { kind, place, text, from, until, name, party } = bodies::read(&body)?;
    let who = actor.named(name, party.as_deref())?;
    let from = time("from", from)?.unwrap_or_else(|| ctx.clock.now());
    let measure = Measure { from, until: time("until", until)?, kind, place, text };
    act(ctx, who, Does::Share { incident, measure }).await
}

/// A party ends a measure of its own.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/measures/{number}/end", tag = "hotline",
    params(
        ("id" = String, Path, description = "Its id or case number."),
        ("number" = u32, Path, description = "The number of the measure's entry."),
    ),
    request_body(content = Option<End>, description = "May be empty"),
    responses(
        (status = 200, description = "Ended", body = Done),
        (status = 400, description = "The body is not as described", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Another party's measure, or not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such incident or measure", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has ended, or the incident is closed", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It would end before it begins", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn end(
    State(ctx): State<Arc<Ctx>>,
    Path((incident, measure)): Path<(String, u32)>,
    actor: Actor,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let End { at, name, party } = bodies::read(&body)?;
    let who = actor.named(name, party.as_deref())?;
    act(ctx, who, Does::End { at: time("at", at)?, incident, measure }).await
}

/// Says something to everybody.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/notes", tag = "hotline",
    params(("id" = String, Path, description = "Its id or case number.")),
    request_body = Note,
    responses(
        (status = 200, description = "Said", body = Done),
        (status = 400, description = "The body is not as described", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such incident", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is closed, or this was said before", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Something in it is wrong", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn note(
    State(ctx): State<Arc<Ctx>>,
    Path(incident): Path<String>,
    actor: Actor,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let Note { text, name, party } = bodies::read(&body)?;
    act(ctx, actor.named(name, party.as_deref())?, Does::Note { incident, text }).await
}

/// A party agrees to close. It is closed when every party has.
#[utoipa::path(
    post, path = "/api/v1/incidents/{id}/close", tag = "hotline",
    params(("id" = String, Path, description = "Its id or case number.")),
    request_body(content = Option<Plain>, description = "May be empty"),
    responses(
        (status = 200, description = "Agreed; `missing` says who has not", body = Done),
        (status = 400, description = "The body is not as described", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No token that acts", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Not with this token", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "No such incident", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The level is not lifted, or it has agreed", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub async fn close(
    State(ctx): State<Arc<Ctx>>,
    Path(incident): Path<String>,
    actor: Actor,
    body: Bytes,
) -> Result<Json<Done>, Problem> {
    let Plain { name, party } = bodies::read(&body)?;
    act(ctx, actor.named(name, party.as_deref())?, Does::Close { incident }).await
}
