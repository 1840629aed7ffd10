//! Expense notes: issued by the KSB, answered by the counter, and the same whenever they are made.

use std::io::{Cursor, Read};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::region::{ELSEWHERE, GYM, Region, THEATRE, in_days, list, text, today};
use crate::reports::all_files;

/// What is on a line, as far as it tells one from another: the sale, the share, what it corrects.
fn lines(note: &Value) -> Vec<(String, Value, Value)> {
    let line = |line: &Value| {
        (
            text(&line["saleId"]).to_owned(),
            line["municipalityShare"].clone(),
            line["corrects"].clone(),
        )
    };
    let mut lines: Vec<_> = list(&note["lines"]).iter().map(line).collect();
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    lines
}

fn id(sale: &Value) -> String {
    text(&sale["id"]).to_owned()
}

/// R-NOTE-01, R-NOTE-04, R-NOTE-05, R-NOTE-06, R-NOTE-08: a note pins what it says; a cancellation
/// after it is on the next one and deducted there.
#[tokio::test]
async fn a_note_stays_as_it_is_and_the_next_one_corrects_it() {
    let region = Region::new().await;
    let (ksb, admin) = (region.ksb(), region.admin_of(THEATRE));
    let (meerdal, terbeke) = (region.entitled().await, region.entitled_in("9987", "Terbeke").await);
    let kept = region.sold_on(in_days(-40), &meerdal, THEATRE, 1000).await;
    let wrong = region.sold_on(in_days(-39), &meerdal, THEATRE, 725).await;
    let other = region.sold_on(in_days(-38), &terbeke, THEATRE, 500).await;
    let never = region.sold_on(in_days(-38), &terbeke, THEATRE, 900).await;
    region.sold_on(in_days(-38), &terbeke, GYM, 900).await;
    admin.cancels(&never).await.done();

    let issued = ksb.issues_note(in_days(-60), in_days(-30)).await.created();
    assert_eq!((&issued["number"], &issued["state"]), (&json!(1), &json!("open")));
    assert_eq!((&issued["total"], &issued["payable"]), (&json!(8.9), &json!(8.9)));
    assert_eq!(issued["deadline"], json!(in_days(14)));
    let names: Vec<_> =
        list(&issued["municipalities"]).iter().map(|of| of["name"].clone()).collect();
    assert_eq!(names, ["Meerdal", "Terbeke"]);
    let note = admin.note("1").await.ok();
    let mut expected = vec![
        (id(&kept), json!(4.0), Value::Null),
        (id(&wrong), json!(2.9), Value::Null),
        (id(&other), json!(2.0), Value::Null),
    ];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(lines(&note), expected);
    let zip = admin.note("1.zip").await;
    let name = "attachment; filename=\"onkostennota-theater-1.zip\"";
    assert_eq!((zip.status, zip.header("content-disposition")), (200, Some(name)));

    // Cancelled today, and a sale of the first period that comes in only now.
    ksb.cancels(&wrong).await.done();
    let late = region.sold_on(in_days(-35), &meerdal, THEATRE, 100).await;
    assert_eq!(lines(&admin.note("1").await.ok()), expected);
    assert_eq!(admin.note("1.zip").await.bytes, zip.bytes);
    ksb.issues_note(in_days(-30), in_days(-1)).await.refused(409, "own/note-overlaps");
    let second = ksb.issues_note(in_days(-29), in_days(-1)).await.created();
    assert_eq!((&second["number"], &second["total"]), (&json!(2), &json!(0.4)));
    let note = admin.note("2").await.ok();
    assert_eq!(lines(&note), [(id(&late), json!(0.4), Value::Null)]);
    let belongs_to = &list(&note["lines"])[0]["belongsTo"];
    let period = json!({ "startDate": in_days(-60), "endDate": in_days(-30) });
    assert_eq!(*belongs_to, period);

    // By day, the cancellation stands in today's report, as a negative line.
    let report = admin.asks_report(in_days(-60), today()).await.ok();
    assert_eq!(report["status"], "AVAILABLE");
    let totals =
        format!("/admin/v1/counters/theater/totals?from={}&until={}", in_days(-60), today());
    let totals = list(&admin.gets(&totals).await.ok());
    let shares: f64 = totals.iter().map(|total| total["municipalityShare"].as_f64().unwrap()).sum();
    assert_eq!((shares * 100.0).round(), 640.0, "{totals:?}");
    let today_s = totals.iter().find(|total| total["day"] == json!(today())).expect("today");
    assert_eq!((&today_s["municipalityShare"], &today_s["tickets"]), (&json!(-2.9), &json!(-1)));
}

