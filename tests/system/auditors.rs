//! Auditors: they read everything of their card system, and write nothing.

use serde_json::json;
use uitpas_api::auth::Kind;

use crate::region::{ELSEWHERE, Region, THEATRE, in_days, list};

/// R-AUD-01: the KSB or the system owner appoints an auditor of a card system.
#[tokio::test]
async fn an_auditor_reads_everything_of_his_card_system_and_writes_nothing() {
    let region = Region::new().await;
    let (holder, ksb) = (region.entitled().await, region.ksb());
    region.sold_on(in_days(-40), &holder, THEATRE, 700).await;
    let notes = format!("/admin/v1/counters/{THEATRE}/notes");
    let period = json!({ "startDate": in_days(-60), "endDate": in_days(-2) });
    ksb.posts(&notes, period.clone()).await.ok();
    let auditor = region.someone("rekenhof", Kind::User, THEATRE);
    let readable = [
        format!("/admin/v1/audit/passholders/{}", holder.id),
        format!("/admin/v1/audit/counters/{THEATRE}"),
        format!("/admin/v1/audit/cards/{}", holder.card),
        format!("/admin/v1/audit/counters/{THEATRE}/notes/1"),
        format!("{notes}/1"),
    ];
    for path in &readable {
        auditor.gets(path).await.refused(403, "auth/forbidden");
    }
    auditor.gets("/admin/v1/notes").await.refused(403, "auth/forbidden");
    let appointed = "/admin/v1/card-systems/1/auditors/rekenhof";
    for other in [region.admin_of(THEATRE), region.ksb_of(2), auditor.clone()] {
        other.call(reqwest::Method::PUT, appointed, None).await.refused(403, "auth/forbidden");
    }
    ksb.call(reqwest::Method::PUT, appointed, None).await.done();
    for path in &readable {
        auditor.gets(path).await.ok();
    }
    assert_eq!(list(&auditor.gets("/admin/v1/notes").await.ok()).len(), 1);
    let elsewhere = format!("/admin/v1/audit/counters/{ELSEWHERE}");
    auditor.gets(&elsewhere).await.refused(403, "auth/forbidden");

    auditor.posts(&notes, period).await.refused(403, "auth/forbidden");
    auditor.identifies(&holder.card).await.refused(403, "auth/forbidden");
    let activity = region.activity(THEATRE, 5.0).await;
    auditor.checks_in(&holder.card, &activity).await.refused(403, "auth/forbidden");
    ksb.deletes(appointed).await.done();
    for path in &readable {
        auditor.gets(path).await.refused(403, "auth/forbidden");
    }
    region.owner().call(reqwest::Method::PUT, appointed, None).await.done();
    auditor.gets(&readable[0]).await.ok();
}
