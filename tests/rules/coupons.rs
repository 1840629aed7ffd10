//! R-CPN: coupons: what they do to a price, for whom, where, how often, and who pays.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uitpas_domain::calendar::{DayRange, Period};
use uitpas_domain::counter::{NotAllowed, Task};
use uitpas_domain::coupon::*;
use uitpas_domain::distribution::DistributionKey;
use uitpas_domain::ids::{CouponId, GroupPassId};
use uitpas_domain::limit::Limit;
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::coupons::CouponRefused;
use uitpas_domain::passholder::registration::NewSocialStatus;
use uitpas_domain::passholder::ticket_sales::{Item, SaleRefused, SellTickets, Tariff};
use uitpas_domain::passholder::{self, CouponUsed, Event as Happened, Registered};
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::euro::Euro;

use crate::given::*;

/// R-CPN-01
#[test]
fn a_key_of_shares_splits_half_up_and_the_passholder_may_pay_nothing() {
    for (shares, price, expected) in [
        ((0, 0, 100), "10.00", ("0.00", "0.00", "10.00")),
        ((0, 100, 0), "9.99", ("0.00", "9.99", "0.00")),
        ((50, 25, 25), "0.05", ("0.03", "0.01", "0.01")),
        ((50, 20, 30), "10.00", ("5.00", "2.00", "3.00")),
        ((99, 0, 1), "0.01", ("0.01", "0.00", "0.00")),
        ((50, 0, 50), "0.01", ("0.01", "0.00", "0.00")),
    ] {
        let (passholder, organizer, municipality) = shares;
        let terms = Terms::Percentages {
            passholder: passholder.into(),
            organizer: organizer.into(),
            municipality: municipality.into(),
        };
        splits(terms, price, expected);
    }
}

/// R-CPN-01
#[test]
fn a_discount_is_borne_in_a_ratio() {
    let percent = |percent: &str, organizer_part, municipality_part| Terms::PercentOff {
        percent: of(percent),
        organizer_part,
        municipality_part,
    };
    let amount = |amount: &str, organizer_part, municipality_part| Terms::AmountOff {
        amount: of(amount),
        organizer_part,
        municipality_part,
    };
    for (terms, price, expected) in [
        (percent("50", 0, 100), "27.00", ("13.50", "0.00", "13.50")),
        (percent("50", 0, 100), "0.05", ("0.02", "0.00", "0.03")),
        (percent("100", 50, 50), "0.05", ("0.00", "0.02", "0.03")),
        (percent("33.33", 40, 60), "10.00", ("6.67", "1.33", "2.00")),
        (amount("1.50", 0, 100), "10.00", ("8.50", "0.00", "1.50")),
        (amount("1.50", 1, 2), "10.00", ("8.50", "0.50", "1.00")),
        (amount("1.50", 100, 0), "1.00", ("0.00", "1.00", "0.00")),
    ] {
        splits(terms, price, expected);
    }
}

/// R-CPN-01
#[test]
fn whatever_the_effect_no_cent_is_lost_and_nobody_gets_money() {
    let mut effects = Vec::new();
    for passholder in (0..100).step_by(7) {
        for organizer in (0..=100 - passholder).step_by(9) {
            let municipality = 100 - passholder - organizer;
            effects.push(Terms::Percentages {
                passholder: passholder.into(),
                organizer: organizer.into(),
                municipality: municipality.into(),
            });
        }
    }
    for (organizer_part, municipality_part) in [(0, 100), (1, 2), (100, 0)] {
        for percent in [1, 33, 50, 99, 100] {
            let percent = percent.into();
            effects.push(Terms::PercentOff { percent, organizer_part, municipality_part });
        }
        for cents in [1, 149, 9_999] {
            let amount = Euro::cents(cents);
            effects.push(Terms::AmountOff { amount, organizer_part, municipality_part });
        }
    }
    for terms in effects {
        let effect = Effect::try_from(terms).unwrap();
        assert_eq!(effect.terms(), terms);
        for cents in 1..=300 {
            let price = Euro::cents(cents).try_into().unwrap();
            let shares = effect.split(price);
            let all = [shares.passholder, shares.organizer, shares.municipality];
            assert!(all.iter().all(|share| *share >= Euro::ZERO), "{terms:?} of {price}");
            assert_eq!(all.into_iter().sum::<Euro>(), price.euro(), "{terms:?}");
        }
    }
}

