//! What people look up: filters, parts of words, pages.

use uitpas_domain::activity::{self, Activity, Calendar};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::reward::Kind;
use uitpas_projections::passholders::{Search, SortByName, search};
use uitpas_projections::{
    Paging, activities, check_ins, counters, redemptions, rewards, ticket_sales,
};

use crate::world::{SYSTEM, World, activity, day, description, id, theater};

#[tokio::test]
async fn passholders_are_found_by_parts_without_accents_and_by_patterns() {
    let mut world = World::after(0).await;
    for _ in 0..12 {
        world.happenings.registers().await;
    }
    let gone = *world.happenings.passholders.keys().next().expect("someone");
    world.happenings.removes_one(gone).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let total = |wanted: Search| async move { search(pool, &wanted).await.expect("found").total };
    let some = |text: &str| Some(text.to_owned());

    assert_eq!(total(Search::default()).await, 11, "whoever was removed is not found");
    assert_eq!(total(Search { name: some("PEETERS"), ..Search::default() }).await, 11);
    assert_eq!(total(Search { first_name: some("zoë"), ..Search::default() }).await, 11);
    assert_eq!(total(Search { name: some("%"), ..Search::default() }).await, 0);
    assert_eq!(total(Search { name: some("p_eters"), ..Search::default() }).await, 0);
    assert_eq!(total(Search { street: some("koningin*5_A"), ..Search::default() }).await, 11);
    assert_eq!(total(Search { street: some("koningin"), ..Search::default() }).await, 0);
    assert_eq!(total(Search { email: some("*@EXAMPLE.org"), ..Search::default() }).await, 11);
    assert_eq!(total(Search { city: some("eeklo"), ..Search::default() }).await, 11);
    let born = |from: &str, to: &str| Search {
        birth_date_from: Some(day(from)),
        birth_date_to: Some(day(to)),
        ..Search::default()
    };
    assert_eq!(total(born("1990-05-17", "1990-05-17")).await, 11, "both ends count");
    assert_eq!(total(born("1990-05-18", "2000-01-01")).await, 0);
    let of = |system| Search { card_systems: Some(vec![system]), ..Search::default() };
    assert_eq!(total(of(SYSTEM)).await, 11);
    assert_eq!(total(of(CardSystemId(6))).await, 0, "only of one's own card systems");
    let none = Search { card_systems: Some(vec![]), ..Search::default() };
    assert_eq!(total(none).await, 0, "of no card system is of nobody");
    let card = world.happenings.passholders.values().next().expect("someone").card;
    assert_eq!(total(Search { card: Some(card), ..Search::default() }).await, 1);

    let paging = Paging { start: 9, limit: 5 };
    let page = search(pool, &Search { paging, ..Search::default() }).await.expect("found");
    assert_eq!((page.rows.len(), page.total), (2, 11));
    let beyond = Search { paging: Paging { start: 50, limit: 5 }, ..Search::default() };
    let beyond = search(pool, &beyond).await.expect("found");
    assert_eq!((beyond.rows.len(), beyond.total), (0, 11));
    let paging = Paging { start: 0, limit: 50 };
    let names = |sort| async move {
        let wanted = Search { sort, paging, ..Search::default() };
        let found = search(pool, &wanted).await.expect("found");
        found.rows.into_iter().map(|row| row.name.expect("a name")).collect::<Vec<_>>()
    };
    let ascending = names(SortByName::Ascending).await;
    let mut descending = names(SortByName::Descending).await;
    assert!(ascending.is_sorted());
    descending.reverse();
    assert_eq!(ascending, descending);
}

#[tokio::test]
async fn overviews_filter_newest_first() {
    let world = World::after(400).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let paging = Paging { start: 0, limit: 1_000 };

    let all = check_ins::Filter { paging, ..check_ins::Filter::default() };
    let found = check_ins::list(pool, &all).await.expect("found");
    assert_eq!(found.total, found.rows.len() as i64);
    assert!(found.rows.is_sorted_by(|a, b| a.at >= b.at));
    let filter = check_ins::Filter { corrected: Some(true), ..all.clone() };
    let corrected = check_ins::list(pool, &filter).await.expect("found");
    let expected = found.rows.iter().filter(|row| row.corrected_at.is_some()).count();
    assert!(expected > 0 && corrected.total == expected as i64);
    let filter = check_ins::Filter {
        title: Some("DE FILM".to_owned()),
        counters: Some(vec![id("balie")]),
        activity: Some(activity("film")),
        from: found.rows.last().map(|row| row.at),
        until: found.rows.first().map(|row| row.at),
        ..all.clone()
    };
    assert_eq!(check_ins::list(pool, &filter).await.expect("found").total, found.total);
    let filter = check_ins::Filter { counters: Some(vec![id("elders")]), ..all };
    assert_eq!(check_ins::list(pool, &filter).await.expect("found").total, 0);

    let filter = ticket_sales::Filter {
        counters: Some(vec![theater()]),
        cancelled: Some(false),
        paging,
        ..ticket_sales::Filter::default()
    };
    let sales = ticket_sales::list(pool, &filter).await.expect("found");
    assert!(sales.total > 10 && sales.rows.iter().all(|sale| sale.cancelled_at.is_none()));
    for sale in &sales.rows {
        let shares = sale.passholder_share + sale.organizer_share + sale.municipality_share;
        assert_eq!(shares, sale.price);
    }

    let filter = redemptions::Filter {
        kind: Some(Kind::Points),
        cancelled: Some(false),
        paging,
        ..redemptions::Filter::default()
    };
    let redeemed = redemptions::list(pool, &filter).await.expect("found");
    assert!(redeemed.rows.iter().all(|row| row.kind == "points" && row.cancelled_at.is_none()));
}

