//! The hotline under load: from the commit of what is told to the first attempt at
//! the last of its receivers, a thousand receivers with ten thousand notices of
//! which one is dead, and a list of a year of incidents. The daemon runs in this
//! process, on a real store and over real HTTP; that notices are on disk is taken
//! from its log, so that both ends have one clock.

#[path = "support/figures.rs"]
mod figures;

use anyhow::{Context, Result, bail, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::IntoResponse;
use dustline::air::Stamp;
use dustline::app::App;
use dustline::clock::Clock;
use dustline::config::{self, Machine, Settings};
use dustline::store::{IncidentFilter, IncidentRow, NoticeState, Reader, Writer};
use figures::{load, print_machine, quantile};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Acts whose notices are timed …
const ACTS: usize = 200;
/// … each told to so many receivers.
const RECEIVERS: [usize; 3] = [2, 10, 100];
/// Receivers of the large case, one of them dead …
const MANY: usize = 1_000;
/// … and the notices for each of them.
const EACH: usize = 10;
/// Incidents of a year: four a day.
const YEAR: i64 = 4 * 365;
/// Times that the year is listed.
const LISTINGS: usize = 21;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often it is looked whether the daemon is up.
const LOOK: Duration = Duration::from_millis(20);

fn main() -> Result<()> {
    print_machine();
    let (commits, committed) = mpsc::channel();
    tracing_subscriber::registry().with(Commits(commits)).try_init()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!(
        "| receivers | connections | act to last notice, ms: median, p99 | commit to last notice | commit to first notice |"
    );
    println!("|---|---|---|---|---|");
    for receivers in RECEIVERS {
        for kept in [true, false] {
            runtime.block_on(at_once(receivers, kept, &committed))?;
        }
    }
    println!("load: {}", load());
    println!("| what | figure | aimed at |");
    println!("|---|---|---|");
    runtime.block_on(many())?;
    year()?;
    println!("load after: {}", load());
    Ok(())
}

/// Says when notices are on disk.
struct Commits(mpsc::Sender<Instant>);

impl<S: tracing::Subscriber> Layer<S> for Commits {
    fn enabled(
        &self,
        about: &tracing::Metadata<'_>,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) -> bool {
        about.target() == "dustline::intake::task"
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let now = Instant::now();
        let mut notices = Notices(false);
        event.record(&mut notices);
        if notices.0 {
            // Nobody listens any more at the end.
            let _ = self.0.send(now);
        }
    }
}

/// Whether a line of the log is the one about notices.
struct Notices(bool);

impl Visit for Notices {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 |= field.name() == "message" && format!("{value:?}") == "notices are on disk";
    }
}

/// From the commit of what an act tells to the arrival of the last of its notices.
/// Each act begins when what became of the notices before is on disk, too.
async fn at_once(receivers: usize, kept: bool, committed: &mpsc::Receiver<Instant>) -> Result<()> {
    let line = Line::up(receivers, kept, false).await?;
    let (mut acted, mut last, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..ACTS {
        line.settled().await?;
        committed.try_iter().for_each(drop);
        let before = line.arrived.borrow().len();
        let began = Instant::now();
        line.note(n).await?;
        let came = line.arrived(before + receivers).await?.split_off(before);
        let commits: Vec<Instant> = committed.try_iter().collect();
        let ([commit], [one, .., all]) = (&commits[..], &came[..]) else {
            bail!("{} commits with {} notices of one act", commits.len(), came.len())
        };
        let ms = |from: &Instant, to: &Instant| (*to - *from).as_secs_f64() * 1e3;
        acted.push(ms(&began, all));
        last.push(ms(commit, all));
        first.push(ms(commit, one));
    }
    let of =
        |samples: &[f64]| format!("{:.2}, {:.2}", quantile(samples, 0.5), quantile(samples, 0.99));
    let connections = if kept { "kept" } else { "new" };
    println!("| {receivers} | {connections} | {} | {} | {} |", of(&acted), of(&last), of(&first));
    line.down().await
}

/// A thousand receivers, one of which never answers.
async fn many() -> Result<()> {
    let before = resident()?;
    let line = Line::up(MANY, true, true).await?;
    let began = Instant::now();
    for n in 1..EACH {
        line.note(n).await?;
    }
    line.arrived((MANY - 1) * EACH).await?;
    println!(
        "| {} notices for {MANY} receivers, one dead, to the last at a living one | {:.1} s | |",
        MANY * EACH,
        began.elapsed().as_secs_f64()
    );
    let grown = resident()?.saturating_sub(before);
    println!("| memory by which the process has grown, receiver included | {grown} MB | |");
    line.down().await
}

/// A year of incidents, listed.
fn year() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut writer = Writer::open(dir.path())?;
    writer.begin()?;
    let state = json!({
        "case": "2026-0001", "cause": "pm2_5", "group": "all", "level": { "name": "none" },
        "parties": vec![json!({ "party": "KR", "owes": null, "called": ["a", "b", "c"] }); 2],
        "measures": vec![json!({ "kind": "power", "place": "Chungnam", "text": "x".repeat(200) }); 6],
        "missing": [], "entries": 40, "head": "0".repeat(64),
    });
    for n in 0..YEAR {
        let at = Stamp(1_767_225_600_000 + n * 6 * 3_600_000);
        writer.put_incident(&IncidentRow {
            row: 0,
            id: format!("{n:026}"),
            case: format!("2026-{n:04}"),
            exercise: false,
            opened: at,
            closed: Some(at.plus(Duration::from_secs(3600))),
            state: state.clone(),
        })?;
    }
    writer.commit()?;
    let reader = Reader::open(dir.path())?;
    let mut samples = Vec::new();
    for _ in 0..LISTINGS {
        let began = Instant::now();
        let filter = IncidentFilter { limit: 10_000, ..IncidentFilter::default() };
        let rows = reader.incidents(&filter, 0)?;
        let text = serde_json::to_string(&rows.iter().map(|r| &r.state).collect::<Vec<_>>())?;
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        ensure!(rows.len() == YEAR as usize && !text.is_empty(), "{} listed", rows.len());
    }
    let median = quantile(&samples, 0.5);
    println!(
        "| a year of {YEAR} incidents read and written as JSON, median | {median:.1} ms | 50 ms |"
    );
    Ok(())
}

