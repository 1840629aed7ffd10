//! Passholders: `/passholders`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::{Deserialize, Serialize};
use uitpas_domain::calendar::day_in_belgium;
use uitpas_domain::card_system::VoucherCode;
use uitpas_domain::counter::Task;
use uitpas_domain::ids::{AssociationId, CardSystemId, CounterId, PassholderId, SubjectId};
use uitpas_domain::passholder::registration::{
    AskedSocialStatus, Gender, PersonalDetails, Preferences, Terms,
};
use uitpas_domain::passholder::{CardState, Membership};
use uitpas_domain::social_status::{OnDay, Proof};
use uitpas_domain::values::card_number::CardNumber;
use uitpas_domain::values::chip_number::ChipNumber;
use uitpas_domain::values::contact::{Email, Phone};
use uitpas_domain::values::identifier::Identifier;
use uitpas_domain::values::insz::Insz;
use uitpas_domain::values::text::Text;
use uitpas_projections::passholders as view;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Bare, Id, IfMatch, Query, Write, etag, paging};
use super::private::given_note;
use super::shapes::{
    CardSystemRef, GivenAddress, GivenDay, OrganizerRef, Page, instant, last_instant, sought,
};
use super::words;
use crate::actions::passholders::{self, Change, Known, Registration};
use crate::actions::{associations, identify, private, uitid};
use crate::app::App;
use crate::auth::Caller;
use crate::problem::{Answer, Problem, REQUIRED};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, register)).routes(routes!(one, change, remove))
}

/// The person, as written in requests.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Person {
    #[schema(schema_with = words::text::<100>)]
    name: Text<100>,
    #[schema(schema_with = words::text::<100>)]
    first_name: Text<100>,
    #[schema(schema_with = words::day)]
    date_of_birth: GivenDay,
    #[schema(schema_with = words::optional::insz_number)]
    insz_number: Option<Insz>,
    #[schema(schema_with = words::optional::of::<Gender>)]
    gender: Option<Gender>,
    address: GivenAddress,
    #[schema(value_type = Option<String>)]
    email: Option<Email>,
    /// Beyond the contract: the statement that there is no e-mail address (R-REG-02).
    #[serde(default)]
    no_email: bool,
    #[schema(value_type = Option<String>)]
    phone_number: Option<Phone>,
    #[schema(schema_with = words::optional::text::<80>)]
    nationality: Option<Text<80>>,
    opt_in_preferences: Option<OptIns>,
    #[serde(default)]
    parental_consent: bool,
    #[serde(default)]
    legal_terms_paper: bool,
    #[serde(default)]
    legal_terms_digital: bool,
    #[schema(schema_with = words::optional::day)]
    registration_social_tariff_end_date: Option<GivenDay>,
    /// Beyond the contract: by what the social status was shown (R-REG-05).
    #[schema(schema_with = words::optional::of::<Proof>)]
    social_tariff_proof: Option<Proof>,
    /// The rest is read at registration only.
    registration_organizer: Option<GivenOrganizer>,
    #[schema(value_type = Option<u32>)]
    registration_card_system_id: Option<CardSystemId>,
    registration_card_type: Option<CardType>,
    #[schema(schema_with = words::optional::uitpas_number)]
    registration_uitpas_number: Option<CardNumber>,
    #[schema(value_type = Option<String>)]
    registration_voucher: Option<VoucherCode>,
    /// JPEG or PNG, at most 700,000 bytes, in base64.
    #[schema(value_type = Option<String>, format = Byte)]
    registration_picture: Option<String>,
    /// A note among staff, of at most 2000 characters.
    registration_note: Option<String>,
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptIns {
    service_mails: bool,
    milestone_mails: bool,
    info_mails: bool,
    sms: bool,
    post: bool,
}

impl From<OptIns> for Preferences {
    fn from(given: OptIns) -> Self {
        let OptIns { service_mails, milestone_mails, info_mails, sms, post } = given;
        Preferences { service_mails, milestone_mails, info_mails, sms, post }
    }
}

