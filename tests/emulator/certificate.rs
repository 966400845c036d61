//! Sign-ins with a certificate.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use serde_json::{Value, json};

use super::cloud::{INTEGRATION_APP, OPERATOR_APP, TENANT, URL, calm};
use super::signer::{
    CERTIFICATE, Draft, EXPIRED, NOW, OF_NEXT_YEAR, accepted, by_certificate, claims, cloud, form, is_refusal, present,
    refused, shown_thumbprint,
};

const REVIEW: &str =
    "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";

/// The end of every 700027, as public reports quote it.
const VISIT: &str = "Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '00000000-0000-4000-8000-000000000031'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/00000000-0000-4000-8000-000000000031'].";

fn declined(draft: &Draft, error: &str, code: u32, words: &str) {
    let status = if error == "invalid_client" { 401 } else { 400 };
    refused(&mut cloud(), &draft.sign(), status, error, code, words);
}

#[test]
fn the_documented_assertion_is_accepted() {
    accepted(&mut cloud(), &by_certificate());
}

#[test]
fn rs256_and_the_sha_1_thumbprint_of_older_clients_are_accepted() {
    accepted(&mut cloud(), &by_certificate().header("alg", "RS256"));
    accepted(&mut cloud(), &by_certificate().header("alg", "RS256").sha1_of(CERTIFICATE));
    accepted(&mut cloud(), &by_certificate().sha1_of(CERTIFICATE));
}

/// <https://github.com/AzureAD/microsoft-authentication-library-for-go/blob/main/apps/internal/oauth/ops/accesstokens/accesstokens.go>
#[test]
fn a_thumbprint_may_come_in_plain_base64_as_microsofts_libraries_write_it() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
    for draft in [by_certificate(), by_certificate().header("alg", "RS256").sha1_of(CERTIFICATE)] {
        let name = if draft.header["x5t"].is_null() { "x5t#S256" } else { "x5t" };
        let bytes = URL_SAFE_NO_PAD.decode(draft.header[name].as_str().unwrap()).unwrap();
        for text in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
            accepted(&mut cloud(), &draft.clone().header(name, text));
        }
    }
}

/// <https://github.com/hashicorp/go-azure-sdk/blob/main/sdk/auth/client_credentials.go>
#[test]
fn terraforms_providers_name_the_certificate_in_the_key_id() {
    let draft = by_certificate().header("alg", "RS256").sha1_of(CERTIFICATE);
    let thumbprint = draft.header["x5t"].as_str().unwrap().to_owned();
    let draft = draft.header("x5t", Value::Null);
    for id in [format!("{thumbprint}="), thumbprint] {
        accepted(&mut cloud(), &draft.clone().header("kid", id));
    }
}

#[test]
fn the_audience_is_a_token_endpoint_of_this_tenant() {
    for host in [URL, "https://login.microsoftonline.com"] {
        for tenant in [TENANT, "contoso.com"] {
            for path in ["oauth2/v2.0/token", "oauth2/token"] {
                accepted(&mut cloud(), &by_certificate().claim("aud", format!("{host}/{tenant}/{path}")));
            }
        }
    }
    let words = format!("Client assertion audience claim does not match Realm issuer. {REVIEW}");
    let endpoint = format!("{URL}/{TENANT}/oauth2/v2.0/token");
    for wrong in [
        json!(format!("{URL}/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token")),
        json!(format!("{URL}/common/oauth2/v2.0/token")),
        json!(format!("https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token")),
        json!(format!("{URL}/{TENANT}/v2.0")),
        json!(format!("{endpoint}/")),
        json!([endpoint, "https://elsewhere.example"]),
        json!([]),
    ] {
        declined(&by_certificate().claim("aud", wrong), "invalid_client", 700_023, &words);
    }
}

