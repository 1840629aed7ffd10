//! Who calls. Bearer tokens are signed JWTs; the demo issuer signs its own and says so.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use jsonwebtoken::dangerous::insecure_decode;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uitpas_domain::ids::{PassholderId, SubjectId};
use uitpas_domain::values::contact::Email;
use uitpas_domain::values::insz::Insz;
use uitpas_store::sealing::MasterKey;

use crate::access::{self, Operation};
use crate::actions::{accounts, clients, identify, uitid};
use crate::app::App;
use crate::problem::Problem;

/// The `iss` of tokens of the demo issuer.
pub const DEMO_ISSUER: &str = "urn:uitpas:demo-issuer";
/// The `aud` that a token must name.
pub const AUDIENCE: &str = "urn:uitpas:api";

/// What a token says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: SubjectId,
    /// Seconds since 1970.
    pub exp: i64,
    pub nbf: i64,
    /// By what means the person showed who he is (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    #[serde(default)]
    pub kind: Kind,
    /// The national number of a passholder who logged in with it.
    #[serde(default, rename = "https://publiq.be/rrn", skip_serializing_if = "Option::is_none")]
    pub insz: Option<Insz>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// Whether the issuer knows that the address is his.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_verified: bool,
}

/// What a token stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A person.
    #[default]
    User,
    /// An integration, with a client token.
    Client,
    /// Whoever sets up card systems and counters.
    SystemOwner,
    /// An integration that merely says who it is.
    #[serde(skip)]
    #[value(skip)]
    ClientId,
    /// A check-in device. No token says so: a kiosk shows its device id instead (R-SEC-02).
    #[serde(skip)]
    #[value(skip)]
    Kiosk,
    /// Somebody about himself, who logged in with his national number. He has no role anywhere.
    Passholder,
}

/// Tokens that hold, by their SHA-256, with the second in which they expire. Who calls shows the same
/// token for hours, and its signature takes longer to check than the rest of many a request. Belongs
/// to one set of keys, and goes with it.
pub struct Signatures(Cache<[u8; 32], f64>);

/// When a token expires; the standard lets it be a fraction.
#[derive(Deserialize)]
struct Until {
    exp: f64,
}

impl Default for Signatures {
    fn default() -> Self {
        let idle = Duration::from_secs(600);
        Self(Cache::builder().max_capacity(100_000).time_to_idle(idle).build())
    }
}

impl Signatures {
    /// What a token says, if it holds.
    pub fn read<C: DeserializeOwned>(
        &self,
        token: &str,
        key: &DecodingKey,
        validation: &Validation,
    ) -> Result<C, Problem> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        if let Some(until) = self.0.get(&digest) {
            let leeway = validation.leeway as f64;
            if Utc::now().timestamp() as f64 > until + leeway {
                return Err(refused(ErrorKind::ExpiredSignature.into()));
            }
            return Ok(insecure_decode(token).map_err(refused)?.claims);
        }
        let claims = jsonwebtoken::decode(token, key, validation).map_err(refused)?.claims;
        let Until { exp } = insecure_decode(token).map_err(refused)?.claims;
        self.0.insert(digest, exp);
        Ok(claims)
    }
}

/// The demo issuer: signs tokens with a key that is derived from the master key, so that a token
/// outlives a restart and nothing more has to be kept.
pub struct Issuer {
    encoding: EncodingKey,
    decoding: DecodingKey,
    signatures: Signatures,
}

impl Issuer {
    pub fn demo(master: &MasterKey) -> Self {
        let seed = master.claim_hash("demo-issuer", "ed25519");
        let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        // PKCS#8 of an Ed25519 key (RFC 8410): a fixed head, then the seed.
        let mut der = vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
        der.extend([0x04, 0x22, 0x04, 0x20]);
        der.extend(seed);
        Self {
            encoding: EncodingKey::from_ed_der(&der),
            decoding: DecodingKey::from_ed_der(&public),
            signatures: Signatures::default(),
        }
    }

    /// A token of this subject. Staff carry a second factor (R-SEC-01).
    pub fn token(
        &self,
        subject: SubjectId,
        kind: Kind,
        now: DateTime<Utc>,
        life: TimeDelta,
    ) -> String {
        let amr = match kind {
            Kind::User | Kind::SystemOwner => {
                vec!["pwd".to_owned(), "otp".to_owned(), "mfa".to_owned()]
            }
            Kind::Client | Kind::ClientId | Kind::Kiosk | Kind::Passholder => vec![],
        };
        self.sign(&Claims {
            iss: DEMO_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: subject,
            exp: (now + life).timestamp(),
            nbf: now.timestamp(),
            amr,
            kind,
            insz: None,
            email: None,
            email_verified: false,
        })
    }

    pub fn sign(&self, claims: &Claims) -> String {
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), claims, &self.encoding)
            .expect("claims are plain JSON and the key is an Ed25519 key")
    }

    /// Checks signature, `iss`, `aud`, `exp` and `nbf`.
    fn verify(&self, token: &str) -> Result<Claims, Problem> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[DEMO_ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        self.signatures.read(token, &self.decoding, &validation)
    }
}

