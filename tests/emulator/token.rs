//! The token endpoint.
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use webex_azure_operator::emulator::{ClientSecret, Knobs, Scenario};

use super::cloud::{Cloud, INTEGRATION_APP, OPERATOR, OPERATOR_APP, SECRET, TENANT, URL, calm, sign_in_form, with};

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// The form with one field replaced, or left out.
fn form<'a>(name: &str, value: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    let fields = sign_in_form().into_iter();
    let changed = fields.map(|(field, old)| (field, if field == name { value } else { Some(old) }));
    changed.filter_map(|(field, value)| Some((field, value?))).collect()
}

fn check(cloud: &mut Cloud, tenant: &str, form: &[(&str, &str)], status: u16, error: &str, code: u32) {
    let answer = cloud.ask_token(tenant, form);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, error), "{}", answer.text);
    assert_eq!(answer.body["error_codes"], json!([code]));
    assert_eq!(answer.body["error_uri"], format!("{URL}/error?code={code}"));
    let description = answer.body["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
    for part in ["\r\nTrace ID: ", "\r\nCorrelation ID: ", "\r\nTimestamp: 2026-11-20 08:00:00Z"] {
        assert!(description.contains(part), "{description}");
    }
}

#[test]
fn a_token_names_tenant_application_principal_and_its_granted_roles() {
    let mut cloud = calm();
    let answer = cloud.ask_token(TENANT, &sign_in_form());
    assert_eq!(answer.body["token_type"], "Bearer");
    assert_eq!(answer.body["expires_in"], 3599);
    let claims = claims(answer.body["access_token"].as_str().unwrap());
    assert_eq!(claims["tid"], TENANT);
    assert_eq!(claims["appid"], OPERATOR_APP);
    assert_eq!(claims["oid"], OPERATOR);
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
    assert_eq!(claims["iss"], format!("{URL}/{TENANT}/"));
    assert_eq!(claims["exp"], cloud.now.as_second() + 3599);
    let roles = ["Application.Read.All", "AuditLog.Read.All", "Directory.Read.All", "Synchronization.Read.All"];
    assert_eq!(claims["roles"], json!(roles));
}

#[test]
fn the_tenant_may_be_named_by_a_verified_domain() {
    let answer = calm().ask_token("contoso.com", &sign_in_form());
    assert_eq!(claims(answer.body["access_token"].as_str().unwrap())["tid"], TENANT);
}

#[test]
fn each_wrong_sign_in_has_its_documented_error() {
    let mut cloud = calm();
    let unknown = "11111111-2222-3333-4444-555555555555";
    check(&mut cloud, "nowhere.example", &sign_in_form(), 400, "invalid_request", 90_002);
    check(&mut cloud, "common", &sign_in_form(), 400, "invalid_request", 9_001_023);
    check(&mut cloud, TENANT, &form("client_id", Some(unknown)), 400, "unauthorized_client", 700_016);
    check(&mut cloud, TENANT, &form("client_secret", Some("guess")), 401, "invalid_client", 7_000_215);
    check(&mut cloud, TENANT, &form("client_secret", None), 401, "invalid_client", 7_000_218);
    check(
        &mut cloud,
        TENANT,
        &form("scope", Some("https://graph.microsoft.com/User.Read")),
        400,
        "invalid_scope",
        70_011,
    );
    check(&mut cloud, TENANT, &form("scope", Some("https://vault.example/.default")), 400, "invalid_scope", 70_011);
    check(&mut cloud, TENANT, &form("grant_type", Some("password")), 400, "unsupported_grant_type", 70_003);
    for missing in ["grant_type", "client_id", "scope"] {
        check(&mut cloud, TENANT, &form(missing, None), 400, "invalid_request", 900_144);
    }
}

