//! An outside OIDC issuer: found by its discovery document, trusted by the keys that it publishes
//! (R-SEC-01). Keys that it takes away cease to count within the hour; one that it adds counts from
//! the first token that is signed with it.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode_header};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use uitpas_domain::ids::SubjectId;
use uitpas_domain::values::contact::Email;
use uitpas_domain::values::insz::Insz;

use crate::auth::{Kind, Shown, Signatures, shows_second_factor};
use crate::problem::Problem;

/// Algorithms with a public key; a shared secret is nobody's signature.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How long published keys count without a new look. Source: our choice.
const KEYS_LIFE: Duration = Duration::from_secs(3600);

/// The pause between two looks: tokens with made-up keys do not make us ask without end.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How long the issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Seconds that its clock and ours may differ.
const LEEWAY_S: u64 = 5;

/// Where tokens come from, and what they must say.
#[derive(Debug, Clone, clap::Args)]
pub struct Settings {
    /// URL of the OIDC issuer whose tokens are accepted. Without it the demo issuer's are.
    #[arg(long, value_name = "URL", env = "UITPAS_ISSUER")]
    pub issuer: Option<Url>,
    /// The audience that its tokens must name.
    #[arg(long, value_name = "AUD", env = "UITPAS_AUDIENCE", default_value = crate::auth::AUDIENCE)]
    pub audience: String,
    /// Subjects who set up card systems and counters.
    #[arg(long, value_name = "SUB", env = "UITPAS_SYSTEM_OWNERS", value_delimiter = ',')]
    pub system_owner: Vec<SubjectId>,
}

#[derive(Debug, thiserror::Error)]
pub enum CannotTrust {
    #[error("{0}: an issuer is reached by https, or on this machine")]
    Insecure(Url),
    #[error("{0} cannot be asked: {1}")]
    Unreachable(Url, reqwest::Error),
    #[error("{0} says that it is {1:?}")]
    OtherIssuer(Url, String),
    #[error("{0} publishes no key that can be used")]
    NoKey(Url),
}

/// The issuer whose tokens are accepted.
pub struct Outside {
    /// As its tokens name it.
    issuer: String,
    audience: String,
    system_owners: BTreeSet<SubjectId>,
    client: Client,
    keys_at: Url,
    keys: RwLock<Arc<Keys>>,
    /// Held while keys are fetched: one look at a time.
    looking: Mutex<()>,
    look_every: Duration,
}

struct Keys {
    set: JwkSet,
    since: Instant,
    /// When a token last made us ask for them, whether or not the issuer answered.
    asked: Option<Instant>,
    /// Of tokens signed with these.
    signatures: Signatures,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// What an outside token says.
#[derive(Deserialize)]
struct Claims {
    sub: SubjectId,
    #[serde(default)]
    amr: Vec<String>,
    /// How the token was come by: a client gets it for itself.
    #[serde(default)]
    gty: Option<String>,
    #[serde(default)]
    client_id: Option<String>,
    /// Of whoever logged in with his national number.
    #[serde(default, rename = "https://publiq.be/rrn")]
    insz: Option<Insz>,
    #[serde(default)]
    email: Option<Email>,
    #[serde(default)]
    email_verified: bool,
}

impl Claims {
    fn is_of_client(&self) -> bool {
        self.gty.as_deref() == Some("client-credentials")
            || self.sub.as_str().ends_with("@clients")
            || self.client_id.as_deref() == Some(self.sub.as_str())
    }
}

impl Outside {
    /// Looks the issuer up.
    pub async fn discover(issuer: &Url, settings: &Settings) -> Result<Self, CannotTrust> {
        demand_secure(issuer)?;
        let client = Client::builder().timeout(PATIENCE).build();
        let client = client.map_err(|error| CannotTrust::Unreachable(issuer.clone(), error))?;
        let base = issuer.as_str().trim_end_matches('/');
        let document = format!("{base}/.well-known/openid-configuration");
        let document = document.parse().expect("a URL with more path is a URL");
        let found: Discovery = get(&client, &document).await?;
        if found.issuer.trim_end_matches('/') != base {
            return Err(CannotTrust::OtherIssuer(issuer.clone(), found.issuer));
        }
        let keys_at = found.jwks_uri.parse().map_err(|_| CannotTrust::NoKey(document))?;
        demand_secure(&keys_at)?;
        let set: JwkSet = get(&client, &keys_at).await?;
        if set.keys.is_empty() {
            return Err(CannotTrust::NoKey(keys_at));
        }
        Ok(Self {
            issuer: found.issuer,
            audience: settings.audience.clone(),
            system_owners: settings.system_owner.iter().cloned().collect(),
            client,
            keys_at,
            keys: RwLock::new(Arc::new(Keys {
                set,
                since: Instant::now(),
                asked: None,
                signatures: Signatures::default(),
            })),
            looking: Mutex::new(()),
            look_every: LOOK_EVERY,
        })
    }