/// R-NOTE-06: an objection stands until the KSB upholds it, which cancels the sales, or rejects it.
#[tokio::test]
async fn a_counter_objects_and_the_ksb_settles_it() {
    let region = Region::new().await;
    let (ksb, admin) = (region.ksb(), region.admin_of(THEATRE));
    let holder = region.entitled().await;
    let mut sales = Vec::new();
    for month in 1..=3 {
        sales.push(region.sold_on(in_days(-40 * month), &holder, THEATRE, 1000).await);
        ksb.issues_note(in_days(-40 * month), in_days(-40 * month)).await.created();
    }
    assert_eq!(ksb.notes_in("open").await.len(), 3);
    admin.approves(1).await.done();
    admin.approves(1).await.refused(409, "own/note-approved");
    let secret = "Mevrouw Janssens was ziek";
    admin.objects(2, &[&sales[0]], secret).await.refused(400, "own/sale-not-on-note");
    admin.objects(2, &[], secret).await.wrong("/sales");
    ksb.settles_objection(2, true, "Klopt").await.refused(409, "own/no-objection");
    admin.objects(2, &[&sales[1]], secret).await.done();
    admin.objects(2, &[&sales[1]], secret).await.refused(409, "own/note-objected");
    admin.objects(3, &[&sales[2]], "Dubbel geteld").await.done();
    for (state, numbers) in [("open", vec![]), ("objected", vec![3, 2]), ("approved", vec![1])] {
        let notes = ksb.notes_in(state).await;
        let found: Vec<_> = notes.iter().map(|note| note["number"].clone()).collect();
        assert_eq!(found, numbers, "{state}");
    }
    let objection = &ksb.note("2").await.ok()["objection"];
    assert_eq!((&objection["reason"], &objection["sales"][0]), (&json!(secret), &sales[1]["id"]));
    assert!(!region.whole_log().await.contains("Janssens"), "reasons are sealed");

    ksb.settles_objection(2, true, "Klopt, onze fout").await.done();
    ksb.settles_objection(3, false, "Klopt niet").await.done();
    ksb.settles_objection(3, false, "Klopt niet").await.refused(409, "own/no-objection");
    assert_eq!(ksb.notes_in("approved").await.len(), 3);
    let settlement = &ksb.note("2").await.ok()["objection"]["settlement"];
    assert_eq!(
        (&settlement["upheld"], &settlement["reason"]),
        (&json!(true), &json!("Klopt, onze fout"))
    );
    admin.cancels(&sales[1]).await.refused(404, "uitpas/ticket-sale-not-found");
    assert_eq!(
        admin
            .granted_tariffs()
            .await
            .iter()
            .filter(|sale| sale.get("cancelledDate").is_some())
            .count(),
        1
    );
    let last = in_days(-1);
    ksb.issues_note(last, last).await.refused_saying(
        400,
        "own/note-empty",
        "geen financieel rapport",
    );
}

/// R-NOTE-01, R-NOTE-06, R-KSB-03: who does what; the same request twice issues once.
#[tokio::test]
async fn the_ksb_issues_and_only_admins_see_and_answer() {
    let region = Region::new().await;
    let holder = region.entitled().await;
    region.sold_on(in_days(-40), &holder, THEATRE, 1000).await;
    let period = json!({ "startDate": in_days(-40), "endDate": in_days(-40) });
    let path = "/admin/v1/counters/theater/notes";
    for stranger in [
        region.admin_of(THEATRE),
        region.desk(THEATRE),
        region.admin_of(GYM).at(THEATRE),
        region.ksb_of(2).at(THEATRE),
    ] {
        stranger.posts(path, period.clone()).await.refused(403, "auth/forbidden");
    }
    region.stranger().posts(path, period.clone()).await.refused(401, "auth/unauthorized");
    let ksb = region.ksb();
    for _ in 0..2 {
        let request = ksb.request(reqwest::Method::POST, path).header("idempotency-key", "q1");
        assert_eq!(ksb.send(request.json(&period)).await.created()["number"], 1);
    }
    let reversed = ksb.issues_note(in_days(-1), in_days(-2)).await;
    reversed.wrong("/endDate");
    ksb.issues_note(in_days(-1), today()).await.wrong("/endDate");
    let past = json!({ "startDate": in_days(-1), "endDate": in_days(-1), "deadline": in_days(-1) });
    region.sold_on(in_days(-1), &holder, THEATRE, 1000).await;
    ksb.posts(path, past).await.wrong("/deadline");

    for (who, sees) in [
        (region.admin_of(THEATRE), true),
        (region.ksb(), true),
        (region.desk(THEATRE), false),
        (region.admin_of(GYM).at(THEATRE), false),
        (region.ksb_of(2).at(THEATRE), false),
    ] {
        for more in ["1", "1.zip"] {
            let answer = who.note(more).await;
            if sees {
                assert_eq!(answer.status, 200)
            } else {
                drop(answer.refused(403, "auth/forbidden"))
            }
        }
        let all = list(&who.gets("/admin/v1/notes").await.ok()).len();
        assert_eq!(all, usize::from(sees), "{}", who.counter);
    }
    for who in [region.desk(THEATRE), region.ksb()] {
        who.approves(1).await.refused(403, "auth/forbidden");
    }
    let admin = region.admin_of(THEATRE);
    for more in ["2", "een", "2.zip"] {
        admin.note(more).await.refused(404, "own/note-not-found");
    }
    admin.approves(2).await.refused(404, "own/note-not-found");
    assert_eq!(list(&region.owner().gets("/admin/v1/notes").await.ok()).len(), 1);
    region
        .ksb_of(2)
        .at(ELSEWHERE)
        .issues_note(in_days(-40), in_days(-40))
        .await
        .refused(400, "own/note-empty");
}