/// <https://github.com/AzureAD/microsoft-authentication-library-for-python/blob/dev/msal/oauth2cli/assertion.py>
#[test]
fn times_may_have_a_fraction_as_microsofts_library_for_python_writes_them() {
    let second = |second: i64| json!(f64::from(u32::try_from(second).unwrap()) + 0.375);
    let draft = by_certificate().claim("nbf", Value::Null).claim("iat", second(NOW));
    accepted(&mut cloud(), &draft.clone().claim("exp", second(NOW + 600)));
    let late = present(&mut cloud(), &draft.claim("exp", second(NOW - 600)).sign());
    assert_eq!(late.body["error_codes"], json!([700_024]));
    let absurd = present(&mut cloud(), &by_certificate().claim("exp", json!(1e300)).sign());
    assert_eq!(absurd.body["error_codes"], json!([50_027]));
}

#[test]
fn clocks_may_be_five_minutes_apart() {
    accepted(&mut cloud(), &by_certificate().claim("nbf", NOW + 300));
    accepted(&mut cloud(), &by_certificate().claim("exp", NOW - 299));
    // Reports show that a missing `nbf` counts as 1970.
    accepted(&mut cloud(), &by_certificate().claim("nbf", Value::Null));
}

#[test]
fn an_assertion_outside_its_time_range_is_told_the_three_times() {
    let words = |from: &str, until: &str| {
        format!(
            "Client assertion is not within its valid time range. Current time: 2026-11-20T08:00:00.0000000Z, assertion valid from {from}, expiry time of assertion {until}. {REVIEW}"
        )
    };
    let expired = by_certificate().claim("nbf", NOW - 900).claim("exp", NOW - 300);
    let said = words("2026-11-20T07:45:00.0000000Z", "2026-11-20T07:55:00.0000000Z");
    declined(&expired, "invalid_client", 700_024, &said);
    let early = by_certificate().claim("nbf", NOW + 301).claim("exp", NOW + 900);
    let said = words("2026-11-20T08:05:01.0000000Z", "2026-11-20T08:15:00.0000000Z");
    declined(&early, "invalid_client", 700_024, &said);
    let endless = by_certificate().claim("exp", Value::Null);
    let said = words("2026-11-20T08:00:00.0000000Z", "1970-01-01T00:00:00.0000000Z");
    declined(&endless, "invalid_client", 700_024, &said);
}

#[test]
fn an_assertion_ages_by_the_emulators_clock() {
    let mut cloud = cloud();
    let jwt = by_certificate().sign();
    cloud.control("POST", "/clock", Some(&json!({"advance": 899})));
    assert_eq!(cloud.ask_token(TENANT, &form(&jwt)).status, 200);
    cloud.control("POST", "/clock", Some(&json!({"advance": 1})));
    assert_eq!(cloud.ask_token(TENANT, &form(&jwt)).body["error_codes"], json!([700_024]));
}

#[test]
fn a_certificate_that_is_not_registered_is_named_by_its_thumbprint() {
    let what = "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., ";
    let draft = by_certificate().header("x5t#S256", "AAEC_w");
    let words = format!("{what}Thumbprint of key used by client: '000102FF', {VISIT}");
    declined(&draft, "invalid_client", 700_027, &words);
    // Plain base64 is read as well.
    declined(&by_certificate().header("x5t#S256", "AAEC/w=="), "invalid_client", 700_027, &words);
    // A thumbprint that is neither is not named.
    let words = format!("{what}{VISIT}");
    declined(&by_certificate().header("x5t#S256", "00:01:02:FF"), "invalid_client", 700_027, &words);
    // Nor is a key id.
    let draft = by_certificate().header("x5t#S256", Value::Null).header("kid", "AAEC_w");
    declined(&draft, "invalid_client", 700_027, &words);
}

#[test]
fn a_certificate_of_another_application_is_not_registered() {
    let mut scenario = super::signer::scenario();
    for certificate in &mut scenario.client_certificates {
        INTEGRATION_APP.clone_into(&mut certificate.app_id);
    }
    let mut cloud = super::cloud::with(webex_azure_operator::emulator::Knobs::calm(), &scenario);
    let answer = cloud.ask_token(TENANT, &form(&by_certificate().sign()));
    assert_eq!(answer.body["error_codes"], json!([700_027]));
}

