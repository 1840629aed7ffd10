//! The matrix of roles: every operation there is, asked by every role, answers as `roles.txt` says. An
//! operation that stands not in it fails the test, and so does a row without an operation.
//!
//! A row names the roles that are let in. All others are answered 403, and whoever shows no token 401:
//! what is not allowed is forbidden. Members and admins of a counter ask about their own one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use strum::VariantNames;
use uitpas_api::auth::Kind;
use uitpas_domain::permission::Permission;

use crate::described::operations;
use crate::private::jpeg;
use crate::region::{
    Desk, ELSEWHERE, GYM, Holder, Region, THEATRE, YOUTH, born_years_ago, in_days, insz, text,
    ticket, today,
};

const ROWS: &str = include_str!("roles.txt");

/// All roles, and how the table calls several of them at once.
const SETS: &[(&str, &[&str])] = &[
    (
        "everybody",
        &[
            "staff",
            "elsewhere",
            "nobody",
            "ksb",
            "ksb-2",
            "auditor",
            "owner",
            "passholder",
            "client",
            "client-of-nothing",
        ],
    ),
    ("staff", &["check-in", "registration"]),
    ("check-in", &["youth-member", "youth-admin"]),
    ("registration", &["gym-member", "gym-admin", "authorised"]),
    ("authorised", &["theatre-member", "theatre-admin"]),
    ("admins", &["youth-admin", "gym-admin", "theatre-admin"]),
    ("elsewhere", &["elsewhere-member", "elsewhere-admin"]),
];

const ROLES: [&str; 19] = [
    "stranger",
    "device",
    "client-id",
    "nobody",
    "youth-member",
    "youth-admin",
    "gym-member",
    "gym-admin",
    "theatre-member",
    "theatre-admin",
    "elsewhere-member",
    "elsewhere-admin",
    "ksb",
    "ksb-2",
    "auditor",
    "owner",
    "passholder",
    "client",
    "client-of-nothing",
];

fn expand(name: &str, into: &mut BTreeSet<String>) {
    match SETS.iter().find(|(set, _)| *set == name) {
        Some((_, members)) => members.iter().for_each(|member| expand(member, into)),
        None => {
            assert!(ROLES.contains(&name), "{name:?} is no role");
            into.insert(name.to_owned());
        }
    }
}

/// The roles that are let in, by operation.
fn rows() -> BTreeMap<String, BTreeSet<String>> {
    let lines = ROWS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut rows = BTreeMap::new();
    for line in lines {
        let mut words = line.split_whitespace();
        let operation =
            format!("{} {}", words.next().expect("a method"), words.next().expect("a path"));
        let mut allowed = BTreeSet::new();
        words.for_each(|name| expand(name, &mut allowed));
        assert!(
            rows.insert(operation.clone(), allowed).is_none(),
            "{operation} stands there twice"
        );
    }
    rows
}

/// An operation by its method and path, the names in braces left out.
fn nameless(method: &Method, base: &str, path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    format!("{method} {base}{}", parts.collect::<Vec<_>>().join("/"))
}

/// What there is at a counter to ask about.
struct Place {
    counter: &'static str,
    activity: String,
    sale: String,
    check_in: String,
    redemption: String,
}

struct World {
    region: Region,
    holder: Holder,
    /// One whom nobody misses.
    leaver: Holder,
    person: Value,
    reward: String,
    places: Vec<Place>,
    kiosk: String,
    coupon: u64,
    order: String,
    association: String,
    group_pass: String,
    /// A card that nobody has yet.
    in_stock: String,
}

