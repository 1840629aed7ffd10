//! Operations of the contract that look things up, and what is set for one activity.

use serde_json::{Value, json};

use crate::region::{
    ELSEWHERE, GYM, Region, THEATRE, YOUTH, born_years_ago, in_days, insz, list, text, today,
};

fn ids(members: &Value) -> Vec<Value> {
    list(members).iter().map(|member| member["id"].clone()).collect()
}

/// Anyone with a token finds the card system of a town, and what its membership costs (R-REG-06).
#[tokio::test]
async fn card_systems_are_found_by_town_with_their_prices() {
    let region = Region::new().await;
    let desk = region.desk(YOUTH);
    let all = desk.gets("/v4/card-systems").await.ok();
    assert_eq!((&all["totalItems"], ids(&all["member"])), (&json!(2), vec![json!(1), json!(2)]));
    for (query, found) in [
        ("postalCode=9987", vec![1]),
        ("postalCode=9987&postalCode=9050", vec![1, 2]),
        ("city=overstroom", vec![2]),
        ("city=Terbeke&postalCode=9050", vec![]),
        ("permanent=false", vec![]),
        ("sort=-name", vec![2, 1]),
        ("sort=postalCode&postalCodeSort=9052", vec![2, 1]),
        ("sort=-POSTALCODE,name&postalCodeSort=9052", vec![1, 2]),
        ("start=1&limit=1", vec![2]),
    ] {
        let answer = desk.gets(&format!("/v4/card-systems?{query}")).await.ok();
        let found: Vec<_> = found.into_iter().map(|id| json!(id)).collect();
        assert_eq!(ids(&answer["member"]), found, "{query}");
    }
    desk.gets("/v4/card-systems?postalCode=99").await.refused(400, "uitpas/invalid-postal-code");
    desk.gets("/v4/card-systems?sort=postalCode").await.refused(400, "uitpas/postal-code-required");
    desk.gets("/v4/card-systems?sort=kleur").await.wrong_query("sort");
    let one = desk.gets("/v4/card-systems/1").await.ok();
    assert_eq!(one, all["member"][0]);
    assert_eq!(one["cities"][1], json!({ "postalCode": "9987", "name": "Terbeke" }));
    desk.gets("/v4/card-systems/9").await.refused(404, "uitpas/cardsystem-not-found");

    let prices = "/v4/card-systems/1/membership-prices?cardType=DIGITAL";
    assert_eq!(desk.gets(prices).await.ok(), json!([]));
    let brackets = json!([
        { "fromAge": 0, "untilAge": 17, "regular": 5, "withSocialStatus": 0 },
        { "fromAge": 18, "regular": 8.5, "withSocialStatus": 1 },
    ]);
    region.ksb().puts("/admin/v1/card-systems/1/prices", brackets).await.done();
    let listed = desk.gets(prices).await.ok();
    let listed = list(&listed);
    let listed: Vec<_> = listed.iter().map(|of| (&of["price"], text(&of["description"]))).collect();
    let (children, adults) = ("Tot en met 17 jaar", "Vanaf 18 jaar");
    let (five, none, more, one) = (json!(5.0), json!(0.0), json!(8.5), json!(1.0));
    assert_eq!(listed, [(&five, children), (&none, children), (&more, adults), (&one, adults)]);
    desk.gets("/v4/card-systems/1/membership-prices").await.wrong_query_404("cardType");
}

