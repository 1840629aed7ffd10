//! What comes in: JSON bodies, query strings, path segments and idempotency keys, each refused with
//! the field that is wrong and why.

use std::future::poll_fn;
use std::pin::Pin;
use std::str::FromStr;

use axum::body::{Body, HttpBody as _};
use axum::extract::{FromRequest, FromRequestParts, Path, Request as HttpRequest};
use axum::http::header::{ACCEPT, CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::Segment;
use uitpas_domain::ids::{InvalidId, PassholderId};
use uitpas_projections::Paging;
use uuid::Uuid;

use super::BODY_BYTES_MAX;
use crate::actions::Request;
use crate::app::App;
use crate::auth::{Caller, Someone};
use crate::problem::{Problem, REQUIRED};

/// A JSON body, of the shape `T`, with the caller and the idempotency key: all that a write needs.
pub struct Write<T> {
    pub request: Request,
    pub body: T,
}

impl<T: DeserializeOwned> FromRequest<App> for Write<T> {
    type Rejection = Problem;

    async fn from_request(http: HttpRequest, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = http.into_parts();
        // Who calls comes first: a stranger learns nothing of the body's shape.
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        write(parts, body, caller).await
    }
}

/// What a caller who is known by now writes.
pub async fn write<T: DeserializeOwned>(
    parts: Parts,
    body: Body,
    caller: Caller,
) -> Result<Write<T>, Problem> {
    let key = idempotency_key(&parts.headers)?;
    let target = format!("{} {}\n", parts.method, parts.uri);
    demand_json(&parts.headers)?;
    let bytes = read(body, BODY_BYTES_MAX).await?;
    let body = parse(&bytes)?;
    let content = [target.as_bytes(), bytes.as_slice()].concat();
    Ok(Write { request: Request { caller, key, content }, body })
}

/// The largest file. Source: our choice; a list of verdicts on 300,000 people takes about 7 MB.
const UPLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A CSV file as the body.
pub struct CsvUpload {
    pub request: Request,
    pub text: Vec<u8>,
}

impl FromRequest<App> for CsvUpload {
    type Rejection = Problem;

    async fn from_request(http: HttpRequest, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = http.into_parts();
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        let key = idempotency_key(&parts.headers)?;
        if parts.headers.contains_key(CONTENT_TYPE) && media_type(&parts.headers) != "text/csv" {
            return Err(Problem::UnsupportedMediaType("text/csv"));
        }
        let text = read(body, UPLOAD_BYTES_MAX).await?;
        let target = format!("{} {}\n", parts.method, parts.uri);
        let content = [target.as_bytes(), text.as_slice()].concat();
        Ok(Self { request: Request { caller, key, content }, text })
    }
}

/// Whether a list is asked for as a CSV file.
pub fn wants_csv(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.trim().to_ascii_lowercase().starts_with("text/csv"))
}

/// A write without a body.
pub struct Bare(pub Request);

impl FromRequestParts<App> for Bare {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let key = idempotency_key(&parts.headers)?;
        let content = format!("{} {}\n", parts.method, parts.uri).into_bytes();
        Ok(Self(Request { caller, key, content }))
    }
}

/// The version that a change is about, from `If-Match`; absent: whichever is there.
pub struct IfMatch(pub Option<u64>);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(tag) = parts.headers.get(IF_MATCH) else { return Ok(Self(None)) };
        let tag = tag.to_str().unwrap_or_default().trim();
        if tag == "*" {
            return Ok(Self(None));
        }
        let version = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
        // A tag that we never gave is of a version that never was.
        let version = version.and_then(|version| version.parse().ok()).unwrap_or(0);
        Ok(Self(Some(version)))
    }
}

/// The version of what an answer shows, for `If-Match`.
pub fn etag(version: u64) -> (HeaderName, String) {
    (ETAG, format!("\"{version}\""))
}

pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(key) = headers.get("idempotency-key") else { return Ok(None) };
    let printable = key.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let key = printable.ok_or_else(|| {
        Problem::Header("Idempotency-Key", "1 to 255 printable ASCII characters".to_owned())
    })?;
    Ok(Some(key.to_owned()))
}

/// JSON is what a body is when nothing is said (as the contract has it).
fn demand_json(headers: &HeaderMap) -> Result<(), Problem> {
    if !headers.contains_key(CONTENT_TYPE) {
        return Ok(());
    }
    let kind = media_type(headers);
    match kind == "application/json" || kind.ends_with("+json") {
        true => Ok(()),
        false => Err(Problem::UnsupportedMediaType("application/json")),
    }
}

/// Of the body, in lower case and without parameters.
fn media_type(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_ascii_lowercase();
    kind.split(';').next().unwrap_or_default().trim().to_owned()
}

