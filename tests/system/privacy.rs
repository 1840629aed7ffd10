//! Who a person is stays sealed, and can be made unreadable.

use serde_json::{Value, json};
use sqlx::Row as _;

use crate::private::jpeg;
use crate::region::{Desk, ELSEWHERE, Holder, Region, THEATRE, YOUTH, in_days, text, today};

/// Words that stand for a person in these tests, and for nothing else.
const PERSONAL: [&str; 8] = [
    "Wolkenstein",
    "Hildegarde",
    "wolkenstein@post.example",
    "Sterrenlaan",
    "90072110045",
    "0498 76 54 32",
    "Andorrees",
    "Ruzie",
];

fn hildegarde(region: &Region, card: &str) -> Value {
    let mut person = region.person(THEATRE, card);
    person["name"] = "Wolkenstein".into();
    person["firstName"] = "Hildegarde".into();
    person["email"] = "wolkenstein@post.example".into();
    person["address"]["street"] = "Sterrenlaan 5".into();
    person["inszNumber"] = crate::region::insz("1990-07-21".parse().expect("a day"), 100).into();
    person["phoneNumber"] = "0498 76 54 32".into();
    person["nationality"] = "Andorrees".into();
    person["socialTariffProof"] = "living-wage".into();
    person
}

/// Everything that the tables of these schemas hold, as text; bytes in hexadecimal digits.
async fn tables(region: &Region, schemas: &str) -> String {
    let mut connection = region.superuser().await;
    let tables = sqlx::query(
        "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname like $1",
    )
    .bind(schemas)
    .fetch_all(&mut connection)
    .await
    .expect("tables");
    let mut all = String::new();
    for table in tables {
        let table: String = table.get(0);
        let statement = format!("select t::text from {table} t");
        let rows = sqlx::query_scalar::<_, String>(&statement);
        for row in rows.fetch_all(&mut connection).await.expect("rows") {
            all += &format!("{table} {row}\n");
        }
    }
    all
}

/// R-PRV-01, R-PRV-02: names, numbers, addresses and reasons never stand in the log in clear, and
/// no refusal says them again.
#[tokio::test]
async fn the_log_and_the_problems_hold_nothing_personal() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let card = region.card(true).await;
    let person = hildegarde(&region, &card);
    assert_eq!(person["inszNumber"], PERSONAL[4]);
    let key = desk.posts_once("once", "/v4/passholders", person.clone()).await;
    let holder = key.holder();
    let activity = region.activity(THEATRE, 10.0).await;
    let check_in = desk.checks_in(&holder.card, &activity).await.created();
    ksb.corrects(&check_in, "Ruzie met Hildegarde Wolkenstein").await.done();
    let suspend =
        json!({ "action": "suspend", "until": in_days(5), "reason": "Ruzie aan de balie" });
    ksb.decides_on(&holder, suspend).await.done();
    let mut changed = person.clone();
    changed["firstName"] = "Hildegarde Maria".into();
    desk.changes(&holder, &changed).await.done();

    let refused = [
        desk.registers(&person).await,
        desk.registers(&hildegarde(&region, &region.card(false).await)).await,
        desk.registers(&hildegarde(&region, &region.card(true).await)).await,
        region.desk(YOUTH).registers(&person).await,
        ksb.corrects(&check_in, "Ruzie, nog eens").await,
        desk.searches("name=Wolkenstein&limit=501").await,
        desk.searches("inszNumber=90072110045&limit=501").await,
        region.desk(YOUTH).searches("name=Wolkenstein").await,
        region.desk(ELSEWHERE).reads(&holder).await,
        desk.identifies("90072110046").await,
    ];
    for answer in &refused {
        assert!(answer.status >= 400, "{}", answer.text());
        for word in PERSONAL {
            assert!(!answer.text().contains(word), "{word} in {}", answer.text());
        }
    }
    let log = region.whole_log().await;
    assert!(log.contains(&holder.id), "the log is read");
    for word in PERSONAL {
        assert!(!log.contains(word), "{word} in the log");
    }
}

