//! CAP 1.2 over HTTP: the alerts as an Atom feed (RFC 4287), each message by its
//! identity, and what a party's own system answers (`Ack`, `Error`) taken.

pub(super) mod ack;
mod error;

pub use ack::receive;

use super::Ctx;
use super::explain::escaped;
use super::problem::Problem;
use crate::store::EventRow;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Alerts in the feed: the latest.
const ALERTS: usize = 100;
/// Earlier messages that one can refer to.
const EARLIER_MAX: usize = 100;
/// What the public is told: changes of levels.
const CHANGE: &str = "dustline.change.v1";
const ATOM_TYPE: &str = "application/atom+xml; charset=utf-8";
const CAP_TYPE: &str = "application/cap+xml; charset=utf-8";

type Write = dyn Fn(&EventRow, Vec<EventRow>) -> Vec<u8> + Send + Sync;

/// Writes the CAP message of an event, as receivers get it. It is given the
/// earlier events of the same subject, the newest first.
#[derive(Clone)]
pub struct CapWriter(Arc<Write>);

impl CapWriter {
    /// One that writes so.
    pub fn new(
        write: impl Fn(&EventRow, Vec<EventRow>) -> Vec<u8> + Send + Sync + 'static,
    ) -> CapWriter {
        CapWriter(Arc::new(write))
    }
}

impl fmt::Debug for CapWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CapWriter")
    }
}

/// The latest changes of levels as an Atom feed with a link to each CAP message.
#[utoipa::path(
    get, path = "/feeds/cap.atom", tag = "feeds",
    responses((status = 200, description = "RFC 4287, the newest first", body = String, content_type = "application/atom+xml"))
)]
pub async fn feed(State(ctx): State<Arc<Ctx>>) -> Result<Response, Problem> {
    let read =
        |_: &Ctx, reader: &mut crate::store::Reader, _| Ok(reader.latest_events(CHANGE, ALERTS)?);
    let events = ctx.clone().read(read).await?;
    Ok(document(ATOM_TYPE, atom(&ctx, &events)))
}

/// One CAP message by the identity of its event.
#[utoipa::path(
    get, path = "/feeds/cap/{file}", tag = "feeds",
    params(("file" = String, Path, description = "The identity and `.xml`, as the feed links it.")),
    responses(
        (status = 200, description = "CAP 1.2", body = String, content_type = "application/cap+xml"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn message(
    State(ctx): State<Arc<Ctx>>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let none = Problem::not_found(format!("no message {file:?}; /feeds/cap.atom links the latest"));
    let Some(uid) = file.strip_suffix(".xml").map(str::to_owned) else { return Err(none) };
    let written = ctx.read(move |ctx, reader, _| {
        // Incidents are between the parties, conditions between operators.
        let Some(event) = reader.event(&uid)?.filter(|e| e.kind == CHANGE) else {
            return Ok(None);
        };
        let earlier = reader.events_before(&event.subject, event.id, EARLIER_MAX)?;
        Ok(Some((ctx.cap.0)(&event, earlier)))
    });
    written.await?.map(|xml| document(CAP_TYPE, xml)).ok_or(none)
}

fn document(content_type: &'static str, body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

fn atom(ctx: &Ctx, events: &[EventRow]) -> String {
    let base = escaped(ctx.settings.http.base_url.trim_end_matches('/'));
    // A feed in which nothing has happened yet is as old as time.
    let updated = events.first().map(|e| e.time).unwrap_or_default();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
         <id>{base}/feeds/cap.atom</id>\n<title>Dustline {name}</title>\n<updated>{updated}</updated>\n\
         <author><name>Dustline {name}</name></author>\n\
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{base}/feeds/cap.atom\"/>\n",
        name = escaped(&ctx.settings.instance),
    );
    for event in events {
        let link = format!("{base}/feeds/cap/{}.xml", escaped(&event.uid));
        xml += &format!(
            "<entry>\n<id>{link}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
             <link rel=\"alternate\" type=\"application/cap+xml\" href=\"{link}\"/>\n</entry>\n",
            escaped(&title(event)),
            event.time,
        );
    }
    xml + "</feed>\n"
}

/// Where, which ladder, from which level to which.
fn title(event: &EventRow) -> String {
    let text = |at: &str| event.data.pointer(at).and_then(Value::as_str);
    let scope =
        ["/scope/name/en", "/scope/name/ko", "/scope/name/zh", "/scope/zone", "/scope/station"];
    let place = scope.into_iter().find_map(text).unwrap_or(&event.subject);
    let [ladder, from, to] = ["/ladder", "/from", "/to"].map(|at| text(at).unwrap_or("?"));
    format!("{place}, {ladder}: {from} → {to}")
}