#[test]
fn an_expired_secret_is_told_from_a_wrong_one() {
    let mut scenario = Scenario::incident();
    scenario.client_secrets.push(ClientSecret {
        app_id: OPERATOR_APP.to_owned(),
        secret: "old-example".to_owned(),
        expires: Some("2026-11-01T00:00:00Z".parse().unwrap()),
    });
    let mut cloud = with(Knobs::calm(), &scenario);
    check(&mut cloud, TENANT, &form("client_secret", Some("old-example")), 401, "invalid_client", 7_000_222);
}

#[test]
fn a_principal_that_may_not_sign_in_gets_no_token_and_its_old_token_lives_on() {
    let mut cloud = calm();
    let off = json!({"accountEnabled": false});
    assert_eq!(cloud.as_admin("PATCH", &format!("/servicePrincipals/{OPERATOR}"), Some(&off)).status, 204);
    check(&mut cloud, TENANT, &sign_in_form(), 401, "unauthorized_client", 7_000_112);
    assert_eq!(cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')")).status, 200);
}

#[test]
fn a_role_granted_later_is_in_the_next_token_only() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{OPERATOR}/appRoleAssignments");
    let role = json!({
        "principalId": OPERATOR,
        "resourceId": super::cloud::GRAPH,
        "appRoleId": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    });
    assert_eq!(cloud.as_admin("POST", &path, Some(&role)).status, 201);
    assert!(!claims(&cloud.token)["roles"].to_string().contains("Organization.Read.All"));
    cloud.sign_in();
    assert!(claims(&cloud.token)["roles"].to_string().contains("Organization.Read.All"));
}

#[test]
fn graph_verifies_signature_lifetime_and_presence_of_a_token() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{OPERATOR}");
    let good = cloud.token.clone();
    let (message, _) = good.rsplit_once('.').unwrap();
    let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode([7; 256]));
    let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), message.split('.').nth(1).unwrap());
    for bad in [forged.as_str(), unsigned.as_str(), "abc", ""] {
        cloud.token = bad.to_owned();
        let answer = cloud.get(&path);
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "InvalidAuthenticationToken"), "{bad}");
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{:?}", answer.headers);
    }
    cloud.token = good;
    assert_eq!(cloud.get(&path).status, 200);
    cloud.wait(3599);
    let answer = cloud.get(&path);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.body["error"]["message"], "Lifetime validation failed, the token is expired.");
}

#[test]
fn a_token_for_another_audience_is_refused() {
    let mut cloud = calm();
    let form = form("scope", Some("http://127.0.0.1:8080/.default"));
    cloud.token = cloud.ask_token(TENANT, &form).body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(cloud.get(&format!("/servicePrincipals/{OPERATOR}")).status, 200);
    let elsewhere = webex_azure_operator::emulator::Settings {
        seed: 1,
        public_url: "http://127.0.0.1:9".to_owned(),
        knobs: Knobs::calm(),
    };
    cloud.emulator = webex_azure_operator::emulator::Emulator::new(elsewhere);
    cloud.emulator.load(cloud.now, &Scenario::incident()).unwrap();
    let _contract = super::contract::watch(&mut cloud.emulator);
    let answer = cloud.get(&format!("/servicePrincipals/{OPERATOR}"));
    assert_eq!(answer.body["error"]["message"], "Access token validation failure. Invalid audience.");
}

#[test]
fn a_caller_without_a_principal_any_more_is_not_known() {
    let mut cloud = calm();
    assert_eq!(cloud.as_admin("DELETE", &format!("/servicePrincipals/{OPERATOR}"), None).status, 204);
    let answer = cloud.get(&format!("/servicePrincipals/{OPERATOR}"));
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "Authorization_IdentityNotFound"));
    check(&mut cloud, TENANT, &sign_in_form(), 401, "unauthorized_client", 7_000_229);
}

#[test]
fn neither_secret_nor_token_gets_into_the_log() {
    let mut cloud = calm();
    cloud.get("/servicePrincipals?client_secret=emulator-only-secret");
    let log = cloud.control("GET", "/requests", None).text;
    assert!(!log.contains(SECRET) && !log.contains(&cloud.token), "{log}");
}
