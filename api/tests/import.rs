//! What `uitpas import` understands, field by field, and what it says of the rest.

use std::io::{self, BufReader, Read};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use proptest::prelude::*;
use serde_json::{Value, json};
use uitpas_api::demo_activities;
use uitpas_api::import::activities::{self, Broken, Reason, Record};
use uitpas_api::import::cards;
use uitpas_domain::activity::{AT_THE_COUNTER, Audience, Calendar, Description, Window};
use uitpas_domain::calendar::at_brussels;
use uitpas_domain::card::Stage;

// One record.

#[test]
fn the_id_is_the_last_part_of_the_path() {
    for (url, id) in [
        ("https://io.example/event/0f2d1c9a-1a2b", "0f2d1c9a-1a2b"),
        ("https://io.example/event/104A8F5C-OLDER/", "104A8F5C-OLDER"),
        ("http://io.example/event/0f2d?embed=true#top", "0f2d"),
        ("/event/0f2d", "0f2d"),
        ("0f2d", "0f2d"),
    ] {
        assert_eq!(one(with("/@id", json!(url))).unwrap().id.as_str(), id);
    }
    let too_long = format!("https://io.example/{}", "x".repeat(129));
    for url in
        ["", "https://io.example", "https://io.example/", "https://io.example/a b", &too_long]
    {
        let broken = one(with("/@id", json!(url))).unwrap_err();
        assert_eq!(
            (broken.to_string().as_str(), broken.id),
            ("line 1: @id: is not a valid identifier", None)
        );
    }
    assert_eq!(refusal(without("@id")), "@id: is missing");
    assert_eq!(refusal(with("/@id", json!(7))), "@id: is not a text");
}

#[test]
fn the_title_is_in_the_main_language_else_in_dutch_else_in_any() {
    let title = |main: &str, name: Value| {
        let record = with("/mainLanguage", json!(main));
        described(set(record, "/name", name)).title.to_string()
    };
    assert_eq!(title("fr", json!({"nl": "Feest", "fr": "Fête", "de": "Fest"})), "Fête");
    assert_eq!(title("fr", json!({"nl": "Feest", "de": "Fest"})), "Feest");
    assert_eq!(title("fr", json!({"en": "Party", "de": "Fest"})), "Fest");
    assert_eq!(title("fr", json!({"nl": "Feest", "fr": " "})), "Feest");
    assert_eq!(title("fr", json!({"nl": "Feest", "fr": null})), "Feest");
    // One Unicode form: an e and an accent are one letter.
    assert_eq!(title("nl", json!({"nl": " Cafe\u{301} "})), "Café");
    assert_eq!(
        described(set(without("mainLanguage"), "/name", json!({"nl": "a", "de": "b"})))
            .title
            .as_str(),
        "a"
    );

    assert_eq!(refusal(without("name")), "name: is missing");
    assert_eq!(refusal(with("/name", json!({}))), "name: has no text in any language");
    assert_eq!(refusal(with("/name", json!("Feest"))), "name: is not an object");
    assert_eq!(refusal(with("/name/nl", json!(["x"]))), "name.nl: is not a text");
    assert_eq!(
        refusal(with("/name/nl", json!("a\u{0}b"))),
        "name.nl: the text has a control character"
    );
    assert_eq!(
        refusal(with("/name/nl", json!("x".repeat(301)))),
        "name.nl: the text is longer than 300 characters"
    );
}

#[test]
fn a_single_activity_is_its_one_occurrence() {
    let Calendar::Single(occurrence) = described(record()).calendar else { panic!("single") };
    assert_eq!(occurrence.start, at("2026-03-04T19:00:00Z"));
    assert_eq!(occurrence.end, Some(at("2026-03-04T21:30:00Z")));
    assert!(occurrence.available);

    // Without the list of occurrences it is the overall span; without an end it has none.
    let Calendar::Single(occurrence) = described(without("subEvent")).calendar else {
        panic!("single")
    };
    assert_eq!(occurrence.end, Some(at("2026-03-04T21:30:00Z")));
    let open = with("/subEvent/0/endDate", Value::Null);
    let Calendar::Single(occurrence) = described(open).calendar else { panic!("single") };
    assert_eq!(occurrence.end, None);

    let start = json!({"startDate": "2026-03-04T20:00:00+01:00"});
    assert_eq!(
        refusal(with("/subEvent", json!([start, start]))),
        "subEvent: has more than the one of a single activity"
    );
    assert_eq!(refusal(with("/subEvent", json!([{}]))), "subEvent[0].startDate: is missing");
    assert_eq!(refusal(with("/subEvent", json!("x"))), "subEvent: is not a list");
    assert_eq!(refusal(with("/subEvent/0", json!(1))), "subEvent[0]: is not an object");
    assert_eq!(
        refusal(with("/subEvent/0/endDate", json!("2026-03-04T19:59:59+01:00"))),
        "subEvent[0].endDate: lies before startDate"
    );
}

