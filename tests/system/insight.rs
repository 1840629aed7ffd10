//! Insight of a region over a period.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::region::{Holder, Region, THEATRE, in_days, list, today};

fn insight(from: i64, until: i64) -> String {
    let (from, until) = (in_days(from), in_days(until));
    format!("/admin/v1/card-systems/1/insight?from={from}&until={until}")
}

/// A row, by its dimension and part.
fn row<'a>(rows: &'a [Value], dimension: &str, part: &str) -> &'a Value {
    let found = rows.iter().find(|row| row["dimension"] == dimension && row["part"] == part);
    found.unwrap_or_else(|| panic!("{dimension} {part} in {rows:?}"))
}

/// R-KSB-04: counts from 1 to 4 show as "<5", and the total does not give them away.
#[tokio::test]
async fn small_counts_are_hidden_and_not_given_away() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let activity = region.activity(THEATRE, 10.0).await;
    let desk = region.desk(THEATRE);
    let entitled: Vec<Holder> = join_all((0..5).map(|_| region.entitled())).await;
    for holder in &entitled {
        desk.sells(&holder.card, &activity, 10.0).await.ok();
    }
    let rows = list(&ksb.gets(&insight(0, 0)).await.ok()["rows"]);
    let meerdal = row(&rows, "municipality", "9981 Meerdal");
    for (measure, count) in
        [("passholders", 5), ("participants", 5), ("checkins", 5), ("tickets", 5), ("rewards", 0)]
    {
        assert_eq!(meerdal[measure], count, "{measure}");
    }
    // Each municipality pays 4.00 of a ticket of 10.00.
    assert_eq!((&meerdal["cost"], &row(&rows, "all", "all")["cost"]), (&json!(20.0), &json!(20.0)));
    assert_eq!(row(&rows, "status", "active")["passholders"], 5);
    assert_eq!(row(&rows, "age", "26-39")["passholders"], 5);

    // One of Terbeke: less than five, and Meerdal is hidden too.
    let terbeke = region.entitled_in("9987", "Terbeke").await;
    desk.sells(&terbeke.card, &activity, 10.0).await.ok();
    let rows = list(&ksb.gets(&insight(0, 0)).await.ok()["rows"]);
    let of = |dimension, part, measure: &str| row(&rows, dimension, part)[measure].clone();
    assert_eq!(of("municipality", "9987 Terbeke", "passholders"), "<5");
    assert_eq!(of("municipality", "9981 Meerdal", "passholders"), ">=5");
    assert_eq!(of("all", "all", "passholders"), ">=5");
    assert_eq!(of("age", "26-39", "passholders"), ">=5");
    for (dimension, part) in [("municipality", "9987 Terbeke"), ("all", "all"), ("age", "26-39")] {
        assert_eq!(of(dimension, part, "cost"), Value::Null, "{part}");
    }

    // Before today there was nobody.
    let rows = list(&ksb.gets(&insight(-9, -1)).await.ok()["rows"]);
    assert_eq!(row(&rows, "all", "all")["passholders"], 0);
    // On a later day, acts of today are no longer in the period.
    region.app.clock.turn_to(crate::region::at_noon(in_days(3)));
    let rows = list(&ksb.gets(&insight(1, 2)).await.ok()["rows"]);
    assert_eq!(row(&rows, "all", "all")["passholders"], ">=5");
    assert_eq!(row(&rows, "all", "all")["tickets"], 0);
}

/// R-KSB-04, R-KSB-03, R-PRV-01: as a file, for its own KSB, and whole after a removal.
#[tokio::test]
async fn insight_is_for_the_ksb_and_stays_whole_when_someone_is_removed() {
    let region = Region::new().await;
    let ksb = region.ksb();
    let holders = join_all((0..6).map(|_| region.passholder())).await;
    let lines = ksb.gets_csv(&insight(0, 0)).await;
    assert_eq!(lines[0], "dimension,part,passholders,participants,checkins,tickets,rewards,cost");
    assert!(lines.contains(&"municipality,9981 Meerdal,6,0,0,0,0,0.00".to_owned()), "{lines:?}");
    assert!(lines.contains(&"status,none,6,0,0,0,0,0.00".to_owned()), "{lines:?}");

    region.app.clock.turn_to(crate::region::at_noon(in_days(2)));
    ksb.erases(&holders[0]).await.done();
    assert!(ksb.gets_csv(&insight(0, 0)).await.contains(&lines[1]), "history stays");
    let after = list(&ksb.gets(&insight(0, 2)).await.ok()["rows"]);
    assert_eq!(row(&after, "all", "all")["passholders"], 5);

    for stranger in [region.desk(THEATRE), region.admin_of(THEATRE), region.ksb_of(2)] {
        stranger.gets(&insight(0, 0)).await.refused(403, "auth/forbidden");
    }
    ksb.gets(&insight(1, 0)).await.wrong_query("until");
    let no_from = format!("/admin/v1/card-systems/1/insight?until={}", today());
    ksb.gets(&no_from).await.wrong_query("from");
}