/// R-KSB-03: a KSB admin sees the organizers of his card systems, staff their own, the system owner all.
#[tokio::test]
async fn organizers_are_seen_by_who_works_with_them() {
    let region = Region::new().await;
    let search = |query: &str| format!("/v4/organizers?{query}");
    let of_ksb = region.ksb().gets(&search("")).await.ok();
    assert_eq!(ids(&of_ksb["member"]), [YOUTH, GYM, THEATRE]);
    let of_owner = region.owner().gets(&search("")).await.ok();
    assert_eq!(of_owner["totalItems"], 4);
    let of_desk = region.desk(GYM).gets(&search("")).await.ok();
    assert_eq!(ids(&of_desk["member"]), [GYM]);
    for (query, found) in [
        ("sort%5Bname%5D=desc", vec![THEATRE, GYM, YOUTH]),
        ("name=sport", vec![]),
        ("name=SPORT*", vec![GYM]),
        ("cardSystemId=2", vec![]),
        ("limit=1&start=1", vec![GYM]),
    ] {
        let answer = region.ksb().gets(&search(query)).await.ok();
        assert_eq!(ids(&answer["member"]), found, "{query}");
    }
    let one = region.desk(GYM).gets(&format!("/v4/organizers/{GYM}")).await.ok();
    assert_eq!(one, of_desk["member"][0]);
    assert_eq!(one["cardSystems"], json!([{ "id": 1, "name": "UiTPAS Meerdal" }]));
    assert_eq!(one["address"]["city"], "Meerdal");
    region
        .desk(GYM)
        .gets(&format!("/v4/organizers/{ELSEWHERE}"))
        .await
        .refused(403, "auth/forbidden");
    region.ksb().gets("/v4/organizers/nergens").await.refused(404, "uitpas/organizer-not-found");
    let stranger = region.someone("niemand", uitpas_api::auth::Kind::User, THEATRE);
    stranger.gets(&search("")).await.refused(403, "auth/forbidden");
}

/// R-TAR-04, R-CHK-03: what takes part, which keys are on, and the limits are read as they were set.
#[tokio::test]
async fn what_is_set_for_an_activity_is_read_again() {
    let region = Region::new().await;
    let (ksb, admin, desk) = (region.ksb(), region.admin_of(THEATRE), region.desk(THEATRE));
    let activity = region.activity(THEATRE, 10.0).await;
    let (systems, settings) =
        (format!("/v4/events/{activity}/card-systems"), format!("/v4/events/{activity}/settings"));
    let key = |enabled: bool| json!([{ "id": 1, "name": "20-40-40", "enabled": enabled }]);
    let told = |enabled: bool, key_enabled| json!([{ "id": 1, "name": "UiTPAS Meerdal", "enabled": enabled, "manualDistributionKeys": key(key_enabled) }]);
    assert_eq!(desk.gets(&systems).await.ok(), told(true, false));
    admin.puts(&systems, told(true, true)).await.done();
    assert_eq!(desk.gets(&systems).await.ok(), told(true, true));
    admin.puts(&systems, json!([])).await.done();
    assert_eq!(desk.gets(&systems).await.ok(), told(false, false));
    desk.puts(&systems, json!([])).await.refused(403, "auth/forbidden");
    let other = |id: u32| json!([{ "id": id, "enabled": true }]);
    admin.puts(&systems, other(2)).await.refused(400, "uitpas/invalid-card-system");
    admin.puts(&systems, other(9)).await.refused(400, "uitpas/cardsystem-not-found");
    let unknown = json!([{ "id": 1, "enabled": true, "manualDistributionKeys": [{ "id": 7, "enabled": true }] }]);
    admin.puts(&systems, unknown).await.refused(400, "uitpas/distributionkey-not-found");

    assert_eq!(desk.gets(&settings).await.ok(), json!({ "id": activity, "checkinPoints": 1 }));
    let limit = json!({ "volume": 2, "periodType": "WEEK" });
    let set = json!({
        "id": activity, "checkinPoints": 3, "checkinLimit": limit, "passholderTicketLimit": limit,
    });
    ksb.puts(&settings, set.clone()).await.done();
    assert_eq!(desk.gets(&settings).await.ok(), set);
    ksb.puts(&settings, json!({ "id": activity, "checkinPoints": 0 })).await.done();
    assert_eq!(desk.gets(&settings).await.ok(), json!({ "id": activity, "checkinPoints": 0 }));
    admin.puts(&settings, set).await.refused(403, "auth/forbidden");
    ksb.puts(&settings, json!({ "id": "iets", "checkinPoints": 1 })).await.wrong("/id");
    ksb.puts(&settings, json!({ "id": activity, "checkinPoints": 101 }))
        .await
        .wrong("/checkinPoints");
    ksb.puts(&settings, json!({ "checkinPoints": 1 })).await.wrong("/");
    region.desk(GYM).gets(&settings).await.refused(403, "auth/forbidden");
    for path in ["/v4/events/nergens/card-systems", "/v4/events/nergens/settings"] {
        desk.gets(path).await.refused(404, "uitpas/event-not-found");
    }
    ksb.puts("/v4/events/nergens/settings", json!({ "id": "nergens", "checkinPoints": 1 }))
        .await
        .refused(404, "uitpas/event-not-found");
}