/// R-CPN-01
#[test]
fn an_effect_that_does_not_add_up_is_refused() {
    use uitpas_domain::distribution::InvalidKey;
    let shares = |passholder: i64, organizer: i64, municipality: i64| Terms::Percentages {
        passholder: passholder.into(),
        organizer: organizer.into(),
        municipality: municipality.into(),
    };
    let percent_off = |percent: i64, organizer_part, municipality_part| Terms::PercentOff {
        percent: percent.into(),
        organizer_part,
        municipality_part,
    };
    let amount_off = |cents| Terms::AmountOff {
        amount: Euro::cents(cents),
        organizer_part: 0,
        municipality_part: 1,
    };
    for (terms, refused) in [
        (shares(99, 0, 1), None),
        (shares(100, 0, 0), Some(InvalidEffect::NothingOff)),
        (shares(50, 25, 24), Some(InvalidKey::Sum(99.into()).into())),
        (shares(101, 0, -1), Some(InvalidKey::Share.into())),
        (percent_off(100, 0, 100), None),
        (percent_off(101, 0, 100), Some(InvalidKey::Share.into())),
        (percent_off(0, 0, 100), Some(InvalidEffect::NothingOff)),
        (percent_off(50, 0, 0), Some(InvalidEffect::NobodyBears)),
        (amount_off(1), None),
        (amount_off(0), Some(InvalidEffect::NothingOff)),
    ] {
        assert_eq!(Effect::try_from(terms).err(), refused, "{terms:?}");
    }
}

/// R-CPN-01
#[test]
fn a_coupon_is_defined_once_and_stays_with_its_card_system() {
    let at = now();
    let define = Command::Define { definition: Box::new(film_coupon()), at };
    let defined = Event::Defined { definition: Box::new(film_coupon()), at };
    Story { state: Coupon::default() }.when(define.clone()).then([defined.clone()]);
    Story { state: Coupon::default() }.when(define).again().refused(Refused::AlreadyExists);
    let known = given([defined]);
    let change = |definition: Definition| Command::Change { definition: Box::new(definition), at };
    known.when(change(film_coupon())).then([]);
    let other = Definition { name: of("Andere bon"), ..film_coupon() };
    known.when(change(other.clone())).then([Event::Changed { definition: Box::new(other), at }]);
    known.when(change(Definition { owner: GENT, ..film_coupon() })).refused(Refused::OwnerIsFixed);
    Story { state: Coupon::default() }.when(change(film_coupon())).refused(Refused::Unknown);
    let reversed = DayRange { from: Some(day("2026-02-01")), until: Some(day("2026-01-31")) };
    known
        .when(change(Definition { validity: reversed, ..film_coupon() }))
        .refused(Refused::ReversedPeriod);
    for (from, until, refused) in [(12, 12, false), (12, 11, true)] {
        let segment = Segment { from_age: Some(from), until_age: Some(until), ..anyone() };
        let granted_to = GrantedTo::Segment(segment);
        let refusal = known.when(change(Definition { granted_to, ..film_coupon() })).refusal();
        assert_eq!(refusal, refused.then_some(Refused::ReversedAges));
    }
}

/// R-CPN-03
#[test]
fn whoever_has_social_status_pays_by_the_coupon_or_by_the_social_tariff_and_never_by_both() {
    let at = brussels("2026-06-15 20:00:00");
    let anna = given([registered(anna_regular("2027-04-30"))]);
    let shares = |events: &[Happened]| match &events[0] {
        Happened::CouponUsed(used) => used.shares,
        Happened::TicketSold(sold) => sold.shares,
        other => panic!("{other:?}"),
    };
    let by_coupon = anna.when(buys(1, film_coupon(), at)).events();
    assert_eq!(shares(&by_coupon), film_coupon().effect.split(of("10.00")));
    let social = Item { card: regular_card(), ..ticket(2, &film(), "10.00") };
    let by_tariff = anna.when(sells([social.clone()], at)).events();
    assert_eq!(shares(&by_tariff), DistributionKey::default().split(of("10.00")));
    assert_ne!(shares(&by_coupon), shares(&by_tariff));
    // Both in one request are two tickets, each at a tariff of its own.
    let both = anna.when(sells([asking(1, laid_down(film_coupon())), social], at)).events();
    assert_eq!([&both[0], &both[1]], [&by_coupon[0], &by_tariff[0]]);
}

