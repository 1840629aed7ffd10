//! What an outside auditor gets of a period, and what another key would have made of it.

use std::fs;
use std::io::{Cursor, Read};

use serde_json::{Value, json};
use uitpas_api::seal::{Seal, SealedHead, SealingKey};
use uitpas_domain::passholder;

use crate::{Ledger, cents};

/// A ledger in which two notes of a counter were issued in 2025, the second with a correction of the
/// first and a late line.
pub struct Settled {
    pub ledger: Ledger,
    /// A sale of the demo day, of which the others are made.
    pub like: Value,
    pub counter: String,
    /// On the first note, and corrected on the second.
    pub corrected: String,
    /// Before its note was issued.
    pub cancelled: String,
    /// Of the first period, and registered after its note was made.
    pub late: String,
    /// Of the second period.
    pub last: String,
}

impl Settled {
    pub fn new() -> Self {
        let (ledger, _) = Ledger::after_a_day();
        let like = ledger.sold_in_demo();
        let counter = like["payload"]["TicketSold"]["counter"].as_str().expect("a counter");
        let counter = counter.to_owned();
        let sold = |at: &str| ledger.sold_before(&like, at);
        let (corrected, cancelled) = (sold("2025-02-03T10:00:00Z"), sold("2025-03-05T10:00:00Z"));
        let (late, last) = (String::new(), String::new());
        let mut settled = Self { ledger, like, counter, corrected, cancelled, late, last };
        settled.cancels(&settled.cancelled, "2025-03-06T10:00:00Z");
        settled.uses_coupon("2025-02-10T10:00:00Z");
        settled.issues("2025-01-01", "2025-03-31");
        settled.cancels(&settled.corrected, "2025-04-02T10:00:00Z");
        settled.late = settled.ledger.sold_before(&settled.like, "2025-03-30T10:00:00Z");
        settled.last = settled.ledger.sold_before(&settled.like, "2025-05-05T10:00:00Z");
        settled.issues("2025-04-01", "2025-06-30");
        settled
    }

    fn cancels(&self, sale: &str, at: &str) {
        let event = json!({ "TicketSaleCancelled": { "sale": sale, "at": at } });
        self.ledger.happens_to_buyer(&self.like, event_of(event));
    }

    fn uses_coupon(&self, at: &str) {
        let mut used = self.like["payload"]["TicketSold"].clone();
        let fields = used.as_object_mut().expect("an object");
        for field in ["key", "point_limit_period", "point"] {
            fields.remove(field);
        }
        used["sale"] = uuid::Uuid::now_v7().to_string().into();
        used["coupon"] = 7.into();
        used["coupon_name"] = "Lentebon".into();
        used["shares"] =
            json!({ "passholder": "0.00", "organizer": "0.00", "municipality": "7.25" });
        used["at"] = at.into();
        self.ledger.happens_to_buyer(&self.like, event_of(json!({ "CouponUsed": used })));
    }

    fn issues(&self, from: &str, until: &str) {
        let counter = self.counter.as_str();
        let period = ["--counter", counter, "--from", from, "--until", until];
        self.ledger.run(&[&["note", "issue"], &period[..]].concat()).done();
    }

    fn kit(&self, period: &[&str]) -> Vec<u8> {
        let out = self.ledger.path("kit.zip");
        self.ledger.run(&[&["kit"], period, &["--out", &out]].concat()).done();
        fs::read(out).expect("a file")
    }
}

fn event_of(payload: Value) -> passholder::Event {
    serde_json::from_value(payload).expect("an event")
}

fn file(zip: &[u8], part: &str) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let names: Vec<String> =
        zip.file_names().map(|name| name.expect("a name").into_owned()).collect();
    let name = names.iter().find(|name| name.contains(part)).expect(part);
    let mut text = String::new();
    zip.by_name(name).expect("a file").read_to_string(&mut text).expect("text");
    text
}

/// What stands in all files together.
fn all_files(zip: &[u8]) -> String {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).expect("a zip");
    let mut text = String::new();
    for index in 0..zip.len() {
        zip.by_index(index).expect("a file").read_to_string(&mut text).expect("text");
    }
    text
}

