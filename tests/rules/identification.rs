//! R-ID: the numbers a pass and its holder are known by.

use chrono::NaiveDate;
use proptest::prelude::*;
use uitpas_domain::values::card_number::{CardNumber, InvalidCardNumber};
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_domain::values::identifier::{Identifier, InvalidIdentifier};
use uitpas_domain::values::insz::{Insz, InvalidInsz};

/// R-ID-01
#[test]
fn a_uitpas_number_is_thirteen_digits_whose_luhn_check_holds_and_whose_twelfth_is_0_or_1() {
    for (number, expected) in [
        ("0900000095902", Ok(false)),
        ("0900000067513", Ok(true)),
        ("1000000520006", Ok(false)),
        ("0930000420206", Ok(false)),
        ("0930000237915", Ok(true)),
        ("0900010959113", Ok(true)),
        ("093000042020", Err(InvalidCardNumber::Length)),
        ("09300004202066", Err(InvalidCardNumber::Length)),
        ("", Err(InvalidCardNumber::Length)),
        ("09A3B004202066", Err(InvalidCardNumber::NotDigits)),
        ("09000 00095 902", Err(InvalidCardNumber::NotDigits)),
        ("٠900000095902", Err(InvalidCardNumber::NotDigits)),
        ("0930000237912", Err(InvalidCardNumber::CheckDigit)),
        ("0930000237931", Err(InvalidCardNumber::StatusDigit)),
    ] {
        let parsed = number.parse::<CardNumber>();
        assert_eq!(parsed.map(|card| card.is_for_social_status()), expected, "{number}");
    }
}

/// R-ID-01
#[test]
fn a_uitpas_number_is_printed_as_thirteen_digits_and_shown_grouped() {
    let card = card("0900000095902");
    assert_eq!(card.to_string(), "0900000095902");
    assert_eq!(card.grouped(), "09000 00095 902");
}

