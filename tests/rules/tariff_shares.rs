//! R-TAR: distribution keys, and how they split a price.

use rust_decimal::{Decimal, RoundingStrategy};
use uitpas_domain::distribution::*;
use uitpas_domain::ids::DistributionKeyId;
use uitpas_domain::values::euro::{Euro, Price};

/// R-TAR-01
#[test]
fn percentages_stay_within_their_bounds() {
    for (shares, refusal) in [
        // passholder, organizer, municipality
        (["20", "40", "40"], None),
        (["20.00", "40.000", "40"], None),
        (["25", "35", "40"], None),
        (["25.01", "34.99", "40"], Some(InvalidKey::PassholderPaysTooMuch(decimal("25.01")))),
        (["26", "34", "40"], Some(InvalidKey::PassholderPaysTooMuch(decimal("26")))),
        (["0.01", "10", "89.99"], None),
        (["0", "50", "50"], Some(InvalidKey::PassholderPaysNothing)),
        (["25", "75", "0"], None),
        (["20", "10", "70"], None),
        (["20", "9.99", "70.01"], Some(InvalidKey::OrganizerBearsTooLittle(decimal("9.99")))),
        (["20", "0", "80"], Some(InvalidKey::OrganizerBearsTooLittle(decimal("0")))),
        (["20", "40", "39.99"], Some(InvalidKey::Sum(decimal("99.99")))),
        (["20", "40", "40.01"], Some(InvalidKey::Sum(decimal("100.01")))),
        (["33.333", "33.333", "33.334"], Some(InvalidKey::Share)),
        (["-20", "80", "40"], Some(InvalidKey::Share)),
        (["20", "90", "-10"], Some(InvalidKey::Share)),
        (["20", "100.01", "-20.01"], Some(InvalidKey::Share)),
        (["79228162514264337593543950335", "1", "1"], Some(InvalidKey::Share)),
    ] {
        let [passholder, organizer, municipality] = shares.map(decimal);
        let key = DistributionKey::percentages(passholder, organizer, municipality);
        assert_eq!(key.err(), refusal, "{shares:?}");
    }
}

/// R-TAR-01
#[test]
fn a_fixed_amount_is_above_zero_and_leaves_the_organizer_two_fifteenths_of_the_rest() {
    for (cents, organizer, municipality, refusal) in [
        (150, 40, 40, None),
        (1, 40, 40, None),
        (0, 40, 40, Some(InvalidKey::PassholderPaysNothing)),
        (-1, 40, 40, Some(InvalidKey::PassholderPaysNothing)),
        (150, 2, 13, None),
        (150, 1_999, 13_001, Some(InvalidKey::OrganizerPartTooSmall)),
        (150, 0, 1, Some(InvalidKey::OrganizerPartTooSmall)),
        (150, 1, 0, None),
        (150, 0, 0, Some(InvalidKey::OrganizerPartTooSmall)),
        (150, u32::MAX, u32::MAX, None),
        (150, 1, u32::MAX, Some(InvalidKey::OrganizerPartTooSmall)),
    ] {
        let key = DistributionKey::fixed(Euro::cents(cents), organizer, municipality);
        assert_eq!(key.err(), refusal, "{cents} {organizer}:{municipality}");
    }
}

/// R-TAR-01
#[test]
fn the_default_is_20_40_40() {
    assert_eq!(DistributionKey::default(), percentages("20", "40", "40"));
}

/// R-TAR-01
#[test]
fn json_lets_in_no_key_that_breaks_a_bound() {
    let written = r#"{"percentages":{"passholder":"20","organizer":"39.5","municipality":"40.5"}}"#;
    let key = percentages("20", "39.50", "40.5");
    assert_eq!(serde_json::to_string(&key).unwrap(), written);
    assert_eq!(serde_json::from_str::<DistributionKey>(written).unwrap(), key);
    let broken = written.replace("20", "26").replace("39.5", "33.5");
    assert!(serde_json::from_str::<DistributionKey>(&broken).is_err());

    let written = r#"{"fixed":{"passholder":"1.50","organizer_part":40,"municipality_part":40}}"#;
    assert_eq!(serde_json::to_string(&fixed(150, 40, 40)).unwrap(), written);
    assert_eq!(serde_json::from_str::<DistributionKey>(written).unwrap(), fixed(150, 40, 40));
    assert!(serde_json::from_str::<DistributionKey>(&written.replace("1.50", "0.00")).is_err());
}

