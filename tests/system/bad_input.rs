//! Whatever comes in is answered precisely, and nothing of it is written.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::{Value, json};

use crate::access::every_operation;
use crate::answer::Answer;
use crate::region::{ELSEWHERE, Region, THEATRE, permanent, ticket};

/// Addresses, methods, media types and bodies that cannot be read, each with its own problem.
#[tokio::test]
async fn what_cannot_be_read_is_a_problem_of_its_own() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    for path in ["/nergens", "/v4", "/v4/nergens", "/admin/v1/nergens", "/v4/passholders/%ff"] {
        desk.gets(path).await.refused(404, "url/not-found");
    }
    for (path, kind) in [
        ("/v4/passholders/x", "uitpas/passholder-not-found"),
        ("/v4/passholders/%00", "uitpas/passholder-not-found"),
        ("/v4/rewards/x", "uitpas/reward-not-found"),
    ] {
        desk.gets(path).await.refused(404, kind);
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/v4/passes", "GET"),
        (Method::PATCH, "/v4/passholders", "POST"),
        (Method::PUT, "/v4/checkins", "POST"),
        (Method::GET, "/admin/v1/cards", "POST"),
        (Method::POST, "/health", "GET"),
    ] {
        let answer = desk.call(method, path, None).await;
        answer.refused(405, "method/not-allowed");
        let allow = answer.header("allow").expect("the methods it knows");
        assert!(allow.contains(allowed), "{path}: {allow}");
    }
    let before = region.position().await;
    let post = |body: Vec<u8>, kind: &str| {
        let request = desk.request(Method::POST, "/v4/checkins").header("content-type", kind);
        Answer::to(request.body(body))
    };
    let json = "application/json";
    post(vec![], json).await.refused(400, "body/missing");
    post(b" \n ".to_vec(), json).await.refused(400, "body/missing");
    for broken in [
        "{",
        "{\"eventId\": }",
        "{\"eventId\":\"x\",\"uitpasNumber\":\"0900000095902\"} {}",
        "nul",
        "{\"eventId\": NaN}",
        "\u{feff}{}",
    ] {
        post(broken.into(), json).await.refused(400, "body/invalid-syntax");
    }
    post(vec![b'{', b'"', 0xff, b'"', b':', b'1', b'}'], json)
        .await
        .refused(400, "body/invalid-syntax");
    post("[".repeat(100_000).into_bytes(), json).await.refused(400, "body/invalid-data");
    post(format!("{{\"a\":{}", "[".repeat(100_000)).into_bytes(), json)
        .await
        .refused(400, "body/invalid-syntax");
    for kind in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", ""] {
        post(b"{}".to_vec(), kind).await.refused(415, "header/unsupported-media-type");
    }
    post(b"{}".to_vec(), "application/json; charset=utf-8").await.wrong("/");
    post(b"{}".to_vec(), "application/ld+json").await.wrong("/");
    for bytes in [1024 * 1024 + 1, 10 * 1024 * 1024] {
        post(vec![b' '; bytes], json).await.refused(413, "own/body-too-large");
    }
    assert_eq!(region.position().await, before, "nothing is written");
}

/// The paging of every list.
#[tokio::test]
async fn lists_have_at_most_500_rows_a_page() {
    let region = Region::new().await;
    let holder = region.passholder().await;
    let desk = region.desk(THEATRE);
    for path in [
        "/v4/passholders?".to_owned(),
        format!("/v4/checkins?passholderId={}&organizerId={THEATRE}&", holder.id),
        format!("/v4/ticket-sales?passholderId={}&organizerId={THEATRE}&", holder.id),
        "/v4/rewards?".to_owned(),
        format!("/v4/rewards/redeemed?passholderId={}&organizerId={THEATRE}&", holder.id),
        "/admin/v1/checkins?".to_owned(),
        "/admin/v1/granted-tariffs?".to_owned(),
        "/admin/v1/used-coupons?".to_owned(),
        "/admin/v1/redeemed-rewards?".to_owned(),
        "/admin/v1/activities?".to_owned(),
        "/admin/v1/passholders?".to_owned(),
    ] {
        desk.gets(&format!("{path}limit=500")).await.ok();
        let none = desk.gets(&format!("{path}limit=0")).await.ok();
        assert!(none["totalItems"].is_u64() && none["member"] == json!([]), "{path}: {none}");
        desk.gets(&format!("{path}limit=501")).await.refused(400, "url/query-limit-exceeded");
        desk.gets(&format!("{path}start=4294967295")).await.ok();
        for (name, value) in
            [("limit", "-1"), ("limit", "veel"), ("start", "1.5"), ("start", "4294967296")]
        {
            let answer = desk.gets(&format!("{path}{name}={value}")).await;
            match path.starts_with("/v4/checkins") {
                true => answer.wrong_query_404(name),
                false => answer.wrong_query(name),
            };
        }
    }
}

