//! `addPassword` and `removePassword`: secrets that the service makes, shows once and takes at the token endpoint.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-addpassword>

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, elements, text, text_of};
use super::directory_audit::{Event, Target, set};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::scenario::ClientSecret;
use super::{application, key_credential, service_principal};

/// "The default is `startDateTime` + 2 years."
const LIFETIME: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);

/// The operations on secrets of principals and registrations.
pub(super) const ROUTES: &[Route] = &[
    Route::post("serviceprincipals/{}/addpassword", |context, request, named| {
        add(context, request, named, On::Principal)
    }),
    Route::post("serviceprincipals/{}/removepassword", |context, request, named| {
        remove(context, request, named, On::Principal)
    }),
    Route::post("applications/{}/addpassword", |context, request, named| add(context, request, named, On::Application)),
    Route::post("applications/{}/removepassword", |context, request, named| {
        remove(context, request, named, On::Application)
    }),
];

/// Where a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum On {
    Principal,
    Application,
}

impl On {
    fn writable(self, context: &Context<'_>, named: &Named<'_>) -> Result<(String, Properties), Refusal> {
        match self {
            Self::Principal => service_principal::writable(context, named.key(0)),
            Self::Application => application::writable(context, named.key(0)),
        }
    }

    fn change(self, context: &mut Context<'_>, id: &str, credentials: Vec<Value>) {
        let moment = context.moment();
        let shelf = match self {
            Self::Principal => &mut context.tenant.service_principals,
            Self::Application => &mut context.tenant.applications,
        };
        shelf.update(moment, id, |row| {
            row.insert("passwordCredentials".to_owned(), credentials.into());
        });
    }

    fn record(self, context: &mut Context<'_>, verb: &str, id: &str, row: &Properties, new: &[Value]) {
        let (activity, target_type) = match (self, verb) {
            (Self::Principal, "Add") => ("Add service principal credentials", "ServicePrincipal"),
            (Self::Principal, _) => ("Remove service principal credentials", "ServicePrincipal"),
            (Self::Application, _) => ("Update application – Certificates and secrets management", "Application"),
        };
        let description = key_credential::description_change("passwordCredentials", row, new);
        let changes = vec![description, set("Included Updated Properties", "KeyDescription")];
        context.record(Event { activity, operation: "Update", target_type, target: Target::of(id, row), changes });
    }
}

fn add(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>, on: On) -> Result<Answer, Refusal> {
    let (id, row) = on.writable(context, named)?;
    let none = json!({});
    let wish = match &request.body {
        Some(body) => body.get("passwordCredential").filter(|wish| !wish.is_null()).unwrap_or(&none),
        None => &none,
    };
    let time = |name: &str| match wish.get(name).filter(|time| !time.is_null()) {
        Some(time) => time.as_str().and_then(|time| time.parse::<Timestamp>().ok()).map(Some).ok_or_else(|| {
            Refusal::bad_request(format!(
                "Invalid value specified for property '{name}' of resource 'PasswordCredential'."
            ))
        }),
        None => Ok(None),
    };
    let start = time("startDateTime")?.unwrap_or(context.now);
    let end = time("endDateTime")?.or_else(|| start.checked_add(LIFETIME).ok()).unwrap_or(Timestamp::MAX);
    if end <= start {
        return Err(Refusal::bad_request("The endDateTime of a credential is after its startDateTime."));
    }
    let key_id = context.identifiers.guid();
    // Loud about what it is: nobody takes it for a secret of a real tenant.
    let secret = format!("Emu8Q~{}", context.identifiers.guid().replace('-', ""));
    let credential = json!({
        "customKeyIdentifier": null,
        "displayName": wish.get("displayName").and_then(Value::as_str),
        "endDateTime": end.to_string(),
        "hint": secret.get(..3),
        "keyId": key_id,
        "secretText": null,
        "startDateTime": start.to_string(),
    });
    let credentials: Vec<Value> =
        elements(&row, "passwordCredentials").iter().cloned().chain([credential.clone()]).collect();
    on.record(context, "Add", &id, &row, &credentials);
    on.change(context, &id, credentials);
    let app_id = text(&row, "appId").to_owned();
    context.tenant.secrets.push(ClientSecret { app_id, secret: secret.clone(), expires: Some(end) });
    context.tenant.password_keys.insert(key_id, secret.clone());
    let mut shown = credential;
    if let Some(shown) = shown.as_object_mut() {
        let kind = format!("{}/v1.0/$metadata#microsoft.graph.passwordCredential", context.public_url);
        shown.insert("@odata.context".to_owned(), kind.into());
        shown.insert("secretText".to_owned(), secret.into());
    }
    Ok(Answer::graph(StatusCode::OK, shown))
}

fn remove(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>, on: On) -> Result<Answer, Refusal> {
    let (id, row) = on.writable(context, named)?;
    let key_id = text(request.object()?, "keyId").to_owned();
    let (gone, kept): (Vec<Value>, Vec<Value>) = elements(&row, "passwordCredentials")
        .iter()
        .cloned()
        .partition(|credential| text_of(credential, "keyId").eq_ignore_ascii_case(&key_id));
    if gone.is_empty() {
        return Err(Refusal::bad_request(format!("No password credential found with keyId '{key_id}'.")));
    }
    on.record(context, "Remove", &id, &row, &kept);
    on.change(context, &id, kept);
    if let Some(secret) = context.tenant.password_keys.remove(&key_id.to_ascii_lowercase()) {
        context.tenant.secrets.retain(|known| known.secret != secret);
    }
    Ok(Answer::no_content())
}
