//! The description of the API, and that it tells of all there is.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::described::{DOCUMENTS, Operation, operations};
use crate::region::{Region, list, text};

/// What the server hands out is what the tests hold every answer against.
#[tokio::test]
async fn both_parts_describe_themselves_and_there_is_a_page_to_try_them() {
    let region = Region::empty().await;
    for (base, document) in DOCUMENTS.iter() {
        let served = region.stranger().gets(&format!("{base}/openapi.json")).await.ok();
        assert_eq!(served, *document);
        assert_eq!(
            (&served["openapi"], &served["servers"][0]["url"]),
            (&json!("3.1.0"), &json!(base))
        );
    }
    let page = region.stranger().gets("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("swagger-ui-bundle.js"));
    // The script is the server's own.
    assert!(!page.text().contains("//unpkg") && !page.text().contains("//cdn"));
    let script = region.stranger().gets("/docs/swagger-ui-bundle.js").await;
    assert!(script.status == 200 && script.bytes.len() > 100_000);
    let settings = region.stranger().gets("/docs/swagger-initializer.js").await.text();
    for (base, _) in DOCUMENTS.iter() {
        assert!(settings.contains(&format!("{base}/openapi.json")), "{settings}");
    }
}

/// An address of the operation, with something in its braces.
fn filled(Operation { base, path, described, .. }: &Operation) -> String {
    let parts = path.split('/').map(|part| {
        let Some(name) = part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) else {
            return part.to_owned();
        };
        let parameters = list(&described["parameters"]);
        let parameter = parameters.iter().find(|parameter| {
            parameter["name"] == name && parameter["in"] == "path" && parameter["required"] == true
        });
        let schema = &parameter.unwrap_or_else(|| panic!("{path}: {name}"))["schema"];
        match (text(&schema["type"]), schema.get("format").and_then(Value::as_str)) {
            ("string", Some("uuid")) => "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            ("string", None) if name == "number" => "0900000095902".to_owned(),
            ("string", None) if name == "postalCode" => "9981".to_owned(),
            ("string", None) if name == "list" => "letter".to_owned(),
            ("string", None) => "iets".to_owned(),
            ("integer", _) => "1".to_owned(),
            other => panic!("{path}: {name} is {other:?}"),
        }
    });
    format!("{base}{}", parts.collect::<Vec<_>>().join("/"))
}

/// R-SEC-01 Every operation that is described is there, says what it may answer and who may call
/// it, and answers nobody without a token.
#[tokio::test]
async fn every_operation_is_described_and_asks_for_a_token() {
    let region = Region::empty().await;
    let stranger = region.stranger();
    let (mut ids, mut count) = (BTreeSet::new(), 0);
    for operation in operations() {
        let Operation { base, path, method, described, .. } = &operation;
        let at = format!("{method} {base}{path}");
        assert!(ids.insert((*base, text(&described["operationId"]).to_owned())), "{at}");
        assert!(!list(&described["tags"]).is_empty(), "{at}");
        let responses = described["responses"].as_object().expect("responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2') || status.starts_with('3')),
            "{at}"
        );
        for (status, response) in responses {
            assert!(!text(&response["description"]).is_empty(), "{at} {status}");
            if status.starts_with(['4', '5']) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{at} {status}");
            }
        }
        let body = matches!(*method, Method::POST | Method::PUT).then(|| json!({}));
        let security = list(&described["security"]);
        if security.iter().any(|scheme| scheme == &json!({})) {
            continue;
        }
        // A bearer token, what a kiosk shows, or merely which client asks.
        let shown = ["token", "kiosk", "client"];
        assert!(shown.iter().any(|scheme| security[0][scheme].is_array()), "{at}");
        let answer = stranger.call(method.clone(), &filled(&operation), body).await;
        assert_eq!(answer.status, 401, "{at}: {}", answer.text());
        answer.refused(401, "auth/unauthorized");
        count += 1;
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_shape_that_is_referred_to_is_there() {
    for (base, document) in DOCUMENTS.iter() {
        let whole = document.to_string();
        let shapes = document["components"]["schemas"].as_object().expect("schemas");
        let refer = whole.split("\"#/components/schemas/").skip(1);
        for name in refer.map(|rest| rest.split('"').next().expect("a name")) {
            assert!(shapes.contains_key(name), "{base}: {name}");
        }
    }
}

/// Routes are made with `routes!`, which describes them; a bare `.route` would not be. And no two
/// shapes have one name: in a document the one would take the place of the other.
#[test]
fn no_route_goes_undescribed_and_no_shape_hides_another() {
    let http = concat!(env!("CARGO_MANIFEST_DIR"), "/../api/src/http");
    let (mut seen, mut shapes) = (0, BTreeSet::new());
    for directory in [http.to_owned(), format!("{http}/admin")] {
        for file in std::fs::read_dir(directory).expect("a directory") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|extension| extension != "rs")
                || path.ends_with("http/mod.rs")
            {
                continue;
            }
            let source = std::fs::read_to_string(&path).expect("text");
            assert!(!source.contains(".route("), "{}", path.display());
            seen += source.matches("routes!(").count();
            for shape in source.split("ToSchema)]\n").skip(1) {
                let mut words =
                    shape.split_whitespace().skip_while(|word| !["struct", "enum"].contains(word));
                let name = words.nth(1).expect("a name").split(['<', '(']).next().expect("a name");
                assert!(shapes.insert(name.to_owned()), "{name} in {}", path.display());
            }
        }
    }
    assert!(seen > 30 && shapes.len() > 50, "{seen} {shapes:?}");
}
