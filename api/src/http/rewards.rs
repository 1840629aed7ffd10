//! Rewards: `/rewards`.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, Uri};
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use uitpas_domain::calendar::{DayRange, Period as LimitPeriod, day_in_belgium, start_of_day};
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{CardSystemId, CounterId, PassholderId, RedemptionId, RewardId};
use uitpas_domain::limit::Limit;
use uitpas_domain::passholder::Refused;
use uitpas_domain::passholder::cards::CardRefused;
use uitpas_domain::passholder::redemptions::RedemptionRefused;
use uitpas_domain::reward::{self, Definition, Kind, Marks, Status, Unavailable};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::place::PostalCode;
use uitpas_domain::values::text::{Lines, Text};
use uitpas_projections::redemptions as overview;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, IfMatch, Query, Write, etag, paging};
use super::shapes::{CardSystemRef, OrganizerRef, Page, instant, last_instant, sought};
use super::words;
use crate::actions::rewards::{self, Names, NewRedemption};
use crate::actions::{online_rewards, version_of};
use crate::app::App;
use crate::auth::{self, Caller};
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(one, change))
        .routes(routes!(redeem_status))
        .routes(routes!(redeemed, redeem))
        .routes(routes!(cancel))
}

/// A period of the contract. A reward's periods are Brussels days, both ends inclusive.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
struct Period {
    begin: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<DateTime<FixedOffset>>,
}

impl Period {
    fn days(&self, field: &str) -> Result<DayRange, Problem> {
        let day = |at: DateTime<FixedOffset>, end: &str| {
            uitpas_domain::calendar::instant(at)
                .map(day_in_belgium)
                .map_err(|error| Problem::BodyData(format!("/{field}/{end}"), error.to_string()))
        };
        let from = day(self.begin, "begin")?;
        let until = self.end.map(|end| day(end, "end")).transpose()?;
        if until.is_some_and(|until| until < from) {
            let why = "lies before the begin".to_owned();
            return Err(Problem::BodyData(format!("/{field}/end"), why));
        }
        Ok(DayRange { from: Some(from), until })
    }

    fn print(range: &DayRange) -> Option<Self> {
        let begin = range.from.map(|from| instant(start_of_day(from)));
        let open = || instant(DateTime::<Utc>::UNIX_EPOCH);
        (range.from.is_some() || range.until.is_some()).then(|| Period {
            begin: begin.unwrap_or_else(open),
            end: range.until.map(last_instant),
        })
    }
}

#[derive(Deserialize, Serialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RewardType {
    Points,
    Welcome,
}

impl From<Kind> for RewardType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Points => RewardType::Points,
            Kind::Welcome => RewardType::Welcome,
        }
    }
}

#[derive(Deserialize, ToSchema)]
struct Ref<T> {
    id: T,
}

#[derive(Deserialize, Serialize, ToSchema)]
struct Constraint {
    volume: u32,
    #[schema(schema_with = words::of::<LimitPeriod>)]
    period: LimitPeriod,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewReward {
    #[schema(schema_with = words::text::<200>)]
    title: Text<200>,
    #[serde(rename = "type")]
    kind: RewardType,
    #[schema(schema_with = words::text::<4000>)]
    promotional_description: Lines<4000>,
    publication_period: Period,
    #[serde(default, deserialize_with = "whole")]
    points: Option<u32>,
    #[serde(default)]
    categories: Vec<Category>,
    #[serde(rename = "moreInfoURL")]
    #[schema(schema_with = words::optional::web_address)]
    more_info_url: Option<WebAddress>,
    #[serde(default)]
    #[schema(schema_with = words::web_addresses)]
    pictures: Vec<WebAddress>,
    #[serde(default)]
    for_kids: bool,
    #[serde(default)]
    sport: bool,
    #[serde(default)]
    featured: bool,
    #[serde(default)]
    online: bool,
    granting_period: Option<Period>,
    redeem_period: Option<Period>,
    /// Absent: that of the reward, or the first one that the caller is KSB admin of.
    #[schema(value_type = Option<Ref<u32>>)]
    owning_card_system: Option<Ref<CardSystemId>>,
    #[serde(default)]
    #[schema(value_type = Vec<Ref<u32>>)]
    applicable_card_systems: Vec<Ref<CardSystemId>>,
    all_card_systems: Option<bool>,
    #[serde(default)]
    #[schema(value_type = Vec<Ref<String>>)]
    organizers: Vec<Ref<CounterId>>,
    max_available_units: Option<u32>,
    #[schema(schema_with = words::optional::text::<4000>)]
    practical_info: Option<Lines<4000>>,
    redeem_constraint: Option<Constraint>,
    /// Beyond the contract: only for inhabitants of these municipalities (R-RWD-05).
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    only_inhabitants_of: BTreeSet<PostalCode>,
}

/// The categories of the contract.
#[derive(Deserialize, Clone, Copy, ToSchema, strum::Display)]
pub enum Category {
    #[serde(rename = "Eten en drinken")]
    #[strum(serialize = "Eten en drinken")]
    Food,
    #[serde(rename = "Doen")]
    #[strum(serialize = "Doen")]
    Doing,
    #[serde(rename = "Gadget of item")]
    #[strum(serialize = "Gadget of item")]
    Thing,
    #[serde(rename = "Goede doel")]
    #[strum(serialize = "Goede doel")]
    Charity,
}

/// An address on the web.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Text<500>")]
struct WebAddress(Text<500>);

impl TryFrom<Text<500>> for WebAddress {
    type Error = &'static str;