/// R-CRD-01, R-ID-04: a registration counter learns in what state a card is, by either number.
#[tokio::test]
async fn a_card_is_told_by_its_number_or_its_chip() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let (sent, number, chip) = (region.number(true), region.number(true), "04A1B2C3D4E5F6");
    ksb.takes_in(&sent, json!({ "stage": "sent-to-counter" })).await.done();
    let by_number = format!("/v4/cards?uitpasNumber={number}");
    let card = desk.gets(&format!("/v4/cards?uitpasNumber={sent}")).await.ok();
    assert_eq!((&card["status"], &card["socialTariff"]), (&json!("PROVISIONED"), &json!(true)));
    assert_eq!(card["cardSystem"], json!({ "id": 1, "name": "UiTPAS Meerdal" }));
    ksb.takes_in(&number, json!({ "chipNumber": chip })).await.done();
    let by_chip = desk.gets(&format!("/v4/cards?chipNumber={}", chip.to_lowercase())).await.ok();
    assert_eq!(
        (&by_chip["status"], &by_chip["uitpasNumber"]),
        (&json!("LOCAL_STOCK"), &json!(number))
    );
    let holder = region.passholder().await;
    let of = |card: &str| format!("/v4/cards?uitpasNumber={card}");
    assert_eq!(desk.gets(&of(&holder.card)).await.ok()["status"], "ACTIVE");
    desk.blocks(&holder, "replace", "loss").await.done();
    assert_eq!(desk.gets(&of(&holder.card)).await.ok()["status"], "BLOCKED");
    desk.gets(&of(&region.number(false))).await.refused(404, "uitpas/pass-not-found");
    desk.gets(&of("0900000095903")).await.refused(400, "uitpas/invalid-uitpas-number");
    desk.gets("/v4/cards").await.wrong_query("chipNumber");
    desk.gets(&format!("{by_number}&chipNumber={chip}")).await.wrong_query("chipNumber");
    region.desk(YOUTH).gets(&by_number).await.refused(403, "auth/forbidden");
}

/// R-ID-04, R-ID-05: the older look-ups find the same pass, each by its own number.
#[tokio::test]
async fn the_older_look_ups_tell_the_same() {
    let region = Region::new().await;
    let (desk, chip) = (region.desk(THEATRE), "04A1B2C3D4E5F7");
    let card = region.number(false);
    region.ksb().takes_in(&card, json!({ "chipNumber": chip })).await.done();
    let person = region.person(THEATRE, &card);
    let number = text(&person["inszNumber"]).to_owned();
    let free = format!("/v4/passholders/status/insz-numbers/{number}");
    assert_eq!(desk.gets(&free).await.ok(), json!({ "state": "UNUSED" }));
    let holder = desk.registers(&person).await.holder();
    assert_eq!(desk.gets(&free).await.ok(), json!({ "state": "USED" }));
    desk.gets("/v4/passholders/status/insz-numbers/123")
        .await
        .refused(400, "uitpas/invalid-insz-number");
    let pass = desk.identifies(&card).await.ok();
    let older = [
        format!("/v4/passes/{card}"),
        format!("/v4/chip-numbers/{chip}"),
        format!("/v4/insz-numbers/{number}"),
    ];
    for path in &older {
        assert_eq!(desk.gets(path).await.ok(), pass, "{path}");
    }
    let unknown = insz(born_years_ago(50), 77);
    desk.gets(&format!("/v4/insz-numbers/{unknown}")).await.refused(404, "uitpas/pass-not-found");
    desk.gets("/v4/passes/niets").await.refused(404, "uitpas/pass-not-found");
    desk.blocks(&holder, "definitive", "fraud").await.done();
    for path in &older {
        desk.gets(path).await.refused(400, "uitpas/card-blocked");
    }
}

