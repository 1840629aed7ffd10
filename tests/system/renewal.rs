//! The yearly renewal of social status.

use std::time::Instant;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Europe::Brussels;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use uitpas_api::actions::{Request, renewal};
use uitpas_api::auth::{Caller, Kind};
use uitpas_api::problem::Problem;
use uitpas_domain::ids::{CardSystemId, CommandId, CounterId, PassholderId};
use uitpas_domain::metadata::{Channel, Metadata, Role};
use uitpas_domain::passholder::registration::{
    NewSocialStatus, PersonalDetails, Preferences, Terms,
};
use uitpas_domain::passholder::renewal::Verdict;
use uitpas_domain::passholder::{Event, Passholder, Registered};
use uitpas_domain::social_status::Proof;
use uitpas_domain::values::euro::Price;
use uitpas_domain::values::insz::Insz;
use uitpas_domain::values::place::{Address, Country, Municipality};
use uitpas_projections::passholders::renewals;
use uitpas_store::testing::TestDatabase;
use uitpas_store::{Command, Unsuccessful, sealing};

use crate::region::{Holder, Region, THEATRE, card_number, insz, list, text};

const RUN: &str = "/admin/v1/card-systems/1/renewal";

/// R-SOC-03: three lists, the renewed in two, and the same list again changes nothing.
#[tokio::test]
async fn social_status_is_renewed_from_the_verdicts() {
    let region = Region::new().await;
    let ksb = region.ksb();
    enrols(&region, "9981").await;
    let (by_mail, mail_insz) = entitled(&region, json!({})).await;
    let no_mail = json!({ "email": null, "noEmail": true, "name": "Aerts" });
    let (by_letter, letter_insz) = entitled(&region, no_mail).await;
    let (negative, negative_insz) = entitled(&region, json!({})).await;
    let (absent, _) = entitled(&region, json!({})).await;
    let elsewhere = json!({ "postalCode": "9987", "city": "Terbeke" });
    let (_, not_enrolled) = entitled(&region, json!({ "address": elsewhere })).await;
    region.app.clock.turn_to(brussels("2027-04-15T00:00:00"));

    let verdicts = format!(
        "inszNumber,verdict\n{mail_insz},positive\n{letter_insz},positive\n\
         {negative_insz},negative\n{not_enrolled},positive\n83030201540,positive\n"
    );
    let ran = ksb.uploads(RUN, verdicts.clone()).await.ok();
    assert_eq!(ran, json!({ "candidates": 4, "changed": 4, "unknown": 1, "broken": [] }));
    let outcome = json!({
        "year": 2027, "renewed": 2, "notification": 1, "letter": 1, "negative": 1, "notInList": 1,
    });
    assert_eq!(ksb.gets(RUN).await.ok(), outcome);
    for (name, expected) in [
        ("renewed", vec![&by_letter, &by_mail]),
        ("notification", vec![&by_mail]),
        ("letter", vec![&by_letter]),
        ("negative", vec![&negative]),
        ("not-in-list", vec![&absent]),
    ] {
        let listed = ksb.gets(&format!("{RUN}/{name}")).await.ok();
        let ids: Vec<_> = list(&listed["member"])
            .iter()
            .map(|row| text(&row["passholderId"]).to_owned())
            .collect();
        let expected: Vec<_> = expected.iter().map(|holder| holder.id.clone()).collect();
        assert_eq!(ids, expected, "{name}");
    }
    let letters = ksb.gets_csv(&format!("{RUN}/letter")).await;
    assert!(letters[0].starts_with("passholderId,name,firstName,email,street"));
    let end = "Aerts,Nele,,Molenweg 7,9981,Meerdal,BE,2028-04-30";
    assert!(letters[1].to_uppercase().ends_with(&end.to_uppercase()), "{letters:?}");

    // The status itself: moved on for the renewed, and for nobody else.
    for (holder, until) in
        [(&by_mail, "2028-04-30"), (&by_letter, "2028-04-30"), (&negative, "2027-04-30")]
    {
        let pass = ksb.identifies(&holder.card).await.ok();
        assert_eq!(text(&pass["socialTariff"]["endDate"])[..10], *until, "{pass}");
    }

    let before = region.position().await;
    let again = ksb.uploads(RUN, verdicts.clone()).await.ok();
    assert_eq!((&again["candidates"], &again["changed"]), (&json!(4), &json!(0)));
    assert_eq!(region.position().await, before, "the same list twice changes nothing");
    assert_eq!(ksb.gets(RUN).await.ok(), outcome);

    // R-PRV-02: a national number is nowhere in the log.
    let log = region.whole_log().await;
    assert!(!log.contains(&mail_insz) && !log.contains("83030201540"));
    // R-KSB-03
    for stranger in [region.desk(THEATRE), region.admin_of(THEATRE), region.ksb_of(2)] {
        stranger.uploads(RUN, verdicts.clone()).await.refused(403, "auth/forbidden");
        stranger.gets(RUN).await.refused(403, "auth/forbidden");
        stranger.gets(&format!("{RUN}/letter")).await.refused(403, "auth/forbidden");
    }
}