#[test]
fn a_multiple_activity_is_all_of_its_occurrences_each_with_its_status() {
    let record = set(
        with("/calendarType", json!("multiple")),
        "/subEvent",
        json!([
            {"startDate": "2026-03-04T20:00:00+01:00", "endDate": "2026-03-04T22:00:00+01:00"},
            {"id": 1, "startDate": "2026-03-29T03:00:00+02:00", "status": {"type": "Unavailable"}},
            {"startDate": "2026-04-01T20:00:00+0200", "status": {"type": "TemporarilyUnavailable"}},
            {"id": 3, "startDate": "2026-04-02T18:00:00Z", "status": {"type": "Available"}},
        ]),
    );
    let Calendar::Multiple(occurrences) = described(record).calendar else { panic!("multiple") };
    let seen: Vec<_> = occurrences.iter().map(|one| (one.start, one.available)).collect();
    assert_eq!(
        seen,
        [
            (at("2026-03-04T19:00:00Z"), true),
            (at("2026-03-29T01:00:00Z"), false),
            (at("2026-04-01T18:00:00Z"), false),
            (at("2026-04-02T18:00:00Z"), true),
        ]
    );

    let multiple = |list: Value| set(with("/calendarType", json!("multiple")), "/subEvent", list);
    assert_eq!(refusal(multiple(json!([]))), "subEvent: is empty");
    assert_eq!(refusal(multiple(Value::Null)), "subEvent: is missing");
    let strange = json!([{"startDate": "2026-03-04T20:00:00Z", "status": {"type": "Maybe"}}]);
    assert_eq!(
        refusal(multiple(strange)),
        "subEvent[0].status.type: is none of Available, TemporarilyUnavailable, Unavailable"
    );
}

#[test]
fn a_periodic_activity_runs_from_day_to_day_in_brussels() {
    let periodic = |start: &str, end: Value| {
        let record = set(with("/calendarType", json!("periodic")), "/startDate", json!(start));
        set(record, "/endDate", end)
    };
    // Ten at night in UTC is the next day in Brussels when it is summer there.
    let record = periodic("2026-06-30T22:00:00+00:00", json!("2026-08-31T21:59:59Z"));
    let hours =
        json!([{"opens": "9:00", "closes": "17:30", "dayOfWeek": ["friday", "monday", "friday"]}]);
    let calendar = described(set(record, "/openingHours", hours)).calendar;
    let Calendar::Periodic { from, until, hours } = calendar else { panic!("periodic") };
    assert_eq!((from, until), (day("2026-07-01"), day("2026-08-31")));
    assert_eq!(hours[0].days, [Weekday::Mon, Weekday::Fri]);
    assert_eq!((hours[0].opens, hours[0].closes), (time(9, 0), time(17, 30)));

    assert_eq!(refusal(periodic("2026-06-30T22:00:00Z", Value::Null)), "endDate: is missing");
    assert_eq!(
        refusal(periodic("2026-06-30T22:00:00Z", json!("2026-06-30T21:00:00Z"))),
        "endDate: lies before startDate"
    );
}

#[test]
fn a_permanent_activity_has_opening_hours_or_is_open_all_day() {
    let permanent = |hours: Value| {
        let record = set(with("/calendarType", json!("permanent")), "/startDate", Value::Null);
        set(set(record, "/subEvent", Value::Null), "/openingHours", hours)
    };
    let none = Calendar::Permanent { hours: vec![] };
    assert_eq!(described(permanent(Value::Null)).calendar, none);
    assert_eq!(described(permanent(json!([]))).calendar, none);

    let one = |opens: &str, closes: &str| {
        permanent(json!([{"opens": opens, "closes": closes, "dayOfWeek": ["sunday"]}]))
    };
    let Calendar::Permanent { hours } = described(one("08:05", "0:00")).calendar else {
        panic!("permanent")
    };
    assert_eq!((hours[0].opens, hours[0].closes), (time(8, 5), time(0, 0)));
    for wrong in
        ["", "9", "9:5", "24:00", "12:60", "009:00", "+9:00", "9:00:00", "9.00", ":00", "٩:٠٠"]
    {
        assert_eq!(
            refusal(one(wrong, "17:00")),
            "openingHours[0].opens: is not a time such as 9:00 or 20:30",
            "{wrong}"
        );
    }
    let hours =
        |days: Value| permanent(json!([{"opens": "9:00", "closes": "17:00", "dayOfWeek": days}]));
    assert_eq!(
        refusal(hours(json!(["monday", "maandag"]))),
        "openingHours[0].dayOfWeek[1]: is none of \
         monday, tuesday, wednesday, thursday, friday, saturday, sunday"
    );
    assert_eq!(refusal(hours(json!([]))), "openingHours[0].dayOfWeek: is empty");
    assert_eq!(refusal(hours(json!("monday"))), "openingHours[0].dayOfWeek: is not a list");
    let no_end = permanent(json!([{"opens": "9:00", "dayOfWeek": ["monday"]}]));
    assert_eq!(refusal(no_end), "openingHours[0].closes: is missing");
}

#[test]
fn an_unknown_type_of_calendar_is_refused() {
    assert_eq!(refusal(without("calendarType")), "calendarType: is missing");
    assert_eq!(
        refusal(with("/calendarType", json!("weekly"))),
        "calendarType: is none of single, multiple, periodic, permanent"
    );
}

