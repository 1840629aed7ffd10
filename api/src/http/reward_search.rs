//! `GET /rewards`: looking for rewards, with what there is of each kind beside the list.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::CardSystem;
use uitpas_domain::counter::{Counter, Task};
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId, RewardId};
use uitpas_domain::reward::{Kind, Status};
use uitpas_projections::{Paging, counters, rewards as view};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Query, paging};
use super::passholders::Sort;
use super::rewards::{Category, Reward, print_definition};
use super::shapes::sought;
use crate::actions::rewards;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    /// At an organizer in one of these.
    #[serde(default)]
    organizer_postal_code: Vec<String>,
    #[serde(default)]
    #[param(value_type = Vec<u32>)]
    owning_card_system_id: Vec<CardSystemId>,
    #[serde(default)]
    #[param(value_type = Vec<u32>)]
    applicable_card_system_id: Vec<CardSystemId>,
    #[serde(rename = "type", default)]
    #[param(inline)]
    kind: AskedKind,
    #[serde(default, deserialize_with = "sought")]
    text: Option<String>,
    #[serde(default)]
    #[param(inline)]
    categories: Vec<Category>,
    points_from: Option<u32>,
    points_to: Option<u32>,
    #[serde(default)]
    #[param(inline)]
    subset: Subset,
    #[param(inline)]
    status: Option<AskedRewardStatus>,
    sport: Option<bool>,
    for_kids: Option<bool>,
    featured: Option<bool>,
    online: Option<bool>,
    /// Those that can be taken up, but not for long any more.
    last_chance: Option<bool>,
    /// What to count by, beside the list.
    #[serde(default)]
    #[param(inline)]
    facets: Vec<FacetName>,
    /// Names, separated by commas; with `-` before it the other way round: `name`, `creationdate`,
    /// `redeemCount`, `featured`, `points`.
    #[serde(default, deserialize_with = "sought")]
    sort: Option<String>,
    /// Older ways to sort; `sort` goes before them.
    #[serde(rename = "sort[name]")]
    #[param(inline)]
    sort_name: Option<Sort>,
    #[serde(rename = "sort[creationDate]")]
    #[param(inline)]
    sort_creation_date: Option<Sort>,
    #[serde(rename = "sort[redeemCount]")]
    #[param(inline)]
    sort_redeem_count: Option<Sort>,
    #[serde(rename = "sort[featured]")]
    #[param(inline)]
    sort_featured: Option<Sort>,
    #[serde(rename = "sort[points]")]
    #[param(inline)]
    sort_points: Option<Sort>,
    /// Only what this passholder could take up now (R-RWD-06).
    #[param(value_type = Option<Uuid>)]
    is_redeemable_by_passholder_id: Option<PassholderId>,
    /// Only what there is at the counters where this passholder lately saved points.
    #[param(value_type = Option<Uuid>)]
    is_interesting_for_passholder_id: Option<PassholderId>,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Deserialize, Default, Clone, Copy, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum AskedKind {
    #[default]
    Points,
    Welcome,
    Any,
}

#[derive(Deserialize, Default, Clone, Copy, ToSchema)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
enum Subset {
    All,
    #[default]
    Endusers,
    Redeemable,
    RedeemableFuture,
    EnduserFuture,
}

#[derive(Deserialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum AskedRewardStatus {
    Active,
    Inactive,
    Deleted,
}

