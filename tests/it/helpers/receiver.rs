//! A webhook receiver that writes down what it gets, checks signatures, and
//! misbehaves on demand.

use super::soon;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use dustline::air::place::{Language, Names};
use dustline::config::Secret;
use dustline::config::settings::{BodyFormat, EventKind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The secret of every receiver here.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What to answer.
#[derive(Debug, Clone, Copy)]
pub enum Reply {
    /// This status.
    Status(u16),
    /// 200 with this JSON.
    Json(&'static str),
    /// This status, and come back in so many seconds.
    RetryAfter(u16, u64),
    /// Elsewhere, on the same server.
    Redirect,
    /// Nothing, ever.
    Hang,
    /// A closed connection.
    Close,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Got {
    /// When.
    pub at: Instant,
    /// How.
    pub method: Method,
    /// Where.
    pub path: String,
    /// The header `webhook-id`.
    pub id: String,
    /// Whether the signature is right.
    pub verified: bool,
    /// What followed the `?` in its address.
    pub query: String,
    /// The body, to the last byte.
    pub bytes: Bytes,
    /// The body, if it is JSON.
    pub body: serde_json::Value,
    /// Every header.
    pub headers: HeaderMap,
}

/// The receiver; it lives as long as this.
pub struct Receiver {
    /// Where it listens.
    pub address: std::net::SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    script: Mutex<Vec<(String, Reply)>>,
    usual: Mutex<Reply>,
    got: watch::Sender<Vec<Got>>,
}

impl Receiver {
    /// One that answers the first requests for these notices so, and others with 200.
    pub async fn new<'a>(script: impl IntoIterator<Item = (&'a str, Reply)>) -> Receiver {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().map(|(id, r)| (id.to_owned(), r)).collect()),
            usual: Mutex::new(Reply::Status(200)),
            got: watch::channel(Vec::new()).0,
        });
        let app = Router::new().fallback(take).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Receiver { address, shared, task }
    }

    /// Answers this from now on, once the script is used up.
    pub fn usually(self, reply: Reply) -> Receiver {
        *self.shared.usual.lock().unwrap() = reply;
        self
    }

    /// The settings of a receiver that is this.
    pub fn settings(&self, id: &str) -> dustline::config::settings::Receiver {
        settings(id, &format!("http://{}/hook?key=hidden", self.address))
    }

    /// Waits for this many requests.
    pub async fn got(&self, n: usize) -> Vec<Got> {
        let mut got = self.shared.got.subscribe();
        let got = soon(&format!("{n} requests"), got.wait_for(|g| g.len() >= n)).await;
        got.unwrap().clone()
    }

    /// The requests so far.
    pub fn so_far(&self) -> Vec<Got> {
        self.shared.got.borrow().clone()
    }
}

impl Shared {
    fn reply(&self, id: &str) -> Reply {
        let mut script = self.script.lock().unwrap();
        match script.iter().position(|(of, _)| of == id) {
            Some(place) => script.remove(place).1,
            None => *self.usual.lock().unwrap(),
        }
    }
}

impl Receiver {
    /// From now on it answers so, where the script says nothing else.
    pub fn answers(&self, reply: Reply) {
        *self.shared.usual.lock().unwrap() = reply;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The settings of a receiver at an address.
pub fn settings(id: &str, url: &str) -> dustline::config::settings::Receiver {
    dustline::config::settings::Receiver {
        id: id.to_owned(),
        name: Names::plain(id),
        url: Secret::new(url),
        secrets: vec![Secret::new(SECRET)],
        format: BodyFormat::Dustline,
        mail: None,
        language: Language::Ko,
        events: vec![EventKind::Change, EventKind::Operational],
        zones: None,
        timeout: Duration::from_secs(10),
        real_only: false,
        fallback: None,
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text =
        |name: &str| headers.get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    let webhook = standardwebhooks::Webhook::new(SECRET).unwrap();
    let got = Got {
        at: Instant::now(),
        method,
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        id: text("webhook-id"),
        verified: webhook.verify(&body, &headers).is_ok(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        bytes: body,
        headers: headers.clone(),
    };
    let reply = shared.reply(&got.id);
    shared.got.send_modify(|all| all.push(got));
    let status = |code: u16| StatusCode::from_u16(code).unwrap();
    match reply {
        Reply::Status(code) => (status(code), "so be it").into_response(),
        Reply::Json(text) => text.into_response(),
        Reply::RetryAfter(code, seconds) => {
            (status(code), [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
        Reply::Redirect => {
            (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, "/elsewhere")]).into_response()
        }
        Reply::Hang => std::future::pending().await,
        // Ends the task of this connection without a word on the terminal.
        Reply::Close => std::panic::resume_unwind(Box::new("the receiver closes the connection")),
    }
}