/// R-TAR-02: what somebody with social status would pay, without a pass.
#[tokio::test]
async fn the_tariff_is_told_without_a_pass() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let activity = region.activity(THEATRE, 7.25).await;
    let asked = |activity: &str, price: &str| {
        format!("/v4/tariffs/static?eventId={activity}&regularPrice={price}")
    };
    let told = desk.gets(&asked(&activity, "7.25")).await.ok();
    assert_eq!(
        (&told["available"][0]["price"], &told["available"][0]["remaining"]),
        (&json!(1.45), &json!(1))
    );
    let holder = region.entitled().await;
    let of_pass = desk.asks_tariff(&holder.card, &activity, 7.25).await.ok();
    assert_eq!(told["available"], of_pass["available"]);
    desk.gets(&asked(&activity, "0")).await.refused(400, "uitpas/social-tariff-not-available");
    desk.gets(&asked("nergens", "5")).await.refused(400, "uitpas/event-not-found");
    region.desk(GYM).gets(&asked(&activity, "5")).await.refused(403, "auth/forbidden");
}

/// R-RWD-03, R-RWD-10: rewards are counted by facet and sorted by several keys, and changed while
/// nobody took one up.
#[tokio::test]
async fn rewards_are_counted_sorted_and_changed() {
    let region = Region::new().await;
    let (ksb, desk) = (region.ksb(), region.desk(YOUTH));
    for (title, points, category, at) in [
        ("Appel", 2, "Eten en drinken", THEATRE),
        ("Bal", 1, "Doen", GYM),
        ("Cake", 2, "Eten en drinken", GYM),
    ] {
        let more = json!({
            "title": title, "points": points, "categories": [category], "organizers": [{ "id": at }],
        });
        ksb.makes_reward(more).await.ok();
    }
    let search = |query: &str| format!("/v4/rewards?{query}");
    let titles = |answer: &Value| -> Vec<String> {
        list(&answer["member"]).iter().map(|reward| text(&reward["title"]).to_owned()).collect()
    };
    for (query, found) in [
        ("", vec!["Appel", "Bal", "Cake"]),
        ("sort=points,-name", vec!["Bal", "Cake", "Appel"]),
        ("sort=-POINTS", vec!["Appel", "Cake", "Bal"]),
        ("categories=Doen", vec!["Bal"]),
        ("organizerPostalCode=9981", vec!["Appel", "Bal", "Cake"]),
        ("organizerPostalCode=9050", vec![]),
        (&format!("organizerPostalCode=9981&organizerId={GYM}"), vec!["Bal", "Cake"]),
        ("status=INACTIVE&subset=ALL", vec![]),
        ("forKids=true", vec![]),
        ("forKids=false&start=1&limit=1", vec!["Bal"]),
    ] {
        let answer = desk.gets(&search(query)).await.ok();
        assert_eq!(titles(&answer), found, "{query}");
        assert_eq!(answer.get("facet"), None);
    }
    desk.gets(&search("sort=kleur")).await.wrong_query("sort");
    // By the organizer, which is shown with its name, and so is the card system.
    for text in ["theater", "Meerdal"] {
        let found = desk.gets(&search(&format!("text={text}"))).await.ok();
        assert_eq!(titles(&found)[0], "Appel", "{text}: {found}");
        assert_ne!(found["member"][0]["organizers"][0]["name"], "");
        assert_ne!(found["member"][0]["owningCardSystem"]["name"], "");
    }
    let counted =
        desk.gets(&search("facets=categories&facets=owningCardSystemId&limit=1")).await.ok();
    assert_eq!(counted["totalItems"], 3);
    let count = |facet: &str, value: &str| counted["facet"][facet][value]["count"].clone();
    assert_eq!(
        (count("categories", "Eten en drinken"), count("categories", "Doen")),
        (json!(2), json!(1))
    );
    assert_eq!(
        counted["facet"]["owningCardSystemId"]["1"],
        json!({ "name": { "nl": "UiTPAS Meerdal" }, "count": 3 })
    );
    assert_eq!(counted["facet"].get("sport"), None);

    let made = desk.gets(&search("text=cake")).await.ok()["member"][0].clone();
    let path = format!("/v4/rewards/{}", text(&made["id"]));
    let mut changed = made.clone();
    changed["points"] = json!(1);
    changed["redeemPeriod"] =
        json!({ "begin": today().and_hms_opt(12, 0, 0).expect("noon").and_utc() });
    let answer = ksb.puts(&path, changed.clone()).await.ok();
    assert_eq!((&answer["points"], &answer["title"]), (&json!(1), &json!("Cake")));
    region.ksb_of(2).puts(&path, changed.clone()).await.refused(403, "auth/forbidden");
    let nowhere = format!("/v4/rewards/{}", uuid::Uuid::nil());
    ksb.puts(&nowhere, changed.clone()).await.refused(404, "uitpas/reward-not-found");

    let holder = region.passholder().await;
    let activity = region.activity(YOUTH, 5.0).await;
    desk.checks_in(&holder.card, &activity).await.created();
    region.desk(GYM).redeems(&answer, &holder.card).await.created();
    changed["points"] = json!(3);
    ksb.puts(&path, changed.clone()).await.refused(400, "uitpas/reward-not-editable");
    changed["points"] = json!(1);
    changed["redeemPeriod"]["end"] = json!(crate::region::at_noon(in_days(9)));
    ksb.puts(&path, changed).await.ok();
}

