//! A check-in over HTTP, beside the same action called in this process.
//!
//! Server, client, database and the views that are kept up to date share this machine; the client
//! does no more than a client must. Every request carries a token, and goes to another passholder or
//! another activity than the ones before.
//!
//! - `connections=32`: requests per second, each connection sending its next when it has its answer.
//! - `rate=1000`: so many begin in every second, whatever becomes of those before. How long each
//!   took counts from when it should have begun.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use futures::{StreamExt, stream};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use uitpas_api::actions::{Request, check_ins};
use uitpas_api::app::App;
use uitpas_api::auth::{Caller, Kind};
use uitpas_domain::activity::Activity;
use uitpas_domain::card::{self, Card};
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::Counter;
use uitpas_domain::ids::ActivityId;
use uitpas_domain::passholder::Passholder;
use uitpas_projections::Projections;
use uitpas_store::testing::TestDatabase;

use crate::append::open;
use crate::cold::{Latencies, histogram, record};
use crate::region::{
    Holder, Region, SYSTEM, activity_events, activity_id, counter_events, counter_id, long_ago,
    staff, system_events, uuid,
};
use crate::seed::Seed;
use crate::session::{Samples, Session, Unit, bar};

const FULL: &str = "http/checkin/connections=32";
const STEADY: &str = "http/checkin/rate=1000";

const CONNECTIONS: usize = 32;
const REQUESTS_PER_SECOND: u64 = 1_000;
const HOLDERS: u64 = 2_000;
const ACTIVITIES: u64 = 200;

pub async fn measure(session: &mut Session) {
    let (full, steady) = (session.wants(FULL), session.wants(STEADY));
    if !(full || steady) {
        return;
    }
    let rounds = session.rounds();
    let window = session.window(Duration::from_secs(2));
    let progress = bar("http/checkin", 1 + rounds as u64);
    let database = TestDatabase::durable().await;
    seed(&database).await;
    let store = open(&database).await;
    let projections = Projections::open(&store).await.expect("views");
    projections.rebuild(None, |_| {}).await.expect("views of what is there");
    let following = projections.start();
    let door = Door::open(App::new(store, projections)).await;
    door.warm_up().await;
    progress.inc(1);

    let (mut by_http, mut in_process) = <(Samples, Samples)>::default();
    let (mut http_ms, mut process_ms) = <(Latencies, Latencies)>::default();
    for _ in 0..rounds {
        if full {
            by_http.push(rate(&door, By::Http, window).await);
            in_process.push(rate(&door, By::Call, window).await);
        }
        if steady {
            http_ms.push(&at_steady_rate(&door, By::Http, window).await);
            process_ms.push(&at_steady_rate(&door, By::Call, window).await);
        }
        progress.inc(1);
    }
    following.stop().await;
    progress.finish_and_clear();
    if full {
        let peers = [("in process", &in_process)];
        session.add(FULL, Unit::PerSecond("requests"), &by_http, &peers);
    }
    if steady {
        http_ms.add_to(session, STEADY, &[("in process", &process_ms)]);
    }
}

async fn seed(database: &TestDatabase) {
    let region = Region::new();
    let mut seed = Seed::begin(database).await;
    seed.stream::<CardSystem>(&SYSTEM, &system_events()).await;
    seed.stream::<Counter>(&counter_id(), &counter_events()).await;
    for number in 0..ACTIVITIES {
        seed.stream::<Activity>(&nth_activity(number), &activity_events()).await;
    }
    for holder in (0..HOLDERS).map(Holder::nth) {
        let (card_system, of, at) = (SYSTEM, card::Holder::Passholder(holder.id), long_ago());
        let created = card::Event::CreatedDigital { card_system, holder: of, at };
        seed.stream::<Card>(&holder.card, &[created]).await;
        seed.stream::<Passholder>(&holder.id, &[region.registered(holder)]).await;
    }
    seed.end().await;
}

fn nth_activity(number: u64) -> ActivityId {
    activity_id(uuid("activity", number))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Http,
    Call,
}

