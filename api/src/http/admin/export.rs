//! All that is held about a passholder, as one JSON object.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CACHE_CONTROL;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset, Utc};
use serde::Serialize;
use serde_json::Value;
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::CardState;
use uitpas_domain::passholder::private::PictureKind;
use uitpas_domain::values::euro::Euro;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::actions::export::{self, Held, Told};
use crate::app::App;
use crate::auth::Someone;
use crate::http::extract::{Id, Whom};
use crate::http::passholders::{self, Passholder};
use crate::http::shapes::{Amount, instant};
use crate::problem::Answer;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PassholderExport {
    made_at: DateTime<FixedOffset>,
    /// Up to here the log was looked at.
    position: u64,
    /// Details, memberships and preferences.
    passholder: Passholder,
    consents: ExportedConsents,
    cards: Vec<ExportedCard>,
    /// Of staff among themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<ExportedPicture>,
    /// For whom he may save points.
    family: Vec<ExportedLink>,
    /// Who may save points for him.
    families: Vec<ExportedLink>,
    checkins: Vec<ExportedCheckIn>,
    ticket_sales: Vec<ExportedSale>,
    rewards: Vec<ExportedReward>,
    /// Everything in the order in which it happened.
    events: Vec<ExportedEvent>,
}

/// As given at registration.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedConsents {
    legal_terms_paper: bool,
    legal_terms_digital: bool,
    parental_consent: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedCard {
    uitpas_number: String,
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedPicture {
    content_type: &'static str,
    /// In base64.
    content: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedLink {
    passholder_id: Uuid,
    since: DateTime<FixedOffset>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedCheckIn {
    id: Uuid,
    at: DateTime<FixedOffset>,
    event_id: String,
    event_title: String,
    organizer_id: String,
    uitpas_number: String,
    channel: String,
    points: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrected_at: Option<DateTime<FixedOffset>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedSale {
    id: Uuid,
    at: DateTime<FixedOffset>,
    event_id: String,
    event_title: String,
    organizer_id: String,
    uitpas_number: String,
    /// The distribution key or coupon.
    tariff: String,
    regular_price: Amount,
    paid: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<DateTime<FixedOffset>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedReward {
    id: Uuid,
    at: DateTime<FixedOffset>,
    title: String,
    points: i32,
    organizer_id: String,
    uitpas_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<DateTime<FixedOffset>>,
}

/// Without the name of whoever of the staff did it: that is his.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedEvent {
    position: u64,
    recorded_at: DateTime<FixedOffset>,
    stream: String,
    /// What was sealed in it is opened.
    content: Value,
    role: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    organizer_id: Value,
    channel: Value,
}

impl From<Told> for ExportedEvent {
    fn from(Told { entry, content, mut metadata }: Told) -> Self {
        let mut of = |field: &str| metadata[field].take();
        Self {
            position: entry.position,
            recorded_at: instant(entry.recorded_at),
            stream: format!("{}/{}", entry.aggregate_type, entry.aggregate_id),
            content,
            role: of("role"),
            organizer_id: of("counter"),
            channel: of("channel"),
        }
    }
}

/// For the passholder himself, and for the KSB of one of his card systems. Of other persons it holds
/// no more than the id.
#[utoipa::path(
    get,
    path = "/passholders/{id}/export",
    params(("id" = String, Path, description = "An id, or `me`.")),
    responses((status = 200, body = PassholderExport)),
    security(("token" = ["ksb"]))
)]
async fn export(
    State(app): State<App>,
    someone: Someone,
    Id(whom): Id<Whom>,
) -> Answer<([(HeaderName, &'static str); 1], Json<PassholderExport>)> {
    let id = whom.of(&someone)?;
    export::demand_may_export(&app, &someone, id).await?;
    Ok(([(CACHE_CONTROL, "private, no-store")], Json(made(&app, id).await?)))
}

/// All that is held about somebody, printed.
pub async fn made(app: &App, id: PassholderId) -> Answer<PassholderExport> {
    let Held { position, known, note, picture, families, check_ins, sales, redemptions, events } =
        export::held(app, id).await?;
    let at = |at: Option<DateTime<Utc>>| at.map(instant);
    let consent = |pointer: &str| {
        let mut given = events.iter().filter_map(|event| event.content.pointer(pointer));
        given.next().and_then(Value::as_bool).unwrap_or_default()
    };
    let consents = ExportedConsents {
        legal_terms_paper: consent("/Registered/terms/paper"),
        legal_terms_digital: consent("/Registered/terms/digital"),
        parental_consent: consent("/Registered/parental_consent"),
    };
    let cards = known.holder.cards.iter().map(|(card, state)| ExportedCard {
        uitpas_number: card.to_string(),
        status: match state {
            CardState::Active => "ACTIVE",
            CardState::Blocked(_) => "BLOCKED",
        },
    });
    let family = known.holder.family.iter();
    let family = family
        .map(|(member, link)| ExportedLink { passholder_id: member.0, since: instant(link.since) });
    let (cards, family) = (cards.collect(), family.collect());
    Ok(PassholderExport {
        made_at: instant(app.now()),
        position,
        passholder: passholders::print(app, known)?,
        consents,
        cards,
        note: note.map(|note| note.to_string()),
        picture: picture.map(|(kind, bytes)| ExportedPicture {
            content_type: match kind {
                PictureKind::Jpeg => "image/jpeg",
                PictureKind::Png => "image/png",
            },
            content: STANDARD.encode(bytes),
        }),
        family,
        families: families
            .into_iter()
            .map(|link| ExportedLink { passholder_id: link.owner, since: instant(link.since) })
            .collect(),
        checkins: check_ins
            .into_iter()
            .map(|row| ExportedCheckIn {
                id: row.id,
                at: instant(row.at),
                event_id: row.activity,
                event_title: row.title,
                organizer_id: row.counter,
                uitpas_number: row.card,
                channel: row.channel,
                points: row.points,
                corrected_at: at(row.corrected_at),
            })
            .collect(),
        ticket_sales: sales
            .into_iter()
            .map(|row| ExportedSale {
                id: row.id,
                at: instant(row.at),
                event_id: row.activity,
                event_title: row.title,
                organizer_id: row.counter,
                uitpas_number: row.card,
                tariff: row.key_name,
                regular_price: Amount(Euro::cents(row.price)),
                paid: Amount(Euro::cents(row.passholder_share)),
                cancelled_at: at(row.cancelled_at),
            })
            .collect(),
        rewards: redemptions
            .into_iter()
            .map(|row| ExportedReward {
                id: row.id,
                at: instant(row.at),
                title: row.title,
                points: row.points,
                organizer_id: row.counter,
                uitpas_number: row.card,
                cancelled_at: at(row.cancelled_at),
            })
            .collect(),
        events: events.into_iter().map(ExportedEvent::from).collect(),
    })
}
