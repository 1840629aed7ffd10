//! R-TAR: what the social tariff costs, who gets it, how often, and who pays the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uitpas_domain::activity::{self, Activity, Calendar, Settings};
use uitpas_domain::calendar::Period;
use uitpas_domain::card_system::{self, CardSystem};
use uitpas_domain::counter::{Counter, NotAllowed, Task, Terms};
use uitpas_domain::distribution::{DefinedKey, DistributionKey, Region, Shares};
use uitpas_domain::ids::{CardSystemId, CheckInId, DistributionKeyId, SaleId};
use uitpas_domain::limit::Limit;
use uitpas_domain::metadata::Role;
use uitpas_domain::offering::{NotOffered, Offering};
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::PointOfSale;
use uitpas_domain::passholder::registration::Remove;
use uitpas_domain::passholder::ticket_sales::*;
use uitpas_domain::passholder::{Command, Event, Passholder, Refused, Registered, TicketSold};
use uitpas_domain::values::euro::Euro;
use uitpas_domain::values::place::Municipality;

use crate::given::*;

/// R-TAR-08, R-TAR-02, R-TAR-12
#[test]
fn a_sale_records_everything_that_later_settings_could_change() {
    let evening = brussels("2026-06-15 20:00:00");
    let sold = TicketSold {
        sale: SaleId(uuid(1)),
        activity: of("film"),
        title: of("Allemaal film"),
        counter: library(),
        card_system: MEETJESLAND,
        card: social_card(),
        price: of("10.00"),
        price_name: Some(of("Basistarief")),
        deviating: false,
        key: key(1, DistributionKey::default()),
        shares: shares(200, 400, 400),
        payer: eeklo(),
        point_limit_period: Period::Absolute,
        point: PointOfSale::Given(CheckInId(uuid(1))),
        at: evening,
    };
    let events = anna_is_known().when(sells([ticket(1, &film(), "10.00")], evening)).events();
    assert_eq!(events[0], Event::TicketSold(Box::new(sold)));
}

/// R-TAR-08
#[test]
fn a_later_key_price_or_address_leaves_what_was_granted_as_it_was() {
    let sold = anna_is_known().when(sells([ticket(1, &film(), "10.00")], now())).happens();
    let before = sold.holder().sales.clone();
    let moved = Event::DetailsChanged {
        details: sealed("new"),
        home: Some(ghent()),
        with_insz: true,
        at: now(),
    };
    let mut after = sold.state.clone();
    after.evolve(moved);
    assert_eq!(after.holder().unwrap().sales, before);
}

/// R-TAR-03
#[test]
fn of_a_free_price_no_social_tariff_is_granted() {
    let free = described(film(), |film| film.prices[0].price = of("0.00"));
    anna_is_known().when(sells([ticket(1, &free, "0.00")], now())).refused(SaleRefused::Free);
    let mut integration = ticket(1, &film(), "0.00");
    integration.by.role = Role::Client;
    anna_is_known().when(sells([integration], now())).refused(SaleRefused::Free);
}

/// R-TAR-04
#[test]
fn the_tariff_is_for_social_status_in_the_activity_s_region_unless_a_key_is_for_any() {
    let of_ghent = Registered { card_system: GENT, home: Some(ghent()), ..anna() };
    let systems = BTreeMap::from([(GENT, Arc::new(gent()))]);
    let for_any = with_default_keys(film(), [(Region::Any, "20-40-40")]);
    let asks = |film: &Offering| {
        let items = vec![ticket(1, film, "10.00")];
        Command::SellTickets(Box::new(SellTickets {
            items,
            card_systems: systems.clone(),
            at: now(),
        }))
    };
    given([registered(of_ghent.clone())]).when(asks(&film())).refused(SaleRefused::NoKey);
    let sold = only_sale(given([registered(of_ghent)]).when(asks(&for_any)).events());
    // In the organizer's card system, paid by where she lives.
    assert_eq!((sold.card_system, sold.payer), (MEETJESLAND, ghent()));
}

