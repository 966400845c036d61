//! Certificates that Graph is given, and signing in with them.
//! <https://learn.microsoft.com/graph/applications-how-to-add-certificate>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use webex_azure_operator::emulator::Knobs;

use super::cloud::{
    ALL_ROLES, Answer, Cloud, IDENTITY, IDENTITY_APP, IDENTITY_REGISTRATION, OPERATOR_APP, TENANT, calm, column, keys,
    with, with_roles,
};
use super::signer::{CERTIFICATE, EXPIRED, by_certificate, form, pem, scenario};

/// The SHA-1 thumbprint of the test certificate, as openssl has it.
const THUMBPRINT: &str = "EA4E7EC20566B76A328EAF6F0B4E95FC93249C0D";
const KEY_ID: &str = "5d6f1ed5-48bd-44da-8cf6-3b5d5b516ed8";

fn registration() -> String {
    format!("/applications/{IDENTITY_REGISTRATION}")
}

fn der(certificate: &str) -> String {
    STANDARD.encode(pem(certificate))
}

/// A certificate as `az ad app create --key-value` sends it.
fn wish() -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": "rotated",
        "endDateTime": "2027-11-20T08:00:00+00:00",
        "key": der(CERTIFICATE),
        "keyId": KEY_ID,
        "startDateTime": "2026-11-20T08:00:00+00:00",
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

fn credentials(wishes: &[Value]) -> Value {
    json!({"keyCredentials": wishes})
}

fn asked(cloud: &mut Cloud, path: &str) -> Value {
    cloud.get(&format!("{path}?$select=keyCredentials")).body["keyCredentials"].clone()
}

fn sign_in(cloud: &mut Cloud, app_id: &str) -> Answer {
    let jwt = by_certificate().claim("iss", app_id).claim("sub", app_id).sign();
    let mut form = form(&jwt);
    form[1].1 = app_id;
    cloud.ask_token(TENANT, &form)
}

#[test]
fn a_certificate_that_was_added_signs_in_until_it_is_removed() {
    for path in [registration(), format!("/servicePrincipals/{IDENTITY}")] {
        let mut cloud = with_roles(&ALL_ROLES);
        assert_eq!(sign_in(&mut cloud, IDENTITY_APP).body["error_codes"], json!([700_027]));
        let answer = cloud.patch(&path, &credentials(&[wish()]));
        assert_eq!(answer.status, 204, "{}", answer.text);
        assert_eq!(sign_in(&mut cloud, IDENTITY_APP).status, 200, "{path}");
        assert_eq!(cloud.patch(&path, &credentials(&[])).status, 204);
        assert_eq!(sign_in(&mut cloud, IDENTITY_APP).body["error_codes"], json!([700_027]));
    }
}

#[test]
fn a_registration_is_made_with_a_certificate_that_shows_its_key_only_when_asked_for() {
    let mut cloud = with_roles(&ALL_ROLES);
    let mut body = credentials(&[wish()]);
    body["displayName"] = "Made".into();
    let made = cloud.post("/applications", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    let mut expected = wish();
    expected["customKeyIdentifier"] = THUMBPRINT.into();
    expected["startDateTime"] = "2026-11-20T08:00:00Z".into();
    expected["endDateTime"] = "2027-11-20T08:00:00Z".into();
    let path = format!("/applications/{}", made.body["id"].as_str().unwrap());
    assert_eq!(asked(&mut cloud, &path), json!([expected]));
    expected["key"] = Value::Null;
    assert_eq!(made.body["keyCredentials"], json!([expected]));
    assert_eq!(cloud.get(&path).body["keyCredentials"], json!([expected]));
}

#[test]
fn pem_is_taken_as_well_and_the_period_is_that_of_the_certificate_by_default() {
    let mut cloud = with_roles(&ALL_ROLES);
    let wish = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(CERTIFICATE)});
    assert_eq!(cloud.patch(&registration(), &credentials(&[wish])).status, 204);
    let all = asked(&mut cloud, &registration());
    let made = &all[0];
    assert_eq!(made["key"], der(CERTIFICATE));
    assert_eq!(
        (&made["startDateTime"], &made["endDateTime"]),
        (&json!("2023-01-01T00:00:00Z"), &json!("2126-12-31T23:59:59Z"))
    );
    assert_eq!(made["keyId"].as_str().unwrap().len(), 36);
    assert_eq!(sign_in(&mut cloud, IDENTITY_APP).status, 200);
}

