//! Memberships of associations, as a counter grants, renews and stops them.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::region::{
    Desk, ELSEWHERE, GYM, Holder, Region, THEATRE, YOUTH, at_noon, born_years_ago, in_days, list,
    text,
};

/// R-ASC-01: granted, renewed at any time to a later day, stopped.
#[tokio::test]
async fn a_counter_grants_renews_and_stops_the_memberships_it_may_grant() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(YOUTH), region.ksb());
    let holder = region.passholder().await;
    let scouts = ksb.defines_association(json!({})).await.created();
    let name = json!({ "id": scouts["id"], "name": "Scouts", "endDateType": "CUSTOM" });

    let write = format!("/v4/associations?organizerId={YOUTH}&permission=WRITE");
    assert_eq!(desk.gets(&write).await.ok(), json!({ "totalItems": 1, "member": [name] }));
    let reading = region.desk(GYM);
    let read = format!("/v4/associations?organizerId={GYM}&permission=READ");
    assert_eq!(reading.gets(&read).await.ok()["totalItems"], 1);
    let write = format!("/v4/associations?organizerId={GYM}&permission=WRITE");
    assert_eq!(reading.gets(&write).await.ok()["totalItems"], 0);
    desk.gets(&write).await.refused(403, "auth/forbidden");

    let possible = desk.memberships_of(&holder).await.ok();
    assert_eq!(possible[0]["association"], name);
    assert_eq!(
        (&possible[0]["status"], &possible[0]["renewable"]),
        (&json!("NONE"), &json!(false))
    );
    assert!(possible[0]["newEndDate"].is_string() && possible[0].get("endDate").is_none());
    assert_eq!(reading.memberships_of(&holder).await.ok(), json!([]));

    let until = |day| json!({ "association": { "id": scouts["id"] }, "endDate": day });
    desk.joins(&holder, until(Value::Null)).await.wrong("/endDate");
    desk.joins(&holder, until(json!(in_days(-1))))
        .await
        .refused(400, "own/association-membership-past");
    reading.joins(&holder, until(json!(in_days(20)))).await.refused(403, "auth/forbidden");
    let answer = desk.joins(&holder, until(json!(in_days(20)))).await;
    assert_eq!((answer.status, answer.text().as_str()), (201, ""));
    let member = desk.memberships_of(&holder).await.ok();
    let expected = (&json!("ACTIVE"), &json!(in_days(20)), &json!(true), &json!(true));
    let of = |field: &str| member[0][field].clone();
    assert_eq!((&of("status"), &of("endDate"), &of("renewable"), &of("endsSoon")), expected);
    assert_eq!(reading.memberships_of(&holder).await.ok()[0]["status"], "ACTIVE");

    let ending = list(&desk.ending_memberships().await.ok());
    assert_eq!((ending.len(), &ending[0]["name"]), (1, &json!("Vandermeer")));
    assert_eq!(ending[0]["uitpasNumber"], holder.card);
    assert_eq!(list(&reading.ending_memberships().await.ok()).len(), 1);
    assert_eq!(region.desk(THEATRE).ending_memberships().await.ok(), json!([]));

    let same = desk.joins(&holder, until(json!(in_days(20)))).await;
    same.refused(400, "uitpas/association-membership-renew-not-possible");
    assert_eq!(desk.joins(&holder, until(json!(in_days(100)))).await.status, 201);
    let renewed = desk.memberships_of(&holder).await.ok();
    assert_eq!(
        (&renewed[0]["endDate"], &renewed[0]["endsSoon"]),
        (&json!(in_days(100)), &json!(false))
    );
    assert_eq!(desk.ending_memberships().await.ok(), json!([]));

    reading.leaves_association(&holder, &scouts).await.refused(403, "auth/forbidden");
    desk.leaves_association(&holder, &scouts).await.done();
    desk.leaves_association(&holder, &scouts)
        .await
        .refused(404, "own/association-membership-not-found");
    assert_eq!(desk.memberships_of(&holder).await.ok()[0]["status"], "NONE");
    assert_eq!(reading.memberships_of(&holder).await.ok(), json!([]));
    let differences = region.app.projections.verify(None, |_| {}).await.expect("verified");
    assert!(differences.is_empty(), "{differences:?}");
}