#[derive(Deserialize, Serialize, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[serde(rename_all = "camelCase")]
enum FacetName {
    Categories,
    ForKids,
    Sport,
    Online,
    LastChance,
    OwningCardSystemId,
    Type,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Rewards {
    total_items: u64,
    member: Vec<Reward>,
    /// By facet and value.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, BTreeMap<String, FacetValue>>)]
    facet: BTreeMap<FacetName, BTreeMap<String, FacetValue>>,
}

#[derive(Serialize, ToSchema)]
struct FacetValue {
    name: FacetLabel,
    count: u64,
}

#[derive(Serialize, ToSchema)]
struct FacetLabel {
    nl: String,
}

/// What a list is sorted by.
#[derive(Clone, Copy, PartialEq)]
enum Key {
    Name,
    Creation,
    RedeemCount,
    Points,
    /// Those that are not, before those that are.
    Featured,
}

impl Asked {
    fn keys(&self) -> Answer<Vec<(Key, bool)>> {
        if let Some(sort) = &self.sort {
            return keys(sort);
        }
        let older = [
            (Key::Name, &self.sort_name),
            (Key::Creation, &self.sort_creation_date),
            (Key::RedeemCount, &self.sort_redeem_count),
            (Key::Featured, &self.sort_featured),
            (Key::Points, &self.sort_points),
        ];
        let asked = older.into_iter().filter_map(|(key, sort)| Some((key, sort.as_ref()?)));
        Ok(asked.map(|(key, sort)| (key, *sort == Sort::Desc)).collect())
    }
}

/// The keys in turn; of each whether the list runs the other way.
fn keys(sort: &str) -> Answer<Vec<(Key, bool)>> {
    let key = |name: &str| {
        let (name, descending) = match name.trim().strip_prefix('-') {
            Some(name) => (name, true),
            None => (name.trim(), false),
        };
        let key = match name.to_lowercase().as_str() {
            "name" => Key::Name,
            "creationdate" => Key::Creation,
            "redeemcount" => Key::RedeemCount,
            "points" => Key::Points,
            "featured" => Key::Featured,
            _ => {
                let reason = "name, creationdate, redeemCount, featured or points".to_owned();
                return Err(Problem::Query("sort".to_owned(), reason));
            }
        };
        Ok((key, descending))
    };
    sort.split(',').map(key).collect()
}

fn compare(keys: &[(Key, bool)], a: &view::Reward, b: &view::Reward) -> Ordering {
    let by = |(key, descending): &(Key, bool)| {
        let order = match key {
            Key::Name => a.title_folded.cmp(&b.title_folded),
            Key::Creation => a.created_at.cmp(&b.created_at),
            Key::RedeemCount => a.redeemed.cmp(&b.redeemed),
            Key::Points => a.points.cmp(&b.points),
            Key::Featured => {
                let featured = |of: &view::Reward| of.definition.0.marks.featured;
                featured(a).cmp(&featured(b))
            }
        };
        if *descending { order.reverse() } else { order }
    };
    keys.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// All that the filters let through: a region has some hundreds.
const ALL: Paging = Paging { start: 0, limit: i64::MAX };

#[utoipa::path(
    get,
    path = "/rewards",
    params(Asked),
    responses((status = 200, body = Rewards)),
    security(("token" = []))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Rewards>> {
    let paging = paging(asked.start, asked.limit)?;
    let keys = asked.keys()?;
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let mut rows = view::list(app.pool(), &filter(&app, &asked).await?).await?.rows;
    let today = day_in_belgium(app.now());
    rows.retain(|row| {
        let marks = row.definition.0.marks;
        let last_chance = row.definition.0.is_last_chance(today);
        [
            (asked.sport, marks.sport),
            (asked.for_kids, marks.for_kids),
            (asked.featured, marks.featured),
            (asked.online, marks.online),
            (asked.last_chance, last_chance),
        ]
        .into_iter()
        .all(|(asked, is)| asked.is_none_or(|asked| asked == is))
    });
    if let Some(passholder) = asked.is_interesting_for_passholder_id {
        app.demand_task(&caller, Task::Redeem).await?;
        let visited = rewards::visited(&app, passholder).await?;
        rows.retain(|row| row.only_at_counters.iter().any(|counter| visited.contains(counter)));
    }
    if let Some(passholder) = asked.is_redeemable_by_passholder_id {
        let mut redeemable = Vec::new();
        for row in rows {
            if rewards::is_redeemable_by(&app, &caller, RewardId(row.id), passholder).await? {
                redeemable.push(row);
            }
        }
        rows = redeemable;
    }
    // They come by name, and stay so where the keys make no difference.
    rows.sort_by(|a, b| compare(&keys, a, b));

    let card_systems = counters::card_systems(app.pool(), None).await?;
    let names: BTreeSet<_> = asked.facets.iter().copied().collect();
    let facet =
        names.into_iter().map(|name| (name, facet(name, &rows, &card_systems, today))).collect();
    let definitions: Vec<_> = rows.iter().map(|row| &row.definition.0).collect();
    let called = rewards::names(&app, definitions).await?;
    let page = super::shapes::Page::cut(rows, paging, |row: view::Reward| {
        let units_taken = row.units_taken.unsigned_abs();
        print_definition(RewardId(row.id), &row.definition.0, units_taken, &called, today)
    });
    Ok(Json(Rewards { total_items: page.total_items, member: page.member, facet }))
}

/// Refused where it names an organizer or card system that there is none of.
async fn filter(app: &App, asked: &Asked) -> Answer<view::Filter> {
    for id in &asked.organizer_id {
        if !app.store.load::<Counter>(id).await?.exists() {
            return Err(uitpas_domain::counter::Refused::Unknown.into());
        }
    }
    for id in asked.owning_card_system_id.iter().chain(&asked.applicable_card_system_id) {
        if !app.store.load::<CardSystem>(id).await?.exists() {
            return Err(uitpas_domain::card_system::Refused::Unknown.into());
        }
    }
    fn some<T: Clone>(listed: &[T]) -> Option<Vec<T>> {
        (!listed.is_empty()).then(|| listed.to_vec())
    }
    let mut counters = some(&asked.organizer_id);
    if !asked.organizer_postal_code.is_empty() {
        let all = counters::list(app.pool(), None).await?.into_iter();
        let there = all.filter(|counter| {
            let code = counter.address.0.postal_code.to_string();
            asked.organizer_postal_code.contains(&code)
        });
        let there = there.filter_map(|counter| counter.id.parse::<CounterId>().ok());
        let asked_for = |id: &CounterId| counters.as_ref().is_none_or(|ids| ids.contains(id));
        counters = Some(there.filter(asked_for).collect());
    }
    let points = |points: u32| i32::try_from(points).unwrap_or(i32::MAX);
    Ok(view::Filter {
        kind: match asked.kind {
            AskedKind::Points => Some(Kind::Points),
            AskedKind::Welcome => Some(Kind::Welcome),
            AskedKind::Any => None,
        },
        counters,
        owning_card_systems: some(&asked.owning_card_system_id),
        applicable_card_systems: some(&asked.applicable_card_system_id),
        text: asked.text.clone(),
        categories: some(&asked.categories)
            .map(|categories| categories.iter().map(ToString::to_string).collect()),
        points_from: asked.points_from.map(points),
        points_to: asked.points_to.map(points),
        status: asked.status.map(|status| match status {
            AskedRewardStatus::Active => Status::Active,
            AskedRewardStatus::Inactive => Status::Inactive,
            AskedRewardStatus::Deleted => Status::Deleted,
        }),
        subset: match asked.subset {
            Subset::All => view::Subset::All,
            Subset::Endusers => view::Subset::Endusers,
            Subset::Redeemable => view::Subset::Redeemable,
            Subset::RedeemableFuture => view::Subset::RedeemableFuture,
            Subset::EnduserFuture => view::Subset::EnduserFuture,
        },
        paging: ALL,
        ..view::Filter::on(day_in_belgium(app.now()))
    })
}

/// How many of the rewards have each value.
fn facet(
    name: FacetName,
    rows: &[view::Reward],
    card_systems: &[counters::CardSystem],
    today: NaiveDate,
) -> BTreeMap<String, FacetValue> {
    let mut values = BTreeMap::new();
    let yes_or_no = |is: bool| vec![(is.to_string(), if is { "Ja" } else { "Nee" }.to_owned())];
    for row in rows {
        let marks = row.definition.0.marks;
        let of_row: Vec<(String, String)> = match name {
            FacetName::Categories => {
                row.categories.iter().map(|category| (category.clone(), category.clone())).collect()
            }
            FacetName::OwningCardSystemId => {
                let id = counters::card_system_id(row.owner);
                let known = card_systems.iter().find(|system| system.id == row.owner);
                vec![(id.to_string(), known.map(|known| known.name.clone()).unwrap_or_default())]
            }
            FacetName::Type => vec![match row.definition.0.kind {
                Kind::Points => ("POINTS".to_owned(), "Omruilvoordeel".to_owned()),
                Kind::Welcome => ("WELCOME".to_owned(), "Welkomstvoordeel".to_owned()),
            }],
            FacetName::ForKids => yes_or_no(marks.for_kids),
            FacetName::Sport => yes_or_no(marks.sport),
            FacetName::Online => yes_or_no(marks.online),
            FacetName::LastChance => yes_or_no(row.definition.0.is_last_chance(today)),
        };
        for (value, nl) in of_row {
            let known = values.entry(value);
            known.or_insert(FacetValue { name: FacetLabel { nl }, count: 0 }).count += 1;
        }
    }
    values
}
