//! `keyCredentials`: certificates of registrations and principals, written as a whole and signed in with.
//! <https://learn.microsoft.com/graph/applications-how-to-add-certificate>

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::certificate::{Certificate, hex};
use super::context::Context;
use super::directory::{Properties, TenantState, elements, text_of};
use super::directory_audit::{Event, Target, change, set};
use super::error::Refusal;
use super::identifier::{self, Identifiers};
use super::replica::View;

/// The collection's name.
pub(super) const KEY_CREDENTIALS: &str = "keyCredentials";

/// What a credential in a body may have.
const MEMBERS: &[&str] =
    &["customKeyIdentifier", "displayName", "endDateTime", "key", "keyId", "startDateTime", "type", "usage"];

const CERTIFICATE: &str = "AsymmetricX509Cert";

/// Replaces `keyCredentials` among checked changes by what is stored of them, if they are among them.
pub(super) fn stored(
    context: &mut Context<'_>,
    before: &Properties,
    mut changes: Vec<(String, Value)>,
) -> Result<Vec<(String, Value)>, Refusal> {
    let now = context.now;
    for (name, value) in &mut changes {
        if name == KEY_CREDENTIALS {
            *value = all(now, context.identifiers, elements(before, KEY_CREDENTIALS), value)?;
        }
    }
    Ok(changes)
}

/// The credential of a certificate that a scenario brings.
pub(super) fn of_scenario(certificate: &Certificate, key_id: &str) -> Value {
    let period = (certificate.not_before, certificate.not_after);
    whole(&json!({"type": CERTIFICATE, "usage": "Verify"}), certificate, key_id, period)
}

/// The certificates an application may sign in with: those of its registration and of its principal. Each is good for
/// as long as its credential says.
pub(super) fn certificates(tenant: &TenantState, app_id: &str) -> Vec<Certificate> {
    let registration = tenant.application_of(View::Truth, app_id).map(|(_, row)| row);
    let principal = tenant.principal_of(View::Truth, app_id).map(|(_, row)| row);
    let credentials = [registration, principal].into_iter().flatten().flat_map(|row| elements(row, KEY_CREDENTIALS));
    credentials.filter(|credential| text_of(credential, "type") == CERTIFICATE).filter_map(usable).collect()
}

fn usable(credential: &Value) -> Option<Certificate> {
    let certificate = Certificate::from_der(&STANDARD.decode(text_of(credential, "key")).ok()?)?;
    let time = |name: &str| text_of(credential, name).parse::<Timestamp>().ok();
    Some(Certificate { not_before: time("startDateTime")?, not_after: time("endDateTime")?, ..certificate })
}

/// What the audit log says of changed credentials, certificates and secrets alike: each as
/// `[KeyIdentifier=…,KeyType=…,KeyUsage=…,DisplayName=…]`, before and after, as in records that tenants published.
pub(super) fn description_change(name: &str, row: &Properties, new: &[Value]) -> Value {
    let described = |is_new: bool| -> Value {
        let of = |list: &str| if is_new && list == name { new.to_vec() } else { elements(row, list).to_vec() };
        let certificates = of(KEY_CREDENTIALS).into_iter().map(|credential| {
            let (kind, usage) = (text_of(&credential, "type"), text_of(&credential, "usage"));
            description(&credential, kind, usage)
        });
        let secrets = of("passwordCredentials");
        let secrets = secrets.iter().map(|credential| description(credential, "Password", "Verify"));
        certificates.chain(secrets).collect()
    };
    change("KeyDescription", Some(&described(false)), Some(&described(true)))
}

fn description(credential: &Value, kind: &str, usage: &str) -> String {
    let [id, name] = ["keyId", "displayName"].map(|name| text_of(credential, name));
    format!("[KeyIdentifier={id},KeyType={kind},KeyUsage={usage},DisplayName={name}]")
}

/// Says in the audit log that certificates changed.
pub(super) fn record(context: &mut Context<'_>, target_type: &'static str, id: &str, row: &Properties, new: &Value) {
    let new = new.as_array().map(Vec::as_slice).unwrap_or_default();
    let activity = match target_type {
        "ServicePrincipal" if new.len() < elements(row, KEY_CREDENTIALS).len() => {
            "Remove service principal credentials"
        }
        "ServicePrincipal" => "Add service principal credentials",
        _ => "Update application – Certificates and secrets management",
    };
    let changes =
        vec![description_change(KEY_CREDENTIALS, row, new), set("Included Updated Properties", "KeyDescription")];
    context.record(Event { activity, operation: "Update", target_type, target: Target::of(id, row), changes });
}

/// "To avoid deleting existing certificates, include them": what the new list lacks is gone.
fn all(now: Timestamp, identifiers: &mut Identifiers, before: &[Value], wish: &Value) -> Result<Value, Refusal> {
    let wishes = wish.as_array().ok_or_else(|| invalid(KEY_CREDENTIALS))?;
    let mut credentials: Vec<Value> = Vec::new();
    for wish in wishes {
        let credential = one(now, identifiers, before, wish)?;
        let is_there = |other: &Value| text_of(other, "keyId") == text_of(&credential, "keyId");
        if credentials.iter().any(is_there) {
            return Err(invalid("keyId"));
        }
        credentials.push(credential);
    }
    Ok(Value::Array(credentials))
}

