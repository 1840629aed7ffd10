//! Families: who saves points for whom.

use chrono::NaiveDate;
use reqwest::Method;
use serde_json::{Value, json};
use uitpas_api::guesses::GUESSES_MAX;

use crate::answer::Answer;
use crate::region::{Desk, Holder, Region, THEATRE, YOUTH, born_years_ago, insz, list, text};

/// Somebody with his own token.
struct Person {
    holder: Holder,
    born: String,
    at_home: Desk,
}

async fn person(region: &Region, name: &str, born: NaiveDate, serial: u32) -> Person {
    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    let number = insz(born, serial);
    person["firstName"] = name.into();
    person["dateOfBirth"] = json!(born);
    person["inszNumber"] = number.clone().into();
    person["parentalConsent"] = true.into();
    let holder = region.desk(THEATRE).registers(&person).await.holder();
    Person { holder, born: born.to_string(), at_home: region.oneself(name, Some(&number)) }
}

impl Desk {
    async fn adds(&self, family: &str, card: &str, born: &str) -> Answer {
        let member = json!({ "uitpasNumber": card, "dateOfBirth": born, "icon": "vos" });
        self.posts(&format!("/v4/passholders/{family}/family-members"), member).await
    }

    async fn family(&self, of: &str) -> Answer {
        self.gets(&format!("/v4/passholders/{of}/family-members")).await
    }

    async fn leaves(&self, family: &str, member: &str) -> Answer {
        self.deletes(&format!("/v4/passholders/{family}/family-members/{member}")).await
    }

    async fn families(&self, of: &str) -> Vec<Value> {
        list(&self.gets(&format!("/v4/passholders/{of}/families")).await.ok())
    }

    async fn scans_for(&self, whom: &str, code: &str) -> Answer {
        let path = format!("/v4/passholders/{whom}/checkins");
        self.posts(&path, json!({ "checkinCode": code })).await
    }
}

