//! The way to Microsoft, with trouble on it that a test switches on and off.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tokio::sync::Notify;
use webex_azure_operator::graph::{
    HttpTransport, Transport, TransportOptions,
    transport::{Body, BodyError, TransportError},
};

/// What is wrong on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Microsoft Graph is answered for by a page in HTML.
    Html,
    /// Its JSON ends in the middle, at a length that the header announces.
    CutShort,
    /// It asks to slow down.
    Throttled,
    /// It fails.
    ServerError,
    /// It leads elsewhere.
    Redirect,
    /// The token endpoint answers with a token of this other tenant.
    TokenOf(&'static str),
    /// The token endpoint fails.
    NoTokens,
    /// Whatever is asked about this tenant is answered this much later, or when the trouble is over.
    Slow(&'static str, Duration),
    /// The operator panics at a token request for this tenant.
    Panic(&'static str),
}

/// Carries requests to the emulator, or into the trouble that is switched on.
#[derive(Debug)]
pub struct Wire {
    inner: HttpTransport,
    trouble: Mutex<Option<Trouble>>,
    /// Tells those who are held up that the trouble is another.
    changed: Arc<Notify>,
}

impl Wire {
    /// A way without trouble.
    pub fn new() -> Self {
        let inner = HttpTransport::new(&TransportOptions::from_environment()).unwrap();
        Self { inner, trouble: Mutex::new(None), changed: Arc::default() }
    }

    /// Switches trouble on, or off.
    pub fn set(&self, trouble: Option<Trouble>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
        self.changed.notify_waiters();
    }
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        let trouble = *self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let path = request.uri().path();
        let is_token = path.ends_with("/token");
        let instead = match trouble {
            Some(Trouble::Panic(tenant)) if is_token && path.contains(tenant) => {
                panic!("on purpose, in one object's look")
            }
            Some(Trouble::TokenOf(tenant)) if is_token => {
                let sent = self.inner.send(request);
                return Box::pin(async move { Ok(with_token_of(tenant, sent.await?).await) });
            }
            Some(Trouble::Slow(tenant, by)) if tenant_of(&request).as_deref() == Some(tenant) => {
                let (sent, changed) = (self.inner.send(request), Arc::clone(&self.changed));
                return Box::pin(async move {
                    // Either way it is time to go on.
                    let _ = tokio::time::timeout(by, changed.notified()).await;
                    sent.await
                });
            }
            Some(Trouble::NoTokens) if is_token => {
                Some(answer(StatusCode::SERVICE_UNAVAILABLE, "application/json", "{}"))
            }
            None | Some(Trouble::Panic(_) | Trouble::TokenOf(_) | Trouble::NoTokens | Trouble::Slow(..)) => None,
            Some(_) if is_token => None,
            Some(Trouble::Html) => {
                Some(answer(StatusCode::OK, "text/html", "<html><body>Sign in to the guest network</body></html>"))
            }
            Some(Trouble::CutShort) => Some(answer(
                StatusCode::OK,
                "application/json",
                r#"{"responses":[{"id":"1","status":200,"body":{"id":"#,
            )),
            Some(Trouble::Throttled) => {
                let mut throttled = answer(StatusCode::TOO_MANY_REQUESTS, "application/json", "{}");
                throttled.headers_mut().insert(header::RETRY_AFTER, "1".parse().unwrap());
                Some(throttled)
            }
            Some(Trouble::ServerError) => Some(answer(StatusCode::INTERNAL_SERVER_ERROR, "application/json", "{}")),
            Some(Trouble::Redirect) => {
                let mut redirect = answer(StatusCode::FOUND, "application/json", "{}");
                redirect.headers_mut().insert(header::LOCATION, "https://example.com/".parse().unwrap());
                Some(redirect)
            }
        };
        match instead {
            Some(answer) => Box::pin(async { Ok(answer) }),
            None => self.inner.send(request),
        }
    }
}

/// The tenant that this request is about: it stands in the token endpoint's path, else in the token.
fn tenant_of(request: &Request<Bytes>) -> Option<String> {
    let Some(bearer) = request.headers().get(header::AUTHORIZATION) else {
        return request.uri().path().split('/').nth(1).map(str::to_owned);
    };
    let payload = bearer.to_str().ok()?.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    claims["tid"].as_str().map(str::to_owned)
}

fn answer(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Response<Body> {
    let body: Bytes = body.into();
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CONTENT_LENGTH, body.len())
        .body(Full::new(body).map_err(|never| -> BodyError { match never {} }).boxed_unsync())
        .unwrap()
}

/// The token endpoint's answer with another tenant in the token.
async fn with_token_of(tenant: &str, response: Response<Body>) -> Response<Body> {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let mut body: Value = serde_json::from_slice(&body).unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["tid"] = tenant.into();
    body["access_token"] = format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2]).into();
    answer(StatusCode::OK, "application/json", body.to_string())
}
