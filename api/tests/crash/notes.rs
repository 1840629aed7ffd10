//! Tickets are sold and cancelled and notes issued, all at once and day after day, and the system is
//! killed meanwhile: in the end each line is on exactly one note.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{Days, NaiveDate, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;
use uitpas_domain::calendar::day_in_belgium;

use crate::clients::{Answered, Client, Write};
use crate::processes::{Home, Server};
use crate::proof::{ask_again, position, prove, report};
use crate::region::{COUNTER, Region};
use crate::{alone, rounds};

/// How many sell and cancel at once, and how many issue notes.
const SELLERS: usize = 8;
const ISSUERS: usize = 2;
/// Days from one start to the next.
const DAYS: u64 = 3;
/// So many writes are answered between two kills.
const ANSWERS: usize = 150;

/// What the clients have in common.
#[derive(Clone)]
struct Work {
    region: Region,
    client: Client,
    first_day: NaiveDate,
    today: Arc<Mutex<NaiveDate>>,
    /// Each write has a key of its own; also what the choices of the clients begin with.
    round: usize,
    sold: Arc<Mutex<Vec<String>>>,
    answered: Arc<Mutex<Vec<Answered>>>,
    ends: Arc<AtomicBool>,
}

impl Work {
    async fn does(&self, write: Write) -> Answered {
        let answered = self.client.send(write).await;
        self.answered.lock().expect("nobody panics").push(answered.clone());
        answered
    }

    async fn sells(self, seller: usize) {
        let mut choice = StdRng::seed_from_u64((self.round * 100 + seller) as u64);
        for turn in 0.. {
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            let key = format!("sale-{}-{seller}-{turn}", self.round);
            let one = {
                let mut sold = self.sold.lock().expect("nobody panics");
                let cancels = !sold.is_empty() && choice.gen_bool(0.3);
                cancels.then(|| {
                    let index = choice.gen_range(0..sold.len());
                    sold.swap_remove(index)
                })
            };
            match one {
                Some(sale) => {
                    let path = format!("/v4/ticket-sales/{sale}");
                    let cancelled = self.does(Write::new(Method::DELETE, key, &path, None)).await;
                    assert!(cancelled.is_done(), "{cancelled:?}");
                }
                None => {
                    let sold = self.does(self.region.tickets(key, seller)).await;
                    assert!(sold.is_done(), "{sold:?}");
                    let ids = sold.body.as_array().expect("tickets").iter();
                    let ids = ids.map(|sale| sale["id"].as_str().expect("an id").to_owned());
                    self.sold.lock().expect("nobody panics").extend(ids);
                }
            }
        }
    }