impl From<Preferences> for OptIns {
    fn from(known: Preferences) -> Self {
        let Preferences { service_mails, milestone_mails, info_mails, sms, post } = known;
        OptIns { service_mails, milestone_mails, info_mails, sms, post }
    }
}

impl Person {
    fn details(&self) -> Result<PersonalDetails, Problem> {
        let address = self.address.checked()?;
        Ok(PersonalDetails {
            name: self.name.clone(),
            first_name: self.first_name.clone(),
            birth_date: self.date_of_birth.0,
            insz: self.insz_number,
            gender: self.gender,
            address,
            email: self.email.clone(),
            phone: self.phone_number.clone(),
            nationality: self.nationality.clone(),
        })
    }
}

/// What is no picture is wrong before anybody is registered.
fn given_picture(text: &str) -> Answer<Vec<u8>> {
    let wrong = |why: &str| Problem::BodyData("/registrationPicture".to_owned(), why.to_owned());
    let bytes = STANDARD.decode(text.trim()).map_err(|_| wrong("is no base64"))?;
    match private::checked(&bytes) {
        Ok(_) => Ok(bytes),
        Err(problem) => Err(wrong(&problem.to_string())),
    }
}

#[derive(Deserialize, ToSchema)]
pub struct GivenOrganizer {
    #[schema(value_type = String)]
    pub id: CounterId,
}

#[derive(Deserialize, Clone, Copy, PartialEq, ToSchema)]
pub enum CardType {
    #[serde(rename = "DIGITAL")]
    Digital,
    #[serde(rename = "NFC_CARD")]
    Nfc,
}

#[utoipa::path(
    post,
    path = "/passholders",
    request_body = Person,
    responses((status = 200, body = Passholder), (status = 429)),
    security(("token" = ["PASSHOLDERS_WRITE"]))
)]
async fn register(
    State(app): State<App>,
    Write { request, body }: Write<Person>,
) -> Answer<Json<Passholder>> {
    let required = |field: &str| Problem::BodyData(format!("/{field}"), REQUIRED.to_owned());
    let details = body.details()?;
    // Vouchers are worth money.
    if body.registration_voucher.is_some() {
        app.guesses.count(&request.caller)?;
    }
    let card = match body.registration_card_type {
        None => return Err(required("registrationCardType")),
        Some(CardType::Digital) => None,
        Some(CardType::Nfc) => {
            let number = body.registration_uitpas_number;
            Some(number.ok_or_else(|| required("registrationUitpasNumber"))?)
        }
    };
    let until = body.registration_social_tariff_end_date.map(NaiveDate::from);
    let proof = body.social_tariff_proof;
    // Social status follows from the number of the card; without a number it is asked for.
    let with_social_status = card.is_some_and(|card| card.is_for_social_status());
    let asks = with_social_status || until.is_some() || proof.is_some();
    let registration = Registration {
        counter: body.registration_organizer.ok_or_else(|| required("registrationOrganizer"))?.id,
        card_system: body.registration_card_system_id,
        card,
        details,
        no_email: body.no_email,
        terms: Terms { paper: body.legal_terms_paper, digital: body.legal_terms_digital },
        preferences: body.opt_in_preferences.map(Preferences::from),
        parental_consent: body.parental_consent,
        social_status: asks.then_some(AskedSocialStatus { until, proof }),
        voucher: body.registration_voucher,
        picture: body.registration_picture.as_deref().map(given_picture).transpose()?,
        note: given_note(body.registration_note.as_deref(), "/registrationNote")?,
    };
    let registered = passholders::register(&app, &request, &registration).await?;
    let known = passholders::read_own(&app, registered.id).await?;
    Ok(Json(print(&app, known)?))
}

