//! Verifying names each row that is not what the log makes of it, and where the two part.

use std::collections::BTreeSet;

use sqlx::Row;
use sqlx::postgres::PgConnection;
use uitpas_domain::calendar::DayRange;
use uitpas_domain::coupon::{self, Coupon, GrantedTo};
use uitpas_domain::ids::{CouponId, KioskId};
use uitpas_domain::kiosk::{self, Kiosk};
use uitpas_projections::{ALL, Difference};
use uuid::Uuid;

use crate::world::{SYSTEM, World, day, id, text};

#[tokio::test]
async fn a_row_changed_by_hand_is_named_with_the_event_that_made_it() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    let row = sqlx::query(
        "update views.settlement_lines set municipality_share = municipality_share + 1
         where sale = (
             select sale from views.settlement_lines
             where cancelled_position is null order by sale offset 3 limit 1)
         returning sale::text, sold_position",
    )
    .fetch_one(&mut superuser)
    .await
    .expect("a row");
    let expected = Difference {
        projection: "settlement",
        table: "settlement_lines",
        key: vec![row.get("sale")],
        position: Some(row.get("sold_position")),
    };
    assert_eq!(world.verified().await, [expected]);
}

/// An event that was never taken in is the one that is named.
#[tokio::test]
async fn an_event_that_was_missed_is_named() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    let row = sqlx::query(
        "with missed as (
             select sale, cancelled_position from views.settlement_lines
             where cancelled_position is not null order by sale limit 1
         )
         update views.settlement_lines l
         set cancelled_position = null, cancelled_day = null, position = l.sold_position
         from missed where missed.sale = l.sale
         returning l.sale::text, missed.cancelled_position",
    )
    .fetch_one(&mut superuser)
    .await
    .expect("a row");
    let difference = world.verified().await;
    assert_eq!(difference.len(), 1);
    assert_eq!(difference[0].key, [row.get::<String, _>("sale")]);
    assert_eq!(difference[0].position, Some(row.get("cancelled_position")));
}

#[tokio::test]
async fn rows_that_are_missing_or_were_made_by_hand_are_named_too() {
    let world = World::after(200).await;
    world.projections.catch_up().await.expect("caught up");
    let mut superuser = world.superuser().await;
    let missing = sqlx::query(
        "delete from views.check_ins where id = (select min(id::text)::uuid from views.check_ins)
         returning id::text",
    );
    let missing: String = missing.fetch_one(&mut superuser).await.expect("a row").get("id");
    world.tampers("insert into views.staff values ('zoë\\tx', 'balie', 'admin', 1)").await;
    world
        .tampers("update views.passholders set points = points + 100 where name is not null")
        .await;
    let differences = world.verified().await;
    let of = |projection: &str| {
        differences.iter().filter(|d| d.projection == projection).collect::<Vec<_>>()
    };
    assert_eq!(of("check_ins").len(), 1);
    assert_eq!(of("check_ins")[0].key, [missing]);
    assert!(of("check_ins")[0].position.is_some());
    assert_eq!(of("counters").len(), 1);
    assert_eq!(of("counters")[0].position, None, "no event made it");
    assert_eq!(of("passholders").len(), world.happenings.passholders.len());
    assert!(of("passholders").iter().all(|difference| difference.position.is_some()));
}

/// Verifying waits for nobody and disturbs nobody: not the live view, nor removals meanwhile.
#[tokio::test]
async fn a_view_is_verified_while_it_goes_on() {
    let mut world = World::after(200).await;
    let projections = world.projections.clone();
    let mut happenings = world.hand_over();
    let running = projections.start();
    let verifying = projections.clone();
    let verifying = tokio::spawn(async move {
        let mut differences = Vec::new();
        for _ in 0..3 {
            differences.extend(verifying.verify(None, |_| {}).await.expect("verified"));
        }
        differences
    });
    while !verifying.is_finished() {
        happenings.go_on(5).await;
        happenings.registers().await;
        happenings.removes().await;
    }
    assert_eq!(verifying.await.expect("a task"), []);
    running.stop().await;
}

/// A table of a view, with its rows as they are before anybody touches them.
struct Watched {
    name: &'static str,
    /// Names of the parts of the key, and the key of each row.
    key: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Name and type of the columns that are still to be changed.
    columns: Vec<(String, String)>,
}

impl Watched {
    async fn new(superuser: &mut PgConnection, name: &'static str) -> Self {
        let columns = "select column_name::text, udt_name::text from information_schema.columns
             where table_schema = 'views' and table_name = $1 order by ordinal_position";
        let columns: Vec<(String, String)> =
            sqlx::query_as(columns).bind(name).fetch_all(&mut *superuser).await.expect("columns");
        let key = "select a.attname::text
             from pg_index i
             join unnest(i.indkey) with ordinality k(number, place) on true
             join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
             where i.indrelid = ('views.' || $1)::regclass and i.indisprimary order by k.place";
        let key: Vec<String> =
            sqlx::query_scalar(key).bind(name).fetch_all(&mut *superuser).await.expect("a key");
        let parts: Vec<String> = key.iter().map(|part| format!("{part}::text")).collect();
        let parts = parts.join(", ");
        let rows = format!("select array[{parts}] from views.{name} order by {parts}");
        let rows = sqlx::query_scalar(&rows).fetch_all(&mut *superuser).await.expect("rows");
        let kept = format!("create temp table kept_{name} as select * from views.{name}");
        sqlx::query(&kept).execute(superuser).await.expect("a copy");
        Self { name, key, rows, columns }
    }

