//! `addTokenSigningCertificate`: the self-signed certificate with which tokens for an application are signed.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-addtokensigningcertificate>

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber};
use ring::digest;
use serde_json::{Value, json};

use super::answer::Answer;
use super::certificate::hex;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, elements, text};
use super::directory_audit::{Event, Target, set};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::{service_principal, signing};

/// "It can be up to 3 years from the date the certificate is created. If not supplied, the default is three years."
const YEARS: i32 = 3;

/// The one operation.
pub(super) const ROUTES: &[Route] = &[Route::post("serviceprincipals/{}/addtokensigningcertificate", add)];

fn add(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, row) = service_principal::writable(context, named.key(0))?;
    let body = request.object()?;
    let display_name = text(body, "displayName").to_owned();
    let common_name = display_name.strip_prefix("CN=").filter(|name| !name.trim().is_empty());
    let common_name =
        common_name.ok_or_else(|| Refusal::bad_request("The displayName of a certificate must start with 'CN='."))?;
    let end = end(context.now, body)?;
    let serial = context.identifiers.next();
    let der = certificate(common_name, context.now, end, serial)
        .ok_or_else(|| Refusal::bad_request("Invalid value specified for property 'displayName'."))?;
    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let identifier = STANDARD.encode(thumbprint.as_ref());
    let [private, public] = [context.identifiers.guid(), context.identifiers.guid()];
    let credential = |key_id: &str, more: Value| {
        let mut credential = json!({
            "customKeyIdentifier": identifier,
            "displayName": display_name,
            "endDateTime": end.to_string(),
            "keyId": key_id,
            "startDateTime": context.now.to_string(),
        });
        if let (Value::Object(more), Some(members)) = (more, credential.as_object_mut()) {
            members.extend(more);
        }
        credential
    };
    let key = STANDARD.encode(&der);
    let sign = credential(&private, json!({"type": "X509CertAndPassword", "usage": "Sign", "key": null}));
    let verify = credential(&public, json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}));
    let password = credential(&private, json!({"hint": null, "secretText": null}));
    let mut shown = verify.clone();
    if let Some(shown) = shown.as_object_mut() {
        let kind = format!("{}/v1.0/$metadata#microsoft.graph.selfSignedCertificate", context.public_url);
        shown.insert("@odata.context".to_owned(), kind.into());
        shown.insert("thumbprint".to_owned(), hex(thumbprint.as_ref()).into());
    }
    let moment = context.moment();
    context.tenant.service_principals.update(moment, &id, |row| {
        append(row, "keyCredentials", [sign, verify].into());
        append(row, "passwordCredentials", vec![password]);
    });
    let changes = vec![set("Included Updated Properties", "KeyDescription")];
    let (activity, target_type) = ("Add service principal credentials", "ServicePrincipal");
    context.record(Event { activity, operation: "Update", target_type, target: Target::of(&id, &row), changes });
    Ok(Answer::graph(StatusCode::OK, shown))
}

fn append(row: &mut Properties, name: &str, more: Vec<Value>) {
    let all: Vec<Value> = elements(row, name).iter().cloned().chain(more).collect();
    row.insert(name.to_owned(), all.into());
}

fn end(now: Timestamp, body: &Properties) -> Result<Timestamp, Refusal> {
    let latest = now.to_zoned(TimeZone::UTC).checked_add(YEARS.years()).map_or(Timestamp::MAX, |end| end.timestamp());
    let Some(wish) = body.get("endDateTime").filter(|wish| !wish.is_null()) else {
        return Ok(latest);
    };
    let end = wish.as_str().and_then(|wish| wish.parse::<Timestamp>().ok());
    end.filter(|end| *end > now && *end <= latest).ok_or_else(|| {
        Refusal::bad_request("The endDateTime of a certificate lies ahead, at most three years after its creation.")
    })
}

/// The certificate in DER. Its key is the test key that lies open in the repository: it signs nothing of worth, and
/// the same request makes the same certificate.
fn certificate(common_name: &str, start: Timestamp, end: Timestamp, serial: u64) -> Option<Vec<u8>> {
    let key = KeyPair::from_pem(&signing::key_pem()).ok()?;
    let time = |time: Timestamp| {
        let seconds = u64::try_from(time.as_second()).ok()?;
        Some(rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds))
    };
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = time(start)?;
    params.not_after = time(end)?;
    params.serial_number = Some(SerialNumber::from(serial >> 1));
    Some(params.self_signed(&key).ok()?.der().to_vec())
}
