//! R-NOTE: expense notes, and on which of them a line stands.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use uitpas_domain::counter::notes::*;
use uitpas_domain::counter::{Command, Counter, Event, Refused};
use uitpas_domain::distribution::DistributionKey;
use uitpas_domain::ids::SaleId;
use uitpas_domain::metadata::Role;
use uitpas_domain::values::digest::Digest;
use uitpas_domain::values::euro::{Euro, Price};
use uitpas_domain::values::place::Municipality;

use crate::given::*;

/// R-NOTE-01
#[test]
fn a_note_is_issued_by_the_ksb_over_a_wholly_past_period() {
    for (by, refused) in [
        (Role::Ksb, None),
        (Role::SystemOwner, None),
        (Role::CounterAdmin, Some(NoteRefused::OnlyKsb)),
        (Role::CounterMember, Some(NoteRefused::OnlyKsb)),
        (Role::Client, Some(NoteRefused::OnlyKsb)),
        (Role::Kiosk, Some(NoteRefused::OnlyKsb)),
        (Role::Passholder, Some(NoteRefused::OnlyKsb)),
        (Role::System, Some(NoteRefused::OnlyKsb)),
    ] {
        let issue = IssueNote { by, ..quarter() };
        assert_eq!(library().when(issues(issue)).refusal(), refused.map(Refused::from), "{by}");
    }
    for (from, until, at, refused) in [
        ("2026-01-01", "2026-03-31", "2026-04-01 00:00:00", None),
        (
            "2026-01-01",
            "2026-03-31",
            "2026-03-31 23:59:59",
            Some(NoteRefused::PeriodNotOver.into()),
        ),
        ("2026-03-31", "2026-03-31", "2026-04-01 00:00:00", None),
        ("2026-03-31", "2026-03-30", "2026-04-01 00:00:00", Some(Refused::ReversedPeriod)),
    ] {
        let (from, until, at) = (day(from), day(until), brussels(at));
        let issue = IssueNote { from, until, at, ..quarter() };
        assert_eq!(library().when(issues(issue)).refusal(), refused, "{from} to {until} at {at}");
    }
}

/// R-NOTE-01, R-NOTE-04, R-NOTE-06
#[test]
fn a_note_pins_the_log_and_its_lines_and_has_the_next_number() {
    let expected = |note, from: &str, until: &str| {
        Event::NoteIssued(Box::new(NoteIssued {
            note,
            from: day(from),
            until: day(until),
            position: 4711,
            head: digest(1),
            rule_set: RULE_SET,
            digest: digest(2),
            parts: vec![NotePart {
                payer: eeklo(),
                lines: 2,
                total: Euro::cents(850),
                digest: digest(3),
                deducted: Euro::ZERO,
                payable: Euro::cents(850),
            }],
            // 14 days from the day of issue.
            deadline: day("2026-06-29"),
            at: now(),
        }))
    };
    library().when(issues(quarter())).then([expected(1, "2026-01-01", "2026-03-31")]);
    let april = IssueNote { from: day("2026-04-01"), until: day("2026-04-30"), ..quarter() };
    with_a_note().when(issues(april)).then([expected(2, "2026-04-01", "2026-04-30")]);
}

/// R-NOTE-01: also what is sent twice happens once.
#[test]
fn no_two_notes_of_a_counter_overlap() {
    library().when(issues(quarter())).again().refused(NoteRefused::Overlaps(1));
    for (from, until, overlaps) in [
        ("2025-12-01", "2025-12-31", false),
        ("2025-12-01", "2026-01-01", true),
        ("2026-02-01", "2026-02-01", true),
        ("2026-03-31", "2026-04-30", true),
        ("2026-04-01", "2026-04-30", false),
        ("2025-12-01", "2026-04-30", true),
    ] {
        let issue = IssueNote { from: day(from), until: day(until), ..quarter() };
        let refused = overlaps.then_some(NoteRefused::Overlaps(1).into());
        assert_eq!(with_a_note().when(issues(issue)).refusal(), refused, "{from} to {until}");
    }
}

/// R-NOTE-02: correction lines alone are not nothing.
#[test]
fn a_period_with_nothing_has_no_note_and_one_with_corrections_has() {
    let nothing = IssueNote { drawn: drawn(vec![]), ..quarter() };
    library().when(issues(nothing)).refused(NoteRefused::Nothing);
    let corrections = IssueNote { drawn: drawn(vec![part(eeklo(), -400)]), ..quarter() };
    library().when(issues(corrections)).happens();
}