#[test]
fn instants_have_an_offset_and_lie_between_1900_and_2200() {
    let start = |text: &str| {
        let record = set(record(), "/subEvent/0/endDate", Value::Null);
        one(set(record, "/subEvent/0/startDate", json!(text)))
    };
    for good in ["1900-01-01T00:00:00Z", "2200-12-31T23:59:59Z", "2026-03-04T20:00:00.5+01:00"] {
        assert!(start(good).is_ok(), "{good}");
    }
    for (text, why) in [
        ("1899-12-31T23:59:59Z", "the date lies before 1900 or after 2200"),
        ("2201-01-01T00:00:00Z", "the date lies before 1900 or after 2200"),
        ("1900-01-01T00:30:00+01:00", "the date lies before 1900 or after 2200"),
        ("+12026-03-04T20:00:00Z", "is not an instant such as 2026-03-04T20:00:00+01:00"),
        ("2026-03-04T20:00:00", "is not an instant such as 2026-03-04T20:00:00+01:00"),
        ("2026-03-04", "is not an instant such as 2026-03-04T20:00:00+01:00"),
        ("2026-02-30T20:00:00Z", "is not an instant such as 2026-03-04T20:00:00+01:00"),
        ("", "is not an instant such as 2026-03-04T20:00:00+01:00"),
    ] {
        let refusal = start(text).unwrap_err().reason.to_string();
        assert_eq!(refusal, format!("subEvent[0].startDate: {why}"), "{text}");
    }
}

#[test]
fn only_what_is_available_gives_points() {
    for (status, available) in
        [("Available", true), ("TemporarilyUnavailable", false), ("Unavailable", false)]
    {
        assert_eq!(described(with("/status/type", json!(status))).available, available);
        let record = with("/subEvent/0/status/type", json!(status));
        let Calendar::Single(occurrence) = described(record).calendar else { panic!("single") };
        assert_eq!(occurrence.available, available);
    }
    assert!(described(without("status")).available);
    assert!(
        refusal(with("/status/type", json!("available"))).starts_with("status.type: is none of")
    );
    assert_eq!(refusal(with("/status", json!("Available"))), "status: is not an object");
}

#[test]
fn rejected_and_deleted_activities_are_withdrawn() {
    for (status, withdrawn) in [
        ("DRAFT", false),
        ("READY_FOR_VALIDATION", false),
        ("APPROVED", false),
        ("REJECTED", true),
        ("DELETED", true),
    ] {
        assert_eq!(described(with("/workflowStatus", json!(status))).withdrawn, withdrawn);
    }
    assert!(!described(without("workflowStatus")).withdrawn);
    assert!(
        refusal(with("/workflowStatus", json!("GONE"))).starts_with("workflowStatus: is none of")
    );
}

#[test]
fn the_organizer_is_the_counter_and_without_one_it_is_no_uitpas_activity() {
    assert_eq!(described(record()).organizer.as_str(), "de-zandloper");
    for organizer in [Value::Null, json!({}), json!({"name": {"nl": "Iemand"}})] {
        let broken = one(with("/organizer", organizer)).unwrap_err();
        assert_eq!(broken.reason, Reason::NoOrganizer);
        assert_eq!(broken.id.unwrap().as_str(), "film-1");
    }
    assert_eq!(
        refusal(with("/organizer/@id", json!("https://io.example/"))),
        "organizer.@id: is not a valid identifier"
    );
}

/// R-TAR-12, R-CHK-04
#[test]
fn prices_have_names_the_base_price_first() {
    let prices = |list: Value| {
        let described = described(with("/priceInfo", list));
        let named = described.prices.iter().map(|one| format!("{} {}", one.name, one.price));
        named.collect::<Vec<_>>()
    };
    assert_eq!(
        prices(json!([
            {"category": "tariff", "name": {"nl": "Rang 2"}, "price": 10, "priceCurrency": "EUR"},
            {"category": "base", "name": {"nl": "Rang 1"}, "price": 12.5, "priceCurrency": "EUR"},
            {"category": "uitpas", "name": {}, "price": "?", "priceCurrency": "XXX"},
            {"category": "tariff", "name": {"fr": "Rang 3"}, "price": 3.10},
        ])),
        ["Rang 1 12.50", "Rang 2 10.00", "Rang 3 3.10"]
    );
    assert_eq!(prices(json!([{"category": "base", "price": 0}])), ["Basistarief 0.00"]);
    // No price at all is for the caller to judge.
    assert!(prices(Value::Null).is_empty());
    assert!(prices(json!([])).is_empty());

    let base = json!({"category": "base", "price": 1});
    for (list, why) in [
        (
            json!([{"category": "tariff", "name": {"nl": "a"}, "price": 1}]),
            "priceInfo: has no base price",
        ),
        (json!([{"category": "uitpas", "price": 1}]), "priceInfo: has no base price"),
        (json!([base, base]), "priceInfo[1].category: is base once more"),
        (json!([base, {"category": "tariff", "price": 1}]), "priceInfo[1].name: is missing"),
        (
            json!([{"category": "basis", "price": 1}]),
            "priceInfo[0].category: is none of base, tariff, uitpas",
        ),
        (json!([{"price": 1}]), "priceInfo[0].category: is missing"),
        (json!([{"category": "base"}]), "priceInfo[0].price: is missing"),
        (json!([{"category": "base", "price": "1.00"}]), "priceInfo[0].price: is not a number"),
        (
            json!([{"category": "base", "price": 1, "priceCurrency": "USD"}]),
            "priceInfo[0].priceCurrency: is none of EUR",
        ),
        (json!({"category": "base"}), "priceInfo: is not a list"),
    ] {
        assert_eq!(refusal(with("/priceInfo", list)), why);
    }
}