/// R-ASC-01: passholders are found by their association, at a counter that sees it.
#[tokio::test]
async fn passholders_are_found_by_their_association() {
    let region = Region::new().await;
    let (youth, gym, ksb) = (region.desk(YOUTH), region.desk(GYM), region.ksb());
    let (member, _) = (region.passholder().await, region.passholder().await);
    let scouts = ksb.defines_association(json!({})).await.created();
    let until = json!({ "association": { "id": scouts["id"] }, "endDate": in_days(20) });
    assert_eq!(youth.joins(&member, until).await.status, 201);
    let by = format!("associationId={}", text(&scouts["id"]));
    let found = async |desk: &Desk, more: &str| {
        let page = desk.searches(&format!("{by}{more}")).await.ok();
        list(&page["member"]).iter().map(|one| text(&one["id"]).to_owned()).collect::<Vec<_>>()
    };
    let (all, nobody) = (vec![member.id.clone()], Vec::<String>::new());
    for (more, expected) in [
        ("", &all),
        ("&associationMembershipStatus=ACTIVE", &all),
        ("&associationMembershipStatus=ALL", &all),
        ("&associationMembershipStatus=EXPIRED", &nobody),
        ("&name=Niemand", &nobody),
    ] {
        assert_eq!(&found(&gym, more).await, expected, "{more}");
    }
    assert_eq!(found(&ksb, "").await, all);

    region.app.clock.turn_to(at_noon(in_days(21)));
    assert_eq!(found(&gym, "").await, nobody);
    assert_eq!(found(&gym, "&associationMembershipStatus=EXPIRED").await, all);
}

/// R-ASC-01, R-CTR-04: not by one that the counter does not see, nor by one that is not there.
#[tokio::test]
async fn who_sees_no_association_finds_nobody_by_it() {
    let region = Region::new().await;
    let scouts = region.ksb().defines_association(json!({})).await.created();
    let by = format!("associationId={}", text(&scouts["id"]));
    for counter in [THEATRE, ELSEWHERE] {
        region.desk(counter).searches(&by).await.refused(403, "auth/forbidden");
    }
    let gym = region.desk(GYM);
    let unknown = format!("associationId={}", uuid::Uuid::nil());
    gym.searches(&unknown).await.refused(400, "uitpas/association-not-found");
    gym.searches("associationId=scouts").await.wrong_query("associationId");
    let alone = "associationMembershipStatus=ALL";
    gym.searches(alone).await.wrong_query("associationId");
}

/// R-ASC-01: the rule of the association says until when.
#[tokio::test]
async fn the_end_date_is_proposed_by_the_rule() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(YOUTH), region.ksb());
    let holder = region.passholder().await;
    let rule = |rule: Value| json!({ "endRule": rule });
    let months = rule(json!({ "type": "monthsFromRegistration", "months": 12 }));
    let months = ksb.defines_association(months).await.created();
    let join = |association: &Value| json!({ "association": { "id": association["id"] } });
    assert_eq!(desk.joins(&holder, join(&months)).await.status, 201);
    let member = desk.memberships_of(&holder).await.ok();
    assert_eq!((&member[0]["status"], &member[0]["renewable"]), (&json!("ACTIVE"), &json!(false)));
    desk.joins(&holder, join(&months))
        .await
        .refused(400, "uitpas/association-membership-renew-not-possible");

    let birthday = rule(json!({ "type": "dayBeforeBirthday", "age": 26 }));
    let birthday = ksb.defines_association(birthday).await.created();
    let mut young = region.person(THEATRE, &region.card(false).await);
    young["dateOfBirth"] = json!(born_years_ago(20));
    young["inszNumber"] = Value::Null;
    let young = region.desk(THEATRE).registers(&young).await.holder();
    assert_eq!(desk.joins(&young, join(&birthday)).await.status, 201);
    let old = desk.joins(&holder, join(&birthday)).await;
    old.refused(400, "own/association-membership-past");
    let rows = list(&desk.memberships_of(&holder).await.ok());
    assert_eq!(rows.len(), 1, "what cannot be granted is not offered: {rows:?}");
}

