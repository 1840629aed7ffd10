//! What comes back over HTTP, and what it must look like when it is a refusal.

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::described;
use crate::region::{Holder, text};

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub async fn to(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body").to_vec();
        assert!(status < 500, "{status}: {}", String::from_utf8_lossy(&bytes));
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        // HEAD answers as GET does, without the body.
        if method != Method::HEAD {
            described::check(&method, &path, status, kind, &bytes);
        }
        Self { status, headers, bytes }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("ASCII"))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{}: {error}: {}", self.status, self.text()))
    }

    /// Succeeded with a body.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert!((200..300).contains(&self.status), "{}: {}", self.status, self.text());
        assert_eq!(self.header("content-type"), Some("application/json"));
        self.json()
    }

    #[track_caller]
    pub fn created(&self) -> Value {
        assert_eq!(self.status, 201, "{}", self.text());
        self.ok()
    }

    /// Succeeded without a body.
    #[track_caller]
    pub fn done(&self) {
        assert_eq!((self.status, self.text().as_str()), (204, ""));
    }

    /// Succeeded and registered someone.
    #[track_caller]
    pub fn holder(&self) -> Holder {
        let body = self.ok();
        let of = |field: &str| text(&body[field]).to_owned();
        Holder { id: of("id"), card: of("uitpasNumber") }
    }

    /// Refused by a problem of this status and type: `uitpas/...` and the general ones of the
    /// contract, `own/...` of ours. Whoever stands at the counter is told why in words, unless
    /// the fault is one of the caller's program.
    #[track_caller]
    pub fn refused(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes()),
            Some(b"application/problem+json".as_slice())
        );
        let problem = self.json();
        let expected = match kind.strip_prefix("own/") {
            Some(own) => format!("urn:uitpas:problem:{own}"),
            None => format!("https://api.publiq.be/probs/{kind}"),
        };
        assert_eq!(problem["type"], Value::String(expected), "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        assert!(!text(&problem["title"]).is_empty() && !text(&problem["detail"]).is_empty());
        if kind.starts_with("uitpas/") || (kind.starts_with("own/") && kind != "own/invalid-query")
        {
            assert!(text(&problem["endUserMessage"]["nl"]).len() > 10, "{problem}");
        }
        problem
    }

    /// Refused, in words that hold this.
    #[track_caller]
    pub fn refused_saying(&self, status: u16, kind: &str, words: &str) -> Value {
        let problem = self.refused(status, kind);
        let said = text(&problem["endUserMessage"]["nl"]);
        assert!(said.contains(words), "{words:?} in {said:?}");
        problem
    }

    /// Refused as a body with this field wrong.
    #[track_caller]
    pub fn wrong(&self, pointer: &str) -> Value {
        let problem = self.refused(400, "body/invalid-data");
        assert_eq!(problem["schemaErrors"][0]["jsonPointer"], pointer, "{problem}");
        assert!(!text(&problem["schemaErrors"][0]["error"]).is_empty(), "{problem}");
        problem
    }

    /// Refused as a query with this parameter wrong.
    #[track_caller]
    pub fn wrong_query(&self, name: &str) -> Value {
        self.wrong_query_as(400, "own/invalid-query", name)
    }

    /// The same at an operation of the contract that knows no 400.
    #[track_caller]
    pub fn wrong_query_404(&self, name: &str) -> Value {
        self.wrong_query_as(404, "url/not-found", name)
    }

    #[track_caller]
    fn wrong_query_as(&self, status: u16, kind: &str, name: &str) -> Value {
        let problem = self.refused(status, kind);
        let detail = text(&problem["detail"]);
        assert!(detail.starts_with(&format!("query parameter {name}: ")), "{detail}");
        problem
    }
}