    /// Changes a column in each row, as long as there are some left. Says which, of which rows.
    async fn tampers(&mut self, superuser: &mut PgConnection) -> Vec<(String, Vec<String>)> {
        let mut changed = Vec::new();
        for row in &self.rows {
            let Some((column, kind)) = self.columns.pop() else { break };
            let other = match kind.as_str() {
                "int4" | "int8" => format!("coalesce({column}, 0) + 1000"),
                "bool" => format!("not coalesce({column}, false)"),
                "text" => format!("coalesce({column}, '') || 'x'"),
                "date" => format!("coalesce({column}, date '2026-01-01') + 1"),
                "timestamptz" => format!("coalesce({column}, now()) + interval '1 second'"),
                "uuid" => "gen_random_uuid()".to_owned(),
                "_text" => format!("array_append({column}, 'x')"),
                "_int4" => format!("array_append({column}, 1)"),
                other => panic!("{column} of {} is of type {other}", self.name),
            };
            let is_row: Vec<String> =
                self.key.iter().zip(1..).map(|(part, n)| format!("{part}::text = ${n}")).collect();
            let change = format!(
                "update views.{} set {column} = {other} where {}",
                self.name,
                is_row.join(" and ")
            );
            let query = row.iter().fold(sqlx::query(&change), |query, part| query.bind(part));
            let done = query.execute(&mut *superuser).await.expect(&change);
            assert_eq!(done.rows_affected(), 1, "{change}");
            changed.push((column, row.clone()));
        }
        changed
    }

    async fn restores(&self, superuser: &mut PgConnection) {
        let name = self.name;
        for statement in [
            format!("truncate views.{name}"),
            format!("insert into views.{name} select * from kept_{name}"),
        ] {
            sqlx::query(&statement).execute(&mut *superuser).await.expect("a superuser");
        }
    }
}

/// R-AUD-03: whatever is changed by hand in a row of whatever view, that view, the key of the row and
/// the first event from which on the two part are named.
#[tokio::test]
async fn every_column_of_every_view_is_watched() {
    let mut world = World::after(150).await;
    let at = world.store.entry(1).await.expect("an entry").expect("the first").recorded_at;
    let profile = kiosk::Profile {
        name: text("Zuil aan de ingang"),
        card_system: SYSTEM,
        counters: [id("balie")].into(),
        shows_qr: true,
    };
    let kiosk = KioskId(Uuid::from_u128(1));
    let provisioned = kiosk::Event::Provisioned { profile, at };
    world.happenings.record::<Kiosk>(&kiosk, vec![provisioned]).await;
    let terms = coupon::Terms::PercentOff {
        percent: "50".parse().expect("a number"),
        organizer_part: 0,
        municipality_part: 100,
    };
    let definition = Box::new(coupon::Definition {
        name: text("Lentebon"),
        description: None,
        owner: SYSTEM,
        limit: None,
        validity: DayRange::default(),
        only_activities: BTreeSet::new(),
        only_at_counters: BTreeSet::new(),
        card_systems: BTreeSet::new(),
        granted_to: GrantedTo::Everyone,
        effect: terms.try_into().expect("it adds up"),
        payer: None,
    });
    let defined = coupon::Event::Defined { definition, at };
    world.happenings.record::<Coupon>(&CouponId(7), vec![defined]).await;
    for (from, until) in [("2025-01-01", "2025-03-31"), ("2025-04-01", "2025-06-30")] {
        world.happenings.issues_note(&world.projections, day(from), day(until)).await;
    }
    world.projections.catch_up().await.expect("caught up");
    assert_eq!(world.verified().await, []);

    let mut superuser = world.superuser().await;
    let mut watched_tables = BTreeSet::new();
    for projection in ALL {
        let mut tables = Vec::new();
        for table in projection.tables() {
            tables.push(Watched::new(&mut superuser, table).await);
        }
        loop {
            let mut changed = Vec::new();
            for table in &mut tables {
                let of_table = table.tampers(&mut superuser).await;
                changed.extend(of_table.into_iter().map(|(column, key)| (table.name, column, key)));
            }
            if changed.is_empty() {
                break;
            }
            let found = world.projections.verify(Some(projection.name), |_| {}).await;
            let found = found.expect("a verification");
            for (table, column, key) in changed {
                let is_it = |one: &&Difference| {
                    (one.projection, one.table, &one.key) == (projection.name, table, &key)
                };
                let named = found.iter().find(is_it);
                let named =
                    named.unwrap_or_else(|| panic!("{table}.{column} of {key:?} is not named"));
                assert!(named.position.is_some(), "{table}.{column} of {key:?}: no event");
                watched_tables.insert(table);
            }
            for table in &tables {
                table.restores(&mut superuser).await;
            }
        }
    }
    let at_least = [
        "activities",
        "card_systems",
        "check_ins",
        "counters",
        "coupons",
        "kiosks",
        "ksb_admins",
        "passholders",
        "redemptions",
        "rewards",
        "settlement_lines",
        "settlement_notes",
        "staff",
        "ticket_sales",
    ];
    assert!(at_least.iter().all(|table| watched_tables.contains(table)), "{watched_tables:?}");
    assert_eq!(world.verified().await, []);
}