#[test]
fn a_price_is_read_as_it_is_written_never_as_a_float() {
    let price = |digits: &str| {
        let text = record().to_string().replace("12.5", digits);
        one(text).map(|record| record.description.prices[0].price.as_cents())
    };
    for (digits, cents) in [
        ("0", 0),
        ("-0", 0),
        ("3.10", 310),
        ("7.25", 725),
        ("7.2500", 725),
        ("0.01", 1),
        ("1e1", 1000),
        ("1.25E+1", 1250),
        ("9999.99", 999_999),
    ] {
        assert_eq!(
            price(digits).unwrap_or_else(|why| panic!("{digits}: {why}")),
            cents,
            "{digits}"
        );
    }
    for digits in [
        "-0.01",
        "10000",
        "9999.999",
        "7.255",
        "9.990000000000000001",
        "9.99000000000000000000000000000000000000001",
        "1e-3",
        "1e9",
        "1e99999999999999999999",
        "1.00000000000000000000000000000000000000001e1",
        "123456789012345678901234567890123456789012345678901234567890",
    ] {
        assert_eq!(
            price(digits).unwrap_err().reason.to_string(),
            "priceInfo[0].price: is not an amount from 0 to 9999.99 with at most two decimals",
            "{digits}"
        );
    }
}

/// R-CTR-08
#[test]
fn the_audience_is_everyone_unless_told_otherwise() {
    for (word, audience) in [
        ("everyone", Audience::Everyone),
        ("members", Audience::Members),
        ("education", Audience::Education),
    ] {
        assert_eq!(described(with("/audience/audienceType", json!(word))).audience, audience);
    }
    assert_eq!(described(without("audience")).audience, Audience::Everyone);
    assert_eq!(
        refusal(with("/audience/audienceType", json!("staff"))),
        "audience.audienceType: is none of everyone, members, education"
    );
}

#[test]
fn the_location_has_a_municipality_where_it_is_a_belgian_one() {
    let location = described(record()).location.unwrap();
    assert_eq!(location.name.as_str(), "De Zandloper");
    assert_eq!(location.municipality.unwrap().to_string(), "9901 Meerdal");

    for (field, value) in [
        ("addressCountry", json!("NL")),
        // What happens online has this address in UiTdatabank.
        ("postalCode", json!("0000")),
        ("postalCode", Value::Null),
        ("addressLocality", Value::Null),
    ] {
        let record = with(&format!("/location/address/nl/{field}"), value);
        assert_eq!(described(record).location.unwrap().municipality, None, "{field}");
    }
    let french = set(
        with("/mainLanguage", json!("fr")),
        "/location/address",
        json!({
            "nl": {"postalCode": "9901", "addressLocality": "Meerdal"},
            "fr": {"postalCode": "9901", "addressLocality": "Lac-la-Vallée"},
        }),
    );
    let municipality = described(french).location.unwrap().municipality;
    assert_eq!(municipality.unwrap().name.as_str(), "Lac-la-Vallée");

    assert_eq!(
        described(with("/location/address", Value::Null)).location.unwrap().municipality,
        None
    );
    assert_eq!(described(with("/location", json!({"@id": "https://io.example/p"}))).location, None);
    assert_eq!(described(without("location")).location, None);
    assert_eq!(
        refusal(with("/location/address/nl/postalCode", json!(9901))),
        "location.address.nl.postalCode: is not a text"
    );
    assert_eq!(refusal(with("/location/name/nl", json!(1))), "location.name.nl: is not a text");
}

#[test]
fn terms_are_the_labels_of_event_type_and_theme() {
    let terms: Vec<_> = described(record()).terms.iter().map(ToString::to_string).collect();
    assert_eq!(terms, ["Film", "Familie"]);
    assert!(described(without("terms")).terms.is_empty());
    assert_eq!(refusal(with("/terms/0/label", Value::Null)), "terms[0].label: is missing");
}

#[test]
fn what_means_nothing_to_us_is_not_looked_at() {
    let mut strange = record();
    for name in ["labels", "typicalAgeRange", "created", "bookingInfo", "\u{e9}\"\\", "member"] {
        strange[name] = json!({"deep": [[[null, 1e300, true, "\"]}"]]]});
    }
    assert_eq!(described(strange), described(record()));
}

// Files.