    fn try_from(text: Text<500>) -> Result<Self, Self::Error> {
        let uri = text.as_str().parse::<Uri>().ok();
        let is_web = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
        });
        if is_web { Ok(Self(text)) } else { Err("no address that begins with http:// or https://") }
    }
}

/// A number without a fraction: the contract says `number`, and some clients write `5.0`.
fn whole<'de, D: Deserializer<'de>>(number: D) -> Result<Option<u32>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(number)? else { return Ok(None) };
    let is_whole = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    match is_whole {
        true => Ok(Some(number as u32)),
        false => Err(D::Error::custom("not a whole number, 0 or more")),
    }
}

impl NewReward {
    /// `owner` is the card system whose reward it is, where the body names none.
    fn definition(self, status: Status, owner: CardSystemId) -> Answer<Definition> {
        let categories = self.categories.iter().map(ToString::to_string);
        let categories =
            categories.map(|word| word.parse().expect("the words are short")).collect();
        let period = |period: &Option<Period>, field: &str| {
            period.as_ref().map_or(Ok(DayRange::default()), |period| period.days(field))
        };
        let kind = match self.kind {
            RewardType::Points => Kind::Points,
            RewardType::Welcome => Kind::Welcome,
        };
        let only_card_systems =
            match self.all_card_systems.unwrap_or(self.applicable_card_systems.is_empty()) {
                true => BTreeSet::new(),
                false => self.applicable_card_systems.iter().map(|system| system.id).collect(),
            };
        Ok(Definition {
            title: self.title,
            kind,
            points: self.points.unwrap_or(0),
            status,
            description: self.promotional_description,
            practical_info: self.practical_info,
            more_info_url: self.more_info_url.map(|address| address.0),
            categories,
            marks: Marks {
                for_kids: self.for_kids,
                sport: self.sport,
                featured: self.featured,
                online: self.online,
            },
            pictures: self.pictures.into_iter().map(|address| address.0).collect(),
            owner: self.owning_card_system.map_or(owner, |system| system.id),
            publication: self.publication_period.days("publicationPeriod")?,
            granting: period(&self.granting_period, "grantingPeriod")?,
            redemption: period(&self.redeem_period, "redeemPeriod")?,
            units_max: self.max_available_units,
            passholder_limit: self
                .redeem_constraint
                .map(|constraint| Limit { volume: constraint.volume, period: constraint.period }),
            only_inhabitants_of: self.only_inhabitants_of,
            only_at_counters: self.organizers.into_iter().map(|organizer| organizer.id).collect(),
            only_card_systems,
        })
    }
}

