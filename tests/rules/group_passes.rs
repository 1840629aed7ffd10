//! R-GRP: group passes: several tickets at once, within a yearly number, for an organisation.

use std::sync::Arc;

use uitpas_domain::activity::Settings;
use uitpas_domain::calendar::{DayRange, Period};
use uitpas_domain::card::{self, Card, Holder, IsGroupPass};
use uitpas_domain::counter::{NotAllowed, Task};
use uitpas_domain::coupon::{self, Coupon, Definition, GrantedTo};
use uitpas_domain::group_pass::*;
use uitpas_domain::ids::{CouponId, GroupPassId, PassholderId, SaleId};
use uitpas_domain::limit::Limit;
use uitpas_domain::offering::{NotOffered, Offering};
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::check_ins::{NoPoint, PointOfSale};
use uitpas_domain::passholder::coupons::CouponRefused;
use uitpas_domain::passholder::ticket_sales::{CancelSale, Item, SaleRefused, Tariff};
use uitpas_domain::values::card_number::CardNumber;

use crate::given::*;

/// R-CHK-06
#[test]
fn a_group_pass_saves_no_points_and_redeems_none() {
    let group_pass = Holder::GroupPass(the_pass());
    let reason = group_pass.passholder().unwrap_err();
    assert_eq!(reason, IsGroupPass);
    assert_eq!(reason.to_string(), "a group pass saves no points and redeems none");
    let anna = PassholderId(uuid(2));
    assert_eq!(Holder::Passholder(anna).passholder(), Ok(anna));
}

/// R-TAR-05, R-ID-06
#[test]
fn a_card_tells_whether_a_person_or_a_group_shows_it_and_is_of_one_of_them() {
    let group_pass = Holder::GroupPass(the_pass());
    let create =
        card::Command::CreateDigital { card_system: MEETJESLAND, holder: group_pass, at: now() };
    let card = Story { state: Card::default() }.when(create).happens();
    assert_eq!(card.state.identify(), Ok(group_pass));
    let counter_systems = vec![MEETJESLAND];
    let holder = Holder::Passholder(PassholderId(uuid(2)));
    card.when(card::Command::Assign { holder, counter_systems, at: now() })
        .refused(card::Refused::AlreadyAssigned);
}

/// R-GRP-01
#[test]
fn it_is_made_once_with_what_its_number_calls_for() {
    let nothing = Story { state: GroupPass::default() };
    let (card_system, at) = (MEETJESLAND, now());
    let made = Event::Made { card_system, card: social_card(), terms: terms(), at };
    nothing.when(makes(social_card(), terms())).then([made]);
    nothing.when(makes(social_card(), terms())).again().refused(Refused::AlreadyExists);
    let without = Terms { tickets_per_year: None, ..terms() };
    nothing.when(makes(social_card(), without.clone())).refused(Refused::NoTickets);
    let zero = Terms { tickets_per_year: Some(0), ..terms() };
    nothing.when(makes(social_card(), zero)).refused(Refused::NoTickets);
    nothing.when(makes(regular_card(), terms())).refused(Refused::TicketsWithoutStatus);
    nothing.when(makes(regular_card(), without.clone())).happens();

    let of_ghent = Terms { address: address("9000", "Gent"), ..terms() };
    nothing.when(makes(social_card(), of_ghent.clone())).refused(Refused::OutsideCardSystem);
    let carrying = Terms { tickets_per_year: None, ..of_ghent };
    nothing.when(makes(regular_card(), carrying)).happens();
    let abroad =
        uitpas_domain::values::place::Address::new(None, of("75001"), of("Paris"), of("fr"));
    let abroad = Terms { address: abroad.unwrap(), ..without };
    nothing.when(makes(regular_card(), abroad)).refused(Refused::NoMunicipality);

    let until = |until: &str| Terms { until: day(until), ..terms() };
    nothing.when(makes(social_card(), until("2026-06-15"))).happens();
    nothing.when(makes(social_card(), until("2026-06-14"))).refused(Refused::EndsInPast);
}