/// R-NOTE-05
#[test]
fn a_negative_total_is_deducted_from_the_next_payments_of_that_municipality() {
    let mut counter = library();
    let mut issue = |month: &str, parts: Vec<DrawnPart>| {
        let from = day(&format!("2026-{month}-01"));
        let issue = IssueNote { from, until: from, drawn: drawn(parts), ..quarter() };
        let story = counter.when(issues(issue));
        let events = story.events();
        counter = Story { state: counter.state.clone() };
        events.iter().for_each(|event| counter.state.evolve(event.clone()));
        let Event::NoteIssued(issued) = &events[0] else { panic!("{events:?}") };
        let cents = |part: &NotePart| (part.deducted.as_cents(), part.payable.as_cents());
        issued.parts.iter().map(cents).collect::<Vec<_>>()
    };
    assert_eq!(issue("01", vec![part(eeklo(), -500), part(gent(), 300)]), [(0, 0), (0, 300)]);
    assert_eq!(issue("02", vec![part(eeklo(), 200), part(gent(), 300)]), [(200, 0), (0, 300)]);
    assert_eq!(issue("03", vec![part(eeklo(), -100)]), [(0, 0)]);
    assert_eq!(issue("04", vec![part(eeklo(), 1000)]), [(400, 600)]);
    assert_eq!(issue("05", vec![part(eeklo(), 1000)]), [(0, 1000)]);
}

/// R-NOTE-06
#[test]
fn the_ksb_sets_the_deadline_which_is_not_past() {
    for (deadline, refused) in [
        ("2026-06-14", Some(NoteRefused::DeadlineInPast.into())),
        ("2026-06-15", None),
        ("2026-12-31", None),
    ] {
        let issue = IssueNote { deadline: Some(day(deadline)), ..quarter() };
        assert_eq!(library().when(issues(issue)).refusal(), refused, "{deadline}");
    }
}

/// R-NOTE-06
#[test]
fn no_objection_by_the_deadline_is_approval() {
    let note = |story: &Story<Counter>| story.state.notes[&1].clone();
    let open = with_a_note();
    for (today, standing) in [
        ("2026-06-15", Standing::Open),
        ("2026-06-29", Standing::Open),
        ("2026-06-30", Standing::Approved),
    ] {
        assert_eq!(note(&open).standing(day(today)), standing, "{today}");
    }
    for (at, refused) in [
        ("2026-06-29 23:59:59", None),
        ("2026-06-30 00:00:00", Some(NoteRefused::AlreadyApproved.into())),
    ] {
        let at = brussels(at);
        let objection = Command::ObjectToNote(ObjectToNote { at, ..objection() });
        assert_eq!(open.when(objection).refusal(), refused, "{at}");
        let by = Role::CounterAdmin;
        let approval = Command::ApproveNote { note: 1, by, at };
        assert_eq!(open.when(approval).refusal(), refused, "{at}");
    }
    let objected = open.when(Command::ObjectToNote(objection())).happens();
    assert_eq!(note(&objected).standing(day("2027-01-01")), Standing::Objected);
    let settled = objected.when(settles(true, Role::Ksb)).happens();
    assert_eq!(note(&settled).standing(day("2026-06-15")), Standing::Approved);
}

/// R-NOTE-06
#[test]
fn a_counter_admin_approves_or_objects_and_the_ksb_settles_each_once() {
    let approve = |by| Command::ApproveNote { note: 1, by, at: now() };
    let object = |by| Command::ObjectToNote(ObjectToNote { by, ..objection() });
    let objected = with_a_note().when(object(Role::CounterAdmin)).happens();
    for by in [
        Role::CounterMember,
        Role::Ksb,
        Role::Client,
        Role::Kiosk,
        Role::Passholder,
        Role::SystemOwner,
        Role::System,
    ] {
        with_a_note().when(approve(by)).refused(NoteRefused::OnlyAdmin);
        with_a_note().when(object(by)).refused(NoteRefused::OnlyAdmin);
        let may_settle = matches!(by, Role::Ksb | Role::SystemOwner);
        let refused = (!may_settle).then_some(NoteRefused::OnlyKsb.into());
        assert_eq!(objected.when(settles(false, by)).refusal(), refused, "{by}");
    }
    let admin = Role::CounterAdmin;
    with_a_note().when(approve(admin)).then([Event::NoteApproved { note: 1, at: now() }]);
    with_a_note().when(approve(admin)).again().refused(NoteRefused::AlreadyApproved);
    let approved = with_a_note().when(approve(admin)).happens();
    approved.when(object(admin)).refused(NoteRefused::AlreadyApproved);
    approved.when(settles(true, Role::Ksb)).refused(NoteRefused::NothingToSettle);

    let ObjectToNote { reason, sales, .. } = objection();
    let event = Event::NoteObjected { note: 1, reason, sales, at: now() };
    with_a_note().when(object(admin)).then([event]);
    with_a_note().when(object(admin)).again().refused(NoteRefused::AlreadyObjected);
    objected.when(approve(admin)).refused(NoteRefused::AlreadyObjected);
    for upheld in [true, false] {
        let reason = sealed("why");
        let event = Event::ObjectionSettled { note: 1, upheld, reason, at: now() };
        objected.when(settles(upheld, Role::Ksb)).then([event]);
        let again = objected.when(settles(upheld, Role::Ksb)).again();
        again.refused(NoteRefused::NothingToSettle);
    }
    for command in [approve(admin), object(admin), settles(true, Role::Ksb)] {
        library().when(command).refused(NoteRefused::Unknown);
    }
}