/// R-CPN-02, R-CPN-03, R-TAR-08, R-CHK-07
#[test]
fn whoever_has_no_social_status_uses_a_coupon_and_it_gives_no_point() {
    let evening = brussels("2026-06-15 20:00:00");
    given([registered(bram())]).when(buys(1, film_coupon(), evening)).then([Happened::CouponUsed(
        Box::new(CouponUsed {
            sale: uitpas_domain::ids::SaleId(uuid(1)),
            coupon: the_coupon(),
            coupon_name: of("Filmbon"),
            activity: of("film"),
            title: of("Allemaal film"),
            counter: library(),
            card_system: MEETJESLAND,
            card: regular_card(),
            price: of("10.00"),
            price_name: Some(of("Basistarief")),
            deviating: false,
            shares: film_coupon().effect.split(of("10.00")),
            payer: eeklo(),
            at: evening,
        }),
    )]);
    let after = given([registered(bram())]).when(buys(1, film_coupon(), evening)).happens();
    assert_eq!(after.points(), 0);
    after.when(checks_in(check_in(2, &film(), regular_card(), evening))).happens();
}

/// R-CPN-02
#[test]
fn a_coupon_is_valid_on_its_days_both_ends_inclusive() {
    for (at, refused) in [
        ("2026-05-31 23:59:59", Some(Unusable::NotYet(day("2026-06-01")))),
        ("2026-06-01 00:00:00", None),
        ("2026-06-30 23:59:59", None),
        ("2026-07-01 00:00:00", Some(Unusable::Over(day("2026-06-30")))),
    ] {
        let validity = DayRange { from: Some(day("2026-06-01")), until: Some(day("2026-06-30")) };
        let coupon = Definition { validity, ..film_coupon() };
        let refusal = given([registered(bram())]).when(buys(1, coupon, brussels(at))).refusal();
        assert_eq!(refusal, refused.map(no), "{at}");
    }
    let unknown = asking(1, Coupon::default());
    given([registered(bram())]).when(sells([unknown], now())).refused(no(Unusable::Unknown));
}

/// R-CPN-01
#[test]
fn its_conditions_name_activities_counters_and_card_systems() {
    let elsewhere = Some(no(Unusable::OtherActivity));
    for (coupon, refused) in [
        (Definition { only_activities: [of("film")].into(), ..film_coupon() }, None),
        (Definition { only_activities: [of("gala")].into(), ..film_coupon() }, elsewhere.clone()),
        (Definition { only_at_counters: [library()].into(), ..film_coupon() }, None),
        (
            Definition { only_at_counters: [of("sporthal")].into(), ..film_coupon() },
            elsewhere.clone(),
        ),
        (Definition { card_systems: [GENT, MEETJESLAND].into(), ..film_coupon() }, None),
        (Definition { card_systems: [GENT].into(), ..film_coupon() }, elsewhere.clone()),
        (Definition { owner: GENT, ..film_coupon() }, elsewhere),
    ] {
        let shown = format!("{coupon:?}");
        let refusal = given([registered(bram())]).when(buys(1, coupon, now())).refusal();
        assert_eq!(refusal, refused, "{shown}");
    }
}

/// R-CPN-02, R-SOC-04
#[test]
fn whom_it_is_granted_to_is_judged_at_each_use() {
    let segment = |segment| GrantedTo::Segment(segment);
    let ages = |from, until| Segment { from_age: from, until_age: until, ..anyone() };
    let in_eeklo = Segment { inhabitants_of: [of("9900")].into(), ..anyone() };
    let in_ghent = Segment { inhabitants_of: [of("9000")].into(), ..anyone() };
    let not_granted =
        || Some(passholder::Refused::from(SaleRefused::from(CouponRefused::NotGranted)));
    let sale = |why: SaleRefused| Some(passholder::Refused::from(why));
    let of_status = Segment { with_social_status: true, ..anyone() };
    for (granted_to, who, age, refused) in [
        (GrantedTo::Everyone, bram(), Some(43), None),
        (GrantedTo::SocialStatus, bram(), Some(43), sale(SaleRefused::NoSocialStatus)),
        (GrantedTo::SocialStatus, anna_regular("2026-05-16"), Some(43), None),
        (
            GrantedTo::SocialStatus,
            anna_regular("2026-05-15"),
            Some(43),
            sale(SaleRefused::Expired(day("2026-05-15"))),
        ),
        (segment(of_status.clone()), bram(), Some(43), sale(SaleRefused::NoSocialStatus)),
        (segment(of_status), anna_regular("2027-04-30"), Some(43), None),
        (segment(in_eeklo), bram(), Some(43), None),
        (segment(in_ghent), bram(), Some(43), not_granted()),
        (segment(ages(Some(43), Some(43))), bram(), Some(43), None),
        (segment(ages(Some(44), None)), bram(), Some(43), not_granted()),
        (segment(ages(None, Some(42))), bram(), Some(43), not_granted()),
        (segment(ages(None, Some(42))), bram(), None, not_granted()),
        (segment(anyone()), bram(), None, None),
        (GrantedTo::GroupPass(GroupPassId(uuid(1))), bram(), Some(43), not_granted()),
    ] {
        let shown = format!("{granted_to:?} {age:?}");
        let coupon = Definition { granted_to, ..film_coupon() };
        let item = Item { age, ..asking(1, laid_down(coupon)) };
        let refusal = given([registered(who)]).when(sells([item], now())).refusal();
        assert_eq!(refusal, refused, "{shown}");
    }
}

