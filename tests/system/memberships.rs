//! Joining another card system, granting and ending social status by another card, and the prices.

use serde_json::{Value, json};
use uitpas_api::guesses::GUESSES_MAX;

use crate::answer::Answer;
use crate::region::{Desk, ELSEWHERE, GYM, Holder, Region, THEATRE, in_days, list, text};

/// R-CRD-08, R-CRD-09, R-CRD-10: the social status moves along, the old region is told to block.
#[tokio::test]
async fn someone_who_moves_takes_the_social_status_to_the_new_region() {
    let region = Region::new().await;
    let (desk, ksb) = (elsewhere_for_all(&region).await, region.ksb_of(2));
    let welcome = ksb.welcomes_with("Welkom in Overstroom").await;
    let prices = json!({ "replacement": 1.5, "upgrade": 2 });
    ksb.puts("/admin/v1/card-systems/2/administrative-prices", prices).await.done();
    ksb.posts(
        "/admin/v1/card-systems/2/vouchers",
        json!({ "code": "VERHUISD", "off": 0.5, "until": in_days(1) }),
    )
    .await
    .done();
    let holder = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    region.desk(THEATRE).checks_in(&holder.card, &activity).await.created();

    let preview = desk.previews(&holder, 2, true).await.ok();
    assert_eq!(preview["type"], "NEW_MEMBERSHIP");
    assert_eq!(preview["addressChangeRequired"], true);
    assert_eq!(preview["replacedMembership"]["cardSystem"]["id"], 1);
    assert!(text(&preview["socialTariffEndDate"]).ends_with("-04-30"));
    assert_eq!(desk.price(&holder, 2, "&voucher=VERHUISD").await.ok()["price"], 1.5);
    desk.price(&holder, 2, "&voucher=ANDERE").await.refused_saying(
        400,
        "uitpas/invalid-voucher-code",
        "kennen",
    );

    let card = card_of_two(&region, true).await;
    let status = json!({ "proof": "living-wage" });
    let staying = json!({ "uitpasNumber": card, "socialTariff": status });
    desk.takes_up(&holder, 2, staying).await.refused(400, "uitpas/invalid-city");
    let address = json!({ "street": "Dorp 1", "postalCode": "9050", "city": "Overstroom" });
    let moving = json!({
        "uitpasNumber": card, "socialTariff": status, "address": address, "voucher": "VERHUISD",
    });
    let regular = card_of_two(&region, false).await;
    let wrong = json!({ "uitpasNumber": regular, "socialTariff": status, "address": address });
    desk.takes_up(&holder, 2, wrong).await.refused_saying(400, "uitpas/invalid-card", "cijfer 1");
    desk.takes_up(&holder, 2, moving.clone()).await.has_created();
    desk.takes_up(&holder, 2, moving).await.refused(400, "uitpas/passholder-new-membership-error");

    let known = desk.reads(&holder).await.ok();
    assert_eq!((&known["points"], &known["address"]["city"]), (&json!(1), &json!("Overstroom")));
    let [old, new] = &list(&known["cardSystemMemberships"])[..] else { panic!("{known}") };
    assert_eq!((&old["socialTariff"], &old["uitpasNumber"]), (&Value::Null, &json!(holder.card)));
    assert_eq!(
        (&new["socialTariff"]["status"], &new["uitpasNumber"]),
        (&json!("ACTIVE"), &json!(card))
    );
    desk.price(&holder, 2, "&voucher=VERHUISD").await.refused_saying(
        400,
        "uitpas/invalid-voucher-code",
        "al gebruikt",
    );
    desk.redeems(&welcome, &card).await.created();

    let to_block = "/admin/v1/card-systems/1/memberships-to-block";
    let row = region.ksb().gets(to_block).await.ok()["member"][0].clone();
    assert_eq!(row["passholderId"], holder.id);
    assert_eq!((&row["supersededBy"], &row["uitpasNumber"]), (&json!(2), &json!(holder.card)));
    ksb.gets(to_block).await.refused(403, "auth/forbidden");
    let act = json!({ "action": "block", "reason": "verhuisd" });
    region.ksb().decides_on(&holder, act).await.done();
    assert_eq!(region.ksb().gets(to_block).await.ok()["totalItems"], 0);
    all_views_hold(&region).await;
}