/// What is sent along.
enum Sent {
    Nothing,
    Json(Value),
    Csv(&'static str),
    /// A picture, in a form.
    Picture,
}

impl World {
    async fn new() -> Self {
        let region = Region::new().await;
        let (holder, leaver) = (region.entitled().await, region.passholder().await);
        let ksb = region.ksb();
        let reward = ksb.makes_reward(json!({ "points": 1 })).await.ok();
        let mut places = Vec::new();
        for counter in [THEATRE, GYM, YOUTH] {
            let desk = region.desk(counter);
            let mut saved = Vec::new();
            for _ in 0..2 {
                let activity = region.activity(counter, 10.0).await;
                saved.push((desk.checks_in(&holder.card, &activity).await.created(), activity));
            }
            let sold = desk.sells(&holder.card, &saved[0].1, 10.0).await.ok();
            let redeemed = desk.redeems(&reward, &holder.card).await.created();
            region.admin_of(counter).asks_report(today(), today()).await.ok();
            region.sold_on(in_days(-40), &holder, counter, 700).await;
            let period = json!({ "startDate": in_days(-60), "endDate": in_days(-2) });
            ksb.posts(&format!("/admin/v1/counters/{counter}/notes"), period).await.ok();
            for extra in ["extra", "other"] {
                let path = format!("/admin/v1/counters/{counter}/staff/{extra}");
                ksb.puts(&path, json!({ "kind": "member" })).await.done();
            }
            places.push(Place {
                counter,
                sale: text(&sold[0]["id"]).to_owned(),
                check_in: text(&saved[1].0["id"]).to_owned(),
                redemption: text(&redeemed["id"]).to_owned(),
                activity: region.activity(counter, 10.0).await,
            });
        }
        let kiosk = json!({
            "name": "Zuil", "cardSystemId": 1, "organizers": [THEATRE, GYM, YOUTH],
        });
        let kiosk = ksb.posts("/admin/v1/kiosks", kiosk).await.ok();
        let kiosk = text(&kiosk["id"]).to_owned();
        let coupon = ksb.posts("/admin/v1/coupons", coupon()).await.ok();
        let coupon = coupon["id"].as_u64().expect("a number");
        for (client, permissions) in [("client", Permission::VARIANTS), ("client-of-nothing", &[])]
        {
            let details: Vec<_> = permissions.iter().map(|id| json!({ "id": id })).collect();
            let held = json!([{ "organizer": { "id": THEATRE }, "permissionDetails": details }]);
            let known = json!({ "name": client, "permissions": held });
            region.owner().puts(&format!("/admin/v1/clients/{client}"), known).await.done();
        }
        let prices = json!([{ "fromAge": 0, "regular": 2, "withSocialStatus": 0 }]);
        ksb.puts("/admin/v1/card-systems/1/prices", prices).await.done();
        let mut ordered = region.person(THEATRE, "");
        ordered["registrationCardSystemId"] = 1.into();
        let order = json!({ "mainPassholderRegistration": ordered });
        let order =
            region.someone("client", Kind::Client, THEATRE).posts("/v4/orders", order).await;
        let order = text(&order.ok()["id"]).to_owned();
        let appointed = "/admin/v1/card-systems/1/auditors/auditor";
        region.owner().call(Method::PUT, appointed, None).await.done();
        let association = ksb.posts("/admin/v1/associations", association()).await.created();
        let association = text(&association["id"]).to_owned();
        let group_pass = group(&region.card(false).await);
        let group_pass = ksb.posts("/admin/v1/group-passes", group_pass).await.created();
        let group_pass = text(&group_pass["id"]).to_owned();
        let person = region.person(THEATRE, &region.card(false).await);
        let in_stock = region.card(false).await;
        let reward = text(&reward["id"]).to_owned();
        Self {
            region,
            holder,
            leaver,
            person,
            reward,
            places,
            kiosk,
            coupon,
            order,
            association,
            group_pass,
            in_stock,
        }
    }

