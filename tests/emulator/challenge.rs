//! Revoked tokens, claims challenges, and Conditional Access.
//! <https://learn.microsoft.com/entra/identity-platform/claims-challenge>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use webex_azure_operator::emulator::{Knobs, Scenario};

use super::cloud::{Answer, Cloud, IDENTITY_APP, OPERATOR_APP, TENANT, URL, calm, sign_in_form, with};
use super::signer::{by_certificate, claims, form, is_refusal};

const OTHER_TENANT: &str = "00000000-0000-4000-8000-0000000000aa";

fn revoke(cloud: &mut Cloud) {
    let answer = cloud.control("POST", "/revoke", Some(&json!({"tenantId": TENANT, "appId": OPERATOR_APP})));
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Asks for a token with a claims request, and keeps it.
fn sign_in_with(cloud: &mut Cloud, request: &str) {
    let answer = ask_with(cloud, request);
    answer.body["access_token"].as_str().unwrap().clone_into(&mut cloud.token);
}

fn ask_with(cloud: &mut Cloud, request: &str) -> Answer {
    let form: Vec<_> = sign_in_form().into_iter().chain([("claims", request)]).collect();
    cloud.ask_token(TENANT, &form)
}

/// The claims request of a challenge.
fn request_of(challenge: &str) -> String {
    let claims = challenge.split("claims=\"").nth(1).unwrap().trim_end_matches('"');
    String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap()
}

fn list(cloud: &mut Cloud) -> Answer {
    cloud.get("/servicePrincipals?$top=1")
}

#[test]
fn a_revoked_token_is_answered_with_the_documented_challenge() {
    let mut cloud = calm();
    revoke(&mut cloud);
    let answer = list(&mut cloud);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "InvalidAuthenticationToken"));
    let why = "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";
    assert_eq!(answer.body["error"]["message"], why);
    let claims = STANDARD.encode(r#"{"access_token":{"nbf":{"essential":true, "value":"1795161600"}}}"#);
    let challenge = format!(
        "Bearer realm=\"\", authorization_uri=\"{URL}/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\", error_description=\"{why}\", error=\"insufficient_claims\", claims=\"{claims}\""
    );
    assert_eq!(answer.header("www-authenticate"), challenge);
}

