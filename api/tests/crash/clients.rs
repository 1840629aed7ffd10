//! Clients that send the same write under the same key until they have an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::processes::FOREVER;
use crate::region::{FAMILIES, Region};

/// The pause before a write is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(20);

/// Something to be done once.
#[derive(Debug, Clone)]
pub struct Write {
    pub key: String,
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    /// How many events it comes to, where that is fixed.
    pub events: Option<usize>,
}

impl Write {
    pub fn new(method: Method, key: impl Into<String>, path: &str, body: Option<Value>) -> Self {
        Self { key: key.into(), method, path: path.to_owned(), body, events: None }
    }

    pub fn post(key: impl Into<String>, path: &str, body: Value) -> Self {
        Self::new(Method::POST, key, path, Some(body))
    }
}

/// A write with its answer.
#[derive(Debug, Clone)]
pub struct Answered {
    pub write: Write,
    pub status: u16,
    pub body: Value,
}

impl Answered {
    pub fn is_done(&self) -> bool {
        self.status < 300
    }

    /// The ids that the answer gives out.
    pub fn ids(&self) -> Vec<String> {
        let items = self.body.as_array().map_or(std::slice::from_ref(&self.body), Vec::as_slice);
        let ids = items.iter().flat_map(|item| [&item["id"], &item["point"]["checkinId"]]);
        ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }
}

/// What came in the way of answers.
#[derive(Debug, Default)]
pub struct Trouble {
    /// The connection was lost between request and answer.
    pub unanswered: AtomicUsize,
    /// 503.
    pub unavailable: AtomicUsize,
}

/// Someone with a token at one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    address: watch::Receiver<String>,
    token: String,
    trouble: Arc<Trouble>,
}

impl Client {
    pub fn new(address: watch::Receiver<String>, token: &str) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(40)).build();
        let http = http.expect("a client");
        Self { http, address, token: token.to_owned(), trouble: Arc::default() }
    }

    pub fn trouble(&self) -> &Trouble {
        &self.trouble
    }

    /// The answer, however often it takes to get one.
    pub async fn send(&self, write: Write) -> Answered {
        let since = Instant::now();
        loop {
            let outcome = self.try_send(&write).await;
            match outcome {
                Ok((status, body)) => return Answered { write, status, body },
                Err(why) => {
                    assert!(since.elapsed() < FOREVER, "{write:?}: {why}");
                    sleep(AGAIN_AFTER).await;
                }
            }
        }
    }

    /// One answer that means something, or why there is none yet.
    async fn try_send(&self, write: &Write) -> Result<(u16, Value), String> {
        let url = format!("{}{}", *self.address.borrow(), write.path);
        let mut request = self.http.request(write.method.clone(), url).bearer_auth(&self.token);
        request = request.header("idempotency-key", &write.key);
        if let Some(body) = &write.body {
            request = request.json(body);
        }
        let lost = |error: reqwest::Error| {
            // Where there was no connection, nothing was sent.
            let was_sent = usize::from(!error.is_connect());
            self.trouble.unanswered.fetch_add(was_sent, Ordering::Relaxed);
            error.to_string()
        };
        let response = request.send().await.map_err(lost)?;
        let status = response.status().as_u16();
        let is_told_when = response.headers().contains_key(RETRY_AFTER);
        let text = response.text().await.map_err(lost)?;
        match status {
            503 => {
                assert!(is_told_when, "503 without Retry-After: {text}");
                self.trouble.unavailable.fetch_add(1, Ordering::Relaxed);
                Err(text)
            }
            // What was sent before is still being carried out.
            409 if text.contains("under-way") => Err(text),
            500.. => panic!("{write:?}: {status} {text}"),
            _ if text.is_empty() => Ok((status, Value::Null)),
            _ => Ok((status, serde_json::from_str(&text).expect("answers are JSON"))),
        }
    }

    /// Does what must succeed.
    pub async fn does(&self, write: Write) -> Value {
        let answered = self.send(write).await;
        assert!(answered.is_done(), "{answered:?}");
        answered.body
    }
}

/// Clients at work: check-ins, a family's tickets, corrections; each at its own pace.
pub struct Load {
    clients: JoinSet<()>,
    answers: mpsc::UnboundedReceiver<Answered>,
    answered: Vec<Answered>,
    ends: Arc<AtomicBool>,
}

impl Load {
    /// As many clients as there are families, at each of these servers: of every family one at each.
    pub fn start(region: &Region, servers: &[Client]) -> Self {
        Self::with_rests(region, servers, Duration::ZERO)
    }

    /// The same at the pace of counters: each client rests before its next write.
    pub fn at_ease(region: &Region, servers: &[Client]) -> Self {
        Self::with_rests(region, servers, Duration::from_millis(200))
    }

    fn with_rests(region: &Region, servers: &[Client], rest: Duration) -> Self {
        let (told, answers) = mpsc::unbounded_channel();
        let ends = Arc::<AtomicBool>::default();
        let mut clients = JoinSet::new();
        for (server, client) in servers.iter().enumerate() {
            for family in 0..FAMILIES {
                let (client, told, ends) = (client.clone(), told.clone(), ends.clone());
                let region = region.clone();
                clients.spawn(async move {
                    let mut last_check_in = None;
                    for turn in 0.. {
                        if ends.load(Ordering::Relaxed) {
                            return;
                        }
                        let key = format!("load-{server}-{family}-{turn}");
                        let write = match (turn % 8, last_check_in.take()) {
                            (1 | 3 | 5, _) => region.tickets(key, family),
                            (7, Some(check_in)) => region.correction(key, check_in),
                            _ => region.check_in(key, family, turn),
                        };
                        let answered = client.send(write).await;
                        assert!(answered.is_done(), "{answered:?}");
                        last_check_in = answered.body["id"].as_str().map(str::to_owned);
                        if told.send(answered).is_err() {
                            return;
                        }
                        sleep(rest).await;
                    }
                });
            }
        }
        Self { clients, answers, answered: Vec::new(), ends }
    }

    /// Waits until so many more were answered from now on.
    pub async fn more(&mut self, count: usize) {
        while let Ok(answered) = self.answers.try_recv() {
            self.answered.push(answered);
        }
        for _ in 0..count {
            self.next().await;
        }
    }

    /// Waits until the answers so far come to so many events.
    pub async fn until_events(&mut self, events: usize) {
        let of = |answered: &Answered| answered.write.events.unwrap_or_default();
        let mut written: usize = self.answered.iter().map(of).sum();
        while written < events {
            self.next().await;
            written += self.answered.last().map_or(0, of);
        }
    }

    async fn next(&mut self) {
        tokio::select! {
            answered = timeout(FOREVER, self.answers.recv()) => {
                let answered = answered.expect("the load stands still");
                self.answered.push(answered.expect("clients at work"));
            }
            ended = self.clients.join_next() => {
                ended.expect("clients at work").expect("no client panics");
            }
        }
    }

    /// Everything that was answered, after the last answers came in.
    pub async fn end(mut self) -> Vec<Answered> {
        self.ends.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.expect("no client panics");
        }
        while let Ok(answered) = self.answers.try_recv() {
            self.answered.push(answered);
        }
        self.answered
    }
}