/// R-TAR-08: what is no price is refused with its field, in a body and in a query.
#[tokio::test]
async fn what_is_no_price_is_refused_with_its_field() {
    let region = Region::new().await;
    let desk = region.client_of(THEATRE).await;
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    let before = region.position().await;
    for price in [
        "-1",
        "-0.01",
        "1e300",
        "1e-3",
        "7.125",
        "10000",
        "9999.999",
        "1e28",
        "79228162514264337593543950335",
        "99999999999999999999999999999999",
    ] {
        let body = format!(
            r#"[{{"eventId":"{activity}","uitpasNumber":"{}","regularPrice":{price},"tariff":{{"id":"SOCIALTARIFF"}}}}]"#,
            holder.card
        );
        let request = desk.request(Method::POST, "/v4/ticket-sales").body(body);
        Answer::to(request.header("content-type", "application/json"))
            .await
            .wrong("/0/regularPrice");
    }
    for price in [json!("NaN"), json!("tien"), json!(null), json!(true), json!([]), json!({})] {
        let mut body = ticket(&holder.card, &activity, 10.0);
        body["regularPrice"] = price;
        desk.sells_all([body]).await.wrong("/0/regularPrice");
    }
    for price in [
        "-1",
        "1e300",
        "NaN",
        "inf",
        "7.125",
        "10000",
        "",
        "x",
        "1e99999999999",
        "79228162514264337593543950335e28",
    ] {
        let query = format!("regularPrice={price}&eventId={activity}&uitpasNumber={}", holder.card);
        desk.gets(&format!("/v4/tariffs?{query}")).await.wrong_query("regularPrice");
    }
    assert_eq!(region.position().await, before, "nothing is written");
    // The same value, written otherwise.
    for price in ["10", "10.0", "10.00", "1e1", "1.0E1"] {
        let query = format!("regularPrice={price}&eventId={activity}&uitpasNumber={}", holder.card);
        let offered = desk.gets(&format!("/v4/tariffs?{query}")).await.ok();
        assert_eq!(offered["available"][0]["price"], 2.0, "{price}");
    }
}

/// A date lies between 1900 and 2200, wherever one comes in.
#[tokio::test]
async fn a_date_out_of_range_is_refused_with_its_field() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let holder = region.entitled().await;
    let person = region.person(THEATRE, &region.card(true).await);
    let before = region.position().await;
    for date in [
        "0000-01-01",
        "99999-01-01",
        "+99999-01-01",
        "-0001-01-01",
        "1899-12-31",
        "2201-01-01",
        "2026-02-30",
        "gisteren",
        "",
    ] {
        for field in ["dateOfBirth", "registrationSocialTariffEndDate"] {
            let mut person = person.clone();
            person["inszNumber"] = Value::Null;
            person["socialTariffProof"] = "living-wage".into();
            person[field] = date.into();
            desk.registers(&person).await.wrong(&format!("/{field}"));
            desk.changes(&holder, &person).await.wrong(&format!("/{field}"));
        }
        let reports = format!("/v4/organizers/{THEATRE}/financial-reports");
        for field in ["startDate", "endDate"] {
            let mut period = json!({ "startDate": "2026-01-01", "endDate": "2026-01-01" });
            period[field] = date.into();
            region.admin_of(THEATRE).posts(&reports, period).await.wrong(&format!("/{field}"));
        }
        let voucher = json!({ "code": "X", "off": 1, "until": date });
        ksb.posts("/admin/v1/card-systems/1/vouchers", voucher).await.wrong("/until");
        let suspend = json!({ "action": "suspend", "until": date, "reason": "x" });
        ksb.decides_on(&holder, suspend).await.wrong("/until");
        let status = json!({ "socialTariff": { "socialTariffEndDate": date } });
        desk.gives(&holder, status).await.wrong("/socialTariff/socialTariffEndDate");
        if date.is_empty() {
            continue;
        }
        let date = date.replace('+', "%2B");
        for (path, name) in [
            ("/v4/passholders?dateOfBirthFrom=", "dateOfBirthFrom"),
            ("/v4/passholders?dateOfBirthTo=", "dateOfBirthTo"),
            ("/admin/v1/checkins?from=", "from"),
            ("/admin/v1/checkins?until=", "until"),
            ("/admin/v1/granted-tariffs?until=", "until"),
            ("/admin/v1/counters/theater/totals?until=2026-01-01&from=", "from"),
            ("/admin/v1/counters/theater/totals?from=2026-01-01&until=", "until"),
            ("/admin/v1/counters/theater/activities?day=", "day"),
        ] {
            ksb.gets(&format!("{path}{date}")).await.wrong_query(name);
        }
        let path = format!("/admin/v1/counters/theater/view?identifier={}&day={date}", holder.card);
        desk.gets(&path).await.wrong_query("day");
    }
    for date in ["0000-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "+99999-01-01T00:00:00Z", "x"] {
        for (field, pointer) in [
            ("publicationPeriod", "/publicationPeriod/begin"),
            ("redeemPeriod", "/redeemPeriod/begin"),
            ("grantingPeriod", "/grantingPeriod/begin"),
        ] {
            let mut more = json!({});
            more[field] = json!({ "begin": date });
            ksb.makes_reward(more).await.wrong(pointer);
        }
    }
    assert_eq!(region.position().await, before, "nothing is written");
}

