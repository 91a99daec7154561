//! The API, the page and the metrics endpoint: reading what is committed.
//!
//! ```text
//!  request ─▶ who may read? ─▶ parameters ─▶ a thread that may block ─▶ JSON
//!              auth             params         pool: a Reader of the store
//!                                              view: the tail of the journal
//! ```
//!
//! Nothing here writes: what changes something is a command to the intake, by
//! someone with a token, answered after the commit; nothing the intake does waits
//! for it. One file for each group of calls; what they share is in `shape`, `places`, `params`,
//! `answer`, `problem`. The description of the API is made from the same functions that
//! answer (`openapi`).

mod acts;
mod answer;
mod auth;
mod cap;
mod device;
mod document;
mod explain;
mod follow;
mod forecasts;
mod forward;
mod hours;
mod incidents;
mod judged;
mod kept;
mod ledger;
mod listen;
mod network;
mod openapi;
mod page;
mod params;
mod places;
mod pool;
mod problem;
mod readings;
mod shape;
mod sheet;
mod statements;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod view;

pub use cap::CapWriter;
pub use document::Document;
pub use explain::escaped;
pub use forward::{Forwarding, ReplayShape, TargetShape, forwarding};
pub use hours::{coverage, mean};
pub use kept::refused::RefusedShape;
pub use kept::{NoticeShape, Quarantined, masked};
pub use ledger::{LineShape, ShareShape, Span, line as ledger_line};
pub use places::Places;
pub use shape::{CountsShape, Time, device_name, source_name};

use crate::clock::Clock;
use crate::config::Settings;
use crate::flow::{self, Command, Committed, Event, Reply};
use crate::link::Key;
use crate::telemetry::{Health, Metrics};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use problem::Problem;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

/// The largest request body, bytes.
const BODY_MAX: usize = 64 << 10;

/// What the server is given.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The settings.
    pub settings: Arc<Settings>,
    /// Where the store lies.
    pub data_dir: PathBuf,
    /// The time of the world that is judged.
    pub clock: Clock,
    /// What `/metrics` shows.
    pub metrics: Metrics,
    /// What `/healthz` and `/readyz` show.
    pub health: Arc<Health>,
    /// How far the store is.
    pub committed: watch::Receiver<Committed>,
    /// The way to the single writer.
    pub commands: mpsc::Sender<Event>,
    /// What one-time links are signed with, if there are any.
    pub link_key: Option<Key>,
    /// How CAP messages are written.
    pub cap: CapWriter,
}

/// What every request has.
pub struct Ctx {
    settings: Arc<Settings>,
    places: Places,
    clock: Clock,
    metrics: Metrics,
    health: Arc<Health>,
    committed: watch::Receiver<Committed>,
    commands: mpsc::Sender<Event>,
    cap: CapWriter,
    pool: pool::Pool,
    view: view::View,
    /// Whether reading needs no token.
    open: bool,
    page_policy: HeaderValue,
    link_key: Option<Key>,
    /// How often an address may follow links.
    limit: follow::Limit,
}

impl Ctx {
    /// The last journal row that is committed.
    fn committed(&self) -> i64 {
        self.committed.borrow().journal
    }

    /// Asks something of the intake. The answer comes once it is on disk; if the
    /// daemon stops before, `stopping` says how to learn what became of it.
    async fn ask<T>(
        &self,
        command: impl FnOnce(Reply<T>) -> Command,
        stopping: &str,
    ) -> Result<T, Problem> {
        let stops = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, stopping);
        let (reply, answer) = flow::reply();
        self.commands.send(Event::Command(command(reply))).await.map_err(|_| stops())?;
        answer.await.map_err(|_| stops())
    }
}

/// Serves HTTP on a bound listener until `stop` completes and the requests
/// under way are answered.
///
/// # Errors
/// If the listener has no address.
pub async fn serve(
    listener: TcpListener,
    shared: Shared,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let ctx = ctx(&listener, shared)?;
    // It ends with the server.
    let mut early = JoinSet::new();
    early.spawn(network::look_ahead(ctx.clone()));
    listen::serve(listener, router(ctx), listen::Limits::default(), stop).await;
    Ok(())
}

/// Serves what can be said while there is no store, the same way: how the parts are,
/// and what the metrics are without it.
///
/// # Errors
/// If the listener has no address.
pub async fn serve_without_store(
    listener: TcpListener,
    shared: Shared,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let ctx = ctx(&listener, shared)?;
    let router = Router::new()
        .route("/metrics", get(status::metrics_without_store))
        .route_layer(middleware::from_fn_with_state(ctx.clone(), auth::may_read))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .fallback(no_store_yet);
    listen::serve(listener, whole(router, ctx), listen::Limits::default(), stop).await;
    Ok(())
}

fn ctx(listener: &TcpListener, shared: Shared) -> std::io::Result<Arc<Ctx>> {
    let loopback = listener.local_addr()?.ip().is_loopback();
    Ok(Arc::new(Ctx {
        places: Places::new(&shared.settings.stations),
        open: loopback || shared.settings.http.public,
        settings: shared.settings,
        clock: shared.clock,
        metrics: shared.metrics,
        health: shared.health,
        committed: shared.committed,
        commands: shared.commands,
        cap: shared.cap,
        pool: pool::Pool::new(shared.data_dir),
        view: view::View::default(),
        page_policy: page::policy(),
        link_key: shared.link_key,
        limit: follow::Limit::default(),
    }))
}