/// R-CPN-01, R-CPN-04
#[test]
fn its_limit_counts_per_period_and_a_cancelled_use_comes_back_to_the_period_of_the_sale() {
    let coupon =
        || Definition { limit: Some(Limit { volume: 1, period: Period::Month }), ..film_coupon() };
    let used_up = || SaleRefused::from(CouponRefused::UsedUp { volume: 1, period: Period::Month });
    let june = given([registered(bram())])
        .when(buys(1, coupon(), brussels("2026-06-30 23:59:59")))
        .happens();
    june.when(buys(2, coupon(), brussels("2026-06-30 23:59:59"))).refused(used_up());
    let july = june.when(buys(2, coupon(), brussels("2026-07-01 00:00:00"))).happens();
    july.when(buys(3, coupon(), brussels("2026-07-31 23:59:59"))).refused(used_up());
    let undone = july.when(cancels(1, box_office())).happens();
    undone.when(buys(3, coupon(), brussels("2026-06-30 23:59:59"))).happens();
    undone.when(buys(3, coupon(), brussels("2026-07-31 23:59:59"))).refused(used_up());
    undone.when(cancels(1, box_office())).refused(SaleRefused::AlreadyCancelled);
}

/// R-TAR-05
#[test]
fn a_coupon_counts_against_its_own_limit_only() {
    let both = Item { card: social_card(), ..asking(1, laid_down(film_coupon())) };
    let story = given([registered(anna())])
        .when(sells([both.clone(), ticket(2, &film(), "10.00")], now()))
        .happens();
    story.when(sells([ticket(3, &film(), "10.00")], now())).refused(SaleRefused::LimitReached {
        volume: 1,
        period: Period::Absolute,
        of_counter: false,
    });
    let again = Item { sale: uitpas_domain::ids::SaleId(uuid(4)), ..both.clone() };
    story.when(sells([again.clone()], now())).happens();
    given([registered(anna())])
        .when(sells([both, again], now()))
        .refused(SaleRefused::SecondEqualItem);
}

/// R-CHK-07: a ticket with a coupon is a ticket for that activity too.
#[test]
fn a_point_stays_while_a_ticket_with_a_coupon_remains() {
    let evening = brussels("2026-06-15 20:00:00");
    let with_coupon = Item { card: social_card(), ..asking(1, laid_down(film_coupon())) };
    let both = given([registered(anna())])
        .when(sells([with_coupon, ticket(2, &film(), "10.00")], evening))
        .happens();
    assert_eq!(both.points(), 1);
    let with_coupon_left = both.when(cancels(2, box_office())).happens();
    assert_eq!(with_coupon_left.points(), 1);
    // The sale that gave it was cancelled before, and the one that is left gave none.
    assert_eq!(with_coupon_left.when(cancels(1, box_office())).happens().points(), 1);
    let without = both.when(cancels(1, box_office())).happens();
    assert_eq!(without.when(cancels(2, box_office())).happens().points(), 0);
}

/// R-TAR-03
#[test]
fn of_a_free_price_no_coupon_is_granted() {
    let free = described(film(), |film| film.prices[0].price = of("0.00"));
    let item =
        Item { offering: Arc::new(free), price: of("0.00"), ..asking(1, laid_down(film_coupon())) };
    given([registered(bram())]).when(sells([item], now())).refused(SaleRefused::Free);
}

