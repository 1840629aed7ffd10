//! Tokens of an outside OIDC issuer, which is a server of its own here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use chrono::{TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uitpas_api::oidc::{CannotTrust, Outside, Settings};

use crate::region::{Region, THEATRE, serve};

/// R-SEC-01: only a token of that issuer, for us, in force, with a second factor; and no other way
/// round.
#[tokio::test]
async fn tokens_of_an_outside_issuer_are_checked_by_its_keys() {
    let issuer = Issuer::start().await;
    let door = Door::trusting(&issuer, Duration::from_secs(60)).await;
    let good = json!({ "sub": "theater-member", "amr": ["pwd", "otp"] });
    assert_eq!(door.opens(&issuer.token(1, good.clone())).await, 200);
    let with = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        claims
    };
    let soon = (Utc::now() + TimeDelta::minutes(10)).timestamp();
    let before = (Utc::now() - TimeDelta::minutes(1)).timestamp();
    for changes in [
        json!({ "iss": "https://elders.example" }),
        json!({ "aud": "iets-anders" }),
        json!({ "exp": before }),
        json!({ "nbf": soon }),
        json!({ "amr": ["pwd"] }),
        json!({ "sub": "" }),
    ] {
        assert_eq!(door.opens(&issuer.token(1, with(changes.clone()))).await, 401, "{changes}");
    }
    // Signed by a key of that name which is not the one published.
    let forged = token(&key(9), "key-1", issuer.complete(good.clone()));
    assert_eq!(door.opens(&forged).await, 401);
    let mut symmetric = Header::new(Algorithm::HS256);
    symmetric.kid = Some("key-1".to_owned());
    let secret = EncodingKey::from_secret(key(1).verifying_key().as_bytes());
    let claims = issuer.complete(good.clone());
    let symmetric = jsonwebtoken::encode(&symmetric, &claims, &secret).expect("a token");
    assert_eq!(door.opens(&symmetric).await, 401);
    // The demo's own tokens are no good here.
    let now = Utc::now();
    let subject = "theater-member".parse().expect("a subject");
    let demo = &door.region.app.issuer;
    let demo = demo.token(subject, uitpas_api::auth::Kind::User, now, TimeDelta::hours(1));
    assert_eq!(door.opens(&demo).await, 401);
}

/// R-SEC-01: an integration has no second factor; a system owner is who we were told, not who says so.
#[tokio::test]
async fn clients_and_system_owners_are_told_apart() {
    let issuer = Issuer::start().await;
    let door = Door::trusting(&issuer, Duration::from_secs(60)).await;
    let client = json!({ "sub": "webshop@clients", "gty": "client-credentials" });
    // It is known, and works at no counter yet.
    assert_eq!(door.opens(&issuer.token(1, client)).await, 200);
    let make = |claims| async {
        let path = format!("{}/admin/v1/card-systems/7", door.base);
        let town = json!({ "postalCode": "9981", "name": "Meerdal" });
        let body = json!({ "name": "UiTPAS Meerdal", "municipalities": [town] });
        let request = reqwest::Client::new().put(path).bearer_auth(issuer.token(1, claims));
        request.json(&body).send().await.expect("an answer").status().as_u16()
    };
    let claims = json!({ "sub": "theater-admin", "amr": ["mfa"], "kind": "system-owner" });
    assert_eq!(make(claims).await, 403);
    assert_eq!(make(json!({ "sub": "publiq", "amr": ["pwd"] })).await, 401);
    assert_eq!(make(json!({ "sub": "publiq", "amr": ["mfa"] })).await, 204);
}

/// R-SEC-01: keys come and go.
#[tokio::test]
async fn a_new_key_counts_at_once_and_made_up_ones_cost_the_issuer_nothing() {
    let issuer = Issuer::start().await;
    let door = Door::trusting(&issuer, Duration::ZERO).await;
    let claims = json!({ "sub": "theater-member", "amr": ["otp"] });
    assert_eq!(door.opens(&issuer.token(2, claims.clone())).await, 401);
    issuer.publish(&[1, 2]);
    assert_eq!(door.opens(&issuer.token(2, claims.clone())).await, 200);
    assert_eq!(door.opens(&issuer.token(1, claims.clone())).await, 200);
    issuer.publish(&[2]);
    // Somebody asks for a key that is not there, and the first one is gone.
    assert_eq!(door.opens(&issuer.token(3, claims.clone())).await, 401);
    assert_eq!(door.opens(&issuer.token(1, claims.clone())).await, 401);

    let patient = Door::trusting(&issuer, Duration::from_secs(60)).await;
    let asked = issuer.asked();
    for number in 10..30 {
        assert_eq!(patient.opens(&issuer.token(number, claims.clone())).await, 401);
    }
    assert_eq!(issuer.asked(), asked + 1);

    // One that does not answer is not asked more often.
    let patient = Door::trusting(&issuer, Duration::from_secs(60)).await;
    issuer.breaks();
    let asked = issuer.asked();
    for number in 10..30 {
        assert_eq!(patient.opens(&issuer.token(number, claims.clone())).await, 401);
    }
    assert_eq!(issuer.asked(), asked + 1);
    assert_eq!(patient.opens(&issuer.token(2, claims.clone())).await, 200);
}

