//! Registering at a counter, reading and changing what is known.

use chrono::{Datelike, Days, NaiveDate};
use futures::future::join_all;
use serde_json::{Value, json};

use crate::region::{
    ELSEWHERE, GYM, Region, THEATRE, YOUTH, born_years_ago, in_days, insz, list, text, today,
};

/// R-REG-04: who may register whom.
#[tokio::test]
async fn each_kind_of_counter_registers_whom_it_may() {
    let region = Region::new().await;
    for (counter, with_status, with_insz, refusal) in [
        (THEATRE, false, true, None),
        (THEATRE, false, false, None),
        (THEATRE, true, true, None),
        (THEATRE, true, false, None),
        (GYM, false, true, None),
        (GYM, false, false, Some("rijksregisternummer")),
        (GYM, true, true, Some("kansenstatuut")),
        (YOUTH, false, true, Some("geen rechten")),
        (YOUTH, true, false, Some("geen rechten")),
    ] {
        let card = region.card(with_status).await;
        let mut person = region.person(counter, &card);
        if !with_insz {
            person["inszNumber"] = Value::Null;
        }
        if with_status {
            person["socialTariffProof"] = "living-wage".into();
        }
        let before = region.position().await;
        let answer = region.desk(counter).registers(&person).await;
        match refusal {
            None => drop(answer.holder()),
            Some(words) => {
                answer.refused_saying(403, "auth/forbidden", words);
                assert_eq!(region.position().await, before, "{counter}: nothing is written");
            }
        }
    }
}

/// R-REG-02, R-REG-07: what a registration answers.
#[tokio::test]
async fn a_registration_answers_with_the_passholder() {
    let region = Region::new().await;
    let card = region.card(true).await;
    let mut person = region.person(THEATRE, &card);
    person["socialTariffProof"] = "living-wage".into();
    person["gender"] = "FEMALE".into();
    person["phoneNumber"] = "09 123 45 67".into();
    let answer = region.desk(THEATRE).registers(&person).await;
    assert_eq!(answer.status, 200);
    let body = answer.ok();
    for field in
        ["name", "firstName", "dateOfBirth", "inszNumber", "email", "gender", "phoneNumber"]
    {
        assert_eq!(body[field], person[field], "{field}");
    }
    assert_eq!(body["uitpasNumber"], card);
    assert_eq!(body["points"], 0);
    assert_eq!(body["address"]["country"], "be");
    assert_eq!(body["optInPreferences"], person["optInPreferences"]);
    let membership = &body["cardSystemMemberships"][0];
    assert_eq!(membership["cardSystem"], json!({ "id": 1, "name": "UiTPAS Meerdal" }));
    assert_eq!(membership["currentCard"], json!({ "uitpasNumber": card, "status": "ACTIVE" }));
    assert_eq!(membership["socialTariff"]["status"], "ACTIVE");
    // R-SOC-02: by default until 30 April of the next year.
    let until = format!("{}-04-30T23:59:59+02:00", today().year() + 1);
    assert_eq!(membership["socialTariff"]["endDate"], until);
    // Right away, in every way.
    let holder = answer.holder();
    assert_eq!(region.desk(GYM).reads(&holder).await.ok(), body);
    assert_eq!(
        region.desk(THEATRE).searches(&format!("uitpasNumber={card}")).await.ok()["member"][0],
        body
    );
}

/// R-REG-01: the last but one digit of the card follows the social status.
#[tokio::test]
async fn the_digit_of_the_card_follows_the_social_status() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let for_status = region.card(true).await;
    let without_proof = region.person(THEATRE, &for_status);
    desk.registers(&without_proof).await.wrong("/socialTariffProof");
    let regular = region.card(false).await;
    let mut with_proof = region.person(THEATRE, &regular);
    with_proof["socialTariffProof"] = "living-wage".into();
    desk.registers(&with_proof).await.refused_saying(400, "uitpas/invalid-card", "cijfer 1");
}