/// A daemon with one open incident, and the receivers of its only party.
struct Line {
    _dir: tempfile::TempDir,
    client: reqwest::Client,
    /// Where acts go.
    notes: String,
    /// When each notice came.
    arrived: watch::Receiver<Vec<Instant>>,
    reader: Reader,
    stop: Arc<Notify>,
    running: std::thread::JoinHandle<Result<()>>,
}

impl Line {
    async fn up(receivers: usize, kept: bool, one_dead: bool) -> Result<Line> {
        // An error says that a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (came, arrived) = watch::channel(Vec::new());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let at = listener.local_addr()?.to_string();
        let router = Router::new().fallback(take).with_state((came, kept));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let dir = tempfile::tempdir()?;
        let text = config(dir.path(), &free.to_string(), &at, receivers, one_dead);
        let loaded = config::parse(&text, "bench.toml", dir.path(), &Machine)
            .map_err(|refused| anyhow::anyhow!("{refused}"))?;
        let stop = Arc::new(Notify::new());
        let running = daemon(loaded.settings, stop.clone());
        let client = reqwest::Client::builder().no_proxy().build()?;
        let incidents = format!("http://{free}/api/v1/incidents");
        let opening = json!({ "cause": "bench", "text": "many are told" });
        while client.get(&incidents).send().await.is_err() {
            ensure!(!running.is_finished(), "the daemon does not start");
            tokio::time::sleep(LOOK).await;
        }
        let opened = post(&client, &incidents, &opening).await?;
        let id = opened["incident"]["id"].as_str().context("no incident")?;
        let notes = format!("{incidents}/{id}/notes");
        let reader = Reader::open(dir.path())?;
        let line = Line { _dir: dir, client, notes, arrived, reader, stop, running };
        line.arrived(receivers - usize::from(one_dead)).await?;
        Ok(line)
    }

    async fn note(&self, number: usize) -> Result<()> {
        let body = json!({ "text": format!("note {number}") });
        post(&self.client, &self.notes, &body).await.map(drop)
    }

    /// Waits until so many notices have come in all; when each did.
    async fn arrived(&self, notices: usize) -> Result<Vec<Instant>> {
        let mut arrived = self.arrived.clone();
        let enough = arrived.wait_for(|came| came.len() >= notices);
        let came =
            tokio::time::timeout(PATIENCE, enough).await.context("notices are missing")??;
        Ok(came.clone())
    }

    /// Waits until what became of every notice is on disk.
    async fn settled(&self) -> Result<()> {
        while !self.reader.outbox(Some(NoticeState::Pending), 0, 1)?.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn down(self) -> Result<()> {
        self.stop.notify_one();
        let joined = tokio::task::spawn_blocking(|| self.running.join()).await?;
        joined.map_err(|_| anyhow::anyhow!("the daemon broke off"))?
    }
}

/// The daemon on threads of its own, until told to stop.
fn daemon(settings: Settings, stop: Arc<Notify>) -> std::thread::JoinHandle<Result<()>> {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let app = App::start(Arc::new(settings), Clock::system()).await?;
            Ok(app.run_until(stop.notified()).await?)
        })
    })
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> Result<Value> {
    let request = client.post(url).bearer_auth("operator").body(body.to_string());
    let answer = request.send().await?;
    let (status, text) = (answer.status(), answer.text().await?);
    ensure!(status.is_success(), "{status}: {text}");
    Ok(serde_json::from_str(&text)?)
}

/// Notes what comes; the dead receiver never answers. A connection that is not
/// kept is closed with the answer.
async fn take(
    State((came, kept)): State<(watch::Sender<Vec<Instant>>, bool)>,
    uri: Uri,
) -> impl IntoResponse {
    if uri.path() == "/dead" {
        std::future::pending::<()>().await;
    }
    let now = Instant::now();
    came.send_modify(|came| came.push(now));
    [(header::CONNECTION, if kept { "keep-alive" } else { "close" })]
}

fn config(dir: &Path, listen: &str, at: &str, receivers: usize, one_dead: bool) -> String {
    let dead = |n: usize| if one_dead && n == 0 { "dead".to_owned() } else { format!("r{n}") };
    let all: String = (0..receivers)
        .map(|n| {
            let path = dead(n);
            format!(
                "[[receiver]]\nid = \"r{n}\"\nurl = \"http://{at}/{path}\"\nlanguage = \"ko\"\n\
                 secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\nevents = [\"incident\"]\n"
            )
        })
        .collect();
    let ids: Vec<String> = (0..receivers).map(|n| format!("\"r{n}\"")).collect();
    format!(
        "data_dir = \"{}\"\n[http]\nlisten = \"{listen}\"\noperator_token = \"operator\"\n{all}\
         [[party]]\nid = \"KR\"\nescalation = [{{ after = \"0s\", receivers = [{}] }}]\n\
         [hotline]\nparties = [\"KR\"]\nremind_every = \"0s\"\n",
        dir.display(),
        ids.join(", ")
    )
}

/// The most memory that the process has had, MB.
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1024)
}