/// R-TAR-04
#[test]
fn the_payer_is_where_the_passholder_lives_or_for_one_abroad_the_counter_that_registered() {
    for (home, counter_municipality, payer) in [
        (Some(eeklo()), Some(ghent()), Ok(eeklo())),
        (None, Some(ghent()), Ok(ghent())),
        (None, None, Err(SaleRefused::NoPayer)),
    ] {
        let who = Registered { home, counter_municipality, ..anna() };
        let when = given([registered(who)]).when(sells([ticket(1, &film(), "10.00")], now()));
        match payer {
            Ok(payer) => assert_eq!(only_sale(when.events()).payer, payer),
            Err(why) => when.refused(why),
        }
    }
    // At the time of the sale: after moving within the region the new one pays.
    let maldegem = Municipality { postal_code: of("9990"), name: of("Maldegem") };
    let moved = Event::DetailsChanged {
        details: sealed("new"),
        home: Some(maldegem.clone()),
        with_insz: true,
        at: now(),
    };
    let moved = given([registered(anna()), moved]);
    let sold = only_sale(moved.when(sells([ticket(1, &film(), "10.00")], now())).events());
    assert_eq!(sold.payer, maldegem);
}

/// R-TAR-05
#[test]
fn by_default_once_per_activity_or_once_a_day() {
    for (offering, first, second, sold_again) in [
        (film(), "2026-06-01 12:00:00", "2026-06-15 12:00:00", false),
        (museum(), "2026-06-15 00:00:00", "2026-06-15 23:59:59", false),
        (museum(), "2026-06-15 23:59:59", "2026-06-16 00:00:00", true),
        (museum(), "2026-01-15 23:59:59", "2026-01-16 00:00:00", true),
        (museum(), "2026-10-25 00:00:00", "2026-10-25 23:59:59", false),
    ] {
        // Over all prices of the activity together.
        let refusal = anna_is_known()
            .when(sells([ticket(1, &offering, "10.00")], brussels(first)))
            .happens()
            .when(sells([ticket(2, &offering, "6.00")], brussels(second)))
            .refusal();
        let Limit { volume, period } = offering.activity.ticket_limit();
        let reached = SaleRefused::LimitReached { volume, period, of_counter: false };
        assert_eq!(refusal, (!sold_again).then_some(reached.into()), "{first}, {second}");
    }
}

/// R-TAR-05
#[test]
fn sent_twice_a_sale_happens_once() {
    let reached =
        SaleRefused::LimitReached { volume: 1, period: Period::Absolute, of_counter: false };
    anna_is_known().when(sells([ticket(1, &film(), "10.00")], now())).again().refused(reached);
}

/// R-TAR-05
#[test]
fn of_the_limits_of_activity_and_counter_the_strictest_wins() {
    let of_counter = |volume| Limit { volume, period: Period::Month };
    let of_activity = |volume| Limit { volume, period: Period::Day };
    let reached = |limit: Limit, of_counter| {
        Some(SaleRefused::LimitReached { volume: limit.volume, period: limit.period, of_counter })
    };
    for (activity_limit, counter_limit, refused) in [
        (of_activity(2), None, None),
        (of_activity(1), None, reached(of_activity(1), false)),
        (of_activity(2), Some(of_counter(2)), None),
        (of_activity(2), Some(of_counter(1)), reached(of_counter(1), true)),
        (of_activity(1), Some(of_counter(2)), reached(of_activity(1), false)),
        (of_activity(1), Some(of_counter(1)), reached(of_activity(1), false)),
        (of_activity(0), None, reached(of_activity(0), false)),
    ] {
        let settings = Settings { ticket_limit: Some(activity_limit), ..Settings::default() };
        let terms = Terms { ticket_limit: counter_limit, ..Terms::default() };
        let museum = on_terms(with_settings(museum(), settings), terms);
        let twice = [ticket(1, &museum, "10.00"), ticket(2, &museum, "6.00")];
        let refusal = anna_is_known().when(sells(twice, now())).refusal();
        let shown = format!("{activity_limit:?} {counter_limit:?}");
        assert_eq!(refusal, refused.map(Refused::from), "{shown}");
    }
}