/// R-REG-02: what must be filled in, each with its field.
#[tokio::test]
async fn what_is_required_is_asked_for_by_field() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let card = region.card(false).await;
    let person = region.person(THEATRE, &card);
    let before = region.position().await;
    let without = |field: &str| {
        let mut person = person.clone();
        person.as_object_mut().expect("an object").remove(field);
        person
    };
    for (field, pointer) in [
        ("name", "/"),
        ("firstName", "/"),
        ("dateOfBirth", "/"),
        ("address", "/"),
        ("email", "/email"),
        ("legalTermsDigital", "/legalTermsPaper"),
        ("optInPreferences", "/optInPreferences"),
        ("registrationOrganizer", "/registrationOrganizer"),
        ("registrationCardType", "/registrationCardType"),
        ("registrationUitpasNumber", "/registrationUitpasNumber"),
    ] {
        let problem = desk.registers(&without(field)).await.wrong(pointer);
        if pointer == "/" {
            let error = text(&problem["schemaErrors"][0]["error"]);
            assert!(error.contains(field), "{field}: {error}");
        }
    }
    let mut no_postal_code = person.clone();
    no_postal_code["address"] = json!({ "city": "Meerdal" });
    desk.registers(&no_postal_code).await.wrong("/address");
    no_postal_code["address"] = json!({ "city": "Meerdal", "postalCode": "998" });
    desk.registers(&no_postal_code).await.wrong("/address/postalCode");
    assert_eq!(region.position().await, before, "nothing is written");

    let mut said_out_loud = without("email");
    said_out_loud["noEmail"] = true.into();
    said_out_loud["legalTermsDigital"] = false.into();
    said_out_loud["legalTermsPaper"] = true.into();
    desk.registers(&said_out_loud).await.holder();
}

/// R-REG-03: under 16 a parent or guardian consents, from the birthday on nobody has to.
#[tokio::test]
async fn under_16_a_parent_consents() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    let born = |person: &mut Value, day: NaiveDate| {
        person["dateOfBirth"] = json!(day);
        person["inszNumber"] = insz(day, 77).into();
    };
    born(&mut person, born_years_ago(16) + Days::new(1));
    desk.registers(&person).await.wrong("/parentalConsent");
    person["parentalConsent"] = true.into();
    desk.registers(&person).await.holder();

    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    born(&mut person, born_years_ago(16));
    desk.registers(&person).await.holder();
    let mut unborn = region.person(THEATRE, &region.card(false).await);
    born(&mut unborn, in_days(1));
    desk.registers(&unborn).await.wrong("/dateOfBirth");
}

/// R-ID-02: the national number is checked, agrees with the birth date, and is filled in once.
#[tokio::test]
async fn a_national_number_must_be_right() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    for wrong in ["90072100199", "9007210010", "900721001ab", "99993100123"] {
        person["inszNumber"] = wrong.into();
        let problem = desk.registers(&person).await.refused(400, "uitpas/invalid-insz-number");
        assert_eq!(problem["schemaErrors"][0]["jsonPointer"], "/inszNumber");
        assert!(!problem.to_string().contains(wrong), "it is personal: {problem}");
    }
    person["inszNumber"] = insz(NaiveDate::from_ymd_opt(1990, 7, 22).expect("a day"), 5).into();
    desk.registers(&person).await.refused_saying(400, "uitpas/invalid-insz-number", "past niet");

    person["inszNumber"] = Value::Null;
    let holder = desk.registers(&person).await.holder();
    let born = NaiveDate::from_ymd_opt(1990, 7, 21).expect("a day");
    let written = insz(born, 42);
    person["inszNumber"] = format!("{}.{}", &written[..6], &written[6..]).into();
    desk.changes(&holder, &person).await.done();
    assert_eq!(desk.reads(&holder).await.ok()["inszNumber"], written);
    person["inszNumber"] = insz(born, 43).into();
    desk.changes(&holder, &person).await.refused_saying(
        400,
        "uitpas/invalid-insz-number",
        "staat al vast",
    );
    person["inszNumber"] = Value::Null;
    desk.changes(&holder, &person).await.refused(400, "uitpas/invalid-insz-number");
}