/// R-NOTE-04, R-NOTE-07: a CSV, a spreadsheet and a page per municipality, always the same bytes,
/// whatever the counter is called or paid on later.
#[tokio::test]
async fn the_files_say_what_is_owed_and_are_the_same_to_the_byte() {
    let region = Region::new().await;
    let (ksb, admin) = (region.ksb(), region.admin_of(THEATRE));
    let iban = |iban: &str| json!({ "iban": iban });
    let path = "/admin/v1/counters/theater/iban";
    ksb.puts(path, iban("BE68539007547034")).await.done();
    let (meerdal, terbeke) = (region.entitled().await, region.entitled_in("9987", "Terbeke").await);
    for day in 31..100 {
        region.sold_on(in_days(-day), &meerdal, THEATRE, 12_345).await;
    }
    region.sold_on(in_days(-40), &terbeke, THEATRE, 500).await;
    let issued = ksb.issues_note(in_days(-120), in_days(-30)).await.created();
    let zip = admin.note("1.zip").await;
    let files = all_files(&zip);
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["csv", "pdf", "xlsx"].map(|kind| format!("9981-Meerdal.{kind}"));
    let other = ["csv", "pdf", "xlsx"].map(|kind| format!("9987-Terbeke.{kind}"));
    assert_eq!(names, [expected, other].concat());

    // The digest on the page is the one of the CSV beside it, and of the note in the log.
    let digest = format!("{:x}", Sha256::digest(&files[0].1));
    assert_eq!(issued["municipalities"][0]["digest"], digest);
    let page = String::from_utf8_lossy(&files[1].1);
    for text in [
        "(Onkostennota 1)",
        "(9981 Meerdal)",
        "(theater)",
        "(IBAN: BE68 5390 0754 7034)",
        "(Film van toen)",
        "(123,45)",
        // 69 times 49.38.
        "(3.407,22)",
        "(pagina 2 van 2)",
        &digest,
        text(&issued["digest"]),
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(page.starts_with("%PDF-1.") && !page.contains("Terbeke"));
    let sheet = sheet_of(&files[2].1);
    assert!(
        sheet.contains("<v>123.45</v>") && sheet.contains("<v>3407.22</v>"),
        "numbers: {sheet}"
    );

    ksb.puts(path, iban("BE71096123456769")).await.done();
    region.app.projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt");
    assert_eq!(admin.note("1.zip").await.bytes, zip.bytes);
    let report = admin.asks_report(in_days(-120), in_days(-30)).await.ok();
    let files = all_files(&admin.downloads(&report).await);
    let page = String::from_utf8_lossy(&files[1].1);
    assert!(page.contains("(Financieel rapport)") && page.contains("(IBAN: BE71 0961 2345 6769)"));
}

/// The first sheet of a workbook, as XML.
fn sheet_of(workbook: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(workbook)).expect("a zip");
    let mut sheet = archive.by_name("xl/worksheets/sheet1.xml").expect("a sheet");
    let mut xml = String::new();
    sheet.read_to_string(&mut xml).expect("text");
    xml
}
