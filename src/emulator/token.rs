//! `POST /{tenant}/oauth2/v2.0/token`, and the older `/{tenant}/oauth2/token`: client credentials with a client secret or a client assertion.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

mod assertion;
mod certificate;
mod claims_request;
mod denial;
mod federation;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Emulator;
use super::answer::Answer;
use super::directory::{TenantState, flag, text};
use super::discovery::{self, Version};
use super::graph::header;
use super::knob::Knobs;
use super::replica::View;
use super::request_log::Noted;
use super::signing::{self, Claims};

use claims_request::ClaimsRequest;
pub(super) use denial::Denial;

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
    /// Answers the token endpoint of either version.
    pub(super) fn token(
        &mut self,
        now: Timestamp,
        tenant: &str,
        version: Version,
        parts: &Parts,
        body: &Bytes,
    ) -> Response<Bytes> {
        let mut form: Form = url::form_urlencoded::parse(body).into_owned().collect();
        for (name, value) in basic(&parts.headers).into_iter().flatten() {
            form.entry(name.to_owned()).or_insert(value);
        }
        let trace_id = self.identifiers.guid();
        let correlation_id = header(&parts.headers, "client-request-id").unwrap_or(&trace_id).to_owned();
        let answer = match self.issue(now, tenant, version, &parts.method, &form) {
            Ok(issued) => Answer::json(StatusCode::OK, issued.body(version)),
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

    fn issue(
        &mut self,
        now: Timestamp,
        tenant: &str,
        version: Version,
        method: &Method,
        form: &Form,
    ) -> Result<Issued, Denial> {
        if *method != Method::POST {
            let text = "The endpoint only accepts POST requests. Received a GET request.";
            return Err(Denial::request(900_561, text));
        }
        if discovery::KINDS.contains(&tenant) {
            let text = "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.";
            return Err(Denial::request(9_001_023, text));
        }
        let aim = match version {
            Version::One => "resource",
            Version::Two => "scope",
        };
        let [grant_type, client_id, aim] = required(form, ["grant_type", "client_id", aim])?;
        if grant_type != "client_credentials" {
            let text = format!("The app requested an unsupported grant type '{grant_type}'.");
            return Err(Denial::new(BAD, "unsupported_grant_type", 70_003, text));
        }
        let tenant_id = self.tenant_id_named(tenant).ok_or_else(|| Denial::tenant(tenant))?;
        let audience = match version {
            Version::One => resource(aim, &self.public_url, &tenant_id)?,
            Version::Two => audience_of(aim, &self.public_url)?,
        };
        let claims_request = ClaimsRequest::read(form.get("claims"))?;
        let uti = self.identifiers.guid();
        let Self { public_url, knobs, tenants, .. } = self;
        let tenant = tenants.get(&tenant_id).ok_or_else(|| Denial::request(90_002, "Tenant not found."))?;
        let attempt = Attempt { now, public_url, knobs, tenant, client_id, form };
        let Admitted { principal_id, display_name, proof } = admitted(&attempt)?;
        let issued = claims_request.not_before(now.as_second(), i64::from(knobs.token_backdate_seconds));
        let issuer = discovery::issuer(public_url, &tenant_id);
        let lifetime = i64::from(knobs.token_lifetime_seconds);
        // The roles of a token are those at its audience, and Azure Resource Manager has none to give.
        let is_graph = signing::is_graph(&audience, public_url);
        let roles = if is_graph { tenant.granted_roles(&principal_id) } else { BTreeSet::default() };
        let token = signing::sign(&Claims {
            aud: audience,
            iss: issuer.clone(),
            iat: issued,
            nbf: issued,
            exp: now.as_second() + lifetime,
            app_displayname: display_name,
            appid: client_id.to_owned(),
            appidacr: proof.appidacr().to_owned(),
            idp: issuer,
            idtyp: "app".to_owned(),
            roles: roles.into_iter().collect(),
            oid: principal_id.clone(),
            sub: principal_id,
            tid: tenant_id,
            uti,
            ver: "1.0".to_owned(),
            xms_cc: claims_request.capabilities,
        });
        Ok(Issued { token, lifetime, not_before: issued, expires: now.as_second() + lifetime, aim: aim.to_owned() })
    }
}

/// A token and what is told of it. Times are seconds since 1970.
struct Issued {
    token: String,
    lifetime: i64,
    not_before: i64,
    expires: i64,
    /// The scope or the resource, as it was asked for.
    aim: String,
}

impl Issued {
    /// Version 1 writes numbers as text.
    /// <https://learn.microsoft.com/previous-versions/azure/active-directory/azuread-dev/v1-oauth2-client-creds-grant-flow#service-to-service-access-token-response>
    fn body(&self, version: Version) -> Value {
        let Self { token, lifetime, not_before, expires, aim } = self;
        match version {
            Version::One => json!({
                "token_type": "Bearer",
                "expires_in": lifetime.to_string(),
                "ext_expires_in": lifetime.to_string(),
                "expires_on": expires.to_string(),
                "not_before": not_before.to_string(),
                "resource": aim,
                "access_token": token,
            }),
            Version::Two => json!({
                "token_type": "Bearer",
                "expires_in": lifetime,
                "ext_expires_in": lifetime,
                "access_token": token,
            }),
        }
    }
}

/// Client ID and secret from the `Authorization` header, which clients may use instead of the body.
/// <https://datatracker.ietf.org/doc/html/rfc6749#section-2.3.1>
fn basic(headers: &HeaderMap) -> Option<[(&'static str, String); 2]> {
    let encoded = header(headers, "authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (client_id, secret) = text.split_once(':')?;
    let decoded = |part: &str| {
        // A lone name decodes to itself: both halves are form-encoded on their own.
        url::form_urlencoded::parse(part.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
    };
    Some([("client_id", decoded(client_id)), ("client_secret", decoded(secret))])
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

/// What a token for this scope is for. The libraries of Microsoft add [`OPENID_SCOPES`] to each request.
fn audience_of(scope: &str, public_url: &str) -> Result<String, Denial> {
    let mut scopes = scope.split_whitespace().filter(|scope| !OPENID_SCOPES.contains(scope));
    let (first, more) = (scopes.next(), scopes.next());
    let audience = first.and_then(|scope| scope.strip_suffix("/.default")).filter(|_| more.is_none());
    let audience = audience.and_then(|audience| own(audience, public_url));
    audience.map(str::to_owned).ok_or_else(|| {
        let text =
            format!("The provided value for the input parameter 'scope' is not valid. The scope {scope} is not valid.");
        Denial::new(BAD, "invalid_scope", 70_011, text)
    })
}

const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The audience of tokens for a resource, if it is one of those that the emulator has. Azure Resource Manager's older
/// name ends in a slash, which stands doubled in scopes and counts:
/// <https://learn.microsoft.com/entra/identity-platform/scopes-oidc#trailing-slash-and-default>.
fn own<'a>(resource: &'a str, public_url: &str) -> Option<&'a str> {
    let plain = resource.trim_end_matches('/');
    if signing::is_graph(plain, public_url) {
        return Some(plain);
    }
    signing::is_management(resource, public_url).then_some(resource)
}

/// What a token for this resource is for.
fn resource(resource: &str, public_url: &str, tenant_id: &str) -> Result<String, Denial> {
    if let Some(audience) = own(resource, public_url) {
        return Ok(audience.to_owned());
    }
    let text = format!(
        "The resource principal named {resource} was not found in the tenant named {tenant_id}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant."
    );
    Err(Denial::new(BAD, "invalid_resource", 500_011, text))
}

fn required<'a>(form: &'a Form, names: [&str; 3]) -> Result<[&'a str; 3], Denial> {
    let value = |name: &str| {
        form.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
            let text = format!("The request body must contain the following parameter: '{name}'.");
            Denial::request(900_144, text)
        })
    };
    let [grant_type, client_id, aim] = names;
    Ok([value(grant_type)?, value(client_id)?, value(aim)?])
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