/// R-TAR-05
#[test]
fn a_counter_s_limit_counts_over_all_its_activities_and_over_no_others() {
    let limit = Limit { volume: 1, period: Period::Quarter };
    let terms = || Terms { ticket_limit: Some(limit), ..Terms::default() };
    let film = on_terms(film(), terms());
    let concert = called("concert", film.clone());
    let of_another = described(called("toneel", film.clone()), |play| {
        play.organizer = of("cc-de-herbakker");
    });
    let sold = anna_is_known()
        .when(sells([ticket(1, &film, "10.00")], brussels("2026-06-01 12:00:00")))
        .happens();
    let second = |offering: &Offering, at| sells([ticket(2, offering, "10.00")], brussels(at));
    let reached =
        SaleRefused::LimitReached { volume: 1, period: Period::Quarter, of_counter: true };
    sold.when(second(&concert, "2026-06-30 23:59:59")).refused(reached);
    sold.when(second(&concert, "2026-07-01 00:00:00")).happens();
    sold.when(second(&of_another, "2026-06-01 12:00:00")).happens();
}

/// R-TAR-05
#[test]
fn a_second_equal_item_is_refused_even_where_the_limit_is_higher() {
    let ticket_limit = Some(Limit { volume: 5, period: Period::Day });
    let film = with_settings(film(), Settings { ticket_limit, ..Settings::default() });
    let concert = called("concert", film.clone());
    for (items, refused) in [
        ([ticket(1, &film, "10.00"), ticket(2, &film, "10.00")], true),
        ([ticket(1, &film, "10.00"), ticket(2, &film, "6.00")], false),
        ([ticket(1, &film, "10.00"), ticket(2, &concert, "10.00")], false),
    ] {
        let refusal = anna_is_known().when(sells(items, now())).refusal();
        assert_eq!(refusal, refused.then_some(SaleRefused::SecondEqualItem.into()));
    }
    // In a next request it is sold.
    anna_is_known()
        .when(sells([ticket(1, &film, "10.00")], now()))
        .happens()
        .when(sells([ticket(2, &film, "10.00")], now()))
        .happens();
}

/// R-TAR-06
#[test]
fn the_first_level_that_has_a_key_decides_and_there_is_no_falling_through() {
    // 1: the default, 20%. 2: of the counter, 15%. 3: by hand, 25%. 4: only below 5.00.
    let keys = [
        (1, "20-40-40", None),
        (2, "15-45-40", None),
        (3, "25-35-40", None),
        (4, "10-50-40", Some("5.00")),
    ];
    for (by_hand, of_counter, by_default, chosen) in [
        (vec![], vec![], vec![1], Some(1)),
        (vec![], vec![2], vec![1], Some(2)),
        (vec![3], vec![2], vec![1], Some(3)),
        (vec![3], vec![], vec![1], Some(3)),
        // Within a level the cheapest whose conditions hold.
        (vec![1, 2, 3], vec![], vec![], Some(2)),
        (vec![3, 4], vec![2], vec![1], Some(3)),
        // None of the level holds: no tariff, whatever the next level says.
        (vec![4], vec![2], vec![1], None),
        (vec![], vec![4], vec![1], None),
        (vec![], vec![], vec![], None),
    ] {
        let shown = format!("{by_hand:?} {of_counter:?} {by_default:?}");
        let mut film = film();
        let system = Arc::make_mut(film.card_systems.get_mut(&MEETJESLAND).unwrap());
        system.keys = keys
            .iter()
            .map(|(id, split, below)| {
                let price_below = below.map(of);
                (DistributionKeyId(*id), DefinedKey { price_below, ..key(*id, percent(split)) })
            })
            .collect();
        system.default_keys = ids(&by_default);
        let activity = Arc::make_mut(&mut film.activity);
        activity.card_systems = Some(BTreeMap::from([(MEETJESLAND, ids(&by_hand))]));
        let film = on_terms(film, Terms { keys: ids(&of_counter), ..Terms::default() });
        let when = anna_is_known().when(sells([ticket(1, &film, "10.00")], now()));
        match chosen {
            Some(id) => assert_eq!(only_sale(when.events()).key.id.0, id, "{shown}"),
            None => when.refused(SaleRefused::NoKey),
        }
    }
}

