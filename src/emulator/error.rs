//! Refusals as Microsoft Graph words them. Texts are those seen in documentation and public reports.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::answer::Answer;
use super::knob::Knobs;

/// A request that Graph declines.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) details: Option<Value>,
    pub(super) headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: None, headers: Vec::new() }
    }

    /// 404: the object, or an object it refers to, is not there.
    pub(super) fn not_found(key: &str) -> Self {
        let message = format!(
            "Resource '{key}' does not exist or one of its queried reference-property objects are not present."
        );
        Self::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", message)
    }

    /// 400 of the directory.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 400 or 409, as the knob says: it is granted already.
    pub(super) fn duplicate(knobs: &Knobs, message: &str) -> Self {
        if knobs.duplicate_is_conflict {
            return Self::new(StatusCode::CONFLICT, "Request_MultipleObjectsWithSameKeyValue", message);
        }
        Self::bad_request(message)
    }

    /// 400 of the OData layer in front of it.
    pub(super) fn odata(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400: understood, but the directory has no index for it.
    pub(super) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// 403: the caller's app roles do not allow it.
    pub(super) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(StatusCode::FORBIDDEN, "Authorization_RequestDenied", message)
    }

    /// 409: another principal has this service principal name.
    pub(super) fn name_in_use(app_id: &str) -> Self {
        let message = format!(
            "The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."
        );
        Self::new(StatusCode::CONFLICT, "Request_MultipleObjectsWithSameKeyValue", message)
    }

    /// 400: nobody has registered an application with this appId.
    pub(super) fn no_backing_application(app_id: &str) -> Self {
        let message =
            format!("The appId '{app_id}' of the service principal does not reference a valid application object.");
        let details = json!([{"code": "NoBackingApplicationObject", "message": message, "target": "appId"}]);
        Self { details: Some(details), ..Self::bad_request(message) }
    }

    /// 405.
    pub(super) fn method_not_allowed() -> Self {
        let message = "Specified HTTP method is not allowed for the request target.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", message)
    }

    /// 413: the body is too large. The status and the sentence are published, the code is not.
    /// <https://learn.microsoft.com/graph/errors#http-status-codes>
    pub(super) fn too_large() -> Self {
        let message = "The request size exceeds the maximum limit.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// 501: Graph has it, the emulator does not.
    pub(super) fn not_built(what: &str) -> Self {
        let message = format!("The emulator does not have {what}; Microsoft Graph does. See FIDELITY.md.");
        let refusal = Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message);
        Self { headers: vec![("x-emulator-not-built", "true".to_owned())], ..refusal }
    }

    /// 429, with the scope that is exhausted.
    /// <https://learn.microsoft.com/graph/throttling-limits#throttled-responses-requests>
    pub(super) fn throttled(retry_after_seconds: Option<u32>, scope: String) -> Self {
        Self::throttled_for(retry_after_seconds, scope, "ResourceUnitLimitExceeded")
    }

    /// 429, with the scope that is exhausted and the limit that was reached.
    pub(super) fn throttled_for(retry_after_seconds: Option<u32>, scope: String, reason: &str) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "Please retry again later.");
        let retry_after = retry_after_seconds.map(|seconds| ("retry-after", seconds.to_string()));
        let why = [("x-ms-throttle-scope", scope), ("x-ms-throttle-information", reason.to_owned())];
        Self { headers: retry_after.into_iter().chain(why).collect(), ..refusal }
    }

    /// 401: the token was issued before the client's tokens were revoked in this second. The challenge says what a
    /// token has to be like; it is laid out as Microsoft's own client libraries test it.
    /// <https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format>
    /// <https://learn.microsoft.com/entra/identity-platform/app-resilience-continuous-access-evaluation>
    pub(super) fn challenged(public_url: &str, since: i64) -> Self {
        let message = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";
        let claims = format!(r#"{{"access_token":{{"nbf":{{"essential":true, "value":"{since}"}}}}}}"#);
        let claims = STANDARD.encode(claims);
        let challenge = format!(
            "{}, error_description=\"{message}\", error=\"insufficient_claims\", claims=\"{claims}\"",
            authorization(public_url)
        );
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message);
        Self { headers: vec![("www-authenticate", challenge)], ..refusal }
    }

    /// 401: no usable token.
    pub(super) fn unauthenticated(public_url: &str, message: impl Into<String>) -> Self {
        let refusal = Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message);
        Self { headers: vec![("www-authenticate", authorization(public_url))], ..refusal }
    }

    /// The error body with the ids of the request.
    pub(super) fn answer(self, now: Timestamp, request_id: &str, client_request_id: &str) -> Answer {
        let Self { status, code, message, details, headers } = self;
        let mut error = json!({
            "code": code,
            "message": message,
            "innerError": {
                "date": zoneless(now),
                "request-id": request_id,
                "client-request-id": client_request_id,
            },
        });
        if let (Some(details), Some(error)) = (details, error.as_object_mut()) {
            error.insert("details".to_owned(), details);
        }
        let answer = Answer::json(status, json!({ "error": error })).with("content-type", "application/json");
        Answer { headers: [answer.headers, headers].concat(), ..answer }
    }
}

/// What every `WWW-Authenticate` of Graph begins with: an empty realm belongs to the common endpoint.
fn authorization(public_url: &str) -> String {
    format!(
        "Bearer realm=\"\", authorization_uri=\"{public_url}/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\""
    )
}

/// `innerError.date` has no zone: `2025-02-13T10:17:06`.
fn zoneless(now: Timestamp) -> String {
    now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