#[tokio::test]
async fn rewards_are_listed_by_subset_and_restriction() {
    let world = World::after(100).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let today = day("2026-06-01");
    let all = rewards::list(pool, &rewards::Filter::on(today)).await.expect("found");
    assert_eq!(all.total, 2);
    for subset in [rewards::Subset::Endusers, rewards::Subset::Redeemable] {
        let filter = rewards::Filter { subset, ..rewards::Filter::on(today) };
        assert_eq!(rewards::list(pool, &filter).await.expect("found").total, 2);
    }
    for subset in [rewards::Subset::RedeemableFuture, rewards::Subset::EnduserFuture] {
        let filter = rewards::Filter { subset, ..rewards::Filter::on(today) };
        assert_eq!(rewards::list(pool, &filter).await.expect("found").total, 0);
    }
    let filter = rewards::Filter {
        kind: Some(Kind::Points),
        owning_card_systems: Some(vec![SYSTEM]),
        applicable_card_systems: Some(vec![CardSystemId(77)]),
        text: Some("DRANK".to_owned()),
        points_from: Some(1),
        in_stock: true,
        sort: rewards::Sort::Points,
        descending: true,
        ..rewards::Filter::on(today)
    };
    assert_eq!(rewards::list(pool, &filter).await.expect("found").total, 1);
    let candidates = rewards::welcome_candidates(pool, SYSTEM, today).await.expect("found");
    assert_eq!(candidates.len(), 1);
    assert_eq!(candidates[0].kind, "welcome");
}

#[tokio::test]
async fn counters_and_their_people_are_found() {
    let world = World::after(0).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let at = counters::counters_of(pool, &id("anna")).await.expect("found");
    let names: Vec<_> = at.iter().map(|at| (at.counter.id.as_str(), at.kind.as_str())).collect();
    assert_eq!(names, [("balie", "member"), ("theater", "member")]);
    assert_eq!(counters::ksb_of(pool, &id("ksb")).await.expect("found"), [SYSTEM]);
    assert_eq!(counters::ksb_of(pool, &id("anna")).await.expect("found"), []);
    assert_eq!(counters::counters_in(pool, &[SYSTEM]).await.expect("found").len(), 2);
    assert_eq!(counters::counters_in(pool, &[CardSystemId(6)]).await.expect("found").len(), 0);
    assert_eq!(counters::list(pool, Some("THEÁ")).await.expect("found").len(), 1);
    assert_eq!(counters::card_systems(pool, None).await.expect("found").len(), 1);
}

/// R-CTR-08: today's activities of a counter; those for members only at the counter.
#[tokio::test]
async fn activities_are_listed_by_counter_and_day() {
    let world = World::after(0).await;
    let mut members = description("Repetitie", "2026-03-02T19:00:00Z".parse().expect("an instant"));
    members.audience = activity::Audience::Members;
    let mut museum = description("Museum", "2026-03-02T19:00:00Z".parse().expect("an instant"));
    museum.calendar = Calendar::Permanent { hours: vec![] };
    for (name, description) in [("repetitie", members), ("museum", museum)] {
        let at = "2026-03-01T09:00:00Z".parse().expect("an instant");
        let published = activity::Event::Published { description: Box::new(description), at };
        world.happenings.record::<Activity>(&activity(name), vec![published]).await;
    }
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let filter = |on: &str| activities::Filter {
        counters: Some(vec![theater()]),
        day: Some(day(on)),
        ..activities::Filter::default()
    };
    let ids = |filter: activities::Filter| async move {
        let found = activities::list(pool, &filter).await.expect("found");
        found.into_iter().map(|activity| activity.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(filter("2026-03-02")).await, ["film", "museum", "toneel"]);
    assert_eq!(ids(filter("2026-03-03")).await, ["museum"]);
    let at_counter = activities::Filter { with_members_only: true, ..filter("2026-03-02") };
    assert_eq!(ids(at_counter).await, ["film", "museum", "repetitie", "toneel"]);
    let by_title = activities::Filter { title: Some("de FILM".into()), ..Default::default() };
    assert_eq!(ids(by_title).await, ["film"]);
    let elsewhere = activities::Filter { counters: Some(vec![id("balie")]), ..Default::default() };
    assert!(ids(elsewhere).await.is_empty());
}