/// R-SOC-03: from 15 to 30 April, both inclusive, in Brussels.
#[tokio::test]
async fn outside_the_second_half_of_april_nothing_is_renewed() {
    let region = Region::new().await;
    let ksb = region.ksb();
    enrols(&region, "9981").await;
    let (_, number) = entitled(&region, json!({})).await;
    let verdicts = format!("inszNumber,verdict\n{number},negative\n");
    for (now, refused) in [
        ("2027-04-14T23:59:50", true),
        ("2027-05-01T00:00:00", true),
        ("2027-04-15T00:00:00", false),
        ("2027-04-30T23:59:00", false),
    ] {
        region.app.clock.turn_to(brussels(now));
        let answer = ksb.uploads(RUN, verdicts.clone()).await;
        match refused {
            true => drop(answer.refused_saying(400, "own/renewal", "15/04/2027")),
            false => drop(answer.ok()),
        }
    }
}

/// R-SOC-03: who is enrolled, and by which agreement.
#[tokio::test]
async fn a_municipality_enrols_with_its_agreement() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let agreements = "/admin/v1/card-systems/1/renewal-agreements";
    let of = |code: &str| format!("{agreements}/{code}");
    region.app.clock.turn_to(brussels("2027-04-20T12:00:00"));
    let empty = "inszNumber,verdict\n";
    ksb.uploads(RUN, empty).await.refused_saying(400, "own/renewal", "afspraak");
    let agreed = json!({ "agreedOn": "2027-04-21" });
    ksb.puts(&of("9000"), agreed.clone()).await.refused_saying(
        400,
        "own/other-postal-code",
        "geen gemeente",
    );
    region.desk(THEATRE).puts(&of("9981"), agreed.clone()).await.refused(403, "auth/forbidden");
    region.ksb_of(2).gets(agreements).await.refused(403, "auth/forbidden");
    ksb.puts(&of("9981"), json!({})).await.wrong("/");
    ksb.puts(&of("9981"), agreed.clone()).await.done();
    assert_eq!(
        ksb.gets(agreements).await.ok(),
        json!([{ "postalCode": "9981", "agreedOn": "2027-04-21" }])
    );
    ksb.uploads(RUN, empty).await.refused_saying(400, "own/renewal", "afspraak");
    region.app.clock.turn_to(brussels("2027-04-21T00:00:00"));
    ksb.uploads(RUN, empty).await.ok();
    ksb.deletes(&of("9981")).await.done();
    ksb.uploads(RUN, empty).await.refused_saying(400, "own/renewal", "afspraak");
}

