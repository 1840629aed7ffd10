//! A whole day of people with names, of requests that fail with those names in them, and of failures
//! of our own, with everything logged that can be: nothing of it says who they are.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::Executor;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

use crate::answer::Answer;
use crate::private::jpeg;
use crate::region::{Holder, Region, THEATRE, YOUTH, in_days, insz, list};

/// Words that stand for a person in this test, and for nothing else.
const PERSONAL: [&str; 13] = [
    "olkenstein",
    "ildegarde",
    "terrenlaan",
    "90072110045",
    "90.07.21",
    "1990-07-21",
    "0498765432",
    "76 54 32",
    "ndorrees",
    "ruzie",
    "krukken",
    "ilvermeeuw",
    "0754 7034",
];

const EMAIL: &str = "wolkenstein@post.example";
const NUMBER: &str = "90072110045";

/// What is logged of ours at all levels, and of what a request goes through on its way.
const LEVELS: &str = "uitpas=trace,axum=trace,tower_http=trace,sqlx=trace,utoipa=trace";

/// Lines of a log.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }
}

#[track_caller]
fn tells_nobody(what: &str, text: &str, more: &[&str]) {
    for word in PERSONAL.iter().chain(more) {
        let told = text.lines().find(|line| line.contains(word));
        assert_eq!(told, None, "{word} in {what}");
    }
}

/// Everything that was answered. Whoever may see a person sees him; nobody is told more in a problem,
/// nor in what stands around a body.
#[derive(Default)]
struct Answers {
    refused: usize,
    failed: usize,
}

impl Answers {
    fn take(&mut self, answer: &Answer) {
        let headers = format!("{:?}", answer.headers);
        tells_nobody("the headers", &headers, &[]);
        if answer.status >= 400 {
            self.refused += 1;
            tells_nobody("a problem", &answer.text(), &[]);
        }
    }

    /// Of a failure of ours, which other tests know nothing of.
    async fn fails(&mut self, request: RequestBuilder) {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), format!("{:?}", response.headers()));
        let body = response.text().await.expect("text");
        assert_eq!(status, 500, "{body}");
        self.failed += 1;
        tells_nobody("the headers of a failure", &headers, &[]);
        tells_nobody("a failure", &body, &[]);
    }
}

fn hildegarde(region: &Region, card: &str) -> Value {
    let mut person = region.person(THEATRE, card);
    for (field, value) in [
        ("name", "Wolkenstein"),
        ("firstName", "Hildegarde"),
        ("email", EMAIL),
        ("inszNumber", NUMBER),
        ("phoneNumber", "0498 76 54 32"),
        ("nationality", "Andorrees"),
        ("socialTariffProof", "living-wage"),
        ("registrationNote", "Komt met krukken"),
    ] {
        person[field] = value.into();
    }
    person["address"]["street"] = "Sterrenlaan 5".into();
    person
}

/// R-PRV-02
#[tokio::test]
async fn a_whole_day_leaves_nothing_personal_in_logs_counts_problems_and_headers() {
    let (words, lines) = (Logged::default(), Logged::default());
    let (to_words, to_lines) = (words.clone(), lines.clone());
    // While there is but one that listens, a line is asked for by the thread that first comes by, and
    // the other tests listen to nothing.
    let _another = Dispatch::new(Registry::default());
    // The server of this test runs on this thread.
    let logging = Registry::default()
        .with(EnvFilter::new(LEVELS))
        .with(fmt::layer().with_ansi(false).with_writer(move || to_words.clone()))
        .with(fmt::layer().json().flatten_event(true).with_writer(move || to_lines.clone()))
        .set_default();

    assert_eq!(insz("1990-07-21".parse().expect("a day"), 100), NUMBER);
    let region = Region::new().await;
    let mut answers = Answers::default();
    let holder = the_day(&region, &mut answers).await;
    what_is_wrong(&region, &holder, &mut answers).await;
    let counted = region.stranger().gets("/metrics").await.text();
    our_own_failures(&region, &holder, &mut answers).await;
    drop(logging);

    assert!(answers.refused > 60 && answers.failed == 4, "{} {}", answers.refused, answers.failed);
    tells_nobody("/metrics", &counted, &[&holder.card, &holder.id]);
    let (words, lines) = (words.text(), lines.text());
    for log in [&words, &lines] {
        let answered = log.matches("answered").count();
        assert!(answered > 100, "{answered} requests are logged");
        assert!(log.contains("a request failed"), "failures are logged");
        // Ids may be there; numbers that people carry may not.
        tells_nobody("the log", log, &[&holder.card]);
    }
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
}