#[utoipa::path(
    post,
    path = "/rewards",
    request_body = NewReward,
    responses((status = 200, body = Reward)),
    security(("token" = ["REWARDS_WRITE"]))
)]
async fn create(
    State(app): State<App>,
    Write { request, body }: Write<NewReward>,
) -> Answer<Json<Reward>> {
    let owner = match body.owning_card_system {
        Some(Ref { id }) => id,
        None => rewards::first_owner(&app, &request.caller).await?,
    };
    let definition = body.definition(Status::Active, owner)?;
    let id = rewards::create(&app, &request, &definition).await?;
    Ok(Json(print(&app, id, &rewards::read(&app, id).await?).await?))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reward {
    #[schema(value_type = Uuid)]
    id: RewardId,
    title: String,
    #[serde(rename = "type")]
    kind: RewardType,
    promotional_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    publication_period: Option<Period>,
    points: u32,
    categories: Vec<String>,
    #[serde(rename = "moreInfoURL", skip_serializing_if = "Option::is_none")]
    more_info_url: Option<String>,
    pictures: Vec<String>,
    for_kids: bool,
    sport: bool,
    featured: bool,
    online: bool,
    /// It can be taken up, but not for long any more.
    last_chance: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    granting_period: Option<Period>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redeem_period: Option<Period>,
    owning_card_system: CardSystemRef,
    applicable_card_systems: Vec<CardSystemRef>,
    all_card_systems: bool,
    organizers: Vec<OrganizerRef>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_available_units: Option<u32>,
    units_taken: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    practical_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redeem_constraint: Option<Constraint>,
}

async fn print(app: &App, id: RewardId, reward: &reward::Reward) -> Answer<Reward> {
    let definition = reward.definition.as_deref().ok_or(reward::Refused::Unknown)?;
    let names = rewards::names(app, [definition]).await?;
    Ok(print_definition(id, definition, reward.units_taken(), &names, day_in_belgium(app.now())))
}

pub(super) fn print_definition(
    id: RewardId,
    definition: &Definition,
    units_taken: u32,
    names: &Names,
    today: NaiveDate,
) -> Reward {
    let card_system = |id: &CardSystemId| CardSystemRef {
        id: *id,
        name: names.card_systems.get(id).cloned().unwrap_or_default(),
    };
    let organizer =
        |id: &CounterId| OrganizerRef { id: id.clone(), name: names.counters.get(id).cloned() };
    Reward {
        id,
        title: definition.title.to_string(),
        kind: definition.kind.into(),
        promotional_description: definition.description.to_string(),
        publication_period: Period::print(&definition.publication),
        points: definition.points,
        categories: definition.categories.iter().map(ToString::to_string).collect(),
        more_info_url: definition.more_info_url.as_ref().map(ToString::to_string),
        pictures: definition.pictures.iter().map(ToString::to_string).collect(),
        for_kids: definition.marks.for_kids,
        sport: definition.marks.sport,
        featured: definition.marks.featured,
        online: definition.marks.online,
        last_chance: definition.is_last_chance(today),
        granting_period: Period::print(&definition.granting),
        redeem_period: Period::print(&definition.redemption),
        owning_card_system: card_system(&definition.owner),
        applicable_card_systems: definition.only_card_systems.iter().map(card_system).collect(),
        all_card_systems: definition.only_card_systems.is_empty(),
        organizers: definition.only_at_counters.iter().map(organizer).collect(),
        status: match definition.status {
            Status::Active => "ACTIVE",
            Status::Inactive => "INACTIVE",
            Status::Deleted => "DELETED",
        },
        max_available_units: definition.units_max,
        units_taken,
        practical_info: definition.practical_info.as_ref().map(ToString::to_string),
        redeem_constraint: definition
            .passholder_limit
            .map(|limit| Constraint { volume: limit.volume, period: limit.period }),
    }
}

#[utoipa::path(
    get,
    path = "/rewards/{id}",
    params(("id" = Uuid, Path)),
    responses((
        status = 200,
        body = Reward,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["REWARDS_READ"]))
)]
async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<RewardId>,
) -> Answer<([(HeaderName, String); 1], Json<Reward>)> {
    // Whoever comes for himself may look at what he could take up.
    if caller.kind != auth::Kind::Passholder {
        app.demand_task(&caller, Task::Redeem).await?;
    }
    versioned(&app, id).await
}

/// A reward and its version.
async fn versioned(app: &App, id: RewardId) -> Answer<([(HeaderName, String); 1], Json<Reward>)> {
    let known = rewards::read(app, id).await?;
    let printed = print(app, id, &known).await?;
    Ok(([etag(version_of(&known.definition))], Json(printed)))
}

