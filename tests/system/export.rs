//! All that is held about a passholder, for himself and for the KSB of one of his card systems.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::private::jpeg;
use crate::region::{
    Desk, ELSEWHERE, Holder, Region, THEATRE, YOUTH, born_years_ago, in_days, insz, list, text,
};

impl Desk {
    async fn exports(&self, id: &str) -> Answer {
        self.gets(&format!("/admin/v1/passholders/{id}/export")).await
    }
}

/// Somebody who did everything that leaves a trace.
struct Busy {
    holder: Holder,
    at_home: Desk,
    /// Blocked since.
    first_card: String,
    child: Holder,
    /// His answer to a check-in that stands, and to a ticket and a reward that were put right.
    check_in: Value,
    sale: Value,
    redeemed: Value,
}

async fn busy(region: &Region) -> Busy {
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let welcome = ksb.welcomes_with("Welkom in Meerdal").await;
    let card = region.card(true).await;
    let mut person = region.person(THEATRE, &card);
    person["name"] = "Wolkenstein".into();
    person["firstName"] = "Hildegarde".into();
    person["phoneNumber"] = "0498 76 54 32".into();
    person["socialTariffProof"] = "living-wage".into();
    person["registrationNote"] = "Komt met krukken".into();
    person["registrationPicture"] = STANDARD.encode(jpeg("Wolkenstein")).into();
    let holder = desk.registers(&person).await.holder();
    let at_home = region.oneself("hildegarde", Some(text(&person["inszNumber"])));

    let (first, second) =
        (region.activity(THEATRE, 10.0).await, region.activity(THEATRE, 5.0).await);
    let check_in = desk.checks_in(&card, &first).await.created();
    let sold = desk.sells(&card, &second, 5.0).await.ok();
    let sale = list(&sold)[0].clone();
    desk.cancels(&sale).await.done();
    let taken = desk.redeems(&welcome, &card).await.created();
    let coffee = ksb.makes_reward(json!({})).await.ok();
    let redeemed = desk.redeems(&coffee, &card).await.created();
    assert_ne!(redeemed["id"], taken["id"]);
    ksb.gives_back(&redeemed).await.done();
    let suspend = json!({ "action": "suspend", "until": in_days(5), "reason": "Ruzie" });
    ksb.decides_on(&holder, suspend).await.done();

    let mut child = region.person(THEATRE, &region.card(false).await);
    child["name"] = "Zilvermeeuw".into();
    child["dateOfBirth"] = json!(born_years_ago(7));
    child["inszNumber"] = insz(born_years_ago(7), 500).into();
    child["parentalConsent"] = true.into();
    let child = desk.registers(&child).await.holder();
    let path = format!("/v4/passholders/{}/family-members", holder.id);
    let added = desk.posts(&path, json!({ "uitpasNumber": child.card })).await;
    assert_eq!(added.status, 201, "{}", added.text());

    let likes = json!({
        "serviceMails": true, "milestoneMails": true, "infoMails": false, "sms": false, "post": true,
    });
    let mut changed = desk.reads(&holder).await.ok();
    changed["optInPreferences"] = likes;
    desk.changes(&holder, &changed).await.done();
    desk.blocks(&holder, "replace", "loss").await.done();
    let second_card = region.card(true).await;
    desk.replaces(&holder, &second_card).await.created();
    let (holder, first_card) = (Holder { card: second_card, ..holder }, card);
    Busy { holder, at_home, first_card, child, check_in, sale, redeemed }
}