#[test]
fn a_certificate_outside_its_period_says_when_it_is_valid() {
    let expired = by_certificate().sha256_of(EXPIRED);
    let thumbprint = shown_thumbprint(expired.header["x5t#S256"].as_str().unwrap());
    let words = format!(
        "The certificate with identifier used to sign the client assertion is expired on application. [Reason - The key used is expired., Thumbprint of key used by client: '{thumbprint}', Found key 'Start=01/01/2023 00:00:00, End=01/01/2024 00:00:00', {VISIT}"
    );
    declined(&expired, "invalid_client", 700_027, &words);
    let early = by_certificate().sha256_of(OF_NEXT_YEAR);
    let thumbprint = shown_thumbprint(early.header["x5t#S256"].as_str().unwrap());
    let words = format!(
        "The certificate with identifier used to sign the client assertion is not yet valid on application. [Reason - The key used is not yet valid., Thumbprint of key used by client: '{thumbprint}', Found key 'Start=01/01/2027 00:00:00, End=12/31/2126 23:59:59', {VISIT}"
    );
    declined(&early, "invalid_client", 700_027, &words);
}

#[test]
fn a_signature_by_another_key_or_over_other_words_is_invalid() {
    let thumbprint = shown_thumbprint(by_certificate().header["x5t#S256"].as_str().unwrap());
    let words = format!(
        "Client assertion contains an invalid signature. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '{thumbprint}', Found key 'Start=01/01/2023 00:00:00, End=12/31/2126 23:59:59', {VISIT}"
    );
    declined(&by_certificate().by_a_stranger(), "invalid_client", 700_027, &words);
    declined(&by_certificate().header("alg", "RS256").by_a_stranger(), "invalid_client", 700_027, &words);
    let (signed, changed) = (by_certificate().sign(), by_certificate().claim("jti", "another").sign());
    let signature = signed.rsplit_once('.').unwrap().1;
    let mixed = format!("{}.{signature}", changed.rsplit_once('.').unwrap().0);
    refused(&mut cloud(), &mixed, 401, "invalid_client", 700_027, &words);
    // A PS256 header over a signature of RS256.
    let rs256 = by_certificate().header("alg", "RS256").sign();
    let mixed = format!("{}.{}", signed.rsplit_once('.').unwrap().0, rs256.rsplit_once('.').unwrap().1);
    refused(&mut cloud(), &mixed, 401, "invalid_client", 700_027, &words);
}

#[test]
fn issuer_and_subject_are_the_client() {
    let other = by_certificate().claim("iss", INTEGRATION_APP).claim("sub", INTEGRATION_APP);
    let words = format!("Client assertion application identifier doesn't match 'client_id' parameter. {REVIEW}");
    declined(&other, "invalid_client", 700_021, &words);
    let words = "Subject mismatches Issuer claim in the client assertion.";
    declined(&by_certificate().claim("sub", INTEGRATION_APP), "invalid_client", 50_048, words);
}

#[test]
fn each_required_claim_is_missed_by_name() {
    for name in ["iss", "sub", "aud", "jti"] {
        let words = format!(
            "The required field '{name}' is missing from the credential. Ensure that you have all the necessary parameters for the login request."
        );
        declined(&by_certificate().claim(name, Value::Null), "invalid_request", 90_014, &words);
    }
}

#[test]
fn what_is_no_jwt_is_malformed() {
    let good = by_certificate().sign();
    let (message, _) = good.rsplit_once('.').unwrap();
    for bad in ["abc", "a.b.c", message, &format!("{good}."), &format!("{good}=="), "e30.W10.AAAA"] {
        refused(&mut cloud(), bad, 400, "invalid_request", 50_027, "JWT token is invalid or malformed.");
    }
    let words = "JWT token is invalid or malformed.";
    declined(&by_certificate().claim("exp", "tomorrow"), "invalid_request", 50_027, words);
}

