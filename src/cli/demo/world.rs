//! Everything that happens: broker, network, daemon and receiver, from start to
//! a stop at which nothing is left under way.

use super::plan::{BEGAN, EVERY, Plan, another};
use super::stage::{Scene, Stage};
use super::{bulletins, mishaps, officers};
use crate::app::{App, AppError};
use crate::cli::{Code, Failure, run as daemon};
use crate::clock::Clock;
use crate::config::Settings;
use crate::mqtt::{PublishError, Target};
use crate::simulate::{Broker, Episode, Feed, Pace, Receiver};
use crate::store::{NoticeState, Reader};
use crate::telemetry::Health;
use crate::web::Span;
use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// How many ports are tried for the page.
const PORTS_MAX: usize = 20;
/// How long the daemon may take to subscribe.
const UP_MAX: Duration = Duration::from_secs(10);
/// How long what was sent may take to be stored and told.
const SETTLE_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Plays until told to stop. Returns how many messages the broker acknowledged.
pub fn run(plan: &Plan, stage: &Stage) -> Result<u64, Failure> {
    let _end = EndWhenDropped(stage);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(play(plan, stage))
}

/// Tells the show, also if the world breaks off.
struct EndWhenDropped<'a>(&'a Stage);

impl Drop for EndWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn play(plan: &Plan, stage: &Stage) -> Result<u64, Failure> {
    let stop = daemon::stop_signal()?;
    // A terminal that is closed takes the temporary data with it.
    let mut gone = signal(SignalKind::hangup())?;
    let broker = Broker::start()?;
    let receiver = Receiver::bind().await?;
    let clock = Clock::fast(plan.start, plan.speed);
    let (app, settings) = start(plan, &clock, broker.port, receiver.address).await?;
    let health = app.health.clone();
    let scene = scene(plan, &settings, &clock);
    stage.begin(scene.clone());
    let told_to_stop = async {
        tokio::select! {
            () = stop => {}
            _ = gone.recv() => {}
            () = stage.stopped() => {}
            () = length(plan.length) => {}
        }
    };
    let (finish, sent) = (Notify::new(), RefCell::new(None));
    let directing = async {
        let port = broker.port;
        let done = direct(plan, stage, &scene, (port, &health), told_to_stop).await;
        sent.replace(Some(done));
        finish.notify_one();
        std::future::pending::<()>().await;
    };
    let secret = settings.receivers.iter().find_map(|r| r.secrets.first());
    let secret = secret.map_or("", |s| s.reveal());
    tokio::select! {
        ended = app.run_until(finish.notified()) => ended?,
        served = receiver.serve(secret, |received| stage.told(received)) => served?,
        () = directing => {}
    }
    sent.take().unwrap_or_else(|| Err(Failure::new(Code::Failed, "the receiver ended by itself")))
}

/// Starts the daemon; on another port if somebody has the one asked for.
async fn start(
    plan: &Plan,
    clock: &Clock,
    broker: u16,
    receiver: SocketAddr,
) -> Result<(App, Settings), Failure> {
    let mut listen = plan.listen;
    for _ in 0..PORTS_MAX {
        if listen.port() == 0 {
            listen = another(listen)?;
        }
        let settings = plan.settings(listen, broker, receiver)?;
        match App::start(Arc::new(settings.clone()), clock.clone()).await {
            Ok(app) => return Ok((app, settings)),
            Err(AppError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => {
                listen.set_port(0);
            }
            Err(AppError::Listen { source, address }) => {
                return Err(Failure::new(Code::Usage, format!("--listen {address}: {source}")));
            }
            Err(e) => return Err(e.into()),
        }
    }
    let words = format!("no free port on {} in {PORTS_MAX} attempts", listen.ip());
    Err(Failure::new(Code::Failed, words))
}

fn scene(plan: &Plan, settings: &Settings, clock: &Clock) -> Scene {
    let asked = plan.listen;
    let languages = settings.receivers.iter().map(|r| (r.id.clone(), r.language)).collect();
    let url = format!("{}/", settings.http.base_url.trim_end_matches('/'));
    Scene {
        clock: clock.clone(),
        url,
        taken: (asked.port() != 0 && asked != settings.http.listen).then_some(asked),
        languages,
        zones: settings.zones.clone(),
        stations: settings.stations.clone(),
        hotline: settings.hotline.clone().unwrap_or_default(),
        tokens: settings.party_tokens.clone(),
    }
}

async fn length(length: Option<Duration>) {
    match length {
        Some(length) => tokio::time::sleep(length).await,
        None => std::future::pending().await,
    }
}

/// Sends until told to stop, then waits until everything is stored and told.
async fn direct(
    plan: &Plan,
    stage: &Stage,
    scene: &Scene,
    (port, health): (u16, &Health),
    told_to_stop: impl Future<Output = ()>,
) -> Result<u64, Failure> {
    subscribed(health).await?;
    let feed = Feed {
        network: plan.network.clone(),
        episode: Episode::Haze,
        began: BEGAN,
        pace: Pace::Every(EVERY),
        count: None,
        clock: scene.clock.clone(),
    };
    let stops = [(); 4].map(|()| Notify::new());
    let [stop_feed, stop_bulletins, stop_mishaps, stop_officers] = &stops;
    let stopping = async {
        told_to_stop.await;
        stage.ending();
        stops.iter().for_each(Notify::notify_one);
        Ok(())
    };
    let failed = |e: PublishError| Failure::new(Code::Failed, e);
    let [network, offices, mishaps] =
        ["demo-network", "demo-offices", "demo-mishaps"].map(|name| target(port, name));
    let handed = &stage.handed;
    let feeding = feed.run_counting(&network, stop_feed.notified(), handed);
    let foretelling = bulletins::send(&feed, &offices, stop_bulletins.notified(), handed);
    let failing = mishaps::send(&feed, &mishaps, stop_mishaps.notified(), handed);
    let acting = officers::work(scene, stage, stop_officers.notified());
    let (fed, foretold, failed_messages, (), ()) =
        tokio::try_join!(feeding, foretelling, failing, acting, stopping).map_err(failed)?;
    let sent = fed + foretold + failed_messages;
    settled(plan, sent).await?;
    Ok(sent)
}

fn target(port: u16, client_id: &str) -> Target {
    Target {
        host: "127.0.0.1".to_owned(),
        port,
        tls: None,
        client_id: client_id.to_owned(),
        username: None,
        password: None,
        qos: 1,
    }
}

/// The embedded broker keeps nothing for those who have not subscribed yet.
async fn subscribed(health: &Health) -> Result<(), Failure> {
    let asked = Instant::now();
    let up = || {
        let parts = health.report(Instant::now());
        parts.iter().any(|p| p.part.starts_with("source/") && p.state == "ok")
    };
    while !up() {
        if asked.elapsed() > UP_MAX {
            let words = format!("the daemon has not subscribed within {} s", UP_MAX.as_secs());
            return Err(Failure::new(Code::Failed, words));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Waits until everything that was sent is in the ledger and every notice is
/// told. What is missing after [`SETTLE_MAX`] the summary will say.
async fn settled(plan: &Plan, sent: u64) -> Result<(), Failure> {
    let asked = Instant::now();
    let mut reader = Reader::open(&plan.data_dir)?;
    let mut index = reader.index()?;
    while asked.elapsed() < SETTLE_MAX {
        reader.catch_up(&mut index)?;
        let received = Span::new(&index, None, None).sum(&reader)?.messages.received;
        let pending = reader.outbox(Some(NoticeState::Pending), 0, 1)?;
        if received >= plan.received_before + sent && pending.is_empty() {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(())
}
