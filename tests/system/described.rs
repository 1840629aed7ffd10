//! Every answer of every test is held against the description of its operation: an answer that the
//! OpenAPI documents do not tell of fails the test that got it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

/// The parts of the API: where they stand, and what they say of themselves.
pub static DOCUMENTS: LazyLock<Vec<(&'static str, Value)>> = LazyLock::new(|| {
    let documents = uitpas_api::http::descriptions().into_iter();
    documents.map(|(base, api)| (base, serde_json::to_value(api).expect("JSON"))).collect()
});

/// An operation of the description.
pub struct Operation {
    pub document: &'static Value,
    pub base: &'static str,
    pub method: Method,
    pub path: &'static str,
    pub described: &'static Value,
}

pub fn operations() -> impl Iterator<Item = Operation> {
    DOCUMENTS.iter().flat_map(|(base, document)| {
        let paths = document["paths"].as_object().expect("paths").iter();
        paths.flat_map(move |(path, item)| {
            item.as_object().expect("an object").iter().map(move |(method, described)| Operation {
                document,
                base,
                method: method.to_uppercase().parse().expect("a method"),
                path,
                described,
            })
        })
    })
}

/// A path that is as the template, its parts in braces aside; how many parts are literal.
fn fits(template: &str, path: &str) -> Option<usize> {
    let (template, path) = (template.split('/'), path.trim_end_matches('/').split('/'));
    let (template, path): (Vec<_>, Vec<_>) = (template.collect(), path.collect());
    let is_part = |(template, part): (&&str, &&str)| template.starts_with('{') || template == part;
    let fits = template.len() == path.len() && template.iter().zip(&path).all(is_part);
    fits.then(|| template.iter().filter(|part| !part.starts_with('{')).count())
}

fn operation(method: &Method, path: &str) -> Option<Operation> {
    let score = |operation: &Operation| fits(operation.path, path.strip_prefix(operation.base)?);
    // Where a literal path and a template both fit, the server takes the literal one.
    let best = operations().filter_map(|known| Some((score(&known)?, known)));
    let best: Vec<_> = best.collect();
    let most = best.iter().map(|(literal, _)| *literal).max()?;
    best.into_iter()
        .find(|(literal, known)| *literal == most && known.method == method)
        .map(|(_, known)| known)
}

static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

fn validator(document: &Value, schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().expect("a lock");
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        Arc::new(options.build(&schema).expect("a schema"))
    });
    validator.clone()
}

/// Panics where the answer is not one that the description tells of.
#[track_caller]
pub fn check(method: &Method, path: &str, status: u16, kind: Option<&str>, bytes: &[u8]) {
    let part = DOCUMENTS.iter().any(|(base, _)| path.starts_with(&format!("{base}/")));
    if !part || path.ends_with("/openapi.json") || *method == Method::OPTIONS {
        return;
    }
    let Some(operation) = operation(method, path) else {
        assert!(matches!(status, 404 | 405), "{method} {path} answers {status}, undescribed");
        return;
    };
    let described = &operation.described["responses"][status.to_string()];
    let at = format!("{method} {}{} {status}", operation.base, operation.path);
    assert!(described.is_object(), "{at}: not described");
    let Some(content) = described.get("content") else {
        assert!(bytes.is_empty(), "{at}: a body that is not described");
        return;
    };
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    let media = &content[kind];
    assert!(media.is_object(), "{at}: {kind} is not described");
    if kind.ends_with("json") {
        let body: Value = serde_json::from_slice(bytes).expect("JSON");
        let validator = validator(operation.document, &media["schema"]);
        let errors: Vec<_> = validator
            .iter_errors(&body)
            .map(|error| format!("{} {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{at}: {errors:#?} in {body}");
    }
}

#[test]
fn a_body_of_another_shape_is_noticed() {
    let path = "/v4/checkin-status";
    let check = |body: Value| {
        let bytes = body.to_string();
        check(&Method::GET, path, 200, Some("application/json"), bytes.as_bytes());
    };
    check(json!({ "allowed": true }));
    assert!(std::panic::catch_unwind(|| check(json!({ "allowed": "yes" }))).is_err());
    assert!(std::panic::catch_unwind(|| check(json!({}))).is_err());
}