#[test]
fn a_header_says_type_algorithm_and_key() {
    let words = "Invalid JWT header type specified, must be 'JWT' or 'http://openid.net/specs/jwt/1.0'.";
    declined(&by_certificate().header("typ", "at+jwt"), "invalid_request", 5_002_727, words);
    accepted(&mut cloud(), &by_certificate().header("typ", "http://openid.net/specs/jwt/1.0"));
    for algorithm in ["none", "HS256", "ES256K", ""] {
        let words = format!(
            "Invalid JWT token. '{algorithm}' is not a supported signature algorithm. Supported signing algorithms are: 'PS256,RS256'"
        );
        declined(&by_certificate().header("alg", algorithm), "invalid_client", 5_002_738, &words);
    }
    let words = "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in token header.";
    declined(&by_certificate().header("x5t#S256", Value::Null), "invalid_client", 5_002_723, words);
}

#[test]
fn the_form_names_the_documented_assertion_type() {
    let jwt = by_certificate().sign();
    let without: Vec<_> = form(&jwt).into_iter().filter(|(name, _)| *name != "client_assertion_type").collect();
    let words = "The request body must contain the following parameter: 'client_assertion_type'.";
    is_refusal(&cloud().ask_token(TENANT, &without), 400, "invalid_request", 900_144, words);
    let mut saml = form(&jwt);
    saml[2].1 = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    let words = format!("The client_assertion_type '{}' is not supported.", saml[2].1);
    is_refusal(&cloud().ask_token(TENANT, &saml), 400, "invalid_request", 90_023, &words);
}

#[test]
fn with_a_secret_and_an_assertion_the_assertion_counts() {
    let both = |jwt: &str| -> Vec<(&'static str, String)> {
        let form = form(jwt).into_iter().chain([("client_secret", super::cloud::SECRET)]);
        form.map(|(name, value)| (name, value.to_owned())).collect()
    };
    let ask = |jwt: &str| {
        let form = both(jwt);
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        cloud().ask_token(TENANT, &form)
    };
    let answer = ask(&by_certificate().sign());
    assert_eq!(claims(answer.body["access_token"].as_str().unwrap())["appidacr"], "2");
    assert_eq!(ask("abc").body["error_codes"], json!([50_027]));
}

#[test]
fn a_secret_is_known_by_its_appidacr() {
    assert_eq!(claims(&calm().token)["appidacr"], "1");
}

#[test]
fn a_certificate_does_not_help_a_disabled_application() {
    let mut cloud = cloud();
    let off = json!({"accountEnabled": false});
    cloud.as_admin("PATCH", &format!("/servicePrincipals/{}", super::cloud::OPERATOR), Some(&off));
    let answer = cloud.ask_token(TENANT, &form(&by_certificate().sign()));
    assert_eq!((answer.status.as_u16(), &answer.body["error_codes"]), (401, &json!([7_000_112])));
}

#[test]
fn a_changed_incident_brings_certificates_through_the_control_surface() {
    let mut cloud = calm();
    let mut scenario = cloud.control("GET", "/scenarios/incident", None).body;
    assert_eq!(scenario["clientCertificates"], json!([]));
    scenario["clientCertificates"] = json!([{"appId": OPERATOR_APP, "certificate": CERTIFICATE}]);
    assert_eq!(cloud.control("POST", "/tenants", Some(&scenario)).status, 201);
    accepted(&mut cloud, &by_certificate());
    scenario["clientCertificates"][0]["certificate"] = json!("-----BEGIN CERTIFICATE-----\nAAAA\n");
    let answer = cloud.control("POST", "/tenants", Some(&scenario));
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("is not a certificate with an RSA key in PEM"), "{}", answer.text);
}