    /// With another pause between two looks at the keys.
    pub fn looking_every(self, look_every: Duration) -> Self {
        Self { look_every, ..self }
    }

    /// What this token shows, if it holds.
    pub async fn shown(&self, token: &str) -> Result<Shown, Problem> {
        const MALFORMED: Problem = Problem::Unauthorized("the token is malformed");
        let header = decode_header(token).map_err(|_| MALFORMED)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(MALFORMED);
        }
        let (keys, key) = self.key(header.kid.as_deref()).await?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| MALFORMED)?;
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        let claims: Claims = keys.signatures.read(token, &key, &validation)?;
        let kind = if self.system_owners.contains(&claims.sub) {
            Kind::SystemOwner
        } else if claims.is_of_client() {
            Kind::Client
        } else if claims.insz.is_some() && !shows_second_factor(&claims.amr) {
            // He comes for himself; as staff he would have shown a second factor.
            Kind::Passholder
        } else {
            Kind::User
        };
        let Claims { sub: subject, amr, insz, email, email_verified, .. } = claims;
        let email = email.filter(|_| email_verified);
        Ok(Shown { subject, kind, amr, insz, email })
    }

    /// The key of this name, among the others; a token need not name the only key there is.
    async fn key(&self, name: Option<&str>) -> Result<(Arc<Keys>, Jwk), Problem> {
        let keys = self.keys();
        let found = named(&keys.set, name);
        let age = keys.since.elapsed();
        if let Some(found) = found.filter(|_| age < KEYS_LIFE) {
            return Ok((keys, found));
        }
        // One that is down is left alone as long as one that does not know the key.
        if keys.asked.is_none_or(|asked| asked.elapsed() >= self.look_every) {
            self.look_again(keys.asked).await;
        }
        let keys = self.keys();
        if keys.since.elapsed() >= KEYS_LIFE {
            return Err(Problem::LedgerUnavailable);
        }
        let found = named(&keys.set, name).ok_or(UNKNOWN_KEY)?;
        Ok((keys, found))
    }

    fn keys(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fetches the keys, unless somebody else did since.
    async fn look_again(&self, asked: Option<Instant>) {
        let _one_at_a_time = self.looking.lock().await;
        let known = self.keys();
        if known.asked != asked {
            return;
        }
        let (now, signatures) = (Some(Instant::now()), Signatures::default());
        let keys = match get::<JwkSet>(&self.client, &self.keys_at).await {
            Ok(set) => Keys { set, since: Instant::now(), asked: now, signatures },
            Err(error) => {
                tracing::warn!(%error, "the keys of the issuer could not be fetched");
                Keys { set: known.set.clone(), since: known.since, asked: now, signatures }
            }
        };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

const UNKNOWN_KEY: Problem = Problem::Unauthorized("the token is signed with an unknown key");

fn named(set: &JwkSet, name: Option<&str>) -> Option<Jwk> {
    match (name, &set.keys[..]) {
        (Some(name), _) => set.find(name).cloned(),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

fn demand_secure(url: &Url) -> Result<(), CannotTrust> {
    let host = url.host_str().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match url.scheme() == "https" || (url.scheme() == "http" && is_here) {
        true => Ok(()),
        false => Err(CannotTrust::Insecure(url.clone())),
    }
}

async fn get<T: DeserializeOwned>(client: &Client, url: &Url) -> Result<T, CannotTrust> {
    let answer = async { client.get(url.clone()).send().await?.error_for_status()?.json().await };
    answer
        .await
        .map_err(|error: reqwest::Error| CannotTrust::Unreachable(url.clone(), error.without_url()))
}
