//! Links that work for a short while and without a token: the address and the hour until which it
//! works are signed, and whoever changes one of them has a link that does not hold.

use std::str::FromStr;
use std::sync::Arc;

use axum::http::{HeaderMap, Uri};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::{Answer, Problem};

/// How long a link works. Source: our choice; the contract says "short".
const LIFE: TimeDelta = TimeDelta::minutes(15);

/// Where others reach this server, with which links begin: behind TLS or a path of somebody else's it
/// is not what a request says.
#[derive(Debug, Clone)]
pub struct PublicUrl(Arc<str>);

#[derive(Debug, thiserror::Error)]
#[error("a URL that begins with https:// or http://, without ? and #")]
pub struct InvalidPublicUrl;

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: Uri = text.parse().map_err(|_| InvalidPublicUrl)?;
        let is_web = matches!(url.scheme_str(), Some("http" | "https"));
        let is_whole = url.host().is_some_and(|host| !host.is_empty());
        match is_web && is_whole && !text.contains(['?', '#']) {
            true => Ok(Self(text.trim_end_matches('/').into())),
            false => Err(InvalidPublicUrl),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadLink {
    pub download_link: String,
}

/// What a link shows instead of a token.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Signed {
    /// Until when the link holds, and its signature.
    expires: Option<i64>,
    signature: Option<String>,
}

impl Signed {
    /// Whether this is a link at all.
    pub fn is_shown(&self) -> bool {
        self.expires.is_some() && self.signature.is_some()
    }

    /// Refuses a link that is not ours, is of another address, or is over.
    pub fn demand(&self, app: &App, path: &str) -> Answer<()> {
        let (expires, shown) = (self.expires.unwrap_or(0), self.signature.as_deref());
        // Hashes are compared, so that the time it takes tells nothing of the signature.
        let hash = |text: &str| app.store.master_key().request_hash(text.as_bytes());
        let holds = hash(shown.unwrap_or_default()) == hash(&signature(app, path, expires));
        match holds && expires >= app.now().timestamp() {
            true => Ok(()),
            false => Err(Problem::Unauthorized("this link does not hold, or no longer")),
        }
    }
}

/// A link to this address; where nobody said how this server is reached, on the host that was asked.
pub fn to(app: &App, headers: &HeaderMap, path: &str) -> String {
    let expires = (app.now() + LIFE).timestamp();
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let base = match &app.public_url {
        Some(PublicUrl(url)) => url.to_string(),
        None => format!("http://{host}"),
    };
    let signature = signature(app, path, expires);
    format!("{base}{path}?expires={expires}&signature={signature}")
}

fn signature(app: &App, path: &str, expires: i64) -> String {
    let signed = format!("{path}/{expires}");
    hex::encode(app.store.master_key().claim_hash("download-link", &signed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_whole_web_address_without_its_last_slash() {
        for (given, kept) in [
            ("https://uitpas.example", "https://uitpas.example"),
            ("https://uitpas.example/", "https://uitpas.example"),
            ("http://10.0.0.1:8080/kaart/", "http://10.0.0.1:8080/kaart"),
        ] {
            let PublicUrl(url) = given.parse().expect("a URL");
            assert_eq!(&*url, kept);
        }
        for wrong in ["", "/", "uitpas.example", "ftp://uitpas.example", "https://", "https://a/?b"]
        {
            assert!(wrong.parse::<PublicUrl>().is_err(), "{wrong}");
        }
    }
}
