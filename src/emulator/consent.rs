//! `GET /{tenant}/adminconsent`: the page on which an administrator grants an application what it asks for.
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent>

mod grant;
mod page;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use jiff::Timestamp;
use ring::hmac;

use super::Emulator;
use super::answer::Answer;
use super::context::{Caller, Context};
use super::directory::{Properties, elements, flag, text};
use super::graph::header;
use super::replica::View;
use super::request_log::Noted;

/// Why the page cannot be shown; `code` is an AADSTS number.
#[derive(Debug)]
struct Trouble {
    code: u32,
    text: String,
}

/// A request for consent, checked.
#[derive(Debug)]
struct Request {
    tenant_id: String,
    client_id: String,
    redirect_uri: Option<String>,
    state: Option<String>,
}

type Form = BTreeMap<String, String>;

impl Emulator {
    /// Answers the consent address: shows the page, or takes the decision.
    pub(super) fn admin_consent(
        &mut self,
        now: Timestamp,
        tenant: &str,
        parts: &Parts,
        body: &Bytes,
    ) -> Response<Bytes> {
        let trace_id = self.identifiers.guid();
        let form: Form = if parts.method == Method::POST {
            url::form_urlencoded::parse(body).into_owned().collect()
        } else {
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
        };
        let checked = self.check_consent(tenant, &form);
        let answer = match &checked {
            Err(trouble) => Err(Trouble { code: trouble.code, text: trouble.text.clone() }),
            Ok(request) if parts.method == Method::POST => self.decide(now, parts, &form, request),
            Ok(request) if parts.method == Method::GET => self.ask(now, request),
            Ok(_) => {
                Err(Trouble { code: 900_561, text: "The endpoint only accepts GET and POST requests.".to_owned() })
            }
        };
        let answer = answer.unwrap_or_else(|trouble| {
            let shown = page::trouble(trouble.code, &trouble.text, &trace_id, &now.to_string());
            Answer::html(StatusCode::BAD_REQUEST, shown)
        });
        let redirect = checked.as_ref().ok().and_then(|request| request.redirect_uri.as_deref());
        let answer = answer
            .with("content-security-policy", policy(redirect))
            .with("x-frame-options", "DENY")
            .with("x-content-type-options", "nosniff")
            .with("referrer-policy", "same-origin");
        let noted = Noted {
            status: answer.status,
            request_id: &trace_id,
            tenant: checked.as_ref().ok().map(|request| request.tenant_id.as_str()),
            client: form.get("client_id").map(String::as_str),
            ..Noted::default()
        };
        self.log.note(now, parts, noted);
        answer.render(now, &trace_id)
    }

    /// Finds tenant and application, and checks where the answer may go.
    fn check_consent(&self, tenant: &str, form: &Form) -> Result<Request, Trouble> {
        let given = |name: &str| form.get(name).filter(|value| !value.is_empty()).cloned();
        let Some(client_id) = given("client_id") else {
            let text = "The request body must contain the following parameter: 'client_id'.".to_owned();
            return Err(Trouble { code: 900_144, text });
        };
        let is_open = matches!(tenant, "common" | "organizations");
        if is_open && self.tenants.len() != 1 {
            let text = "No tenant-identifying information found. The signed-in account could belong to any tenant of this emulator; use an address with a tenant.".to_owned();
            return Err(Trouble { code: 50_059, text });
        }
        let tenant_id = if is_open { self.tenants.keys().next().cloned() } else { self.tenant_id_named(tenant) };
        let known = tenant_id.and_then(|id| Some((self.tenants.get(&id)?, id)));
        let Some((state, tenant_id)) = known else {
            return Err(Trouble { code: 90_002, text: format!("Tenant '{tenant}' not found.") });
        };
        let here = state.application_of(View::Truth, &client_id).map(|(_, application)| application);
        let Some(application) = here.or_else(|| self.published.get(&client_id.to_ascii_lowercase())) else {
            let text = format!(
                "Application with identifier '{client_id}' was not found in the directory '{}'.",
                state.display_name
            );
            return Err(Trouble { code: 700_016, text });
        };
        let is_off = state.principal_of(View::Truth, &client_id).is_some_and(|(_, row)| !flag(row, "accountEnabled"));
        if is_off || flag(application, "isDisabled") {
            let text = format!("Application '{client_id}'({}) is disabled.", text(application, "displayName"));
            return Err(Trouble { code: 7_000_112, text });
        }
        let redirect_uri = given("redirect_uri");
        if let Some(uri) = &redirect_uri
            && !redirect_uris(application).contains(&uri.as_str())
        {
            let text = format!(
                "The redirect URI '{uri}' specified in the request does not match the redirect URIs configured for the application '{client_id}'."
            );
            return Err(Trouble { code: 50_011, text });
        }
        Ok(Request { tenant_id, client_id, redirect_uri, state: given("state") })
    }