/// R-NOTE-06
#[test]
fn an_objection_names_sales_of_the_note() {
    for (named, refused) in [
        (vec![1], None),
        (vec![1, 2], None),
        (vec![], Some(NoteRefused::NoSales.into())),
        (vec![3], Some(NoteRefused::NotOnNote.into())),
        (vec![1, 3], Some(NoteRefused::NotOnNote.into())),
    ] {
        let object = ObjectToNote { sales: sales(&named), ..objection() };
        let refusal = with_a_note().when(Command::ObjectToNote(object)).refusal();
        assert_eq!(refusal, refused, "{named:?}");
    }
}

/// R-NOTE-05: position 100 and 31 March are of the first note, 200 and 30 June of the second.
#[test]
fn a_line_stands_on_the_first_note_that_takes_in_its_place_and_its_day() {
    let at = |position, on: &str| Stamp { position, day: day(on) };
    let notes =
        [closing(1, "2026-01-01", "2026-03-31", 100), closing(2, "2026-04-01", "2026-06-30", 200)];
    for (sold, cancelled, lines) in [
        (at(100, "2026-03-31"), None, Lines::Sale(Some(1))),
        // Stored after its note was made; of a day after it; of before the first note.
        (at(101, "2026-03-31"), None, Lines::Sale(Some(2))),
        (at(100, "2026-04-01"), None, Lines::Sale(Some(2))),
        (at(1, "2025-12-31"), None, Lines::Sale(Some(1))),
        (at(201, "2026-06-30"), None, Lines::Sale(None)),
        (at(200, "2026-07-01"), None, Lines::Sale(None)),
        // Cancelled before and after it was issued.
        (at(50, "2026-03-01"), Some(at(100, "2026-04-02")), Lines::None),
        (
            at(50, "2026-03-01"),
            Some(at(101, "2026-04-02")),
            Lines::Corrected { note: 1, by: Some(2) },
        ),
        (
            at(50, "2026-03-01"),
            Some(at(101, "2026-03-31")),
            Lines::Corrected { note: 1, by: Some(2) },
        ),
        (at(50, "2026-03-01"), Some(at(201, "2026-04-02")), Lines::Corrected { note: 1, by: None }),
        (at(50, "2026-03-01"), Some(at(200, "2026-07-01")), Lines::Corrected { note: 1, by: None }),
        (at(201, "2026-07-01"), Some(at(202, "2026-07-01")), Lines::None),
    ] {
        assert_eq!(lines_of(&notes, sold, cancelled), lines, "{sold:?} {cancelled:?}");
    }
    let of = |on: &str| period_of(&notes, day(on));
    assert_eq!(of("2026-03-31"), (day("2026-01-01"), day("2026-03-31")));
    assert_eq!(of("2025-11-05"), (day("2025-10-01"), day("2025-12-31")));
}

/// Something that happens at a counter.
#[derive(Debug, Clone)]
enum Happens {
    /// A ticket, registered today or stored only after its day was over.
    Sells {
        cents: i64,
        days_late: u64,
        in_gent: bool,
    },
    Cancels {
        nth: usize,
    },
    /// Over some days, of which the last is so many days ago.
    Issues {
        ago: u64,
        days: u64,
    },
    Waits {
        days: u64,
    },
}