#[test]
fn what_is_there_comes_back_without_its_key_and_stays() {
    let mut cloud = with_roles(&ALL_ROLES);
    assert_eq!(cloud.patch(&registration(), &credentials(&[wish()])).status, 204);
    let before = asked(&mut cloud, &registration());
    // Terraform reads the list, which has no keys, and sends it with one more.
    let listed = cloud.get(&registration()).body["keyCredentials"][0].clone();
    let second = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": der(CERTIFICATE), "displayName": "2"});
    assert_eq!(cloud.patch(&registration(), &credentials(&[listed.clone(), second])).status, 204);
    let after = asked(&mut cloud, &registration());
    assert_eq!((after.as_array().unwrap().len(), &after[0]), (2, &before[0]));
    assert_eq!(sign_in(&mut cloud, IDENTITY_APP).status, 200);

    let mut changed = listed;
    changed["endDateTime"] = "2027-01-01T00:00:00Z".into();
    let answer = cloud.patch(&registration(), &credentials(&[changed]));
    let message = format!("Update to existing credential with KeyId '{KEY_ID}' is not allowed.");
    assert_eq!((answer.status.as_u16(), &answer.body["error"]["message"]), (400, &json!(message)));
}

#[test]
fn a_credential_that_outlives_its_certificate_is_refused_as_terraform_users_report() {
    let mut cloud = with_roles(&ALL_ROLES);
    for end in ["2127-01-01T00:00:00Z", "2026-11-20T08:00:00Z"] {
        let mut late = wish();
        late["endDateTime"] = end.into();
        let answer = cloud.patch(&registration(), &credentials(&[late]));
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "KeyCredentialsInvalidEndDate"));
        assert_eq!(answer.body["error"]["message"], "Key credential end date is invalid.");
    }
    let expired = json!({"type": "AsymmetricX509Cert", "usage": "Verify", "key": der(EXPIRED)});
    assert_eq!(cloud.patch(&registration(), &credentials(&[expired])).code(), "KeyCredentialsInvalidEndDate");
}

#[test]
fn what_is_no_certificate_is_refused_and_changes_nothing() {
    let mut cloud = with_roles(&ALL_ROLES);
    for (name, value) in [
        ("key", json!(null)),
        ("key", json!("AAAA")),
        ("key", json!("no base64!")),
        ("key", json!(7)),
        ("keyId", json!("x")),
        ("usage", json!("Encrypt")),
        ("usage", json!(null)),
        ("type", json!("Certificate")),
        ("startDateTime", json!("yesterday")),
        ("endDateTime", json!("2026-11-20T08:00:00")),
        ("customKeyIdentifier", json!("!")),
        ("colour", json!("blue")),
    ] {
        let mut wish = wish();
        wish[name] = value.clone();
        assert_eq!(cloud.patch(&registration(), &credentials(&[wish])).status, 400, "{name}: {value}");
    }
    for body in [json!({"keyCredentials": {}}), json!({"keyCredentials": [1]}), credentials(&[wish(), wish()])] {
        assert_eq!(cloud.patch(&registration(), &body).status, 400, "{body}");
    }
    assert_eq!(asked(&mut cloud, &registration()), json!([]));
    assert!(cloud.audits().is_empty());
    assert_eq!(calm().patch(&registration(), &credentials(&[wish()])).status, 403);
}

#[test]
fn certificates_of_the_scenario_are_shown() {
    let mut cloud = with(Knobs::calm(), &scenario());
    let path = format!("/applications(appId='{OPERATOR_APP}')");
    let shown = asked(&mut cloud, &path);
    assert_eq!(shown.as_array().unwrap().len(), 3);
    assert_eq!((&shown[0]["key"], &shown[0]["customKeyIdentifier"]), (&json!(der(CERTIFICATE)), &json!(THUMBPRINT)));
    assert_eq!(keys(&shown[0]), keys(&wish()));
}

#[test]
fn the_audit_log_describes_credentials_and_holds_no_key() {
    for (path, activity) in [
        (registration(), "Update application – Certificates and secrets management"),
        (format!("/servicePrincipals/{IDENTITY}"), "Add service principal credentials"),
    ] {
        let mut cloud = with_roles(&ALL_ROLES);
        let before = cloud.get(&path).body["keyCredentials"].as_array().unwrap().clone();
        let wishes: Vec<Value> = before.into_iter().chain([wish()]).collect();
        assert_eq!(cloud.patch(&path, &credentials(&wishes)).status, 204);
        let audits = cloud.audits();
        assert_eq!(column(&audits, "activityDisplayName"), [activity]);
        let change = &audits[0]["targetResources"][0]["modifiedProperties"][0];
        assert_eq!(change["displayName"], "KeyDescription");
        let new = change["newValue"].as_str().unwrap();
        let description =
            format!("[KeyIdentifier={KEY_ID},KeyType=AsymmetricX509Cert,KeyUsage=Verify,DisplayName=rotated]");
        assert!(new.contains(&description) && !new.contains(&der(CERTIFICATE)), "{new}");
    }
}