    fn desk(&self, role: &str) -> Desk {
        let region = &self.region;
        let someone = |kind| region.someone(role, kind, THEATRE);
        match role {
            "stranger" | "device" | "client-id" => region.stranger(),
            "youth-member" => region.desk(YOUTH),
            "youth-admin" => region.admin_of(YOUTH),
            "gym-member" => region.desk(GYM),
            "gym-admin" => region.admin_of(GYM),
            "theatre-member" => region.desk(THEATRE),
            "theatre-admin" => region.admin_of(THEATRE),
            "elsewhere-member" => region.desk(ELSEWHERE).at(THEATRE),
            "elsewhere-admin" => region.admin_of(ELSEWHERE).at(THEATRE),
            "ksb" => region.ksb(),
            "ksb-2" => region.ksb_of(2).at(THEATRE),
            "owner" => region.owner(),
            "passholder" => region.oneself("zelf", Some(&insz(born_years_ago(30), 7))),
            "client" | "client-of-nothing" => someone(Kind::Client),
            _ => someone(Kind::User),
        }
    }

    fn place(&self, desk: &Desk) -> &Place {
        let own = self.places.iter().find(|place| place.counter == desk.counter);
        own.unwrap_or(&self.places[0])
    }

    /// The status of an operation that this role asks for.
    async fn asks(&self, role: &str, method: &Method, operation: &str) -> u16 {
        let desk = self.desk(role);
        let (path, sent) = self.request(operation, self.place(&desk));
        let mut request = desk.request(method.clone(), &path);
        request = match sent {
            Sent::Nothing => request,
            Sent::Json(body) => request.json(&body),
            Sent::Csv(csv) => request.header("content-type", "text/csv").body(csv),
            Sent::Picture => {
                request.multipart(Form::new().part("file", Part::bytes(jpeg("iemand"))))
            }
        };
        // Bulk actions are never without one.
        request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string());
        request = match role {
            "device" => request.header("x-custom-token", "an-unknown-device-of-nobody"),
            "client-id" => request.header("x-client-id", "client"),
            _ => request,
        };
        desk.send(request).await.status
    }
}

