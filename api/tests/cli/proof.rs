//! What a superuser does behind everybody's back shows, and is named (R-AUD-02).

use std::fs;

use serde_json::Value;
use uitpas_api::seal::{Seal, SealedHead, SealingKey};
use uitpas_domain::values::digest::Digest;

use crate::Ledger;

/// Lets the log be changed, and keeps it as it was.
const OPENED: [&str; 3] = [
    "alter table log.events disable trigger all",
    "create table log.kept as select * from log.events",
    "create table log.kept_head as select * from log.head",
];

/// Puts the log back as it was.
const RESTORED: [&str; 4] = [
    "truncate log.events",
    "insert into log.events select * from log.kept",
    "truncate log.head",
    "insert into log.head select * from log.kept_head",
];

/// The whole chain is made anew over whatever is in the log, as `append` would have made it.
const CHAINED_ANEW: [&str; 3] = [
    "create function pg_temp.field(b bytea) returns bytea language sql as
         'select int4send(length(b)) || b'",
    "do $$
     declare
         e record;
         h bytea := (select sha256(uuid_send(log_id)) from log.head);
         utf8 constant text := 'UTF8';
     begin
         for e in select * from log.events order by position loop
             h := sha256(h || int8send(e.position)
                 || int8send((extract(epoch from e.recorded_at) * 1000000)::bigint)
                 || sha256(pg_temp.field('1') || pg_temp.field(convert_to(e.aggregate_type, utf8))
                     || pg_temp.field(convert_to(e.aggregate_id, utf8))
                     || pg_temp.field(int8send(e.sequence))
                     || pg_temp.field(convert_to(e.event_type, utf8))
                     || pg_temp.field(convert_to(e.event_version, utf8))
                     || pg_temp.field(convert_to(e.payload::text, utf8))
                     || pg_temp.field(convert_to(e.metadata::text, utf8))));
             update log.events set hash = h where position = e.position;
         end loop;
     end $$",
    "update log.head h
     set position = e.position, hash = e.hash, recorded_at = e.recorded_at
     from (select * from log.events order by position desc limit 1) e",
];

/// What `verify` finds wrong, as one object; exit code 1.
#[track_caller]
fn found(ledger: &Ledger, more: &[&str]) -> Value {
    let ran = ledger.run(&[&["verify", "--json"], more].concat());
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    serde_json::from_str(&ran.out).expect("one JSON object")
}

/// R-AUD-02: an event that was altered, deleted, inserted, or cut off the end.
#[test]
fn verify_names_the_first_bad_position() {
    let (ledger, summary) = Ledger::after_a_day();
    let end = summary["position"].as_u64().expect("a position");
    ledger.tampers(&OPENED);
    let last = format!("delete from log.events where position = {end}");
    let insert = [
        "update log.events set position = position + 1000000 where position >= 5",
        "update log.events set position = position - 999999 where position > 1000000",
        "insert into log.events
         select aggregate_type, 'tussengevoegd', 1, event_type, event_version, payload, metadata, 5,
             recorded_at, hash
         from log.events where position = 4",
        "update log.head set position = position + 1",
    ];
    let cases: [(&[&str], u64); 5] = [
        (&["update log.events set metadata = (metadata::text || ' ')::json where position = 7"], 7),
        (
            &[
                "update log.events set recorded_at = recorded_at + interval '1 hour' where position = 9",
            ],
            9,
        ),
        (&["delete from log.events where position = 6"], 6),
        (&insert, 5),
        (&[last.as_str()], end),
    ];
    for (statements, position) in cases {
        ledger.tampers(statements);
        assert_eq!(found(&ledger, &[])["chain"]["position"], position, "{statements:?}");
        ledger.tampers(&RESTORED);
    }
    ledger.run(&["verify"]).done();
}

