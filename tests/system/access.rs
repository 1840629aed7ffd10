//! Who gets in, and what for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{TimeDelta, Utc};
use reqwest::Method;
use serde_json::{Value, json};
use uitpas_api::auth::{AUDIENCE, Claims, DEMO_ISSUER, Issuer, Kind};
use uitpas_store::sealing::MasterKey;

use crate::region::{ELSEWHERE, GYM, Region, THEATRE, YOUTH, in_days, list, text, ticket, today};

fn claims() -> Claims {
    let now = Utc::now();
    Claims {
        iss: DEMO_ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: "theater-member".parse().expect("a subject"),
        exp: (now + TimeDelta::hours(1)).timestamp(),
        nbf: now.timestamp(),
        amr: vec!["pwd".to_owned(), "otp".to_owned()],
        kind: Kind::User,
        insz: None,
        email: None,
        email_verified: false,
    }
}

/// R-SEC-01: only a token of the issuer, for us, in force, with a second factor.
#[tokio::test]
async fn a_token_must_be_right_in_every_way() {
    let region = Region::new().await;
    let issuer = &region.app.issuer;
    let now = Utc::now();
    let at = |minutes| (now + TimeDelta::minutes(minutes)).timestamp();
    let good = issuer.sign(&claims());
    let parts: Vec<&str> = good.split('.').collect();
    let changed = {
        let claims = BASE64.decode(parts[1]).expect("base64");
        let claims = String::from_utf8(claims).expect("text").replace("theater-member", "ksb-1");
        format!("{}.{}.{}", parts[0], BASE64.encode(claims), parts[2])
    };
    let header = |alg: &str| BASE64.encode(json!({ "alg": alg, "typ": "JWT" }).to_string());
    let (unsigned, symmetric) = (header("none"), header("HS256"));
    let other_key = Issuer::demo(&MasterKey::generate());
    let with = |change: fn(&mut Claims)| {
        let mut claims = claims();
        change(&mut claims);
        issuer.sign(&claims)
    };
    let tokens = [
        ("another key", other_key.sign(&claims()), "signature"),
        ("changed claims", changed, "signature"),
        ("alg none", format!("{unsigned}.{}.", parts[1]), "malformed"),
        ("alg none, signed", format!("{unsigned}.{}.{}", parts[1], parts[2]), "malformed"),
        ("another algorithm", format!("{symmetric}.{}.{}", parts[1], parts[2]), "malformed"),
        ("expired", issuer.sign(&Claims { exp: at(-1), ..claims() }), "expired"),
        ("not yet valid", issuer.sign(&Claims { nbf: at(10), ..claims() }), "not valid yet"),
        ("another audience", with(|claims| claims.aud = "elsewhere".to_owned()), "audience"),
        ("another issuer", with(|claims| claims.iss = "someone".to_owned()), "issuer"),
        ("one factor", with(|claims| claims.amr = vec!["pwd".to_owned()]), "second factor"),
        ("no factor", with(|claims| claims.amr = vec![]), "second factor"),
        (
            "one factor, owner",
            with(|claims| {
                claims.amr = vec![];
                claims.kind = Kind::SystemOwner
            }),
            "second factor",
        ),
        ("no token", String::new(), "bearer token"),
        ("nonsense", "nonsense".to_owned(), "malformed"),
        ("two parts", format!("{}.{}", parts[0], parts[1]), "malformed"),
    ];
    let before = region.position().await;
    let holder = json!({ "eventId": "x", "uitpasNumber": "0900000095902" });
    for (what, token, why) in tokens {
        let desk = region.with_token(&token, THEATRE);
        for answer in
            [desk.gets("/v4/permissions").await, desk.posts("/v4/checkins", holder.clone()).await]
        {
            let problem = answer.refused(401, "auth/unauthorized");
            assert!(text(&problem["detail"]).contains(why), "{what}: {problem}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{what}");
        }
    }
    region.stranger().gets("/v4/permissions").await.refused(401, "auth/unauthorized");
    let basic = region.stranger().request(Method::GET, "/v4/permissions");
    crate::answer::Answer::to(basic.basic_auth("a", Some("b")))
        .await
        .refused(401, "auth/unauthorized");
    assert_eq!(region.position().await, before, "nothing is written");
    region.with_token(&good, THEATRE).gets("/v4/permissions").await.ok();
    for factor in ["mfa", "otp", "sms", "hwk"] {
        let token = issuer.sign(&Claims { amr: vec![factor.to_owned()], ..claims() });
        region.with_token(&token, THEATRE).gets("/v4/permissions").await.ok();
    }
}