/// R-ID-01
#[test]
fn json_lets_in_no_uitpas_number_that_the_door_refuses() {
    let card = card("0900000095902");
    assert_eq!(serde_json::to_string(&card).unwrap(), r#""0900000095902""#);
    assert_eq!(serde_json::from_str::<CardNumber>(r#""0900000095902""#).unwrap(), card);
    assert!(serde_json::from_str::<CardNumber>(r#""0930000237912""#).is_err());
    assert!(serde_json::from_str::<CardNumber>("900000095902").is_err());
}

proptest! {
    /// R-ID-01
    #[test]
    fn one_wrong_digit_is_always_noticed(place in 0_usize..13, more in 1_u8..=9) {
        let mut digits = *b"0900000067513";
        digits[place] = (digits[place] - b'0' + more) % 10 + b'0';
        prop_assert!(std::str::from_utf8(&digits).unwrap().parse::<CardNumber>().is_err());
    }

    /// R-ID-04
    #[test]
    fn nothing_that_is_typed_makes_it_stumble(text in any::<String>()) {
        let _ = text.parse::<Identifier>();
    }

    /// R-ID-02
    #[test]
    fn eleven_digits_are_printed_as_they_came_in(digits in "[0-9]{11}") {
        if let Ok(insz) = digits.parse::<Insz>() {
            prop_assert_eq!(insz.to_string(), digits);
        }
    }

    /// R-ID-02
    #[test]
    fn every_birth_date_from_1900_to_2099_comes_back_out_of_the_number_made_of_it(
        days in 0_u64..73_000, serial in 1_u64..998, bis in prop::sample::select(vec![0, 20, 40]),
    ) {
        let birth = day("1900-01-01") + chrono::Days::new(days);
        let insz: Insz = insz_of(birth, serial, bis).parse().unwrap();
        prop_assert_eq!(insz.birth_date(), Some(birth));
        prop_assert!(insz.agrees_with(birth));
        prop_assert!(!insz.agrees_with(birth.succ_opt().unwrap()));
    }
}

/// R-ID-02
#[test]
fn the_check_digits_of_an_insz_tell_the_century() {
    for (insz, birth) in [
        ("83030201540", "1983-03-02"),
        ("36051380284", "1936-05-13"),
        ("66010101785", "1966-01-01"),
        ("71030360442", "1971-03-03"),
        ("08091860684", "2008-09-18"),
        ("17010180147", "2017-01-01"),
        ("10010105762", "2010-01-01"),
        ("15021760024", "2015-02-17"),
    ] {
        let parsed: Insz = insz.parse().unwrap();
        assert_eq!(parsed.birth_date(), Some(day(birth)), "{insz}");
        assert!(parsed.agrees_with(day(birth)), "{insz}");
        assert!(!parsed.agrees_with(day("1999-12-31")), "{insz}");
    }
}

/// R-ID-02
#[test]
fn an_insz_with_a_wrong_length_or_check_or_an_impossible_birth_date_is_refused() {
    for (insz, expected) in [
        ("8303020154", InvalidInsz::Length),
        ("830302015400", InvalidInsz::Length),
        ("", InvalidInsz::Length),
        ("83O30201540", InvalidInsz::NotDigits),
        ("83/03/02 015 40", InvalidInsz::NotDigits),
        ("83030201541", InvalidInsz::CheckDigits),
        ("83030201500", InvalidInsz::CheckDigits),
        (&checked(830_231_015), InvalidInsz::BirthDate),
        (&checked(831_302_015), InvalidInsz::BirthDate),
        (&checked(833_302_015), InvalidInsz::BirthDate),
        (&checked(835_302_015), InvalidInsz::BirthDate),
        (&checked(830_332_015), InvalidInsz::BirthDate),
    ] {
        assert_eq!(insz.parse::<Insz>().unwrap_err(), expected, "{insz}");
    }
}

/// R-ID-02
#[test]
fn a_bis_number_is_valid_and_an_unknown_month_or_day_agrees_with_any_birth_date() {
    for (first_nine, birth) in [
        (832_302_015, Some("1983-03-02")),
        (833_202_015, Some("1983-12-02")),
        (834_302_015, Some("1983-03-02")),
        (835_202_015, Some("1983-12-02")),
        (830_002_015, None),
        (830_300_015, None),
        (830_000_015, None),
        (832_002_015, None),
        (834_000_015, None),
    ] {
        let insz: Insz = checked(first_nine).parse().unwrap();
        assert_eq!(insz.birth_date(), birth.map(day), "{first_nine}");
        assert_eq!(insz.agrees_with(day("1970-07-07")), birth.is_none(), "{first_nine}");
    }
}

/// R-ID-02
#[test]
fn dots_hyphens_and_blanks_in_an_insz_are_left_out() {
    let compact: Insz = "83030201540".parse().unwrap();
    for written in ["83.03.02-015.40", "830302-015-40", "83 03 02 015 40", " 83030201540\r\n"] {
        assert_eq!(written.parse::<Insz>().unwrap(), compact, "{written}");
    }
    assert_eq!(serde_json::to_string(&compact).unwrap(), r#""83030201540""#);
}

/// R-PRV-02
#[test]
fn an_insz_shows_its_digits_to_no_log() {
    let insz: Insz = "83030201540".parse().unwrap();
    assert_eq!(format!("{insz:?}"), "Insz");
    assert!(!format!("{:?}", Identifier::Insz(insz)).contains('8'));
}

/// R-ID-03
#[test]
fn a_chip_number_is_fourteen_hexadecimal_digits_in_either_case() {
    let chip: ChipNumber = "04784CDAEE3880".parse().unwrap();
    assert_eq!("04784cdaee3880".parse::<ChipNumber>().unwrap(), chip);
    assert_eq!("04784cdaee3880".parse::<ChipNumber>().unwrap().to_string(), "04784CDAEE3880");
    for wrong in
        ["04784CDAEE388", "04784CDAEE38800", "04784CDAEE388G", "+4784CDAEE3880", "éé4CDAEE3880"]
    {
        assert!(wrong.parse::<ChipNumber>().is_err(), "{wrong}");
    }
}

/// R-ID-04
#[test]
fn the_shape_of_what_is_scanned_tells_the_kind_of_number() {
    let card = Identifier::Card(card("0900000095902"));
    let chip = Identifier::Chip("04784CDAEE3880".parse().unwrap());
    let insz = Identifier::Insz("83030201540".parse().unwrap());
    for (scanned, expected) in [
        ("0900000095902", Ok(card)),
        (" 0900000095902\r\n", Ok(card)),
        ("04784cdaee3880", Ok(chip)),
        ("\t04784CDAEE3880 ", Ok(chip)),
        ("83030201540", Ok(insz)),
        ("83.03.02-015.40\n", Ok(insz)),
        // Thirteen characters, and yet no card.
        ("830302-015-40", Ok(insz)),
        ("", Err(InvalidIdentifier::Empty)),
        (" \n", Err(InvalidIdentifier::Empty)),
        ("0900000095903", Err(InvalidIdentifier::Card(InvalidCardNumber::CheckDigit))),
        ("0930000237931", Err(InvalidIdentifier::Card(InvalidCardNumber::StatusDigit))),
        ("83030201541", Err(InvalidIdentifier::Insz(InvalidInsz::CheckDigits))),
        ("0900000", Err(InvalidIdentifier::Unknown)),
        ("Anna Peeters", Err(InvalidIdentifier::Unknown)),
    ] {
        assert_eq!(scanned.parse::<Identifier>(), expected, "{scanned:?}");
    }
}

fn card(number: &str) -> CardNumber {
    number.parse().unwrap()
}

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

/// Nine digits with the check of someone born before 2000.
fn checked(first_nine: u64) -> String {
    format!("{first_nine:09}{:02}", 97 - first_nine % 97)
}

fn insz_of(birth: NaiveDate, serial: u64, bis: u64) -> String {
    let digits: u64 = birth.format("%y%m%d").to_string().parse().unwrap();
    let first_nine = (digits + bis * 100) * 1000 + serial;
    let century = if birth < day("2000-01-01") { 0 } else { 2_000_000_000 };
    format!("{first_nine:09}{:02}", 97 - (century + first_nine) % 97)
}
