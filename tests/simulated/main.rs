//! A simulated region: its log and views hold, and what its notes say is proved to the cent by plain
//! SQL over the log, which knows nothing of the projections.

mod stories;

use std::collections::BTreeMap;
use std::time::Instant;

use chrono::{Months, NaiveDate};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Executor};
use uitpas_domain::ids::CounterId;
use uitpas_domain::values::euro::Euro;
use uitpas_projections::Projections;
use uitpas_projections::settlement::lines::NoteLine;
use uitpas_projections::settlement::note::{drawn, notes};
use uitpas_projections::settlement::{IssuedNote, note_lines, of_counter, report_lines};
use uitpas_simulation::{Plan, Written, write};
use uitpas_store::Store;
use uitpas_store::sealing::MasterKey;
use uitpas_store::testing::TestDatabase;

fn plan(passholders: u32, years: u32, seed: u64) -> Plan {
    let from = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
    Plan { passholders, years, seed, from }
}

struct Simulated {
    database: TestDatabase,
    store: Store,
    projections: Projections,
    written: Written,
}

async fn simulated(plan: Plan) -> Simulated {
    let database = TestDatabase::new().await;
    let master = MasterKey::generate();
    let began = Instant::now();
    let written = write(database.owner_options(), &master, &plan, |_| {}).await.expect("a region");
    let seconds = began.elapsed().as_secs_f64();
    println!("{written:?}, {:.0} events/s", written.events as f64 / seconds);
    let store = Store::open(database.app_options(), master).await.expect("a store");
    let projections = Projections::open(&store).await.expect("views");
    projections.catch_up().await.expect("caught up");
    Simulated { database, store, projections, written }
}

/// The chain and every view hold, and everything that a region knows happens in it (R-AUD-02, R-AUD-03).
#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_region_is_what_its_log_says() {
    let region = simulated(plan(120, 2, 3)).await;
    let written = region.written;
    let verified = region.store.verify_chain(|_, _| {}).await.expect("a log that can be read");
    assert_eq!(verified.expect("a chain that holds").position, written.events);
    assert_eq!(region.projections.verify(None, |_| {}).await.expect("verified"), []);
    let all = [
        written.passholders,
        written.check_ins,
        written.sales,
        written.cancellations,
        written.redemptions,
        written.notes,
    ];
    assert!(all.iter().all(|count| *count > 0), "{written:?}");
    let kinds: Vec<String> = sqlx::query_scalar(
        "select distinct event_type from log.events where aggregate_type in ('passholder', 'card')",
    )
    .fetch_all(region.projections.pool())
    .await
    .expect("a query");
    for kind in [
        "CouponUsed",
        "CheckInCorrected",
        "SocialStatusExtended",
        "RedemptionCancelled",
        "WelcomeRewardGranted",
    ] {
        assert!(kinds.iter().any(|known| known == kind), "no {kind} in {kinds:?}");
    }
}

/// Of the same seed come the same events, apart from what is sealed; of another one others.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_events() {
    let [first, again, other] = [
        simulated(plan(40, 1, 5)).await,
        simulated(plan(40, 1, 5)).await,
        simulated(plan(40, 1, 6)).await,
    ];
    let digest = async |region: &Simulated| -> String {
        sqlx::query_scalar(
            "select md5(string_agg(
                 concat_ws(' ', aggregate_type, aggregate_id, sequence, event_type, metadata,
                     recorded_at, (payload->event_type)::jsonb - 'details' - 'head'),
                 ' ' order by position))
             from log.events",
        )
        .fetch_one(region.projections.pool())
        .await
        .expect("a query")
    };
    assert_eq!(digest(&first).await, digest(&again).await);
    assert_ne!(digest(&first).await, digest(&other).await);
}

/// There is no second region in one log.
#[tokio::test]
async fn a_log_that_is_not_empty_is_refused() {
    let region = simulated(plan(10, 1, 1)).await;
    let owner = region.database.owner_options();
    let refused = write(owner, &MasterKey::generate(), &plan(10, 1, 1), |_| {}).await;
    assert!(refused.is_err(), "{refused:?}");
}

/// R-NOTE-08, in short.
#[tokio::test(flavor = "multi_thread")]
async fn notes_and_reports_are_right_to_the_cent() {
    proves_the_notes(plan(400, 2, 7)).await;
}

/// R-NOTE-08.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "20,000 passholders; cargo test --release -p uitpas-tests --test simulated -- --ignored --nocapture"]
async fn the_notes_of_a_large_region_are_right_to_the_cent() {
    proves_the_notes(plan(20_000, 2, 7)).await;
}

type Sums = BTreeMap<(String, String), i64>;

