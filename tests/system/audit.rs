//! What happened, as of any position: for the auditor.

use serde_json::{Value, json};

use crate::region::{GYM, Region, THEATRE, in_days, list, text};

fn types(history: &Value) -> Vec<String> {
    list(&history["entries"]).iter().map(|entry| text(&entry["type"]).to_owned()).collect()
}

/// R-AUD-01: a passholder, a counter, a card, a note and a line, now and as they were.
#[tokio::test]
async fn a_history_is_replayed_and_its_state_shown_as_of_any_position() {
    let region = Region::new().await;
    let (ksb, desk) = (region.ksb(), region.desk(THEATRE));
    let holder = region.entitled().await;
    let registered = region.position().await;
    let film = region.activity(THEATRE, 10.0).await;
    desk.checks_in(&holder.card, &film).await.created();
    let sale = region.sold_on(in_days(-40), &holder, THEATRE, 730).await;
    let sold = region.position().await;
    ksb.issues_note(in_days(-40), in_days(-40)).await.created();
    ksb.cancels(&sale).await.done();

    let path = format!("/admin/v1/audit/passholders/{}", holder.id);
    let now = ksb.gets(&path).await.ok();
    let expected =
        ["TakenIn", "Registered", "Assigned", "CheckedIn", "TicketSold", "TicketSaleCancelled"];
    let mut found = types(&now);
    found.sort();
    let mut sorted = expected.map(str::to_owned).to_vec();
    sorted.sort();
    assert_eq!(found, sorted);
    assert_eq!(now["state"]["Registered"]["points"], 1);
    let then = ksb.gets(&format!("{path}?at={registered}")).await.ok();
    assert_eq!(
        (&then["position"], &then["state"]["Registered"]["points"]),
        (&json!(registered), &json!(0))
    );
    let since = ksb.gets(&format!("{path}?from={registered}")).await.ok();
    assert_eq!(types(&since), ["CheckedIn", "TicketSold", "TicketSaleCancelled"]);
    let changes = list(&since["changes"]);
    let points = changes.iter().find(|one| one["path"] == "/Registered/points");
    let points = points.expect("the points are different");
    assert_eq!((&points["before"], &points["after"]), (&json!(0), &json!(1)));
    let first = text(&list(&since["entries"])[0]["changes"][0]["path"]).to_owned();
    assert!(first.starts_with("/Registered/check_ins"), "{first}");
    ksb.gets(&format!("{path}?from=gisteren")).await.wrong_query("from");
    let at = list(&now["entries"]).iter().find(|entry| entry["type"] == "CheckedIn").unwrap()["recordedAt"].clone();
    let at = text(&at).replace('+', "%2B");
    assert_eq!(ksb.gets(&format!("{path}?at={at}")).await.ok()["state"]["Registered"]["points"], 1);
    assert_eq!(ksb.gets(&format!("{path}?at=2020-01-01")).await.ok()["entries"], json!([]));
    ksb.gets(&format!("{path}?at=gisteren")).await.wrong_query("at");
    assert!(!now.to_string().contains("Vandermeer"), "what is personal is sealed");

    let card = ksb.gets(&format!("/admin/v1/audit/cards/{}", holder.card)).await.ok();
    assert_eq!(types(&card), ["TakenIn", "Assigned"]);
    let counter = ksb.gets("/admin/v1/audit/counters/theater").await.ok();
    assert!(types(&counter).ends_with(&["NoteIssued".to_owned()]));
    let note = ksb.gets("/admin/v1/audit/counters/theater/notes/1").await.ok();
    assert_eq!(
        (types(&note), &note["state"]["reply"]),
        (vec!["NoteIssued".to_owned()], &json!("none"))
    );
    ksb.gets("/admin/v1/audit/counters/theater/notes/9").await.refused(404, "own/note-not-found");

    let path = format!("/admin/v1/audit/lines/{}", text(&sale["id"]));
    let line = ksb.gets(&path).await.ok();
    assert_eq!(types(&line), ["TicketSold", "NoteIssued", "TicketSaleCancelled"]);
    let told = ksb.gets(&format!("{path}/explanation")).await.ok();
    assert_eq!(told["amountsHold"], true);
    assert!(text(&told["key"]).contains("20-40-40"), "{told}");
    assert!(text(&told["amounts"][0]).starts_with("passholder 1.46: "), "{told}");
    assert!(text(&told["amounts"][1]).starts_with("municipality 2.92: "), "{told}");
    let lines =
        ["line of the sale: on note 1", "negative line that corrects note 1: on no note yet"];
    assert_eq!(told["lines"], json!(lines));
    assert_eq!(list(&told["chain"]).len(), 3);
    let before = ksb.gets(&format!("{path}/explanation?at={sold}")).await.ok();
    assert_eq!(before["lines"], json!(["line of the sale: on no note yet"]));
    assert!(text(&before["whyNot"][0]).contains("no note of theater takes in"), "{before}");

    for path in [
        path,
        format!("/admin/v1/audit/passholders/{}", holder.id),
        "/admin/v1/audit/counters/theater".to_owned(),
        format!("/admin/v1/audit/cards/{}", holder.card),
    ] {
        for stranger in
            [region.admin_of(THEATRE), region.desk(THEATRE), region.admin_of(GYM), region.ksb_of(2)]
        {
            stranger.gets(&path).await.refused(403, "auth/forbidden");
        }
        region.owner().gets(&path).await.ok();
    }
    let nobody = "/admin/v1/audit/lines/01890a5d-ac96-774b-bcce-b302099a8057";
    ksb.gets(nobody).await.refused(404, "uitpas/ticket-sale-not-found");
}
