//! The command line, as someone at a terminal runs it.

#[path = "cli/kit.rs"]
mod kit;
#[path = "cli/proof.rs"]
mod proof;
#[path = "cli/trail.rs"]
mod trail;

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor};
use tempfile::TempDir;
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::counter::Counter;
use uitpas_domain::ids::{CardSystemId, CommandId, PassholderId};
use uitpas_domain::metadata::Metadata;
use uitpas_domain::passholder::{self, Passholder};
use uitpas_domain::root::Root;
use uitpas_store::embedded::{Embedded, Options};
use uitpas_store::{Store, Unsuccessful};

/// A data directory that goes with the test.
struct Ledger {
    home: TempDir,
}

impl Ledger {
    fn new() -> Self {
        Self {
            home: tempfile::Builder::new().prefix("uitpas-cli-").tempdir().expect("a directory"),
        }
    }

    /// With a demo day in it, and what that printed.
    fn after_a_day() -> (Self, Value) {
        let ledger = Self::new();
        let summary = ledger.plays();
        (ledger, summary)
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn plays(&self) -> Value {
        self.run(&["demo", "--exit", "--json", "--listen", "127.0.0.1:0"]).json()
    }

    /// Runs a command on this ledger.
    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = uitpas();
        Ran::of(command.args(arguments).arg("--data").arg(self.data()))
    }

    fn path(&self, name: &str) -> String {
        self.home.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    fn writes(&self, name: &str, text: &str) -> String {
        let file = self.path(name);
        fs::write(&file, text).expect("a file");
        file
    }

    /// What a superuser does behind everybody's back.
    fn tampers(&self, statements: &[&str]) {
        let embedded = Embedded::start(&self.data(), Options::default()).expect("a server");
        let options = embedded.superuser_options().database("uitpas");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
            for statement in statements {
                connection.execute(*statement).await.expect("a statement");
            }
            connection.close().await.expect("a farewell");
        });
        embedded.stop();
    }
}

impl Ledger {
    /// A sale of the demo day, as an event.
    fn sold_in_demo(&self) -> Value {
        let sold = self.events("TicketSold").into_iter();
        let mut sold = sold.filter(|event| event["payload"]["TicketSold"]["price"] == "7.25");
        sold.next().expect("the demo sells at 7.25")
    }

    /// A sale of the demo day once more, as if it had been registered on an earlier day: no command
    /// sells in the past. Gives its id.
    fn sold_before(&self, event: &Value, at: &str) -> String {
        let sale = uuid::Uuid::now_v7().to_string();
        let mut payload = event["payload"].clone();
        payload["TicketSold"]["sale"] = sale.as_str().into();
        payload["TicketSold"]["at"] = at.into();
        let sold: passholder::Event = serde_json::from_value(payload).expect("a sale");
        self.happens_to_buyer(event, sold);
        sale
    }

    /// What happens to the passholder of a sale, by whoever sold it.
    fn happens_to_buyer(&self, sale: &Value, event: passholder::Event) {
        let stream = sale["stream"].as_str().expect("a stream");
        let id = stream.strip_prefix("passholder/").expect("a passholder");
        let id: PassholderId = id.parse().expect("an id");
        let metadata = serde_json::from_value(sale["metadata"].clone()).expect("metadata");
        self.records::<Passholder>(&id, event, metadata);
    }

    /// What only the other doors let happen.
    fn records<A: Root>(&self, id: &A::Id, event: A::Event, metadata: Metadata)
    where
        A::Event: Clone,
    {
        let embedded = Embedded::start(&self.data(), Options::default()).expect("a server");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let master = embedded.master_key().expect("a key");
            let store = Store::open(embedded.app_options(), master).await.expect("a store");
            let command = uitpas_store::Command {
                id: CommandId(uuid::Uuid::now_v7()),
                request: [0; 32],
                metadata,
            };
            let recorded = store.execute(command, |work| {
                let event = event.clone();
                async move {
                    work.load::<A>(id).await?;
                    work.record::<A>(id, vec![event])?;
                    Ok::<(), Unsuccessful<Infallible>>(())
                }
            });
            recorded.await.expect("recorded");
        });
        embedded.stop();
    }

    /// The events of a type, in their order.
    fn events(&self, kind: &str) -> Vec<Value> {
        let log = self.run(&["replay", "--json"]).done();
        let events = log.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.filter(|event| event["type"] == kind).collect()
    }
}