/// R-ID-06: a national number belongs to one, also among fifty at once.
#[tokio::test]
async fn one_national_number_goes_to_one_of_fifty() {
    let region = Region::new().await;
    let first = region.person(THEATRE, "");
    let tries = (0..50).map(|_| async {
        let mut person = first.clone();
        person["registrationCardType"] = "DIGITAL".into();
        person["registrationUitpasNumber"] = Value::Null;
        region.desk(THEATRE).registers(&person).await
    });
    let answers = join_all(tries).await;
    let (registered, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(registered.len(), 1);
    for answer in refused {
        answer.refused_saying(400, "uitpas/insz-already-used", "al een pashouder");
    }
    let found = region.desk(THEATRE).identifies(text(&first["inszNumber"])).await.ok();
    assert_eq!(found["passholderId"], registered[0].holder().id);
}

/// R-ID-06: a card belongs to one, also among fifty at once.
#[tokio::test]
async fn one_card_goes_to_one_of_fifty() {
    let region = Region::new().await;
    let card = region.card(false).await;
    let before = region.position().await;
    let tries = (0..50)
        .map(|_| async { region.desk(THEATRE).registers(&region.person(THEATRE, &card)).await });
    let answers = join_all(tries).await;
    let (registered, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 200);
    assert_eq!(registered.len(), 1);
    for answer in refused {
        answer.refused_saying(400, "uitpas/invalid-card-status", "al van iemand");
    }
    assert_eq!(region.position().await, before + 2, "registered and assigned, nothing more");
}

/// R-REG-05, R-SOC-05: social status has a proof, an end to come and an inhabitant.
#[tokio::test]
async fn social_status_needs_proof_a_future_end_and_an_inhabitant() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    region
        .ksb()
        .sets_terms(
            THEATRE,
            json!({ "groups": ["authorised-registration"], "otherMunicipalities": true }),
        )
        .await
        .done();
    let card = region.card(true).await;
    let mut person = region.person(THEATRE, &card);
    person["socialTariffProof"] = "living-wage".into();
    person["registrationSocialTariffEndDate"] = json!(today());
    desk.registers(&person).await.wrong("/registrationSocialTariffEndDate");
    person["registrationSocialTariffEndDate"] = json!(in_days(1));
    person["socialTariffProof"] = "because".into();
    desk.registers(&person).await.wrong("/socialTariffProof");
    person["socialTariffProof"] = "living-wage".into();
    person["address"] = json!({ "postalCode": "9050", "city": "Overstroom" });
    desk.registers(&person).await.refused_saying(400, "uitpas/invalid-city", "inwoners");
    person["address"] = json!({ "postalCode": "9987", "city": "Terbeke" });
    desk.registers(&person).await.holder();
}

/// R-CTR-01: passholders of other municipalities are a right of its own.
#[tokio::test]
async fn passholders_from_elsewhere_need_a_right_of_its_own() {
    let region = Region::new().await;
    let desk = region.desk(GYM);
    let card = region.card(false).await;
    let mut person = region.person(GYM, &card);
    person["address"] = json!({ "postalCode": "9050", "city": "Overstroom" });
    desk.registers(&person).await.refused_saying(403, "auth/forbidden", "andere gemeentes");
    let terms = json!({ "groups": ["unauthorised-registration"], "otherMunicipalities": true });
    region.ksb().sets_terms(GYM, terms).await.done();
    desk.registers(&person).await.holder();
}

/// R-REG-06: a voucher is spent once; unknown and expired ones are refused.
#[tokio::test]
async fn a_voucher_is_spent_once() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let path = "/admin/v1/card-systems/1";
    let prices = json!([
        { "fromAge": 0, "untilAge": 17, "regular": 2, "withSocialStatus": 0 },
        { "fromAge": 18, "regular": 5, "withSocialStatus": 1 },
    ]);
    ksb.puts(&format!("{path}/prices"), prices).await.done();
    let gap = json!([{ "fromAge": 1, "regular": 2, "withSocialStatus": 0 }]);
    ksb.puts(&format!("{path}/prices"), gap).await.wrong("/brackets");
    let vouchers = format!("{path}/vouchers");
    for (code, until) in [("ZOMER", in_days(0)), ("LENTE", in_days(-1))] {
        let voucher = json!({ "code": code, "off": 3, "until": until });
        ksb.posts(&vouchers, voucher.clone()).await.done();
        ksb.posts(&vouchers, voucher).await.refused(400, "own/voucher-exists");
    }
    let mut person = region.person(THEATRE, &region.card(false).await);
    for (code, words) in [("HERFST", "kennen"), ("LENTE", "geldig tot en met")] {
        person["registrationVoucher"] = code.into();
        let answer = desk.registers(&person).await;
        answer.refused_saying(400, "uitpas/invalid-voucher-code", words);
    }
    person["registrationVoucher"] = "ZOMER".into();
    desk.registers(&person).await.holder();
    let mut next = region.person(THEATRE, &region.card(false).await);
    next["registrationVoucher"] = "ZOMER".into();
    desk.registers(&next).await.refused_saying(400, "uitpas/invalid-voucher-code", "al gebruikt");
}