/// How much of a body that is too large is still taken in. Source: our choice.
const DISCARDED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The whole body. Most clients read no answer before they have sent all they have, so one that is
/// too large is taken in to its end, and thrown away.
pub async fn read(mut body: Body, bytes_max: usize) -> Result<Vec<u8>, Problem> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let unreadable = |_| Problem::BodySyntax("the body could not be read".to_owned());
        let Ok(data) = frame.map_err(unreadable)?.into_data() else { continue };
        length += data.len();
        if length <= bytes_max {
            bytes.extend_from_slice(&data);
        } else if length > DISCARDED_BYTES_MAX {
            break;
        }
    }
    match length > bytes_max {
        true => Err(Problem::BodyTooLarge(bytes_max)),
        false => Ok(bytes),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::BodyMissing);
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::BodySyntax(format!("byte {} is no UTF-8", error.valid_up_to()))
    })?;
    let mut json = serde_json::Deserializer::from_str(text);
    let value: T = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        match error.classify() {
            serde_json::error::Category::Data => {
                Problem::BodyData(pointer, without_value(&error.to_string()))
            }
            // What serde calls syntax may be no more than, say, a list where there should be a word.
            _ if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
                Problem::BodyData(pointer, "is of another kind".to_owned())
            }
            _ => Problem::BodySyntax(format!("line {} column {}", error.line(), error.column())),
        }
    })?;
    json.end().map_err(|error| {
        Problem::BodySyntax(format!("line {} column {}", error.line(), error.column()))
    })?;
    Ok(value)
}

/// What serde has to say, less what it quotes of the value: that may be personal.
fn without_value(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    match (text.strip_prefix("invalid type: "), text.strip_prefix("invalid value: ")) {
        (None, None) if text.starts_with("unknown variant ") => {
            let expected = text.rsplit_once(", expected ").map_or("", |(_, expected)| expected);
            format!("unknown value, expected {expected}")
        }
        (None, None) => text.to_owned(),
        (Some(rest), _) | (None, Some(rest)) => {
            let expected = rest.rsplit_once(", expected ").map_or(rest, |(_, expected)| expected);
            format!("expected {expected}")
        }
    }
}

/// RFC 6901.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => pointer.push_str(variant),
            Segment::Unknown => pointer.push('-'),
        }
    }
    if pointer.is_empty() { "/".to_owned() } else { pointer }
}

/// The query string, of the shape `T`; repeated parameters make lists.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes());
        let form = serde_html_form::Deserializer::new(pairs);
        serde_path_to_error::deserialize(form).map(Query).map_err(|error| {
            let name = error.path().to_string();
            let reason = error.into_inner().to_string();
            match reason.strip_prefix("missing field ") {
                Some(field) => {
                    Problem::Query(field.trim_matches('`').to_owned(), REQUIRED.to_owned())
                }
                None => Problem::Query(name, without_value(&reason)),
            }
        })
    }
}

/// One path segment that is an identifier. To a client it is opaque: what can be none of ours is
/// unknown, as any other that nothing has.
pub struct Id<T>(pub T);

fn identifier<T: FromStr>(text: &str) -> Result<T, Problem> {
    let nobodys = || Uuid::nil().to_string().parse();
    text.parse().or_else(|_| nobodys()).map_err(|_| Problem::NoSuchUrl)
}

impl<T: FromStr + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let Path(text) = path.map_err(|_| Problem::NoSuchUrl)?;
        identifier(&text).map(Id)
    }
}

/// Two path segments that are identifiers.
pub struct Ids<T, U>(pub T, pub U);

impl<T: FromStr + Send, U: FromStr + Send> FromRequestParts<App> for Ids<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, app).await;
        let Path((first, second)) = path.map_err(|_| Problem::NoSuchUrl)?;
        Ok(Self(identifier(&first)?, identifier(&second)?))
    }
}

/// A passholder in an address: by id, or `me`.
pub enum Whom {
    Me,
    Id(PassholderId),
}

impl FromStr for Whom {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text {
            "me" => Ok(Whom::Me),
            id => id.parse().map(Whom::Id),
        }
    }
}

impl Whom {
    /// Who that is. Staff are no passholders here.
    pub fn of(&self, someone: &Someone) -> Result<PassholderId, Problem> {
        match (self, someone.oneself) {
            (Whom::Id(id), _) => Ok(*id),
            (Whom::Me, Some(oneself)) => Ok(oneself),
            (Whom::Me, None) => {
                Err(Problem::Forbidden("only a passholder, about himself".to_owned()))
            }
        }
    }
}

/// The largest `limit` of a list (contract).
const LIMIT_MAX: u32 = 500;

/// First row and number of rows, from `start` and `limit`.
pub fn paging(start: Option<u32>, limit: Option<u32>) -> Result<Paging, Problem> {
    let (start, limit) = (start.unwrap_or(0), limit.unwrap_or(20));
    match limit > LIMIT_MAX {
        true => Err(Problem::QueryLimit(LIMIT_MAX)),
        false => Ok(Paging { start: start.into(), limit: limit.into() }),
    }
}