fn anything() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => (1..5_000_i64, 0..2_u64, prop::bool::ANY)
            .prop_map(|(cents, days_late, in_gent)| Happens::Sells { cents, days_late, in_gent }),
        3 => (0..60_usize).prop_map(|nth| Happens::Cancels { nth }),
        2 => (0..12_u64, 0..20_u64).prop_map(|(ago, days)| Happens::Issues { ago, days }),
        3 => (1..10_u64).prop_map(|days| Happens::Waits { days }),
    ]
}

struct Sale {
    sold: Stamp,
    cancelled: Option<Stamp>,
    /// It stood on a note when it was cancelled: seen then, not worked out later.
    was_issued: bool,
    payer: Municipality,
    /// The share of the municipality.
    share: Euro,
}

/// A line: the sale, whether it is a correction, its day and its amount.
type Line = (usize, bool, NaiveDate, Euro);

/// The lines of all sales with these notes, each with the note it is on.
fn lines(sales: &[Sale], notes: &[Closing], position: u64) -> Vec<(Line, Option<u32>)> {
    let mut all = Vec::new();
    for (index, sale) in sales.iter().enumerate().filter(|(_, sale)| sale.sold.position <= position)
    {
        let cancelled = sale.cancelled.filter(|cancelled| cancelled.position <= position);
        let line = (index, false, sale.sold.day, sale.share);
        match lines_of(notes, sale.sold, cancelled) {
            Lines::None => {}
            Lines::Sale(note) => all.push((line, note)),
            Lines::Corrected { note, by } => {
                all.push((line, Some(note)));
                let day = cancelled.unwrap().day;
                all.push(((index, true, day, -sale.share), by));
            }
        }
    }
    all
}

/// Issues a note as the caller does it; its lines, if it was issued.
fn issue(
    counter: &mut Counter,
    sales: &[Sale],
    (from, until): (NaiveDate, NaiveDate),
    position: u64,
    today: NaiveDate,
) -> Option<Vec<Line>> {
    let mut notes = counter.closings();
    let note = notes.last().map_or(1, |last| last.note + 1);
    notes.push(Closing { note, from, until, position });
    let own: Vec<Line> = lines(sales, &notes, position)
        .into_iter()
        .filter_map(|(line, on)| (on == Some(note)).then_some(line))
        .collect();
    let parts = [eeklo(), gent()].map(|payer| {
        let of = own.iter().filter(|(sale, ..)| sales[*sale].payer == payer);
        DrawnPart {
            lines: of.clone().count() as u32,
            total: of.map(|(.., amount)| *amount).sum(),
            ..part(payer, 0)
        }
    });
    let parts = parts.into_iter().filter(|part| part.lines > 0).collect();
    let at = brussels(&format!("{today} 09:00:00"));
    let issue = IssueNote { from, until, position, drawn: drawn(parts), at, ..quarter() };
    let events = counter.decide(issues(issue)).ok()?;
    events.into_iter().for_each(|event| counter.evolve(event));
    Some(own)
}