/// Every operation, with what makes it one that succeeds or is refused for its own reasons.
pub async fn every_operation(region: &Region) -> Vec<(Method, String, Option<Value>)> {
    let holder = region.entitled().await;
    let (film, play) = (region.activity(THEATRE, 10.0).await, region.activity(THEATRE, 5.0).await);
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let check_in = desk.checks_in(&holder.card, &film).await.created();
    let sale = desk.sells(&holder.card, &film, 10.0).await.ok()[0].clone();
    let reward = ksb.makes_reward(json!({})).await.ok();
    let redeemed = desk.redeems(&reward, &holder.card).await.created();
    ksb.asks_report(today(), today()).await.ok();
    let card = region.card(false).await;
    let person = region.person(THEATRE, &card);
    let (id, number) = (&holder.id, &holder.card);
    let of = |value: &Value| text(&value["id"]).to_owned();
    let reports = format!("/v4/organizers/{THEATRE}/financial-reports");
    let period = json!({ "startDate": today(), "endDate": today() });
    let address = json!({ "postalCode": "9981", "city": "Meerdal" });
    let system = json!({ "name": "X", "municipalities": [{ "postalCode": "9981", "name": "X" }] });
    let counter = json!({ "name": "X", "address": address, "cardSystems": [1] });
    let key = json!({ "id": 50, "name": "X", "percentages": [20, 40, 40] });
    let prices = json!([{ "fromAge": 0, "regular": 2, "withSocialStatus": 0 }]);
    let settings =
        json!({ "graceDays": 1, "minutesBeforeWithoutStaff": 1, "minutesAfterWithoutStaff": 1 });
    let voucher = json!({ "code": "X", "off": 1, "until": today() });
    let block = json!({ "organizerId": THEATRE, "kind": "replace", "reason": "loss" });
    let give = json!({ "organizerId": THEATRE });
    let suspend =
        json!({ "organizerId": THEATRE, "action": "suspend", "until": in_days(9), "reason": "x" });
    let new_reward = json!({
        "title": "X", "type": "POINTS", "points": 1, "promotionalDescription": "X",
        "publicationPeriod": { "begin": "2026-01-01T00:00:00Z" }, "owningCardSystem": { "id": 1 },
    });
    let redeem =
        json!({ "rewardId": reward["id"], "uitpasNumber": number, "organizerId": THEATRE });
    let redeem_anywhere = json!({ "rewardId": reward["id"], "uitpasNumber": number });
    let get = |path: String| (Method::GET, path, None);
    let post = |path: String, body: Value| (Method::POST, path, Some(body));
    let put = |path: String, body: Value| (Method::PUT, path, Some(body));
    let delete = |path: String| (Method::DELETE, path, None);
    vec![
        get(format!("/v4/passes?identifier={number}")),
        get(format!("/v4/passholders/{id}")),
        get("/v4/passholders".into()),
        get(format!("/v4/passholders?uitpasNumber={number}")),
        get(format!("/v4/checkins?passholderId={id}&organizerId={THEATRE}")),
        get(format!("/v4/checkin-status?uitpasNumber={number}&eventId={play}")),
        get(format!("/v4/tariffs?regularPrice=5&uitpasNumber={number}&eventId={play}")),
        get(format!("/v4/ticket-sales?passholderId={id}&organizerId={THEATRE}")),
        get(format!("/v4/ticket-sales?eventId={film}")),
        get(format!("/v4/rewards/{}/redeem-status?uitpasNumber={number}", of(&reward))),
        get(format!("/v4/rewards?isRedeemableByPassholderId={id}")),
        get(format!("/v4/rewards/redeemed?passholderId={id}&organizerId={THEATRE}")),
        get(format!("/v4/rewards/redeemed?uitpasNumber={number}")),
        get(format!("{reports}/periods")),
        get(reports.clone()),
        get(format!("{reports}/1")),
        get(format!("{reports}/1/download-link")),
        get(format!("{reports}/1.zip")),
        get("/admin/v1/checkins".into()),
        get("/admin/v1/granted-tariffs".into()),
        get(format!("/admin/v1/counters/{THEATRE}/totals?from={0}&until={0}", today())),
        get(format!("/admin/v1/counters/{THEATRE}/activities")),
        get(format!("/admin/v1/counters/{THEATRE}/view?identifier={number}")),
        post("/v4/passholders".into(), person.clone()),
        post("/v4/checkins".into(), json!({ "eventId": play, "uitpasNumber": number })),
        post("/v4/ticket-sales".into(), json!([ticket(number, &play, 5.0)])),
        post("/v4/rewards".into(), new_reward),
        post("/v4/rewards/redeemed".into(), redeem),
        post("/v4/rewards/redeemed".into(), redeem_anywhere),
        post(reports, period),
        put(format!("/v4/passholders/{id}"), person),
        delete(format!("/v4/checkins/{}", of(&check_in))),
        delete(format!("/v4/ticket-sales/{}", of(&sale))),
        delete(format!("/v4/rewards/redeemed/{}", of(&redeemed))),
        delete(format!("/v4/passholders/{id}")),
        put("/admin/v1/card-systems/9".into(), system),
        (Method::PUT, "/admin/v1/card-systems/1/admins/x".into(), None),
        delete("/admin/v1/card-systems/1/admins/ksb-1".into()),
        post("/admin/v1/card-systems/1/distribution-keys".into(), key),
        put("/admin/v1/card-systems/1/default-keys".into(), json!([])),
        put("/admin/v1/card-systems/1/prices".into(), prices),
        put("/admin/v1/card-systems/1/settings".into(), settings),
        post("/admin/v1/card-systems/1/vouchers".into(), voucher),
        put("/admin/v1/counters/x".into(), counter),
        put(format!("/admin/v1/counters/{THEATRE}/terms/1"), json!({ "groups": [] })),
        put(format!("/admin/v1/counters/{THEATRE}/iban"), json!({ "iban": "BE68539007547034" })),
        put(format!("/admin/v1/counters/{THEATRE}/staff/x"), json!({ "kind": "member" })),
        delete(format!("/admin/v1/counters/{THEATRE}/staff/theater-member")),
        put(format!("/admin/v1/activities/{film}/settings"), json!({ "checkinPoints": 1 })),
        put(format!("/admin/v1/activities/{film}/card-systems"), json!([{ "id": 1 }])),
        post(
            "/admin/v1/cards".into(),
            json!({ "uitpasNumber": region.number(false), "cardSystemId": 1 }),
        ),
        post(format!("/admin/v1/passholders/{id}/cards"), give),
        post(format!("/admin/v1/passholders/{id}/cards/{number}/block"), block),
        post(format!("/admin/v1/passholders/{id}/memberships/1"), suspend),
        post(format!("/admin/v1/checkins/{}/correction", of(&check_in)), json!({ "reason": "x" })),
    ]
}