/// Replaces what was laid down; parts are fixed after the first use (R-RWD-10).
#[utoipa::path(
    put,
    path = "/rewards/{id}",
    params(
        ("id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = NewReward,
    responses(
        (
            status = 200,
            body = Reward,
            headers(("ETag" = String, description = "The version, for `If-Match`."))
        ),
        (status = 412)
    ),
    security(("token" = ["REWARDS_WRITE"]))
)]
async fn change(
    State(app): State<App>,
    Id(id): Id<RewardId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<NewReward>,
) -> Answer<([(HeaderName, String); 1], Json<Reward>)> {
    let known = rewards::read(&app, id).await?;
    let known = known.definition.ok_or(reward::Refused::Unknown)?;
    let definition = body.definition(known.status, known.owner)?;
    rewards::change(&app, &request, id, &definition, version).await?;
    versioned(&app, id).await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedStatus {
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    #[param(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
}

#[derive(Serialize, ToSchema)]
struct RedeemStatus {
    redeemable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// The same decision as `POST /rewards/redeemed`, not committed.
#[utoipa::path(
    get,
    path = "/rewards/{id}/redeem-status",
    params(("id" = Uuid, Path), AskedStatus),
    responses((status = 200, body = RedeemStatus)),
    security(("token" = ["REWARDS_REDEEM"]))
)]
async fn redeem_status(
    State(app): State<App>,
    caller: Caller,
    Id(reward): Id<RewardId>,
    Query(asked): Query<AskedStatus>,
) -> Answer<Json<RedeemStatus>> {
    let new = NewRedemption { reward, card: asked.uitpas_number, counter: asked.organizer_id };
    match rewards::preview(&app, &caller, &new).await {
        Ok(()) => Ok(Json(RedeemStatus { redeemable: true, reason: None, message: None })),
        Err(problem) => match reason(&problem) {
            None => Err(problem),
            reason => {
                let message = problem.end_user_message();
                Ok(Json(RedeemStatus { redeemable: false, reason, message }))
            }
        },
    }
}