/// R-SOC-03, R-PRV-02: a broken line is told with its reason, never with what stands there.
#[tokio::test]
async fn broken_lines_are_told_and_the_others_go_on() {
    let region = Region::new().await;
    let ksb = region.ksb();
    enrols(&region, "9981").await;
    let (_, good) = entitled(&region, json!({})).await;
    let (_, twice) = entitled(&region, json!({})).await;
    region.app.clock.turn_to(brussels("2027-04-20T12:00:00"));
    let verdicts = format!(
        "verdict,inszNumber\r\npositive,{good}\r\npositive,83030201541\r\nmaybe,83030201540\r\n\
         positive\r\npositive,{twice}\r\n\r\nnegative,{twice}\r\npositive,{good}\r\n"
    );
    let answer = ksb.uploads(RUN, verdicts).await;
    assert!(!answer.text().contains(&twice) && !answer.text().contains("8303"));
    let ran = answer.ok();
    let lines: Vec<_> = list(&ran["broken"]).iter().map(|of| of["line"].clone()).collect();
    assert_eq!(lines, [json!(3), json!(4), json!(5), json!(8)]);
    let outcome = ksb.gets(RUN).await.ok();
    assert_eq!((&outcome["renewed"], &outcome["notInList"]), (&json!(1), &json!(1)));

    ksb.uploads(RUN, "insz,verdict\n").await.refused(400, "body/invalid-syntax");
    ksb.uploads(RUN, "").await.refused(400, "body/invalid-syntax");
    ksb.posts(RUN, json!({})).await.refused(415, "header/unsupported-media-type");
    ksb.gets(&format!("{RUN}/nobody")).await.refused(404, "url/not-found");
}

/// R-SOC-03: over 100,000 passholders within a minute on two cores, on a server that waits for the
/// disk; run twice it changes nothing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a hundred thousand passholders; the README says how"]
async fn a_hundred_thousand_are_renewed_within_a_minute() {
    const PASSHOLDERS: u32 = 100_000;
    let region = Region::on(TestDatabase::durable().await).await.settled().await;
    enrols(&region, "9981").await;
    let since = Instant::now();
    let numbers: Vec<Insz> = stream::iter(0..PASSHOLDERS)
        .map(|serial| registers(&region, serial))
        .buffer_unordered(128)
        .collect()
        .await;
    region.app.projections.catch_up().await.expect("views");
    println!("{PASSHOLDERS} passholders in {:?}", since.elapsed());
    region.app.clock.turn_to(brussels("2027-04-20T12:00:00"));
    // Of ten eight positive and one negative; one is not in the list.
    let verdict = |(at, insz): (usize, &Insz)| match at % 10 {
        0 => None,
        1 => Some((*insz, Verdict::Negative)),
        _ => Some((*insz, Verdict::Positive)),
    };
    let verdicts: Vec<_> = numbers.iter().enumerate().filter_map(verdict).collect();
    let caller = Caller { subject: "ksb-1".parse().expect("a subject"), kind: Kind::User };
    let request = Request { caller, key: None, content: vec![] };
    for turn in ["first", "second"] {
        let before = region.position().await;
        let since = Instant::now();
        let system = CardSystemId(1);
        let ran = renewal::run(&region.app, &request, system, &verdicts, |_, _| {}).await;
        let ran = ran.expect("it runs");
        let took = since.elapsed();
        region.app.projections.catch_up().await.expect("views");
        println!("{turn} run: {took:?}; its lists after {:?}", since.elapsed());
        assert_eq!(ran.candidates, u64::from(PASSHOLDERS));
        let written = region.position().await - before;
        assert_eq!(written, if turn == "first" { u64::from(PASSHOLDERS) } else { 0 });
        assert!(since.elapsed().as_secs() < 60, "{took:?}");
    }
    let counts = renewals::counts(region.app.pool(), CardSystemId(1), 2027).await.expect("counts");
    let renewed = counts.renewed_with_email + counts.renewed_without_email;
    assert_eq!((renewed, counts.negative, counts.not_in_list), (80_000, 10_000, 10_000));
}