#[test]
fn a_token_for_the_claims_request_is_accepted_and_one_without_is_not() {
    let mut cloud = calm();
    revoke(&mut cloud);
    let request = request_of(list(&mut cloud).header("www-authenticate"));
    cloud.sign_in();
    assert_eq!(list(&mut cloud).status, 401);
    sign_in_with(&mut cloud, &request);
    assert_eq!(list(&mut cloud).status, 200);
    assert_eq!(claims(&cloud.token)["nbf"], 1_795_161_600);
    // Client libraries were seen to send the second as a number.
    sign_in_with(&mut cloud, r#"{"access_token":{"nbf":{"essential":true,"value":1795161600}}}"#);
    assert_eq!(list(&mut cloud).status, 200);
}

#[test]
fn a_claims_request_for_something_else_does_not_help() {
    let mut cloud = calm();
    revoke(&mut cloud);
    for request in [
        r#"{"access_token":{"nbf":{"essential":true,"value":"1795161599"}}}"#,
        r#"{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}"#,
        r#"{"id_token":{"nbf":{"essential":true,"value":"1795161600"}}}"#,
        "{}",
    ] {
        sign_in_with(&mut cloud, request);
        assert_eq!(list(&mut cloud).status, 401, "{request}");
    }
}

#[test]
fn tokens_are_dated_back_so_that_an_ordinary_one_is_too_old_for_five_minutes() {
    let mut cloud = calm();
    let token = claims(&cloud.token);
    assert_eq!((&token["iat"], &token["nbf"]), (&json!(1_795_161_300), &json!(1_795_161_300)));
    // As in the documented example, where both are 3900 seconds apart.
    assert_eq!(token["exp"].as_i64().unwrap() - token["nbf"].as_i64().unwrap(), 3899);
    revoke(&mut cloud);
    cloud.wait(299);
    cloud.sign_in();
    assert_eq!(list(&mut cloud).status, 401);
    cloud.wait(1);
    cloud.sign_in();
    assert_eq!(list(&mut cloud).status, 200);
}

#[test]
fn no_token_begins_in_the_future() {
    let mut cloud = calm();
    sign_in_with(&mut cloud, r#"{"access_token":{"nbf":{"essential":true,"value":"1795169999"}}}"#);
    assert_eq!(claims(&cloud.token)["nbf"], 1_795_161_600);
    assert_eq!(list(&mut cloud).status, 200);
}

#[test]
fn a_claims_request_that_is_no_json_object_is_refused() {
    for request in ["access_token", "[]", "eyJhY2Nlc3NfdG9rZW4iOnt9fQ=="] {
        let words = "The claims request parameter is not a JSON object.";
        is_refusal(&ask_with(&mut calm(), request), 400, "invalid_request", 90_023, words);
    }
}

#[test]
fn a_revocation_concerns_one_client_in_one_tenant() {
    let mut cloud = calm();
    cloud.control("POST", "/scenarios/incident", Some(&json!({"tenantId": OTHER_TENANT})));
    let here = cloud.token.clone();
    let there = cloud.ask_token(OTHER_TENANT, &sign_in_form()).body["access_token"].as_str().unwrap().to_owned();
    cloud.control("POST", "/revoke", Some(&json!({"tenantId": TENANT, "appId": IDENTITY_APP})));
    assert_eq!(list(&mut cloud).status, 200);
    revoke(&mut cloud);
    assert_eq!(list(&mut cloud).status, 401);
    cloud.token = there;
    assert_eq!(list(&mut cloud).status, 200);
    cloud.token = here;
    assert_eq!(list(&mut cloud).status, 401);
}

#[test]
fn a_revocation_of_nobody_is_noticed() {
    let mut cloud = calm();
    for wrong in [
        json!({"tenantId": OTHER_TENANT, "appId": OPERATOR_APP}),
        json!({"tenantId": TENANT, "appId": "11111111-2222-3333-4444-555555555555"}),
    ] {
        assert_eq!(cloud.control("POST", "/revoke", Some(&wrong)).status, 404, "{wrong}");
        assert_eq!(cloud.control("POST", "/block", Some(&wrong)).status, 404, "{wrong}");
    }
    assert_eq!(cloud.control("POST", "/revoke", Some(&json!({"tenantId": TENANT}))).status, 400);
}

#[test]
fn a_batch_is_refused_as_a_whole_or_item_by_item_as_the_knob_says() {
    let mut cloud = calm();
    revoke(&mut cloud);
    let get = |id: &str| json!({"id": id, "method": "GET", "url": "/servicePrincipals?$top=1"});
    let batch = json!({"requests": [get("1"), get("2")]});
    let whole = cloud.post("/$batch", &batch);
    assert_eq!(whole.status, 401);
    let challenge = whole.header("www-authenticate").to_owned();
    assert!(challenge.contains("error=\"insufficient_claims\""), "{challenge}");
    cloud.knob("challengeBatchItems", true);
    let answer = cloud.post("/$batch", &batch);
    assert_eq!(answer.status, 200);
    for item in answer.body["responses"].as_array().unwrap() {
        assert_eq!((&item["status"], &item["headers"]["WWW-Authenticate"]), (&json!(401), &json!(challenge)));
        assert_eq!(item["body"]["error"]["code"], "InvalidAuthenticationToken");
    }
    // A request of its own has no items.
    assert_eq!(list(&mut cloud).status, 401);
}

#[test]
fn as_documented_only_clients_that_declare_it_are_challenged() {
    let mut cloud = calm();
    cloud.knob("challengeNeedsCapability", true);
    revoke(&mut cloud);
    assert_eq!(list(&mut cloud).status, 200);
    for declared in ["cp1", "CP1"] {
        let request = json!({"access_token": {"xms_cc": {"values": ["foo", declared]}}}).to_string();
        sign_in_with(&mut cloud, &request);
        assert_eq!(claims(&cloud.token)["xms_cc"], json!(["cp1"]));
        assert_eq!(list(&mut cloud).status, 401);
    }
    let both = r#"{"access_token":{"xms_cc":{"values":["cp1"]},"nbf":{"essential":true,"value":"1795161600"}}}"#;
    sign_in_with(&mut cloud, both);
    assert_eq!(list(&mut cloud).status, 200);
}

#[test]
fn a_blocked_application_is_refused_with_the_policy_until_it_is_unblocked() {
    let mut cloud = calm();
    let client = json!({"tenantId": TENANT, "appId": OPERATOR_APP});
    assert_eq!(cloud.control("POST", "/block", Some(&client)).status, 204);
    let answer = cloud.ask_token(TENANT, &sign_in_form());
    let words =
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.";
    is_refusal(&answer, 400, "invalid_grant", 53_003, words);
    assert_eq!(answer.body["suberror"], "message_only");
    let policy: Value = serde_json::from_str(answer.body["claims"].as_str().unwrap()).unwrap();
    assert_eq!(policy["access_token"]["capolids"]["essential"], true);
    let path = format!("/block/{TENANT}/{OPERATOR_APP}");
    assert_eq!(cloud.control("DELETE", &path, None).status, 204);
    assert_eq!(cloud.control("DELETE", &path, None).status, 404);
    cloud.sign_in();
}

#[test]
fn a_policy_blocks_whoever_proved_who_they_are() {
    let scenario = Scenario { blocked_applications: vec![OPERATOR_APP.to_owned()], ..super::signer::scenario() };
    let mut cloud = calm();
    cloud.emulator.load(cloud.now, &scenario).unwrap();
    assert_eq!(cloud.ask_token(TENANT, &form(&by_certificate().sign())).body["error_codes"], json!([53_003]));
    assert_eq!(cloud.ask_token(TENANT, &form("abc")).body["error_codes"], json!([50_027]));
    // What was issued before lives on.
    assert_eq!(list(&mut cloud).status, 200);
}

#[test]
fn a_loaded_tenant_has_no_revocation() {
    let mut cloud = with(Knobs::calm(), &Scenario::incident());
    revoke(&mut cloud);
    cloud.emulator.load(cloud.now, &Scenario::incident()).unwrap();
    assert_eq!(list(&mut cloud).status, 200);
}