/// Why a token is not accepted.
fn refused(error: jsonwebtoken::errors::Error) -> Problem {
    Problem::Unauthorized(match error.kind() {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token is not valid yet",
        ErrorKind::InvalidIssuer => "the token is of another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidSignature => "the signature of the token does not hold",
        _ => "the token is malformed",
    })
}

/// Who calls, from a valid token. What he may do is asked of the counters.
#[derive(Debug, Clone)]
pub struct Caller {
    pub subject: SubjectId,
    pub kind: Kind,
}

impl Caller {
    /// The client that calls, if it is one.
    pub fn client(&self) -> Option<SubjectId> {
        match self.kind {
            Kind::Client => Some(self.subject.clone()),
            Kind::ClientId => self.subject.as_str().strip_prefix(CLIENT_ID)?.parse().ok(),
            Kind::User | Kind::SystemOwner | Kind::Kiosk | Kind::Passholder => None,
        }
    }

    /// The UiTID of whoever comes for himself.
    pub fn uitid(&self) -> Option<SubjectId> {
        match self.kind {
            Kind::Passholder => self.subject.as_str().strip_prefix(ONESELF)?.parse().ok(),
            Kind::User | Kind::Client | Kind::ClientId | Kind::SystemOwner | Kind::Kiosk => None,
        }
    }

    /// For what only the system owner does.
    pub fn demand_system_owner(&self) -> Result<(), Problem> {
        match self.kind {
            Kind::SystemOwner => Ok(()),
            Kind::User | Kind::Client | Kind::ClientId | Kind::Kiosk | Kind::Passholder => {
                Err(Problem::Forbidden("only the system owner may do this".to_owned()))
            }
        }
    }
}

/// The passholder who calls, found by the national number in his token, or by the UiTID that is linked
/// to him.
pub struct Oneself(pub PassholderId);

impl FromRequestParts<App> for Oneself {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let shown = Shown::of(parts, app).await?;
        if !matches!(shown.kind, Kind::Passholder | Kind::User) {
            return Err(Problem::Forbidden("only a passholder, about himself".to_owned()));
        }
        accounts::remember(app, &shown).await?;
        let by_insz = match &shown.insz {
            Some(insz) => identify::passholder_of_insz(app, insz).await?,
            None => None,
        };
        let known = match by_insz {
            Some(known) => Some(known),
            None => uitid::passholder_of(app, &shown.subject).await?,
        };
        known.map(Self).ok_or(Problem::Passholder(uitpas_domain::passholder::Refused::Unknown))
    }
}

/// The national number in the token of whoever calls.
pub struct OwnInsz(pub Insz);

impl FromRequestParts<App> for OwnInsz {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let shown = Shown::of(parts, app).await?;
        if !matches!(shown.kind, Kind::Passholder | Kind::User) {
            return Err(Problem::Forbidden("only a person, about himself".to_owned()));
        }
        shown.insz.map(Self).ok_or(Problem::InszInTokenRequired)
    }
}

/// Whoever comes for himself, or else staff.
pub struct Someone {
    pub caller: Caller,
    /// Which passholder he is; absent for staff.
    pub oneself: Option<PassholderId>,
}

impl Someone {
    /// Refuses whoever is another passholder than this one.
    pub fn demand_oneself(&self, id: PassholderId) -> Result<(), Problem> {
        match self.oneself == Some(id) {
            true => Ok(()),
            false => Err(Problem::Forbidden("only a passholder, about himself".to_owned())),
        }
    }
}

impl FromRequestParts<App> for Someone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, app).await?;
        let oneself = match caller.kind {
            Kind::Passholder => match Oneself::from_request_parts(parts, app).await {
                Ok(Oneself(id)) => Some(id),
                // He is nobody here, and so has no part in anybody's family.
                Err(Problem::Passholder(uitpas_domain::passholder::Refused::Unknown)) => None,
                Err(other) => return Err(other),
            },
            Kind::User | Kind::Client | Kind::SystemOwner | Kind::ClientId | Kind::Kiosk => None,
        };
        Ok(Self { caller, oneself })
    }
}

/// Values of `amr` that attest a second factor (RFC 8176); any is accepted (R-SEC-01).
const SECOND_FACTORS: [&str; 7] = ["mfa", "otp", "sms", "hwk", "swk", "fpt", "tel"];

/// What a token that holds shows of whoever calls.
pub struct Shown {
    pub subject: SubjectId,
    pub kind: Kind,
    pub amr: Vec<String>,
    pub insz: Option<Insz>,
    /// That the issuer has verified.
    pub email: Option<Email>,
}