/// A server, and who sends requests to it.
#[derive(Clone)]
struct Door {
    app: App,
    address: SocketAddr,
    token: Arc<str>,
    /// Connections without a request under way.
    idle: Arc<Mutex<Vec<Connection>>>,
    /// Requests so far.
    count: Arc<AtomicU64>,
}

impl Door {
    async fn open(app: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let router = uitpas_api::http::router(app.clone());
        // It ends with the process.
        tokio::spawn(async move { axum::serve(listener, router).await });
        let token = app.issuer.token(staff(), Kind::User, Utc::now(), TimeDelta::hours(8));
        Self { app, address, token: token.into(), idle: Arc::default(), count: Arc::default() }
    }

    /// Lets the states of all streams be at hand.
    async fn warm_up(&self) {
        let loads = (0..HOLDERS).map(Holder::nth).map(|holder| async move {
            self.app.store.load::<Card>(&holder.card).await.expect("a card");
            self.app.store.load::<Passholder>(&holder.id).await.expect("a passholder");
        });
        stream::iter(loads).buffer_unordered(8).collect::<Vec<_>>().await;
    }

    /// On a connection that is free, or else a new one.
    async fn post(&self, path: &str, body: &str) {
        let idle = self.idle.lock().expect("nobody panics while it holds this").pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => Connection::open(self.address).await,
        };
        let (token, length) = (&self.token, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let (status, body) = connection.send(&request).await;
        assert!(status.starts_with("HTTP/1.1 201 "), "{status}{body}");
        self.idle.lock().expect("nobody panics while it holds this").push(connection);
    }

    /// The next check-in.
    async fn check_in(&self, by: By) {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let holder = Holder::nth(number % HOLDERS);
        assert!(number / HOLDERS < ACTIVITIES, "everybody has been everywhere");
        let activity = nth_activity(number / HOLDERS);
        match by {
            By::Http => {
                let body = json!({"eventId": activity, "uitpasNumber": holder.card});
                self.post("/v4/checkins", &body.to_string()).await;
            }
            By::Call => {
                let caller = Caller { subject: staff(), kind: Kind::User };
                let request = Request { caller, key: None, content: Vec::new() };
                let given = check_ins::check_in(&self.app, &request, &activity, holder.card).await;
                given.expect("a check-in that is carried out");
            }
        }
    }
}

/// A connection of HTTP/1.1 that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self(BufReader::new(stream))
    }

    /// The status line and the body of the answer.
    async fn send(&mut self, request: &str) -> (String, String) {
        self.0.write_all(request.as_bytes()).await.expect("the server reads");
        let status = self.line().await;
        let mut length = 0;
        loop {
            let line = self.line().await.to_ascii_lowercase();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a number");
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.expect("a body");
        (status, String::from_utf8(body).expect("JSON is UTF-8"))
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.expect("the server answers");
        line
    }
}

/// Requests per second.
async fn rate(door: &Door, by: By, window: Duration) -> f64 {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let door = door.clone();
        running.spawn(async move {
            let mut count = 0;
            while began.elapsed() < window {
                door.check_in(by).await;
                count += 1;
            }
            count
        });
    }
    let count: u64 = running.join_all().await.into_iter().sum();
    count as f64 / began.elapsed().as_secs_f64()
}

async fn at_steady_rate(door: &Door, by: By, window: Duration) -> hdrhistogram::Histogram<u64> {
    let count = (window.as_secs_f64() * REQUESTS_PER_SECOND as f64) as u64;
    let began = tokio::time::Instant::now();
    let mut running = JoinSet::new();
    for number in 0..count {
        let due = began + Duration::from_micros(1_000_000 / REQUESTS_PER_SECOND) * number as u32;
        sleep_until(due).await;
        let door = door.clone();
        running.spawn(async move {
            door.check_in(by).await;
            due.elapsed()
        });
    }
    let mut latencies = histogram();
    for latency in running.join_all().await {
        record(&mut latencies, latency);
    }
    latencies
}