/// R-AUD-02: who cuts off the end or writes the whole chain anew is found out by whoever kept a seal.
#[test]
fn a_seal_shows_what_the_chain_alone_cannot() {
    let (ledger, summary) = Ledger::after_a_day();
    let end = summary["position"].as_u64().expect("a position");
    let file = |name: &str| ledger.path(name);
    let (seal, own) = (file("seal.json"), file("own.json"));
    let key_file = ledger.writes("key", &format!("{}\n", "5e".repeat(32)));
    let told = ledger.run(&["seal", "--out", &seal]).done();
    assert!(told.contains(&format!("Sealed position {end} ")), "{told}");
    ledger.run(&["seal", "--out", &own, "--key-file", &key_file]).done();
    let public = ledger.run(&["seal", "--public-key", "--key-file", &key_file]).done();
    let public = public.trim();
    let sealed: Value =
        serde_json::from_str(&fs::read_to_string(&own).expect("a file")).expect("JSON");
    assert_eq!((&sealed["publicKey"], &sealed["position"]), (&public.into(), &end.into()));

    // As it should be.
    let kept = ledger.run(&["verify", "--seal", &seal, "--json"]).json();
    assert_eq!(kept["seals"][0]["verdict"], "ok");
    ledger.run(&["verify", "--seal", &own, "--trust", public]).done();
    let yesterday = ledger.run(&["seal", "--day", "2020-01-01"]);
    yesterday.failed(1, "nothing to seal");

    // Not of the key that is trusted, and forged.
    let verdict = |file: &str, more: &[&str]| {
        let found = found(&ledger, &[&["--seal", file], more].concat());
        assert_eq!((&found["chain"], &found["differences"]), (&"ok".into(), &Value::Array(vec![])));
        found["seals"][0]["verdict"].as_str().expect("a text").to_owned()
    };
    let why = verdict(&own, &[]);
    assert!(why.contains(public) && why.contains("not the one that is trusted"), "{why}");
    for (field, other) in [
        ("position", Value::from(end - 1)),
        ("hash", "0".repeat(64).into()),
        ("recordedAt", "2026-01-01T00:00:00Z".into()),
        ("sealedAt", "2026-01-01T00:00:00Z".into()),
        ("log", "01890a5d-ac96-774b-bcce-b302099a8057".into()),
        ("signature", "00".repeat(64).into()),
        ("signature", "kort".into()),
    ] {
        let mut forged = sealed.clone();
        forged[field] = other;
        let forged = ledger.writes("forged.json", &forged.to_string());
        let why = verdict(&forged, &["--trust", public]);
        assert!(why.contains("forged"), "{field}: {why}");
    }
    ledger.run(&["verify", "--seal", &ledger.writes("none.json", "{}")]).failed(1, "no seal");
    ledger.run(&["verify", "--seal", "/nergens.json"]).failed(1, "/nergens.json");

    // Of another log, and of another history of this one.
    let key: SealingKey = "5e".repeat(32).parse().expect("a key");
    let head: Seal = serde_json::from_value(sealed.clone()).expect("a seal");
    let other = |change: &dyn Fn(&mut SealedHead)| {
        let mut head = head.head.clone();
        change(&mut head);
        let seal = serde_json::to_string(&key.seal(head)).expect("JSON");
        verdict(&ledger.writes("other.json", &seal), &["--trust", public])
    };
    assert!(other(&|head| head.log = uuid::Uuid::nil()).contains("a seal of another log"));
    assert!(other(&|head| head.hash = Digest::new([7; 32])).contains("written anew"));
    assert!(other(&|head| head.recorded_at = head.sealed_at).contains("at the instant"));
    let beyond = other(&|head| head.position += 2);
    assert!(beyond.contains(&format!("position {} is the first one missing", end + 1)), "{beyond}");

    // The end cut off, with a head that fits what is left.
    ledger.tampers(&OPENED);
    let left = end - 3;
    ledger.tampers(&[
        &format!("delete from log.events where position > {left}"),
        "update log.head h
         set position = e.position, hash = e.hash, recorded_at = e.recorded_at
         from (select * from log.events order by position desc limit 1) e",
    ]);
    let cut = found(&ledger, &["--seal", &seal]);
    assert_eq!(cut["chain"], "ok", "without a seal nobody could tell");
    let why = cut["seals"][0]["verdict"].as_str().expect("a text");
    assert!(why.contains(&format!("position {} is the first one missing", left + 1)), "{why}");
    let early = file("early.json");
    ledger.run(&["seal", "--out", &early]).done();
    ledger.tampers(&RESTORED);

    // The whole chain written anew after one byte was changed.
    ledger.tampers(
        &[
            &["update log.events set metadata = (metadata::text || ' ')::json where position = 7"]
                [..],
            &CHAINED_ANEW,
        ]
        .concat(),
    );
    let anew = found(&ledger, &["--seal", &seal, "--seal", &early]);
    assert_eq!(anew["chain"], "ok", "without a seal nobody could tell");
    for (index, position) in [(0, end), (1, left)] {
        let why = anew["seals"][index]["verdict"].as_str().expect("a text");
        assert!(why.contains(&format!("written anew: at position {position} ")), "{why}");
    }
}