/// Who may search at the counter of a sale or check-in is told whom it was; others are not.
#[tokio::test]
async fn the_passholder_stands_beside_a_sale_for_who_may_search() {
    let region = Region::new().await;
    let holder = region.entitled().await;
    for (counter, told) in [(THEATRE, true), (YOUTH, false)] {
        let desk = region.desk(counter);
        let (film, play) =
            (region.activity(counter, 10.0).await, region.activity(counter, 5.0).await);
        let sale = desk.sells(&holder.card, &film, 10.0).await.ok()[0].clone();
        let check_in = desk.checks_in(&holder.card, &play).await.created();
        let listed = desk.sales_of(&holder).await.ok()["member"][0].clone();
        for answer in [sale, check_in, listed] {
            let id = answer.get("passholder").map(|passholder| passholder["id"].clone());
            assert_eq!(id, told.then(|| json!(holder.id)), "{counter}: {answer}");
        }
        let query = format!("/v4/ticket-sales?passholderId={}", holder.id);
        desk.gets(&query).await.wrong_query("organizerId");
        let query = format!("/v4/rewards/redeemed?passholderId={}", holder.id);
        desk.gets(&query).await.wrong_query("organizerId");
    }
}

/// The same refusal has the name and the status that the contract gives it at that operation.
#[tokio::test]
async fn a_refusal_is_said_as_its_operation_has_it() {
    let region = Region::new().await;
    let (desk, activity) = (region.desk(THEATRE), region.activity(THEATRE, 10.0).await);
    let (unknown, wrong) = (region.number(false), "0930000237912");
    let reward = region.ksb().makes_reward(json!({})).await.ok();
    let reward = text(&reward["id"]);
    for (number, kind) in
        [(unknown.as_str(), "uitpas/passholder-not-found"), (wrong, "uitpas/invalid-uitpasnumber")]
    {
        desk.asks_tariff(number, &activity, 10.0).await.refused(400, kind);
        desk.sells(number, &activity, 10.0).await.refused(400, kind);
        desk.checks_in(number, &activity).await.refused(400, kind);
        let kind = kind.replace("uitpasnumber", "uitpas-number");
        let status = format!("/v4/rewards/{reward}/redeem-status?uitpasNumber={number}");
        desk.gets(&status).await.refused(400, &kind);
        desk.gets(&format!("/v4/rewards/redeemed?uitpasNumber={number}")).await.refused(400, &kind);
        let redeem = json!({ "rewardId": reward, "uitpasNumber": number });
        desk.posts("/v4/rewards/redeemed", redeem).await.refused(400, &kind);
        desk.may_check_in(number, &activity).await.refused(404, "uitpas/passholder-not-found");
        desk.identifies(number).await.refused(404, "uitpas/pass-not-found");
        desk.gets(&format!("/v4/passes/{number}")).await.refused(404, "uitpas/pass-not-found");
    }
    desk.gets("/v4/checkin-status?eventId=x").await.wrong_query_404("uitpasNumber");
    desk.gets("/v4/kiosks?limit=veel").await.wrong_query_404("limit");
    desk.gets("/v4/kiosks?limit=501").await.refused(400, "url/query-limit-exceeded");
    for query in ["groupId=3", "name=x&groupId=3"] {
        let found = desk.gets(&format!("/v4/organizers?{query}")).await;
        found.refused(400, "uitpas/group-not-found");
    }
    desk.gets("/v4/organizers?cardSystemId=9").await.refused(400, "uitpas/cardsystem-not-found");
    desk.gets("/v4/rewards?organizerId=nergens").await.refused(400, "uitpas/organizer-not-found");
    let system = desk.gets("/v4/rewards?owningCardSystemId=9").await;
    system.refused(400, "uitpas/cardsystem-not-found");
    // What is asked together must hold together, also beside a number.
    let holder = region.passholder().await;
    let by_number = |more: &str| format!("uitpasNumber={}&{more}", holder.card);
    for (more, total, shown) in
        [("start=0", 1, 1), ("limit=0", 1, 0), ("start=1", 1, 0), ("name=Zzz", 0, 0)]
    {
        let found = desk.searches(&by_number(more)).await.ok();
        let seen = (found["totalItems"].clone(), list(&found["member"]).len());
        assert_eq!(seen, (json!(total), shown), "{more}");
    }
    let nowhere = desk.searches(&by_number("organizerId=nergens")).await;
    nowhere.refused(400, "uitpas/organizer-not-found");
    desk.searches(&by_number("schoolId=x")).await.refused(400, "uitpas/school-not-found");
    // An id is opaque: what can be none is unknown.
    for (path, kind) in [
        ("/v4/rewards/1234", "uitpas/reward-not-found"),
        (
            "/v4/passholders/x/memberships/1?organizerId=theater&socialTariff=false",
            "uitpas/passholder-not-found",
        ),
    ] {
        desk.gets(path).await.refused(404, kind);
    }
    // What is in the path is 404.
    let path = format!(
        "/v4/passholders/{}/memberships/9?organizerId={THEATRE}&socialTariff=false",
        holder.id
    );
    desk.gets(&path).await.refused(404, "uitpas/cardsystem-not-found");
    let reports = "/v4/organizers/nergens/financial-reports";
    desk.gets(reports).await.refused(404, "uitpas/organizer-not-found");
}