#[utoipa::path(
    get,
    path = "/passholders/{id}",
    params(("id" = Uuid, Path)),
    responses((
        status = 200,
        body = Passholder,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["PASSHOLDERS_SEARCH_BY_ID"]))
)]
async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PassholderId>,
) -> Answer<([(HeaderName, String); 1], Json<Passholder>)> {
    let known = passholders::read(&app, &caller, id).await?;
    Ok(([etag(known.version)], Json(print(&app, known)?)))
}

#[utoipa::path(
    put,
    path = "/passholders/{id}",
    params(
        ("id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = Person,
    responses((status = 204), (status = 412)),
    security(("token" = ["PASSHOLDERS_WRITE"]))
)]
async fn change(
    State(app): State<App>,
    Id(id): Id<PassholderId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<Person>,
) -> Answer<StatusCode> {
    let details = body.details()?;
    let change = Change {
        details,
        preferences: body.opt_in_preferences.map(Preferences::from),
        social_status_until: body.registration_social_tariff_end_date.map(NaiveDate::from),
        version,
    };
    passholders::change(&app, &request, id, &change).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete,
    path = "/passholders/{id}",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["PASSHOLDERS_DELETE"]))
)]
async fn remove(
    State(app): State<App>,
    Id(id): Id<PassholderId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    passholders::remove(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[param(schema_with = words::insz_number)]
    insz_number: Option<Insz>,
    #[param(schema_with = words::uitpas_number)]
    uitpas_number: Option<CardNumber>,
    #[param(schema_with = words::chip_number)]
    chip_number: Option<ChipNumber>,
    /// Of the UiTID that is linked to the passholder.
    #[param(value_type = Option<String>)]
    uitid_id: Option<SubjectId>,
    #[serde(default, deserialize_with = "sought")]
    name: Option<String>,
    #[serde(default, deserialize_with = "sought")]
    first_name: Option<String>,
    #[serde(default, deserialize_with = "sought")]
    email: Option<String>,
    #[serde(default, rename = "address.street", deserialize_with = "sought")]
    street: Option<String>,
    #[serde(default, rename = "address.city", deserialize_with = "sought")]
    city: Option<String>,
    #[serde(rename = "sort[name]", default)]
    #[param(inline)]
    sort: Sort,
    #[param(value_type = Option<String>)]
    organizer_id: Option<CounterId>,
    /// No passholder here has a school: `*` finds nobody.
    #[serde(default, deserialize_with = "sought")]
    school_id: Option<String>,
    /// Only who has a membership of this association, which the counter must see.
    #[param(value_type = Option<Uuid>)]
    association_id: Option<AssociationId>,
    /// Only with `associationId`; absent: `ACTIVE`.
    #[param(inline)]
    association_membership_status: Option<MembershipStatus>,
    #[param(schema_with = words::day)]
    date_of_birth_from: Option<GivenDay>,
    #[param(schema_with = words::day)]
    date_of_birth_to: Option<GivenDay>,
    start: Option<u32>,
    limit: Option<u32>,
}

#[derive(Deserialize, Default, PartialEq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sort {
    #[default]
    Asc,
    Desc,
}

#[derive(Deserialize, Clone, Copy, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum MembershipStatus {
    Active,
    Expired,
    All,
}

impl From<Sort> for view::SortByName {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Asc => view::SortByName::Ascending,
            Sort::Desc => view::SortByName::Descending,
        }
    }
}