/// R-NOTE-04, R-NOTE-05: after a sale on it was cancelled the next note says so; the first one is handed
/// out as it was issued, and made again from its position it is the same to the byte. Files that were
/// exchanged behind our back are named.
#[test]
fn the_files_of_a_note_stay_as_they_were_issued() {
    let settled = Settled::new();
    let (ledger, counter) = (&settled.ledger, settled.counter.as_str());
    let files = |note: &str, more: &[&str]| {
        let out = ledger.path("note.zip");
        let arguments = ["note", "files", "--counter", counter, "--note", note, "--out", &out];
        ledger.run(&[&arguments, more].concat()).done();
        fs::read(&out).expect("a file")
    };
    let first = files("1", &[]);
    assert!(first == files("1", &["--again"]));
    assert!(file(&first, ".csv").contains(&settled.corrected));
    let second = files("2", &[]);
    let negative = |line: &&str| line.contains(&settled.corrected) && line.contains("-2.90");
    assert_eq!(file(&second, ".csv").lines().filter(negative).count(), 1);
    assert!(second == files("2", &["--again"]));
    assert_eq!(ledger.run(&["verify", "--json"]).json()["altered_files"], json!([]));

    ledger.tampers(&[
        "alter table log.note_files disable trigger note_files_are_never_changed",
        "update log.note_files f set content = other.content, digest = other.digest
         from log.note_files other where f.note = 1 and other.note = 2",
    ]);
    assert!(files("1", &[]) == second, "what lies there is handed out");
    let ran = ledger.run(&["verify", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    let found: Value = serde_json::from_str(&ran.out).expect("one JSON object");
    assert_eq!(found["altered_files"], json!([{ "counter": counter, "note": 1 }]));
}

/// The same bytes with one text in the place of another that is as long.
#[track_caller]
fn with(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).expect(from);
    let mut changed = bytes.to_vec();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    changed
}

#[track_caller]
fn flaws(zip: &[u8]) -> String {
    let flaws = uitpas_api::kit::check(zip).expect_err("flaws");
    flaws.iter().map(|flaw| format!("{flaw}\n")).collect()
}

/// R-NOTE-04, R-AUD-02, R-PRV-01: the notes of a period are made again from one file alone, it is
/// the same whenever it is made, says what the live ledger says, and holds nothing personal.
#[test]
fn a_kit_stands_for_itself() {
    let settled = Settled::new();
    let ledger = &settled.ledger;
    let kit = settled.kit(&["2025-Q2"]);
    assert!(kit == settled.kit(&["--from", "2025-04-01", "--until", "2025-06-30"]));
    ledger.run(&["kit", "2019-Q1"]).failed(1, "no expense note");
    ledger.run(&["kit", "2019-Q5"]).failed(2, "2026-Q2");
    ledger.run(&["kit"]).failed(2, "QUARTER");

    // Without a ledger.
    let path = ledger.writes("only.zip", "");
    fs::write(&path, &kit).expect("a file");
    let check = |more: &[&str]| {
        let mut command = crate::uitpas();
        crate::Ran::of(command.args(["verify", "--json", "--kit", &path]).args(more))
    };
    let checked = check(&[]).json();
    assert_eq!((&checked["notes"], &checked["lines"]), (&1.into(), &3.into()), "{checked}");
    assert_eq!(checked["total"], "2.90", "a correction, a late line and one of the period");
    let both = settled.kit(&["--from", "2025-01-01", "--until", "2025-06-30"]);
    let both = uitpas_api::kit::check(&both).expect("without flaws");
    assert_eq!((both.notes, both.lines), (2, 5));

    // It agrees with the live ledger.
    let issued = ledger.events("NoteIssued");
    let live = &issued[1]["payload"]["NoteIssued"];
    let notes = file(&kit, "notes.csv");
    assert!(notes.contains(live["digest"].as_str().expect("a digest")), "{notes}");
    assert_eq!(notes.lines().count(), 2, "a heading, and one municipality");
    assert_eq!(checked["position"], issued[1]["position"]);
    assert_eq!(checked["hash"], issued[1]["hash"]);
    let out = ledger.path("files.zip");
    let counter = settled.counter.as_str();
    ledger.run(&["note", "files", "--counter", counter, "--note", "2", "--out", &out]).done();
    assert_eq!(file(&kit, "notes/"), file(&fs::read(&out).expect("a file"), ".csv"));

    // Nothing personal, readable or sealed.
    let text = all_files(&kit);
    for person in
        ["Nele", "Vandermeer", "Dekruin", "Fatima", "Elbeek", "Lore", "83030201540", "36051380284"]
    {
        assert!(!text.contains(person), "{person}");
    }
    assert!(!text.contains('@'), "no e-mail address");
    let registered = ledger.events("Registered");
    assert!(registered.len() >= 4);
    for event in registered {
        let sealed = event["payload"]["Registered"]["details"].as_str().expect("sealed details");
        assert!(!text.contains(sealed));
        assert!(!text.contains(&sealed[sealed.len() - 24..]));
    }

    // Against a seal that was kept elsewhere.
    let key = ledger.writes("key", &"5e".repeat(32));
    let seal = ledger.path("seal.json");
    ledger.run(&["seal", "--key-file", &key, "--out", &seal]).done();
    let public = ledger.run(&["seal", "--public-key", "--key-file", &key]).done();
    let trusted = ["--seal", &seal, "--trust", public.trim()];
    assert_eq!(check(&trusted).json()["sealedUntil"], checked["position"]);
    let (end, key) = (checked["position"].as_u64().expect("a position"), "5e".repeat(32));
    let key: SealingKey = key.parse().expect("a key");
    let of_kit = fs::read_to_string(&seal).expect("a file");
    let of_kit: Seal = serde_json::from_str(&of_kit).expect("a seal");
    let beyond_head = SealedHead { position: end + 5, ..of_kit.head };
    let beyond = serde_json::to_string(&key.seal(beyond_head.clone())).expect("JSON");
    let beyond = ledger.writes("beyond.json", &beyond);
    let ran = check(&["--seal", &beyond, "--trust", public.trim()]);
    assert_eq!(ran.code, 1);
    let words = format!("of position {}, beyond the kit, which ends at position {end}", end + 5);
    assert!(ran.out.contains(&words) && !ran.out.contains("cut off"), "{}", ran.out);
    // An earlier head proves the chain up to there.
    let first = &ledger.events("TicketSold")[0];
    let earlier = SealedHead {
        position: first["position"].as_u64().expect("a position"),
        hash: first["hash"].as_str().expect("a hash").parse().expect("a digest"),
        recorded_at: first["recordedAt"].as_str().expect("an instant").parse().expect("an instant"),
        ..beyond_head
    };
    let position = earlier.position;
    let earlier = serde_json::to_string(&key.seal(earlier)).expect("JSON");
    let earlier = ledger.writes("earlier.json", &earlier);
    let mut command = crate::uitpas();
    command.args(["verify", "--kit", &path, "--seal", &earlier, "--trust", public.trim()]);
    let told = crate::Ran::of(&mut command).done();
    assert!(told.contains(&format!("Up to position {position} it is as it was sealed")), "{told}");
    assert!(told.contains(&format!("to position {end} the chain of hashes alone")), "{told}");
    let other = format!("{}\n", "6f".repeat(32));
    let other = ledger.writes("other", &other);
    let other = ledger.run(&["seal", "--public-key", "--key-file", &other]).done();
    let ran = check(&["--seal", &seal, "--trust", other.trim()]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("not the one that is trusted"), "{}", ran.out);
    check(&["--seal", &seal]).failed(1, "--trust");
    ledger.run(&["verify"]).done();
}

/// R-AUD-02: whatever is changed in a kit is found, and named.
#[test]
fn every_byte_of_a_kit_counts() {
    let settled = Settled::new();
    let kit = settled.kit(&["2025-Q2"]);
    let events = file(&kit, "events.jsonl");
    let late = events.lines().find(|line| line.contains("2025-05-05")).expect("a sale");
    let late: Value = serde_json::from_str(late).expect("JSON");
    let position = &late["position"];

    // A municipality pays a cent more.
    let money = flaws(&with(&kit, r#"\"municipality\":\"2.90\""#, r#"\"municipality\":\"2.91\""#));
    assert!(money.contains("does not have the digest that chain.csv has for it"), "{money}");
    assert!(money.contains("sum to 7.26, its price is 7.25"), "{money}");
    assert!(money.contains("says 2.90"), "{money}");
    let day = flaws(&with(&kit, "2025-05-05T10", "2025-05-06T10"));
    assert!(day.contains(&format!("event {position} does not have the digest")), "{day}");
    // An event of which only the digest is there.
    let chain = file(&kit, "chain.csv");
    let third = chain.lines().nth(3).expect("a line");
    let other = format!(
        "{}{}",
        &third[..third.len() - 4],
        if third.ends_with("0000") { "1111" } else { "0000" }
    );
    let left_out = flaws(&with(&kit, third, &other));
    assert!(left_out.contains("something differs after 0"), "{left_out}");
    // What follows from the events.
    let notes = flaws(&with(&kit, ",0.00,2.90\n", ",0.00,2.91\n"));
    assert!(notes.contains("notes.csv, line 2: not what follows"), "{notes}");
    let lines = flaws(&with(&kit, "7.25,1.45,2.90,2.90,", "7.25,1.45,2.91,2.90,"));
    assert!(lines.contains("notes/") && lines.contains("line "), "{lines}");
    let readme = flaws(&with(&kit, "Audit kit", "Audit kid"));
    assert!(readme.contains("README.txt, line 1: not what follows"), "{readme}");
    let heading = flaws(&with(&kit, r#""format": 1"#, r#""format": 2"#));
    assert!(heading.contains("format 2"), "{heading}");
    // The zip around it.
    let mut longer = kit.clone();
    longer.push(0);
    flaws(&longer);
    flaws(&kit[..kit.len() - 1]);
    flaws(b"");

    assert!(uitpas_api::kit::check(&kit).is_ok());
    for at in (0..kit.len()).step_by(29) {
        let mut changed = kit.clone();
        changed[at] ^= 1;
        assert!(uitpas_api::kit::check(&changed).is_err(), "byte {at}");
    }
}

/// R-TAR-01, R-TAR-02: what another key would have done, without changing anything.
#[test]
fn another_key_is_tried_on_a_period() {
    let settled = Settled::new();
    let ledger = &settled.ledger;
    let before = ledger.run(&["migrate", "--json"]).json();
    let period = ["--from", "2025-01-01", "--until", "2025-06-30"];
    let asked = |key: &[&str]| ledger.run(&[&["what-if"], key, &period[..]].concat());
    let answer = asked(&["--key", "25-35-40", "--json"]).json();
    assert_eq!(answer["position"], before["position"]);
    let changes = answer["changes"].as_array().expect("a list");
    assert_eq!(changes.len(), 1, "{answer}");
    let change = &changes[0];
    assert_eq!(change["counter"], settled.counter.as_str());
    // Two sales of 7.25 stand, and one with a coupon; two were cancelled.
    assert_eq!((&change["tickets"], &change["coupons"]), (&2.into(), &1.into()));
    let shares = |of: &str| {
        ["passholder", "organizer", "municipality"].map(|share| cents(&change[of][share]))
    };
    assert_eq!(shares("was"), [290, 580, 580 + 725]);
    // The cap is 1.81; 7.25 x 40% is 2.90.
    assert_eq!(shares("wouldBe"), [362, 508, 580 + 725]);
    assert_eq!(shares("change"), [72, -72, 0]);
    assert_eq!(cents(&change["price"]), 3 * 725);

    let fixed = asked(&["--fixed", "1.50", "--ratio", "40:40", "--json"]).json();
    let would_be = &fixed["changes"][0]["wouldBe"];
    // Of the rest, 5.75, the municipality bears 2.875, half up.
    assert_eq!(cents(&would_be["municipality"]), 2 * 288 + 725);
    assert_eq!(cents(&would_be["organizer"]), 2 * 287);
    let table = asked(&["--key", "20-40-40"]).done();
    assert!(table.contains("Samen") && table.contains("13.05"), "{table}");

    asked(&["--key", "26-34-40"]).failed(1, "at most 25");
    asked(&["--key", "25-9-66"]).failed(1, "at least 10");
    asked(&["--key", "20-40"]).failed(2, "25-35-40");
    asked(&["--fixed", "1.00", "--ratio", "1:9"]).failed(1, "2/15");
    asked(&[]).failed(2, "--key");
    assert_eq!(ledger.run(&["migrate", "--json"]).json(), before, "nothing was written");
    ledger.run(&["verify"]).done();
}