/// R-CRD-01: only a card in local stock, of a card system that the counter works for.
#[tokio::test]
async fn only_a_card_in_the_local_stock_of_the_region_is_given() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let waiting = region.number(false);
    region.ksb().takes_in(&waiting, json!({ "stage": "stock" })).await.done();
    let foreign = region.number(false);
    region.ksb_of(2).takes_in(&foreign, json!({})).await.done();
    let held = region.passholder().await.card;
    for (card, kind) in [
        (region.number(false), "uitpas/invalid-card"),
        (waiting, "uitpas/invalid-card-status"),
        (foreign, "uitpas/invalid-card"),
        (held, "uitpas/invalid-card-status"),
    ] {
        desk.registers(&region.person(THEATRE, &card)).await.refused(400, kind);
    }
    let card = region.card(false).await;
    let mut elsewhere = region.person(THEATRE, &card);
    elsewhere["registrationOrganizer"]["id"] = ELSEWHERE.into();
    desk.registers(&elsewhere).await.refused(403, "auth/forbidden");
    elsewhere["registrationOrganizer"]["id"] = "nergens".into();
    desk.registers(&elsewhere).await.refused(400, "uitpas/organizer-not-found");
    let mut other_system = region.person(THEATRE, &card);
    other_system["registrationCardSystemId"] = 2.into();
    desk.registers(&other_system).await.refused(400, "uitpas/invalid-card");
}

/// R-CRD-01: a card of one region makes nobody a member of another, whichever is asked for.
#[tokio::test]
async fn a_card_is_not_one_of_another_card_system() {
    let region = Region::new().await;
    let owner = region.owner();
    let address = json!({ "postalCode": "9981", "city": "Meerdal" });
    let profile = json!({ "name": "Beide", "address": address, "cardSystems": [1, 2] });
    owner.puts("/admin/v1/counters/beide", profile).await.done();
    let terms = json!({ "groups": ["authorised-registration"], "otherMunicipalities": true });
    for system in [1, 2] {
        region.ksb_of(system).sets_terms("beide", terms.clone()).await.done();
    }
    let member = json!({ "kind": "member" });
    region.ksb().puts("/admin/v1/counters/beide/staff/beide-member", member).await.done();
    let card = region.card(false).await;
    let mut person = region.person("beide", &card);
    person["registrationCardSystemId"] = 2.into();
    region.desk("beide").registers(&person).await.refused(400, "uitpas/invalid-card");
    person["registrationCardSystemId"] = 1.into();
    region.desk("beide").registers(&person).await.holder();
}

/// R-CRD-01: a digital card is made on the spot.
#[tokio::test]
async fn a_digital_card_is_active_at_once() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    let mut person = region.person(THEATRE, "");
    person["registrationCardType"] = "DIGITAL".into();
    person["registrationUitpasNumber"] = Value::Null;
    person["socialTariffProof"] = "individual-decision".into();
    let holder = desk.registers(&person).await.holder();
    assert_eq!(&holder.card[11..12], "1");
    let pass = region.desk(YOUTH).identifies(&holder.card).await.ok();
    assert_eq!(pass["passholderId"], holder.id);
    assert_eq!(pass["socialTariff"]["status"], "ACTIVE");
}