fn uitpas() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uitpas"));
    command.env_remove("DATABASE_URL").env_remove("UITPAS_MASTER_KEY").env_remove("RUST_LOG");
    command
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command.output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let ran = Self { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }

    #[track_caller]
    fn done(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// One JSON object, and nothing else.
    #[track_caller]
    fn json(self) -> Value {
        let out = self.done();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }

    /// Failed with this code and these words, on the side for errors, in a line.
    #[track_caller]
    fn failed(self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "{words:?} in {:?}", self.err);
    }
}

/// An amount as it is printed, in cents.
fn cents(amount: &Value) -> i64 {
    let euro = amount.as_f64().unwrap_or_else(|| panic!("a number, not {amount}"));
    (euro * 100.0).round() as i64
}

fn municipalities(summary: &Value) -> Vec<Value> {
    summary["note"]["municipalities"].as_array().expect("a list").clone()
}

/// R-NOTE-08, R-TAR-09: the notes add up, without the cancelled sale; another run doubles nothing.
#[test]
fn a_demo_day_adds_up_and_happens_once() {
    let ledger = Ledger::new();
    let first = ledger.run(&["demo", "--exit", "--json", "--listen", "127.0.0.1:0"]).done();
    let summary: Value = serde_json::from_str(&first).expect("one JSON object");
    assert_eq!(summary["chain"], "ok");
    // Whether a sale gives its point too depends on the hour of the day.
    let count = |what: &str| summary[what].as_u64().expect("a count");
    assert_eq!((count("ticket_sales"), count("redemptions")), (5, 2));
    assert!((4..=9).contains(&count("check_ins")), "{summary}");
    assert!((1..=2).contains(&count("corrections")), "{summary}");
    let total: i64 = municipalities(&summary).iter().map(|of| cents(&of["total"])).sum();
    assert_eq!(cents(&summary["note"]["total"]), total);
    // 3.10 for Jef; 7.25 twice and 5.00 for the Elbeeks; the 12.50 of the concert was cancelled.
    let per_municipality: Vec<_> = municipalities(&summary)
        .iter()
        .map(|of| (of["name"].clone(), of["lines"].clone(), cents(&of["total"])))
        .collect();
    let expected = [("Meerdal".into(), 1.into(), 124), ("Terbeke".into(), 3.into(), 780)];
    assert_eq!(per_municipality, expected);
    assert!(first.contains(r#""total":9.04,"#), "two decimals: {first}");
    assert!(first.contains(r#""total":7.80}"#), "two decimals: {first}");

    assert_eq!(ledger.plays(), summary, "it goes on from there");
    ledger.run(&["verify"]).done();
    assert_eq!(ledger.run(&["rebuild", "--all", "--json"]).json()["position"], summary["position"]);
    assert_eq!(ledger.plays(), summary);
}

/// R-AUD-02, R-AUD-03: what was altered is named, and the exit code tells.
#[test]
fn verify_names_what_was_altered() {
    let (ledger, summary) = Ledger::after_a_day();
    let sound = ledger.run(&["verify", "--json"]).json();
    assert_eq!(sound["position"], summary["position"]);
    assert_eq!((&sound["chain"], &sound["differences"]), (&"ok".into(), &Value::Array(vec![])));

    ledger.tampers(&["update views.check_ins set points = points + 1
        where id = (select id from views.check_ins order by id limit 1)"]);
    let ran = ledger.run(&["verify", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(found["chain"], "ok");
    let differences = found["differences"].as_array().expect("a list");
    assert_eq!(differences.len(), 1, "{found}");
    assert_eq!(
        (&differences[0]["view"], &differences[0]["table"]),
        (&"check_ins".into(), &"check_ins".into())
    );
    let ran = ledger.run(&["verify"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("check_ins of "), "{}", ran.out);
    ledger.run(&["rebuild", "check_ins"]).done();
    ledger.run(&["verify"]).done();

    // One byte of one event.
    ledger.tampers(&[
        "alter table log.events disable trigger all",
        "update log.events set payload = overlay(payload::text placing '8' from
            position('9981' in payload::text) for 1)::json where position = 1",
        "alter table log.events enable always trigger events_are_never_changed",
    ]);
    let ran = ledger.run(&["verify", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let found: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(found["chain"]["position"], 1, "{found}");
    let ran = ledger.run(&["verify"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("position 1") || ran.out.contains("event 1"), "{}", ran.out);
}

/// Importing the same file again changes nothing; what cannot be taken over is named.
#[test]
fn importing_again_changes_nothing() {
    let (ledger, _) = Ledger::after_a_day();
    let activity = |price: &str, organizer: &str| {
        format!(
            r#"{{"@id":"https://data.example/events/a1","name":{{"nl":"Lezing"}},"calendarType":"permanent",
            "organizer":{{"@id":"https://data.example/organizers/{organizer}"}},
            "priceInfo":[{{"category":"base","price":{price},"priceCurrency":"EUR"}}]}}"#
        )
    };
    let organizer = "bibliotheek-meerdal";
    let file = ledger.writes("activities.json", &activity("5", organizer));
    let import = |file: &str| ledger.run(&["import", "activities", file, "--json"]).json();
    let tally = |new, changed, unchanged| serde_json::json!({ "new": new, "changed": changed, "unchanged": unchanged, "skipped": 0, "broken": [] });
    assert_eq!(import(&file), tally(1, 0, 0));
    assert_eq!(import(&file), tally(0, 0, 1));
    ledger.writes("activities.json", &activity("6", organizer));
    assert_eq!(import(&file), tally(0, 1, 0));
    let foreign = activity("5", "buiten-uitpas").replace("a1", "a2");
    let foreign = ledger.writes("foreign.json", &foreign);
    assert_eq!(import(&foreign)["skipped"], 1);
    let broken =
        ledger.writes("broken.json", &format!("[{}, {{\"name\": 5}}]", activity("7", organizer)));
    ledger.run(&["import", "activities", &broken]).failed(2, "line ");

    let cards = "uitpasNumber,chipNumber,cardSystem,stage,counter\n\
        0900000009986,04ABCDEF123480,1,local-stock,\n0900000009977,,1,,\n";
    let numbers: Vec<String> =
        ["09000000998", "09000000997"].iter().map(|eleven| with_check(eleven)).collect();
    let cards = cards.replace("0900000009986", &numbers[0]).replace("0900000009977", &numbers[1]);
    let file = ledger.writes("cards.csv", &cards);
    let import = |file: &str| ledger.run(&["import", "cards", file, "--json"]).json();
    assert_eq!((&import(&file)["new"], &import(&file)["unchanged"]), (&2.into(), &2.into()));
    let wrong =
        ledger.writes("wrong.csv", "uitpasNumber,cardSystem\n0930000237912,1\n0900000095902,9\n");
    let ran = ledger.run(&["import", "cards", &wrong]);
    assert!(ran.err.contains("line 2: ") && ran.err.contains("line 3: "), "{}", ran.err);
    ran.failed(2, "check digit");
    let no_header = ledger.writes("no-header.csv", "0900000095902,1\n");
    ledger.run(&["import", "cards", &no_header]).failed(1, "column");
    ledger.run(&["verify"]).done();
}

/// A card number from its first eleven digits, without social status.
fn with_check(eleven: &str) -> String {
    let twelve = format!("{}0", &eleven[..11]);
    let numbers = (0..10).map(|check| format!("{twelve}{check}"));
    let mut valid = numbers
        .filter(|number| number.parse::<uitpas_domain::values::card_number::CardNumber>().is_ok());
    valid.next().expect("one of ten check digits holds")
}

/// What happened can be read back, by stream and by position; a note is made again as of one.
#[test]
fn the_log_is_replayed_and_notes_are_made_again() {
    let (ledger, summary) = Ledger::after_a_day();
    let position = summary["position"].as_u64().expect("a position");
    let all = ledger.run(&["replay", "--json"]).done();
    let events: Vec<Value> =
        all.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(events.len() as u64, position);
    assert!(events.iter().zip(1_u64..).all(|(event, at)| event["position"] == at));
    let one = ledger.run(&["replay", "--stream", "card/0900000095902", "--json"]).done();
    let types: Vec<_> = one
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("JSON");
            event["type"].as_str().expect("a type").to_owned()
        })
        .collect();
    assert_eq!(types, ["TakenIn", "Assigned"]);
    assert_eq!(ledger.run(&["replay", "--from", "3", "--to", "5"]).done().lines().count(), 3);

    let counter = "cultuurcentrum-de-zandloper";
    let note = ["note", "--counter", counter, "--from", "2026-01-01", "--until", "2199-12-31"];
    let with = |more: &[&str]| ledger.run(&[&note[..], more].concat());
    let made = with(&["--json"]).json();
    assert_eq!((cents(&made["total"]), &made["position"]), (580, &position.into()));
    assert_eq!(with(&["--json", "--at", "1"]).json()["total"].as_f64(), Some(0.0));
    assert!(with(&["--at", "1"]).done().contains("geen financieel rapport"));
    let at = position.to_string();
    let csv = with(&["--csv"]).done();
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert_eq!(with(&["--csv", "--at", &at]).done(), csv);
    let table = with(&[]).done();
    assert!(table.contains("Terbeke") && table.contains("5.80"), "{table}");
}

/// A token of the demo issuer is printed; erasing makes a person unreadable and verify stays sound.
#[test]
fn tokens_are_printed_and_persons_erased() {
    let (ledger, summary) = Ledger::after_a_day();
    let token = ledger.run(&["token", "ksb-meerdal"]).done();
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    let printed = ledger.run(&["token", "ksb-meerdal", "--hours", "1", "--json"]).json();
    assert_eq!(printed["expires_in"], 3600);
    ledger.run(&["token", "met spatie"]).failed(2, "identifier");
    ledger.run(&["token", "x", "--hours", "0"]).failed(2, "hours");

    let log = ledger.run(&["replay", "--json"]).done();
    let registered = log.lines().find(|line| line.contains(r#""type":"Registered""#));
    let event: Value = serde_json::from_str(registered.expect("a registration")).expect("JSON");
    let stream = event["stream"].as_str().expect("a stream");
    let id = stream.strip_prefix("passholder/").expect("a passholder").to_owned();
    ledger.run(&["erase", &id]).failed(2, "--yes");
    ledger.run(&["erase", &id, "--yes"]).done();
    ledger.run(&["erase", &id, "--yes"]).failed(1, "passholder");
    ledger.run(&["verify"]).done();
    let note = [
        "note",
        "--counter",
        "sporthal-ter-beke",
        "--from",
        "2026-01-01",
        "--until",
        "2199-12-31",
        "--json",
    ];
    assert_eq!(cents(&ledger.run(&note).json()["total"]), 124);
    assert_eq!(summary["chain"], "ok");
}

/// R-PRV-01, R-AUD-01: all that is held about somebody is printed, opened; of whoever was erased, or
/// never was, nothing is.
#[test]
fn all_that_is_held_about_somebody_is_exported_until_he_is_erased() {
    let (ledger, _) = Ledger::after_a_day();
    let sold = ledger.events("TicketSold");
    let stream = sold[0]["stream"].as_str().expect("a stream");
    let id = stream.strip_prefix("passholder/").expect("a passholder").to_owned();
    let held = ledger.run(&["export-passholder", &id]).json();
    assert_eq!(held["passholder"]["id"], id.as_str());
    let name = held["passholder"]["name"].as_str().expect("a name").to_owned();
    let all = |part: &str| held[part].as_array().unwrap_or_else(|| panic!("{part}")).clone();
    let sale = &sold[0]["payload"]["TicketSold"]["sale"];
    assert!(all("ticketSales").iter().any(|row| row["id"] == *sale), "{held}");
    assert!(!all("cards").is_empty() && !all("checkins").is_empty());
    let own: Vec<_> =
        all("events").into_iter().filter(|event| event["stream"] == sold[0]["stream"]).collect();
    let log = ledger.run(&["replay", "--stream", stream, "--json"]).done();
    assert_eq!(own.len(), log.lines().count());
    assert!(!log.contains(&name), "the log has it sealed");
    assert_eq!(own[0]["content"]["Registered"]["details"]["name"], name.as_str());

    ledger.run(&["erase", &id, "--yes"]).done();
    for id in [id, uuid::Uuid::nil().to_string()] {
        let ran = ledger.run(&["export-passholder", &id]);
        assert!(ran.out.is_empty() && !ran.err.contains(&name), "{}{}", ran.out, ran.err);
        ran.failed(1, "passholder");
    }
    ledger.run(&["export-passholder", "iemand"]).failed(2, "ID");
}

/// R-NOTE-01, R-NOTE-02, R-NOTE-04, R-AUD-01: notes are issued, listed and made again; what is on them
/// is explained, and so is what is not.
#[test]
fn notes_are_issued_and_explained() {
    let (ledger, _) = Ledger::after_a_day();
    let sold = &ledger.sold_in_demo();
    let counter = sold["payload"]["TicketSold"]["counter"].as_str().expect("a counter");
    let today = sold["payload"]["TicketSold"]["sale"].as_str().expect("a sale");
    let sale = ledger.sold_before(sold, "2026-02-03T10:00:00Z");
    let quarter = ["--counter", counter, "--from", "2026-01-01", "--until", "2026-03-31"];
    let issue = |period: &[&str]| ledger.run(&[&["note", "issue"], period, &["--json"]].concat());
    let why_not = |id: &str| ledger.run(&["explain", id, "--why-not"]).done();
    assert!(why_not(&sale).contains("no note of"));

    let issued = issue(&quarter).json();
    assert_eq!(issued["notes"][0]["number"], 1);
    assert_eq!(issued["notes"][0]["municipalities"][0]["payable"], "2.90");
    issue(&quarter).failed(1, "onkostennota 1");
    issue(&["--counter", counter, "--from", "2025-01-01", "--until", "2025-03-31"])
        .failed(1, "geen financieel rapport");
    assert_eq!(ledger.run(&["note", "list", "--json"]).json(), issued);
    ledger.run(&["note", "list", "--state", "payable"]).failed(2, "open, objected, approved");
    let objected = ledger.run(&["note", "list", "--state", "objected", "--json"]).json();
    assert_eq!(objected["notes"], Value::Array(vec![]));
    let files = |name: &str| {
        let out = ledger.home.path().join(name);
        let path = out.to_str().expect("UTF-8");
        ledger.run(&["note", "files", "--counter", counter, "--note", "1", "--out", path]).done();
        fs::read(&out).expect("a file")
    };
    let first = files("first.zip");
    assert!(first.len() > 1_000 && first == files("again.zip"));

    assert!(why_not(&sale).contains("on note 1"));
    assert!(why_not(today).contains("note 1 ends on 2026-03-31"));
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert!(why_not(unknown).contains("not registered"));
    ledger.run(&["explain", unknown]).failed(1, "not known");
    let told = ledger.run(&["explain", &sale]).done();
    assert!(told.contains("municipality 2.90: ") && told.contains("NoteIssued"), "{told}");

    let line = ledger.run(&["audit", "line", &sale, "--json"]).json();
    let types: Vec<_> = line["entries"].as_array().expect("entries").iter().collect();
    assert_eq!(
        (&types[0]["type"], &types[1]["type"]),
        (&"TicketSold".into(), &"NoteIssued".into())
    );
    let position = sold["position"].as_u64().expect("a position").to_string();
    let stream = sold["stream"].as_str().expect("a stream");
    let passholder = stream.strip_prefix("passholder/").expect("a passholder");
    let then = ledger.run(&["audit", "passholder", passholder, "--at", &position, "--json"]).json();
    assert_eq!(then["position"].to_string(), position);
    assert!(then["state"]["Registered"]["sales"].get(today).is_some(), "{then}");
    let then = ledger.run(&["audit", "counter", counter, "--at", "2020-01-01"]);
    then.failed(1, "nothing is known");
    assert!(ledger.run(&["audit", "note", counter, "1"]).done().contains("NoteIssued"));
    ledger.run(&["audit", "card", "0900000095902"]).done();
    ledger.run(&["verify"]).done();
}

/// R-SOC-03: the renewal of a year; the same list twice changes nothing.
#[test]
fn social_status_is_renewed_from_a_file() {
    let (ledger, _) = Ledger::after_a_day();
    let list = ledger.writes("verdicts.csv", "inszNumber,verdict\n17010180147,positive\n");
    let renew =
        |day: &str| ledger.run(&["renew", &list, "--card-system", "1", "--day", day, "--json"]);
    renew("2027-04-20").failed(1, "afspraak");
    let some = ledger.events("Created").into_iter().next().expect("an event");
    let metadata: Metadata = serde_json::from_value(some["metadata"].clone()).expect("metadata");
    for postal_code in ["9981", "9987"] {
        let postal_code = postal_code.parse().expect("a postal code");
        let agreed_on = "2027-01-31".parse().expect("a day");
        let at = "2027-01-31T10:00:00Z".parse().expect("a moment");
        let agreed = card_system::Event::RenewalAgreed { postal_code, agreed_on, at };
        ledger.records::<CardSystem>(&CardSystemId(1), agreed, metadata.clone());
    }
    renew("2027-04-14").failed(1, "15/04/2027");
    renew("2027-05-01").failed(1, "30/04/2027");
    let first = renew("2027-04-20").json();
    let candidates = first["candidates"].as_u64().expect("a count");
    assert!(candidates > 0, "{first}");
    assert_eq!(
        (&first["changed"], &first["notInList"]),
        (&first["candidates"], &first["candidates"])
    );
    assert_eq!(first["unknown"], 1);
    let again = renew("2027-04-20").json();
    assert_eq!((&again["candidates"], &again["changed"]), (&first["candidates"], &0.into()));
    assert_eq!(again["notInList"], first["notInList"]);

    let broken = ledger.writes("broken.csv", "inszNumber,verdict\n83030201541,positive\n");
    let ran = ledger.run(&["renew", &broken, "--card-system", "1", "--day", "2027-04-20"]);
    assert!(!ran.err.contains("83030201541"), "{}", ran.err);
    ran.failed(2, "line 2: inszNumber");
    let file = ledger.writes("other.csv", "a,b\n");
    ledger.run(&["renew", &file, "--card-system", "1"]).failed(1, "line 1");
}

/// Whoever mistypes a directory is not told that all is well there.
#[test]
fn only_what_fills_a_ledger_makes_one() {
    let ledger = Ledger::new();
    let period = ["--from", "2026-01-01", "--until", "2026-03-31"];
    let of_period = |command: &[&'static str]| [command, &period[..]].concat();
    let nobody = "01890a5d-ac96-774b-bcce-b302099a8057";
    for arguments in [
        vec!["verify"],
        vec!["replay"],
        vec!["seal"],
        vec!["token", "x"],
        vec!["rebuild", "--all"],
        vec!["erase", nobody, "--yes"],
        vec!["export-passholder", nobody],
        vec!["explain", nobody],
        vec!["audit", "line", nobody],
        vec!["note", "list"],
        vec!["kit", "2026-Q1"],
        of_period(&["note", "--counter", "x"]),
        of_period(&["payments", "--card-system", "1"]),
        of_period(&["what-if", "--key", "20-40-40"]),
    ] {
        ledger.run(&arguments).failed(1, &format!("there is no ledger in {}", ledger.path("data")));
        assert!(!ledger.data().exists(), "{arguments:?}");
    }
    ledger.run(&["migrate"]).done();
    ledger.run(&["verify"]).done();
}

/// Numbers and days that nobody means, refused before anything is done.
#[test]
fn what_is_out_of_range_is_refused() {
    let ledger = Ledger::new();
    for years in ["0", "51", "357913942"] {
        ledger.run(&["simulate", "--years", years]).failed(2, "--years");
    }
    ledger.run(&["simulate", "--passholders", "4294967295"]).failed(2, "--passholders");
    let (far, range) = ("+262142-12-31", "before 1900 or after 2200");
    let period = ["--from", "2026-01-01", "--until", "2026-03-31"];
    for command in [
        &["note", "issue", "--counter", "x", "--deadline", far][..],
        &["note", "--counter", "x", "--at", "1", "--until", far, "--from", "2026-01-01"],
        &["kit", "--from", "2026-01-01", "--until", far],
        &["seal", "--day", far],
        &["renew", "x.csv", "--card-system", "1", "--day", far],
        &["audit", "counter", "x", "--at", far],
        &["serve", "--now", "2201-01-01T00:00:00Z"],
        &["simulate", "--from", "1899-12-31"],
    ] {
        ledger.run(command).failed(2, range);
    }
    let order = ["payments", "order", "--card-system", "1", "--postal-code", "9981"];
    let rest = ["--municipality", "Meerdal", "--out", "x.xml", "--on", far];
    ledger.run(&[&order[..], &rest, &period].concat()).failed(2, range);
    assert!(!ledger.data().exists());
}

/// What is not there is no empty answer.
#[test]
fn what_is_not_there_is_refused() {
    let (ledger, summary) = Ledger::after_a_day();
    let end = &summary["position"];
    let counter = "sporthal-ter-beke";
    let period = ["--from", "2026-01-01", "--until", "2199-12-31"];
    let reversed = ["--from", "2026-03-31", "--until", "2026-01-01"];
    let refused = |arguments: &[&[&str]], words: &str| {
        ledger.run(&arguments.concat()).failed(1, words);
    };
    let ends = format!("the log ends at position {end}, before position 999999");
    let backwards = "ends on 2026-01-01, before it begins on 2026-03-31";
    refused(&[&["note", "--counter", "nope"], &period], "there is no counter nope");
    refused(&[&["note", "list", "--counter", "zzz"]], "there is no counter zzz");
    refused(&[&["note", "--counter", counter], &reversed], backwards);
    refused(&[&["note", "--counter", counter, "--at", "999999"], &period], &ends);
    refused(&[&["audit", "counter", counter, "--at", "999999"]], &ends);
    refused(&[&["audit", "counter", counter, "--from", "999999"]], &ends);
    refused(&[&["kit"], &reversed], backwards);
    refused(&[&["kit", "2030-Q1"]], "no expense note was issued over days from 2030-01-01");
    refused(&[&["what-if", "--key", "20-40-40"], &reversed], backwards);
    refused(&[&["payments", "--card-system", "77"], &period], "kaartsysteem");
    refused(&[&["payments", "--card-system", "1"], &reversed], "ends before it begins");
    refused(&[&["replay", "--from", "5", "--to", "3"]], "position 5 comes after position 3");
    refused(&[&["replay", "--stream", "counter/zzz"]], "no event of counter/zzz");
    ledger.run(&["replay", "--stream", "passholder"]).failed(2, "TYPE/ID");
    // Nothing is sealed of a day that is not over.
    refused(&[&["seal", "--day", "2199-12-31"]], "2199-12-31 is not over yet in Brussels");
}

/// A payment is ordered once its file can be written; one that was withdrawn is for no bank.
#[test]
fn no_payment_without_its_file() {
    let (ledger, _) = Ledger::after_a_day();
    let sold = &ledger.sold_in_demo();
    let counter = sold["payload"]["TicketSold"]["counter"].as_str().expect("a counter");
    let payer = &sold["payload"]["TicketSold"]["payer"];
    let (code, name) = (payer["postal_code"].as_str(), payer["name"].as_str());
    let (code, name) = (code.expect("a postal code"), name.expect("a name"));
    ledger.sold_before(sold, "2026-02-03T10:00:00Z");
    let period = ["--from", "2026-01-01", "--until", "2026-03-31"];
    let system = ["--card-system", "1"];
    ledger.run(&[&["note", "issue", "--counter", counter], &period[..]].concat()).done();

    let order = |out: &str| {
        let of = ["--postal-code", code, "--municipality", name, "--out", out];
        ledger.run(&[&["payments", "order"], &system[..], &period, &of].concat())
    };
    let out = ledger.path("payment.xml");
    order(&out).failed(1, "niets meer te betalen");
    assert!(!Path::new(&out).exists(), "nothing is left of a refusal");

    let metadata =
        || -> Metadata { serde_json::from_value(sold["metadata"].clone()).expect("metadata") };
    let at = "2026-04-10T10:00:00Z";
    let of_counter = |event: Value| {
        let id = counter.parse().expect("a counter");
        let event = serde_json::from_value(event).expect("an event");
        ledger.records::<Counter>(&id, event, metadata());
    };
    of_counter(serde_json::json!({ "NoteApproved": { "note": 1, "at": at } }));
    of_counter(serde_json::json!({ "IbanSet": { "iban": "BE71096123456769", "at": at } }));
    let account =
        serde_json::json!({ "municipality": payer, "iban": "BE68539007547034", "holder": name });
    let set = serde_json::json!({ "AccountSet": { "account": account, "at": at } });
    let set = serde_json::from_value(set).expect("an event");
    ledger.records::<CardSystem>(&CardSystemId(1), set, metadata());
    order("/no/dir/x.xml").failed(1, "/no/dir/x.xml");
    assert!(ledger.events("PaymentOrdered").is_empty());
    order(&out).done();
    let ordered = fs::read(&out).expect("a file");
    order(&out).failed(1, "niets meer te betalen");
    assert!(fs::read(&out).expect("a file") == ordered, "what was there stays");

    let payment = ["--payment", "1"];
    let again = ledger.path("again.xml");
    let file =
        || ledger.run(&[&["payments", "file", "--out", &again], &system[..], &payment].concat());
    file().done();
    assert!(fs::read(&again).expect("a file") == ordered);
    ledger.run(&[&["payments", "withdraw"], &system[..], &payment].concat()).done();
    file().failed(1, "payment 1 was withdrawn");
}

/// What is missing is said in a line, with what to do.
#[test]
fn errors_say_what_to_do() {
    for arguments in
        [&["verify"][..], &["rebuild", "--all"], &["migrate"], &["token", "x"], &["replay"]]
    {
        Ran::of(uitpas().args(arguments)).failed(1, "--data DIR, or DATABASE_URL");
    }
    let ledger = Ledger::new();
    ledger.run(&["import", "activities", "/nergens.json"]).failed(1, "/nergens.json");
    assert!(!ledger.data().exists(), "a bad file starts no server");
    ledger.run(&["rebuild"]).failed(2, "--all");
    ledger.run(&["note", "--counter", "x"]).failed(2, "--from");
    ledger
        .run(&["note", "--counter", "x", "--from", "gisteren", "--until", "2026-01-01"])
        .failed(2, "--from");
    ledger.run(&["nonsense"]).failed(2, "nonsense");
    assert_eq!(ledger.run(&["migrate", "--json"]).json()["position"], 0);
    ledger.run(&["rebuild", "nergens"]).failed(2, "settlement");
    let mut command = uitpas();
    command.env("DATABASE_URL", "postgres://localhost:1/x").args(["demo", "--exit"]);
    Ran::of(&mut command).failed(1, "--on-database-url");
    let mut command = uitpas();
    command.env("DATABASE_URL", "postgres://u:geheim@127.0.0.1:1/x").arg("verify");
    let ran = Ran::of(&mut command);
    assert!(!ran.err.contains("geheim"), "{}", ran.err);
    ran.failed(1, "UITPAS_MASTER_KEY");
    // Who has read enough of it, as `head` has, is told nothing more.
    let data = ledger.data();
    for arguments in [&["note", "list"][..], &["verify"], &["replay"]] {
        let mut command = uitpas();
        command.args(arguments).arg("--data").arg(&data);
        let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut printing = piped.spawn().expect("it runs");
        drop(printing.stdout.take());
        let ended = printing.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
        assert!(ended.status.success());
    }
    let not_a_directory = ledger.writes("file", "x");
    let mut command = uitpas();
    command.args(["verify", "--data", &not_a_directory]);
    Ran::of(&mut command).failed(1, Path::new(&not_a_directory).to_str().expect("UTF-8"));
}