/// Somebody is registered, saves, buys, redeems, is found, changed and corrected.
async fn the_day(region: &Region, answers: &mut Answers) -> Holder {
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let card = region.card(true).await;
    let person = hildegarde(region, &card);
    let registered = desk.posts_once("Wolkenstein", "/v4/passholders", person.clone()).await;
    answers.take(&registered);
    let holder = registered.holder();
    let at_home = region.oneself("wolk", Some(NUMBER));
    let activity = region.activity(THEATRE, 10.0).await;
    let reward = ksb.makes_reward(json!({})).await.ok();
    let check_in = desk.checks_in(&card, &activity).await.created();
    let taken = desk.redeems(&reward, &card).await.created();
    let sold = list(&desk.sells(&card, &activity, 10.0).await.ok());
    let path = format!("/v4/passholders/{}", holder.id);
    for answer in [
        ksb.gives_back(&taken).await,
        desk.cancels(&sold[0]).await,
        ksb.corrects(&check_in, "Na een ruzie met Hildegarde Wolkenstein").await,
        ksb.decides_on(
            &holder,
            json!({ "action": "suspend", "until": in_days(5), "reason": "ruzie" }),
        )
        .await,
        desk.uploads_picture(&holder, "file", &jpeg("Wolkenstein")).await,
        desk.puts(&format!("{path}/private"), json!({ "note": "Altijd ruzie" })).await,
        desk.searches("name=Wolkenstein&firstName=Hildegarde").await,
        desk.searches("email=wolkenstein@*&address.street=Sterrenlaan").await,
        desk.searches(&format!("inszNumber={NUMBER}&dateOfBirthFrom=1990-07-21")).await,
        desk.identifies(NUMBER).await,
        desk.view_of(NUMBER).await,
        desk.changes(&holder, &person).await,
        at_home.gets("/v4/passholders/me").await,
        at_home.gets("/v4/passholders/me/transactions").await,
        ksb.gets(&format!("/admin/v1/passholders/{}/export", holder.id)).await,
        ksb.gets(&format!("/admin/v1/audit/passholders/{}", holder.id)).await,
        ksb.puts(
            &format!("/admin/v1/counters/{THEATRE}/iban"),
            json!({ "iban": "BE68 5390 0754 7034" }),
        )
        .await,
        region.with_email("zilver", "zilvermeeuw@post.example", true).gets("/v4/permissions").await,
    ] {
        assert!(answer.status < 400, "{}", answer.text());
        answers.take(&answer);
    }
    // Once more is no news, or a conflict.
    let anew = hildegarde(region, &region.card(true).await);
    for refused in [
        desk.posts_once("Wolkenstein", "/v4/passholders", anew.clone()).await,
        desk.registers(&person).await,
        desk.registers(&anew).await,
    ] {
        assert!(refused.status >= 400, "{}", refused.text());
        answers.take(&refused);
    }
    holder
}