impl World {
    /// What a role asks for in an operation: the path with its query, and what is sent along.
    fn request(&self, operation: &str, place: &Place) -> (String, Sent) {
        let (_, template) = operation.split_once(' ').expect("a method and a path");
        let Place { counter, activity, sale, check_in, redemption } = place;
        let (id, number, reward) = (&self.holder.id, &self.holder.card, &self.reward);
        let (leaver, day) = (&self.leaver, today());
        let chip = "04a1b2c3d4e5f6";
        let organizer = json!({ "id": counter });
        let address = json!({ "postalCode": "9981", "city": "Meerdal" });
        let filled = |parts: &[&str]| {
            let mut parts = parts.iter();
            let fill = |part: &str| match part {
                "{}" => (*parts.next().expect("as many parts as braces")).to_owned(),
                _ => part.to_owned(),
            };
            template.split('/').map(fill).collect::<Vec<_>>().join("/")
        };
        let asked =
            |parts: &[&str], query: String| (format!("{}?{query}", filled(parts)), Sent::Nothing);
        let plain = |parts: &[&str]| (filled(parts), Sent::Nothing);
        let with = |parts: &[&str], body: Value| (filled(parts), Sent::Json(body));
        let with_csv = |parts: &[&str], csv| (filled(parts), Sent::Csv(csv));
        let period = json!({ "startDate": in_days(-60), "endDate": in_days(-2) });
        let of_card = format!("uitpasNumber={number}");
        let at_activity = format!("regularPrice=10&eventId={activity}&uitpasNumber={number}");
        let membership = json!({ "cardType": "DIGITAL", "registrationOrganizer": organizer });
        let new_prices = "postalCode=9981&dateOfBirth=1990-01-01&cardType=DIGITAL".to_owned();
        let new_reward = json!({
            "title": "X", "type": "POINTS", "points": 1, "promotionalDescription": "X",
            "publicationPeriod": { "begin": "2026-01-01T00:00:00Z" }, "owningCardSystem": { "id": 1 },
        });
        let mut person = self.person.clone();
        person["registrationOrganizer"] = organizer.clone();
        let terms = match *counter {
            YOUTH => "check-in-and-ticket",
            GYM => "unauthorised-registration",
            _ => "authorised-registration",
        };
        let from_until = format!("from={day}&until={day}");
        let kiosk =
            json!({ "name": "Zuil", "cardSystemId": 1, "organizers": [THEATRE, GYM, YOUTH] });
        let own = json!({
            "name": "Zelf", "firstName": "Zelf", "dateOfBirth": born_years_ago(30),
            "postalCode": "9981", "city": "Meerdal", "cardSystem": { "id": 1 },
            "registrationOrganizer": { "id": THEATRE },
        });
        let optins = json!({
            "serviceMails": true, "milestoneMails": false, "infoMails": false, "sms": false,
            "post": false,
        });
        let nothing = uuid::Uuid::nil().to_string();
        match operation {
            "GET /v4/tariffs" => asked(&[], at_activity),
            "GET /v4/tariffs/static" => asked(&[], format!("regularPrice=10&eventId={activity}")),
            "POST /v4/ticket-sales" => with(&[], json!([ticket(number, activity, 10.0)])),
            "GET /v4/ticket-sales" | "GET /v4/checkins" => {
                asked(&[], format!("passholderId={id}&organizerId={counter}"))
            }
            "DELETE /v4/ticket-sales/{}" => plain(&[sale]),
            "POST /v4/checkins" => {
                with(&[], json!({ "eventId": activity, "uitpasNumber": number }))
            }
            "DELETE /v4/checkins/{}" => plain(&[check_in]),
            "GET /v4/checkin-status" => asked(&[], format!("eventId={activity}&{of_card}")),
            "GET /v4/passes" => asked(&[], format!("identifier={number}")),
            "GET /v4/passes/{}" => plain(&[number]),
            "GET /v4/chip-numbers/{}" | "GET /v4/kiosk-devices/chip-numbers/{}" => plain(&[chip]),
            "GET /v4/insz-numbers/{}" | "GET /v4/passholders/status/insz-numbers/{}" => {
                plain(&["83030201540"])
            }
            "GET /v4/cards" | "GET /v4/grouppasses" | "GET /v4/rewards/redeemed" => {
                asked(&[], of_card)
            }
            "POST /v4/passholders" => with(&[], person),
            "PUT /v4/passholders/{}" => with(&[id], person),
            "DELETE /v4/passholders/{}" => plain(&[&leaver.id]),
            "PUT /v4/passholders/{}/private" => with(&[id], json!({ "note": "X" })),
            "GET /v4/passholders/{}/memberships/{}" => {
                asked(&[id, "1"], format!("socialTariff=false&organizerId={counter}"))
            }
            "POST /v4/passholders/{}/memberships/{}" => with(&[id, "1"], membership),
            "GET /v4/passholders/membership-prices/{}" => asked(&["1"], new_prices),
            "GET /v4/passholders/{}/membership-prices/{}" => {
                asked(&[id, "1"], "cardType=DIGITAL".to_owned())
            }
            "GET /v4/associations" => asked(&[], format!("organizerId={counter}&permission=READ")),
            "GET /v4/passholders/{}/association-memberships" => {
                asked(&[id], format!("organizerId={counter}"))
            }
            "POST /v4/passholders/{}/association-memberships" => {
                let body =
                    json!({ "association": { "id": self.association }, "endDate": in_days(90) });
                (format!("{}?organizerId={counter}", filled(&[id])), Sent::Json(body))
            }
            "DELETE /v4/passholders/{}/association-memberships/{}" => {
                asked(&[id, &self.association], format!("organizerId={counter}"))
            }
            "POST /v4/passholders/{}/family-members" => {
                with(&[id], json!({ "uitpasNumber": leaver.card }))
            }
            "PUT /v4/passholders/{}/family-members/{}" => {
                with(&[id, &leaver.id], json!({ "icon": "X" }))
            }
            "DELETE /v4/passholders/{}/family-members/{}" => plain(&[id, &leaver.id]),
            "PUT /v4/passholders/{}/picture" => (filled(&[id]), Sent::Picture),
            // A digest, of no picture.
            "GET /v4/passholders/{}/picture/{}" => plain(&[id, &"0".repeat(64)]),
            "POST /v4/rewards" => with(&[], new_reward),
            "PUT /v4/rewards/{}" => with(&[reward], new_reward),
            "GET /v4/rewards/{}/redeem-status" => asked(&[reward], of_card),
            "POST /v4/rewards/redeemed" => {
                let at =
                    json!({ "rewardId": reward, "uitpasNumber": number, "organizerId": counter });
                with(&[], at)
            }
            "DELETE /v4/rewards/redeemed/{}" => plain(&[redemption]),
            "PUT /v4/events/{}/card-systems" => with(
                &[activity],
                json!([{ "id": 1, "enabled": true, "manualDistributionKeys": [] }]),
            ),
            "PUT /v4/events/{}/settings" => {
                with(&[activity], json!({ "id": activity, "checkinPoints": 1 }))
            }
            "POST /v4/organizers/{}/admins" => {
                with(&[counter], json!({ "email": "nobody@voorbeeld.example", "type": "MEMBER" }))
            }
            "DELETE /v4/organizers/{}/admins/{}" => plain(&[counter, "extra"]),
            "GET /v4/permissions/{}" => plain(&["client"]),
            "PUT /v4/permissions/{}" => with(&["client-of-nothing"], json!([])),
            "POST /v4/organizers/{}/financial-reports" => {
                with(&[counter], json!({ "startDate": day, "endDate": day }))
            }
            "PUT /v4/kiosks/{}/fixed-event" => with(&[&self.kiosk], json!({ "id": activity })),
            "PUT /v4/kiosk-devices/setup" => {
                with(&[], json!({ "name": "Zuil", "deviceId": "a-device-of-the-theatre" }))
            }
            "PUT /v4/kiosk-devices/events" => with(&[], json!({ "id": activity })),
            "POST /v4/kiosk-devices/checkins" => with(&[], json!({ "chipNumber": chip })),
            "GET /v4/card-systems/{}/membership-prices" => {
                asked(&["1"], "cardType=DIGITAL".to_owned())
            }
            "POST /v4/orders" => {
                let mut person = self.person.clone();
                person["registrationOrganizer"] = json!({ "id": THEATRE });
                person["registrationCardSystemId"] = 1.into();
                with(&[], json!({ "mainPassholderRegistration": person }))
            }
            "GET /v4/orders/{}"
            | "PUT /admin/v1/orders/{}/payment"
            | "DELETE /admin/v1/orders/{}" => plain(&[&self.order]),
            "GET /v4/uitid/emails/{}" => plain(&["nobody@voorbeeld.example"]),
            "POST /v4/passholders/me" => with(&[], own),
            "PUT /v4/passholders/me/preferences" => with(&[], optins),
            "POST /v4/passholders/{}/checkins" => with(&["me"], json!({ "checkinCode": "iets" })),
            "PUT /admin/v1/card-systems/{}" => {
                let cities = json!([{ "postalCode": "9981", "name": "X" }]);
                with(&["9"], json!({ "name": "X", "municipalities": cities }))
            }
            "PUT /admin/v1/card-systems/{}/admins/{}"
            | "DELETE /admin/v1/card-systems/{}/admins/{}"
            | "PUT /admin/v1/card-systems/{}/auditors/{}"
            | "DELETE /admin/v1/card-systems/{}/auditors/{}" => plain(&["1", "x"]),
            "PUT /admin/v1/card-systems/{}/accounts/{}" => {
                let account = json!({
                    "municipality": "Meerdal", "holder": "Stad Meerdal", "iban": "BE68539007547034",
                });
                with(&["1", "9981"], account)
            }
            "GET /admin/v1/card-systems/{}/payments" => {
                asked(&["1"], format!("startDate={day}&endDate={day}"))
            }
            "POST /admin/v1/card-systems/{}/payments" => {
                let body = json!({
                    "postalCode": "9981", "municipality": "Meerdal",
                    "startDate": day, "endDate": day,
                });
                with(&["1"], body)
            }
            "GET /admin/v1/card-systems/{}/payments/{}"
            | "DELETE /admin/v1/card-systems/{}/payments/{}" => plain(&["1", "1"]),
            "PUT /admin/v1/card-systems/{}/contact" => {
                with(&["1"], json!({ "email": "uitpas@meerdal.example" }))
            }
            "POST /admin/v1/card-systems/{}/distribution-keys" => {
                with(&["1"], json!({ "id": 50, "name": "X", "percentages": [20, 40, 40] }))
            }
            "PUT /admin/v1/card-systems/{}/default-keys" => with(&["1"], json!([1])),
            "PUT /admin/v1/card-systems/{}/prices" => {
                with(&["1"], json!([{ "fromAge": 0, "regular": 2, "withSocialStatus": 0 }]))
            }
            "PUT /admin/v1/card-systems/{}/administrative-prices" => {
                with(&["1"], json!({ "replacement": 1, "upgrade": 1 }))
            }
            "PUT /admin/v1/card-systems/{}/settings" => {
                let minutes = json!({
                    "graceDays": 30, "minutesBeforeWithoutStaff": 60, "minutesAfterWithoutStaff": 60,
                });
                with(&["1"], minutes)
            }
            "POST /admin/v1/card-systems/{}/vouchers" => {
                with(&["1"], json!({ "code": "X", "off": 1, "until": day }))
            }
            "PUT /admin/v1/card-systems/{}/renewal-agreements/{}" => {
                with(&["1", "9981"], json!({ "agreedOn": day }))
            }
            "DELETE /admin/v1/card-systems/{}/renewal-agreements/{}" => plain(&["1", "9981"]),
            "POST /admin/v1/card-systems/{}/renewal" => {
                with_csv(&["1"], "inszNumber,verdict\n83030201540,positive\n")
            }
            "POST /admin/v1/card-systems/{}/voucher-list" => {
                with_csv(&["1"], "code,off,until\nLENTE,1.25,2099-12-31\n")
            }
            "PUT /admin/v1/cards/{}/place" => {
                with(&[&self.in_stock], json!({ "stage": "local-stock", "organizerId": counter }))
            }
            "DELETE /admin/v1/cards/{}" => plain(&[&self.in_stock]),
            "PUT /admin/v1/rewards/{}/online" => with(&[reward], json!({ "text": "Toon dit." })),
            "POST /admin/v1/rewards/{}/codes" => with_csv(&[reward], "code\nKOFFIE-1\n"),
            "GET /admin/v1/card-systems/{}/renewal/{}" => plain(&["1", "renewed"]),
            "POST /admin/v1/coupons" => with(&[], coupon()),
            "GET /admin/v1/card-systems/{}/insight" => asked(&["1"], from_until),
            "GET /v4/events/{}/qr-checkincodes/{}" => plain(&[activity, "pdf"]),
            "GET /admin/v1/coupons/{}" => plain(&[&self.coupon.to_string()]),
            "PUT /admin/v1/coupons/{}" => with(&[&self.coupon.to_string()], coupon()),
            "POST /admin/v1/associations" => with(&[], association()),
            "PUT /admin/v1/associations/{}" => with(&[&self.association], association()),
            "POST /admin/v1/group-passes" => with(&[], group(&self.in_stock)),
            "PUT /admin/v1/group-passes/{}" => with(&[&self.group_pass], group(&self.in_stock)),
            "POST /admin/v1/group-passes/{}/block" | "GET /admin/v1/audit/group-passes/{}" => {
                plain(&[&self.group_pass])
            }
            "PUT /admin/v1/clients/{}" => with(&["x"], json!({ "name": "X" })),
            "PUT /admin/v1/counters/{}" => {
                with(&["x"], json!({ "name": "X", "address": address, "cardSystems": [1] }))
            }
            "PUT /admin/v1/counters/{}/terms/{}" => {
                with(&[counter, "1"], json!({ "groups": [terms] }))
            }
            "PUT /admin/v1/counters/{}/iban" => {
                with(&[counter], json!({ "iban": "BE68539007547034" }))
            }
            "PUT /admin/v1/counters/{}/staff/{}" => {
                with(&[counter, "other"], json!({ "kind": "member" }))
            }
            "DELETE /admin/v1/counters/{}/staff/{}" => plain(&[counter, "other"]),
            "PUT /admin/v1/counters/{}/onboarding/{}"
            | "DELETE /admin/v1/counters/{}/onboarding/{}" => plain(&[counter, "informed"]),
            "GET /admin/v1/counters/{}/view" => asked(&[counter], format!("identifier={number}")),
            "GET /admin/v1/counters/{}/totals" | "GET /admin/v1/counters/{}/statistics" => {
                asked(&[counter], from_until)
            }
            "POST /admin/v1/counters/{}/notes" => with(&[counter], period),
            "GET /admin/v1/counters/{}/notes/{}"
            | "PUT /admin/v1/counters/{}/notes/{}/approval"
            | "GET /admin/v1/audit/counters/{}/notes/{}" => plain(&[counter, "1"]),
            "POST /admin/v1/counters/{}/notes/{}/objection" => {
                with(&[counter, "1"], json!({ "reason": "X", "sales": [sale] }))
            }
            "POST /admin/v1/counters/{}/notes/{}/settlement" => {
                with(&[counter, "1"], json!({ "upheld": false, "reason": "X" }))
            }
            "POST /admin/v1/checkins/{}/correction" => with(&[check_in], json!({ "reason": "X" })),
            "PUT /admin/v1/activities/{}/settings" => {
                with(&[activity], json!({ "checkinPoints": 1 }))
            }
            "PUT /admin/v1/activities/{}/card-systems" => with(&[activity], json!([{ "id": 1 }])),
            "POST /admin/v1/cards" => {
                let number = self.region.number(false);
                with(&[], json!({ "uitpasNumber": number, "cardSystemId": 1 }))
            }
            "POST /admin/v1/passholders/{}/cards" => {
                with(&[&leaver.id], json!({ "organizerId": counter }))
            }
            "POST /admin/v1/passholders/{}/cards/{}/block" => {
                let loss = json!({ "organizerId": counter, "kind": "replace", "reason": "loss" });
                with(&[&leaver.id, &leaver.card], loss)
            }
            "POST /admin/v1/passholders/{}/memberships/{}" => {
                let lift =
                    json!({ "organizerId": counter, "action": "lift-suspension", "reason": "X" });
                with(&[id, "1"], lift)
            }
            "POST /admin/v1/bulk" => {
                let act = json!({ "type": "save-point", "eventId": activity });
                let bulk = json!({ "organizerId": counter, "passholders": [id], "action": act });
                with(&[], bulk)
            }
            "POST /admin/v1/kiosks" => with(&[], kiosk),
            "PUT /admin/v1/kiosks/{}" => with(&[&self.kiosk], kiosk),
            "GET /admin/v1/audit/passholders/{}" | "GET /admin/v1/passholders/{}/export" => {
                plain(&[id])
            }
            "GET /admin/v1/audit/cards/{}" => plain(&[number]),
            "GET /admin/v1/audit/lines/{}" | "GET /admin/v1/audit/lines/{}/explanation" => {
                plain(&[sale])
            }
            // All others are about what the first brace stands for, and carry nothing more.
            _ => {
                let words: Vec<_> = template.split('/').collect();
                let brace = words.iter().position(|word| *word == "{}");
                let first = match brace.map(|brace| words[brace - 1]) {
                    Some("passholders") => id,
                    Some("organizers" | "counters") => *counter,
                    Some("card-systems") => "1",
                    Some("events" | "activities") => activity,
                    Some("rewards") => reward,
                    Some("kiosks") => &self.kiosk,
                    _ => &nothing,
                };
                plain(&[first, "1"])
            }
        }
    }
}