#[test]
fn a_file_is_one_object_a_list_one_object_a_line_or_a_search_answer() {
    let (a, b) = (named("a"), named("b"));
    let pretty = serde_json::to_string_pretty(&a).unwrap();
    for (file, lines) in [
        (pretty.clone(), vec![1]),
        (format!("\u{feff}\r\n{a}"), vec![2]),
        (format!("{a}\n{b}\n"), vec![1, 2]),
        (format!("{a}\r\n\r\n{b}"), vec![1, 3]),
        (format!("{a}{b}"), vec![1, 1]),
        (format!("{pretty}\n{b}"), vec![1, pretty.lines().count() as u64 + 1]),
        (format!("[{a},{b}]"), vec![1, 1]),
        (format!("[\n{a}\n,\n{b}\n]\n"), vec![2, 4]),
        (format!("[{a}]\n[{b}]"), vec![1, 2]),
        (format!("{{\"member\":[{a},\n{b}]}}"), vec![1, 2]),
        (
            format!(
                "{{\"x\": [{{\"member\": [1]}}], \"n\": 2,\n\"member\" : [\n{a},{b}], \"y\": {{}}}}"
            ),
            vec![3, 3],
        ),
        (format!("{{\"member\":[{a}],\"z\":1}}\n{{\"member\":[{b}]}}"), vec![1, 2]),
        (String::new(), vec![]),
        ("[]".to_owned(), vec![]),
        ("{\"member\": [ ]}".to_owned(), vec![]),
    ] {
        let read = all(&file);
        let seen: Vec<_> = read.iter().map(|one| one.as_ref().expect(&file).line).collect();
        assert_eq!(seen, lines, "{file}");
        let ids: Vec<_> = read.iter().map(|one| one.as_ref().expect(&file).id.as_str()).collect();
        assert_eq!(ids, ["a", "b"][..lines.len()], "{file}");
    }
}

#[test]
fn a_broken_record_is_told_with_its_line_and_id_and_the_others_go_on() {
    let (a, b) = (named("a"), named("b"));
    let nameless = set(named("c"), "/name", Value::Null);
    for file in [format!("{a}\n{nameless}\n{b}"), format!("[{a},\n{nameless},\n{b}]")] {
        assert_eq!(told(&file), ["1 a", "line 2: name: is missing", "3 b"]);
        assert_eq!(all(&file)[1].as_ref().unwrap_err().id.as_ref().unwrap().as_str(), "c");
    }
    for (broken, why) in [
        ("{\"@id\": tru}", "this is not JSON, in line 2"),
        ("{\"@id\": 01}", "this is not JSON, in line 2"),
        ("{\"@id\": \"\\x\"}", "this is not JSON, in line 2"),
        ("{\"@id\": \"\\ud800\"}", "@id: is not a text"),
        ("{}", "@id: is missing"),
    ] {
        for file in [format!("{a}\n{broken}\n{b}"), format!("[{a},\n{broken},\n{b}]")] {
            let line_2 = format!("line 2: {why}");
            assert_eq!(told(&file), ["1 a", line_2.as_str(), "3 b"]);
        }
    }
    for strange in ["1", "\"x\"", "null", "[1]"] {
        let file = format!("[{a},\n{strange},\n{b}]");
        assert_eq!(told(&file), ["1 a", "line 2: the record is not an object", "3 b"]);
    }
    let (first, last) = (format!("{a}\n{{\"@id\": \""), format!("\"}}\n{b}"));
    let not_utf8 = [first.as_bytes(), b"\xff", last.as_bytes()];
    assert_eq!(told(not_utf8.concat()), ["1 a", "line 2: the record is not UTF-8", "3 b"]);
}

#[test]
fn a_broken_line_costs_itself_only() {
    let (a, b) = (named("a"), named("b"));
    for broken in [
        "{\"@id\": \"x",
        "{\"@id\": \"x\"",
        "{\"@id\": \"x\\",
        "{\"@id\": ",
        "{\"@id\": [",
        "{\"@id\"",
        "{\"@id\": \"x\"]",
        "{,}",
        "{\"@id\": \"x\",}",
        "{'@id': 'x'}",
        "not JSON, not at all",
        "12",
        "]",
        "\u{0}",
    ] {
        let read = told(format!("{a}\n{broken}\n{b}\n"));
        assert_eq!((read.len(), &*read[0], &*read[2]), (3, "1 a", "3 b"), "{broken}: {read:?}");
        // What opens a list or an object goes on into the lines behind it.
        let why = ["line 2: this is not JSON, from line ", "line 2: the file ends within a record"];
        assert!(why.iter().any(|why| read[1].starts_with(why)), "{broken}: {read:?}");
    }
    // The last line cut off.
    assert_eq!(told(format!("{a}\n{{\"@id\": ")), ["1 a", "line 2: the file ends within a record"]);
}

#[test]
fn of_a_broken_list_what_was_readable_is_imported_and_the_rest_is_told_once() {
    let (a, b) = (named("a"), named("b"));
    for start in ["[", "{\"member\": ["] {
        for (file, why) in [
            (format!("{start}{a},\n{b}"), "line 2: the file ends within a record"),
            (format!("{start}{a},\n{b},\n{{\"@id\""), "line 3: the file ends within a record"),
            (format!("{start}{a},\n{b}\n{a}\n{a}]"), "line 3: this is not JSON, from line 3 on"),
            (format!("{start}{a},\n{b},\n]"), "line 3: this is not JSON, from line 3 on"),
            (
                format!("{start}{a},\n{b},\n{{]}},\n{a}]"),
                "line 3: this is not JSON, from line 3 on",
            ),
            (format!("{start}{a},\n{b}}}"), "line 2: this is not JSON, from line 2 on"),
        ] {
            let read = told(&file);
            let imported = read.iter().filter(|told| !told.starts_with("line")).count();
            assert_eq!(read.last().unwrap(), why, "{file}");
            assert_eq!((imported, read.len()), (2, 3), "{read:?}");
        }
    }
    // Without an end of the answer around the members.
    assert_eq!(
        told(format!("{{\"member\": [{a}], \"x\"\n")),
        ["1 a", "line 1: the file ends within a record"]
    );
}