    /// Periods at random: some overlap those of earlier notes, some have nothing in them.
    async fn issues(self, issuer: usize) {
        let mut choice = StdRng::seed_from_u64((self.round * 100 + 50 + issuer) as u64);
        for turn in 0.. {
            if self.ends.load(Ordering::Relaxed) {
                return;
            }
            let past = {
                let today = *self.today.lock().expect("nobody panics");
                (today - self.first_day).num_days().cast_unsigned()
            };
            if past > 0 {
                let from = choice.gen_range(0..past);
                let until = choice.gen_range(from..past);
                let key = format!("note-{}-{issuer}-{turn}", self.round);
                let day = |of: u64| self.first_day + Days::new(of);
                let issued = self.does(note(key, day(from), day(until))).await;
                assert!(matches!(issued.status, 201 | 400 | 409), "{issued:?}");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

fn note(key: String, from: NaiveDate, until: NaiveDate) -> Write {
    let period = json!({ "startDate": from, "endDate": until });
    Write::post(key, &format!("/admin/v1/counters/{COUNTER}/notes"), period)
}

/// R-NOTE-04, R-NOTE-05, R-NOTE-08
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_each_line_is_on_exactly_one_note() {
    let _alone = alone().await;
    let home = Home::new();
    let noon = Utc::now().date_naive().and_hms_opt(11, 0, 0).expect("a time").and_utc();
    let mut server = Server::start_at(&home, Some(noon)).await;
    let region = Region::build(&home, &server).await;
    let client = Client::new(server.address(), &region.token);
    let after = position(&home).await;
    let (sold, answered) = <(Arc<Mutex<Vec<_>>>, Arc<Mutex<Vec<Answered>>>)>::default();
    let first_day = day_in_belgium(noon);
    let mut now = noon;
    for round in 0..=rounds() {
        let work = Work {
            region: region.clone(),
            client: client.clone(),
            first_day,
            today: Arc::new(Mutex::new(day_in_belgium(now))),
            round,
            sold: sold.clone(),
            answered: answered.clone(),
            ends: Arc::default(),
        };
        let mut clients = JoinSet::new();
        (0..SELLERS).for_each(|seller| drop(clients.spawn(work.clone().sells(seller))));
        (0..ISSUERS).for_each(|issuer| drop(clients.spawn(work.clone().issues(issuer))));
        let before = answered.lock().expect("nobody panics").len();
        while answered.lock().expect("nobody panics").len() < before + ANSWERS {
            tokio::select! {
                () = sleep(Duration::from_millis(5)) => {}
                Some(ended) = clients.join_next() => ended.expect("no client panics"),
            }
        }
        // The clients go on through it: what they were waiting for happens on the next day.
        server.kill().await;
        now = now + Days::new(DAYS);
        *work.today.lock().expect("nobody panics") = day_in_belgium(now);
        server.turn_to(now);
        server.start_again(&home).await;
        work.ends.store(true, Ordering::Relaxed);
        while let Some(ended) = clients.join_next().await {
            ended.expect("no client panics");
        }
    }

    // One last note, of everything after the others.
    let issued = notes(&client).await;
    let until = day_in_belgium(now) + Days::new(1);
    server.kill().await;
    now = now + Days::new(DAYS);
    server.turn_to(now);
    server.start_again(&home).await;
    let last = issued.iter().filter_map(|note| note["endDate"].as_str()?.parse().ok()).max();
    let from = last.map_or(first_day, |last: NaiveDate| last + Days::new(1));
    let closed = client.send(note("the last one".to_owned(), from, until)).await;
    assert!(closed.is_done(), "{closed:?}");
    let mut answered = answered.lock().expect("nobody panics").clone();
    answered.push(closed);

    let notes = notes(&client).await;
    assert!(notes.len() > 1, "more than the last one");
    each_line_is_on_one(&answered, &notes);
    prove(&home, &[&server], after, &answered).await;
    ask_again(&home, &client, &answered).await;
    println!("{} notes", notes.len());
    report("uitpas killed between notes", rounds() + 2, &answered, &[client]);
}

/// All notes with their lines.
async fn notes(client: &Client) -> Vec<Value> {
    let path = format!("/admin/v1/counters/{COUNTER}/notes");
    let list = client.does(Write::new(Method::GET, "list", &path, None)).await;
    let mut notes = Vec::new();
    for note in list.as_array().expect("notes") {
        let path = format!("{path}/{}", note["number"]);
        notes.push(client.does(Write::new(Method::GET, "note", &path, None)).await);
    }
    notes
}

fn cents(amount: &Value) -> i64 {
    (amount.as_f64().expect("an amount") * 100.0).round() as i64
}

/// Of every sale that was acknowledged: its share on one note; if it was cancelled, no line at all, or
/// one more on a note that names the first. And the notes sum to what was not cancelled.
fn each_line_is_on_one(answered: &[Answered], notes: &[Value]) {
    let mut lines: BTreeMap<String, Vec<(i64, u64, Option<u64>)>> = BTreeMap::new();
    for note in notes {
        let number = note["number"].as_u64().expect("a number");
        let own = note["lines"].as_array().expect("lines");
        let total: i64 = own.iter().map(|line| cents(&line["municipalityShare"])).sum();
        assert_eq!(total, cents(&note["total"]), "note {number}");
        for line in own {
            let sale = line["saleId"].as_str().expect("an id").to_owned();
            let share = cents(&line["municipalityShare"]);
            lines.entry(sale).or_default().push((share, number, line["corrects"].as_u64()));
        }
    }
    let (mut sold, mut owed, mut corrected) = (0, 0, 0);
    let cancelled: Vec<&str> = answered
        .iter()
        .filter(|answered| answered.is_done())
        .filter_map(|answered| answered.write.path.strip_prefix("/v4/ticket-sales/"))
        .collect();
    for sale in answered.iter().filter(|answered| answered.write.path == "/v4/ticket-sales") {
        for id in sale.body.as_array().expect("tickets").iter().map(|sale| &sale["id"]) {
            let id = id.as_str().expect("an id");
            sold += 1;
            let found = lines.remove(id).unwrap_or_default();
            match (cancelled.contains(&id), &found[..]) {
                (false, [(share, _, None)]) => owed += share,
                (true, []) => {}
                (true, [(one, first, None), (other, _, Some(named))])
                | (true, [(other, _, Some(named)), (one, first, None)])
                    if one + other == 0 && first == named =>
                {
                    corrected += 1;
                }
                _ => panic!("{id}: {found:?}"),
            }
        }
    }
    assert!(lines.is_empty(), "lines of sales that nobody acknowledged: {lines:?}");
    let total: i64 = notes.iter().map(|note| cents(&note["total"])).sum();
    assert_eq!(total, owed);
    assert!(corrected > 0 && cancelled.len() > corrected, "{corrected} of {}", cancelled.len());
    println!("{sold} tickets, {} cancelled, {corrected} of them after issue", cancelled.len());
}