/// R-CRD-08, R-CRD-09, R-CRD-10: with social status a new card, and the right; it all happens in one
/// step, or nothing does.
#[tokio::test]
async fn an_upgrade_with_social_status_happens_whole_or_not_at_all() {
    let region = Region::new().await;
    let holder = region.entitled().await;
    let card = card_of_two(&region, true).await;
    let address = json!({ "street": "Dorp 1", "postalCode": "9050", "city": "Overstroom" });
    let status = json!({ "proof": "living-wage" });
    let with =
        |card: &str| json!({ "uitpasNumber": card, "socialTariff": status, "address": address });
    let prices = json!({ "replacement": 0, "upgrade": 2 });
    region.ksb_of(2).puts("/admin/v1/card-systems/2/administrative-prices", prices).await.done();
    let before = region.position().await;
    let refused = region.desk(ELSEWHERE).takes_up(&holder, 2, with(&card)).await;
    refused.refused_saying(403, "auth/forbidden", "andere gemeentes");
    let desk = elsewhere_for_all(&region).await;
    let granted = region.position().await;
    assert_eq!(granted, before + 1, "the right alone");
    let own = desk.takes_up(&holder, 2, with(&holder.card)).await;
    own.refused_saying(400, "uitpas/invalid-card", "nieuwe kaart");
    let in_use = region.entitled_elsewhere().await;
    let registered = region.position().await;
    let taken = desk.takes_up(&holder, 2, with(&in_use.card)).await;
    taken.refused(400, "uitpas/invalid-card-status");
    assert_eq!(
        region.position().await,
        registered,
        "the old status stays, and so does the address"
    );
    let known = region.desk(THEATRE).reads(&holder).await.ok();
    assert_eq!(known["cardSystemMemberships"][0]["socialTariff"]["status"], "ACTIVE");
    assert_eq!(known["address"]["city"], "Meerdal");

    desk.takes_up(&holder, 2, with(&card)).await.has_created();
    let kinds: Vec<(String, i64)> = sqlx::query_as(
        "select string_agg(event_type, ' ' order by event_type),
             count(*) over (partition by metadata::jsonb->>'command_id')
         from log.events where position > $1
         group by metadata::jsonb->>'command_id'",
    )
    .bind(registered.cast_signed())
    .fetch_all(&mut region.superuser().await)
    .await
    .expect("rows");
    let [(together, _)] = &kinds[..] else { panic!("one command: {kinds:?}") };
    for kind in [
        "Assigned",
        "CardCharged",
        "CardGiven",
        "DetailsChanged",
        "MembershipSuperseded",
        "SocialStatusEnded",
        "SocialStatusGranted",
    ] {
        assert!(together.contains(kind), "no {kind} in {together}");
    }
    // The old card still saves points, until its region blocks the membership.
    let activity = region.activity(THEATRE, 5.0).await;
    region.desk(THEATRE).checks_in(&holder.card, &activity).await.created();
    region
        .desk(THEATRE)
        .sells(&holder.card, &activity, 5.0)
        .await
        .refused(400, "uitpas/social-tariff-not-available");
}

/// R-CRD-08: only where the counter has the right, and without social status with the same card.
#[tokio::test]
async fn joining_another_region_for_its_welcome_rewards() {
    let region = Region::new().await;
    let holder = region.passholder().await;
    let same = json!({ "uitpasNumber": holder.card });
    let stranger = region.desk(ELSEWHERE);
    let refused = stranger.takes_up(&holder, 2, same.clone()).await;
    refused.refused_saying(403, "auth/forbidden", "andere gemeentes");
    stranger.previews(&holder, 2, false).await.refused(403, "auth/forbidden");
    region
        .desk(THEATRE)
        .takes_up(&holder, 2, same.clone())
        .await
        .refused(400, "own/counter-card-system");
    let desk = elsewhere_for_all(&region).await;
    assert_eq!(desk.previews(&holder, 2, false).await.ok()["type"], "NEW_MEMBERSHIP");
    desk.takes_up_once("lid", &holder, 2, same.clone()).await.has_created();
    let position = region.position().await;
    desk.takes_up_once("lid", &holder, 2, same).await.has_created();
    assert_eq!(region.position().await, position, "sent twice, it happens once");
    assert_eq!(desk.previews(&holder, 2, false).await.ok()["type"], "NOT_POSSIBLE");
    let memberships = desk.reads(&holder).await.ok()["cardSystemMemberships"].clone();
    let numbers: Vec<_> = list(&memberships).iter().map(|of| of["uitpasNumber"].clone()).collect();
    assert_eq!(numbers, [json!(holder.card), json!(holder.card)]);

    let other = region.passholder().await;
    let digital = json!({ "cardType": "DIGITAL" });
    desk.takes_up(&other, 2, digital).await.has_created();
    let memberships = desk.reads(&other).await.ok()["cardSystemMemberships"].clone();
    assert_ne!(memberships[1]["uitpasNumber"], other.card);
    let address = json!({ "street": "Dorp 1", "postalCode": "9050", "city": "Overstroom" });
    let moving = json!({ "uitpasNumber": other.card, "address": address });
    desk.takes_up(&other, 2, moving).await.wrong("/address");
    desk.takes_up(&other, 2, json!({ "cardType": "NFC_CARD" }))
        .await
        .refused(400, "body/invalid-data");
}

