//! Microsoft's library for sign-ins, with each kind of credential in each cloud.

use serde_json::{Value, json};
use webex_azure_operator::emulator::Knobs;

use super::scene::Scene;
use super::tenant::{OPERATOR_APP, TENANT};

/// Each kind of credential in each cloud that the library knows, whether it may ask which other names a host has or not.
/// Discovery, token and one read: nothing is asked twice.
#[tokio::test]
async fn azidentity_signs_in_with_each_credential_in_each_cloud() {
    let mut scene = Scene::new(Knobs::calm()).await;
    let truth = scene.truth().await;
    for cloud in ["public", "government", "china"] {
        for credential in ["secret", "certificate", "chain", "assertion"] {
            for disable in [false, true] {
                let choice = json!({"cloud": cloud, "credential": credential, "disableDiscovery": disable});
                let requests = if disable { 3 } else { 4 };
                signs_in(&mut scene, "azidentity", &choice, &truth, requests).await;
            }
        }
    }
    scene.end("azidentity in three clouds").await;
}

#[tokio::test]
async fn azidentity_signs_in_at_the_emulators_own_address_if_it_does_not_ask_microsoft_about_it() {
    let mut scene = Scene::new(Knobs::calm()).await;
    let truth = scene.truth().await;
    for credential in ["secret", "certificate", "chain", "assertion"] {
        let choice = json!({"cloud": "local", "credential": credential, "disableDiscovery": true});
        signs_in(&mut scene, "azidentity", &choice, &truth, 3).await;
    }
    let seen = scene.job("azidentity", json!({"cloud": "local"})).await;
    let refusal = seen["refusal"].as_str().unwrap();
    assert!(refusal.contains("invalid_instance") && refusal.contains("AADSTS50049"), "{refusal}");
    scene.end("azidentity at the emulator's own address").await;
}

/// What the library makes of refusals, which is what its users read.
#[tokio::test]
async fn azidentity_tells_refusals_by_their_numbers() {
    let mut scene = Scene::new(Knobs::calm()).await;
    for (changes, number) in [
        (json!({"secret": "wrong"}), "AADSTS7000215"),
        (json!({"clientId": "11111111-2222-3333-4444-555555555555"}), "AADSTS700016"),
        (json!({"tenant": "11111111-2222-3333-4444-555555555555"}), "AADSTS90002"),
        (json!({"credential": "assertion", "tenant": "nowhere.example"}), "AADSTS90002"),
    ] {
        let seen = scene.job("azidentity", changes).await;
        let refusal = seen["refusal"].as_str().unwrap_or_else(|| panic!("{seen}"));
        assert!(refusal.contains(number), "{refusal}");
    }
    scene.end("refusals of azidentity").await;
}

#[tokio::test]
async fn azcore_answers_a_claims_challenge_with_a_new_token() {
    let mut scene = Scene::new(Knobs { challenge_needs_capability: true, ..Knobs::calm() }).await;
    let seen = scene.job("azidentity-challenge", json!({})).await;
    let name = scene.truth().await["displayName"].clone();
    assert_eq!(seen, json!({"revoked": 200, "before": name, "after": name}));
    let refused = scene.requests().await.iter().filter(|request| request["status"] == 401).count();
    assert_eq!(refused, 1);
    scene.end("claims challenge of azcore").await;
}

/// Terraform's way: the address of Azure Resource Manager is all that it is told.
#[tokio::test]
async fn hashicorps_sdk_finds_sign_in_and_graph_by_the_metadata_of_the_cloud() {
    let mut scene = Scene::new(Knobs::calm()).await;
    let truth = scene.truth().await;
    let names = [
        ("public", "AzureCloud"),
        ("government", "AzureUSGovernment"),
        ("china", "AzureChinaCloud"),
        ("local", "AzureCloud"),
    ];
    for (cloud, name) in names {
        for credential in ["secret", "certificate", "assertion"] {
            let choice = json!({"cloud": cloud, "credential": credential});
            let seen = signs_in(&mut scene, "hashicorp-sign-in", &choice, &truth, 2).await;
            assert_eq!(seen["environment"], name);
        }
    }
    scene.end("sign-in of go-azure-sdk").await;
}

/// The token is the operator's, with all its roles, and was had with this number of requests.
async fn signs_in(scene: &mut Scene, job: &str, choice: &Value, truth: &Value, requests: usize) -> Value {
    let before = scene.requests().await.len();
    let seen = scene.job(job, choice.clone()).await;
    assert_eq!((&seen["tid"], &seen["appid"]), (&json!(TENANT), &json!(OPERATOR_APP)), "{choice} {seen}");
    let sorted = |mut roles: Vec<String>| {
        roles.sort();
        roles
    };
    let principals = truth["servicePrincipals"].as_array().unwrap();
    let operator = principals.iter().find(|principal| principal["appId"] == OPERATOR_APP).unwrap();
    let assigned = truth["appRoleAssignments"].as_array().unwrap().iter();
    let assigned = assigned.filter(|assignment| assignment["principalId"] == operator["id"]);
    let assigned = sorted(assigned.map(|assignment| assignment["role"].as_str().unwrap().to_owned()).collect());
    let seen_roles = seen["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap().to_owned()).collect();
    assert_eq!(sorted(seen_roles), assigned, "{choice}");
    if job == "azidentity" {
        assert_eq!((&seen["organization"], &seen["cached"]), (&truth["displayName"], &json!(true)), "{choice} {seen}");
    }
    let asked = scene.requests().await.split_off(before);
    assert_eq!(asked.len(), requests, "{choice} {asked:?}");
    seen
}