/// R-TAR-06
#[test]
fn the_card_system_is_that_of_the_social_status_else_the_organizer_s_first() {
    let oostende = CardSystemId(3);
    let for_any = |system: CardSystem| {
        let mut system = system;
        system.keys.get_mut(&DistributionKeyId(1)).unwrap().region = Region::Any;
        Arc::new(system)
    };
    let all = BTreeMap::from([
        (MEETJESLAND, for_any(meetjesland())),
        (GENT, for_any(gent())),
        (oostende, for_any(gent())),
    ]);
    let all_take_part: Option<BTreeSet<CardSystemId>> = None;
    for (status_in, taking_part, expected) in [
        (MEETJESLAND, all_take_part.clone(), MEETJESLAND),
        (GENT, all_take_part.clone(), GENT),
        (oostende, all_take_part, oostende),
        (oostende, Some([MEETJESLAND, GENT].into()), MEETJESLAND),
        (MEETJESLAND, Some([GENT, oostende].into()), GENT),
        (MEETJESLAND, Some([oostende].into()), oostende),
    ] {
        let mut film = film();
        film.card_systems = all.clone();
        Arc::make_mut(&mut film.activity).card_systems = taking_part
            .map(|taking_part| taking_part.into_iter().map(|id| (id, BTreeSet::new())).collect());
        let who = Registered { card_system: status_in, ..anna() };
        let events = given([registered(who)])
            .when(Command::SellTickets(Box::new(SellTickets {
                items: vec![ticket(1, &film, "10.00")],
                card_systems: all.clone(),
                at: now(),
            })))
            .events();
        assert_eq!(only_sale(events).card_system, expected, "{status_in}");
    }
}

/// R-TAR-06
#[test]
fn keys_are_defined_once_and_only_defined_ones_are_chosen() {
    use card_system::{Command, Event, Refused};
    let system = Story { state: meetjesland() };
    let define = |defined: DefinedKey| Command::DefineKey { key: defined, at: now() };
    let new = key(2, percent("25-35-40"));
    system.when(define(new.clone())).then([Event::KeyDefined { key: new.clone(), at: now() }]);
    system.when(define(new)).again().then([]);
    let changed = key(1, percent("25-35-40"));
    system.when(define(changed)).refused(Refused::KeyExists(DistributionKeyId(1)));

    let choose = |keys: &[u32]| Command::ChooseDefaultKeys { keys: ids(keys), at: now() };
    system.when(choose(&[])).then([Event::DefaultKeysChosen { keys: ids(&[]), at: now() }]);
    system.when(choose(&[])).again().then([]);
    system.when(choose(&[1])).then([]);
    system.when(choose(&[1, 2])).refused(Refused::UnknownKey(DistributionKeyId(2)));
}

/// R-TAR-04, R-TAR-06
#[test]
fn which_card_systems_take_part_is_chosen_per_activity_and_the_same_choice_is_no_news() {
    use activity::{Command, Event, Refused};
    let card_systems = BTreeMap::from([(MEETJESLAND, ids(&[3]))]);
    let choose = Command::ChooseCardSystems { card_systems: card_systems.clone(), at: now() };
    let film = Story { state: Activity::clone(&film().activity) };
    film.when(choose.clone()).then([Event::CardSystemsChosen { card_systems, at: now() }]);
    film.when(choose.clone()).again().then([]);
    Story { state: Activity::default() }.when(choose).refused(Refused::Unknown);
}

/// R-TAR-05, R-CHK-01
#[test]
fn settings_of_an_activity_are_bounded_and_the_same_ones_are_no_news() {
    use activity::{Command, Event, Refused};
    let change = |check_in_points| Command::ChangeSettings {
        settings: Settings { check_in_points, ..Settings::default() },
        at: now(),
    };
    let film = Story { state: Activity::clone(&film().activity) };
    let settings = Settings { check_in_points: 100, ..Settings::default() };
    film.when(change(100)).then([Event::SettingsChanged { settings, at: now() }]);
    film.when(change(100)).again().then([]);
    film.when(change(101)).refused(Refused::TooManyPoints);
    Story { state: Activity::default() }.when(change(1)).refused(Refused::Unknown);
}