/// R-CRD-07: the same door grants and ends social status, and the old card is blocked.
#[tokio::test]
async fn a_membership_is_replaced_to_grant_or_end_social_status() {
    let region = Region::new().await;
    let (theatre, gym) = (region.desk(THEATRE), region.desk(GYM));
    let holder = region.passholder().await;
    assert_eq!(theatre.previews(&holder, 1, true).await.ok()["type"], "REPLACE_MEMBERSHIP");
    let card = region.card(true).await;
    let granted = json!({ "uitpasNumber": card, "socialTariff": { "proof": "living-wage" } });
    gym.takes_up(&holder, 1, granted.clone()).await.refused(403, "auth/forbidden");
    theatre.takes_up(&holder, 1, granted).await.has_created();
    theatre.identifies(&holder.card).await.refused_saying(
        400,
        "uitpas/invalid-card-status",
        "geblokkeerd",
    );
    assert_eq!(theatre.identifies(&card).await.ok()["socialTariff"]["status"], "ACTIVE");
    let regular = region.card(false).await;
    theatre.takes_up(&holder, 1, json!({ "uitpasNumber": regular })).await.has_created();
    assert_eq!(theatre.identifies(&regular).await.ok()["socialTariff"]["status"], "NONE");
    theatre.identifies(&card).await.refused(400, "uitpas/invalid-card-status");
}

/// R-REG-06: the price before saving, by age, status and voucher; a voucher is spent once.
#[tokio::test]
async fn the_price_of_a_membership_is_known_before_saving() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let brackets = json!([
        { "fromAge": 0, "untilAge": 17, "regular": 3, "withSocialStatus": 1 },
        { "fromAge": 18, "regular": 5, "withSocialStatus": 1 },
    ]);
    ksb.puts("/admin/v1/card-systems/1/prices", brackets).await.done();
    let voucher = json!({ "code": "LENTE", "off": 1.25, "until": in_days(0) });
    ksb.posts("/admin/v1/card-systems/1/vouchers", voucher).await.done();
    let asks = |query: String| {
        let desk = desk.clone();
        async move {
            let path = "/v4/passholders/membership-prices/1?cardType=NFC_CARD&";
            desk.gets(&format!("{path}{query}")).await
        }
    };
    let (adult, child) = (crate::region::born_years_ago(18), crate::region::born_years_ago(17));
    for (born, more, price) in [
        (adult, "", 5.0),
        (child, "", 3.0),
        (adult, "&socialTariff=true", 1.0),
        (adult, "&voucher=LENTE", 3.75),
        (adult, "&socialTariff=true&voucher=LENTE", 0.0),
    ] {
        let answer = asks(format!("postalCode=9981&dateOfBirth={born}{more}")).await.ok();
        assert_eq!(answer["price"], price, "{more}");
        assert!(!text(&answer["label"]).is_empty() && !text(&answer["description"]).is_empty());
    }
    asks(format!("postalCode=0000&dateOfBirth={adult}")).await.ok();
    for wrong in ["999", "9999", "Gent"] {
        let query = format!("postalCode={wrong}&dateOfBirth={adult}");
        asks(query).await.refused(400, "uitpas/invalid-postal-code");
    }
    asks("postalCode=9981".to_owned()).await.wrong_query("dateOfBirth");
    asks(format!("dateOfBirth={adult}")).await.wrong_query("postalCode");
    let query = format!("cardType=DIGITAL&postalCode=9981&dateOfBirth={adult}");
    let unknown = desk.gets(&format!("/v4/passholders/membership-prices/9?{query}")).await;
    unknown.refused(404, "uitpas/cardsystem-not-found");

    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    person["registrationVoucher"] = "LENTE".into();
    desk.registers(&person).await.ok();
    let card = region.card(false).await;
    let mut person = region.person(THEATRE, &card);
    person["registrationVoucher"] = "LENTE".into();
    let spent = "uitpas/invalid-voucher-code";
    desk.registers(&person).await.refused_saying(400, spent, "al gebruikt");
    let query = format!("postalCode=9981&dateOfBirth={adult}&voucher=LENTE");
    asks(query).await.refused_saying(400, spent, "al gebruikt");
}