/// R-CPN-05
#[test]
fn the_named_municipality_pays_or_the_home_one_if_it_is_in_the_card_system() {
    let of_organizer =
        effect(Terms::AmountOff { amount: of("1.00"), organizer_part: 1, municipality_part: 0 });
    let bram_of = |home| Registered { home, ..bram() };
    for (home, payer, effect, expected) in [
        (Some(eeklo()), None, film_coupon().effect, Some(eeklo())),
        (Some(eeklo()), Some(ghent()), film_coupon().effect, Some(ghent())),
        (Some(ghent()), Some(eeklo()), film_coupon().effect, Some(eeklo())),
        (Some(ghent()), None, film_coupon().effect, None),
        (None, None, film_coupon().effect, None),
        (None, Some(eeklo()), film_coupon().effect, Some(eeklo())),
        // Nobody pays; the line of nothing is the home's, or the counter's.
        (Some(ghent()), None, of_organizer, Some(ghent())),
        (None, None, of_organizer, Some(eeklo())),
    ] {
        let coupon = Definition { payer, effect, ..film_coupon() };
        let story = given([registered(bram_of(home.clone()))]);
        let came_to = story.when(buys(1, coupon.clone(), now()));
        match expected {
            None => came_to.refused(SaleRefused::NoPayer),
            Some(expected) => match &came_to.events()[..] {
                [Happened::CouponUsed(used)] => assert_eq!(used.payer, expected, "{home:?}"),
                other => panic!("{other:?}"),
            },
        }
    }
}

/// R-CPN-02, R-CRD-11, R-CTR-01
#[test]
fn the_counter_s_right_and_the_card_are_judged_first() {
    let item = asking(1, Coupon::default());
    let by_nobody = Item { by: nobody(), ..item.clone() };
    let story = given([registered(bram())]);
    story.when(sells([by_nobody], now())).refused(NotAllowed::Task(Task::GrantTariff));
    let of_another = Item { card: social_card(), ..item };
    story.when(sells([of_another], now())).refused(CardRefused::NotOfThisPassholder);
}

#[track_caller]
fn splits(terms: Terms, price: &str, (passholder, organizer, municipality): (&str, &str, &str)) {
    let shares = effect(terms).split(of(price));
    let shares =
        [shares.passholder, shares.organizer, shares.municipality].map(|of| of.to_string());
    assert_eq!(shares, [passholder, organizer, municipality], "{terms:?} of {price}");
}

fn effect(terms: Terms) -> Effect {
    terms.try_into().unwrap()
}

/// 50% off, borne by the municipality, for everyone, all year.
fn film_coupon() -> Definition {
    Definition {
        name: of("Filmbon"),
        description: None,
        owner: MEETJESLAND,
        limit: None,
        validity: DayRange { from: Some(day("2026-01-01")), until: Some(day("2026-12-31")) },
        only_activities: [].into(),
        only_at_counters: [].into(),
        card_systems: [].into(),
        granted_to: GrantedTo::Everyone,
        effect: effect(Terms::PercentOff {
            percent: of("50"),
            organizer_part: 0,
            municipality_part: 100,
        }),
        payer: None,
    }
}

fn anyone() -> Segment {
    Segment {
        inhabitants_of: [].into(),
        from_age: None,
        until_age: None,
        with_social_status: false,
    }
}

fn laid_down(definition: Definition) -> Coupon {
    given([Event::Defined { definition: Box::new(definition), at: now() }]).state
}

fn the_coupon() -> CouponId {
    CouponId(1079)
}

/// A ticket for Bram with the coupon.
fn asking(number: u128, coupon: Coupon) -> Item {
    Item {
        card: regular_card(),
        tariff: Tariff::Coupon(the_coupon(), Arc::new(coupon)),
        ..ticket(number, &film(), "10.00")
    }
}

fn buys(number: u128, coupon: Definition, at: DateTime<Utc>) -> passholder::Command {
    let items = vec![asking(number, laid_down(coupon))];
    let card_systems = card_systems();
    passholder::Command::SellTickets(Box::new(SellTickets { items, card_systems, at }))
}

/// Anna on a regular card, so that the same ticket will do.
fn anna_regular(until: &str) -> Registered {
    let proof = Proof::LivingWage;
    Registered { social_status: Some(NewSocialStatus { until: day(until), proof }), ..bram() }
}

fn no(why: Unusable) -> passholder::Refused {
    SaleRefused::from(CouponRefused::from(why)).into()
}