/// For every counter and municipality: each note, and the report of each month, of each quarter and
/// of the whole time.
async fn proves_the_notes(plan: Plan) {
    let region = simulated(plan).await;
    let pool = region.projections.pool();
    let mut sql = region.database.superuser_options().connect().await.expect("a connection");
    sql.execute(SECOND_WAY).await.expect("the log by plain SQL");
    let counters: Vec<String> =
        sqlx::query_scalar("select distinct counter from sales order by counter")
            .fetch_all(&mut sql)
            .await
            .expect("counters");
    let head = region.store.head().await.expect("a head").position;
    let (mut proved, mut corrections) = (0, 0);
    for counter in counters {
        let id: CounterId = counter.parse().expect("an id");
        let issued = of_counter(pool, &id).await.expect("notes");
        let closings: Vec<_> = issued.iter().map(IssuedNote::closing).collect();
        for (index, note) in issued.iter().enumerate() {
            let lines = note_lines(pool, &id, &closings[..=index]).await.expect("lines");
            corrections += lines.iter().filter(|line| line.corrects.is_some()).count();
            let sums = sums(&lines);
            let (from, until) = (note.from_day, note.until_day);
            let second = second_way(&mut sql, &counter, from, until, note.pinned_position).await;
            assert_eq!(sums, second, "note {} of {counter}", note.number);
            let parts = note.parts.0.iter().map(|part| {
                let payer = (part.payer.postal_code.to_string(), part.payer.name.to_string());
                (payer, part.total.as_cents())
            });
            assert_eq!(sums, parts.collect::<Sums>(), "as issued: {} of {counter}", note.number);
            let drawn = drawn(&notes(lines)).expect("municipalities");
            assert_eq!(drawn.digest.to_string(), note.digest, "{} of {counter}", note.number);
            proved += sums.len();
        }
        for (from, until) in periods(&plan) {
            let lines = report_lines(pool, &id, from, until, head).await.expect("lines");
            let second = second_way(&mut sql, &counter, from, until, head.cast_signed()).await;
            assert_eq!(sums(&lines), second, "{from} until {until} at {counter}");
            proved += second.len();
        }
    }
    println!("{proved} sums proved, {corrections} lines that correct an earlier note");
    assert!(proved > 0 && corrections > 0, "{proved} sums, {corrections} corrections");
}

fn periods(plan: &Plan) -> Vec<(NaiveDate, NaiveDate)> {
    let of = |months: u32| {
        (0..plan.years * 12 / months).map(move |index| {
            let from = plan.from + Months::new(index * months);
            (from, (from + Months::new(months)).pred_opt().expect("a day before"))
        })
    };
    of(1).chain(of(3)).chain(of(12 * plan.years)).collect()
}

fn sums(lines: &[NoteLine]) -> Sums {
    let mut sums = Sums::new();
    for line in lines {
        let payer = (line.postal_code.clone(), line.municipality.clone());
        *sums.entry(payer).or_default() += line.municipality_share;
    }
    sums
}

/// The log as three lists. Where a sale belongs is said by the periods of the notes alone.
const SECOND_WAY: &str = "
    create temp table sales as
    select payload->event_type->>'sale' as sale, payload->event_type->>'counter' as counter, position,
        payload->event_type->'payer'->>'postal_code' as postal_code, payload->event_type->'payer'->>'name' as name,
        ((payload->event_type->>'at')::timestamptz at time zone 'Europe/Brussels')::date as day,
        (payload->event_type->'shares'->>'municipality')::numeric as share
    from log.events
    where event_type in ('TicketSold', 'CouponUsed');

    create temp table cancellations as
    select payload->event_type->>'sale' as sale, position,
        ((payload->event_type->>'at')::timestamptz at time zone 'Europe/Brussels')::date as day
    from log.events
    where event_type = 'TicketSaleCancelled';

    create temp table issued as
    select aggregate_id as counter, (payload->event_type->>'from')::date as from_day,
        (payload->event_type->>'until')::date as until_day, (payload->event_type->>'position')::bigint as position
    from log.events
    where event_type = 'NoteIssued';

    create index on sales (counter);
    create unique index on cancellations (sale);
    create index on issued (counter);
    analyze sales; analyze cancellations; analyze issued";

/// The shares of the period's sales, less those cancelled before they were issued, less what was
/// cancelled in the period after that.
async fn second_way(
    sql: &mut PgConnection,
    counter: &str,
    from: NaiveDate,
    until: NaiveDate,
    position: i64,
) -> Sums {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "with known as (
             select s.*, i.position as issued_at, c.position as cancelled_at, c.day as cancelled_on
             from sales s
             left join issued i
                 on i.counter = s.counter and s.day between i.from_day and i.until_day
             left join cancellations c on c.sale = s.sale and c.position <= $4
             where s.counter = $1 and s.position <= $4
         )
         select postal_code, name, sum(amount)::text
         from (
             select postal_code, name, share as amount
             from known
             where day between $2 and $3
                 and (cancelled_at is null or cancelled_at > issued_at)
             union all
             select postal_code, name, -share
             from known
             where cancelled_on between $2 and $3 and cancelled_at > issued_at
         ) lines
         group by postal_code, name",
    )
    .bind(counter)
    .bind(from)
    .bind(until)
    .bind(position)
    .fetch_all(sql)
    .await
    .expect("sums");
    let cents = |amount: String| amount.parse::<Euro>().expect("an amount").as_cents();
    rows.into_iter().map(|(code, name, sum)| ((code, name), cents(sum))).collect()
}