/// R-CTR-05: a person without a role can do nothing, and a stranger not even that.
#[tokio::test]
async fn a_person_without_a_role_can_do_nothing() {
    let region = Region::new().await;
    let operations = every_operation(&region).await;
    let before = region.position().await;
    let nobody = region.someone("nobody", Kind::User, THEATRE);
    let client = region.someone("nobodys-client", Kind::Client, THEATRE);
    let stranger = region.stranger();
    for (method, path, body) in operations {
        for who in [&nobody, &client] {
            let answer = who.call(method.clone(), &path, body.clone()).await;
            assert_eq!(answer.status, 403, "{method} {path}: {}", answer.text());
            answer.refused(403, "auth/forbidden");
        }
        let answer = stranger.call(method.clone(), &path, body.clone()).await;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text());
    }
    assert_eq!(region.position().await, before, "nothing is written");
    // What rewards there are is for everyone with a token, and so is to hear that one has no role.
    assert_eq!(nobody.gets("/v4/permissions").await.ok(), json!([]));
    nobody.gets("/v4/rewards").await.ok();
}

/// R-CTR-02: by the subject of his tokens somebody is added by the KSB alone.
#[tokio::test]
async fn the_ksb_adds_staff_by_subject() {
    let region = Region::new().await;
    let (member, admin, ksb) = (region.desk(THEATRE), region.admin_of(THEATRE), region.ksb());
    let staff = |who: &str| format!("/admin/v1/counters/{THEATRE}/staff/{who}");
    let (as_member, as_admin) = (json!({ "kind": "member" }), json!({ "kind": "admin" }));
    for by in [&member, &admin] {
        let refused = by.puts(&staff("an"), as_member.clone()).await;
        refused.refused(403, "auth/forbidden");
    }
    ksb.puts(&staff("an"), as_admin).await.done();
    admin.deletes(&staff("an")).await.refused(403, "auth/forbidden");
    ksb.deletes(&staff("an")).await.done();
    admin.deletes(&staff("an")).await.refused_saying(404, "own/not-on-staff", "werkt niet");
    ksb.puts(&staff("an"), json!({ "kind": "boss" })).await.wrong("/kind");
    region.ksb_of(2).puts(&staff("an"), as_member.clone()).await.refused(403, "auth/forbidden");
    ksb.puts("/admin/v1/counters/nergens/staff/an", as_member.clone())
        .await
        .refused(404, "uitpas/organizer-not-found");

    // Whoever is added may act at once, and whoever is removed no more.
    let holder = region.passholder().await;
    let an = region.someone("an", Kind::User, THEATRE);
    an.identifies(&holder.card).await.refused(403, "auth/forbidden");
    ksb.puts(&staff("an"), as_member).await.done();
    let activity = region.activity(THEATRE, 5.0).await;
    an.checks_in(&holder.card, &activity).await.created();
    admin.deletes(&staff("an")).await.done();
    let another = region.activity(THEATRE, 5.0).await;
    an.checks_in(&holder.card, &another).await.refused(403, "auth/forbidden");
}

