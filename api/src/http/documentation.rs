//! The description of the doors, OpenAPI 3.1. Handlers describe what is theirs; what every operation
//! shares stands here: the token, and how it is refused.

use axum::http::{Method, StatusCode};
use serde_json::json;
use utoipa::openapi::path::{Operation as Described, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{AnyOfBuilder, Object, ObjectBuilder, Schema};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, Required, Response, ServerBuilder, Type,
};
use utoipa_axum::router::OpenApiRouter;

use crate::access::{self, Needs, Operation};
use crate::app::App;

/// The name of the bearer token in the description. The list that an operation gives with it holds
/// the permission of the contract, or the role, that it takes.
const TOKEN: &str = "token";

/// The name of what a kiosk shows instead.
const KIOSK: &str = "kiosk";

/// The name of what a client without a token shows.
const CLIENT: &str = "client";

/// The name of a token that opens one thing.
const CUSTOM: &str = "custom";

const DESCRIPTION: &str = "Every refusal is an `application/problem+json`. A write may carry an \
    `Idempotency-Key`, and answers `Uitpas-Position`, its place in the log; a read that must see it \
    sends it back as `Uitpas-After`. Days are calendar days in Brussels, amounts are euro.";

/// A router whose operations belong together.
pub fn about(tag: &str, mut router: OpenApiRouter<App>) -> OpenApiRouter<App> {
    for item in router.get_openapi_mut().paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            operation.tags = Some(vec![tag.to_owned()]);
        }
    }
    router
}

/// What all operations share, written down at each.
pub fn complete(mut api: OpenApi, base: &str, title: &str) -> OpenApi {
    api.info = InfoBuilder::new()
        .title(title)
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .build();
    api.servers = Some(vec![ServerBuilder::new().url(base).build()]);
    let components = api.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), problem().into());
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
    let client = ApiKeyValue::with_description("x-client-id", "The name of a client.");
    components.add_security_scheme(CLIENT, SecurityScheme::ApiKey(ApiKey::Header(client)));
    let token = ApiKeyValue::with_description("x-custom-token", "A token for this alone.");
    components.add_security_scheme(CUSTOM, SecurityScheme::ApiKey(ApiKey::Header(token)));
    let device = ApiKeyValue::with_description("x-custom-token", "The id of a kiosk device.");
    components.add_security_scheme(KIOSK, SecurityScheme::ApiKey(ApiKey::Header(device)));
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            let row = access::find(&method_of(method), &format!("{base}{path}"));
            if let Some(row) = row {
                operation.security = Some(security(row));
            }
            complete_operation(method, path, operation);
        }
    }
    api
}

fn method_of(name: &str) -> Method {
    name.to_uppercase().parse().expect("it is the name of a method")
}

/// What an operation takes, as the table of all operations has it.
fn security(row: &Operation) -> Vec<SecurityRequirement> {
    let permissions = || row.permissions().iter().map(ToString::to_string);
    let first = match row.needs {
        Needs::Token | Needs::One(_) | Needs::Oneself(_) | Needs::Client(_) => {
            SecurityRequirement::new(TOKEN, permissions())
        }
        Needs::Role(roles) => SecurityRequirement::new(TOKEN, [<&str>::from(roles)]),
        Needs::Device => SecurityRequirement::new::<_, _, String>(KIOSK, []),
        Needs::ClientId => SecurityRequirement::new::<_, _, String>(CLIENT, []),
        Needs::SignedLink => SecurityRequirement::default(),
    };
    let client = row.or_client_id.then(|| SecurityRequirement::new(CLIENT, permissions()));
    let custom = row.or_custom_token.then(|| SecurityRequirement::new::<_, _, String>(CUSTOM, []));
    [Some(first), client, custom].into_iter().flatten().collect()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Described)> {
    let operations = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn complete_operation(method: &str, path: &str, operation: &mut Described) {
    let words = path.split(['/', '{', '}', '-', '.']).filter(|word| !word.is_empty());
    operation.operation_id = Some(words.fold(method.to_owned(), |id, word| format!("{id}_{word}")));
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.required = Some(Required::True);
    }
    let writes = method != "get";
    complete_parameters(writes, operation);

    let mut refusals = vec![
        StatusCode::BAD_REQUEST,
        StatusCode::NOT_FOUND,
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    let token = || vec![SecurityRequirement::new::<_, _, String>(TOKEN, [])];
    let security = operation.security.get_or_insert_with(token);
    if !security.contains(&SecurityRequirement::default()) {
        refusals.extend([StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]);
    }
    if writes {
        refusals.extend([StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY]);
    }
    if operation.request_body.is_some() {
        refusals.extend([StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE]);
    }
    let responses = &mut operation.responses.responses;
    for status in refusals {
        responses.entry(status.as_str().to_owned()).or_insert_with(|| Response::new("").into());
    }
    for (status, response) in responses {
        if let (Ok(status), RefOr::T(response)) =
            (StatusCode::from_bytes(status.as_bytes()), response)
        {
            complete_response(status, response);
        }
    }
}

/// What a status means, where the handler does not say; and that every refusal is a problem.
fn complete_response(status: StatusCode, response: &mut Response) {
    if response.description.is_empty() {
        response.description = status.canonical_reason().unwrap_or_default().to_owned();
    }
    if (status.is_client_error() || status.is_server_error()) && response.content.is_empty() {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        response.content.insert("application/problem+json".to_owned(), problem.into());
    }
}

/// The headers that all operations understand; and that an empty parameter is none.
fn complete_parameters(writes: bool, operation: &mut Described) {
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in parameters.iter_mut() {
        let RefOr::T(parameter) = parameter else { continue };
        let is_filter = matches!(parameter.parameter_in, ParameterIn::Query)
            && matches!(parameter.required, Required::False);
        if is_filter && let Some(schema) = parameter.schema.take() {
            parameter.schema = Some(or_empty(schema));
        }
    }
    let header = match writes {
        true => ("Idempotency-Key", "The same request under the same key happens once."),
        false => ("Uitpas-After", "A position in the log that the answer must have seen."),
    };
    let schema = match writes {
        true => super::words::text::<255>(),
        false => Object::with_type(Type::Integer),
    };
    let parameter = ParameterBuilder::new()
        .name(header.0)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(header.1))
        .schema(Some(schema));
    parameters.push(parameter.build().into());
}

fn or_empty(schema: RefOr<Schema>) -> RefOr<Schema> {
    if matches!(schema, RefOr::T(Schema::Array(_))) {
        return schema;
    }
    let empty = ObjectBuilder::new().schema_type(Type::String).max_length(Some(0));
    AnyOfBuilder::new().item(schema).item(empty).into()
}

/// How every refusal looks (RFC 9457).
fn problem() -> Schema {
    let schema = json!({
        "type": "object",
        "description": "A refusal. `type` tells which; `endUserMessage` is for whoever stands at the counter.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string" },
            "endUserMessage": {
                "type": "object",
                "required": ["nl"],
                "properties": { "nl": { "type": "string" } }
            },
            "schemaErrors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["jsonPointer", "error"],
                    "properties": {
                        "jsonPointer": { "type": "string", "format": "json-pointer" },
                        "error": { "type": "string" }
                    }
                }
            },
            "cardStatus": { "type": "string" },
            "passType": { "type": "string" },
            "passholderId": { "type": "string" }
        }
    });
    serde_json::from_value(schema).expect("it is a schema")
}
