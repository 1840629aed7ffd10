//! What staff keep of a person beside his details: `/passholders/{id}/private` and `/picture`.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request as HttpRequest, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uitpas_domain::ids::PassholderId;
use uitpas_domain::passholder::private::{Note, PictureKind};
use uitpas_domain::values::digest::Digest;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::BODY_BYTES_MAX;
use super::extract::{Bare, Id, Ids, IfMatch, Query, Whom, Write, etag, idempotency_key, read};
use super::links::{self, Signed};
use crate::actions::{Request, private};
use crate::app::App;
use crate::auth::{Caller, Someone};
use crate::problem::{Answer, Problem};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(note, set_note))
        .routes(routes!(picture, set_picture, remove_picture))
        .routes(routes!(picture_file))
}

#[derive(Serialize, ToSchema)]
struct PrivateProperties {
    #[schema(value_type = Uuid)]
    id: PassholderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// A note among staff, of registration counters and the KSB.
#[utoipa::path(
    get,
    path = "/passholders/{id}/private",
    params(("id" = Uuid, Path)),
    responses((
        status = 200,
        body = PrivateProperties,
        headers(("ETag" = String, description = "The version, for `If-Match`."))
    )),
    security(("token" = ["PASSHOLDERS_PRIVATE_READ"]))
)]
async fn note(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<PassholderId>,
) -> Answer<([(HeaderName, String); 1], Json<PrivateProperties>)> {
    let noted = private::note(&app, &caller, id).await?;
    let note = noted.note.map(|note| note.to_string());
    Ok(([etag(noted.version)], Json(PrivateProperties { id, note })))
}

#[derive(Deserialize, ToSchema)]
struct GivenNote {
    /// At most 2000 characters; nothing takes the note away.
    #[serde(default)]
    note: Option<String>,
}

#[utoipa::path(
    put,
    path = "/passholders/{id}/private",
    params(
        ("id" = Uuid, Path),
        ("If-Match" = Option<String>, Header, description = "The version that was looked at.")
    ),
    request_body = GivenNote,
    responses((status = 204), (status = 412)),
    security(("token" = ["PASSHOLDERS_PRIVATE_WRITE"]))
)]
async fn set_note(
    State(app): State<App>,
    Id(id): Id<PassholderId>,
    IfMatch(version): IfMatch,
    Write { request, body }: Write<GivenNote>,
) -> Answer<StatusCode> {
    let note = given_note(body.note.as_deref(), "/note")?;
    private::set_note(&app, &request, id, note.as_ref(), version).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A note that was written; blanks are none.
pub fn given_note(given: Option<&str>, pointer: &str) -> Answer<Option<Note>> {
    let Some(text) = given.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    let note = text.parse().map_err(|error: uitpas_domain::values::text::InvalidText| {
        Problem::BodyData(pointer.to_owned(), error.to_string())
    })?;
    Ok(Some(note))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PassholderPicture {
    picture_url: String,
}

/// A link to the picture that works for a short while; for registration counters, the KSB, and the
/// passholder himself.
#[utoipa::path(
    get,
    path = "/passholders/{id}/picture",
    params(("id" = String, Path, description = "An id, or `me`.")),
    responses((status = 200, body = PassholderPicture)),
    security(("token" = ["PASSHOLDERS_PICTURE_READ"]))
)]
async fn picture(
    State(app): State<App>,
    someone: Someone,
    Id(whom): Id<Whom>,
    headers: HeaderMap,
) -> Answer<Json<PassholderPicture>> {
    let id = whom.of(&someone)?;
    let picture = private::picture(&app, &someone, id).await?;
    let picture_url = links::to(&app, &headers, &path_of(id, picture.digest));
    Ok(Json(PassholderPicture { picture_url }))
}

/// The digest of what is sealed tells nothing of the picture, and another picture has another.
fn path_of(id: PassholderId, digest: Digest) -> String {
    format!("/v4/passholders/{id}/picture/{digest}")
}

/// Where such a link leads.
#[utoipa::path(
    get,
    path = "/passholders/{id}/picture/{digest}",
    params(("id" = Uuid, Path), ("digest" = String, Path), Signed),
    responses(
        (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 401)
    ),
    security(())
)]
async fn picture_file(
    State(app): State<App>,
    Ids(id, digest): Ids<PassholderId, Digest>,
    Query(signed): Query<Signed>,
) -> Answer<Response> {
    signed.demand(&app, &path_of(id, digest))?;
    let (kind, bytes) = private::picture_bytes(&app, id, digest).await?;
    let kind = match kind {
        PictureKind::Jpeg => "image/jpeg",
        PictureKind::Png => "image/png",
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_DISPOSITION, "inline"),
        // It is nobody else's to keep, and nothing but a picture.
        (CACHE_CONTROL, "private, no-store"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, bytes).into_response())
}

/// A file of a form, in its part `file`.
struct Upload {
    request: Request,
    bytes: Vec<u8>,
}

/// How it is described.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what comes in is read part by part")]
struct PictureForm {
    /// JPEG or PNG, at most 700,000 bytes.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

impl FromRequest<App> for Upload {
    type Rejection = Problem;

    async fn from_request(http: HttpRequest, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = http.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let key = idempotency_key(&parts.headers)?;
        let target = format!("{} {}\n", parts.method, parts.uri);
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data")) {
            return Err(Problem::UnsupportedMediaType("multipart/form-data"));
        }
        let whole = Body::from(read(body, BODY_BYTES_MAX).await?);
        let unreadable = || Problem::BodySyntax("the form cannot be read".to_owned());
        let form = Multipart::from_request(HttpRequest::from_parts(parts, whole), app).await;
        let mut form = form.map_err(|_| unreadable())?;
        while let Some(part) = form.next_field().await.map_err(|_| unreadable())? {
            if part.name() != Some("file") {
                continue;
            }
            let bytes = part.bytes().await.map_err(|_| unreadable())?.to_vec();
            // Where a form is cut in parts is another place every time.
            let content = [target.as_bytes(), &bytes].concat();
            return Ok(Self { request: Request { caller, key, content }, bytes });
        }
        Err(Problem::FileMissing)
    }
}

/// JPEG or PNG, whatever its name says.
#[utoipa::path(
    put,
    path = "/passholders/{id}/picture",
    params(("id" = Uuid, Path)),
    request_body(content = PictureForm, content_type = "multipart/form-data"),
    responses((status = 204)),
    security(("token" = ["PASSHOLDERS_PICTURE_WRITE"]))
)]
async fn set_picture(
    State(app): State<App>,
    Id(id): Id<PassholderId>,
    Upload { request, bytes }: Upload,
) -> Answer<StatusCode> {
    private::set_picture(&app, &request, id, &bytes).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[utoipa::path(
    delete,
    path = "/passholders/{id}/picture",
    params(("id" = Uuid, Path)),
    responses((status = 204)),
    security(("token" = ["PASSHOLDERS_PICTURE_WRITE"]))
)]
async fn remove_picture(
    State(app): State<App>,
    Id(id): Id<PassholderId>,
    Bare(request): Bare,
) -> Answer<StatusCode> {
    private::remove_picture(&app, &request, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
