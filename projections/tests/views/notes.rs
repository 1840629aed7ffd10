//! Expense notes: from lines to the amount that a municipality repays (R-NOTE).

use uitpas_domain::values::euro::{Euro, Price};
use uitpas_projections::settlement::note::notes;
use uitpas_projections::settlement::{line, report_lines, totals};

use crate::world::{World, day, theater};

const FROM: &str = "2026-01-01";
const UNTIL: &str = "2027-12-31";

/// R-NOTE-08: the sum of the lines is the municipality shares of the sales that were not cancelled.
#[tokio::test]
async fn r_note_08_the_notes_add_up_to_the_cent() {
    let world = World::after(400).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let head = world.store.head().await.expect("a head").position;
    let lines = report_lines(pool, &theater(), day(FROM), day(UNTIL), head).await.expect("lines");
    assert!(lines.len() > 20);
    let notes = notes(lines.clone());
    assert_eq!(notes.len(), 2, "one per municipality");
    let repaid: Euro = notes.iter().map(|note| note.sums().municipality).sum();
    let shares: i64 = lines.iter().map(|line| line.municipality_share).sum();
    assert_eq!(repaid, Euro::cents(shares));
    for note in &notes {
        let sums = note.sums();
        assert_eq!(sums.passholder + sums.organizer + sums.municipality, sums.price);
    }
    let totals = totals(pool, Some(&[theater()]), day(FROM), day(UNTIL), head).await.expect("sums");
    assert_eq!(totals.iter().map(|total| total.municipality_share).sum::<i64>(), shares);
    assert_eq!(totals.iter().map(|total| total.tickets).sum::<i64>(), lines.len() as i64);
}

/// R-NOTE-04: made again from the position, the bytes are the same, whatever happened since.
#[tokio::test]
async fn r_note_04_a_report_is_the_same_whenever_it_is_made_again() {
    let mut world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool().clone();
    let position = world.store.head().await.expect("a head").position;
    let report = || async {
        let lines = report_lines(&pool, &theater(), day(FROM), day(UNTIL), position).await;
        notes(lines.expect("lines")).iter().map(|note| (note.csv(), note.digest())).collect()
    };
    let before: Vec<_> = report().await;
    world.happenings.go_on(200).await;
    world.projections.catch_up().await.expect("caught up");
    assert_eq!(before, report().await);
    world.projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt");
    assert_eq!(before, report().await);
}

/// R-NOTE-05: a cancelled sale has no line from there on.
#[tokio::test]
async fn r_note_05_a_cancelled_sale_has_a_line_only_before_its_cancellation() {
    let mut world = World::after(0).await;
    let passholder = world.happenings.registers().await;
    let price = Price::try_from(Euro::cents(725)).expect("a price");
    let sale = world.happenings.buys_for(passholder, price).await;
    let sold = world.store.head().await.expect("a head").position;
    world.happenings.cancels().await;
    let cancelled = world.store.head().await.expect("a head").position;
    world.projections.catch_up().await.expect("caught up");
    let pool = world.projections.pool();
    let counter = theater();
    let lines = |position| report_lines(pool, &counter, day(FROM), day(UNTIL), position);
    assert_eq!(lines(sold - 1).await.expect("lines"), []);
    assert_eq!(lines(cancelled).await.expect("lines"), []);
    let before = lines(sold).await.expect("lines");
    assert_eq!(before.len(), 1);
    let shares =
        (before[0].passholder_share, before[0].organizer_share, before[0].municipality_share);
    assert_eq!(shares, (145, 290, 290));
    let known = line(pool, sale).await.expect("a query").expect("a line");
    assert_eq!(known.cancelled_position, Some(cancelled.cast_signed()));

    let note = &notes(before)[0];
    let csv = note.csv();
    assert!(csv.ends_with('\n') && !csv.contains('\r') && csv.lines().count() == 2, "{csv}");
    assert!(
        csv.contains(r#","Dé film, ""echt""",Basistarief,false,7.25,1.45,2.90,2.90,1 20-40-40"#)
    );
}