/// R-PRV-01: erasing makes a person unreadable everywhere, frees the national number, blocks the
/// cards, and leaves the chain, the settlement and the other passholders as they were.
#[tokio::test]
async fn an_erased_person_is_unreadable_everywhere() {
    let region = Region::new().await;
    let (desk, ksb) = (region.desk(THEATRE), region.ksb());
    let card = region.card(true).await;
    let person = hildegarde(&region, &card);
    let holder = desk.registers(&person).await.holder();
    let bystander = region.entitled().await;
    let activity = region.activity(THEATRE, 10.0).await;
    for holder in [&holder, &bystander] {
        desk.sells(&holder.card, &activity, 10.0).await.ok();
    }
    let reward = ksb.makes_reward(json!({})).await.ok();
    let report = region.admin_of(THEATRE).asks_report(in_days(-1), today()).await.ok();
    let zip = region.admin_of(THEATRE).downloads(&report).await.bytes;
    let totals = format!("/admin/v1/counters/{THEATRE}/totals?from={0}&until={0}", today());
    let totals_before = ksb.gets(&totals).await.ok();
    let granted = ksb.granted_tariffs().await;
    let path = format!("/v4/passholders/{}", holder.id);
    desk.puts(&format!("{path}/private"), json!({ "note": "Komt met krukken" })).await.done();
    desk.upload(&holder, &jpeg("Wolkenstein")).await.done();
    assert!(tables(&region, "views%").await.contains("Wolkenstein"), "the search knows the name");

    for who in [region.desk(THEATRE), region.admin_of(THEATRE), region.desk(YOUTH)] {
        who.erases(&holder).await.refused(403, "auth/forbidden");
    }
    region.ksb_of(2).erases(&holder).await.refused(403, "auth/forbidden");
    ksb.erases(&holder).await.done();

    ksb.reads(&holder).await.refused(404, "uitpas/passholder-not-found");
    ksb.erases(&holder).await.refused(404, "uitpas/passholder-not-found");
    ksb.changes(&holder, &person).await.refused(404, "uitpas/passholder-not-found");
    let none = json!({ "totalItems": 0, "member": [] });
    for query in [
        "name=Wolkenstein",
        "inszNumber=90072110045",
        "email=wolken*",
        &format!("uitpasNumber={card}"),
    ] {
        assert_eq!(ksb.searches(query).await.ok(), none, "{query}");
    }
    for identifier in [card.as_str(), "90072110045"] {
        for answer in [desk.identifies(identifier).await, ksb.view_of(identifier).await] {
            assert!(matches!(answer.status, 400 | 404), "{}", answer.text());
            assert!(!answer.text().contains("Hildegarde"));
        }
    }
    desk.identifies("90072110045").await.refused(404, "uitpas/pass-not-found");
    desk.identifies(&card).await.refused(400, "uitpas/invalid-card-status");
    desk.checks_in(&card, &activity).await.refused(400, "uitpas/invalid-card-status");
    desk.redeems(&reward, &card).await.refused(400, "uitpas/invalid-card-status");
    ksb.replaces(&holder, &region.card(true).await)
        .await
        .refused(404, "uitpas/passholder-not-found");

    ksb.searches("").await.ok();
    let everything = tables(&region, "%").await;
    assert!(everything.contains("log.events") && everything.contains("views.passholders"));
    for word in PERSONAL.into_iter().chain(["krukken"]) {
        assert!(!everything.contains(word), "{word} in the database");
        assert!(!everything.contains(&hex(word)), "{word} as bytes in the database");
    }
    let mut connection = region.superuser().await;
    let keys: i64 = sqlx::query_scalar("select count(*) from log.keys where person_id = $1")
        .bind(&holder.id)
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(keys, 0);
    let files: i64 = sqlx::query_scalar("select count(*) from log.files")
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(files, 0);

    region.app.store.verify_chain(|_, _| {}).await.expect("a look").expect("a sound chain");
    assert_eq!(region.app.projections.verify(None, |_| {}).await.expect("a look"), []);
    assert_eq!(ksb.gets(&totals).await.ok(), totals_before);
    assert_eq!(ksb.granted_tariffs().await, granted);
    assert_eq!(region.admin_of(THEATRE).downloads(&report).await.bytes, zip);
    assert_eq!(ksb.balance_of(&bystander).await, 1);

    // The person may register anew.
    let anew = desk.registers(&hildegarde(&region, &region.card(true).await)).await.holder();
    assert_ne!(anew.id, holder.id);
    let Holder { id, .. } = anew;
    assert_eq!(text(&desk.identifies("90072110045").await.ok()["passholderId"]), id);
}

fn hex(word: &str) -> String {
    word.bytes().map(|byte| format!("{byte:02x}")).collect()
}

impl Desk {
    async fn upload(&self, holder: &Holder, bytes: &[u8]) -> crate::answer::Answer {
        self.uploads_picture(holder, "file", bytes).await
    }
}
