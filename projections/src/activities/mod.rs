//! Activities of UiTdatabank: by id, by counter and day, by title.

use chrono::NaiveDate;
use sqlx::postgres::PgPool;
use uitpas_domain::activity::{Calendar, CardSystems, Description, Event, Settings};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::ids::{ActivityId, CounterId};

use crate::projection::{Fold, Projection, not_mine};
use crate::reading::{AnyEvent, Entry};
use crate::search::{Page, Paging, Query, Rows, containing, folded, page, rows};
use crate::table::{AsJson, NoRow, Stored, Table, table};

table! {
    /// An activity as last published or revised.
    Activity in "activities" by (id: String) {
        id: String,
        title: String,
        title_folded: String,
        /// Counter id.
        organizer: String,
        audience: String,
        /// False when cancelled.
        available: bool,
        withdrawn: bool,
        /// Brussels days between which it may be on; absent: open.
        first_day: Option<NaiveDate>,
        last_day: Option<NaiveDate>,
        description: AsJson<Description>,
        settings: AsJson<Settings>,
        /// Absent: every card system of the organizer, with no key switched on by hand.
        card_systems: Option<AsJson<CardSystems>>,
        position: i64,
    }
}

pub const PROJECTION: Projection = Projection {
    name: "activities",
    version: 1,
    schema: include_str!("schema.sql"),
    indexes: include_str!("indexes.sql"),
    owns: &[
        ("activity", "Published"),
        ("activity", "Revised"),
        ("activity", "SettingsChanged"),
        ("activity", "CardSystemsChosen"),
    ],
    opens_details: false,
    statements: &[BY_ID, LIST, OVERVIEW, AROUND, OF_ORGANIZERS],
    new: || Box::new(Activities::default()),
};

#[derive(Default)]
struct Activities {
    activities: Table<Activity>,
}

impl Fold for Activities {
    fn needs(&mut self, event: &AnyEvent) {
        let AnyEvent::Activity(id, event) = event else { return };
        match event {
            Event::Published { .. } => self.activities.makes((id.to_string(),)),
            Event::Revised { .. }
            | Event::SettingsChanged { .. }
            | Event::CardSystemsChosen { .. } => self.activities.needs((id.to_string(),)),
        }
    }

    fn fold(&mut self, entry: &Entry) -> Result<(), NoRow> {
        let AnyEvent::Activity(id, event) = &entry.event else { return not_mine() };
        let key = (id.to_string(),);
        match event {
            Event::Published { description, .. } => {
                self.activities.put(Activity::new(id, description, entry.position));
                return Ok(());
            }
            Event::Revised { description, .. } => {
                let known = self.activities.at(&key)?;
                *known = Activity {
                    settings: known.settings.clone(),
                    card_systems: known.card_systems.clone(),
                    ..Activity::new(id, description, entry.position)
                };
            }
            Event::SettingsChanged { settings, .. } => {
                self.activities.at(&key)?.settings = AsJson(settings.clone());
            }
            Event::CardSystemsChosen { card_systems, .. } => {
                self.activities.at(&key)?.card_systems = Some(AsJson(card_systems.clone()));
            }
        }
        self.activities.at(&key)?.position = entry.position;
        Ok(())
    }

    fn tables(&mut self) -> Vec<&mut dyn Stored> {
        vec![&mut self.activities]
    }
}

impl Activity {
    fn new(id: &ActivityId, description: &Description, position: i64) -> Self {
        let (first_day, last_day) = days(&description.calendar);
        Self {
            id: id.to_string(),
            title: description.title.to_string(),
            title_folded: folded(description.title.as_str()),
            organizer: description.organizer.to_string(),
            audience: description.audience.to_string(),
            available: description.available,
            withdrawn: description.withdrawn,
            first_day,
            last_day,
            description: AsJson(description.clone()),
            settings: AsJson(Settings::default()),
            card_systems: None,
            position,
        }
    }
}

/// The first and last Brussels day on which something of it may be on.
fn days(calendar: &Calendar) -> (Option<NaiveDate>, Option<NaiveDate>) {
    let occurrences = match calendar {
        Calendar::Single(occurrence) => std::slice::from_ref(occurrence),
        Calendar::Multiple(occurrences) => occurrences.as_slice(),
        Calendar::Periodic { from, until, .. } => return (Some(*from), Some(*until)),
        Calendar::Permanent { .. } => return (None, None),
    };
    let starts = occurrences.iter().map(|occurrence| day_in_belgium(occurrence.start));
    let ends = occurrences.iter().map(|occurrence| day_in_belgium(occurrence.end()));
    (starts.min(), ends.max())
}

/// Which activities to list; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub counters: Option<Vec<CounterId>>,
    /// The Brussels day on which something of it is on.
    pub day: Option<NaiveDate>,
    /// Part of the title.
    pub title: Option<String>,
    /// Those for members only as well: at the counter (R-CTR-08).
    pub with_members_only: bool,
    /// Cancelled and withdrawn ones as well.
    pub with_cancelled: bool,
}

