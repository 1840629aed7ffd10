//! Segments of passholders to write to.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::CardSystemId;
use uitpas_domain::insight::AgeBand;
use uitpas_domain::passholder::registration::Gender;
use uitpas_domain::segment::Message;
use uitpas_domain::social_status::OnDay;
use uitpas_domain::values::place::PostalCode;
use uitpas_domain::values::text::Text;
use uitpas_projections::passholders::Passholder;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::insight::ShownCount;
use crate::actions::segments::{self, Segment};
use crate::app::App;
use crate::auth::Caller;
use crate::http::csv::{self, Cell, Columns};
use crate::http::extract::{Id, Query, wants_csv};
use crate::http::words;
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find))
}

/// What is left out does not restrict; of a repeated parameter one must fit.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(rename_all = "camelCase")]
struct AskedSegment {
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    postal_code: Vec<PostalCode>,
    #[serde(default)]
    #[param(schema_with = words::list_of::<AgeBand>)]
    age: Vec<String>,
    /// Where it is known.
    #[serde(default)]
    #[param(schema_with = words::list_of::<Gender>)]
    gender: Vec<Gender>,
    /// Of the social status.
    #[serde(default)]
    #[param(schema_with = words::list_of::<OnDay>)]
    status: Vec<OnDay>,
    /// A kind or theme of an activity of this region where they took part, as UiTdatabank calls it.
    #[serde(default)]
    #[param(value_type = Vec<String>)]
    term: Vec<Text<120>>,
    /// Lists the recipients of this kind of message; without it there is a count alone.
    #[param(schema_with = words::of::<Message>)]
    message: Option<String>,
}

impl AskedSegment {
    fn segment(self) -> Answer<(Segment, Option<Message>)> {
        let wrong = |name: &str| {
            let reason = "is none of the words that are described".to_owned();
            Problem::Query(name.to_owned(), reason)
        };
        let ages: Result<Vec<AgeBand>, _> = self.age.iter().map(|band| band.parse()).collect();
        let message = self.message.map(|message| message.parse()).transpose();
        let segment = Segment {
            postal_codes: self.postal_code,
            ages: ages.map_err(|_| wrong("age"))?,
            genders: self.gender,
            statuses: self.status,
            terms: self.term.into_iter().map(String::from).collect(),
        };
        Ok((segment, message.map_err(|_| wrong("message"))?))
    }
}

#[derive(Serialize, ToSchema)]
struct FoundSegment {
    passholders: ShownCount,
    /// Those who opted in to the message; none without a message.
    recipients: Vec<Recipient>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    passholder_id: Uuid,
    name: String,
    first_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<String>,
}

impl Recipient {
    /// With no more than what the message is sent to.
    fn of(row: Passholder, message: Option<Message>) -> Self {
        let by = |kinds: &[Message]| message.is_some_and(|message| kinds.contains(&message));
        let mail = by(&[Message::ServiceMail, Message::MilestoneMail, Message::InfoMail]);
        let (sms, post) = (by(&[Message::Sms]), by(&[Message::Post]));
        Self {
            passholder_id: row.id,
            name: row.name.unwrap_or_default(),
            first_name: row.first_name.unwrap_or_default(),
            email: row.email.filter(|_| mail),
            phone_number: row.phone.filter(|_| sms),
            street: row.street.filter(|_| post),
            postal_code: row.postal_code.filter(|_| post),
            city: row.city.filter(|_| post),
        }
    }
}

impl Columns for Recipient {
    const NAMES: &'static [&'static str] = &[
        "passholderId",
        "name",
        "firstName",
        "email",
        "phoneNumber",
        "street",
        "postalCode",
        "city",
    ];

    fn cells(&self) -> Vec<Cell> {
        let text = |text: &Option<String>| text.as_ref().map_or(Cell::Empty, Cell::text);
        vec![
            Cell::plain(self.passholder_id),
            Cell::text(&self.name),
            Cell::text(&self.first_name),
            text(&self.email),
            text(&self.phone_number),
            text(&self.street),
            text(&self.postal_code),
            text(&self.city),
        ]
    }
}

/// Members of the card system, and members of others who took part at one of its organizers. Only
/// those who opted in to the kind of message are listed; of the others nothing is told, and counts
/// that would tell of few are hidden. With `Accept: text/csv` the recipients as a file.
#[utoipa::path(
    get,
    path = "/card-systems/{id}/segment",
    params(("id" = u32, Path), AskedSegment),
    responses((status = 200, content((FoundSegment = "application/json"), (String = "text/csv")))),
    security(("token" = ["ksb-admin"]))
)]
async fn find(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<CardSystemId>,
    headers: HeaderMap,
    Query(asked): Query<AskedSegment>,
) -> Answer<Response> {
    let (segment, message) = asked.segment()?;
    let found = segments::find(&app, &caller, id, &segment, message).await?;
    let recipients = found.recipients.into_iter().map(|row| Recipient::of(row, message));
    Ok(match wants_csv(&headers) {
        true => csv::list(recipients)?,
        false => {
            let recipients = recipients.collect();
            let passholders = ShownCount(found.size);
            Json(FoundSegment { passholders, recipients }).into_response()
        }
    })
}
