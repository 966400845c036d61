//! The certificate that signs tokens for an application.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-addtokensigningcertificate>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use super::cloud::{ALL_ROLES, INTEGRATION, calm, column, with_roles};

fn year(time: jiff::Timestamp) -> i16 {
    time.to_zoned(jiff::tz::TimeZone::UTC).year()
}

#[test]
fn the_certificate_is_a_real_one_and_its_two_keys_and_password_belong_together() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    let made = cloud.post(&format!("{path}/addTokenSigningCertificate"), &json!({"displayName": "CN=Webex"}));
    assert_eq!(made.status, 200, "{}", made.text);
    let der = STANDARD.decode(made.body["key"].as_str().unwrap()).unwrap();
    let (_, certificate) = X509Certificate::from_der(&der).unwrap();
    assert_eq!(certificate.subject().to_string(), "CN=Webex");
    let end: jiff::Timestamp = made.body["endDateTime"].as_str().unwrap().parse().unwrap();
    assert_eq!(certificate.validity().not_after.timestamp(), end.as_second());
    assert_eq!(year(end), year(cloud.now) + 3);
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &*certificate.public_key().subject_public_key.data);
    key.verify(certificate.tbs_certificate.as_ref(), &certificate.signature_value.data).unwrap();

    let thumbprint = made.body["thumbprint"].as_str().unwrap();
    let identifier = STANDARD.decode(made.body["customKeyIdentifier"].as_str().unwrap()).unwrap();
    assert_eq!(thumbprint, identifier.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}")));
    let principal = cloud.get(&path).body;
    let keys = principal["keyCredentials"].as_array().unwrap();
    assert_eq!(column(keys, "usage"), ["Sign", "Verify"]);
    assert_eq!(column(keys, "type"), ["X509CertAndPassword", "AsymmetricX509Cert"]);
    assert!(keys.iter().all(|key| key["key"].is_null()));
    assert_eq!(principal["passwordCredentials"][0]["keyId"], keys[0]["keyId"]);
    assert_eq!(made.body["keyId"], keys[1]["keyId"]);
    for credential in keys.iter().chain(principal["passwordCredentials"].as_array().unwrap()) {
        assert_eq!(credential["customKeyIdentifier"], made.body["customKeyIdentifier"]);
    }
    let asked = cloud.get(&format!("{path}?$select=keyCredentials")).body;
    assert_eq!(asked["keyCredentials"][1]["key"], made.body["key"]);
    let choice = json!({"preferredTokenSigningKeyThumbprint": thumbprint});
    assert_eq!(cloud.patch(&path, &choice).status, 204);
    assert_eq!(cloud.get(&path).body["preferredTokenSigningKeyThumbprint"], thumbprint);
}

#[test]
fn a_certificate_without_cn_or_for_more_than_three_years_is_refused() {
    let path = format!("/servicePrincipals/{INTEGRATION}/addTokenSigningCertificate");
    let mut cloud = with_roles(&ALL_ROLES);
    let late = format!("{}-01-01T00:00:00Z", year(cloud.now) + 4);
    for body in [
        json!({}),
        json!({"displayName": "Webex"}),
        json!({"displayName": "CN="}),
        json!({"displayName": "CN=Webex", "endDateTime": late}),
        json!({"displayName": "CN=Webex", "endDateTime": "2001-01-01T00:00:00Z"}),
        json!({"displayName": "CN=Webex", "endDateTime": 7}),
    ] {
        assert_eq!(cloud.post(&path, &body).status, 400, "{body}");
    }
    assert_eq!(calm().post(&path, &json!({"displayName": "CN=Webex"})).status, 403);
    assert!(cloud.audits().is_empty());
}