/// R-TAR-07
#[test]
fn several_sales_in_one_request_are_registered_all_or_none() {
    let (concert, play) = (called("concert", film()), called("toneel", film()));
    let three =
        [ticket(1, &film(), "10.00"), ticket(2, &concert, "6.00"), ticket(3, &play, "10.00")];
    let events = anna_is_known().when(sells(three.clone(), now())).events();
    assert_eq!(events.iter().filter(|event| matches!(event, Event::TicketSold(_))).count(), 3);
    let mut broken = three.clone();
    broken[2].price = of("7.00");
    anna_is_known().when(sells(broken, now())).refused(SaleRefused::NotAPrice(of("7.00")));
    // Each is judged after the ones before it.
    let limit = Some(Limit { volume: 2, period: Period::Month });
    let terms = || Terms { ticket_limit: limit, ..Terms::default() };
    let within = three.map(|item| Item {
        offering: Arc::new(on_terms(Offering::clone(&item.offering), terms())),
        ..item
    });
    let reached = SaleRefused::LimitReached { volume: 2, period: Period::Month, of_counter: true };
    anna_is_known().when(sells(within.clone(), now())).refused(reached);
    anna_is_known().when(sells(within[..2].to_vec(), now())).happens();
}

/// R-TAR-08
#[test]
fn only_an_integration_sells_at_a_price_that_is_not_the_activity_s() {
    for (role, price, outcome) in [
        (Role::CounterMember, "10.00", Ok(false)),
        (Role::CounterMember, "7.00", Err(SaleRefused::NotAPrice(of("7.00")))),
        (Role::CounterAdmin, "7.00", Err(SaleRefused::NotAPrice(of("7.00")))),
        (Role::Ksb, "7.00", Err(SaleRefused::NotAPrice(of("7.00")))),
        (Role::Client, "10.00", Ok(false)),
        (Role::Client, "7.00", Ok(true)),
        (Role::Client, "0.01", Ok(true)),
        (Role::Client, "9999.99", Ok(true)),
    ] {
        let mut item = ticket(1, &film(), price);
        item.by.role = role;
        let when = anna_is_known().when(sells([item], now()));
        match outcome {
            Ok(deviating) => {
                assert_eq!(only_sale(when.events()).deviating, deviating, "{role} {price}")
            }
            Err(why) => when.refused(why),
        }
    }
}

/// R-TAR-09
#[test]
fn a_cancellation_gives_the_use_back_and_happens_once() {
    let sold = anna_is_known()
        .when(sells([ticket(1, &film(), "10.00")], brussels("2026-06-01 12:00:00")))
        .happens();
    let cancelled = Event::TicketSaleCancelled { sale: SaleId(uuid(1)), at: now() };
    sold.when(cancels(1, box_office())).then([cancelled]);
    sold.when(cancels(1, box_office())).again().refused(SaleRefused::AlreadyCancelled);
    sold.when(cancels(2, box_office())).refused(SaleRefused::Unknown);
    sold.when(cancels(1, box_office()))
        .happens()
        .when(sells([ticket(2, &film(), "10.00")], now()))
        .happens();
}

/// R-TAR-09, R-NOTE-06, R-PRV-01
#[test]
fn a_sale_of_somebody_who_was_removed_is_cancelled_all_the_same() {
    let removed = anna_is_known()
        .when(sells([ticket(1, &film(), "10.00")], brussels("2026-06-15 20:00:00")))
        .happens()
        .when(Command::Remove(Remove { at: now() }))
        .happens();
    // The points lapsed with the removal: none go back.
    let cancelled = Event::TicketSaleCancelled { sale: SaleId(uuid(1)), at: now() };
    removed.when(cancels(1, ksb())).then([cancelled]);
    removed.when(cancels(1, ksb())).again().refused(SaleRefused::AlreadyCancelled);
    removed.when(cancels(2, ksb())).refused(SaleRefused::Unknown);
    removed.when(cancels(1, elsewhere(ksb()))).refused(SaleRefused::OtherCounter);
    removed.when(cancels(1, nobody())).refused(NotAllowed::Task(Task::GrantTariff));
    removed.when(corrects(1, ksb())).refused(Refused::Removed);
}