/// R-TAR-02
#[test]
fn a_price_is_split_as_the_worked_figures_say() {
    let default = DistributionKey::default();
    for (key, price, shares) in [
        // passholder, organizer, municipality
        (default, "10.00", ["2.00", "4.00", "4.00"]),
        (default, "3.10", ["0.62", "1.24", "1.24"]),
        (default, "7.25", ["1.45", "2.90", "2.90"]),
        (default, "0.99", ["0.20", "0.39", "0.40"]),
        (default, "0.07", ["0.01", "0.03", "0.03"]),
        (percentages("25", "35", "40"), "7.30", ["1.82", "2.56", "2.92"]),
        (fixed(150, 40, 40), "10.00", ["1.50", "4.25", "4.25"]),
        (fixed(150, 40, 40), "5.00", ["1.25", "1.87", "1.88"]),
        // The amount is reached just where a quarter of the price allows it.
        (fixed(150, 40, 40), "6.00", ["1.50", "2.25", "2.25"]),
        (fixed(150, 40, 40), "5.99", ["1.49", "2.25", "2.25"]),
        // One cent is the least that is paid, and it may be all there is.
        (default, "0.01", ["0.01", "0.00", "0.00"]),
        (default, "0.02", ["0.01", "0.00", "0.01"]),
        (percentages("25", "75", "0"), "0.03", ["0.01", "0.02", "0.00"]),
        (fixed(150, 40, 40), "0.01", ["0.01", "0.00", "0.00"]),
        (default, "9999.99", ["2000.00", "3999.99", "4000.00"]),
        (fixed(150, u32::MAX, u32::MAX), "9999.99", ["1.50", "4999.24", "4999.25"]),
        (default, "0.00", ["0.00", "0.00", "0.00"]),
    ] {
        let [passholder, organizer, municipality] = shares.map(|share| share.parse().unwrap());
        let expected = Shares { passholder, organizer, municipality };
        assert_eq!(key.split(price.parse().unwrap()), expected, "{key:?} of {price}");
    }
}

/// R-TAR-02
#[test]
fn no_cent_is_lost_and_nobody_is_overcharged_whatever_the_key() {
    let mut keys = 0;
    for passholder in 1..=25 {
        for organizer in 10..=100 - passholder {
            let percents = [passholder, organizer, 100 - passholder - organizer];
            let [p, o, m] = percents.map(Decimal::from);
            keeps_the_bounds(DistributionKey::percentages(p, o, m).unwrap());
            keys += 1;
        }
    }
    assert_eq!(keys, 1_950);
}

/// R-TAR-02
#[test]
fn no_cent_is_lost_with_two_decimals_or_a_fixed_amount_either() {
    let hundredths = |n: i64| Decimal::new(n, 2);
    for passholder in (1..=2_500).step_by(357) {
        for organizer in (1_000..=10_000 - passholder).step_by(1_111) {
            let municipality = 10_000 - passholder - organizer;
            let [p, o, m] = [passholder, organizer, municipality].map(hundredths);
            keeps_the_bounds(DistributionKey::percentages(p, o, m).unwrap());
        }
    }
    for amount in [1, 2, 99, 150, 151, 7_500, 999_999_999] {
        for (organizer, municipality) in [(40, 40), (2, 13), (1, 0), (1, 6), (35, 45), (7, 3)] {
            keeps_the_bounds(fixed(amount, organizer, municipality));
        }
    }
}

/// R-TAR-02
#[test]
fn percentages_are_split_as_the_formula_says_in_exact_decimals() {
    let cent = decimal("0.01");
    let half_up =
        |amount: Decimal| amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    for (p, o, m) in [
        ("20", "40", "40"),
        ("25", "35", "40"),
        ("5", "10", "85"),
        ("0.01", "10", "89.99"),
        ("12.5", "37.5", "50"),
        ("24.99", "10.01", "65"),
    ] {
        let key = percentages(p, o, m);
        for cents in (1..=30_000).step_by(7).chain([999_999]) {
            let price = Decimal::new(cents, 2);
            let cap = (price * decimal("0.25")).round_dp_with_strategy(2, RoundingStrategy::ToZero);
            let passholder = cent.max(half_up(price * decimal(p) / decimal("100")).min(cap));
            let municipality = half_up(price * decimal(m) / decimal("100")).min(price - passholder);
            let shares = key.split(Price::try_from(price).unwrap());
            assert_eq!(shares.passholder.to_decimal(), passholder, "{p}-{o}-{m} of {price}");
            assert_eq!(shares.municipality.to_decimal(), municipality, "{p}-{o}-{m} of {price}");
            let rest = price - passholder - municipality;
            assert_eq!(shares.organizer.to_decimal(), rest, "{p}-{o}-{m} of {price}");
        }
    }
}