/// Which card systems take part is settled by the first ticket; the same again may still be said.
#[tokio::test]
async fn card_systems_are_not_changed_under_tickets_that_were_sold() {
    let region = Region::new().await;
    let (admin, desk) = (region.admin_of(THEATRE), region.desk(THEATRE));
    let (holder, activity) = (region.entitled().await, region.activity(THEATRE, 10.0).await);
    let systems = format!("/v4/events/{activity}/card-systems");
    let on = json!([{ "id": 1, "enabled": true }]);
    admin.puts(&systems, on.clone()).await.done();
    let sale = desk.sells(&holder.card, &activity, 10.0).await.ok()[0].clone();
    admin.puts(&systems, on).await.done();
    let kind = "uitpas/event-already-has-ticketsales";
    admin.puts(&systems, json!([])).await.refused(400, kind);
    desk.cancels(&sale).await.done();
    admin.puts(&systems, json!([])).await.done();
    let none = desk.asks_tariff(&holder.card, &activity, 10.0).await.ok();
    assert_eq!(none["available"], json!([]));
    assert!(text(&none["endUserMessage"]["nl"]).contains("Geen enkele UiTPAS-regio"));
    let refused = desk.sells(&holder.card, &activity, 10.0).await;
    refused.refused(400, "uitpas/social-tariff-not-available");
}