/// R-FAM-01, R-CHK-10, R-CHK-11: by number and date of birth a child is added; its mother saves
/// points for it, until either of them ends it.
#[tokio::test]
async fn a_mother_saves_points_for_her_child_until_either_ends_it() {
    let region = Region::new().await;
    let mother = person(&region, "Mirre", born_years_ago(40), 101).await;
    let child = person(&region, "Tuur", born_years_ago(7), 102).await;
    let (desk, nobody) = (region.desk(THEATRE), region.desk(YOUTH));
    let activity = region.activity(THEATRE, 5.0).await;
    let code = region.code_of(&activity).await;
    let refused = mother.at_home.scans_for(&child.holder.id, &code).await;
    refused.refused(403, "auth/forbidden");

    let added = mother.at_home.adds("me", &child.holder.card, &child.born).await;
    assert_eq!((added.status, added.text().as_str()), (201, ""));
    let again = mother.at_home.adds(&mother.holder.id, &child.holder.card, &child.born).await;
    again.refused_saying(400, "uitpas/family-member-already-added", "al in dit gezin");
    let own = mother.at_home.adds("me", &mother.holder.card, &mother.born).await;
    own.refused(400, "uitpas/family-member-already-added");
    let family = list(&mother.at_home.family("me").await.ok());
    let told: Vec<_> = family
        .iter()
        .map(|one| (&one["passholder"]["firstName"], &one["mainFamilyMember"], &one["icon"]))
        .collect();
    let expected = [("Mirre", true, Value::Null), ("Tuur", false, json!("vos"))];
    let expected = expected.map(|(name, main, icon)| (json!(name), json!(main), icon));
    assert_eq!(told, expected.iter().map(|(a, b, c)| (a, b, c)).collect::<Vec<_>>());
    assert_eq!(family[1]["uitpasNumber"], child.holder.card);
    // No more than it takes to tell them apart.
    assert_eq!(family[1]["passholder"].get("inszNumber"), None);
    assert_eq!(desk.family(&mother.holder.id).await.ok(), json!(family));
    // It is not mutual.
    assert_eq!(list(&child.at_home.family("me").await.ok()).len(), 1);
    let families = child.at_home.families("me").await;
    assert_eq!(
        (families.len(), &families[0]["passholderId"], &families[0]["firstName"]),
        (1, &json!(mother.holder.id), &json!("Mirre"))
    );
    assert_eq!(mother.at_home.families("me").await, [] as [Value; 0]);

    let saved = mother.at_home.scans_for(&child.holder.id, &code).await.created();
    assert_eq!(saved, json!({ "addedPoints": 1, "totalPoints": 1 }));
    // What was saved is shown to either, by id; what she saved herself not to the child.
    let history = |of: &Person| format!("/v4/passholders/{}/transactions", of.holder.id);
    assert_eq!(mother.at_home.gets(&history(&child)).await.ok()["totalItems"], 1);
    assert_eq!(child.at_home.gets(&history(&child)).await.ok()["totalItems"], 1);
    assert_eq!(mother.at_home.gets(&history(&mother)).await.ok()["totalItems"], 0);
    child.at_home.gets(&history(&mother)).await.refused(403, "auth/forbidden");
    let once = mother.at_home.scans_for(&child.holder.id, &code).await;
    once.refused(400, "uitpas/checkin-not-allowed");
    mother.at_home.scans_for("me", &code).await.created();
    for (who, whom) in [(&child, &mother), (&mother, &child)] {
        let expected = if who.holder.id == child.holder.id { 403 } else { 400 };
        let answer = who.at_home.scans_for(&whom.holder.id, &code).await;
        assert_eq!(answer.status, expected, "{}", answer.text());
    }
    desk.scans_for(&child.holder.id, &code).await.refused(403, "auth/forbidden");
    let check_ins = region.ksb().gets("/admin/v1/checkins").await.ok();
    let of_child = |row: &&Value| row["passholderId"] == json!(child.holder.id);
    let of_child: Vec<_> = list(&check_ins["member"]).iter().filter(of_child).cloned().collect();
    assert_eq!((of_child.len(), &of_child[0]["channel"]), (1, &json!("qr")));
    assert_eq!(of_child[0]["uitpasNumber"], child.holder.card);

    let path = format!("/v4/passholders/me/family-members/{}", child.holder.id);
    let changed = mother.at_home.puts(&path, json!({ "icon": "das" })).await;
    assert_eq!((changed.status, changed.text().as_str()), (202, ""));
    assert_eq!(mother.at_home.family("me").await.ok()[1]["icon"], "das");

    // Nobody else: not by his own token, not at a counter that does not register.
    let stranger = person(&region, "Rune", born_years_ago(30), 103).await;
    for (who, kind) in [(&stranger.at_home, "a stranger"), (&nobody, "a box office")] {
        for answer in [
            who.family(&mother.holder.id).await,
            who.adds(&mother.holder.id, &stranger.holder.card, &stranger.born).await,
            who.leaves(&mother.holder.id, &child.holder.id).await,
            who.call(Method::GET, &format!("/v4/passholders/{}/families", child.holder.id), None)
                .await,
        ] {
            assert_eq!(answer.status, 403, "{kind}: {}", answer.text());
        }
    }
    desk.family("me").await.refused(403, "auth/forbidden");

    // The child ends it, and the mother ends it after it was made anew at the counter.
    let main = mother.at_home.leaves("me", "me").await;
    main.refused(400, "own/main-family-member");
    assert_eq!(child.at_home.leaves(&mother.holder.id, "me").await.status, 202);
    let gone = child.at_home.leaves(&mother.holder.id, "me").await;
    gone.refused(404, "own/family-member-not-found");
    assert_eq!(child.at_home.families("me").await, [] as [Value; 0]);
    let refused = mother.at_home.scans_for(&child.holder.id, &code).await;
    refused.refused(403, "auth/forbidden");
    let path = format!("/v4/passholders/{}/family-members", mother.holder.id);
    let by_staff = desk.posts(&path, json!({ "uitpasNumber": child.holder.card })).await;
    assert_eq!(by_staff.status, 201, "{}", by_staff.text());
    assert_eq!(mother.at_home.leaves("me", &child.holder.id).await.status, 202);
    assert_eq!(list(&mother.at_home.family("me").await.ok()).len(), 1);
    assert_eq!(region.app.projections.verify(None, |_| {}).await.expect("a look"), []);
}

/// R-CHK-09, R-FAM-01: points stay with whom they were saved for, whatever becomes of the family.
#[tokio::test]
async fn no_point_moves_from_one_passholder_to_another() {
    let region = Region::new().await;
    let mother = person(&region, "Mirre", born_years_ago(40), 401).await;
    let child = person(&region, "Tuur", born_years_ago(7), 402).await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    mother.at_home.adds("me", &child.holder.card, &child.born).await;
    let activity = region.activity(THEATRE, 5.0).await;
    let code = region.code_of(&activity).await;
    mother.at_home.scans_for(&child.holder.id, &code).await.created();
    let balances =
        async || (desk.balance_of(&mother.holder).await, desk.balance_of(&child.holder).await);
    assert_eq!(balances().await, (0, 1));
    let reward = ksb.makes_reward(json!({})).await.ok();
    let with_her_card = desk.redeems(&reward, &mother.holder.card).await;
    with_her_card.refused(400, "uitpas/reward-passholder-points-constraint");
    assert_eq!(mother.at_home.leaves("me", &child.holder.id).await.status, 202);
    assert_eq!(balances().await, (0, 1));
    mother.at_home.adds("me", &child.holder.card, &child.born).await;
    ksb.erases(&child.holder).await.done();
    assert_eq!(desk.balance_of(&mother.holder).await, 0);
}

