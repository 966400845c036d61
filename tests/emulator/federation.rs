//! Sign-ins with another issuer's token: workload identity federation.
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use serde_json::{Value, json};
use webex_azure_operator::emulator::Knobs;

use super::cloud::{OPERATOR_APP, calm, with};
use super::signer::{AUDIENCE, Draft, ISSUER, NOW, SUBJECT, accepted, by_issuer, cloud, present, refused, scenario};

const CHECK: &str = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation";

fn declined(draft: &Draft, error: &str, code: u32, words: &str) {
    let status = if error == "invalid_client" { 401 } else { 400 };
    refused(&mut cloud(), &draft.sign(), status, error, code, words);
}

/// The numbers for a wrong issuer, audience and subject under these knobs.
pub fn mismatches(knobs: &Knobs) -> [u64; 3] {
    ["iss", "aud", "sub"].map(|part| {
        let mut cloud = with(knobs.clone(), &scenario());
        let answer = present(&mut cloud, &by_issuer().claim(part, "https://other.example").sign());
        answer.body["error_codes"][0].as_u64().unwrap()
    })
}

#[test]
fn a_token_of_a_trusted_issuer_is_accepted() {
    accepted(&mut cloud(), &by_issuer());
    accepted(&mut cloud(), &by_issuer().claim("aud", AUDIENCE));
    accepted(&mut cloud(), &by_issuer().header("typ", "JWT"));
}

#[test]
fn es256_works_as_well() {
    accepted(&mut cloud(), &by_issuer().ec());
}

#[test]
fn issuer_audience_and_subject_each_have_a_number_when_they_do_not_match() {
    let words = |part: &str, value: &str| {
        format!("No matching federated identity record found for presented assertion {part} '{value}'. {CHECK}")
    };
    let other = "https://oidc.example/cluster-2/";
    declined(&by_issuer().claim("iss", other), "invalid_client", 700_211, &words("issuer", other));
    // To the letter: a slash too few is another issuer.
    let slashless = ISSUER.trim_end_matches('/');
    declined(&by_issuer().claim("iss", slashless), "invalid_client", 700_211, &words("issuer", slashless));
    let other = "https://kubernetes.default.svc";
    declined(&by_issuer().claim("aud", other), "invalid_client", 700_212, &words("audience", other));
    let other = "system:serviceaccount:default:default";
    declined(&by_issuer().claim("sub", other), "invalid_client", 700_213, &words("subject", other));
}

#[test]
fn a_subject_that_differs_in_case_is_told_so() {
    let subject = SUBJECT.to_uppercase();
    let words = format!(
        "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison."
    );
    declined(&by_issuer().claim("sub", subject), "invalid_client", 7_002_138, &words);
}

#[test]
fn exactly_one_audience_is_presented() {
    let two = json!([AUDIENCE, "https://kubernetes.default.svc"]);
    let words = format!(
        "No matching federated identity record found for presented assertion audience '{AUDIENCE}, https://kubernetes.default.svc'. {CHECK}"
    );
    declined(&by_issuer().claim("aud", two), "invalid_client", 700_212, &words);
    let words = format!("No matching federated identity record found for presented assertion audience ''. {CHECK}");
    declined(&by_issuer().claim("aud", json!([])), "invalid_client", 700_212, &words);
}

#[test]
fn subject_and_audience_belong_to_the_same_credential() {
    let mut scenario = scenario();
    let mut second = scenario.federated_credentials[0].clone();
    "system:serviceaccount:other:other".clone_into(&mut second.subject);
    second.audiences = vec!["api://AzureADTokenExchangeUSGov".to_owned()];
    scenario.federated_credentials.push(second);
    let mut cloud = with(Knobs::calm(), &scenario);
    let answer = present(&mut cloud, &by_issuer().claim("aud", "api://AzureADTokenExchangeUSGov").sign());
    assert_eq!(answer.body["error_codes"], json!([700_212]));
    accepted(&mut cloud, &by_issuer());
}