type Routes = Vec<(&'static str, MethodRouter<Arc<Ctx>>)>;

/// Calls that show no data: open to everyone.
fn open_routes() -> Routes {
    vec![
        ("/", get(page::page)),
        ("/healthz", get(status::healthz)),
        ("/readyz", get(status::readyz)),
    ]
}

/// One-time links: what they show and do is for whoever has one.
fn link_routes() -> Routes {
    vec![("/act/{ticket}", get(follow::show).post(follow::act))]
}

/// Calls for those who may read.
fn reading_routes() -> Routes {
    vec![
        ("/metrics", get(status::metrics)),
        ("/api/v1/openapi.json", get(openapi::document)),
        ("/api/v1/stations", get(network::stations)),
        ("/api/v1/zones", get(network::zones)),
        ("/api/v1/devices", get(network::devices)),
        ("/api/v1/devices/{id}", get(device::one_device)),
        ("/api/v1/readings", get(readings::list)),
        ("/api/v1/hours", get(hours::list)),
        ("/api/v1/levels", get(judged::levels)),
        ("/api/v1/changes", get(judged::changes)),
        ("/api/v1/changes/{id}", get(explain::one_change)),
        ("/changes/{id}", get(explain::page)),
        ("/api/v1/forecasts", get(forecasts::list)),
        ("/api/v1/incidents", get(incidents::list)),
        ("/api/v1/incidents/{id}", get(incidents::one)),
        ("/incidents/{id}", get(incidents::page)),
        ("/api/v1/ledger", get(ledger::show)),
        ("/api/v1/ledger/statements", get(statements::list)),
        ("/api/v1/ledger/statements/{day}", get(statements::one)),
        ("/api/v1/forward", get(forward::status)),
        ("/api/v1/quarantine", get(kept::quarantine)),
        ("/api/v1/quarantine/{id}", get(kept::one_quarantined)),
        ("/api/v1/quarantine/refused", get(kept::refused::list)),
        ("/api/v1/quarantine/refused/{id}", get(kept::refused::one)),
        ("/api/v1/outbox", get(kept::outbox)),
        ("/api/v1/outbox/{id}", get(kept::one_notice)),
        ("/feeds/cap.atom", get(cap::feed)),
        ("/feeds/cap/{file}", get(cap::message)),
    ]
}

/// Calls that change something: for those who may operate.
fn changing_routes() -> Routes {
    let body_max = DefaultBodyLimit::max(forecasts::BODY_MAX);
    vec![
        ("/api/v1/forecasts", post(forecasts::post).layer(body_max)),
        ("/api/v1/forward/{target}/replay", post(forward::ask_replay)),
        ("/api/v1/quarantine/{id}/retry", post(kept::aside::retry)),
        ("/api/v1/quarantine/{id}/drop", post(kept::aside::give_up)),
        ("/api/v1/quarantine/refused/{id}/retry", post(kept::refused::retry)),
        ("/api/v1/quarantine/refused/{id}/drop", post(kept::refused::give_up)),
        ("/api/v1/outbox/{id}/retry", post(kept::acts::retry)),
        ("/api/v1/outbox/{id}/drop", post(kept::acts::give_up)),
        ("/api/v1/receivers/{id}/enable", post(kept::acts::enable)),
    ]
}

/// Calls with which people act on the hotline: each looks at whose token it is.
fn acting_routes() -> Routes {
    vec![
        ("/api/v1/incidents", post(acts::open)),
        ("/api/v1/incidents/{id}/ack", post(acts::acknowledge)),
        ("/api/v1/incidents/{id}/measures", post(acts::share)),
        ("/api/v1/incidents/{id}/measures/{number}/end", post(acts::end)),
        ("/api/v1/incidents/{id}/notes", post(acts::note)),
        ("/api/v1/incidents/{id}/close", post(acts::close)),
        ("/api/v1/cap", post(cap::receive)),
    ]
}

fn router(ctx: Arc<Ctx>) -> Router {
    let of = |routes: Routes| {
        routes.into_iter().fold(Router::new(), |router, (path, call)| router.route(path, call))
    };
    let router = of(reading_routes())
        .route_layer(middleware::from_fn_with_state(ctx.clone(), auth::may_read))
        .merge(
            of(changing_routes())
                .route_layer(middleware::from_fn_with_state(ctx.clone(), auth::may_operate)),
        )
        .merge(of(acting_routes()))
        .merge(of(link_routes()))
        .merge(of(open_routes()))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method);
    whole(router, ctx)
}

/// What every answer has, whatever was asked.
fn whole(router: Router<Arc<Ctx>>, ctx: Arc<Ctx>) -> Router {
    router
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(headers))
        .with_state(ctx)
}

async fn no_store_yet() -> Problem {
    let detail = "the store is not open yet; /readyz says why";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::not_found(format!("nothing at {}; /api/v1/openapi.json lists every call", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Response {
    let detail = format!("{} does not take {method}; `Allow` says what it takes", uri.path());
    // The router adds `Allow`.
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail).into_response()
}

/// Ends a request that takes too long with a problem.
async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(pool::DEADLINE, next.run(request))
        .await
        .unwrap_or_else(|_| Problem::too_slow().into_response())
}

/// Headers that every answer has: nothing is guessed, kept or framed.
async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers: &mut HeaderMap = response.headers_mut();
    let set = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    for (name, value) in set {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