/// What cannot be read, and what is refused: the words are in bodies, queries, paths and headers.
async fn what_is_wrong(region: &Region, holder: &Holder, answers: &mut Answers) {
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let id = holder.id.as_str();
    let card = region.card(true).await;
    for (pointer, wrong) in [
        ("/name", json!(["Wolkenstein"])),
        ("/name", json!({ "Wolkenstein": "Hildegarde" })),
        ("/firstName", json!(format!("Hildegarde{}", "e".repeat(200)))),
        ("/firstName", json!("Hilde\u{7}Hildegarde")),
        ("/dateOfBirth", json!("Wolkenstein")),
        ("/dateOfBirth", json!("1990-07-21 of daaromtrent")),
        ("/inszNumber", json!("90.07.21-100.46")),
        ("/inszNumber", json!(90_072_110_045_u64)),
        ("/gender", json!("Hildegarde")),
        ("/address", json!("Sterrenlaan 5")),
        ("/address/postalCode", json!("Sterrenlaan")),
        ("/address/country", json!("Andorrees")),
        ("/address/street", json!({ "naam": "Sterrenlaan" })),
        ("/email", json!("wolkenstein@post")),
        ("/email", json!({ "adres": EMAIL })),
        ("/phoneNumber", json!("0498 Wolkenstein")),
        ("/phoneNumber", json!(498_765_432)),
        ("/nationality", json!(true)),
        ("/socialTariffProof", json!("Wolkenstein")),
        ("/registrationCardType", json!("Wolkenstein")),
        ("/registrationUitpasNumber", json!(NUMBER)),
        ("/registrationOrganizer", json!({ "id": "Wolkenstein" })),
        ("/registrationVoucher", json!("WOLKENSTEIN Wolkenstein")),
        ("/registrationPicture", json!("Hildegarde Wolkenstein")),
        ("/registrationNote", json!(["Komt met krukken"])),
        ("/optInPreferences", json!("Wolkenstein")),
        ("/parentalConsent", json!("Wolkenstein")),
    ] {
        let mut person = hildegarde(region, &card);
        *person.pointer_mut(pointer).unwrap_or(&mut Value::Null) = wrong.clone();
        if person.pointer(pointer).is_none() {
            let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
            let parent = person.pointer_mut(parent).expect("a parent");
            parent[field] = wrong;
        }
        for answer in [desk.registers(&person).await, desk.changes(holder, &person).await] {
            answers.take(&answer);
        }
    }
    let raw = |body: &str, kind: &str| {
        let request = desk.request(Method::POST, "/v4/passholders");
        desk.send(request.header("content-type", kind).body(body.to_owned()))
    };
    for answer in [
        raw(r#"{"name":"Wolkenstein","#, "application/json").await,
        raw(r#"{"name":"Wolkenstein"} Hildegarde"#, "application/json").await,
        raw(r#"{"name":"Wolkenstein","name":"Hildegarde"}"#, "application/json").await,
        raw("Wolkenstein", "application/json").await,
        raw("name=Wolkenstein", "application/x-www-form-urlencoded").await,
        raw("Wolkenstein", "text/Wolkenstein").await,
    ] {
        assert!(answer.status >= 400, "{}", answer.text());
        answers.take(&answer);
    }
    for path in [
        "/v4/Wolkenstein".to_owned(),
        "/Wolkenstein/Hildegarde".to_owned(),
        "/v4/passholders/Wolkenstein".to_owned(),
        format!("/v4/passholders/{EMAIL}"),
        "/v4/passholders/Wolkenstein/picture".to_owned(),
        "/v4/passholders/Hildegarde%20Wolkenstein/private".to_owned(),
        format!("/v4/passholders/{id}/Wolkenstein"),
        format!("/v4/passholders/{id}/memberships/Wolkenstein"),
        format!("/v4/passholders/status/{NUMBER}"),
        "/v4/passes".to_owned(),
        "/v4/passes?identifier=Wolkenstein".to_owned(),
        "/v4/passes?identifier=90072110046".to_owned(),
        format!("/v4/passes?identifier={NUMBER}&identifier=Wolkenstein"),
        format!("/v4/passes?inszNumber={NUMBER}"),
        "/v4/passholders?limit=Wolkenstein".to_owned(),
        "/v4/passholders?dateOfBirthFrom=Wolkenstein".to_owned(),
        "/v4/passholders?dateOfBirthFrom=1990-07-21T".to_owned(),
        "/v4/passholders?inszNumber=90072110046".to_owned(),
        "/v4/passholders?inszNumber=Wolkenstein".to_owned(),
        "/v4/passholders?uitpasNumber=Wolkenstein".to_owned(),
        "/v4/passholders?chipNumber=Wolkenstein".to_owned(),
        "/v4/passholders?name=Wolkenstein&limit=501".to_owned(),
        "/v4/passholders?name=Wolkenstein&name=Hildegarde".to_owned(),
        "/v4/passholders?sort[Wolkenstein]=asc&limit=x".to_owned(),
        "/v4/passholders?sort[name]=Wolkenstein".to_owned(),
        "/v4/passholders?name=%FF%FEWolkenstein&start=-1".to_owned(),
        "/v4/passholders?organizerId=Wolkenstein".to_owned(),
        "/v4/passholders?cardSystemId=Wolkenstein".to_owned(),
        "/v4/checkins?passholderId=Wolkenstein".to_owned(),
        "/v4/tariffs?uitpasNumber=Wolkenstein&eventId=x&regularPrice=1".to_owned(),
        "/v4/tariffs?regularPrice=Wolkenstein".to_owned(),
        "/v4/passholders/membership-prices/1?dateOfBirth=1990-07-21T&postalCode=9981".to_owned(),
        "/v4/passholders/membership-prices/Wolkenstein?postalCode=9981".to_owned(),
        format!("/v4/uitid/emails/{EMAIL}"),
        format!("/admin/v1/counters/{THEATRE}/view?identifier=Wolkenstein"),
        "/admin/v1/counters/Wolkenstein/view?identifier=x".to_owned(),
        "/admin/v1/checkins?from=Wolkenstein".to_owned(),
        "/admin/v1/audit/passholders/Wolkenstein".to_owned(),
        "/admin/v1/passholders/Wolkenstein/export".to_owned(),
    ] {
        for who in [&desk, &ksb, &region.stranger(), &region.desk(YOUTH)] {
            answers.take(&who.gets(&path).await);
        }
    }
    for (header, value) in [
        ("idempotency-key", "Wolkenstein"),
        ("if-match", "Wolkenstein"),
        ("x-request-id", "Wolkenstein"),
        ("uitpas-after", "Wolkenstein"),
        ("x-client-id", "Wolkenstein"),
        ("accept", "text/Wolkenstein"),
        ("accept-language", "Wolkenstein"),
    ] {
        let path = format!("/v4/passholders/{id}");
        let strange = desk.clone().alone().request(Method::PUT, &path).header(header, value);
        let body = json!({ "name": "Wolkenstein" });
        answers.take(&Answer::to(strange.json(&body)).await);
    }
    for request in [
        region.stranger().request(Method::GET, "/v4/passholders").bearer_auth("Wolkenstein"),
        region.stranger().request(Method::GET, "/v4/passholders").bearer_auth(EMAIL),
        region
            .stranger()
            .request(Method::GET, "/v4/kiosk-devices")
            .header("x-custom-token", "Wolkenstein"),
        region
            .stranger()
            .request(Method::GET, "/v4/passholders/me/uitid/registration-token")
            .header("x-client-id", "Wolkenstein")
            .basic_auth(&holder.card, Some("1990-07-21")),
    ] {
        let answer = Answer::to(request).await;
        assert!(answer.status >= 400, "{}", answer.text());
        answers.take(&answer);
    }
    let file = Part::bytes(b"GIF89a Wolkenstein".to_vec()).file_name("Hildegarde Wolkenstein.gif");
    let picture = desk.request(Method::PUT, &format!("/v4/passholders/{id}/picture"));
    let picture = picture.multipart(Form::new().part("file", file));
    let family = json!({ "uitpasNumber": card, "dateOfBirth": "Wolkenstein" });
    let appoint = json!({ "email": "zilvermeeuw@elders.example", "type": "MEMBER" });
    for answer in [
        desk.send(picture).await,
        desk.posts(&format!("/v4/passholders/{id}/family-members"), family).await,
        region.admin_of(THEATRE).posts(&format!("/v4/organizers/{THEATRE}/admins"), appoint).await,
        ksb.puts(
            &format!("/admin/v1/counters/{THEATRE}/iban"),
            json!({ "iban": "BE69 5390 0754 7034" }),
        )
        .await,
        ksb.uploads(
            "/admin/v1/card-systems/1/renewal",
            format!("inszNumber,verdict\n{NUMBER},Wolkenstein\n"),
        )
        .await,
        region.desk(YOUTH).reads(holder).await,
        region.desk(YOUTH).searches("name=Wolkenstein").await,
        region.ksb_of(2).erases(holder).await,
    ] {
        assert!(answer.status >= 400, "{}", answer.text());
        answers.take(&answer);
    }
}

/// A key that opens nothing, and a view that is not what it should be.
async fn our_own_failures(region: &Region, holder: &Holder, answers: &mut Answers) {
    let desk = region.desk(THEATRE).alone();
    let mut superuser = region.superuser().await;
    superuser.execute("update log.keys set wrapped_key = '\\x00'").await.expect("a statement");
    let path = format!("/v4/passholders/{}", holder.id);
    answers.fails(desk.request(Method::GET, &path)).await;
    let person = hildegarde(region, &holder.card);
    answers.fails(desk.request(Method::PUT, &path).json(&person)).await;
    superuser
        .execute("alter table views.passholders rename column name_folded to anders")
        .await
        .expect("a statement");
    for query in ["name=Wolkenstein", "firstName=Hildegarde&address.street=Sterrenlaan"] {
        let search = format!("/v4/passholders?{query}");
        answers.fails(desk.request(Method::GET, &search)).await;
    }
}