#[test]
fn the_older_error_names_all_three_at_once() {
    let mut cloud = cloud();
    cloud.knob("federationMismatchIsOneError", true);
    for (name, value) in [("iss", "https://x.example"), ("sub", "x"), ("aud", "x")] {
        let draft = by_issuer().claim("aud", AUDIENCE).claim(name, value);
        let said = |name: &str| draft.claims[name].as_str().unwrap();
        let words = format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{}'. Assertion Subject: '{}'. Assertion Audience: '{}'.",
            said("iss"),
            said("sub"),
            said("aud"),
        );
        refused(&mut cloud, &draft.sign(), 400, "invalid_request", 70_021, &words);
    }
    accepted(&mut cloud, &by_issuer());
}

#[test]
fn without_any_federated_credential_the_client_is_named() {
    let words = format!(
        "The client '{OPERATOR_APP}'(Webex operator (read only)) has no configured federated identity credentials."
    );
    refused(&mut calm(), &by_issuer().sign(), 401, "invalid_client", 70_025, &words);
}

#[test]
fn an_expired_token_is_told_the_three_times() {
    accepted(&mut cloud(), &by_issuer().claim("exp", NOW - 299));
    let draft = by_issuer().claim("nbf", Value::Null).claim("exp", NOW - 300);
    let words = "Client assertion is not within its valid time range. Current time: 2026-11-20T08:00:00.0000000Z, assertion valid from 1970-01-01T00:00:00.0000000Z, expiry time of assertion 2026-11-20T07:55:00.0000000Z. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";
    declined(&draft, "invalid_client", 700_024, words);
    let answer = present(&mut cloud(), &by_issuer().claim("nbf", NOW + 301).sign());
    assert_eq!(answer.body["error_codes"], json!([700_024]));
}

#[test]
fn a_key_the_issuer_does_not_publish_is_named() {
    let words = format!(
        "The certificate with identifier rotated-away used to sign the federated credential could not be found in the metadata of identity provider {ISSUER}. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token."
    );
    declined(&by_issuer().header("kid", "rotated-away"), "invalid_client", 7_000_272, &words);
    let words = "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in token header.";
    declined(&by_issuer().header("kid", Value::Null), "invalid_client", 5_002_723, words);
}

#[test]
fn an_issuer_whose_keys_cannot_be_read_is_an_endpoint_that_failed() {
    let mut scenario = scenario();
    scenario.trusted_issuers.clear();
    let mut cloud = with(Knobs::calm(), &scenario);
    let words = "Request to External OIDC endpoint failed.";
    refused(&mut cloud, &by_issuer().sign(), 400, "invalid_request", 501_661, words);
}

#[test]
fn a_signature_by_another_key_is_invalid() {
    let words = "Invalid JWT token. External ID token from issuer failed signature verification.";
    declined(&by_issuer().by_a_stranger(), "invalid_request", 50_027, words);
    // A key of another kind than the algorithm needs verifies nothing.
    declined(&by_issuer().header("kid", "test-issuer-ec"), "invalid_request", 50_027, words);
    declined(&by_issuer().ec().header("kid", "test-issuer-rsa"), "invalid_request", 50_027, words);
}

#[test]
fn other_algorithms_are_not_supported() {
    for algorithm in ["PS256", "HS256", "none"] {
        let words = format!(
            "Invalid JWT token. '{algorithm}' is not a supported signature algorithm. Supported signing algorithms are: 'RS256,ES256'"
        );
        declined(&by_issuer().header("alg", algorithm), "invalid_client", 5_002_738, &words);
    }
}

#[test]
fn a_changed_incident_brings_credentials_and_keys_through_the_control_surface() {
    let mut cloud = calm();
    let mut changed = cloud.control("GET", "/scenarios/incident", None).body;
    let own = serde_json::to_value(scenario()).unwrap();
    for name in ["federatedCredentials", "trustedIssuers"] {
        assert_eq!(changed[name], json!([]));
        changed[name] = own[name].clone();
    }
    assert_eq!(cloud.control("POST", "/tenants", Some(&changed)).status, 201);
    accepted(&mut cloud, &by_issuer());
    changed["trustedIssuers"][0]["jwks"] = json!([]);
    let answer = cloud.control("POST", "/tenants", Some(&changed));
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("has no list of keys"), "{}", answer.text);
}