fn coupon() -> Value {
    json!({
        "name": "Bon", "cardSystemId": 1, "grantedTo": { "type": "everyone" },
        "effect": { "percentOff": 50 },
    })
}

fn association() -> Value {
    let counters = [THEATRE, GYM, YOUTH];
    json!({
        "name": "Club", "cardSystemId": 1, "endRule": { "type": "byHand" },
        "readers": counters, "registrars": counters,
    })
}

/// A group pass of a card in stock.
fn group(card: &str) -> Value {
    json!({
        "uitpasNumber": card, "name": "Groep", "endDate": in_days(90),
        "address": { "postalCode": "9981", "city": "Meerdal" },
    })
}

/// R-CTR-05, R-CTR-01, R-KSB-03, R-SEC-01, R-SEC-02: what is not allowed is forbidden.
#[tokio::test]
async fn every_operation_answers_each_role_as_the_table_says() {
    let rows = rows();
    let mut all: Vec<_> = operations()
        .map(|known| (known.method.clone(), nameless(&known.method, known.base, known.path)))
        .collect();
    // What takes somebody away comes last.
    all.sort_by_key(|(method, name)| (*method == Method::DELETE, name.clone()));
    let known: BTreeSet<_> = all.iter().map(|(_, name)| name.clone()).collect();
    let missing: Vec<_> = known.iter().filter(|name| !rows.contains_key(*name)).collect();
    let stale: Vec<_> = rows.keys().filter(|name| !known.contains(*name)).collect();
    let world = World::new().await;
    let (mut wrong, mut found) = (String::new(), String::new());
    for (method, name) in &all {
        let nobody = BTreeSet::new();
        let allowed = rows.get(name).unwrap_or(&nobody);
        // Those who are refused first: the others change what they ask about.
        let mut roles = ROLES.to_vec();
        roles.sort_by_key(|role| allowed.contains(*role));
        let mut let_in = Vec::new();
        for role in roles {
            let status = world.asks(role, method, name).await;
            if !matches!(status, 401 | 403) {
                let_in.push(role);
            }
            let expected = match role {
                _ if allowed.contains(role) => !matches!(status, 401 | 403),
                // It takes something else than a token.
                _ if allowed.is_empty() => matches!(status, 401 | 403),
                "stranger" | "device" | "client-id" => matches!(status, 401 | 403),
                _ => status == 403,
            };
            if !expected {
                writeln!(wrong, "{name}: {role} is answered {status}").expect("text");
            }
        }
        writeln!(found, "{name} {}", let_in.join(" ")).expect("text");
    }
    if std::env::var_os("UITPAS_SHOW_ROLES").is_some() {
        println!("{found}");
    }
    assert!(
        missing.is_empty() && stale.is_empty(),
        "no row: {missing:#?}, no operation: {stale:#?}"
    );
    assert!(wrong.is_empty(), "{wrong}");
}

/// Every operation stands in the one table of what it takes, and none stands there in vain.
#[test]
fn the_table_of_permissions_has_every_operation() {
    let described: BTreeSet<_> =
        operations().map(|known| nameless(&known.method, known.base, known.path)).collect();
    let known = uitpas_api::access::OPERATIONS.iter();
    let known: BTreeSet<_> = known.map(|row| format!("{} {}", row.method, row.path)).collect();
    assert_eq!(known, described);
}
