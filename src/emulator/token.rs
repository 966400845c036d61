//! `POST /{tenant}/oauth2/v2.0/token`: client credentials with a client secret.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::Emulator;
use super::answer::Answer;
use super::directory::{TenantState, flag, text};
use super::graph::header;
use super::replica::View;
use super::request_log::Noted;
use super::signing::{self, Claims};

/// A request that the token endpoint declines.
/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
struct Denial {
    status: StatusCode,
    error: &'static str,
    code: u32,
    text: String,
}

impl Denial {
    fn new(status: StatusCode, error: &'static str, code: u32, text: impl Into<String>) -> Self {
        Self { status, error, code, text: text.into() }
    }
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

type Form = BTreeMap<String, String>;

impl Emulator {
    /// Answers the token endpoint.
    pub(super) fn token(&mut self, now: Timestamp, tenant: &str, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        let form: Form = url::form_urlencoded::parse(body).into_owned().collect();
        let trace_id = self.identifiers.guid();
        let correlation_id = header(&parts.headers, "client-request-id").unwrap_or(&trace_id).to_owned();
        let outcome = self.issue(now, tenant, &parts.method, &form);
        let answer = match outcome {
            Ok(token) => Answer::json(
                StatusCode::OK,
                json!({
                    "token_type": "Bearer",
                    "expires_in": self.knobs.token_lifetime_seconds,
                    "ext_expires_in": self.knobs.token_lifetime_seconds,
                    "access_token": token,
                }),
            ),
            Err(denial) => self.denied(now, &denial, &trace_id, &correlation_id),
        };
        let answer = answer.with("x-ms-request-id", trace_id.clone()).with("cache-control", "no-store, no-cache");
        let tenant_id = self.tenant_id_named(tenant);
        let noted = Noted {
            status: answer.status,
            request_id: &trace_id,
            client_request_id: Some(&correlation_id),
            tenant: tenant_id.as_deref(),
            client: form.get("client_id").map(String::as_str),
            items: Vec::new(),
        };
        self.log.note(now, parts, noted);
        answer.render(now, &trace_id)
    }

    fn issue(&mut self, now: Timestamp, tenant: &str, method: &Method, form: &Form) -> Result<String, Denial> {
        if *method != Method::POST {
            let text = "AADSTS900561: The endpoint only accepts POST requests. Received a GET request.";
            return Err(Denial::new(BAD, "invalid_request", 900_561, text));
        }
        if matches!(tenant, "common" | "consumers" | "organizations") {
            let text = "AADSTS9001023: The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.";
            return Err(Denial::new(BAD, "invalid_request", 9_001_023, text));
        }
        let [grant_type, client_id, scope] = required(form)?;
        if grant_type != "client_credentials" {
            let text = format!("AADSTS70003: The app requested an unsupported grant type '{grant_type}'.");
            return Err(Denial::new(BAD, "unsupported_grant_type", 70_003, text));
        }
        let tenant_id = self.tenant_id_named(tenant).ok_or_else(|| {
            let text = format!("AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.");
            Denial::new(BAD, "invalid_request", 90_002, text)
        })?;
        let audience = scope.strip_suffix("/.default").map(|audience| audience.trim_end_matches('/').to_owned());
        let audience = audience.filter(|audience| signing::audiences(&self.public_url).contains(audience));
        let audience = audience.ok_or_else(|| {
            let text = format!("AADSTS70011: The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.");
            Denial::new(BAD, "invalid_scope", 70_011, text)
        })?;
        let uti = self.identifiers.guid();
        let Self { public_url, knobs, tenants, .. } = self;
        let tenant =
            tenants.get(&tenant_id).ok_or_else(|| Denial::new(BAD, "invalid_request", 90_002, "AADSTS90002"))?;
        let (principal_id, display_name) = admitted(tenant, now, client_id, form.get("client_secret"))?;
        let issued = now.as_second();
        let issuer = format!("{public_url}/{tenant_id}/");
        Ok(signing::sign(&Claims {
            aud: audience,
            iss: issuer.clone(),
            iat: issued,
            nbf: issued,
            exp: issued + i64::from(knobs.token_lifetime_seconds),
            app_displayname: display_name,
            appid: client_id.to_owned(),
            appidacr: "1".to_owned(),
            idp: issuer,
            idtyp: "app".to_owned(),
            roles: tenant.granted_roles(&principal_id).into_iter().collect(),
            oid: principal_id.clone(),
            sub: principal_id,
            tid: tenant_id,
            uti,
            ver: "1.0".to_owned(),
        }))
    }

    fn denied(&self, now: Timestamp, denial: &Denial, trace_id: &str, correlation_id: &str) -> Answer {
        let Denial { status, error, code, text } = denial;
        let timestamp = now.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let description =
            format!("{text}\r\nTrace ID: {trace_id}\r\nCorrelation ID: {correlation_id}\r\nTimestamp: {timestamp}");
        let body = json!({
            "error": error,
            "error_description": description,
            "error_codes": [code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": format!("{}/error?code={code}", self.public_url),
        });
        Answer::json(*status, body)
    }
}

fn required(form: &Form) -> Result<[&str; 3], Denial> {
    let value = |name: &str| {
        form.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
            let text = format!("AADSTS900144: The request body must contain the following parameter: '{name}'.");
            Denial::new(BAD, "invalid_request", 900_144, text)
        })
    };
    Ok([value("grant_type")?, value("client_id")?, value("scope")?])
}

/// Finds the application and its principal, and checks the secret.
fn admitted(
    tenant: &TenantState,
    now: Timestamp,
    client_id: &str,
    secret: Option<&String>,
) -> Result<(String, String), Denial> {
    let name = &tenant.display_name;
    let secrets: Vec<_> = tenant.secrets.iter().filter(|own| own.app_id.eq_ignore_ascii_case(client_id)).collect();
    let principal = tenant.principal_of(View::Truth, client_id);
    let application = tenant.application_of(View::Truth, client_id);
    if secrets.is_empty() || (principal.is_none() && application.is_none()) {
        let text = format!(
            "AADSTS700016: Application with identifier '{client_id}' was not found in the directory '{name}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        );
        return Err(Denial::new(BAD, "unauthorized_client", 700_016, text));
    }
    let Some(secret) = secret.filter(|secret| !secret.is_empty()) else {
        let text = "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(Denial::new(UNAUTHORIZED, "invalid_client", 7_000_218, text));
    };
    let Some(known) = secrets.into_iter().find(|own| own.secret == *secret) else {
        let text = format!(
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
        );
        return Err(Denial::new(UNAUTHORIZED, "invalid_client", 7_000_215, text));
    };
    if known.expires.is_some_and(|expires| expires <= now) {
        let text = format!("AADSTS7000222: The provided client secret keys for app '{client_id}' are expired.");
        return Err(Denial::new(UNAUTHORIZED, "invalid_client", 7_000_222, text));
    }
    let Some((principal_id, principal)) = principal else {
        let text = format!(
            "AADSTS7000229: The client application {client_id} is missing service principal in the tenant {}.",
            tenant.id
        );
        return Err(Denial::new(UNAUTHORIZED, "unauthorized_client", 7_000_229, text));
    };
    let display_name = text(principal, "displayName");
    if !flag(principal, "accountEnabled") || flag(principal, "isDisabled") {
        let text = format!("AADSTS7000112: Application '{client_id}'({display_name}) is disabled.");
        return Err(Denial::new(UNAUTHORIZED, "unauthorized_client", 7_000_112, text));
    }
    Ok((principal_id.to_owned(), display_name.to_owned()))
}
