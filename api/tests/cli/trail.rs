//! The story of something, told to an auditor (R-AUD-01).

use serde_json::Value;

use crate::kit::Settled;

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

/// R-AUD-01: who did what, when it happened and when it was known, how it stood before and after, as
/// of any position or instant, and what is different between two of them.
#[test]
fn a_story_is_told_in_order_and_as_of_any_moment() {
    let settled = Settled::new();
    let ledger = &settled.ledger;
    let audit = |arguments: &[&str]| ledger.run(&[&["audit", "--json"], arguments].concat()).json();
    let sale = settled.corrected.as_str();
    let line = audit(&["line", sale]);
    let entries = list(&line["entries"]);
    let types: Vec<_> =
        entries.iter().map(|entry| entry["type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["TicketSold", "NoteIssued", "TicketSaleCancelled", "NoteIssued"]);
    assert_eq!(entries[0]["at"], "2025-02-03T10:00:00Z", "when it happened");
    assert_ne!(entries[0]["recordedAt"], entries[0]["at"], "and when it was known");
    assert!(entries.iter().all(|entry| entry["metadata"]["actor"].is_string()));
    // Before and after each event.
    let on = |index: usize| {
        let change = &list(&entries[index]["changes"])[0];
        (change["path"].clone(), change["before"].clone(), change["after"].clone())
    };
    let none_yet = Value::from(vec!["line of the sale: on no note yet"]);
    assert_eq!(on(0), ("".into(), Value::Null, serde_json::json!({ "lines": none_yet })));
    let on_first = Value::from(vec!["line of the sale: on note 1"]);
    assert_eq!(on(1), ("/lines".into(), none_yet, on_first.clone()));
    let corrected = Value::from(vec![
        "line of the sale: on note 1",
        "negative line that corrects note 1: on note 2",
    ]);
    assert_eq!(on(3).2, corrected);

    // As of a position, and as of the instant at which that was stored.
    let position = entries[1]["position"].to_string();
    let then = audit(&["line", sale, "--at", &position]);
    assert_eq!(then["state"]["lines"], on_first);
    let instant = entries[1]["recordedAt"].as_str().expect("an instant");
    assert_eq!(audit(&["line", sale, "--at", instant]), then);

    // What is different between two.
    let end = line["position"].to_string();
    let since = audit(&["line", sale, "--from", &position, "--to", &end]);
    assert_eq!((list(&since["entries"]).len(), &since["from"]), (2, &entries[1]["position"]));
    let change = &list(&since["changes"])[0];
    assert_eq!((&change["before"], &change["after"]), (&on_first, &corrected));
    let note = audit(&["note", &settled.counter, "2", "--from", &position]);
    assert_eq!(list(&note["changes"])[0]["before"], Value::Null, "it was not issued yet");
    let stream = settled.like["stream"].as_str().expect("a stream");
    let passholder = stream.strip_prefix("passholder/").expect("a passholder");
    let holder = audit(&["passholder", passholder, "--from", &position]);
    let paths: Vec<_> = list(&holder["changes"])
        .iter()
        .map(|change| change["path"].as_str().expect("a path"))
        .collect();
    assert!(paths.iter().any(|path| path.contains(&settled.last)), "{paths:?}");
    let same = audit(&["passholder", passholder, "--from", &end, "--to", &end]);
    assert_eq!((list(&same["entries"]).len(), list(&same["changes"]).len()), (0, 0));

    let told = ledger.run(&["audit", "passholder", passholder]).done();
    assert!(
        told.contains(", happened 2025-02-03 11:00:00.000 +01:00") && told.contains("  by "),
        "{told}"
    );
    ledger.run(&["audit", "note", &settled.counter, "9"]).failed(1, "not known");
    ledger.run(&["audit", "line", sale, "--from", &end, "--to", "1"]).failed(1, "comes after");
    ledger.run(&["audit", "line", sale, "--at", "gisteren"]).failed(2, "a position, an instant");
}

/// R-NOTE-05, R-TAR-02: a line is taken back to the key, the rounding and its corrections; and a
/// ticket that is not where somebody looks for it says why.
#[test]
fn a_line_is_explained_and_so_is_what_is_not_there() {
    let settled = Settled::new();
    let ledger = &settled.ledger;
    let told = ledger.run(&["explain", &settled.corrected]).done();
    assert!(told.contains("together 1.45 + 2.90 + 2.90 = 7.25"), "{told}");
    assert!(told.contains("gives these amounts"), "{told}");
    assert!(told.contains("negative line that corrects note 1: on note 2"), "{told}");
    ledger.run(&["explain", &settled.corrected, "--at", "1"]).failed(1, "not known");

    // Of a coupon that nobody defined.
    let used = &ledger.events("CouponUsed")[0]["payload"]["CouponUsed"]["sale"];
    let told = ledger.run(&["explain", used.as_str().expect("a sale")]).done();
    assert!(told.contains("The coupon was NOT defined then"), "{told}");

    let why_not = |sale: &str, expected: &[&str]| {
        ledger.run(&[&["explain", "--why-not", sale], expected].concat()).done()
    };
    let told = why_not(&settled.cancelled, &[]);
    assert!(told.contains("it was cancelled at position"), "{told}");
    let told = why_not(&settled.late, &["--note", "1"]);
    assert!(told.contains("after note 1 was made at position"), "{told}");
    assert!(told.contains("on note 2"), "{told}");
    let told = why_not(&settled.last, &["--note", "1"]);
    assert!(told.contains("its day, 2025-05-05, is after note 1"), "{told}");
    let told = why_not(&settled.last, &["--note", "3"]);
    assert!(told.contains("has no note 3 yet"), "{told}");
    let told = why_not(&settled.last, &["--counter", "bibliotheek-meerdal"]);
    assert!(told.contains(&format!("it was sold at {}", settled.counter)), "{told}");
    let told = why_not(&settled.last, &["--municipality", "9989"]);
    assert!(told.contains("pays for it, and not 9989"), "{told}");
    let told = why_not("01890a5d-ac96-774b-bcce-b302099a8057", &[]);
    assert!(told.contains("not registered"), "{told}");
    ledger.run(&["explain", &settled.last, "--note", "1"]).failed(2, "--why-not");
}