/// R-TAR-09, R-KSB-03
#[test]
fn the_counter_of_the_sale_cancels_it_or_a_ksb_admin_at_that_counter() {
    let sold = anna_is_known().when(sells([ticket(1, &film(), "10.00")], now())).happens();
    for (by, refused) in [
        (box_office(), None),
        (ksb(), None),
        (elsewhere(box_office()), Some(SaleRefused::OtherCounter.into())),
        (elsewhere(ksb()), Some(SaleRefused::OtherCounter.into())),
        (nobody(), Some(NotAllowed::Task(Task::GrantTariff).into())),
    ] {
        let shown = format!("{by:?}");
        assert_eq!(sold.when(cancels(1, by)).refusal(), refused, "{shown}");
    }
}

/// R-TAR-10
#[test]
fn only_a_sale_at_the_social_tariff_is_recorded_as_one() {
    // There is no command for a sale at the regular price: what is no tariff is refused.
    given([registered(Registered { card: social_card(), ..bram() })])
        .when(sells([ticket(1, &film(), "10.00")], now()))
        .refused(SaleRefused::NoSocialStatus);
    let after = anna_is_known()
        .when(checks_in(check_in(1, &film(), social_card(), brussels("2026-06-15 20:00:00"))))
        .happens();
    assert!(after.holder().sales.is_empty());
}

/// R-TAR-12
#[test]
fn tariffs_are_offered_per_price_and_the_sale_records_its_name() {
    let two_of_six = described(film(), |film| {
        let named = |name| activity::NamedPrice { name: of(name), price: of("6.00") };
        film.prices.push(named("Senioren"));
    });
    for (price, asked, recorded) in [
        ("10.00", None, Some("Basistarief")),
        ("6.00", None, Some("Kinderen")),
        ("6.00", Some("Senioren"), Some("Senioren")),
        ("6.00", Some("Onbekend"), Some("Kinderen")),
    ] {
        let price_name = asked.map(of);
        let item = Item { price_name, ..ticket(1, &two_of_six, price) };
        let sold = only_sale(anna_is_known().when(sells([item], now())).events());
        assert_eq!(sold.price_name, recorded.map(of), "{price} {asked:?}");
        let passholder = if price == "10.00" { 200 } else { 120 };
        assert_eq!(sold.shares.passholder, Euro::cents(passholder), "{price}");
    }
    let mut integration = Item { price_name: Some(of("Vroegboek")), ..ticket(1, &film(), "7.00") };
    integration.by.role = Role::Client;
    let sold = only_sale(anna_is_known().when(sells([integration], now())).events());
    assert_eq!(sold.price_name, Some(of("Vroegboek")));
}

/// R-TAR-08
#[test]
fn what_is_shown_before_is_what_is_sold() {
    let item = ticket(1, &film(), "10.00");
    let before = anna_is_known();
    let quote = before.holder().quote(&item, &card_systems(), now()).unwrap();
    let sold = only_sale(before.when(sells([item], now())).events());
    assert_eq!(quote.shares, sold.shares);
    assert_eq!(
        (quote.card_system, quote.granted, quote.payer),
        (sold.card_system, Granted::Key(sold.key), sold.payer)
    );
    assert_eq!((quote.price_name, quote.deviating), (sold.price_name, sold.deviating));
}