/// Searching a list is for registration counters and the KSB (R-CTR-04); by number, for all. Whatever
/// is asked must hold together.
#[utoipa::path(
    get,
    path = "/passholders",
    params(Asked),
    responses((status = 200, body = Page<Passholder>), (status = 429)),
    security(("token" = ["PASSHOLDERS_SEARCH"]))
)]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(asked): Query<Asked>,
) -> Answer<Json<Page<Passholder>>> {
    let paging = paging(asked.start, asked.limit)?;
    let identifier = asked
        .uitpas_number
        .map(Identifier::Card)
        .or(asked.chip_number.map(Identifier::Chip))
        .or(asked.insz_number.map(Identifier::Insz));
    // Whoever is known by a number may be a member anywhere.
    let (card_systems, identified) = if identifier.is_some() || asked.uitid_id.is_some() {
        app.demand_task(&caller, Task::Identify).await?;
        if matches!(identifier, Some(Identifier::Insz(_))) {
            app.guesses.count(&caller)?;
        }
        let found = match (&identifier, &asked.uitid_id) {
            (Some(identifier), _) => identify::passholder(&app, identifier).await?,
            (None, Some(uitid)) => uitid::passholder_of(&app, uitid).await?,
            (None, None) => None,
        };
        if let Some(counter) = &asked.organizer_id {
            app.card_systems_with(&caller, Task::Identify, Some(counter)).await?;
        }
        (None, Some(Vec::from_iter(found)))
    } else {
        let counter = asked.organizer_id.as_ref();
        (Some(app.card_systems_with(&caller, Task::Search, counter).await?), None)
    };
    match asked.school_id.as_deref() {
        None => {}
        Some("*") => return Ok(Json(Page { total_items: 0, member: vec![] })),
        Some(_) => return Err(Problem::SchoolNotFound),
    }
    if asked.email.is_some() {
        app.guesses.count(&caller)?;
    }
    let members = match (asked.association_id, asked.association_membership_status) {
        (None, None) => None,
        (None, Some(_)) => {
            return Err(Problem::Query("associationId".to_owned(), REQUIRED.to_owned()));
        }
        (Some(id), status) => {
            let in_force = match status {
                None | Some(MembershipStatus::Active) => Some(true),
                Some(MembershipStatus::Expired) => Some(false),
                Some(MembershipStatus::All) => None,
            };
            let counter = asked.organizer_id.as_ref();
            Some(associations::members(&app, &caller, counter, id, in_force).await?)
        }
    };
    let ids = match (identified, members) {
        (Some(found), Some(members)) => {
            Some(found.into_iter().filter(|id| members.contains(id)).collect())
        }
        (found, members) => found.or(members),
    };
    let search = view::Search {
        card_systems,
        name: asked.name,
        first_name: asked.first_name,
        email: asked.email,
        street: asked.street,
        city: asked.city,
        birth_date_from: asked.date_of_birth_from.map(NaiveDate::from),
        birth_date_to: asked.date_of_birth_to.map(NaiveDate::from),
        ids,
        sort: asked.sort.into(),
        paging,
        ..Default::default()
    };
    app.caught_up(&caller, view::PROJECTION.name).await?;
    let page = view::search(app.pool(), &search).await?;
    let mut member = Vec::with_capacity(page.rows.len());
    for row in page.rows {
        let known = passholders::read_own(&app, PassholderId(row.id)).await;
        // One may have been removed since the read model last looked.
        if let Some(known) = unless_removed(known)? {
            member.push(print(&app, known)?);
        }
    }
    Ok(Json(Page { total_items: page.total.unsigned_abs(), member }))
}