/// Every text of a body, with where it stands.
fn texts(body: &Value, pointer: &str) -> Vec<String> {
    match body {
        Value::String(_) => vec![pointer.to_owned()],
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.flat_map(|(index, item)| texts(item, &format!("{pointer}/{index}"))).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, field)| texts(field, &format!("{pointer}/{name}")))
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => vec![],
    }
}

/// U+0000 in each text of each body is refused with its field, and in each parameter too; so is a
/// field of another kind. What is personal is not said again.
#[tokio::test]
async fn every_field_is_checked_and_named() {
    let region = Region::new().await;
    let operations = every_operation(&region).await;
    let (desk, ksb, owner) = (region.desk(THEATRE), region.ksb(), region.owner());
    let before = region.position().await;
    for (method, path, body) in operations {
        let Some(mut body) = body else { continue };
        let rewards = path == "/v4/rewards";
        let who = match path.as_str() {
            "/admin/v1/card-systems/9" | "/admin/v1/counters/x" => &owner,
            _ if rewards || path.starts_with("/admin") => &ksb,
            _ => &desk,
        };
        if path == "/v4/passholders" {
            body["phoneNumber"] = "09 123 45 67".into();
            body["nationality"] = "Belg".into();
            body["registrationVoucher"] = "ZOMER".into();
            body["gender"] = "X".into();
            body["address"]["country"] = "be".into();
        }
        if rewards {
            body["practicalInfo"] = "X".into();
            body["moreInfoURL"] = "https://voorbeeld.example".into();
            body["pictures"] = json!(["https://voorbeeld.example/foto"]);
            body["categories"] = json!(["Doen"]);
            body["onlyInhabitantsOf"] = json!(["9981"]);
            body["organizers"] = json!([{ "id": "x" }]);
        }
        for pointer in texts(&body, "") {
            for bad in [
                json!("Geheim\u{0}Geheim"),
                json!({ "Geheim": "Geheim" }),
                json!(["Geheim"]),
                json!(true),
            ] {
                let mut body = body.clone();
                *body.pointer_mut(&pointer).expect("it is there") = bad.clone();
                let answer = who.call(method.clone(), &path, Some(body)).await;
                assert_eq!(
                    answer.status,
                    400,
                    "{method} {path} {pointer} {bad}: {}",
                    answer.text()
                );
                assert!(!answer.text().contains("Geheim"), "{path} {pointer}: {}", answer.text());
                let problem: Value = serde_json::from_str(&answer.text()).expect("JSON");
                // Of the tariff of a sale only one word is known, of a field of its own.
                let named = problem["schemaErrors"][0]["jsonPointer"].as_str().unwrap_or_default();
                assert!(named.starts_with(&pointer), "{method} {path} {pointer} {bad}: {problem}");
            }
        }
    }
    for path in [
        "/v4/passholders?name=%00",
        "/v4/passholders?firstName=a%00",
        "/v4/passholders?email=%00",
        "/v4/passholders?address.street=%00",
        "/v4/passholders?address.city=%00",
        "/v4/passholders?uitpasNumber=%00",
        "/v4/passholders?organizerId=%00",
        "/v4/rewards?text=%00",
        "/v4/rewards?organizerId=%00",
        "/v4/rewards/redeemed?rewardTitle=%00&passholderId=00000000-0000-0000-0000-000000000000",
        "/v4/checkins?eventTitle=%00&passholderId=00000000-0000-0000-0000-000000000000",
        "/v4/ticket-sales?eventTitle=%00&eventId=x",
        "/v4/ticket-sales?eventId=%00",
        "/admin/v1/checkins?eventTitle=%00",
        "/admin/v1/granted-tariffs?eventTitle=%00",
    ] {
        let answer = ksb.gets(path).await;
        // The list of check-ins knows no 400.
        let status = if path.starts_with("/v4/checkins") { 404 } else { 400 };
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let name =
            path.split_once('?').and_then(|(_, query)| query.split_once('=')).expect("a query").0;
        assert!(
            answer.text().contains(&format!("query parameter {name}")),
            "{path}: {}",
            answer.text()
        );
    }
    assert_eq!(region.position().await, before, "nothing is written");
}