#[tokio::test]
async fn an_issuer_that_is_not_what_it_says_is_not_trusted() {
    let issuer = Issuer::start().await;
    let settings = settings();
    let elsewhere = "http://elders.example/".parse().expect("a URL");
    let found = Outside::discover(&elsewhere, &settings).await;
    assert!(matches!(found, Err(CannotTrust::Insecure(_))));
    let other = format!("{}/ander", issuer.url).parse().expect("a URL");
    let found = Outside::discover(&other, &settings).await;
    assert!(matches!(found, Err(CannotTrust::OtherIssuer(..))));
    issuer.publish(&[]);
    let found = Outside::discover(&issuer.url.parse().expect("a URL"), &settings).await;
    assert!(matches!(found, Err(CannotTrust::NoKey(_))));
}

fn settings() -> Settings {
    let system_owner = vec!["publiq".parse().expect("a subject")];
    Settings { issuer: None, audience: "uitpas".to_owned(), system_owner }
}

/// A server that trusts the issuer.
struct Door {
    region: Region,
    base: String,
}

impl Door {
    async fn trusting(issuer: &Issuer, look_every: Duration) -> Self {
        let region = Region::new().await;
        let url = issuer.url.parse().expect("a URL");
        let outside = Outside::discover(&url, &settings()).await.expect("an issuer");
        let mut app = region.app.clone();
        app.outside = Some(Arc::new(outside.looking_every(look_every)));
        Self { region, base: serve(app).await }
    }

    /// What the permissions of whoever holds this token answer.
    async fn opens(&self, token: &str) -> u16 {
        let request = reqwest::Client::new().get(format!("{}/v4/permissions", self.base));
        let answer = request.bearer_auth(token).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        if status == 200 && !text.contains(THEATRE) {
            assert_eq!(text, "[]");
        }
        status
    }
}

/// An issuer with keys that come and go.
struct Issuer {
    url: String,
    published: Arc<Mutex<(Vec<u8>, usize)>>,
    broken: Arc<AtomicBool>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let published = Arc::new(Mutex::new((vec![1], 0)));
        let broken = Arc::new(AtomicBool::new(false));
        let is_broken = broken.clone();
        let (document, keys) = (discovery(&url), published.clone());
        let other = document.clone();
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(|| async { Json(document) }))
            .route("/ander/.well-known/openid-configuration", get(|| async { Json(other) }))
            .route(
                "/keys",
                get(|| async move {
                    let keys = Json(key_set(&keys));
                    match is_broken.load(Ordering::Relaxed) {
                        true => Err(StatusCode::BAD_GATEWAY),
                        false => Ok(keys),
                    }
                }),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, published, broken }
    }

    /// It answers no more, however often it is asked.
    fn breaks(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn publish(&self, numbers: &[u8]) {
        self.published.lock().expect("a lock").0 = numbers.to_vec();
    }

    /// How often somebody fetched the keys.
    fn asked(&self) -> usize {
        self.published.lock().expect("a lock").1
    }

    fn complete(&self, mut claims: Value) -> Value {
        let defaults = json!({
            "iss": self.url, "aud": "uitpas",
            "exp": (Utc::now() + TimeDelta::hours(1)).timestamp(),
        });
        for (name, value) in defaults.as_object().expect("an object") {
            if claims[name].is_null() {
                claims[name] = value.clone();
            }
        }
        claims
    }

    fn token(&self, number: u8, claims: Value) -> String {
        token(&key(number), &format!("key-{number}"), self.complete(claims))
    }
}

fn discovery(url: &str) -> Value {
    json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })
}

fn key_set(published: &Mutex<(Vec<u8>, usize)>) -> Value {
    let mut published = published.lock().expect("a lock");
    published.1 += 1;
    let jwk = |number: &u8| {
        json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": format!("key-{number}"),
            "x": BASE64.encode(key(*number).verifying_key().as_bytes()),
        })
    };
    json!({ "keys": published.0.iter().map(jwk).collect::<Vec<_>>() })
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

fn token(key: &SigningKey, name: &str, claims: Value) -> String {
    // PKCS#8 of an Ed25519 key (RFC 8410): a fixed head, then the seed.
    let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
    der.extend([0x04, 0x22, 0x04, 0x20]);
    der.extend(key.to_bytes());
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(name.to_owned());
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&der)).expect("a token")
}
