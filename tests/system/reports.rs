//! Expense notes: reports over a period, and their files.

use std::io::{Cursor, Read};

use serde_json::json;

use crate::answer::Answer;
use crate::region::{ELSEWHERE, GYM, Region, THEATRE, in_days, list, text, ticket, today};

/// The CSV files of a zip, by name.
fn files(zip: &Answer) -> Vec<(String, String)> {
    let csv = all_files(zip).into_iter().filter(|(name, _)| name.ends_with(".csv"));
    csv.map(|(name, bytes)| (name, String::from_utf8(bytes).expect("text"))).collect()
}

/// The files of a zip, by name, in their order.
pub fn all_files(zip: &Answer) -> Vec<(String, Vec<u8>)> {
    assert_eq!(
        (zip.status, zip.header("content-type")),
        (200, Some("application/x-zip-compressed"))
    );
    let mut archive = zip::ZipArchive::new(Cursor::new(zip.bytes.clone())).expect("a zip");
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).expect("a file");
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).expect("bytes");
            (file.name().expect("a name").into_owned(), bytes)
        })
        .collect()
}

/// R-NOTE-01, R-NOTE-04, R-TAR-09, R-TAR-10: per municipality what was granted and not cancelled;
/// made again it is the same to the byte, whatever happened since.
#[tokio::test]
async fn a_report_is_the_same_to_the_byte_whenever_it_is_made() {
    let region = Region::new().await;
    let (desk, admin) = (region.desk(THEATRE), region.admin_of(THEATRE));
    let (meerdal, terbeke) = (region.entitled().await, region.entitled_in("9987", "Terbeke").await);
    let (film, play) = (region.activity(THEATRE, 7.25).await, region.activity(THEATRE, 10.0).await);
    let all = [ticket(&meerdal.card, &film, 7.25), ticket(&terbeke.card, &film, 7.25)];
    let sold = desk.sells_all(all).await.ok();
    let cancelled = desk.sells(&meerdal.card, &play, 10.0).await.ok();
    desk.cancels(&cancelled[0]).await.done();

    let report = admin.asks_report(in_days(-7), today()).await.ok();
    assert_eq!((&report["status"], &report["id"]), (&json!("AVAILABLE"), &json!(1)));
    assert_eq!(report["period"], json!({ "startDate": in_days(-7), "endDate": today() }));
    let zip = admin.downloads(&report).await;
    let name = "attachment; filename=\"financieel-rapport-theater-1.zip\"";
    assert_eq!(zip.header("content-disposition"), Some(name));
    let made = files(&zip);
    let names: Vec<_> = made.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["9981-Meerdal.csv", "9987-Terbeke.csv"]);
    for ((_, csv), sold) in made.iter().zip(list(&sold)) {
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(lines.len(), 2, "{csv}");
        assert!(lines[1].starts_with(text(&sold["id"])), "{csv}");
        assert!(lines[1].contains(",7.25,1.45,2.90,2.90,1 20-40-40"), "{csv}");
    }

    // A later sale, and a later cancellation, are of later reports.
    desk.sells(&terbeke.card, &play, 10.0).await.ok();
    desk.cancels(&sold[0]).await.done();
    assert_eq!(admin.downloads(&report).await.bytes, zip.bytes);
    let later = admin.asks_report(in_days(-7), today()).await.ok();
    assert_eq!(later["id"], 2);
    assert_eq!(files(&admin.downloads(&later).await).len(), 1);
    assert_eq!(list(&admin.report("").await.ok()).len(), 2);
    assert_eq!(admin.report("/1").await.ok(), report);

    let totals = format!("/admin/v1/counters/theater/totals?from={0}&until={0}", today());
    let totals = list(&desk.gets(&totals).await.ok());
    assert_eq!(totals.len(), 1);
    assert_eq!(totals[0]["municipality"], "Terbeke");
    assert_eq!((&totals[0]["tickets"], &totals[0]["municipalityShare"]), (&json!(2), &json!(6.9)));
}

