//! The other values: money, text, places, contacts and accounts.

use proptest::prelude::*;
use rust_decimal::Decimal;
use uitpas_domain::values::contact::{Email, Phone};
use uitpas_domain::values::euro::{Euro, InvalidEuro, InvalidPrice, Price};
use uitpas_domain::values::iban::Iban;
use uitpas_domain::values::place::{Address, Country, InvalidPlace, Municipality, PostalCode};
use uitpas_domain::values::text::{InvalidText, Lines, Text};

#[test]
fn an_amount_is_whole_cents_within_ten_million_euro() {
    for (text, expected) in [
        ("1.50", Ok(150)),
        ("1.5", Ok(150)),
        ("1.500", Ok(150)),
        ("1", Ok(100)),
        ("0", Ok(0)),
        ("-0.00", Ok(0)),
        ("-0.05", Ok(-5)),
        ("007", Ok(700)),
        ("9999999.99", Ok(999_999_999)),
        ("-9999999.99", Ok(-999_999_999)),
        ("10000000.00", Err(InvalidEuro::OutOfRange)),
        ("-10000000", Err(InvalidEuro::OutOfRange)),
        ("99999999999999999999999999999999999999", Err(InvalidEuro::OutOfRange)),
        ("1.505", Err(InvalidEuro::PartOfACent)),
        ("0.001", Err(InvalidEuro::PartOfACent)),
        ("1,50", Err(InvalidEuro::NotAnAmount)),
        ("1.5.0", Err(InvalidEuro::NotAnAmount)),
        (".50", Err(InvalidEuro::NotAnAmount)),
        ("1.", Err(InvalidEuro::NotAnAmount)),
        ("+1", Err(InvalidEuro::NotAnAmount)),
        ("--1", Err(InvalidEuro::NotAnAmount)),
        ("1_0", Err(InvalidEuro::NotAnAmount)),
        ("1e2", Err(InvalidEuro::NotAnAmount)),
        ("", Err(InvalidEuro::NotAnAmount)),
    ] {
        assert_eq!(text.parse::<Euro>().map(Euro::as_cents), expected, "{text}");
    }
}

#[test]
fn a_decimal_becomes_an_amount_only_without_parts_of_a_cent() {
    let euro = |unscaled, scale| Euro::try_from(Decimal::new(unscaled, scale));
    assert_eq!(euro(15, 1), Ok(Euro::cents(150)));
    assert_eq!(euro(150, 2), Ok(Euro::cents(150)));
    assert_eq!(euro(15_000_000, 7), Ok(Euro::cents(150)));
    assert_eq!(euro(1_505, 3), Err(InvalidEuro::PartOfACent));
    assert_eq!(euro(1, 28), Err(InvalidEuro::PartOfACent));
    assert_eq!(Euro::try_from(Decimal::MAX), Err(InvalidEuro::OutOfRange));
    assert_eq!(Euro::try_from(Decimal::MIN), Err(InvalidEuro::OutOfRange));
}

#[test]
fn an_amount_is_written_with_two_decimals_in_text() {
    for (cents, text) in
        [(150, "1.50"), (0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-12_345, "-123.45")]
    {
        let euro = Euro::cents(cents);
        assert_eq!(euro.to_string(), text);
        assert_eq!(serde_json::to_value(euro).unwrap(), text);
        assert_eq!(serde_json::from_value::<Euro>(text.into()).unwrap(), euro);
    }
    assert!(serde_json::from_str::<Euro>("1.5").is_err());
    assert_eq!(Euro::cents(150).to_decimal().to_string(), "1.50");
}

#[test]
fn amounts_add_up_to_the_cent() {
    let amounts = [150, -49, 1].map(Euro::cents);
    assert_eq!(amounts.into_iter().sum::<Euro>(), Euro::cents(102));
    assert_eq!(Euro::cents(150) - Euro::cents(151), -Euro::cents(1));
    let mut total = Euro::ZERO;
    total += Euro::cents(7);
    total -= Euro::cents(9);
    assert_eq!(total, Euro::cents(-2));
}

