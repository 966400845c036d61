//! `POST /{tenant}/oauth2/v2.0/token`: client credentials with a client secret or a client assertion.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

mod assertion;
mod certificate;
mod claims_request;
mod denial;
mod federation;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use serde_json::json;

use super::Emulator;
use super::answer::Answer;
use super::directory::{TenantState, flag, text};
use super::graph::header;
use super::knob::Knobs;
use super::replica::View;
use super::request_log::Noted;
use super::signing::{self, Claims};

use claims_request::ClaimsRequest;
use denial::Denial;

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const UNAUTHORIZED: StatusCode = StatusCode::UNAUTHORIZED;

type Form = BTreeMap<String, String>;

/// What the checks of one sign-in need.
struct Attempt<'a> {
    now: Timestamp,
    public_url: &'a str,
    knobs: &'a Knobs,
    tenant: &'a TenantState,
    client_id: &'a str,
    form: &'a Form,
}

/// How a client proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Proof {
    Secret,
    /// Signed with a certificate, or by a trusted issuer.
    Assertion,
}

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
            Err(denial) => denial.answer(now, &self.public_url, &trace_id, &correlation_id),
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
            let text = "The endpoint only accepts POST requests. Received a GET request.";
            return Err(Denial::request(900_561, text));
        }
        if matches!(tenant, "common" | "consumers" | "organizations") {
            let text = "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.";
            return Err(Denial::request(9_001_023, text));
        }
        let [grant_type, client_id, scope] = required(form)?;
        if grant_type != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant_type}'.");
            return Err(Denial::new(BAD, "unsupported_grant_type", 70_003, text));
        }
        let tenant_id = self.tenant_id_named(tenant).ok_or_else(|| {
            let text = format!("Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud.");
            Denial::request(90_002, text)
        })?;
        let audience = audience_of(scope, &self.public_url)?;
        let claims_request = ClaimsRequest::read(form.get("claims"))?;
        let uti = self.identifiers.guid();
        let Self { public_url, knobs, tenants, .. } = self;
        let tenant = tenants.get(&tenant_id).ok_or_else(|| Denial::request(90_002, "Tenant not found."))?;
        let attempt = Attempt { now, public_url, knobs, tenant, client_id, form };
        let Admitted { principal_id, display_name, proof } = admitted(&attempt)?;
        let issued = claims_request.not_before(now.as_second(), i64::from(knobs.token_backdate_seconds));
        let issuer = format!("{public_url}/{tenant_id}/");
        Ok(signing::sign(&Claims {
            aud: audience,
            iss: issuer.clone(),
            iat: issued,
            nbf: issued,
            exp: now.as_second() + i64::from(knobs.token_lifetime_seconds),
            app_displayname: display_name,
            appid: client_id.to_owned(),
            appidacr: proof.appidacr().to_owned(),
            idp: issuer,
            idtyp: "app".to_owned(),
            roles: tenant.granted_roles(&principal_id).into_iter().collect(),
            oid: principal_id.clone(),
            sub: principal_id,
            tid: tenant_id,
            uti,
            ver: "1.0".to_owned(),
            xms_cc: claims_request.capabilities,
        }))
    }
}

impl Proof {
    /// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
    fn appidacr(self) -> &'static str {
        match self {
            Self::Secret => "1",
            Self::Assertion => "2",
        }
    }
}

/// What a token for this scope is for.
fn audience_of(scope: &str, public_url: &str) -> Result<String, Denial> {
    let audience = scope.strip_suffix("/.default").map(|audience| audience.trim_end_matches('/').to_owned());
    audience.filter(|audience| signing::audiences(public_url).contains(audience)).ok_or_else(|| {
        let text =
            format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.");
        Denial::new(BAD, "invalid_scope", 70_011, text)
    })
}

fn required(form: &Form) -> Result<[&str; 3], Denial> {
    let value = |name: &str| {
        form.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            Denial::request(900_144, text)
        })
    };
    Ok([value("grant_type")?, value("client_id")?, value("scope")?])
}

/// Who may have a token.
struct Admitted {
    principal_id: String,
    display_name: String,
    proof: Proof,
}

/// Finds the application and its principal, and checks the credential.
fn admitted(attempt: &Attempt<'_>) -> Result<Admitted, Denial> {
    let Attempt { tenant, client_id, .. } = attempt;
    let principal = tenant.principal_of(View::Truth, client_id);
    if principal.is_none() && tenant.application_of(View::Truth, client_id).is_none() {
        let name = &tenant.display_name;
        let text = format!(
            "Application with identifier '{client_id}' was not found in the directory '{name}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        );
        return Err(Denial::new(BAD, "unauthorized_client", 700_016, text));
    }
    let proof = proven(attempt)?;
    let Some((principal_id, principal)) = principal else {
        let text =
            format!("The client application {client_id} is missing service principal in the tenant {}.", tenant.id);
        return Err(Denial::new(UNAUTHORIZED, "unauthorized_client", 7_000_229, text));
    };
    let display_name = text(principal, "displayName");
    if !flag(principal, "accountEnabled") || flag(principal, "isDisabled") {
        let text = format!("Application '{client_id}'({display_name}) is disabled.");
        return Err(Denial::new(UNAUTHORIZED, "unauthorized_client", 7_000_112, text));
    }
    if tenant.blocked.contains(&client_id.to_ascii_lowercase()) {
        return Err(Denial::blocked());
    }
    Ok(Admitted { principal_id: principal_id.to_owned(), display_name: display_name.to_owned(), proof })
}

/// Checks what the client proves itself with. With both a secret and an assertion, the assertion counts.
fn proven(attempt: &Attempt<'_>) -> Result<Proof, Denial> {
    let given = |name: &str| attempt.form.get(name).filter(|value| !value.is_empty());
    match (given("client_assertion"), given("client_secret")) {
        (Some(assertion), _) => assertion::check(attempt, assertion).map(|()| Proof::Assertion),
        (None, Some(secret)) => is_secret(attempt, secret).map(|()| Proof::Secret),
        (None, None) => {
            let text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
            Err(Denial::client(7_000_218, text))
        }
    }
}

fn is_secret(attempt: &Attempt<'_>, secret: &str) -> Result<(), Denial> {
    let Attempt { now, tenant, client_id, .. } = attempt;
    let mut secrets = tenant.secrets.iter().filter(|own| own.app_id.eq_ignore_ascii_case(client_id));
    let Some(known) = secrets.find(|own| own.secret == secret) else {
        let text = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client_id}'."
        );
        return Err(Denial::client(7_000_215, text));
    };
    if known.expires.is_some_and(|expires| expires <= *now) {
        let text = format!("The provided client secret keys for app '{client_id}' are expired.");
        return Err(Denial::client(7_000_222, text));
    }
    Ok(())
}