/// An unknown value of a query is not said again: it may be personal.
#[tokio::test]
async fn problems_do_not_say_again_what_came_in() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    for path in [
        "/v4/passholders?sort[name]=Geheim",
        "/v4/passholders?dateOfBirthFrom=Geheim",
        "/v4/passholders?inszNumber=Geheim",
        "/v4/passholders?uitpasNumber=Geheim",
        "/v4/passes?identifier=Geheim",
        "/v4/rewards?type=Geheim",
        "/v4/rewards?type=Geheim,+expected+Geheim",
        "/v4/checkins?passholderId=Geheim",
        "/v4/checkins?passholderId=a&passholderId=Geheim",
        "/v4/tariffs?regularPrice=Geheim",
        "/v4/passholders?limit=Geheim",
        "/v4/Geheim",
    ] {
        let answer = desk.gets(path).await;
        assert!(answer.status >= 400, "{path}");
        assert!(!answer.text().contains("Geheim"), "{path}: {}", answer.text());
    }
    let mut person = region.person(THEATRE, &region.card(false).await);
    person["gender"] = "Geheim`, expected `Geheim".into();
    let problem = desk.registers(&person).await.wrong("/gender");
    assert!(!problem.to_string().contains("Geheim"), "{problem}");
}

/// R-CTR-05: an activity of another organizer is not one's own.
#[tokio::test]
async fn the_activity_of_another_organizer_is_refused() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let holder = region.entitled().await;
    let foreign = region.told(ELSEWHERE, permanent(), &[("P", 10.0)]).await;
    let before = region.position().await;
    for answer in [
        desk.checks_in(&holder.card, &foreign).await,
        desk.may_check_in(&holder.card, &foreign).await,
        desk.sells(&holder.card, &foreign, 10.0).await,
        desk.asks_tariff(&holder.card, &foreign, 10.0).await,
        region.ksb().settles(&foreign, json!({ "checkinPoints": 1 })).await,
        region.ksb().chooses(&foreign, json!([])).await,
    ] {
        answer.refused(403, "auth/forbidden");
    }
    assert_eq!(region.position().await, before, "nothing is written");
}

/// A body changed in one place: another kind of value, an extreme one, or none.
fn spoiled(body: &Value) -> impl Strategy<Value = Value> + use<> {
    let mut places = vec![String::new()];
    fn walk(value: &Value, pointer: &str, places: &mut Vec<String>) {
        let inner: Vec<(String, &Value)> = match value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
            }
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), field)).collect()
            }
            _ => vec![],
        };
        for (name, value) in inner {
            let pointer = format!("{pointer}/{name}");
            places.push(pointer.clone());
            walk(value, &pointer, places);
        }
    }
    walk(body, "", &mut places);
    let body = body.clone();
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[0-9]{0,20}".prop_map(Value::from),
        "[-+]?[0-9]{1,6}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:00:00Z)?".prop_map(Value::from),
        "[A-Z]{1,12}".prop_map(Value::from),
        Just(json!([])),
        Just(json!({})),
        Just(json!("x".repeat(5000))),
    ];
    (proptest::sample::select(places), value).prop_map(move |(place, value)| {
        let mut body = body.clone();
        *body.pointer_mut(&place).expect("a place in it") = value;
        body
    })
}