/// R-TAR-08
#[test]
fn a_price_is_free_or_up_to_9999_99() {
    for (text, expected) in [
        ("0.00", Ok(0)),
        ("0.01", Ok(1)),
        ("9999.99", Ok(999_999)),
        ("10000.00", Err(InvalidPrice::OutOfRange)),
        ("-0.01", Err(InvalidPrice::OutOfRange)),
        ("0.001", Err(InvalidPrice::Amount(InvalidEuro::PartOfACent))),
    ] {
        assert_eq!(text.parse::<Price>().map(Price::as_cents), expected, "{text}");
        let json = serde_json::from_value::<Price>(text.into());
        assert_eq!(json.is_ok(), expected.is_ok(), "{text}");
    }
    assert!("0.00".parse::<Price>().unwrap().is_free());
    assert!(!"0.01".parse::<Price>().unwrap().is_free());
}

#[test]
fn text_is_composed_trimmed_bounded_and_free_of_controls() {
    for (typed, expected) in [
        ("Gent", Ok("Gent")),
        ("\u{a0} Gent\r\n", Ok("Gent")),
        // An e and its accent become one character, so that five fit.
        ("Ce\u{301}line"[..5].as_ref(), Ok("C\u{e9}l")),
        ("12345", Ok("12345")),
        ("ééééé", Ok("ééééé")),
        ("123456", Err(InvalidText::TooLong(5))),
        ("", Err(InvalidText::Empty)),
        (" \t\n", Err(InvalidText::Empty)),
        ("a\0b", Err(InvalidText::Control)),
        ("\0", Err(InvalidText::Control)),
        ("a\nb", Err(InvalidText::Control)),
        ("a\tb", Err(InvalidText::Control)),
        ("a\u{85}b", Err(InvalidText::Control)),
        ("a\u{2028}b", Err(InvalidText::Control)),
        ("a\u{7f}b", Err(InvalidText::Control)),
    ] {
        let text = typed.parse::<Text<5>>();
        assert_eq!(text.as_ref().map(Text::as_str), expected.as_ref().copied(), "{typed:?}");
    }
    assert!(serde_json::from_str::<Text<5>>(r#""a\u0000""#).is_err());
}

#[test]
fn lines_may_break_and_every_break_is_the_same() {
    for (typed, expected) in [
        ("a\r\nb\rc\nd", Ok("a\nb\nc\nd")),
        ("\na\n\nb\n", Ok("a\n\nb")),
        ("a\u{2029}b", Err(InvalidText::Control)),
        ("a\0", Err(InvalidText::Control)),
        ("12345678", Err(InvalidText::TooLong(7))),
    ] {
        let lines = typed.parse::<Lines<7>>();
        assert_eq!(lines.as_ref().map(Lines::as_str), expected.as_ref().copied(), "{typed:?}");
    }
}

proptest! {
    #[test]
    fn text_that_came_in_once_comes_in_unchanged_again(typed in any::<String>()) {
        if let Ok(text) = typed.parse::<Text<50>>() {
            prop_assert_eq!(text.as_str().parse::<Text<50>>().unwrap(), text);
        }
        if let Ok(lines) = typed.parse::<Lines<50>>() {
            prop_assert_eq!(lines.as_str().parse::<Lines<50>>().unwrap(), lines);
        }
    }

    #[test]
    fn an_amount_is_read_as_it_was_written(cents in -999_999_999_i64..=999_999_999) {
        let euro = Euro::cents(cents);
        prop_assert_eq!(euro.to_string().parse::<Euro>().unwrap(), euro);
        prop_assert_eq!(Euro::try_from(euro.to_decimal()).unwrap(), euro);
    }

    #[test]
    fn no_value_stumbles_over_what_is_typed(typed in any::<String>()) {
        let _ = typed.parse::<Euro>();
        let _ = typed.parse::<Iban>();
        let _ = typed.parse::<Email>();
        let _ = typed.parse::<Phone>();
        let _ = typed.parse::<Country>();
        let _ = typed.parse::<PostalCode>();
    }
}

#[test]
fn a_belgian_postal_code_is_1000_to_9992() {
    for (code, valid) in [
        ("1000", true),
        ("9992", true),
        (" 9000 ", true),
        ("0999", false),
        ("9993", false),
        ("0000", false),
        ("900", false),
        ("09000", false),
        ("B-900", false),
        ("+900", false),
    ] {
        assert_eq!(code.parse::<PostalCode>().is_ok(), valid, "{code}");
    }
}

#[test]
fn a_belgian_address_has_a_municipality_and_a_foreign_one_has_none() {
    let address = |code: &str, country: &str| {
        let country = country.parse().unwrap();
        Address::new(None, code.parse().unwrap(), "Gent".parse().unwrap(), country)
    };
    let gent = Municipality { postal_code: "9000".parse().unwrap(), name: "Gent".parse().unwrap() };
    assert_eq!(address("9000", "BE").unwrap().municipality(), Some(gent));
    assert_eq!(address("0000", "be").unwrap_err(), InvalidPlace::PostalCode);
    assert_eq!(address("9000", "fr").unwrap().municipality(), None);
    assert_eq!(address("SW1A 1AA", "gb").unwrap().municipality(), None);
}

#[test]
fn an_address_in_json_is_in_belgium_unless_it_says_otherwise_and_is_checked_as_a_whole() {
    let read = serde_json::from_str::<Address>;
    let gent = read(r#"{"postal_code":"9000","city":"Gent"}"#).unwrap();
    assert_eq!(gent.country, Country::BELGIUM);
    let written = r#"{"postal_code":"9000","city":"Gent","country":"be"}"#;
    assert_eq!(serde_json::to_string(&gent).unwrap(), written);
    assert!(read(r#"{"postal_code":"0000","city":"Gent"}"#).is_err());
    assert!(read(r#"{"postal_code":"0000","city":"Rijsel","country":"fr"}"#).is_ok());
    assert!(read(r#"{"postal_code":"9000","city":"Gent","country":"bel"}"#).is_err());
    assert!(read(r#"{"postal_code":"9000","city":"Gent","country":"b1"}"#).is_err());
}

#[test]
fn an_email_address_has_one_name_and_a_domain_with_a_dot() {
    let longest = format!(
        "{}@{}.be",
        "a".repeat(64),
        ["b".repeat(62), "c".repeat(61), "d".repeat(61)].join(".")
    );
    assert_eq!(longest.len(), 254);
    for (typed, valid) in [
        ("anna@example.be", true),
        (" Anna.Peeters+uit@mail.Example.be\n", true),
        ("o'neil@x-y.example", true),
        (&longest, true),
        (&format!("{longest}n"), false),
        (&format!("{}@example.be", "a".repeat(65)), false),
        ("anna", false),
        ("@example.be", false),
        ("anna@", false),
        ("anna@example", false),
        ("anna@@example.be", false),
        ("anna@a@example.be", false),
        ("an na@example.be", false),
        (".anna@example.be", false),
        ("anna..p@example.be", false),
        ("anna@-example.be", false),
        ("anna@example..be", false),
        ("anna@example.be.", false),
        ("anna@exa_mple.be", false),
        ("anna@example.be\r\nBcc: x@example.be", false),
        ("", false),
    ] {
        assert_eq!(typed.parse::<Email>().is_ok(), valid, "{typed:?}");
    }
    let email: Email = " Anna@Example.be".parse().unwrap();
    assert_eq!((email.as_str(), &*email.normalised()), ("Anna@Example.be", "anna@example.be"));
}

#[test]
fn a_telephone_number_has_6_to_15_digits() {
    for (typed, valid) in [
        ("0470 12 34 56", true),
        ("+32 (0)9 123 45 67", true),
        ("09/123.45.67", true),
        ("123456", true),
        ("12345", false),
        ("123456789012345", true),
        ("1234567890123456", false),
        ("0470+123456", false),
        ("0470 abc 123", false),
        ("", false),
    ] {
        assert_eq!(typed.parse::<Phone>().is_ok(), valid, "{typed:?}");
    }
}

/// R-CTR-03
#[test]
fn an_iban_is_checked_and_kept_compact() {
    let iban: Iban = " be68 5390 0754 7034\n".parse().unwrap();
    assert_eq!(iban.to_string(), "BE68539007547034");
    assert_eq!(iban.grouped(), "BE68 5390 0754 7034");
    assert_eq!(serde_json::to_string(&iban).unwrap(), r#""BE68539007547034""#);
    for wrong in
        ["BE68539007547035", "BE685390075470", "BE6853900754703400", "XX68539007547034", ""]
    {
        assert!(wrong.parse::<Iban>().is_err(), "{wrong}");
    }
}

/// R-PRV-02
#[test]
fn what_is_personal_shows_in_no_debug_output() {
    let address = r#"{"street":"Kouter 1","postal_code":"9000","city":"Gent"}"#;
    assert_eq!(format!("{:?}", serde_json::from_str::<Address>(address).unwrap()), "Address");
    assert_eq!(format!("{:?}", "anna@example.be".parse::<Email>().unwrap()), "Email");
    assert_eq!(format!("{:?}", "0470123456".parse::<Phone>().unwrap()), "Phone");
    assert_eq!(format!("{:?}", "BE68539007547034".parse::<Iban>().unwrap()), "Iban");
}