/// R-ASC-01, R-KSB-03: of its own card system, and only by its KSB.
#[tokio::test]
async fn only_the_ksb_defines_associations() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(YOUTH), region.ksb());
    desk.defines_association(json!({})).await.refused(403, "auth/forbidden");
    ksb.defines_association(json!({ "cardSystemId": 2 })).await.refused(403, "auth/forbidden");
    let foreign = json!({ "registrars": [ELSEWHERE] });
    ksb.defines_association(foreign).await.refused(400, "own/counter-card-system");
    let never = json!({ "endRule": { "type": "monthsFromRegistration", "months": 0 } });
    ksb.defines_association(never).await.wrong("/endRule");
    let scouts = ksb.defines_association(json!({})).await.created();
    let path = format!("/admin/v1/associations/{}", text(&scouts["id"]));
    let renamed = ksb.association(json!({ "name": "Chiro", "registrars": [] }));
    region.ksb_of(2).puts(&path, renamed.clone()).await.refused(403, "auth/forbidden");
    ksb.puts(&path, renamed).await.done();
    let listed = ksb.gets("/admin/v1/card-systems/1/associations").await.ok();
    assert_eq!((&listed[0]["name"], &listed[0]["registrars"]), (&json!("Chiro"), &json!([])));
    desk.gets("/admin/v1/card-systems/1/associations").await.refused(403, "auth/forbidden");

    let holder = region.passholder().await;
    let join = json!({ "association": { "id": scouts["id"] }, "endDate": in_days(9) });
    desk.joins(&holder, join).await.refused(403, "auth/forbidden");
    let unknown = json!({ "association": { "id": uuid::Uuid::nil() }, "endDate": in_days(9) });
    desk.joins(&holder, unknown).await.refused(400, "uitpas/association-not-found");
    let stranger = region.entitled_elsewhere().await;
    ksb.puts(&path, ksb.association(json!({}))).await.done();
    let join = json!({ "association": { "id": scouts["id"] }, "endDate": in_days(9) });
    desk.joins(&stranger, join)
        .await
        .refused(400, "uitpas/association-passholder-cardsystem-mismatch");
}

impl Desk {
    /// Granted by the youth centre until a day that it says, seen by the gym too; `more` replaces
    /// what it says.
    fn association(&self, more: Value) -> Value {
        let mut association = json!({
            "name": "Scouts", "cardSystemId": 1, "endRule": { "type": "byHand" },
            "readers": [GYM], "registrars": [YOUTH],
        });
        for (field, value) in more.as_object().expect("an object") {
            association[field] = value.clone();
        }
        association
    }

    pub async fn defines_association(&self, more: Value) -> Answer {
        self.posts("/admin/v1/associations", self.association(more)).await
    }

    fn memberships(&self, holder: &Holder) -> String {
        format!("/v4/passholders/{}/association-memberships", holder.id)
    }

    async fn memberships_of(&self, holder: &Holder) -> Answer {
        self.gets(&format!("{}?organizerId={}", self.memberships(holder), self.counter)).await
    }

    async fn joins(&self, holder: &Holder, membership: Value) -> Answer {
        let path = format!("{}?organizerId={}", self.memberships(holder), self.counter);
        self.posts(&path, membership).await
    }

    async fn leaves_association(&self, holder: &Holder, association: &Value) -> Answer {
        let (path, id) = (self.memberships(holder), text(&association["id"]));
        self.deletes(&format!("{path}/{id}?organizerId={}", self.counter)).await
    }

    async fn ending_memberships(&self) -> Answer {
        let path = "ending-association-memberships";
        self.gets(&format!("/admin/v1/counters/{}/{path}", self.counter)).await
    }
}