/// R-NOTE-02: nothing in the period is said in words; there is no file of it.
#[tokio::test]
async fn a_report_without_data_says_so() {
    let region = Region::new().await;
    let admin = region.admin_of(THEATRE);
    let report = admin.asks_report(in_days(-7), in_days(-1)).await.ok();
    assert_eq!(report["status"], "FAILED");
    let nothing = "Er is geen financieel rapport beschikbaar voor de opgegeven periode.";
    assert_eq!(report["message"], nothing);
    admin.downloads(&report).await.refused_saying(400, "uitpas/report-invalid-status", nothing);
    admin.report("/1/download-link").await.refused(400, "uitpas/report-invalid-status");
    admin.asks_report(today(), in_days(-1)).await.wrong("/endDate");
    admin.asks_report(in_days(1), in_days(2)).await.wrong("/startDate");
    admin.asks_report(today(), in_days(2)).await.ok();
    for more in ["/99", "/99/download-link", "/99.zip", "/een", "/een.zip"] {
        admin.report(more).await.refused(404, "uitpas/report-not-found");
    }
}

/// R-NOTE-03: the completed quarters, newest first.
#[tokio::test]
async fn the_suggested_periods_are_completed_quarters() {
    let region = Region::new().await;
    let periods = list(&region.admin_of(THEATRE).report("/periods").await.ok());
    assert!(!periods.is_empty());
    let ends: Vec<_> = periods.iter().map(|period| text(&period["endDate"]).to_owned()).collect();
    assert!(ends.iter().all(|end| *end < today().to_string()), "{ends:?}");
    assert!(ends.windows(2).all(|pair| pair[0] > pair[1]), "{ends:?}");
    assert!(text(&periods[0]["startDate"]).ends_with("-01"));
}

/// R-CTR-02, R-NOTE-01, R-KSB-03: reports are for the counter's admins and its KSB.
#[tokio::test]
async fn only_admins_ask_for_reports() {
    let region = Region::new().await;
    let client = region.client_of(THEATRE).await;
    for (asker, may) in [
        (region.admin_of(THEATRE), true),
        (region.ksb(), true),
        (client, true),
        (region.desk(THEATRE), false),
        (region.admin_of(GYM).at(THEATRE), false),
        (region.ksb_of(2).at(THEATRE), false),
        (region.owner(), false),
    ] {
        let asked = asker.asks_report(in_days(-1), today()).await;
        let answers =
            [asker.report("").await, asker.report("/periods").await, asker.report("/1").await];
        match may {
            true => {
                asked.ok();
                answers.iter().for_each(|answer| drop(answer.ok()));
            }
            false => {
                asked.refused(403, "auth/forbidden");
                answers.iter().for_each(|answer| drop(answer.refused(403, "auth/forbidden")));
            }
        }
    }
    let nowhere = region.admin_of(THEATRE).at("nergens");
    nowhere.asks_report(in_days(-1), today()).await.refused(404, "uitpas/organizer-not-found");
    nowhere.report("/periods").await.refused(404, "uitpas/organizer-not-found");
}

/// A download link works without a token, for this file alone.
#[tokio::test]
async fn a_download_link_works_without_a_token() {
    let region = Region::new().await;
    let admin = region.admin_of(THEATRE);
    let holder = region.entitled().await;
    let film = region.activity(THEATRE, 10.0).await;
    region.desk(THEATRE).sells(&holder.card, &film, 10.0).await.ok();
    for _ in 0..2 {
        admin.asks_report(in_days(-1), today()).await.ok();
    }
    let link = admin.report("/1/download-link").await.ok();
    let link = text(&link["downloadLink"]);
    let path = link.strip_prefix(&region.base).expect("an address of this server");
    let stranger = region.stranger();
    assert_eq!(files(&stranger.gets(path).await).len(), 1);
    for tampered in [
        path.replace("/1.zip", "/2.zip"),
        path.replace("expires=", "expires=1"),
        path.replace("signature=", "signature=0"),
        path.replace(THEATRE, ELSEWHERE),
        path.split('?').next().expect("a path").to_owned(),
    ] {
        stranger.gets(&tampered).await.refused(401, "auth/unauthorized");
    }
    let other = region.desk(GYM).gets(path).await;
    other.refused(403, "auth/forbidden");
}

/// R-TAR-08: a deviating price is marked on the note.
#[tokio::test]
async fn a_deviating_price_is_marked_on_the_note() {
    let region = Region::new().await;
    let client = region.client_of(THEATRE).await;
    let holder = region.entitled().await;
    let film = region.activity(THEATRE, 10.0).await;
    client.sells(&holder.card, &film, 8.0).await.ok();
    let report = client.asks_report(today(), today()).await.ok();
    let csv = &files(&client.downloads(&report).await)[0].1;
    assert!(csv.contains(",true,8.00,1.60,3.20,3.20,"), "{csv}");
}