/// R-GRP-01
#[test]
fn it_is_changed_and_blocked_for_good() {
    let at = now();
    let more = Terms { tickets_per_year: Some(50), ..terms() };
    let changes = |terms: &Terms| {
        let system = Arc::new(meetjesland());
        Command::Change(Box::new(Change { terms: terms.clone(), system, at }))
    };
    made(terms()).when(changes(&more)).then([Event::Changed { terms: more.clone(), at }]);
    made(terms()).when(changes(&more)).again().then([]);
    let ended = Terms { until: day("2026-06-14"), ..terms() };
    made(terms()).when(changes(&ended)).refused(Refused::EndsInPast);
    let renamed = Terms { name: of("Anders"), ..ended.clone() };
    made(ended).when(changes(&renamed)).happens();

    let blocked = made(terms()).when(Command::Block { at }).happens();
    blocked.when(Command::Block { at }).refused(Refused::Blocked);
    blocked.when(changes(&more)).refused(Refused::Blocked);
    blocked.when(buys(1..=1, &film(), "2026-06-15")).refused(Refused::Blocked);
    let unknown = Story { state: GroupPass::default() };
    unknown.when(Command::Block { at }).refused(Refused::Unknown);
    unknown.when(changes(&more)).refused(Refused::Unknown);
}

/// R-GRP-01, R-TAR-04, R-TAR-05, R-TAR-08, R-CHK-06, R-CHK-07
#[test]
fn several_tickets_are_bought_at_once_and_its_municipality_pays() {
    let events = made(terms()).when(buys(1..=3, &film(), "2026-06-15")).events();
    assert_eq!(events.len(), 3);
    for (event, number) in events.iter().zip(1..) {
        let Event::TicketSold(sold) = event else { panic!("{event:?}") };
        assert_eq!(sold.sale, SaleId(uuid(number)));
        assert_eq!((sold.card, &sold.payer), (social_card(), &eeklo()));
        assert_eq!(sold.shares.passholder, of("2.00"));
        assert_eq!(sold.shares.municipality, of("4.00"));
        assert_eq!(sold.point, PointOfSale::NotGiven(NoPoint::GroupPass));
    }
}

/// R-GRP-01
#[test]
fn all_or_none_within_what_is_left_of_the_year() {
    let pass = made(Terms { tickets_per_year: Some(4), ..terms() });
    let spent = Refused::YearSpent { volume: 4, year: 2026 };
    pass.when(buys(1..=4, &film(), "2026-06-15")).happens();
    pass.when(buys(1..=5, &film(), "2026-06-15")).refused(spent.clone());

    let used = pass.when(buys(1..=3, &film(), "2026-06-15")).happens();
    assert_eq!(used.state.known().unwrap().tickets_left(day("2026-12-31")), 1);
    assert_eq!(used.state.known().unwrap().tickets_left(day("2027-01-01")), 4);
    assert_eq!(remaining(&used, &film(), "2026-12-31"), Ok(1));
    let other = called("theatre", film());
    used.when(buys(4..=5, &other, "2026-12-31")).refused(spent.clone());
    let full = used.when(buys(4..=4, &other, "2026-12-31")).happens();
    full.when(buys(5..=5, &film(), "2026-12-31")).refused(spent);
    full.when(buys(5..=8, &film(), "2027-01-01")).happens();
}

/// R-GRP-01: also when the year is over by then.
#[test]
fn a_cancelled_ticket_returns_to_the_year_it_was_sold_in() {
    let pass = made(Terms { tickets_per_year: Some(2), ..terms() });
    let sold = pass.when(buys(1..=2, &film(), "2026-12-31")).happens();
    let left =
        |story: &Story<GroupPass>, on: &str| story.state.known().unwrap().tickets_left(day(on));
    let cancelled = sold.when(cancels_at(1, "2027-01-02")).happens();
    assert_eq!((left(&cancelled, "2026-12-31"), left(&cancelled, "2027-01-02")), (1, 2));
    cancelled.when(cancels_at(1, "2027-01-02")).refused(SaleRefused::AlreadyCancelled);
    cancelled.when(cancels_at(9, "2027-01-02")).refused(SaleRefused::Unknown);
    let by = elsewhere(box_office());
    let cancel = CancelSale { sale: SaleId(uuid(2)), by, at: now() };
    sold.when(Command::CancelSale(cancel)).refused(SaleRefused::OtherCounter);
    let cancel = CancelSale { sale: SaleId(uuid(2)), by: nobody(), at: now() };
    sold.when(Command::CancelSale(cancel)).refused(NotAllowed::Task(Task::GrantTariff));
}