/// Whoever was removed is not found.
fn unless_removed(known: Answer<Known>) -> Answer<Option<Known>> {
    match known {
        Ok(known) => Ok(Some(known)),
        Err(Problem::Passholder(_)) => Ok(None),
        Err(problem) => Err(problem),
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Passholder {
    #[schema(value_type = Uuid)]
    id: PassholderId,
    name: String,
    first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    insz_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    card_system_memberships: Vec<CardSystemMembership>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    creation_date: DateTime<FixedOffset>,
    date_of_birth: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::optional::of::<Gender>)]
    gender: Option<Gender>,
    /// Where he was registered.
    registration_organizer: OrganizerRef,
    points: i64,
    address: PrintedAddress,
    postal_code: String,
    city: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    opt_in_preferences: OptIns,
    #[serde(skip_serializing_if = "Option::is_none")]
    nationality: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PrintedAddress {
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    postal_code: String,
    city: String,
    country: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CardSystemMembership {
    card_system: CardSystemRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    uitpas_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_card: Option<CurrentCard>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    social_tariff: Option<MembershipSocialTariff>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CurrentCard {
    uitpas_number: String,
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MembershipSocialTariff {
    status: &'static str,
    end_date: DateTime<FixedOffset>,
    in_grace_period: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended_until_date: Option<DateTime<FixedOffset>>,
    expired: bool,
}

/// Whom a sale or check-in is of; an erased one is left out.
pub fn beside(app: &App, known: Option<Known>) -> Answer<Option<Passholder>> {
    known.filter(|known| known.details.is_some()).map(|known| print(app, known)).transpose()
}

/// An erased passholder is not found: there is nothing left to show.
pub fn print(app: &App, known: Known) -> Answer<Passholder> {
    let today = day_in_belgium(app.now());
    let systems = known.holder.memberships.keys();
    let memberships = systems.filter_map(|system| print_membership(&known, *system, today));
    let memberships = memberships.collect();
    let Known { id, holder, details, .. } = known;
    let details = details.ok_or(uitpas_domain::passholder::Refused::Removed)?;
    Ok(Passholder {
        id,
        name: details.name.to_string(),
        first_name: details.first_name.to_string(),
        insz_number: details.insz.map(|insz| insz.to_string()),
        uitpas_number: holder.current_card().map(|card| card.to_string()),
        card_system_memberships: memberships,
        email: details.email.map(|email| email.to_string()),
        creation_date: instant(holder.registered_at),
        date_of_birth: details.birth_date,
        gender: details.gender,
        registration_organizer: OrganizerRef { id: holder.registered_by.clone(), name: None },
        points: holder.points,
        postal_code: details.address.postal_code.to_string(),
        city: details.address.city.to_string(),
        address: PrintedAddress {
            street: details.address.street.map(|street| street.to_string()),
            postal_code: details.address.postal_code.to_string(),
            city: details.address.city.to_string(),
            country: details.address.country.to_string(),
        },
        phone_number: details.phone.map(|phone| phone.to_string()),
        opt_in_preferences: holder.preferences.into(),
        nationality: details.nationality.map(|nationality| nationality.to_string()),
    })
}

/// One membership of a passholder; absent where he is no member.
pub fn print_membership(
    known: &Known,
    card_system: CardSystemId,
    today: NaiveDate,
) -> Option<CardSystemMembership> {
    let membership = known.holder.memberships.get(&card_system)?;
    let system = known.card_systems.get(&card_system);
    let name = system.and_then(|system| system.name.as_ref().map(ToString::to_string));
    let grace_days = system.map_or(30, |system| system.settings.grace_days);
    Some(CardSystemMembership {
        card_system: CardSystemRef { id: card_system, name: name.unwrap_or_default() },
        uitpas_number: membership.card.map(|card| card.to_string()),
        current_card: membership.card.map(|card| CurrentCard {
            uitpas_number: card.to_string(),
            status: match known.holder.cards.get(&card) {
                Some(CardState::Active) => "ACTIVE",
                Some(CardState::Blocked(_)) | None => "BLOCKED",
            },
        }),
        status: if membership.blocked { "BLOCKED" } else { "ACTIVE" },
        social_tariff: social_tariff(membership, today, grace_days),
    })
}

fn social_tariff(
    membership: &Membership,
    today: NaiveDate,
    grace_days: u16,
) -> Option<MembershipSocialTariff> {
    let status = membership.social_status.as_ref()?;
    let state = status.on(today, grace_days, membership.blocked);
    Some(MembershipSocialTariff {
        status: match state {
            OnDay::Active | OnDay::Grace => "ACTIVE",
            OnDay::Suspended => "SUSPENDED",
            OnDay::None | OnDay::Expired | OnDay::Blocked => "EXPIRED",
        },
        end_date: last_instant(status.until),
        in_grace_period: state == OnDay::Grace,
        suspended_until_date: status
            .suspended_until
            .filter(|_| state == OnDay::Suspended)
            .map(last_instant),
        expired: !matches!(state, OnDay::Active | OnDay::Grace | OnDay::Suspended),
    })
}