/// Whoever has the whole chain written anew must still let every event be read, every amount add up
/// and every note name the log that it was made from.
#[test]
fn verify_reads_every_event_and_adds_up_every_amount() {
    let (ledger, _) = Ledger::after_a_day();
    let sold = &ledger.sold_in_demo();
    let counter = sold["payload"]["TicketSold"]["counter"].as_str().expect("a counter");
    let late = ledger.sold_before(sold, "2026-02-03T10:00:00Z");
    let period = ["--counter", counter, "--from", "2026-01-01", "--until", "2026-03-31"];
    ledger.run(&[&["note", "issue"], &period[..]].concat()).done();
    ledger.run(&["verify"]).done();
    let note = ledger.events("NoteIssued").remove(0)["position"].as_u64().expect("a position");
    ledger.tampers(&OPENED);

    let why = |statement: &str| {
        ledger.tampers(&[&[statement][..], &CHAINED_ANEW].concat());
        let found = found(&ledger, &[]);
        ledger.tampers(&RESTORED);
        assert_eq!(found["chain"], "ok", "{statement}");
        found["events"].as_array().expect("a list").clone()
    };
    let payload = |of: &str, from: &str, to: &str| {
        format!(
            "update log.events set payload = replace(payload::text, '{from}', '{to}')::json
             where {of}"
        )
    };
    let names = |found: &[Value], position: u64, words: &str| {
        let is_it = |one: &Value| {
            one["position"] == position
                && one["why"].as_str().is_some_and(|why| why.contains(words))
        };
        assert!(found.iter().any(is_it), "{position} {words:?} in {found:?}");
    };

    let of_sale = format!("event_type = 'TicketSold' and payload::text like '%{late}%'");
    let shares = why(&payload(&of_sale, r#""municipality":"2.90""#, r#""municipality":"2.91""#));
    let sale = note - 1;
    names(&shares, sale, "sum to 7.26, its price is 7.25");
    names(&shares, note, "says 2.90 for");
    names(&shares, note, "where the hash of the log is another");

    let total =
        why(&payload("event_type = 'NoteIssued'", r#""total":"2.90""#, r#""total":"3.90""#));
    names(&total, note, "says 3.90 for");
    let due =
        why(&payload("event_type = 'NoteIssued'", r#""payable":"2.90""#, r#""payable":"2.89""#));
    names(&due, note, "not the payable 2.89");

    let unknown = why("update log.events set event_type = 'Verkocht' where position = 8");
    names(&unknown, 8, "Verkocht");
    let unreadable = why("update log.events set payload = '{}' where position = 9");
    names(&unreadable, 9, "cannot be read");
}