/// R-TAR-05: once per activity is for persons; what was set by hand holds for a group too.
#[test]
fn only_a_limit_that_was_set_on_the_activity_holds() {
    let pass = made(terms());
    let limit = Limit { volume: 2, period: Period::Absolute };
    let limited =
        with_settings(film(), Settings { ticket_limit: Some(limit), ..Settings::default() });
    let Limit { volume, period } = limit;
    let reached = SaleRefused::LimitReached { volume, period, of_counter: false };
    assert_eq!(remaining(&pass, &film(), "2026-06-15"), Ok(40));
    assert_eq!(remaining(&pass, &limited, "2026-06-15"), Ok(2));
    pass.when(buys(1..=3, &limited, "2026-06-15")).refused(reached);
    let bought = pass.when(buys(1..=2, &limited, "2026-06-15")).happens();
    assert_eq!(remaining(&bought, &called("theatre", film()), "2026-06-15"), Ok(38));

    let of_counter = uitpas_domain::counter::Terms {
        ticket_limit: Some(Limit { volume: 1, period: Period::Year }),
        ..Default::default()
    };
    pass.when(buys(1..=3, &on_terms(film(), of_counter), "2026-06-15")).happens();
}

/// R-GRP-01
#[test]
fn it_counts_until_its_last_day_without_grace() {
    let pass = made(Terms { until: day("2026-06-30"), ..terms() });
    pass.when(buys(1..=1, &film(), "2026-06-30")).happens();
    let ended = Refused::Ended(day("2026-06-30"));
    pass.when(buys(1..=1, &film(), "2026-07-01")).refused(ended.clone());
    let sell = sells_items(vec![with_coupon(1, granted_to(the_pass()))], "2026-07-01");
    pass.when(sell).refused(ended);
}

/// R-GRP-02, R-CPN-01
#[test]
fn without_social_status_it_carries_coupons_and_with_it_both() {
    let regular = Terms { tickets_per_year: None, ..terms() };
    let regular = given([Event::Made {
        card_system: MEETJESLAND,
        card: regular_card(),
        terms: regular,
        at: now(),
    }]);
    let at_tariff = Item { card: regular_card(), ..ticket(1, &film(), "10.00") };
    regular.when(sells_items(vec![at_tariff], "2026-06-15")).refused(Refused::NoSocialStatus);
    let on =
        |card: CardNumber, number, definition| Item { card, ..with_coupon(number, definition) };
    let two = |card| {
        let items = [1, 2].map(|number| on(card, number, granted_to(the_pass())));
        sells_items(items.to_vec(), "2026-06-15")
    };
    let events = regular.when(two(regular_card())).events();
    assert!(matches!(&events[..], [Event::CouponUsed(_), Event::CouponUsed(_)]), "{events:?}");

    let social = made(Terms { tickets_per_year: Some(1), ..terms() });
    let both = social.when(two(social_card())).happens();
    let both = both.when(buys(3..=3, &film(), "2026-06-15")).happens();
    assert_eq!(both.state.known().unwrap().sales.len(), 3, "a coupon takes nothing of the year");

    for others in
        [GrantedTo::Everyone, GrantedTo::SocialStatus, GrantedTo::GroupPass(GroupPassId(uuid(8)))]
    {
        let definition = Definition { granted_to: others, ..granted_to(the_pass()) };
        let sell = sells_items(vec![on(social_card(), 1, definition)], "2026-06-15");
        social.when(sell).refused(SaleRefused::from(CouponRefused::NotGranted));
    }
}

/// R-CPN-01, R-CPN-04
#[test]
fn a_coupon_of_a_group_is_used_as_often_as_it_says() {
    let limit = Limit { volume: 2, period: Period::Month };
    let limited = || Definition { limit: Some(limit), ..granted_to(the_pass()) };
    let items = |numbers: std::ops::RangeInclusive<u128>| {
        numbers.map(|number| with_coupon(number, limited())).collect::<Vec<_>>()
    };
    let used_up = CouponRefused::UsedUp { volume: 2, period: Period::Month };
    let pass = made(terms());
    pass.when(sells_items(items(1..=3), "2026-06-15")).refused(SaleRefused::from(used_up));
    let used = pass.when(sells_items(items(1..=2), "2026-06-15")).happens();
    let again = || sells_items(items(3..=3), "2026-06-30");
    used.when(again()).refused(SaleRefused::from(used_up));
    used.when(cancels_at(1, "2026-06-15")).happens().when(again()).happens();
    used.when(sells_items(items(3..=4), "2026-07-01")).happens();
}

