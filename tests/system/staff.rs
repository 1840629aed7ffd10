//! Staff by e-mail address: `/organizers/{id}/admins`.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{Desk, ELSEWHERE, Region, THEATRE, list, text};

impl Desk {
    async fn appoints(&self, email: &str, kind: &str) -> Answer {
        let path = format!("/v4/organizers/{}/admins", self.counter);
        self.posts(&path, json!({ "email": email, "type": kind })).await
    }

    async fn dismisses(&self, subject: &str) -> Answer {
        self.deletes(&format!("/v4/organizers/{}/admins/{subject}", self.counter)).await
    }

    async fn staff(&self, query: &str) -> Answer {
        self.gets(&format!("/v4/organizers/{}/admins?{query}", self.counter)).await
    }
}

/// R-CTR-02: a counter admin appoints members by the e-mail address of a UiTID that has logged in;
/// admins are appointed by the KSB alone.
#[tokio::test]
async fn members_are_appointed_by_email_and_admins_by_the_ksb() {
    let region = Region::new().await;
    let (member, admin, ksb) = (region.desk(THEATRE), region.admin_of(THEATRE), region.ksb());
    let an = region.with_email("an", "An@Voorbeeld.example", true);
    admin.appoints("an@voorbeeld.example", "MEMBER").await.refused(400, "own/uitid-unknown");
    let unverified = region.with_email("an", "an@voorbeeld.example", false);
    unverified.gets("/v4/permissions").await.ok();
    admin.appoints("an@voorbeeld.example", "MEMBER").await.refused(400, "own/uitid-unknown");
    assert_eq!(an.gets("/v4/permissions").await.ok(), json!([]));

    let email = "AN@voorbeeld.example";
    member.appoints(email, "MEMBER").await.refused_saying(403, "auth/forbidden", "beheerder");
    let appointed = admin.appoints(email, "MEMBER").await.created();
    assert_eq!(appointed, json!({ "userId": "an", "email": email, "type": "MEMBER" }));
    let (holder, activity) = (region.passholder().await, region.activity(THEATRE, 5.0).await);
    an.checks_in(&holder.card, &activity).await.created();

    admin.appoints(email, "ADMIN").await.refused(403, "auth/forbidden");
    ksb.appoints(email, "ADMIN").await.created();
    admin.appoints(email, "MEMBER").await.refused(403, "auth/forbidden");
    admin.dismisses("an").await.refused(403, "auth/forbidden");
    ksb.dismisses("an").await.done();
    admin.dismisses("an").await.refused(404, "own/not-on-staff");
    an.checks_in(&holder.card, &region.activity(THEATRE, 5.0).await)
        .await
        .refused(403, "auth/forbidden");

    region.ksb_of(2).at(THEATRE).appoints(email, "MEMBER").await.refused(403, "auth/forbidden");
    admin.at(ELSEWHERE).appoints(email, "MEMBER").await.refused(403, "auth/forbidden");
    ksb.at("nergens").appoints(email, "MEMBER").await.refused(404, "uitpas/organizer-not-found");
    admin.appoints("geen adres", "MEMBER").await.wrong("/email");
    admin.appoints(email, "BOSS").await.wrong("/type");
    region.stranger().appoints(email, "MEMBER").await.refused(401, "auth/unauthorized");
}

/// R-CTR-02: whoever works at the counter sees the staff, and nobody else does.
#[tokio::test]
async fn the_staff_is_listed_for_the_staff() {
    let region = Region::new().await;
    let admin = region.admin_of(THEATRE);
    for (subject, email) in [("bo", "bo@voorbeeld.example"), ("cis", "cis@voorbeeld.example")] {
        region.with_email(subject, email, true).gets("/v4/permissions").await.ok();
        admin.appoints(email, "MEMBER").await.created();
    }
    let all = region.desk(THEATRE).staff("").await.ok();
    assert_eq!(all["totalItems"], 4);
    let of = |all: &Value| -> Vec<(String, Value)> {
        let person = |one: &Value| (text(&one["userId"]).to_owned(), one["email"].clone());
        list(&all["member"]).iter().map(person).collect()
    };
    assert_eq!(list(&all["member"])[0], json!({ "userId": "theater-admin", "type": "ADMIN" }));
    let page = admin.staff("start=1&limit=2").await.ok();
    let expected = [("bo", "bo@voorbeeld.example"), ("cis", "cis@voorbeeld.example")];
    let expected = expected.map(|(subject, email)| (subject.to_owned(), json!(email)));
    assert_eq!((of(&page), &page["totalItems"]), (expected.to_vec(), &json!(4)));
    admin.staff("limit=501").await.refused(400, "url/query-limit-exceeded");
    for other in [region.desk(ELSEWHERE), region.ksb_of(2)] {
        other.at(THEATRE).staff("").await.refused(403, "auth/forbidden");
    }
    region.ksb().staff("").await.ok();
}

/// R-PRV-01: addresses of staff stand in the log only sealed, and an address is one account's.
#[tokio::test]
async fn an_address_is_sealed_and_of_the_account_that_showed_it_last() {
    let region = Region::new().await;
    let admin = region.admin_of(THEATRE);
    let shows = |subject: &str, email: &str| {
        let desk = region.with_email(subject, email, true);
        async move { drop(desk.gets("/v4/permissions").await.ok()) }
    };
    shows("dirk", "dirk@voorbeeld.example").await;
    let position = region.position().await;
    shows("dirk", "dirk@voorbeeld.example").await;
    assert_eq!(region.position().await, position, "what is known is not written again");
    shows("dirk", "dirk@elders.example").await;
    admin.appoints("dirk@voorbeeld.example", "MEMBER").await.refused(400, "own/uitid-unknown");
    shows("els", "dirk@elders.example").await;
    let appointed = admin.appoints("dirk@elders.example", "MEMBER").await.created();
    assert_eq!(appointed["userId"], "els");
    let log = region.whole_log().await;
    assert!(log.contains("account els EmailShown") && !log.contains("voorbeeld.example"), "{log}");
}
