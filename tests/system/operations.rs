//! The operations of the contract, one by one: `tests/contract.txt` says which there are, what each
//! may answer and who may call it.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use uitpas_api::auth::Kind;

use crate::answer::Answer;
use crate::described::operations;
use crate::private::jpeg;
use crate::region::{Desk, Region, THEATRE, born_years_ago, in_days, insz, text, ticket, today};

/// A line of the table.
struct Row {
    method: Method,
    path: &'static str,
    callers: Vec<&'static str>,
    permission: Option<&'static str>,
    statuses: Vec<u16>,
}

impl Row {
    fn key(&self) -> Key {
        key(&self.method, self.path)
    }

    fn success(&self) -> u16 {
        *self.statuses.iter().find(|status| **status < 300).expect("a status of success")
    }
}

fn table() -> Vec<Row> {
    let lines = include_str!("../contract.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(row).collect()
}

fn row(line: &'static str) -> Row {
    let parts: Vec<_> = line.split('|').map(str::trim).collect();
    let [method, path, tier, callers, permission, statuses] = parts[..] else {
        panic!("six columns, not {line}")
    };
    assert!(["A", "B"].contains(&tier), "{line}");
    Row {
        method: method.parse().expect("a method"),
        path,
        callers: callers.split(',').collect(),
        permission: (permission != "-").then_some(permission),
        statuses: statuses.split(' ').map(|status| status.parse().expect("a status")).collect(),
    }
}

/// Method and path; what stands in braces goes by any name, and the zip of a report has its address
/// with an ending.
type Key = (Method, String);

fn key(method: &Method, path: &str) -> Key {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    (method.clone(), parts.collect::<Vec<_>>().join("/"))
}

/// Each is routed and described, with the statuses that the contract knows.
#[test]
fn the_contract_is_described_whole() {
    let described: BTreeMap<_, _> = operations()
        .filter(|operation| operation.base == "/v4")
        .map(|operation| {
            let (method, path) = key(&operation.method, operation.path);
            ((method.to_string(), path), operation.described)
        })
        .collect();
    let mut missing = BTreeSet::new();
    for row in table() {
        let (method, path) = row.key();
        let Some(described) = described.get(&(method.to_string(), path)) else {
            missing.insert((row.method.to_string(), row.path.to_owned()));
            continue;
        };
        for status in &row.statuses {
            let described = &described["responses"][status.to_string()];
            assert!(described.is_object(), "{} {} {status}", row.method, row.path);
        }
        if let Some(permission) = row.permission {
            let says = described["security"].to_string();
            assert!(says.contains('"'), "{} {} {permission}: {says}", row.method, row.path);
        }
    }
    assert_eq!(missing, BTreeSet::new());
}

/// How somebody is let in, and asks for something that is there.
struct Prepared {
    who: Desk,
    method: Method,
    path: String,
    body: Option<Value>,
    /// Headers of their own.
    headers: Vec<(&'static str, String)>,
}

impl Prepared {
    async fn as_somebody(&self, who: &Desk, headers: &[(&'static str, String)]) -> Answer {
        let mut request = who.request(self.method.clone(), &self.path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request = match &self.body {
            // A picture comes in a form.
            Some(_) if self.path.ends_with("/picture") => {
                let file = Part::bytes(jpeg("iemand"));
                request.multipart(Form::new().part("file", file))
            }
            Some(body) => request.json(body),
            None => request,
        };
        who.send(request).await
    }
}

/// A request of each operation that succeeds when it comes in its turn.
async fn prepared(region: &Region) -> Vec<(&'static str, Prepared)> {
    let (desk, ksb, admin) = (region.desk(THEATRE), region.ksb(), region.admin_of(THEATRE));
    let (film, play) = (region.activity(THEATRE, 10.0).await, region.activity(THEATRE, 5.0).await);
    let chip = "04A1B2C3D4E5F8";
    let card = region.number(true);
    ksb.takes_in(&card, json!({ "chipNumber": chip })).await.done();
    let mut person = region.person(THEATRE, &card);
    person["socialTariffProof"] = "living-wage".into();
    let holder = desk.registers(&person).await.holder();
    let (id, number, of_holder) = (&holder.id, &holder.card, text(&person["inszNumber"]));
    let other = region.passholder().await;
    let of_other = desk.reads(&other).await.ok();
    let show = region.activity(THEATRE, 8.0).await;
    let removed = region.passholder().await;
    let relative = region.passholder().await;
    let dance = region.activity(THEATRE, 3.0).await;
    let code_of_dance = region.code_of(&dance).await;
    let group_card = region.card(true).await;
    let group = ksb.makes_pass(&group_card, json!({})).await.created();
    let of_theatre = json!({ "registrars": [THEATRE] });
    let scouts = ksb.defines_association(of_theatre).await.created();
    let check_in = desk.checks_in(number, &film).await.created();
    let sale = desk.sells(number, &film, 10.0).await.ok()[0].clone();
    let reward = ksb.makes_reward(json!({ "organizers": [{ "id": THEATRE }] })).await.ok();
    let redeemed = desk.redeems(&reward, number).await.created();
    admin.asks_report(today(), today()).await.ok();
    let brackets = json!([{ "fromAge": 0, "regular": 5, "withSocialStatus": 0 }]);
    ksb.puts("/admin/v1/card-systems/1/prices", brackets).await.done();
    let device = "toestel-0123456789";
    let of_kiosk = json!({ "name": "Inkomhal", "organizers": [THEATRE], "cardSystemId": 1 });
    let kiosk = ksb.posts("/admin/v1/kiosks", of_kiosk).await.created();
    let (kiosk_id, code) = (text(&kiosk["id"]), text(&kiosk["configurationCode"]));

    let of = |value: &Value| text(&value["id"]).to_owned();
    let (reward, redeemed) = (of(&reward), of(&redeemed));
    let (group, scouts) = (of(&group), of(&scouts));
    let of_association = format!("/v4/passholders/{}/association-memberships", other.id);
    let at_theatre = format!("organizerId={THEATRE}");
    let new_card = region.card(false).await;
    let new_person = region.person(THEATRE, &new_card);
    let free = insz(born_years_ago(44), 444);
    let digital = json!({ "cardType": "DIGITAL", "registrationOrganizer": { "id": THEATRE } });
    let settings = json!({ "id": play, "checkinPoints": 1 });
    let by_hand = json!([{ "id": 1, "enabled": true }]);
    let period = json!({ "startDate": today(), "endDate": today() });
    let new_reward = json!({
        "title": "Thee", "type": "POINTS", "points": 1, "promotionalDescription": "Een kop.",
        "publicationPeriod": { "begin": "2026-01-01T00:00:00Z" }, "categories": ["Eten en drinken"],
        "moreInfoURL": "https://voorbeeld.example/thee",
    });
    let reports = format!("/v4/organizers/{THEATRE}/financial-reports");
    let price = format!("dateOfBirth={}&postalCode=9981&cardType=DIGITAL", born_years_ago(30));

    let mut all = Vec::new();
    let mut add =
        |who: &Desk, path: &'static str, method: Method, at: String, body: Option<Value>| {
            let headers = match path.starts_with("/kiosk-devices") {
                true if path.ends_with("/setup") => vec![("x-custom-token", code.to_owned())],
                true => vec![("x-custom-token", device.to_owned())],
                false => vec![],
            };
            all.push((path, Prepared { who: who.clone(), method, path: at, body, headers }));
        };
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);

    // What is looked at.
    for (who, path, at) in [
        (&desk, "/tariffs", format!("?regularPrice=5&eventId={play}&uitpasNumber={number}")),
        (&desk, "/tariffs/static", format!("?regularPrice=5&eventId={play}")),
        (&desk, "/ticket-sales", format!("?passholderId={id}&organizerId={THEATRE}")),
        (&desk, "/checkins", format!("?passholderId={id}&organizerId={THEATRE}")),
        (&desk, "/checkin-status", format!("?uitpasNumber={number}&eventId={play}")),
        (&desk, "/passes", format!("?identifier={number}")),
        (&desk, "/cards", format!("?uitpasNumber={number}")),
        (&desk, "/passholders", "?name=vander*".to_owned()),
        (&desk, "/rewards", String::new()),
        (&desk, "/rewards/redeemed", format!("?uitpasNumber={number}")),
        (&desk, "/organizers", String::new()),
        (&desk, "/permissions", String::new()),
        (&desk, "/kiosks", format!("?organizerId={THEATRE}")),
        (&desk, "/card-systems", "?postalCode=9981".to_owned()),
        (&desk, "/grouppasses", format!("?uitpasNumber={group_card}")),
        (&desk, "/associations", format!("?{at_theatre}&permission=WRITE")),
    ] {
        add(who, path, get.clone(), format!("/v4{path}{at}"), None);
    }
    for (who, path, at) in [
        (&desk, "/passes/{}", format!("/passes/{number}")),
        (&desk, "/insz-numbers/{}", format!("/insz-numbers/{of_holder}")),
        (&desk, "/chip-numbers/{}", format!("/chip-numbers/{chip}")),
        (&desk, "/passholders/{}", format!("/passholders/{id}")),
        (
            &desk,
            "/passholders/{}/memberships/{}",
            format!("/passholders/{id}/memberships/1?socialTariff=true&organizerId={THEATRE}"),
        ),
        (
            &desk,
            "/passholders/membership-prices/{}",
            format!("/passholders/membership-prices/1?{price}"),
        ),
        (
            &desk,
            "/passholders/{}/membership-prices/{}",
            format!("/passholders/{id}/membership-prices/1?cardType=DIGITAL"),
        ),
        (
            &desk,
            "/passholders/status/insz-numbers/{}",
            format!("/passholders/status/insz-numbers/{free}"),
        ),
        (&desk, "/passholders/{}/coupons", format!("/passholders/{id}/coupons")),
        (&desk, "/rewards/{}", format!("/rewards/{reward}")),
        (
            &desk,
            "/rewards/{}/redeem-status",
            format!("/rewards/{reward}/redeem-status?uitpasNumber={number}"),
        ),
        (&desk, "/events/{}/card-systems", format!("/events/{play}/card-systems")),
        (&desk, "/events/{}/settings", format!("/events/{play}/settings")),
        (&desk, "/organizers/{}", format!("/organizers/{THEATRE}")),
        (&desk, "/card-systems/{}", "/card-systems/1".to_owned()),
        (&desk, "/passholders/{}/transactions", format!("/passholders/{id}/transactions")),
        (&desk, "/grouppasses/{}", format!("/grouppasses/{group}")),
        (&desk, "/grouppasses/{}/coupons", format!("/grouppasses/{group}/coupons")),
        (
            &desk,
            "/events/{}/qr-checkincodes/download-link",
            format!("/events/{play}/qr-checkincodes/download-link"),
        ),
        (
            &desk,
            "/card-systems/{}/membership-prices",
            "/card-systems/1/membership-prices?cardType=DIGITAL".to_owned(),
        ),
    ] {
        add(who, path, get.clone(), format!("/v4{at}"), None);
    }
    for (path, at) in [
        ("/organizers/{}/financial-reports/periods", "/periods"),
        ("/organizers/{}/financial-reports", ""),
        ("/organizers/{}/financial-reports/{}", "/1"),
        ("/organizers/{}/financial-reports/{}/download-link", "/1/download-link"),
    ] {
        add(&admin, path, get.clone(), format!("{reports}{at}"), None);
    }

    // What changes something.
    let at = |path: &str| format!("/v4{path}");
    let of_me = format!("/v4/passholders/{}", other.id);
    add(
        &desk,
        "/ticket-sales",
        post.clone(),
        at("/ticket-sales"),
        Some(json!([ticket(number, &play, 5.0)])),
    );
    add(
        &desk,
        "/checkins",
        post.clone(),
        at("/checkins"),
        Some(json!({ "eventId": film, "uitpasNumber": other.card })),
    );
    add(&desk, "/passholders", post.clone(), at("/passholders"), Some(new_person));
    add(&desk, "/passholders/{}", put.clone(), of_me.clone(), Some(of_other));
    add(
        &desk,
        "/passholders/{}/memberships/{}",
        post.clone(),
        format!("{of_me}/memberships/1"),
        Some(social(digital)),
    );
    let memberships = "/passholders/{}/association-memberships";
    let asked = format!("{of_association}?{at_theatre}");
    let joins = json!({ "association": { "id": scouts }, "endDate": in_days(30) });
    add(&desk, memberships, get.clone(), asked.clone(), None);
    add(&desk, memberships, post.clone(), asked, Some(joins));
    add(&ksb, "/rewards", post.clone(), at("/rewards"), Some(new_reward.clone()));
    add(&ksb, "/rewards/{}", put.clone(), format!("/v4/rewards/{reward}"), Some(new_reward));
    add(
        &desk,
        "/rewards/redeemed",
        post.clone(),
        at("/rewards/redeemed"),
        Some(json!({ "rewardId": reward, "uitpasNumber": number })),
    );
    add(
        &admin,
        "/events/{}/card-systems",
        put.clone(),
        format!("/v4/events/{}/card-systems", region.activity(THEATRE, 1.0).await),
        Some(by_hand),
    );
    add(
        &ksb,
        "/events/{}/settings",
        put.clone(),
        format!("/v4/events/{play}/settings"),
        Some(settings),
    );
    add(&admin, "/organizers/{}/financial-reports", post.clone(), reports, Some(period));
    let fixed = format!("/v4/kiosks/{kiosk_id}/fixed-event");
    let (kiosks, chosen) = ("/kiosks/{}/fixed-event", json!({ "id": show }));
    add(&desk, kiosks, put.clone(), fixed.clone(), Some(chosen.clone()));
    add(&desk, kiosks, get.clone(), fixed.clone(), None);
    add(&desk, kiosks, delete.clone(), fixed, None);

    // A kiosk.
    let nobody = region.stranger();
    add(
        &nobody,
        "/kiosk-devices/setup",
        put.clone(),
        at("/kiosk-devices/setup"),
        Some(json!({ "name": "Inkomhal", "deviceId": device })),
    );
    add(&nobody, "/kiosk-devices", get.clone(), at("/kiosk-devices"), None);
    add(&nobody, "/kiosk-devices/events", put.clone(), at("/kiosk-devices/events"), Some(chosen));
    add(&nobody, "/kiosk-devices/events", get.clone(), at("/kiosk-devices/events"), None);
    add(&nobody, "/kiosk-devices/checkins", get.clone(), at("/kiosk-devices/checkins"), None);
    let scan = json!({ "chipNumber": chip });
    add(
        &nobody,
        "/kiosk-devices/checkins",
        post.clone(),
        at("/kiosk-devices/checkins"),
        Some(scan),
    );
    add(&nobody, "/kiosk-devices/events", delete.clone(), at("/kiosk-devices/events"), None);
    add(
        &nobody,
        "/kiosk-devices/chip-numbers/{}",
        get.clone(),
        format!("/v4/kiosk-devices/chip-numbers/{chip}"),
        None,
    );

    // What is taken back.
    let left = format!("{of_association}/{scouts}?{at_theatre}");
    add(&desk, "/passholders/{}/association-memberships/{}", delete.clone(), left, None);
    add(&desk, "/checkins/{}", delete.clone(), format!("/v4/checkins/{}", of(&check_in)), None);
    add(&desk, "/ticket-sales/{}", delete.clone(), format!("/v4/ticket-sales/{}", of(&sale)), None);
    add(
        &ksb,
        "/rewards/redeemed/{}",
        delete.clone(),
        format!("/v4/rewards/redeemed/{redeemed}"),
        None,
    );
    add(&ksb, "/passholders/{}", delete.clone(), format!("/v4/passholders/{}", removed.id), None);

    // Somebody about himself.
    let me = region.oneself("nele", Some(of_holder));
    add(&me, "/passholders/me", get.clone(), at("/passholders/me"), None);
    let scan = json!({ "checkinCode": code_of_dance });
    add(&me, "/passholders/{}/checkins", post.clone(), at("/passholders/me/checkins"), Some(scan));

    // What is kept beside the details, and who belongs together.
    let of_holder = |part: &str| format!("/v4/passholders/{id}/{part}");
    let note = json!({ "note": "Komt met de fiets" });
    for (method, body) in [(&put, Some(note)), (&get, None)] {
        add(&desk, "/passholders/{}/private", method.clone(), of_holder("private"), body);
    }
    for (method, body) in [(&put, Some(json!({}))), (&get, None), (&delete, None)] {
        add(&desk, "/passholders/{}/picture", method.clone(), of_holder("picture"), body);
    }
    let family = "/passholders/{}/family-members";
    let member = json!({ "uitpasNumber": relative.card });
    for (method, body) in [(&post, Some(member)), (&get, None)] {
        add(&desk, family, method.clone(), of_holder("family-members"), body);
    }
    let one = of_holder(&format!("family-members/{}", relative.id));
    let family = "/passholders/{}/family-members/{}";
    add(&desk, family, put, one.clone(), Some(json!({ "icon": "vos" })));
    let families = format!("/v4/passholders/{}/families", relative.id);
    add(&desk, "/passholders/{}/families", get, families, None);
    add(&desk, family, delete, one, None);
    all.extend(of_staff_and_clients(region).await);
    all.extend(of_uitid(region).await);
    all.extend(of_orders(region).await);
    all
}

fn asked(who: &Desk, method: Method, path: &str, body: Option<Value>) -> Prepared {
    let path = format!("/v4{path}");
    Prepared { who: who.clone(), method, path, body, headers: vec![] }
}

async fn of_staff_and_clients(region: &Region) -> Vec<(&'static str, Prepared)> {
    let (desk, admin, owner) = (region.desk(THEATRE), region.admin_of(THEATRE), region.owner());
    region.with_email("els", "els@voorbeeld.example", true).gets("/v4/permissions").await.ok();
    let details = json!([{ "id": "PERMISSIONS_READ" }, { "id": "PERMISSIONS_WRITE" }]);
    let held = json!([{ "organizer": { "id": THEATRE }, "permissionDetails": details }]);
    for (client, permissions) in [("manager", held), ("website", json!([]))] {
        let known = json!({ "name": client, "permissions": permissions });
        owner.puts(&format!("/admin/v1/clients/{client}"), known).await.done();
    }
    let manager = region.someone("manager", Kind::Client, THEATRE);
    let els = json!({ "email": "els@voorbeeld.example", "type": "MEMBER" });
    let admins = format!("/organizers/{THEATRE}/admins");
    let cities = "/card-systems/1/city-settings";
    vec![
        ("/organizers/{}/admins", asked(&admin, Method::POST, &admins, Some(els))),
        ("/organizers/{}/admins", asked(&admin, Method::GET, &admins, None)),
        ("/organizers/{}/admins/{}", asked(&admin, Method::DELETE, &format!("{admins}/els"), None)),
        ("/permissions/{}", asked(&manager, Method::PUT, "/permissions/website", Some(json!([])))),
        ("/permissions/{}", asked(&manager, Method::GET, "/permissions/website", None)),
        ("/card-systems/{}/city-settings", asked(&desk, Method::GET, cities, None)),
    ]
}

async fn of_uitid(region: &Region) -> Vec<(&'static str, Prepared)> {
    let (nobody, holder) = (region.stranger(), region.passholder().await);
    let (token, status) =
        ("/passholders/me/uitid/registration-token", "/passholders/me/uitid/status");
    let basic = BASE64.encode(format!("{}:1990-07-21", holder.card));
    let by_card =
        vec![("x-client-id", "website".to_owned()), ("authorization", format!("Basic {basic}"))];
    let first = asked(&nobody, Method::GET, token, None);
    let given = first.as_somebody(&nobody, &by_card).await.ok();
    let given = ("x-registration-token", text(&given["token"]).to_owned());
    let by_token = vec![("x-client-id", "website".to_owned()), given.clone()];
    let uitid = region.with_email("bert", "bert@voorbeeld.example", true);
    let email = "/uitid/emails/bert@voorbeeld.example";
    let born = born_years_ago(44);
    let own = json!({
        "name": "Vandermeer", "firstName": "Zoe", "dateOfBirth": born, "postalCode": "9981",
        "city": "Meerdal", "cardSystem": { "id": 1 }, "registrationOrganizer": { "id": THEATRE },
    });
    let zoe = region.oneself("zoe", Some(&insz(born, 445)));
    let (me, link) = ("/passholders/me", "/passholders/me/uitid");
    vec![
        (token, Prepared { headers: by_card, ..first }),
        (status, Prepared { headers: by_token, ..asked(&nobody, Method::GET, status, None) }),
        ("/uitid/emails/{}", asked(&region.desk(THEATRE), Method::GET, email, None)),
        (link, Prepared { headers: vec![given], ..asked(&uitid, Method::PUT, link, None) }),
        (me, asked(&zoe, Method::POST, me, Some(own))),
    ]
}

async fn of_orders(region: &Region) -> Vec<(&'static str, Prepared)> {
    let site = region.client_with(THEATRE, &["ORDERS_CREATE", "ORDERS_READ"]).await;
    let of = |serial: u32| {
        let mut person = region.person(THEATRE, "");
        person["registrationCardSystemId"] = 1.into();
        person["inszNumber"] = insz(born_years_ago(50), serial).into();
        person["dateOfBirth"] = json!(born_years_ago(50));
        json!({ "mainPassholderRegistration": person })
    };
    let placed = site.posts("/v4/orders", of(446)).await.ok();
    let one = format!("/orders/{}", text(&placed["id"]));
    vec![
        ("/orders", asked(&site, Method::POST, "/orders", Some(of(447)))),
        ("/orders/{}", asked(&site, Method::GET, &one, None)),
    ]
}

fn social(mut membership: Value) -> Value {
    membership["socialTariff"] =
        json!({ "socialTariffEndDate": in_days(100), "proof": "living-wage" });
    membership
}

/// Nobody without a token, nobody without the permission, and otherwise as the contract says.
#[tokio::test]
async fn the_contract_is_kept_by_every_operation() {
    let region = Region::new().await;
    let (stranger, nobody) = (region.stranger(), region.someone("nobody", Kind::User, THEATRE));
    let prepared = prepared(&region).await;
    let mut rows: BTreeMap<_, _> = BTreeMap::new();
    for row in table() {
        let (method, path) = row.key();
        rows.insert((method.to_string(), path), row);
    }
    let before = region.position().await;
    for (path, request) in &prepared {
        let row = rows.get(&(request.method.to_string(), (*path).to_owned()));
        let row = row.unwrap_or_else(|| panic!("{} {path} is not in the table", request.method));
        let at = format!("{} {}", row.method, row.path);
        if !row.callers.contains(&"P") {
            let answer = request.as_somebody(&stranger, &[]).await;
            assert_eq!(answer.status, 401, "{at}: {}", answer.text());
            answer.refused(401, "auth/unauthorized");
        }
        // About himself everybody may ask: whether he is somebody here is what he learns.
        if row.permission.is_some() && !row.path.starts_with("/passholders/me") {
            let answer = request.as_somebody(&nobody, &[]).await;
            assert_eq!(answer.status, 403, "{at}: {}", answer.text());
            answer.refused(403, "auth/forbidden");
        }
    }
    assert_eq!(region.position().await, before, "nothing is written");
    let mut asked = BTreeSet::new();
    for (path, request) in &prepared {
        let at = (request.method.to_string(), (*path).to_owned());
        let row = &rows[&at];
        let answer = request.as_somebody(&request.who, &request.headers).await;
        assert_eq!(answer.status, row.success(), "{at:?}: {}", answer.text());
        asked.insert(at);
    }
    let all: BTreeSet<_> = rows.into_keys().collect();
    assert_eq!(all.difference(&asked).collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}
