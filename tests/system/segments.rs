//! Segments of passholders to write to.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::region::{ELSEWHERE, Holder, Region, THEATRE, between, list, text};

const SEGMENT: &str = "/admin/v1/card-systems/1/segment";

/// A passholder of Meerdal with a digital card, otherwise than most.
async fn registers(region: &Region, more: Value) -> Holder {
    let mut person = region.person(THEATRE, "");
    person["registrationCardType"] = "DIGITAL".into();
    person["registrationUitpasNumber"] = Value::Null;
    for (field, value) in more.as_object().expect("an object") {
        person[field] = value.clone();
    }
    region.desk(THEATRE).registers(&person).await.holder()
}

fn wants(kinds: &[&str]) -> Value {
    let mut preferences = json!({
        "serviceMails": false, "milestoneMails": false, "infoMails": false, "sms": false,
        "post": false,
    });
    for kind in kinds {
        preferences[kind] = true.into();
    }
    preferences
}

fn ids(found: &Value) -> Vec<String> {
    let recipients = list(&found["recipients"]);
    let mut ids: Vec<_> =
        recipients.iter().map(|row| text(&row["passholderId"]).to_owned()).collect();
    ids.sort();
    ids
}

/// R-KSB-05: only who opted in to that kind of message is listed, with no more than that takes.
#[tokio::test]
async fn only_who_opted_in_is_listed() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let info = json!({ "optInPreferences": wants(&["infoMails"]) });
    let readers = join_all((0..6).map(|_| registers(&region, info.clone()))).await;
    let both = json!({ "optInPreferences": wants(&["infoMails", "post"]) });
    let writer = registers(&region, both).await;
    let found = ksb.gets(&format!("{SEGMENT}?message=info-mail")).await.ok();
    let mut expected: Vec<_> =
        readers.iter().chain([&writer]).map(|holder| holder.id.clone()).collect();
    expected.sort();
    assert_eq!((ids(&found), &found["passholders"]), (expected, &json!(7)));
    let first = &found["recipients"][0];
    assert_eq!(first["email"], "nele@voorbeeld.example");
    assert_eq!((&first["street"], &first["phoneNumber"]), (&Value::Null, &Value::Null));

    let by_post = ksb.gets(&format!("{SEGMENT}?message=post")).await.ok();
    assert_eq!(ids(&by_post), [writer.id.as_str()]);
    assert_eq!(by_post["recipients"][0]["street"], "Molenweg 7");
    assert_eq!(by_post["recipients"][0]["email"], Value::Null);
    let lines = ksb.gets_csv(&format!("{SEGMENT}?message=post")).await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(ids(&ksb.gets(&format!("{SEGMENT}?message=sms")).await.ok()), [""; 0]);

    // Without a message there is a count alone.
    let counted = ksb.gets(SEGMENT).await.ok();
    assert_eq!(counted, json!({ "passholders": 7, "recipients": [] }));
    // One who gave no consent would be all less the recipients.
    let silent = json!({ "optInPreferences": wants(&[]) });
    registers(&region, silent).await;
    for query in ["", "?message=info-mail", "?message=post"] {
        let found = ksb.gets(&format!("{SEGMENT}{query}")).await.ok();
        assert_eq!(found["passholders"], ">=5", "{query}");
    }

    for stranger in [region.desk(THEATRE), region.admin_of(THEATRE), region.ksb_of(2)] {
        stranger.gets(SEGMENT).await.refused(403, "auth/forbidden");
    }
    for name in ["message", "age", "status", "gender", "postalCode"] {
        let answer = ksb.gets(&format!("{SEGMENT}?{name}=nonsense")).await;
        assert_eq!(answer.status, 400, "{name}");
    }
}

/// R-KSB-05: by municipality, age, gender, status and what they took part in, also of other regions.
#[tokio::test]
async fn a_segment_is_by_who_they_are_and_where_they_took_part() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let wants = wants(&["infoMails"]);
    let with = |more: Value| {
        let mut person = json!({ "optInPreferences": wants });
        for (field, value) in more.as_object().expect("an object") {
            person[field] = value.clone();
        }
        person
    };
    let anna = registers(&region, with(json!({ "gender": "FEMALE" }))).await;
    let terbeke = json!({ "street": "Veer 1", "postalCode": "9987", "city": "Terbeke" });
    let born = "1950-03-01";
    let insz = crate::region::insz(born.parse().expect("a day"), 77);
    let senior = json!({ "address": terbeke, "dateOfBirth": born, "inszNumber": insz });
    let bram = registers(&region, with(senior)).await;
    region.entitled().await;
    let [stranger, absent] = ["Wolters", "Zegers"].map(|name| {
        let mut person = region.person(ELSEWHERE, "");
        person["registrationCardType"] = "DIGITAL".into();
        person["registrationUitpasNumber"] = Value::Null;
        person["name"] = name.into();
        person["address"] =
            json!({ "street": "Veer 1", "postalCode": "9050", "city": "Overstroom" });
        person["optInPreferences"] = wants.clone();
        person
    });
    let stranger = region.desk(ELSEWHERE).registers(&stranger).await.holder();
    region.desk(ELSEWHERE).registers(&absent).await.holder();

    let film = region.told(THEATRE, between(-60, 60), &[("Basistarief", 5.0)]).await;
    let terms =
        json!({ "terms": [{ "label": "Film", "domain": "eventtype", "id": "0.50.6.0.0" }] });
    region.retold(&film, THEATRE, between(-60, 60), &[("Basistarief", 5.0)], terms).await;
    let play = region.activity(THEATRE, 5.0).await;
    let desk = region.desk(THEATRE);
    desk.checks_in(&anna.card, &film).await.created();
    desk.checks_in(&bram.card, &play).await.created();
    desk.checks_in(&stranger.card, &film).await.created();

    let found = |query: &str| {
        let (ksb, path) = (ksb.clone(), format!("{SEGMENT}?message=info-mail&{query}"));
        async move { ids(&ksb.gets(&path).await.ok()) }
    };
    let sorted = |holders: &[&Holder]| {
        let mut ids: Vec<_> = holders.iter().map(|holder| holder.id.clone()).collect();
        ids.sort();
        ids
    };
    // Of the other region only who took part here.
    assert_eq!(found("postalCode=9050").await, sorted(&[&stranger]));
    assert_eq!(found("term=film").await, sorted(&[&anna, &stranger]));
    assert_eq!(found("postalCode=9987").await, sorted(&[&bram]));
    assert_eq!(found("age=65%2B").await, sorted(&[&bram]));
    assert_eq!(found("gender=FEMALE").await, sorted(&[&anna]));
    assert_eq!(found("status=none&postalCode=9981").await, sorted(&[&anna]));
    assert_eq!(found("status=active&postalCode=9981").await, sorted(&[]), "did not opt in");
    assert_eq!(found("term=film&postalCode=9981").await, sorted(&[&anna]));
    assert_eq!(found("term=Theater").await, sorted(&[]));
}