/// Whatever is sent is answered, and never by a fault of ours.
#[tokio::test]
async fn no_body_and_no_query_is_answered_by_a_fault() {
    let region = Region::new().await;
    let operations = every_operation(&region).await;
    let (desk, ksb, owner) = (region.desk(THEATRE), region.ksb(), region.owner());
    let mut runner = TestRunner::deterministic();
    let word = prop_oneof![
        any::<String>(),
        "[0-9]{0,14}",
        "[-+]?[0-9]{1,6}-[0-9]{2}-[0-9]{2}",
        "-?[0-9]{1,30}(\\.[0-9]{0,30})?(e-?[0-9]{1,10})?",
    ];
    for (method, path, body) in operations {
        let who = if path.starts_with("/v4") { &desk } else { &ksb };
        if let Some(body) = body {
            let bodies = spoiled(&body);
            for turn in 0..16 {
                let body = bodies.new_tree(&mut runner).expect("a body").current();
                let who = if turn % 4 == 3 { &owner } else { who };
                // An answer of 500 or more fails in here.
                who.call(method.clone(), &path, Some(body)).await;
            }
        } else if let Some((address, query)) = path.split_once('?') {
            for _ in 0..16 {
                let word = word.new_tree(&mut runner).expect("a word").current();
                let pairs = form_pairs(query);
                let spoiled =
                    usize::try_from(runner.rng().next_u32()).expect("it fits") % pairs.len();
                let pairs: Vec<_> = pairs
                    .iter()
                    .enumerate()
                    .map(|(index, (name, value))| {
                        (
                            name.as_str(),
                            if index == spoiled { word.as_str() } else { value.as_str() },
                        )
                    })
                    .collect();
                let request = who.request(method.clone(), address).query(&pairs);
                Answer::to(request).await;
            }
        }
    }
}

fn form_pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Requests that no client of ours sends: each is answered, precisely, and with a body of its kind.
#[tokio::test]
async fn odd_requests_are_answered_as_any_other() {
    let region = Region::new().await;
    let (desk, alone) = (region.desk(THEATRE), region.desk(THEATRE).alone());
    let before = region.position().await;
    let (get, post, head) = (Method::GET, Method::POST, Method::HEAD);
    let json = ("content-type", "application/json");
    // Method, address, header, what it is.
    for (method, path, (name, value), status, kind) in [
        (&get, "/v4/checkins?limit=1&limit=2", json, 404, "url/not-found"),
        (&get, "/v4/passholders?limit=1&limit=2", json, 400, "own/invalid-query"),
        (&get, "/v4/passholders?name=%ff%fe", json, 200, ""),
        (&get, "/v4/passholders?limit", json, 200, ""),
        (&get, "/v4/passholders?&&=&=x", json, 200, ""),
        (&get, "/v4//permissions", json, 404, "url/not-found"),
        (&get, "/v4/permissions//", json, 200, ""),
        (&get, "/v4/rewards/%E2%98%95", json, 404, "uitpas/reward-not-found"),
        (&get, "/v4/events/%E2%98%95/settings", json, 404, "uitpas/event-not-found"),
        (&get, "/v4/permissions", ("uitpas-after", "gisteren"), 400, "header/invalid"),
        (&get, "/v4/permissions", ("uitpas-after", "99999999999999999999"), 400, "header/invalid"),
        (&get, "/v4/permissions", ("accept", "image/png"), 200, ""),
        (&get, "/v4/permissions", ("x-request-id", "☕"), 200, ""),
        (&get, "/v4/permissions", ("origin", "null"), 200, ""),
        (&get, "/v4/permissions", ("authorization", "Bearer ☕"), 401, "auth/unauthorized"),
        (&get, "/v4/permissions", ("authorization", "Basic Zm9v"), 401, "auth/unauthorized"),
        (&head, "/v4/permissions", json, 200, ""),
        (&head, "/v4/nergens", json, 404, ""),
        (&post, "/v4/checkins", ("idempotency-key", ""), 400, "header/invalid"),
        (&post, "/v4/checkins", ("idempotency-key", "☕"), 400, "header/invalid"),
        (&post, "/v4/checkins", ("content-type", "☕"), 415, "header/unsupported-media-type"),
        (&post, "/v4/checkins", ("content-encoding", "gzip"), 400, "body/missing"),
    ] {
        let at = format!("{method} {path} {name}: {value}");
        let stranger = region.stranger();
        let who = match name {
            "authorization" => &stranger,
            // Says nothing of the position by himself.
            "uitpas-after" => &alone,
            _ => &desk,
        };
        let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        let request = who.request(method.clone(), path).header(name, value);
        let answer = Answer::to(request).await;
        assert_eq!(answer.status, status, "{at}: {}", answer.text());
        if !kind.is_empty() {
            answer.refused(status, kind);
        }
        assert!(*method != Method::HEAD || answer.bytes.is_empty(), "{at}");
    }
    // More than a header may hold: the server's own limit, before any door.
    let long = "x".repeat(600_000);
    let request = desk.request(Method::GET, "/v4/permissions").header("x-long", long);
    let refused = request.send().await.map(|answer| answer.status().as_u16());
    assert!(refused.is_err() || refused.as_ref().is_ok_and(|status| *status == 431), "{refused:?}");
    desk.gets("/v4/permissions").await.ok();
    assert_eq!(region.position().await, before, "nothing is written");
}