proptest! {
    /// R-NOTE-01, R-NOTE-04, R-NOTE-05, R-NOTE-08: sales, cancellations and notes, in any order.
    #[test]
    fn each_line_is_on_exactly_one_note_and_any_period_adds_up(
        story in prop::collection::vec(anything(), 1..80),
        period in (0..120_u64, 0..60_u64),
    ) {
        let mut counter = library_counter();
        let (mut sales, mut issued) = (Vec::<Sale>::new(), Vec::<Vec<Line>>::new());
        let begin = day("2026-01-01");
        let (mut today, mut position) = (begin, 0);
        for happens in story {
            position += 1;
            match happens {
                Happens::Sells { cents, days_late, in_gent } => {
                    let price = Price::try_from(Euro::cents(cents)).unwrap();
                    sales.push(Sale {
                        sold: Stamp { position, day: today - Days::new(days_late) },
                        cancelled: None,
                        was_issued: false,
                        payer: if in_gent { gent() } else { eeklo() },
                        share: DistributionKey::default().split(price).municipality,
                    });
                }
                Happens::Cancels { nth } => {
                    let was_issued = issued.iter().flatten().any(|line| line.0 == nth);
                    if let Some(sale) = sales.get_mut(nth) && sale.cancelled.is_none() {
                        sale.cancelled = Some(Stamp { position, day: today });
                        sale.was_issued = was_issued;
                    }
                }
                Happens::Issues { ago, days } => {
                    let until = today - Days::new(ago);
                    let period = (until - Days::new(days), until);
                    issued.extend(issue(&mut counter, &sales, period, position, today));
                }
                Happens::Waits { days } => today = today + Days::new(days),
            }
        }

        // Whatever came later, a note made again from its position is the same.
        let notes = counter.closings();
        for (index, (note, lines_then)) in notes.iter().zip(&issued).enumerate() {
            let again = lines(&sales, &notes[..=index], note.position);
            let own = again.into_iter().filter(|(_, on)| *on == Some(note.note));
            prop_assert_eq!(&own.map(|(line, _)| line).collect::<Vec<_>>(), lines_then);
        }

        // R-NOTE-08, per municipality.
        let (from, until) = (begin + Days::new(period.0), begin + Days::new(period.0 + period.1));
        let in_period = |day: NaiveDate| from <= day && day <= until;
        let all = lines(&sales, &notes, position);
        for payer in [eeklo(), gent()] {
            let own = |sale: &&Sale| sale.payer == payer;
            let dated = all.iter().map(|(line, _)| line).filter(|line| in_period(line.2));
            let of_lines: Euro =
                dated.filter(|line| sales[line.0].payer == payer).map(|line| line.3).sum();
            let shares = sales.iter().filter(own).filter(|sale| in_period(sale.sold.day));
            let sold: Euro = shares.clone().map(|sale| sale.share).sum();
            let before_issue = shares.filter(|sale| sale.cancelled.is_some() && !sale.was_issued);
            let before_issue: Euro = before_issue.map(|sale| sale.share).sum();
            let after_issue = sales.iter().filter(own).filter(|sale| {
                sale.was_issued && sale.cancelled.is_some_and(|cancelled| in_period(cancelled.day))
            });
            let after_issue: Euro = after_issue.map(|sale| sale.share).sum();
            prop_assert_eq!(of_lines, sold - before_issue - after_issue);
        }

        // A last note takes in whatever is left; then each line is on one note, and on one only.
        let far = today + Days::new(100);
        issued.extend(issue(&mut counter, &sales, (today, far - Days::new(1)), position, far));
        let notes = counter.closings();
        let all = lines(&sales, &notes, position);
        let on_notes: Vec<&Line> = issued.iter().flatten().collect();
        let distinct: BTreeSet<(usize, bool)> = on_notes.iter().map(|line| (line.0, line.1)).collect();
        prop_assert_eq!(distinct.len(), on_notes.len());
        prop_assert_eq!(distinct.len(), all.len());
        prop_assert!(all.iter().all(|(_, note)| note.is_some()));
    }
}

fn library() -> Story<Counter> {
    Story { state: library_counter() }
}

/// With a note over the first quarter, issued now.
fn with_a_note() -> Story<Counter> {
    library().when(issues(quarter())).happens()
}

fn issues(issue: IssueNote) -> Command {
    Command::IssueNote(Box::new(issue))
}

fn quarter() -> IssueNote {
    IssueNote {
        from: day("2026-01-01"),
        until: day("2026-03-31"),
        position: 4711,
        head: digest(1),
        drawn: drawn(vec![part(eeklo(), 850)]),
        deadline: None,
        by: Role::Ksb,
        at: now(),
    }
}

fn drawn(parts: Vec<DrawnPart>) -> Drawn {
    Drawn { digest: digest(2), parts }
}

fn part(payer: Municipality, cents: i64) -> DrawnPart {
    DrawnPart { payer, lines: 2, total: Euro::cents(cents), digest: digest(3) }
}

fn objection() -> ObjectToNote {
    ObjectToNote {
        note: 1,
        reason: sealed("why"),
        sales: sales(&[1]),
        on_note: sales(&[1, 2]),
        by: Role::CounterAdmin,
        at: now(),
    }
}

fn settles(upheld: bool, by: Role) -> Command {
    let settle = SettleObjection { note: 1, upheld, reason: sealed("why"), by, at: now() };
    Command::SettleObjection(settle)
}

fn sales(numbers: &[u128]) -> BTreeSet<SaleId> {
    numbers.iter().map(|number| SaleId(uuid(*number))).collect()
}

fn closing(note: u32, from: &str, until: &str, position: u64) -> Closing {
    Closing { note, from: day(from), until: day(until), position }
}

fn digest(byte: u8) -> Digest {
    Digest::new([byte; 32])
}

fn gent() -> Municipality {
    Municipality { postal_code: of("9000"), name: of("Gent") }
}