/// R-SOC-05, R-SOC-01, R-CRD-07: changing what is known, and moving the end of the status.
#[tokio::test]
async fn details_are_replaced_and_social_status_is_extended() {
    let region = Region::new().await;
    let (theatre, gym) = (region.desk(THEATRE), region.desk(GYM));
    let holder = region.entitled().await;
    let known = theatre.reads(&holder).await.ok();
    let mut person = known.clone();
    person["name"] = "Elbeek".into();
    person["email"] = Value::Null;
    person["optInPreferences"]["post"] = true.into();
    gym.changes(&holder, &person).await.done();
    let changed = theatre.reads(&holder).await.ok();
    assert_eq!((&changed["name"], &changed["email"]), (&json!("Elbeek"), &Value::Null));
    assert_eq!(changed["optInPreferences"]["post"], true);

    region.desk(YOUTH).changes(&holder, &person).await.refused_saying(
        403,
        "auth/forbidden",
        "geen rechten",
    );
    region.desk(ELSEWHERE).changes(&holder, &person).await.refused(403, "auth/forbidden");

    let mut moved = person.clone();
    moved["address"] = json!({ "postalCode": "9050", "city": "Overstroom" });
    theatre.changes(&holder, &moved).await.refused_saying(
        400,
        "own/upgrade-needed",
        "buiten de regio",
    );

    let later = NaiveDate::from_ymd_opt(today().year() + 2, 4, 30).expect("a day");
    person["registrationSocialTariffEndDate"] = json!(later);
    let before = region.position().await;
    gym.changes(&holder, &person).await.refused_saying(403, "auth/forbidden", "kansenstatuut");
    assert_eq!(region.position().await, before);
    theatre.changes(&holder, &person).await.done();
    let status = &theatre.reads(&holder).await.ok()["cardSystemMemberships"][0]["socialTariff"];
    assert_eq!(status["endDate"], format!("{later}T23:59:59+02:00"));
    person["registrationSocialTariffEndDate"] = json!(in_days(30));
    theatre.changes(&holder, &person).await.refused_saying(400, "own/social-status", "loopt al");
    let regular = region.passholder().await;
    let mut person = theatre.reads(&regular).await.ok();
    person["registrationSocialTariffEndDate"] = json!(later);
    theatre.changes(&regular, &person).await.refused_saying(
        400,
        "own/social-status",
        "geen kansenstatuut",
    );
    let nobody = crate::region::Holder { id: uuid::Uuid::nil().to_string(), card: String::new() };
    theatre.changes(&nobody, &person).await.refused(404, "uitpas/passholder-not-found");
    theatre.reads(&nobody).await.refused(404, "uitpas/passholder-not-found");
}

/// R-CTR-04: lists are for registration counters and the KSB; one pass by its number, for all.
#[tokio::test]
async fn registration_counters_search_lists() {
    let region = Region::new().await;
    let desk = region.desk(THEATRE);
    for (first_name, name, street) in [
        ("Zoë", "Çelik", "Kerkstraat 1"),
        ("Jan", "Aerts", "Kerkstraat 2"),
        ("An", "Celis", "Dam 3"),
    ] {
        let mut person = region.person(THEATRE, &region.card(false).await);
        person["firstName"] = first_name.into();
        person["name"] = name.into();
        person["address"]["street"] = street.into();
        desk.registers(&person).await.holder();
    }
    let elsewhere = region.entitled_elsewhere().await;
    let names = |page: Value| -> Vec<String> {
        list(&page["member"]).iter().map(|found| text(&found["name"]).to_owned()).collect()
    };
    for (query, expected) in [
        ("", vec!["Aerts", "Çelik", "Celis"]),
        ("sort[name]=desc", vec!["Celis", "Çelik", "Aerts"]),
        ("name=cel", vec!["Çelik", "Celis"]),
        ("name=CEL&firstName=zoe", vec!["Çelik"]),
        ("address.street=kerk*", vec!["Aerts", "Çelik"]),
        ("address.city=meerdal&start=1&limit=1", vec!["Çelik"]),
        ("dateOfBirthFrom=1990-07-22", vec![]),
        ("email=nele@*&limit=0", vec![]),
        ("name=", vec!["Aerts", "Çelik", "Celis"]),
    ] {
        assert_eq!(names(desk.searches(query).await.ok()), expected, "{query}");
    }
    assert_eq!(desk.searches("start=1&limit=1").await.ok()["totalItems"], 3);
    region.desk(YOUTH).searches("name=cel").await.refused(403, "auth/forbidden");
    let by_number =
        region.desk(YOUTH).searches(&format!("uitpasNumber={}", elsewhere.card)).await.ok();
    assert_eq!(by_number["member"][0]["id"], elsewhere.id);
    let unknown = region.number(false);
    let none = desk.searches(&format!("uitpasNumber={unknown}")).await.ok();
    assert_eq!(none, json!({ "totalItems": 0, "member": [] }));
    desk.searches(&format!("organizerId={ELSEWHERE}")).await.refused(403, "auth/forbidden");
    desk.searches("organizerId=nergens").await.refused(400, "uitpas/organizer-not-found");
    desk.searches("schoolId=nergens").await.refused(400, "uitpas/school-not-found");
    assert_eq!(desk.searches("schoolId=*").await.ok()["totalItems"], 0);
    desk.searches("uitpasNumber=0930000237912").await.refused(400, "uitpas/invalid-uitpas-number");
    desk.searches("inszNumber=83030201541").await.refused(400, "uitpas/invalid-insz-number");
}