impl Shown {
    /// By the bearer token of a request.
    async fn of(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).ok_or(Problem::Unauthorized(
            "an Authorization header with a bearer token is required",
        ))?;
        let token = header
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Problem::Unauthorized("the Authorization header holds no bearer token"))?;
        match &app.outside {
            Some(outside) => outside.shown(token).await,
            None => {
                let Claims { sub, kind, amr, insz, email, email_verified, .. } =
                    app.issuer.verify(token)?;
                let email = email.filter(|_| email_verified);
                Ok(Self { subject: sub, kind, amr, insz, email })
            }
        }
    }
}

/// Stands before the subject of whoever comes for himself: whatever role somebody of that name has
/// is not his, as no second factor was asked of him.
const ONESELF: &str = "oneself:";
/// The same for a client that merely says who it is: anybody may say so.
const CLIENT_ID: &str = "client-id:";

/// The client that a request names, in a header or in the query; the header wins.
pub fn named_client(parts: &Parts) -> Option<Result<SubjectId, Problem>> {
    let unknown = Problem::Unauthorized("this client is not known");
    if let Some(header) = parts.headers.get("x-client-id") {
        return Some(header.to_str().ok().and_then(|id| id.parse().ok()).ok_or(unknown));
    }
    let query = parts.uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, id) = pairs.find(|(name, _)| name == "clientId")?;
    Some(id.parse().map_err(|_| unknown))
}

/// A client that says who it is, where there is one of that name.
pub async fn identified(app: &App, parts: &Parts) -> Result<Caller, Problem> {
    let missing = Problem::Unauthorized("an x-client-id header is required");
    let id = named_client(parts).ok_or(missing)??;
    if !clients::is_known(app, &id).await? {
        return Err(Problem::Unauthorized("this client is not known"));
    }
    let subject = format!("{CLIENT_ID}{id}").parse();
    let subject = subject.map_err(|_| Problem::Unauthorized("the client id is too long"))?;
    Ok(Caller { subject, kind: Kind::ClientId })
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let operation = access::at_hand();
        let or_client_id = operation.is_some_and(|operation| operation.or_client_id);
        if or_client_id
            && !parts.headers.contains_key(AUTHORIZATION)
            && named_client(parts).is_some()
        {
            let caller = identified(app, parts).await?;
            clients::demand(app, &caller).await?;
            return Ok(caller);
        }
        let shown = Shown::of(parts, app).await?;
        accounts::remember(app, &shown).await?;
        let is_about_oneself = operation.is_some_and(Operation::is_about_oneself);
        if shown.kind == Kind::Passholder || (shown.kind == Kind::User && is_about_oneself) {
            let subject = format!("{ONESELF}{}", shown.subject).parse();
            let subject = subject.map_err(|_| Problem::Unauthorized("the subject is too long"))?;
            return Ok(Caller { subject, kind: Kind::Passholder });
        }
        // Persons show a second factor, whichever they chose; an integration has none (R-SEC-01).
        if shown.kind != Kind::Client && !shows_second_factor(&shown.amr) {
            return Err(Problem::Unauthorized("staff need a second factor; log in with one"));
        }
        let caller = Caller { subject: shown.subject, kind: shown.kind };
        clients::demand(app, &caller).await?;
        Ok(caller)
    }
}

/// Whether these means of logging in hold a second factor.
pub fn shows_second_factor(amr: &[String]) -> bool {
    amr.iter().any(|method| SECOND_FACTORS.contains(&method.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R-SEC-01: a token that held a moment ago is refused once it has expired, and one that differs
    /// in anything was never seen.
    #[test]
    fn a_token_that_is_known_holds_until_it_expires() {
        let issuer = Issuer::demo(&MasterKey::generate());
        let claims = |ends: i64| Claims {
            iss: DEMO_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: "somebody".parse().expect("a subject"),
            exp: Utc::now().timestamp() + ends,
            nbf: 0,
            amr: vec![],
            kind: Kind::Client,
            insz: None,
            email: None,
            email_verified: false,
        };
        // Within the leeway of five seconds, and then without any.
        let (lasting, ended) = (issuer.sign(&claims(60)), issuer.sign(&claims(-3)));
        let validation = |leeway| {
            let mut validation = Validation::new(Algorithm::EdDSA);
            validation.set_audience(&[AUDIENCE]);
            validation.leeway = leeway;
            validation
        };
        let read = |token: &str, leeway| {
            let read = issuer.signatures.read(token, &issuer.decoding, &validation(leeway));
            read.map(|claims: Claims| claims.sub).map_err(|problem| problem.to_string())
        };
        for leeway in [5, 0] {
            assert_eq!(read(&lasting, leeway).as_ref().map(SubjectId::as_str), Ok("somebody"));
        }
        assert!(read(&ended, 5).is_ok());
        assert_eq!(read(&ended, 0), Err("the token has expired".to_owned()));
        let (signed, _) = lasting.rsplit_once('.').expect("a signature");
        let other = ended.rsplit_once('.').expect("a signature").1;
        let forged = read(&format!("{signed}.{other}"), 5);
        assert_eq!(forged, Err("the signature of the token does not hold".to_owned()));
    }
}