/// Rewards keep what the contract marks them by, and are found by it.
#[tokio::test]
async fn rewards_are_marked_and_found_by_their_marks() {
    let region = Region::new().await;
    let (ksb, desk) = (region.ksb(), region.desk(THEATRE));
    let until =
        json!({ "begin": "2026-01-01T00:00:00Z", "end": crate::region::at_noon(in_days(3)) });
    let marked = json!({
        "title": "Bal", "forKids": true, "sport": true, "featured": true, "online": true,
        "pictures": ["https://voorbeeld.example/bal.jpg"], "redeemPeriod": until, "points": 3,
        "organizers": [{ "id": THEATRE }], "owningCardSystem": null,
    });
    let made = ksb.makes_reward(marked).await.ok();
    assert_eq!(made["owningCardSystem"]["id"], 1, "the first of the caller's");
    for mark in ["forKids", "sport", "featured", "online", "lastChance"] {
        assert_eq!(made[mark], true, "{mark}: {made}");
    }
    assert_eq!(made["pictures"], json!(["https://voorbeeld.example/bal.jpg"]));
    let plain = ksb.makes_reward(json!({ "title": "Appel", "points": 5 })).await.ok();
    let search = |query: &str| format!("/v4/rewards?{query}");
    for (query, found) in [
        ("sport=true", vec![&made]),
        ("sport=false", vec![&plain]),
        ("lastChance=true&forKids=true&online=true", vec![&made]),
        ("lastChance=true&forKids=false", vec![]),
        ("sort=-featured", vec![&made, &plain]),
        ("sort=featured", vec![&plain, &made]),
        ("sort%5Bpoints%5D=asc", vec![&made, &plain]),
        ("sort%5Bname%5D=desc", vec![&made, &plain]),
        ("sort%5Bname%5D=asc", vec![&plain, &made]),
    ] {
        let answer = desk.gets(&search(query)).await.ok();
        let found: Vec<_> = found.into_iter().map(|reward| reward["id"].clone()).collect();
        assert_eq!(ids(&answer["member"]), found, "{query}");
    }
    let facet = desk.gets(&search("facets=sport")).await.ok()["facet"]["sport"].clone();
    assert_eq!((&facet["true"]["count"], &facet["false"]["count"]), (&json!(1), &json!(1)));

    // What there is where one was.
    let (holder, activity) = (region.passholder().await, region.activity(THEATRE, 4.0).await);
    let interesting = search(&format!("isInterestingForPassholderId={}", holder.id));
    assert_eq!(desk.gets(&interesting).await.ok()["totalItems"], 0);
    desk.checks_in(&holder.card, &activity).await.created();
    assert_eq!(ids(&desk.gets(&interesting).await.ok()["member"]), [made["id"].clone()]);

    for (field, value, pointer) in [
        ("moreInfoURL", json!("geen adres"), "/moreInfoURL"),
        ("pictures", json!(["ftp://voorbeeld.example/x"]), "/pictures/0"),
        ("categories", json!(["Drank"]), "/categories/0"),
        ("forKids", json!("ja"), "/forKids"),
    ] {
        let mut more = json!({});
        more[field] = value;
        ksb.makes_reward(more).await.wrong(pointer);
    }
    assert_eq!(ksb.makes_reward(json!({ "points": 5.0 })).await.ok()["points"], 5);
    ksb.makes_reward(json!({ "points": 0.5 })).await.refused(400, "body/invalid-data");
    for wrong in [
        json!({ "owningCardSystem": { "id": 99 } }),
        json!({ "applicableCardSystems": [{ "id": 99 }], "allCardSystems": false }),
    ] {
        ksb.makes_reward(wrong).await.refused(400, "uitpas/invalid-card-system");
    }
}