/// The order of refusals: right, pass, activity, free, price.
#[test]
fn the_first_reason_that_holds_is_told() {
    let pass = made(terms());
    let gone = described(film(), |film| film.available = false);
    let mut item = Item { by: nobody(), card: regular_card(), ..ticket(1, &gone, "0.00") };
    let asks = |item: &Item| sells_items(vec![item.clone()], "2026-06-15");
    pass.when(asks(&item)).refused(NotAllowed::Task(Task::GrantTariff));
    item.by = box_office();
    pass.when(asks(&item)).refused(CardRefused::NotOfThisPassholder);
    item.card = social_card();
    pass.when(asks(&item)).refused(SaleRefused::NotOffered(NotOffered::Cancelled));
    item.offering = Arc::new(film());
    pass.when(asks(&item)).refused(SaleRefused::Free);
    item.price = of("7.00");
    pass.when(asks(&item)).refused(SaleRefused::NotAPrice(of("7.00")));
    item.price = of("6.00");
    pass.when(asks(&item)).happens();
}

fn the_pass() -> GroupPassId {
    GroupPassId(uuid(1))
}

fn terms() -> Terms {
    Terms {
        name: of("Jeugdhuis De Kaai"),
        address: address("9900", "Eeklo"),
        until: day("2027-12-31"),
        tickets_per_year: Some(40),
    }
}

fn makes(card: CardNumber, terms: Terms) -> Command {
    let (card_system, system) = (MEETJESLAND, Arc::new(meetjesland()));
    Command::Make(Box::new(Make { card_system, card, terms, system, at: now() }))
}

fn made(terms: Terms) -> Story<GroupPass> {
    let at = brussels("2026-01-05 10:00:00");
    given([Event::Made { card_system: MEETJESLAND, card: social_card(), terms, at }])
}

fn sells_items(items: Vec<Item>, on: &str) -> Command {
    let at = brussels(&format!("{on} 12:00:00"));
    Command::SellTickets(SellTickets { pass: the_pass(), items, at })
}

/// Equal tickets with these numbers, at the social tariff.
fn buys(numbers: std::ops::RangeInclusive<u128>, offering: &Offering, on: &str) -> Command {
    sells_items(numbers.map(|number| ticket(number, offering, "10.00")).collect(), on)
}

fn remaining(pass: &Story<GroupPass>, offering: &Offering, on: &str) -> Result<u32, Refused> {
    let at = brussels(&format!("{on} 12:00:00"));
    let item = ticket(1, offering, "10.00");
    pass.state.known()?.quote(the_pass(), &item, at).map(|quote| quote.remaining)
}

fn cancels_at(number: u128, on: &str) -> Command {
    let at = brussels(&format!("{on} 12:00:00"));
    Command::CancelSale(CancelSale { sale: SaleId(uuid(number)), by: box_office(), at })
}

/// Half off for one group pass.
fn granted_to(pass: GroupPassId) -> Definition {
    let half =
        coupon::Terms::PercentOff { percent: of("50"), organizer_part: 0, municipality_part: 100 };
    Definition {
        name: of("Groepsbon"),
        description: None,
        owner: MEETJESLAND,
        limit: None,
        validity: DayRange { from: None, until: None },
        only_activities: [].into(),
        only_at_counters: [].into(),
        card_systems: [].into(),
        granted_to: GrantedTo::GroupPass(pass),
        effect: half.try_into().unwrap(),
        payer: None,
    }
}

fn with_coupon(number: u128, definition: Definition) -> Item {
    let defined = coupon::Event::Defined { definition: Box::new(definition), at: now() };
    let coupon: Coupon = given([defined]).state;
    Item {
        tariff: Tariff::Coupon(CouponId(77), Arc::new(coupon)),
        ..ticket(number, &film(), "10.00")
    }
}