    /// Shows what is asked for.
    fn ask(&mut self, now: Timestamp, request: &Request) -> Result<Answer, Trouble> {
        let proof = self.proof(request);
        let shown = self.in_consent(now, request, "", |context| {
            let application = context.backing_application(&request.client_id).cloned().unwrap_or_default();
            let asked = grant::asked(context, &application)?;
            let publisher = text(&application, "publisherName");
            let publisher = if publisher.is_empty() { text(&application, "publisherDomain") } else { publisher };
            Ok(page::question(&page::Question {
                tenant: &context.tenant.display_name,
                account: &context.tenant.administrator.user_principal_name,
                application: text(&application, "displayName"),
                publisher,
                client_id: &request.client_id,
                asked: &asked,
                redirect_uri: request.redirect_uri.as_deref(),
                state: request.state.as_deref(),
                proof: &proof,
            }))
        })?;
        Ok(Answer::html(StatusCode::OK, shown))
    }

    /// Takes the decision of the person in front of the page.
    fn decide(&mut self, now: Timestamp, parts: &Parts, form: &Form, request: &Request) -> Result<Answer, Trouble> {
        let proved = form.get("proof").is_some_and(|proof| *proof == self.proof(request));
        if !proved || !is_same_origin(parts) {
            let text =
                "The form does not come from a page this server showed. Open the consent address again.".to_owned();
            return Err(Trouble { code: 90_013, text });
        }
        if form.get("decision").map(String::as_str) != Some("accept") {
            let error = [("error", "permission_denied"), ("error_description", "The admin canceled the request")];
            let tenant = request.tenant_id.as_str();
            return Ok(
                redirect(request, &error).unwrap_or_else(|| Answer::html(StatusCode::OK, page::cancelled(tenant)))
            );
        }
        let agent = header(&parts.headers, "user-agent").unwrap_or_default();
        let done = self.in_consent(now, request, agent, |context| grant::accept(context, &request.client_id))?;
        let success = [("tenant", request.tenant_id.as_str()), ("admin_consent", "True")];
        Ok(redirect(request, &success).unwrap_or_else(|| Answer::html(StatusCode::OK, page::granted(&done))))
    }

    /// Runs something as the tenant's administrator, on the truth.
    fn in_consent<T>(
        &mut self,
        now: Timestamp,
        request: &Request,
        user_agent: &str,
        run: impl FnOnce(&mut Context<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let Self { seed, public_url, knobs, identifiers, published, tenants, .. } = self;
        let Some(tenant) = tenants.get_mut(&request.tenant_id) else {
            return Err(Trouble { code: 90_002, text: format!("Tenant '{}' not found.", request.tenant_id) });
        };
        let caller = Caller::Person(tenant.administrator.clone());
        let correlation_id = identifiers.guid();
        run(&mut Context {
            now,
            seed: *seed,
            knobs,
            public_url,
            published,
            tenant,
            identifiers,
            caller: &caller,
            view: View::Truth,
            correlation_id,
            user_agent: user_agent.to_owned(),
        })
    }

    /// What only a page of this emulator knows: it binds the form to what the page showed.
    fn proof(&self, request: &Request) -> String {
        let Request { tenant_id, client_id, redirect_uri, state } = request;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[b"consent", self.seed.to_le_bytes().as_slice()].concat());
        let shown = serde_json::json!([tenant_id, client_id, redirect_uri, state]).to_string();
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, shown.as_bytes()))
    }
}

fn redirect_uris(application: &Properties) -> Vec<&str> {
    let web = application.get("web").and_then(serde_json::Value::as_object);
    let uris = web.map(|web| elements(web, "redirectUris")).unwrap_or_default();
    uris.iter().filter_map(serde_json::Value::as_str).collect()
}

/// A browser names the page a form comes from; it has to be ours.
fn is_same_origin(parts: &Parts) -> bool {
    let Some(origin) = header(&parts.headers, "origin") else {
        return true;
    };
    let host = header(&parts.headers, "host").or_else(|| parts.uri.authority().map(http::uri::Authority::as_str));
    host.is_some_and(|host| origin == format!("http://{host}"))
}

/// Back to the application that asked, if it gave an address.
fn redirect(request: &Request, results: &[(&str, &str)]) -> Option<Answer> {
    let mut url = url::Url::parse(request.redirect_uri.as_deref()?).ok()?;
    {
        let mut pairs = url.query_pairs_mut();
        pairs.extend_pairs(results);
        if let Some(state) = &request.state {
            pairs.append_pair("state", state);
        }
    }
    Some(Answer::html(StatusCode::FOUND, String::new()).with("location", url.to_string()))
}

/// Nothing from elsewhere, no script; the form may lead to us and, through us, to the registered address.
fn policy(redirect_uri: Option<&str>) -> String {
    let target = redirect_uri.and_then(|uri| url::Url::parse(uri).ok()).map(|url| url.origin().ascii_serialization());
    let target = target.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'{target}; base-uri 'none'; frame-ancestors 'none'"
    )
}