#[test]
fn depth_and_length_are_bounded() {
    let (a, b) = (named("a"), named("b"));
    let deep = "[".repeat(1_000_000);
    assert_eq!(told(&deep), ["line 1: the record is nested deeper than 128 levels"]);
    let nested = format!("{{\"a\":{deep}");
    assert_eq!(
        told(format!("{a}\n{nested}\n{b}")),
        ["1 a", "line 2: the record is nested deeper than 128 levels", "3 b"]
    );
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(4 << 20));
    for file in [format!("{a}\n{long}\n{b}"), format!("[{a},\n{long},\n{b}]")] {
        let too_long = "line 2: the record is longer than 4194304 bytes";
        assert_eq!(told(file), ["1 a", too_long, "3 b"]);
    }
    // Too long and broken as well.
    let read = told(format!("{a}\n{}\n{b}", long.trim_end_matches("\"}")));
    assert_eq!((&*read[0], &*read[2]), ("1 a", "3 b"));
}

#[test]
fn a_file_that_cannot_be_read_on_is_told_once() {
    struct Torn;
    impl Read for Torn {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let text = format!("{}\n{}", named("a"), &record().to_string()[..40]);
    let torn = BufReader::new(text.as_bytes().chain(Torn));
    let read: Vec<_> = activities::read(torn).collect();
    assert_eq!(read.len(), 2);
    assert_eq!(
        read[1].as_ref().unwrap_err().to_string(),
        "line 2: the file cannot be read: connection reset"
    );
}

// The activities of the demo.

#[test]
fn the_shipped_activities_are_all_understood() {
    let read = all(demo_activities::around(day("2026-03-04")).unwrap());
    let records: Vec<Record> = read.into_iter().collect::<Result<_, _>>().unwrap();
    let shipped = all(include_str!("../demo/activities.json"));
    let same = shipped.into_iter().map(Result::unwrap).map(|one| (one.id, one.description));
    assert!(same.eq(records.iter().map(|one| (one.id.clone(), one.description.clone()))));

    let counters = [
        "bibliotheek-meerdal",
        "cultuurcentrum-de-zandloper",
        "jeugdhuis-de-kruin",
        "sporthal-ter-beke",
    ];
    let mut ids: Vec<_> = records.iter().map(|one| one.id.to_string()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 18);
    let mut organizers: Vec<_> =
        records.iter().map(|one| one.description.organizer.to_string()).collect();
    organizers.sort();
    organizers.dedup();
    assert_eq!(organizers, counters);

    let count = |wanted: fn(&Description) -> bool| {
        records.iter().filter(|one| wanted(&one.description)).count()
    };
    assert_eq!(count(|one| one.prices.is_empty()), 1);
    assert_eq!(count(|one| !one.available), 1);
    assert_eq!(count(|one| one.audience == Audience::Members), 1);
    assert!(count(|one| matches!(one.calendar, Calendar::Multiple(_))) >= 2);
    assert!(count(|one| matches!(one.calendar, Calendar::Periodic { .. })) >= 2);
    for cents in [0, 310, 725, 1000, 1250] {
        let prices = records.iter().flat_map(|one| &one.description.prices);
        assert!(prices.map(|one| one.price.as_cents()).any(|price| price == cents), "{cents}");
    }
}

#[test]
fn the_demo_has_something_on_whatever_the_day() {
    // Days around both changes of the clocks, a leap day, and each day of a week.
    for today in
        ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25", "2028-02-29", "2031-12-31"]
            .into_iter()
            .map(day)
            .chain((0..7).map(|later| day("2026-07-06") + TimeDelta::days(later)))
    {
        let records: Vec<Record> =
            all(demo_activities::around(today).unwrap()).into_iter().map(Result::unwrap).collect();
        let afternoon = at_brussels(today, time(14, 0));
        let window = |title: &str| {
            let found =
                records.iter().find(|one| one.description.title.as_str().starts_with(title));
            found.expect(title).description.calendar.window(afternoon, AT_THE_COUNTER)
        };
        for open in ["Film", "Tentoonstelling", "Seniorengym", "Vrij sporten", "Spaar een punt"] {
            assert_eq!(window(open), Window::Open, "{open} on {today}");
        }
        assert_eq!(
            window("Concert"),
            Window::OpensAt(at_brussels(today, time(20, 0)) - TimeDelta::hours(3))
        );
        let next_week = today + TimeDelta::days(7);
        assert_eq!(
            window("Kinderloop"),
            Window::OpensAt(at_brussels(next_week, time(14, 0)) - TimeDelta::hours(3))
        );
        assert!(matches!(window("Workshop zeefdruk"), Window::ClosedSince(Some(_))), "{today}");
    }
    assert!(demo_activities::around(NaiveDate::MAX).is_err());
    assert!(demo_activities::around(NaiveDate::MIN).is_err());
}

// Cards.

#[test]
fn cards_come_in_by_the_names_in_the_header() {
    let file = "uitpasNumber,chipNumber,cardSystem,stage,counter\n\
                0900000095902,04784CDAEE3880,1,stock,\n\
                \n\
                0900000067513,,1,,de-zandloper\n";
    let rows: Vec<_> = cards::read(file.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    let by_windows = file.replace('\n', "\r\n");
    let same = cards::read(by_windows.trim_end().as_bytes()).unwrap().map(Result::unwrap);
    assert!(same.eq(rows.iter().cloned()));
    assert_eq!((rows[0].line, rows[0].number.to_string().as_str()), (2, "0900000095902"));
    assert_eq!(rows[0].chip.unwrap().to_string(), "04784CDAEE3880");
    assert_eq!((rows[0].card_system.0, rows[0].stage, &rows[0].counter), (1, Stage::Stock, &None));
    assert_eq!((rows[1].line, rows[1].chip, rows[1].stage), (4, None, Stage::LocalStock));
    assert_eq!(rows[1].counter.as_ref().unwrap().as_str(), "de-zandloper");

    let short = "\u{feff}cardSystem , uitpasNumber\n7,1000000520006\n";
    let rows: Vec<_> = cards::read(short.as_bytes()).unwrap().map(Result::unwrap).collect();
    assert_eq!((rows[0].card_system.0, rows[0].number.to_string().as_str()), (7, "1000000520006"));
    assert_eq!((rows[0].stage, rows[0].chip), (Stage::LocalStock, None));
}

#[test]
fn a_broken_row_is_told_with_its_line_and_the_others_go_on() {
    let file = b"uitpasNumber,chipNumber,cardSystem,stage,counter\n\
                 0900000095903,,1,,\n\
                 0900000095902,04,1,,\n\
                 0900000095902,,one,,\n\
                 0900000095902,,,,\n\
                 0900000095902,,1,lost,\n\
                 0900000095902,,1,,de zandloper\n\
                 0900000095902,,1\n\
                 \xff,,1,,\n\
                 \"0900000095902,,1,,\n\
                 \"0900000095902\",,1,\"\",\n\
                 0900000095902,,1,,\n";
    let rows: Vec<_> = cards::read(&file[..]).unwrap().collect();
    let told: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Ok(row) => format!("{} {}", row.line, row.number),
            Err(broken) => broken.to_string(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "line 2: uitpasNumber: the check digit of the UiTPAS number is wrong",
            "line 3: chipNumber: a chip number has 14 hexadecimal digits",
            "line 4: cardSystem: is not a valid identifier",
            "line 5: cardSystem: is not a valid identifier",
            "line 6: stage: is none of provisioned, stock, sent-to-counter, local-stock",
            "line 7: counter: is not a valid identifier",
            "line 8: 3 cells under 5 columns",
            "line 9: the row is not UTF-8",
            "line 10: 1 cells under 5 columns",
            "11 0900000095902",
            "12 0900000095902",
        ]
    );
}

#[test]
fn without_a_fitting_header_no_card_comes_in() {
    let refusal = |file: &str| cards::read(file.as_bytes()).map(|_| ()).unwrap_err().to_string();
    assert_eq!(refusal(""), "line 1: the header names no column uitpasNumber");
    assert_eq!(refusal("uitpasNumber\n"), "line 1: the header names no column cardSystem");
    assert_eq!(
        refusal("0900000095902,04784CDAEE3880,1,stock,\n"),
        "line 1: the header names a column that is not one of \
         uitpasNumber, chipNumber, cardSystem, stage, counter"
    );
    assert_eq!(
        refusal("uitpasNumber,cardSystem,uitpasNumber\n"),
        "line 1: the header names column uitpasNumber twice"
    );
}

// Whatever the input.

proptest! {
    /// A record with one value replaced by another kind is one record, or one report.
    #[test]
    fn one_changed_value_is_one_answer(at in any::<prop::sample::Index>(), new in strange_value()) {
        let mut changed = record();
        let mut paths = vec![];
        collect_paths(&changed, String::new(), &mut paths);
        // Another whole record may be a list or a search answer.
        paths.pop();
        *changed.pointer_mut(&paths[at.index(paths.len())]).unwrap() = new;
        let file = format!("{}\n{changed}\n{}", named("a"), named("b"));
        let read = all(&file);
        prop_assert_eq!(read.len(), 3);
        prop_assert!(read[0].is_ok() && read[2].is_ok());
        // What we let in can be stored and read back as the same.
        if let Ok(record) = &read[1] {
            let stored = serde_json::to_string(&record.description).unwrap();
            let back: Description = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&back, &record.description);
        }
    }

    #[test]
    fn changed_bytes_are_read_to_the_end(
        shape in 0..3,
        changes in prop::collection::vec((any::<prop::sample::Index>(), some_byte(), 0..3), 1..8),
    ) {
        let (a, b) = (named("a"), serde_json::to_string_pretty(&named("b")).unwrap());
        let mut file = match shape {
            0 => format!("{a}\n{b}\n{a}\n"),
            1 => format!("[{a},\n{b},\n{a}]"),
            _ => format!("{{\"x\": 1, \"member\": [{a},\n{b},\n{a}]}}"),
        }
        .into_bytes();
        for (at, byte, kind) in changes {
            let at = at.index(file.len());
            match kind {
                0 => file[at] = byte,
                1 => file.insert(at, byte),
                _ => file.truncate(at.max(1)),
            }
        }
        let lines = file.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        for answer in activities::read(&file[..]) {
            let line = answer.map_or_else(|broken| broken.line, |record| record.line);
            prop_assert!((1..=lines).contains(&line));
        }
    }

    #[test]
    fn any_bytes_are_read_to_the_end(file in prop::collection::vec(some_byte(), 0..400)) {
        prop_assert!(activities::read(&file[..]).count() <= file.len());
        if let Ok(rows) = cards::read(&file[..]) {
            prop_assert!(rows.count() <= file.len());
        }
        let file = [b"uitpasNumber,cardSystem\n", &file[..]].concat();
        prop_assert!(cards::read(&file[..]).unwrap().count() <= file.len());
    }

    /// We cut a list where the JSON reader does.
    #[test]
    fn a_list_is_cut_where_its_items_end(
        values in prop::collection::vec(strange_value(), 0..6),
        pretty: bool,
    ) {
        let items: Vec<Value> = values
            .into_iter()
            .enumerate()
            .map(|(number, value)| json!({"@id": format!("id-{number}"), "a": value}))
            .collect();
        let list = Value::Array(items);
        let file =
            if pretty { serde_json::to_string_pretty(&list) } else { serde_json::to_string(&list) };
        let ids: Vec<_> =
            all(file.unwrap()).into_iter().map(|one| one.unwrap_err().id.unwrap()).collect();
        let expected: Vec<_> = (0..list.as_array().unwrap().len())
            .map(|number| format!("id-{number}").parse().unwrap())
            .collect();
        prop_assert_eq!(ids, expected);
    }
}

