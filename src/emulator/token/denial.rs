//! What the token endpoint says to those it gives no token.

use http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::super::answer::Answer;

/// The Conditional Access policy of blocked applications. Invented.
const POLICY_ID: &str = "00000000-0000-4000-8000-0000000000ca";

/// A request that the token endpoint declines.
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
#[derive(Debug)]
pub(in crate::emulator) struct Denial {
    status: StatusCode,
    error: &'static str,
    code: u32,
    text: String,
    /// Members that only this kind of error has.
    more: Vec<(&'static str, Value)>,
}

impl Denial {
    pub(in crate::emulator) fn new(
        status: StatusCode,
        error: &'static str,
        code: u32,
        text: impl Into<String>,
    ) -> Self {
        Self { status, error, code, text: text.into(), more: Vec::new() }
    }

    /// 401: the credential does not prove who the client is.
    pub(super) fn client(code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_client", code, text)
    }

    /// 400: the request is not well formed.
    pub(in crate::emulator) fn request(code: u32, text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", code, text)
    }

    /// 400: there is no such tenant.
    pub(in crate::emulator) fn tenant(name: &str) -> Self {
        let text = format!(
            "Tenant '{name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
        );
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", 90_002, text)
    }

    /// A Conditional Access policy for workload identities applies. The words are those of the reference; status,
    /// `error`, `suberror` and `claims` are those that users of client credentials reported.
    /// <https://learn.microsoft.com/entra/identity/conditional-access/workload-identity>
    pub(super) fn blocked() -> Self {
        let text =
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
        let claims = json!({"access_token": {"capolids": {"essential": true, "values": [POLICY_ID]}}}).to_string();
        let more = vec![("suberror", "message_only".into()), ("claims", claims.into())];
        Self { more, ..Self::new(StatusCode::BAD_REQUEST, "invalid_grant", 53_003, text) }
    }

    /// The error body with the ids of the request.
    pub(in crate::emulator) fn answer(
        &self,
        now: Timestamp,
        public_url: &str,
        trace_id: &str,
        correlation_id: &str,
    ) -> Answer {
        let Self { status, error, code, text, more } = self;
        let timestamp = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!(
            "AADSTS{code}: {text}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}"
        );
        let mut body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{public_url}/error?code={code}"),
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        }
        Answer::json(*status, body)
    }
}