/// R-KSB-03, R-KSB-06, R-CTR-03: a KSB admin acts at every counter of his card systems, and
/// changes no other card system.
#[tokio::test]
async fn a_ksb_admin_is_one_of_his_own_card_systems() {
    let region = Region::new().await;
    let (ksb, other) = (region.ksb(), region.ksb_of(2));
    let settings =
        json!({ "graceDays": 10, "minutesBeforeWithoutStaff": 30, "minutesAfterWithoutStaff": 30 });
    let prices = json!([{ "fromAge": 0, "regular": 2, "withSocialStatus": 0 }]);
    for (path, body) in [("settings", settings), ("prices", prices), ("default-keys", json!([1]))] {
        let path = format!("/admin/v1/card-systems/1/{path}");
        ksb.puts(&path, body.clone()).await.done();
        other.puts(&path, body.clone()).await.refused(403, "auth/forbidden");
        let unknown = path.replace("/1/", "/3/");
        ksb.puts(&unknown, body).await.refused(404, "uitpas/cardsystem-not-found");
    }
    let terms = json!({ "groups": ["check-in-and-ticket"] });
    other
        .puts(&format!("/admin/v1/counters/{THEATRE}/terms/1"), terms.clone())
        .await
        .refused(403, "auth/forbidden");
    other
        .puts(&format!("/admin/v1/counters/{THEATRE}/terms/2"), terms.clone())
        .await
        .refused(400, "own/counter-card-system");
    let unknown_key = json!({ "groups": [], "keys": [99] });
    ksb.sets_terms(THEATRE, unknown_key).await.refused(400, "uitpas/distributionkey-not-found");
    let iban = format!("/admin/v1/counters/{THEATRE}/iban");
    ksb.puts(&iban, json!({ "iban": "BE68 5390 0754 7034" })).await.done();
    ksb.puts(&iban, json!({ "iban": "BE68539007547035" })).await.wrong("/iban");
    region
        .admin_of(THEATRE)
        .puts(&iban, json!({ "iban": "BE68539007547034" }))
        .await
        .refused(403, "auth/forbidden");
    for path in ["/admin/v1/card-systems/4", "/admin/v1/counters/nieuw"] {
        let system =
            json!({ "name": "X", "municipalities": [{ "postalCode": "9981", "name": "X" }] });
        let address = json!({ "postalCode": "9981", "city": "Meerdal" });
        let counter = json!({ "name": "X", "address": address, "cardSystems": [1] });
        let body = if path.contains("counters") { counter } else { system };
        ksb.puts(path, body.clone()).await.refused(403, "auth/forbidden");
        region.owner().puts(path, body.clone()).await.done();
        let kind =
            if path.contains("counters") { "own/counter-exists" } else { "own/card-system-exists" };
        region.owner().puts(path, body).await.refused(409, kind);
    }

    // Every task of a counter, and the act names that counter and the role.
    let holder = region.passholder().await;
    let activity = region.activity(YOUTH, 5.0).await;
    ksb.checks_in(&holder.card, &activity).await.created();
    other.checks_in(&holder.card, &activity).await.refused(403, "auth/forbidden");
    let log = region.whole_log().await;
    let act = log.lines().find(|line| line.contains(" CheckedIn ")).expect("the check-in");
    assert!(act.contains(r#""actor":"ksb-1","role":"ksb","counter":"jeugdhuis""#), "{act}");
    other.identifies(&holder.card).await.ok();
    other.reads(&holder).await.refused(403, "auth/forbidden");
    other.searches("").await.ok();
    assert_eq!(other.searches("").await.ok()["totalItems"], 0);
}

/// What one may do is told per counter and card system.
#[tokio::test]
async fn permissions_are_told_per_counter() {
    let region = Region::new().await;
    let of = |all: Value| {
        let all = list(&all);
        assert_eq!(all.len(), 1, "{all:?}");
        let permissions: Vec<String> =
            list(&all[0]["permissions"]).iter().map(|name| text(name).to_owned()).collect();
        permissions
    };
    let youth = of(region.desk(YOUTH).gets("/v4/permissions").await.ok());
    let gym = of(region.desk(GYM).gets("/v4/permissions").await.ok());
    let theatre = of(region.desk(THEATRE).gets("/v4/permissions").await.ok());
    let admin = of(region.admin_of(THEATRE).gets("/v4/permissions").await.ok());
    for (permission, expected) in [
        ("CHECKINS_WRITE", [true, true, true, true]),
        ("PASSHOLDERS_WRITE", [false, true, true, true]),
        ("PASSHOLDERS_WRITE_SOCIALTARIFF", [false, false, true, true]),
        ("ORGANIZERS_REPORTS", [false, false, false, true]),
    ] {
        let has =
            [&youth, &gym, &theatre, &admin].map(|all| all.iter().any(|has| has == permission));
        assert_eq!(has, expected, "{permission}");
    }
    let ksb = list(&region.ksb().gets("/v4/permissions").await.ok());
    let counters: Vec<_> = ksb.iter().map(|counter| text(&counter["organizer"]["id"])).collect();
    assert_eq!(counters, [YOUTH, GYM, THEATRE]);
    let elsewhere = list(&region.desk(ELSEWHERE).gets("/v4/permissions").await.ok());
    assert_eq!(elsewhere[0]["permissionDetails"][0]["cardSystemIds"], json!([2]));
}