/// R-TAR-06
#[test]
fn the_cheapest_key_for_the_passholder_wins_and_then_the_lowest_id() {
    let keys = [
        defined(4, percentages("20", "40", "40")),
        defined(3, percentages("20", "30", "50")),
        defined(2, fixed(150, 40, 40)),
        defined(1, percentages("25", "35", "40")),
    ];
    let chosen = |price: &str| cheapest(keys.iter(), true, price.parse().unwrap()).unwrap().id.0;
    // 1.50 or 20%: equal at 7.50.
    assert_eq!(chosen("7.51"), 2);
    assert_eq!(chosen("7.50"), 2);
    assert_eq!(chosen("7.47"), 3);
    // All of them ask for one cent.
    assert_eq!(chosen("0.04"), 1);
    assert_eq!(cheapest([].iter(), true, Price::MAX), None);
}

/// R-TAR-01, R-TAR-04, R-TAR-06
#[test]
fn a_key_whose_conditions_do_not_hold_is_passed_over() {
    let cheap = DefinedKey {
        price_below: Some("10.00".parse().unwrap()),
        ..defined(1, percentages("10", "45", "45"))
    };
    let everywhere = DefinedKey { region: Region::Any, ..defined(2, DistributionKey::default()) };
    let keys = [cheap, everywhere];
    for (own_region, price, id) in [
        (true, "9.99", Some(1)),
        (true, "10.00", Some(2)),
        (false, "9.99", Some(2)),
        (false, "10.00", Some(2)),
    ] {
        let chosen = cheapest(keys.iter(), own_region, price.parse().unwrap());
        assert_eq!(chosen.map(|key| key.id.0), id, "{own_region} {price}");
    }
    assert_eq!(cheapest(keys[..1].iter(), false, "9.99".parse().unwrap()), None);
}

/// Walks the prices from 0.01 to 300.00.
fn keeps_the_bounds(key: DistributionKey) {
    let percent = match key.terms() {
        Terms::Percentages { passholder, .. } => Some(passholder),
        Terms::Fixed { .. } => None,
    };
    // Below this price the passholder's share is less than half a cent, and yet a cent is paid.
    let raised_below = percent.map_or(0, |percent| {
        i64::try_from((decimal("50") / percent).ceil()).expect("fifty over a hundredth fits")
    });
    let mut cents = 1;
    while cents <= 30_000 {
        let price = Price::try_from(Euro::cents(cents)).unwrap();
        let shares = key.split(price);
        let (passholder, organizer, municipality) = (
            shares.passholder.as_cents(),
            shares.organizer.as_cents(),
            shares.municipality.as_cents(),
        );
        let sums = passholder + organizer + municipality == cents;
        let capped = passholder > 0 && (passholder * 4 <= cents || passholder == 1);
        let tenths_of_a_cent_short = cents - organizer * 10;
        // Two roundings of half a cent each; where the passholder's cent is the least that is paid,
        // it may be a whole one against the organizer instead of a half.
        let bears = if cents < raised_below {
            tenths_of_a_cent_short < 15
        } else {
            tenths_of_a_cent_short <= 10
        };
        if !(sums && capped && organizer >= 0 && municipality >= 0 && bears) {
            panic!("{key:?} of {price}: {shares:?}");
        }
        cents += 1;
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn percentages(passholder: &str, organizer: &str, municipality: &str) -> DistributionKey {
    let [p, o, m] = [passholder, organizer, municipality].map(decimal);
    DistributionKey::percentages(p, o, m).unwrap()
}

fn fixed(cents: i64, organizer_part: u32, municipality_part: u32) -> DistributionKey {
    DistributionKey::fixed(Euro::cents(cents), organizer_part, municipality_part).unwrap()
}

fn defined(id: u32, key: DistributionKey) -> DefinedKey {
    let name = "Kansentarief".parse().unwrap();
    DefinedKey { id: DistributionKeyId(id), name, key, region: Region::Own, price_below: None }
}
