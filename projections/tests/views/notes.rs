//! Expense notes: from lines to the amount that a municipality repays (R-NOTE).

use std::collections::BTreeSet;

use uitpas_domain::ids::SaleId;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_projections::settlement::lines::{NoteLine, totals};
use uitpas_projections::settlement::note::notes;
use uitpas_projections::settlement::{IssuedNote, line, note_lines, of_counter, report_lines};

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
    let totals = totals(&lines);
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

/// The lines on each issued note of the theater.
async fn lines_of_all(world: &World) -> Vec<Vec<NoteLine>> {
    let pool = world.projections.pool();
    let issued = of_counter(pool, &theater()).await.expect("notes");
    let closings: Vec<_> = issued.iter().map(IssuedNote::closing).collect();
    let mut all = Vec::new();
    for last in 1..=closings.len() {
        all.push(note_lines(pool, &theater(), &closings[..last]).await.expect("lines"));
    }
    all
}

/// R-NOTE-05: a sale that is cancelled after its note was issued keeps its line; the negative one is
/// on the next note and names the first. A sale that was stored late is on the next one too, marked.
#[tokio::test]
async fn r_note_05_corrections_and_late_lines_are_on_the_next_note() {
    let mut world = World::after(0).await;
    let passholder = world.happenings.registers().await;
    let price = |cents| Price::try_from(Euro::cents(cents)).expect("a price");
    let kept = world.happenings.buys_for(passholder, price(1000)).await;
    let cancelled = world.happenings.buys_for(passholder, price(725)).await;
    let first_day = world.happenings.today();
    world.happenings.passes_days(1);
    world.happenings.issues_note(&world.projections, first_day, first_day).await;
    // Registered on the day of the note, stored after it was made.
    world.happenings.passes_days(-1);
    let late = world.happenings.buys_for(passholder, price(300)).await;
    world.happenings.passes_days(2);
    world.happenings.cancels_one(passholder, cancelled).await;
    let second_day = world.happenings.today();
    world.happenings.passes_days(1);
    world
        .happenings
        .issues_note(&world.projections, first_day.succ_opt().expect("a day"), second_day)
        .await;

    let told = |lines: &[NoteLine]| {
        let mut told: Vec<_> = lines
            .iter()
            .map(|line| (SaleId(line.sale), line.municipality_share, line.corrects, line.late))
            .collect();
        told.sort_by_key(|(sale, ..)| *sale);
        told
    };
    let sorted = |mut expected: Vec<(SaleId, _, _, _)>| {
        expected.sort_by_key(|(sale, ..)| *sale);
        expected
    };
    let notes = lines_of_all(&world).await;
    let expected = vec![(kept, 400, None, None), (cancelled, 290, None, None)];
    assert_eq!(told(&notes[0]), sorted(expected));
    let expected =
        vec![(late, 120, None, Some((first_day, first_day))), (cancelled, -290, Some(1), None)];
    assert_eq!(told(&notes[1]), sorted(expected));
    assert!(notes[1].iter().any(|line| line.corrects.is_some() && line.day == second_day));

    // A report tells the same by day, as the log stood.
    let head = world.store.head().await.expect("a head").position;
    let pool = world.projections.pool();
    let (from, until) = (first_day, first_day);
    let report = report_lines(pool, &theater(), from, until, head).await.expect("lines");
    assert_eq!(report.iter().map(|line| line.municipality_share).sum::<i64>(), 400 + 290 + 120);
    let report = report_lines(pool, &theater(), second_day, second_day, head).await.expect("lines");
    assert_eq!(report.iter().map(|line| line.municipality_share).sum::<i64>(), -290);
    assert!(world.verified().await.is_empty());
}

/// R-NOTE-01, R-NOTE-04, R-NOTE-08: whatever happens between notes, each line is on one of them, and
/// they are the same when they are made again.
#[tokio::test]
async fn r_note_08_each_line_is_on_exactly_one_note_whatever_happens() {
    let mut world = World::after(60).await;
    let mut from = day(FROM);
    let mut before: Vec<Vec<NoteLine>> = Vec::new();
    for _ in 0..4 {
        world.happenings.go_on(60).await;
        let until = world.happenings.today().pred_opt().expect("a day");
        world.happenings.issues_note(&world.projections, from, until).await;
        from = until.succ_opt().expect("a day");
        let now = lines_of_all(&world).await;
        assert_eq!(now[..before.len()], before);
        before = now;
    }
    let mut seen = BTreeSet::new();
    for line in before.iter().flatten() {
        assert!(seen.insert((line.sale, line.corrects.is_some())), "twice: {line:?}");
    }
    assert!(before.iter().flatten().any(|line| line.corrects.is_some()), "something was corrected");
    let notes: i64 = before.iter().flatten().map(|line| line.municipality_share).sum();
    let (pool, head) = (world.projections.pool(), world.store.head().await.expect("a head"));
    let until = from.pred_opt().expect("a day");
    let report = report_lines(pool, &theater(), day(FROM), until, head.position).await;
    let report = report.expect("lines").iter().map(|line| line.municipality_share).sum::<i64>();
    assert_eq!(notes, report);
    world.projections.rebuild(Some("settlement"), |_| {}).await.expect("rebuilt");
    assert_eq!(lines_of_all(&world).await, before);
}
