//! A database of the v2 write API that answers as a test tells it to.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use std::io::Read;
use std::sync::{Arc, Mutex};

/// From the number of the request (from 0) and its text to status and words.
type Answer = Box<dyn Fn(usize, &str) -> (u16, &'static str) + Send + Sync>;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Got {
    /// Where.
    pub path: String,
    /// With which parameters.
    pub query: String,
    /// Every header.
    pub headers: HeaderMap,
    /// The body, unpacked.
    pub text: String,
    /// What it was told.
    pub status: u16,
}

/// The database; it lives as long as this.
pub struct Database {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    answer: Answer,
    got: Mutex<Vec<Got>>,
}

impl Database {
    /// One that answers so.
    pub async fn new(
        answer: impl Fn(usize, &str) -> (u16, &'static str) + Send + Sync + 'static,
    ) -> Database {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { answer: Box::new(answer), got: Mutex::default() });
        let app = Router::new()
            .fallback(take)
            .layer(DefaultBodyLimit::disable())
            .with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Database { address, shared, task }
    }

    /// Its base address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn got(&self) -> Vec<Got> {
        self.shared.got.lock().unwrap().clone()
    }

    /// The lines of the requests that it has taken.
    pub fn taken(&self) -> Vec<String> {
        let got = self.got();
        let taken = got.iter().filter(|g| g.status < 300);
        taken.flat_map(|g| g.text.lines().map(str::to_owned)).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn take(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let mut text = String::new();
    if headers.get("content-encoding").is_some_and(|e| e == "gzip") {
        flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(body.to_vec()).unwrap();
    }
    let mut got = shared.got.lock().unwrap();
    let (status, words) = (shared.answer)(got.len(), &text);
    got.push(Got {
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
        text,
        status,
    });
    (StatusCode::from_u16(status).unwrap(), words)
}