/// R-CTR-01, R-CRD-11, R-CHK-04, R-TAR-03, R-TAR-08, R-SOC-04, R-TAR-06, R-TAR-04, R-TAR-05
#[test]
fn the_first_of_several_reasons_is_the_answer() {
    let abroad =
        |until: &str| Registered { home: None, counter_municipality: None, ..anna_until(until) };
    let sold_before = |who: Registered| {
        let sold = TicketSold { point_limit_period: Period::Absolute, ..sold_on_monday() };
        given([registered(who), Event::TicketSold(Box::new(sold))])
    };
    let mut without_key = film();
    Arc::make_mut(without_key.card_systems.get_mut(&MEETJESLAND).unwrap()).default_keys.clear();
    let mut item = Item {
        by: nobody(),
        card: regular_card(),
        ..ticket(2, &described(without_key.clone(), |film| film.available = false), "0.00")
    };
    let expired = sold_before(abroad("2026-01-31"));
    let asks = |item: &Item| sells([item.clone()], now());
    expired.when(asks(&item)).refused(NotAllowed::Task(Task::GrantTariff));
    item.by = box_office();
    expired.when(asks(&item)).refused(CardRefused::NotOfThisPassholder);
    item.card = social_card();
    expired.when(asks(&item)).refused(SaleRefused::NotOffered(NotOffered::Cancelled));
    item.offering = Arc::new(without_key);
    expired.when(asks(&item)).refused(SaleRefused::Free);
    item.price = of("7.00");
    expired.when(asks(&item)).refused(SaleRefused::NotAPrice(of("7.00")));
    item.price = of("10.00");
    expired.when(asks(&item)).refused(SaleRefused::Expired(day("2026-01-31")));
    let entitled = sold_before(abroad("2027-04-30"));
    entitled.when(asks(&item)).refused(SaleRefused::NoKey);
    item.offering = Arc::new(film());
    entitled.when(asks(&item)).refused(SaleRefused::NoPayer);
    let at_home = sold_before(anna());
    let (volume, period) = (1, Period::Absolute);
    at_home.when(asks(&item)).refused(SaleRefused::LimitReached {
        volume,
        period,
        of_counter: false,
    });
    anna_is_known().when(asks(&item)).happens();
}

/// R-TAR-11
#[test]
fn care_sells_on_behalf_of_uitpas_activities_only() {
    let no_counter = Offering { counter: Arc::new(Counter::default()), ..film() };
    let no_price = described(film(), |film| film.prices.clear());
    for (offering, reason) in [(no_counter, NotOffered::NoCounter), (no_price, NotOffered::NoPrice)]
    {
        anna_is_known()
            .when(sells([ticket(1, &offering, "10.00")], now()))
            .refused(SaleRefused::NotOffered(reason));
    }
}

/// R-TAR-05
#[test]
fn the_default_limit_follows_the_kind_of_calendar() {
    let series = offered(Calendar::Multiple(vec![occurrence("2026-06-15 20:00:00", None)]));
    assert_eq!(series.activity.ticket_limit(), Limit::ONCE_A_DAY);
    assert_eq!(film().activity.ticket_limit(), Limit::ONCE_EVER);
}

fn anna_is_known() -> Story<Passholder> {
    given([registered(anna())])
}

fn shares(passholder: i64, organizer: i64, municipality: i64) -> Shares {
    let [passholder, organizer, municipality] =
        [passholder, organizer, municipality].map(Euro::cents);
    Shares { passholder, organizer, municipality }
}

/// A key as people say it: 20-40-40.
fn percent(split: &str) -> DistributionKey {
    let shares: Vec<_> = split.split('-').map(of).collect();
    DistributionKey::percentages(shares[0], shares[1], shares[2]).unwrap()
}

fn ids(keys: &[u32]) -> BTreeSet<DistributionKeyId> {
    keys.iter().copied().map(DistributionKeyId).collect()
}

/// The organizer's card system with these default keys.
fn with_default_keys<const N: usize>(mut film: Offering, keys: [(Region, &str); N]) -> Offering {
    let system = Arc::make_mut(film.card_systems.get_mut(&MEETJESLAND).unwrap());
    system.keys = keys
        .into_iter()
        .zip(1..)
        .map(|((region, split), id)| {
            (DistributionKeyId(id), DefinedKey { region, ..key(id, percent(split)) })
        })
        .collect();
    system.default_keys = system.keys.keys().copied().collect();
    film
}

#[track_caller]
fn only_sale(events: Vec<Event>) -> TicketSold {
    let mut sold = events.into_iter().filter_map(|event| match event {
        Event::TicketSold(sold) => Some(*sold),
        _ => None,
    });
    let only = sold.next().expect("a sale");
    assert!(sold.next().is_none(), "one sale only");
    only
}

/// A ticket for the film that Anna bought this morning.
fn sold_on_monday() -> TicketSold {
    only_sale(anna_is_known().when(sells([ticket(1, &film(), "10.00")], now())).events())
}