/// R-FAM-01: his registration token says as much as his date of birth; that of another does not.
#[tokio::test]
async fn a_registration_token_stands_for_the_date_of_birth() {
    let region = Region::new().await;
    let web = region.website().await;
    let mother = person(&region, "Mirre", born_years_ago(40), 111).await;
    let child = person(&region, "Tuur", born_years_ago(7), 112).await;
    let token = async |of: &Person| {
        let given = web.asks_token(&of.holder.card, &of.born).await.ok();
        text(&given["token"]).to_owned()
    };
    let adds = async |token: &str| {
        let request = mother.at_home.request(Method::POST, "/v4/passholders/me/family-members");
        let member = json!({ "uitpasNumber": child.holder.card });
        mother.at_home.send(request.header("x-registration-token", token).json(&member)).await
    };
    adds(&token(&mother).await).await.refused(400, "uitpas/passholder-not-found");
    adds("verzonnen").await.refused(401, "auth/unauthorized");
    assert_eq!(list(&mother.at_home.family("me").await.ok()).len(), 1);
    assert_eq!(adds(&token(&child).await).await.status, 201);
    assert_eq!(list(&mother.at_home.family("me").await.ok()).len(), 2);
}

/// R-FAM-01, R-PRV-02: which of number and date of birth is wrong is not told, and trying them all
/// takes too long.
#[tokio::test]
async fn number_and_date_of_birth_are_not_found_out_by_trying() {
    let region = Region::new().await;
    let mother = person(&region, "Mirre", born_years_ago(40), 201).await;
    let child = person(&region, "Tuur", born_years_ago(7), 202).await;
    let no_birth_date = json!({ "uitpasNumber": child.holder.card });
    let path = "/v4/passholders/me/family-members";
    mother.at_home.posts(path, no_birth_date).await.wrong("/dateOfBirth");
    let stock = region.card(false).await;
    let wrong_day = mother.at_home.adds("me", &child.holder.card, "2019-01-01").await;
    let wrong_day = wrong_day.refused(400, "uitpas/passholder-not-found");
    for number in [region.number(false), stock] {
        let wrong_number = mother.at_home.adds("me", &number, &child.born).await;
        assert_eq!(wrong_number.refused(400, "uitpas/passholder-not-found"), wrong_day);
    }
    let tries = 2 * GUESSES_MAX.get();
    let mut waits = None;
    for _ in 0..tries {
        let answer = mother.at_home.adds("me", &child.holder.card, "2018-01-01").await;
        if answer.status == 429 {
            waits = Some(answer);
            break;
        }
    }
    let waits = waits.expect("too many tries");
    waits.refused(429, "uitpas/rate-limited");
    assert!(waits.header("retry-after").is_some());
}

/// R-FAM-01, R-PRV-01: whoever is removed, on either side, is in no family any more.
#[tokio::test]
async fn removing_either_side_ends_the_link_everywhere() {
    let region = Region::new().await;
    let mother = person(&region, "Mirre", born_years_ago(40), 301).await;
    let child = person(&region, "Tuur", born_years_ago(7), 302).await;
    let father = person(&region, "Wannes", born_years_ago(41), 303).await;
    for parent in [&mother, &father] {
        parent.at_home.adds("me", &child.holder.card, &child.born).await;
        assert_eq!(list(&parent.at_home.family("me").await.ok()).len(), 2);
    }
    assert_eq!(child.at_home.families("me").await.len(), 2);
    region.ksb().erases(&father.holder).await.done();
    let left = child.at_home.families("me").await;
    assert_eq!((left.len(), text(&left[0]["firstName"])), (1, "Mirre"));
    child.at_home.deletes("/v4/passholders/me").await.done();
    assert_eq!(list(&mother.at_home.family("me").await.ok()).len(), 1);
    region.app.wait_for_head("families").await.expect("it is followed");
    let mut connection = region.superuser().await;
    let links: i64 = sqlx::query_scalar("select count(*) from views.family_links")
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(links, 0);
    assert_eq!(region.app.projections.verify(None, |_| {}).await.expect("a look"), []);
}