const BY_ID: &str = "select * from views.activities where id = $1";

const LIST: &str = "
    select *
    from views.activities
    where ($1::text[] is null or organizer = any($1))
        and ($2::date is null or first_day is null or first_day <= $2)
        and ($2::date is null or last_day is null or last_day >= $2)
        and ($3::text is null or title_folded like $3)
        and ($4 or audience <> 'members')
        and ($5 or (available and not withdrawn))
    order by title_folded, id
    limit $6";

const OVERVIEW: &str = "
    select *, count(*) over () as total
    from views.activities
    where ($1::text[] is null or organizer = any($1))
        and ($2::text is null or id = $2)
        and ($3::text is null or title_folded like $3)
        and ($4::date is null or last_day is null or last_day >= $4)
        and ($5::date is null or first_day is null or first_day <= $5)
    order by title_folded, id
    offset $6 limit $7";

const AROUND: &str = "
    select *
    from views.activities
    where organizer = any($1)
        and (first_day is null or first_day <= $2::date + 1)
        and (last_day is null or last_day >= $2::date - 1)
        and available
        and not withdrawn
    order by id";

/// Which activities of the back office; what is absent does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    pub counters: Option<Vec<CounterId>>,
    /// The CDBID.
    pub id: Option<ActivityId>,
    /// Part of the title.
    pub title: Option<String>,
    /// Those that may be on between these days, both inclusive.
    pub from: Option<NaiveDate>,
    pub until: Option<NaiveDate>,
    pub paging: Paging,
}

fn query(overview: &Overview, paging: Paging) -> Query<'static, Activity> {
    let counters = overview.counters.as_ref();
    sqlx::query_as(OVERVIEW)
        .bind(counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>()))
        .bind(overview.id.as_ref().map(ActivityId::to_string))
        .bind(overview.title.as_deref().map(containing))
        .bind(overview.from)
        .bind(overview.until)
        .bind(paging.start)
        .bind(paging.limit)
}

/// By title; cancelled and withdrawn ones too.
pub async fn overview(pool: &PgPool, overview: &Overview) -> sqlx::Result<Page<Activity>> {
    page(pool, overview.paging, |paging| query(overview, paging)).await
}

/// All of them, not a page.
pub fn stream(pool: &PgPool, overview: &Overview) -> Rows<Activity> {
    rows(pool, query(overview, Paging::ALL))
}

/// The most activities that a list holds.
const LIST_MAX: i64 = 5_000;

/// The activities of these counters that may be on this day or the one before or after it, by id.
pub async fn around(
    pool: &PgPool,
    counters: &[CounterId],
    day: NaiveDate,
) -> sqlx::Result<Vec<Activity>> {
    let counters: Vec<String> = counters.iter().map(CounterId::to_string).collect();
    sqlx::query_as(AROUND).bind(counters).bind(day).fetch_all(pool).await
}

pub async fn by_id(pool: &PgPool, id: &ActivityId) -> sqlx::Result<Option<Activity>> {
    sqlx::query_as(BY_ID).bind(id.as_str()).fetch_optional(pool).await
}

/// By title. The rows span the day; the calendar says whether it is on.
pub async fn list(pool: &PgPool, filter: &Filter) -> sqlx::Result<Vec<Activity>> {
    let counters = filter.counters.as_ref();
    let mut found: Vec<Activity> = sqlx::query_as(LIST)
        .bind(counters.map(|ids| ids.iter().map(CounterId::to_string).collect::<Vec<_>>()))
        .bind(filter.day)
        .bind(filter.title.as_deref().map(containing))
        .bind(filter.with_members_only)
        .bind(filter.with_cancelled)
        .bind(LIST_MAX)
        .fetch_all(pool)
        .await?;
    if let Some(day) = filter.day {
        found.retain(|activity| activity.description.0.calendar.is_on(day));
    }
    Ok(found)
}

const OF_ORGANIZERS: &str =
    "select id, description from views.activities where organizer = any($1) order by id";

/// The ids of the activities of these organizers that UiTdatabank gives any of these terms.
pub async fn with_terms(
    pool: &PgPool,
    organizers: &[String],
    terms: &[String],
) -> sqlx::Result<Vec<String>> {
    let terms: Vec<String> = terms.iter().map(|term| folded(term)).collect();
    let all: Vec<(String, AsJson<Description>)> =
        sqlx::query_as(OF_ORGANIZERS).bind(organizers).fetch_all(pool).await?;
    let has_one = |description: &Description| {
        description.terms.iter().any(|term| terms.contains(&folded(term.as_str())))
    };
    Ok(all.into_iter().filter(|(_, of)| has_one(&of.0)).map(|(id, _)| id).collect())
}