/// R-PRV-01, R-AUD-01: the details, memberships and preferences, the cards, the note, the picture, the
/// family, points, tickets and rewards with what was put right, and every event, opened.
#[tokio::test]
async fn whatever_is_held_about_somebody_is_there() {
    let region = Region::new().await;
    let busy = busy(&region).await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let before = region.position().await;
    let answer = ksb.exports(&busy.holder.id).await;
    let held = answer.ok();
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    assert_eq!(region.position().await, before, "asking leaves no trace");
    assert_eq!(held["position"], json!(before));

    assert_eq!(held["passholder"], desk.reads(&busy.holder).await.ok());
    for (pointer, expected) in [
        ("/passholder/name", json!("Wolkenstein")),
        ("/passholder/phoneNumber", json!("0498 76 54 32")),
        ("/passholder/address/street", json!("Molenweg 7")),
        ("/passholder/optInPreferences/post", json!(true)),
        ("/passholder/cardSystemMemberships/0/cardSystem/id", json!(1)),
        ("/passholder/cardSystemMemberships/0/socialTariff/status", json!("SUSPENDED")),
        ("/consents/legalTermsDigital", json!(true)),
        ("/consents/legalTermsPaper", json!(false)),
        ("/consents/parentalConsent", json!(false)),
        ("/note", json!("Komt met krukken")),
        ("/picture/contentType", json!("image/jpeg")),
        ("/picture/content", json!(STANDARD.encode(jpeg("Wolkenstein")))),
        ("/family/0/passholderId", json!(busy.child.id)),
        ("/families", json!([])),
        ("/rewards/1/title", json!("Welkom in Meerdal")),
    ] {
        assert_eq!(held.pointer(pointer), Some(&expected), "{pointer}");
    }
    let mut cards: Vec<_> = list(&held["cards"]);
    cards.sort_by_key(|card| text(&card["status"]).to_owned());
    let expected = [("ACTIVE", &busy.holder.card), ("BLOCKED", &busy.first_card)];
    let expected =
        expected.map(|(status, number)| json!({ "uitpasNumber": number, "status": status }));
    assert_eq!(cards, expected);

    let of = |list_name: &str, id: &Value| {
        let all = list(&held[list_name]);
        all.iter().find(|row| row["id"] == *id).cloned().unwrap_or_else(|| panic!("{all:?}"))
    };
    assert_eq!(list(&held["checkins"]).len(), 2, "the ticket gave one too");
    assert_eq!(of("checkins", &busy.check_in["id"])["points"], 1);
    let put_right = list(&held["checkins"]);
    let put_right = put_right.iter().filter(|row| row["correctedAt"].is_string());
    assert_eq!(put_right.count(), 1);
    let sale = of("ticketSales", &busy.sale["id"]);
    assert_eq!((&sale["regularPrice"], &sale["paid"]), (&json!(5.0), &json!(1.0)));
    assert!(sale["cancelledAt"].is_string());
    assert!(of("rewards", &busy.redeemed["id"])["cancelledAt"].is_string());

    // Every event of his stream and of his cards, each with what was sealed in it.
    let events = list(&held["events"]);
    let kind = |event: &Value| {
        let content = event["content"].as_object().expect("an event");
        content.keys().next().expect("a name").clone()
    };
    let kinds: Vec<_> = events.iter().map(kind).collect();
    for expected in [
        "Registered",
        "WelcomeRewardGranted",
        "PrivateNoteSet",
        "PictureSet",
        "CheckedIn",
        "TicketSold",
        "TicketSaleCancelled",
        "CheckInCorrected",
        "RewardRedeemed",
        "RedemptionCancelled",
        "SocialStatusSuspended",
        "FamilyMemberAdded",
        "PreferencesSet",
        "CardBlocked",
        "CardGiven",
        "Assigned",
        "Blocked",
    ] {
        assert!(kinds.iter().any(|kind| kind == expected), "no {expected} in {kinds:?}");
    }
    let log: i64 = sqlx::query_scalar(
        "select count(*) from log.events where aggregate_id = $1 and aggregate_type = 'passholder'",
    )
    .bind(&busy.holder.id)
    .fetch_one(&mut region.superuser().await)
    .await
    .expect("a count");
    let stream = json!(format!("passholder/{}", busy.holder.id));
    let own = events.iter().filter(|event| event["stream"] == stream);
    assert_eq!(own.count() as i64, log);
    let opened: String = events.iter().map(|event| event["content"].to_string()).collect();
    for sealed in ["Hildegarde", "Ruzie", "Komt met krukken"] {
        assert!(opened.contains(sealed), "{sealed} is not opened");
    }

    // Of others no more than the id; not who of the staff it was.
    for other in ["Zilvermeeuw", &busy.child.card, "theater-member", "ksb-1"] {
        assert!(!answer.text().contains(other), "{other} is there");
    }
    let of_child = ksb.exports(&busy.child.id).await.ok();
    assert_eq!(of_child["families"][0]["passholderId"], json!(busy.holder.id));
    assert_eq!((&of_child["consents"]["parentalConsent"], &of_child["note"]), {
        (&json!(true), &Value::Null)
    });
    assert!(!of_child.to_string().contains("Wolkenstein"));
}

/// R-PRV-01, R-KSB-03: for himself and for the KSB of one of his card systems; nobody else, and of an
/// erased one there is nothing.
#[tokio::test]
async fn nobody_else_gets_it_and_of_an_erased_one_there_is_nothing() {
    let region = Region::new().await;
    let busy = busy(&region).await;
    let id = busy.holder.id.as_str();
    let but_for_the_hour = |mut held: Value| {
        held["madeAt"].take();
        held
    };
    let by_ksb = region.ksb().exports(id).await.ok();
    for own in ["me", id] {
        let held = busy.at_home.exports(own).await.ok();
        assert_eq!(but_for_the_hour(held), but_for_the_hour(by_ksb.clone()), "{own}");
    }
    let (other, other_at_home) = region.someone_at_home().await;
    assert_eq!(other_at_home.exports("me").await.ok()["passholder"]["id"], json!(other.id));
    for stranger in [
        other_at_home.exports(id).await,
        busy.at_home.exports(&busy.child.id).await,
        region.desk(THEATRE).exports(id).await,
        region.admin_of(THEATRE).exports(id).await,
        region.desk(YOUTH).exports(id).await,
        region.desk(ELSEWHERE).exports(id).await,
        region.ksb_of(2).exports(id).await,
        region.client_of(THEATRE).await.exports(id).await,
    ] {
        stranger.refused(403, "auth/forbidden");
        assert!(!stranger.text().contains("Wolkenstein"));
    }
    region.stranger().exports(id).await.refused(401, "auth/unauthorized");
    let nobody = uuid::Uuid::nil().to_string();
    region.ksb().exports(&nobody).await.refused(404, "uitpas/passholder-not-found");

    region.ksb().erases(&busy.holder).await.done();
    let gone = region.ksb().exports(id).await;
    gone.refused(404, "uitpas/passholder-not-found");
    let himself = busy.at_home.exports("me").await;
    let of_child = region.ksb().exports(&busy.child.id).await;
    assert_eq!(of_child.ok()["families"], json!([]));
    for answer in [&gone, &himself, &of_child] {
        for word in ["Wolkenstein", "Hildegarde", "krukken", "0498 76"] {
            assert!(!answer.text().contains(word), "{word} in {}", answer.text());
        }
    }
    assert!(himself.status >= 400, "{}", himself.text());
}