fn strange_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[-+]?[0-9]{1,5}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})"
            .prop_map(Value::from),
        "[0-9]{1,2}:[0-9]{1,2}".prop_map(Value::from),
        prop::sample::select(vec!["single", "multiple", "periodic", "permanent", "base", "\"}]\\"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\{}]{0,4}|nl|member", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Mostly those that mean something in JSON or CSV.
fn some_byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => prop::sample::select(b"{}[]\",:\\\n\r\t 019-+.eEtrufalsn".to_vec()),
        1 => any::<u8>(),
    ]
}

fn collect_paths(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect_paths(field, format!("{path}/{name}"), paths);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect_paths(item, format!("{path}/{index}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}

// Words of these tests.

fn record() -> Value {
    json!({
        "@id": "https://io.example/event/film-1",
        "mainLanguage": "nl",
        "name": {"nl": "Film"},
        "calendarType": "single",
        "startDate": "2026-03-04T20:00:00+01:00",
        "endDate": "2026-03-04T22:30:00+01:00",
        "subEvent": [{
            "id": 0,
            "startDate": "2026-03-04T20:00:00+01:00",
            "endDate": "2026-03-04T22:30:00+01:00",
            "status": {"type": "Available"},
        }],
        "status": {"type": "Available"},
        "workflowStatus": "APPROVED",
        "organizer": {"@id": "https://io.example/organizers/de-zandloper"},
        "location": {
            "@id": "https://io.example/place/1",
            "name": {"nl": "De Zandloper"},
            "address": {"nl": {
                "streetAddress": "Molenplein 3",
                "postalCode": "9901",
                "addressLocality": "Meerdal",
                "addressCountry": "BE",
            }},
        },
        "priceInfo": [
            {"category": "base", "name": {"nl": "Inkom"}, "price": 12.5, "priceCurrency": "EUR"},
        ],
        "audience": {"audienceType": "everyone"},
        "typicalAgeRange": "6-12",
        "labels": ["een"],
        "terms": [
            {"id": "1", "label": "Film", "domain": "eventtype"},
            {"id": "2", "label": "Familie", "domain": "theme"},
            {"id": "3", "label": "Lift", "domain": "facility"},
        ],
        "created": "2025-09-15T09:12:00+02:00",
    })
}

fn named(id: &str) -> Value {
    with("/@id", json!(format!("https://io.example/event/{id}")))
}

fn with(pointer: &str, value: Value) -> Value {
    set(record(), pointer, value)
}

fn without(name: &str) -> Value {
    let mut record = record();
    record.as_object_mut().unwrap().remove(name).unwrap();
    record
}

/// Sets a field, also one that is not there yet in the object that holds it.
fn set(mut record: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match record.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    record
}

fn all(file: impl AsRef<[u8]>) -> Vec<Result<Record, Broken>> {
    activities::read(file.as_ref()).collect()
}

fn told(file: impl AsRef<[u8]>) -> Vec<String> {
    let tell = |one: Result<Record, Broken>| match one {
        Ok(record) => format!("{} {}", record.line, record.id),
        Err(broken) => broken.to_string(),
    };
    all(file).into_iter().map(tell).collect()
}

fn one(record: impl ToString) -> Result<Record, Broken> {
    let mut read = all(record.to_string());
    assert_eq!(read.len(), 1);
    read.remove(0)
}

fn described(record: Value) -> Description {
    one(record).unwrap().description
}

fn refusal(record: Value) -> String {
    one(record).unwrap_err().reason.to_string()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap()
}