/// A passholder of Meerdal with social status, through the log: a door would take too long.
async fn registers(region: &Region, serial: u32) -> Insz {
    let born = NaiveDate::from_ymd_opt(1950, 1, 1).expect("a day")
        + chrono::Days::new(u64::from(serial / 900));
    let number: Insz = insz(born, 1 + serial % 900).parse().expect("a number");
    let id = PassholderId(uuid::Uuid::now_v7());
    let person = id.to_string();
    let store = &region.app.store;
    let (key, wrapped) = store.master_key().new_person_key(&person);
    let details = PersonalDetails {
        name: "Vandermeer".parse().expect("a name"),
        first_name: "Nele".parse().expect("a name"),
        birth_date: born,
        insz: Some(number),
        gender: None,
        address: Address::new(
            Some("Molenweg 7".parse().expect("a street")),
            "9981".parse().expect("a code"),
            "Meerdal".parse().expect("a city"),
            Country::BELGIUM,
        )
        .expect("an address"),
        email: serial
            .is_multiple_of(2)
            .then(|| "nele@voorbeeld.example".parse().expect("an address")),
        phone: None,
        nationality: None,
    };
    let home = Municipality {
        postal_code: "9981".parse().expect("a code"),
        name: "Meerdal".parse().expect("a name"),
    };
    let until = NaiveDate::from_ymd_opt(2027, 4, 30).expect("a day");
    let counter: CounterId = THEATRE.parse().expect("an id");
    let registered = Event::Registered(Box::new(Registered {
        card_system: CardSystemId(1),
        counter: counter.clone(),
        card: card_number(1_000_000 + serial, true).parse().expect("a card"),
        digital: false,
        details: sealing::seal(&key, &person, "details", &details),
        home: Some(home.clone()),
        counter_municipality: Some(home),
        age: 70,
        with_insz: true,
        social_status: Some(NewSocialStatus { until, proof: Proof::LivingWage }),
        price: Price::FREE,
        voucher: None,
        terms: Terms { paper: true, digital: false },
        preferences: Preferences::default(),
        parental_consent: false,
        at: brussels("2026-06-01T10:00:00"),
    }));
    let command_id = CommandId(uuid::Uuid::now_v7());
    let metadata = Metadata {
        actor: "history".parse().expect("a subject"),
        role: Role::System,
        counter: Some(counter),
        channel: Channel::Import,
        command_id,
        correlation_id: command_id,
    };
    let hash = store.master_key().claim_hash("insz", &number.to_string());
    let command = Command { id: command_id, request: [0; 32], metadata };
    let recorded = store.execute(command, |work| {
        let (event, wrapped, person) = (registered.clone(), wrapped.clone(), person.clone());
        async move {
            work.load::<Passholder>(&id).await?;
            work.insert_key(&person, wrapped);
            work.claim("insz", hash, &person);
            work.record::<Passholder>(&id, vec![event])?;
            Ok::<(), Unsuccessful<Problem>>(())
        }
    });
    recorded.await.expect("recorded");
    number
}

/// The municipality agreed a while ago.
async fn enrols(region: &Region, postal_code: &str) {
    let path = format!("/admin/v1/card-systems/1/renewal-agreements/{postal_code}");
    region.ksb().puts(&path, json!({ "agreedOn": "2026-01-31" })).await.done();
}

/// A passholder of Meerdal with social status, and the national number.
async fn entitled(region: &Region, more: Value) -> (Holder, String) {
    let card = region.card(true).await;
    let mut person = region.person(THEATRE, &card);
    person["socialTariffProof"] = "living-wage".into();
    for (field, value) in more.as_object().expect("an object") {
        person[field] = value.clone();
    }
    let holder = region.desk(THEATRE).registers(&person).await.holder();
    (holder, text(&person["inszNumber"]).to_owned())
}

fn brussels(shown: &str) -> DateTime<Utc> {
    let shown: NaiveDateTime = shown.parse().expect("a moment");
    Brussels.from_local_datetime(&shown).single().expect("a moment").to_utc()
}