/// A credential that is there comes back without its key, as reads show it, or with it; one with another key is new.
fn one(now: Timestamp, identifiers: &mut Identifiers, before: &[Value], wish: &Value) -> Result<Value, Refusal> {
    check_members(wish)?;
    let key_id = text_of(wish, "keyId").to_ascii_lowercase();
    let old = before.iter().find(|old| !key_id.is_empty() && text_of(old, "keyId").eq_ignore_ascii_case(&key_id));
    let key = text_of(wish, "key");
    if let Some(old) = old {
        return if is_unchanged(old, wish) { Ok(old.clone()) } else { Err(not_updatable(&key_id)) };
    }
    let certificate = decode(key).and_then(|bytes| certificate(&bytes)).ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "KeyCredentialsInvalidValue", "Key credential value is invalid.")
    })?;
    // The second example of the page sends what is there by its certificate alone.
    let encoded = STANDARD.encode(&certificate.der);
    if key_id.is_empty()
        && let Some(old) = before.iter().find(|old| text_of(old, "key") == encoded && is_unchanged(old, wish))
    {
        return Ok(old.clone());
    }
    let start = time(wish, "startDateTime")?.unwrap_or(certificate.not_before);
    let end = time(wish, "endDateTime")?.unwrap_or(certificate.not_after);
    if end <= start || end <= now || end > certificate.not_after {
        return Err(invalid_end_date());
    }
    let key_id = if key_id.is_empty() { identifiers.guid() } else { key_id };
    Ok(whole(wish, &certificate, &key_id, (start, end)))
}

/// Members that are known and of their kind.
/// The sentence about `usage` is that of <https://github.com/microsoftgraph/msgraph-sdk-java/issues/1823>.
fn check_members(wish: &Value) -> Result<(), Refusal> {
    let members = wish.as_object().ok_or_else(|| invalid(KEY_CREDENTIALS))?;
    for (name, value) in members.iter().filter(|(name, _)| !name.starts_with('@')) {
        if !MEMBERS.contains(&name.as_str()) {
            let message = format!("Property '{name}' does not exist on type 'microsoft.graph.keyCredential'.");
            return Err(Refusal::odata(message));
        }
        if !value.is_string() && !value.is_null() {
            return Err(invalid(name));
        }
    }
    let key_id = text_of(wish, "keyId");
    if !key_id.is_empty() && !identifier::is_guid(key_id) {
        return Err(invalid("keyId"));
    }
    if decode(text_of(wish, "customKeyIdentifier")).is_none() {
        return Err(invalid("customKeyIdentifier"));
    }
    if !["Sign", "Verify"].contains(&text_of(wish, "usage")) {
        return Err(Refusal::bad_request(
            "The value for the property \"usage\" in one of your credentials is invalid. Acceptable values are Sign, Verify.",
        ));
    }
    match text_of(wish, "type") {
        CERTIFICATE => Ok(()),
        // A private or shared key: the emulator keeps none.
        "Symmetric" | "X509CertAndPassword" => Err(Refusal::not_built("keyCredentials with a private key")),
        _ => Err(invalid("type")),
    }
}

/// Whether what is sent of a credential is what is there. An absent member says nothing.
fn is_unchanged(old: &Value, wish: &Value) -> bool {
    MEMBERS.iter().all(|name| {
        let (old, new) = (text_of(old, name), text_of(wish, name));
        let is_same_time =
            || old.parse::<Timestamp>().ok().zip(new.parse::<Timestamp>().ok()).is_some_and(|(old, new)| old == new);
        let is_same_certificate = || {
            let sent = decode(new).and_then(|bytes| certificate(&bytes));
            *name == "key" && sent.is_some_and(|sent| STANDARD.encode(sent.der) == old)
        };
        new.is_empty() || old.eq_ignore_ascii_case(new) || is_same_time() || is_same_certificate()
    })
}

/// "Defaults to the thumbprint of the certificate", whose 40 digits stand as they are in the examples.
fn whole(wish: &Value, certificate: &Certificate, key_id: &str, period: (Timestamp, Timestamp)) -> Value {
    let own = Some(text_of(wish, "customKeyIdentifier")).filter(|own| !own.is_empty());
    let (start, end) = period;
    json!({
        "customKeyIdentifier": own.map_or_else(|| hex(&certificate.sha1), str::to_owned),
        "displayName": wish.get("displayName"),
        "endDateTime": end.to_string(),
        "key": STANDARD.encode(&certificate.der),
        "keyId": key_id,
        "startDateTime": start.to_string(),
        "type": text_of(wish, "type"),
        "usage": text_of(wish, "usage"),
    })
}

/// Binary values have the letters of base64url in OData and those of base64 in the examples.
fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    STANDARD_NO_PAD.decode(letters).ok()
}

/// The file as it is, DER or PEM: Terraform's azuread provider sends PEM.
/// <https://registry.terraform.io/providers/hashicorp/azuread/latest/docs/resources/application_certificate>
fn certificate(bytes: &[u8]) -> Option<Certificate> {
    Certificate::from_der(bytes).or_else(|| Certificate::from_pem(std::str::from_utf8(bytes).ok()?))
}

fn time(wish: &Value, name: &str) -> Result<Option<Timestamp>, Refusal> {
    match text_of(wish, name) {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| invalid(name)),
    }
}

fn invalid(name: &str) -> Refusal {
    Refusal::bad_request(format!("Invalid value specified for property '{name}' of resource 'KeyCredential'."))
}

/// As reported: <https://github.com/Azure/azure-cli/issues/7728>.
fn not_updatable(key_id: &str) -> Refusal {
    Refusal::bad_request(format!("Update to existing credential with KeyId '{key_id}' is not allowed."))
}

/// What Terraform users report of a credential that outlives its certificate; the details are from reports as well.
fn invalid_end_date() -> Refusal {
    let message = "Key credential end date is invalid.";
    let details = json!([{"code": "InvalidKeyEndDate", "message": message, "target": "keyCredentials.endDateTime"}]);
    let refusal = Refusal::new(StatusCode::BAD_REQUEST, "KeyCredentialsInvalidEndDate", message);
    Refusal { details: Some(details), ..refusal }
}