/// R-REG-06: codes of vouchers are not to be found out by trying, whatever they are tried at.
#[tokio::test]
async fn whoever_guesses_vouchers_has_to_wait() {
    let region = Region::new().await;
    let (desk, other) = (region.desk(THEATRE), region.admin_of(THEATRE));
    let (holder, unknown) = (region.passholder().await, "uitpas/invalid-voucher-code");
    let mut person = region.person(THEATRE, &region.card(false).await);
    let mut guesses = 0;
    let waits = loop {
        person["registrationVoucher"] = format!("LENTE{guesses}").into();
        let answer = match guesses % 2 {
            0 => desk.price(&holder, 1, &format!("&voucher=LENTE{guesses}")).await,
            _ => desk.registers(&person).await,
        };
        if answer.status == 429 {
            break answer;
        }
        answer.refused(400, unknown);
        guesses += 1;
    };
    waits.refused(429, "uitpas/rate-limited");
    assert!((GUESSES_MAX.get()..2 * GUESSES_MAX.get()).contains(&guesses), "{guesses}");
    // Without a voucher it goes on, and so do others.
    desk.price(&holder, 1, "").await.ok();
    other.price(&holder, 1, "&voucher=LENTE").await.refused(400, unknown);
}

/// R-CRD-10: a replacement costs what the card system set.
#[tokio::test]
async fn a_replacement_has_its_administrative_price() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let path = "/admin/v1/card-systems/1/administrative-prices";
    let prices = json!({ "replacement": 1.5, "upgrade": 0 });
    desk.puts(path, prices.clone()).await.refused(403, "auth/forbidden");
    ksb.puts(path, prices).await.done();
    let holder = region.passholder().await;
    assert_eq!(desk.price(&holder, 1, "").await.ok()["price"], 1.5);
    assert_eq!(desk.price(&holder, 2, "").await.ok()["price"], 0.0);
    desk.blocks(&holder, "replace", "loss").await.done();
    let given = desk.replaces(&holder, &region.card(false).await).await.created();
    assert_eq!(given["price"], 1.5);
}

/// The counter of the other region, with the right on passholders of other municipalities.
async fn elsewhere_for_all(region: &Region) -> Desk {
    let terms = json!({ "groups": ["authorised-registration"], "otherMunicipalities": true });
    region.ksb_of(2).sets_terms(ELSEWHERE, terms).await.done();
    region.desk(ELSEWHERE)
}

/// A card in the local stock of card system 2.
async fn card_of_two(region: &Region, for_social_status: bool) -> String {
    let number = region.number(for_social_status);
    region.ksb_of(2).takes_in(&number, json!({})).await.done();
    number
}

/// Every view is what the log makes of it.
async fn all_views_hold(region: &Region) {
    let differences = region.app.projections.verify(None, |_| {}).await.expect("verified");
    assert!(differences.is_empty(), "{differences:?}");
}

impl Desk {
    async fn takes_up(&self, holder: &Holder, card_system: u32, asked: Value) -> Answer {
        let path = format!("/v4/passholders/{}/memberships/{card_system}", holder.id);
        self.posts(&path, self.membership(asked)).await
    }

    async fn takes_up_once(
        &self,
        key: &str,
        holder: &Holder,
        card_system: u32,
        asked: Value,
    ) -> Answer {
        let path = format!("/v4/passholders/{}/memberships/{card_system}", holder.id);
        self.posts_once(key, &path, self.membership(asked)).await
    }

    fn membership(&self, mut asked: Value) -> Value {
        asked["registrationOrganizer"] = json!({ "id": self.counter });
        if asked.get("cardType").is_none() {
            asked["cardType"] = "NFC_CARD".into();
        }
        asked
    }

    async fn previews(&self, holder: &Holder, card_system: u32, with_status: bool) -> Answer {
        let query = format!("socialTariff={with_status}&organizerId={}", self.counter);
        let path = format!("/v4/passholders/{}/memberships/{card_system}?{query}", holder.id);
        self.gets(&path).await
    }

    async fn price(&self, holder: &Holder, card_system: u32, more: &str) -> Answer {
        let path = format!("/v4/passholders/{}/membership-prices/{card_system}", holder.id);
        self.gets(&format!("{path}?cardType=NFC_CARD{more}")).await
    }
}

impl Answer {
    /// Created, without a body.
    #[track_caller]
    fn has_created(&self) {
        assert_eq!((self.status, self.text().as_str()), (201, ""));
    }
}