/// The contract's reason of a refusal; none for what is no refusal of the reward.
fn reason(problem: &Problem) -> Option<&'static str> {
    use RedemptionRefused as R;
    match problem {
        Problem::CardNotActive(_) | Problem::GroupPass => Some("INVALID_CARD"),
        Problem::Reward(reward::Refused::SoldOut) => Some("REWARD_VOLUME"),
        Problem::Passholder(Refused::Card(CardRefused::NoActiveMembership)) => {
            Some("PASSHOLDER_NO_ACTIVE_CARDSYSTEM")
        }
        Problem::Passholder(Refused::Card(_) | Refused::Status(_)) => Some("INVALID_CARD"),
        Problem::Passholder(Refused::Redemption(refused)) => match refused {
            R::Unavailable(Unavailable::Unknown) => None,
            R::Unavailable(Unavailable::SoldOut) => Some("REWARD_VOLUME"),
            R::Unavailable(
                Unavailable::Inactive
                | Unavailable::NotYet(_)
                | Unavailable::Over(_)
                | Unavailable::OtherCounter,
            ) => Some("REWARD_PERIOD"),
            R::OtherCardSystem | R::OtherMunicipality => Some("PASSHOLDER_APPLICABLE_CARDSYSTEMS"),
            R::NotGranted | R::LimitReached => Some("PASSHOLDER_VOLUME"),
            R::NotEnoughPoints { .. } => Some("PASSHOLDER_POINTS"),
            R::Unknown | R::AlreadyCancelled | R::OnlyKsb => None,
        },
        _ => None,
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewRedeemed {
    #[schema(value_type = Uuid)]
    reward_id: RewardId,
    #[schema(schema_with = words::uitpas_number)]
    uitpas_number: CardNumber,
    /// Beyond the contract: at which counter; absent: at one of the caller's.
    #[schema(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RedeemedReward {
    #[schema(value_type = Uuid)]
    id: RedemptionId,
    reward: Reward,
    redeem_date: DateTime<FixedOffset>,
    /// What is to be done online.
    #[serde(skip_serializing_if = "Option::is_none")]
    redeem_info: Option<RedeemInfo>,
    /// The code that this redemption got, and no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    redeem_code: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct RedeemInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// A redemption with what follows it online.
async fn print_redeemed(
    app: &App,
    (id, reward, at): (RedemptionId, RewardId, DateTime<Utc>),
) -> Answer<RedeemedReward> {
    let known = rewards::read(app, reward).await?;
    let redeem_info = known.online.as_ref().map(|online| RedeemInfo {
        text: online.text.as_ref().map(ToString::to_string),
        link: online.link.as_ref().map(ToString::to_string),
        label: online.label.as_ref().map(ToString::to_string),
    });
    let redeem_code = online_rewards::code_of(app, reward, &known, id).await?;
    Ok(RedeemedReward {
        id,
        reward: print(app, reward, &known).await?,
        redeem_date: instant(at),
        redeem_info,
        redeem_code: redeem_code.map(|code| code.to_string()),
    })
}

#[utoipa::path(
    post,
    path = "/rewards/redeemed",
    request_body = NewRedeemed,
    responses((status = 201, body = RedeemedReward)),
    security(("token" = ["REWARDS_REDEEM"]))
)]
async fn redeem(
    State(app): State<App>,
    Write { request, body }: Write<NewRedeemed>,
) -> Answer<(StatusCode, Json<RedeemedReward>)> {
    let new = NewRedemption {
        reward: body.reward_id,
        card: body.uitpas_number,
        counter: body.organizer_id,
    };
    let redeemed = rewards::redeem(&app, &request, &new).await?;
    let printed = print_redeemed(&app, (redeemed.id, redeemed.reward, redeemed.at)).await?;
    Ok((StatusCode::CREATED, Json(printed)))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedRedeemed {
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    #[param(value_type = Option<Uuid>)]
    passholder_id: Option<PassholderId>,
    #[param(inline)]
    reward_type: Option<RewardType>,
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    organizer_id: Vec<CounterId>,
    #[serde(default, deserialize_with = "sought")]
    reward_title: Option<String>,
    start: Option<u32>,
    limit: Option<u32>,
}

#[utoipa::path(
    get,
    path = "/rewards/redeemed",
    params(AskedRedeemed),
    responses((status = 200, body = Page<RedeemedReward>)),
    security(("token" = ["REWARDS_READ"]))
)]
async fn redeemed(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<AskedRedeemed>,
) -> Answer<Json<Page<RedeemedReward>>> {
    if asked.passholder_id.is_some() && asked.organizer_id.is_empty() {
        return Err(Problem::Query("organizerId".to_owned(), REQUIRED.to_owned()));
    }
    // What he may see comes first: a stranger does not learn which cards there are.
    let counters = app.own_counters(&caller, &asked.organizer_id).await?;
    let passholder = match (asked.uitpas_number, asked.passholder_id) {
        (Some(card), None) => app.passholder_of(card).await?,
        (None, Some(passholder)) => passholder,
        _ => {
            let reason = "give either uitpasNumber or passholderId".to_owned();
            return Err(Problem::Query("passholderId".to_owned(), reason));
        }
    };
    let filter = overview::Filter {
        passholder: Some(passholder),
        counters: Some(counters),
        title: asked.reward_title,
        kind: asked.reward_type.map(|kind| match kind {
            RewardType::Points => Kind::Points,
            RewardType::Welcome => Kind::Welcome,
        }),
        cancelled: Some(false),
        paging: paging(asked.start, asked.limit)?,
        ..Default::default()
    };
    app.caught_up(&caller, overview::PROJECTION.name).await?;
    let page = overview::list(app.pool(), &filter).await?;
    let mut member = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let redeemed = (RedemptionId(row.id), RewardId(row.reward), row.at);
        member.push(print_redeemed(&app, redeemed).await?);
    }
    Ok(Json(Page { total_items: page.total.unsigned_abs(), member }))
}

#[utoipa::path(
    delete,
    path = "/rewards/redeemed/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["REWARDS_REDEEM"]))
)]
async fn cancel(
    State(app): State<App>,
    Id(redemption): Id<RedemptionId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    rewards::cancel(&app, &request, redemption).await?;
    Ok(StatusCode::NO_CONTENT)
}
