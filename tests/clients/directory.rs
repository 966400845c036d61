//! What clients read and write once they are signed in.

use serde_json::{Value, json};
use webex_azure_operator::emulator::Knobs;

use super::scene::Scene;
use super::tenant::{HOW_MANY, IDENTITY_APP, INTEGRATION_APP, MANY};

/// Values of a member of all rows of a list that pass, sorted.
fn members(truth: &Value, list: &str, member: &str, passes: impl Fn(&Value) -> bool) -> Vec<String> {
    let rows = truth[list].as_array().unwrap().iter().filter(|row| passes(row));
    let mut found: Vec<String> = rows.map(|row| row[member].as_str().unwrap().to_owned()).collect();
    found.sort();
    found
}

fn sorted(seen: &Value) -> Vec<String> {
    let mut found: Vec<String> = serde_json::from_value(seen.clone()).unwrap();
    found.sort();
    found
}

fn one<'a>(truth: &'a Value, list: &str, id: &Value) -> &'a Value {
    let mut found = truth[list].as_array().unwrap().iter().filter(|row| &row["id"] == id);
    found.next().unwrap_or_else(|| panic!("{id} is not among {list}"))
}

fn is_one_of_many(row: &Value) -> bool {
    row["displayName"].as_str().unwrap().starts_with(MANY)
}

#[tokio::test]
async fn go_azure_sdk_reads_a_principal_and_all_that_hangs_on_it() {
    let mut scene = Scene::new(Knobs::default()).await;
    let truth = scene.truth().await;
    let mut jobs = 0;
    for app_id in [INTEGRATION_APP, IDENTITY_APP] {
        let seen = scene.job("hashicorp-read", json!({"appId": app_id})).await;
        let id = members(&truth, "servicePrincipals", "id", |row| row["appId"] == app_id).remove(0);
        assert_eq!(seen["id"], id);
        let assignments = members(&truth, "appRoleAssignments", "id", |row| row["principalId"] == id);
        assert_eq!(sorted(&seen["appRoleAssignments"]), assignments);
        let grants = members(&truth, "oauth2PermissionGrants", "id", |row| row["clientId"] == id);
        assert_eq!(sorted(&seen["oauth2PermissionGrants"]), grants);
        jobs += sorted(&seen["synchronization/jobs"]).len();
    }
    assert_eq!(jobs, 1, "the provisioning job of the incident");
    scene.end("go-azure-sdk reads").await;
}

#[tokio::test]
async fn each_client_pages_through_all_principals_and_sees_none_twice() {
    let mut scene = Scene::new(Knobs::default()).await;
    let truth = scene.truth().await;
    let all = members(&truth, "servicePrincipals", "id", |_| true);
    let many = members(&truth, "servicePrincipals", "id", is_one_of_many);
    assert_eq!(many.len(), HOW_MANY);
    let terraform = scene.job("hashicorp-page", json!({})).await;
    assert_eq!(sorted(&terraform["all"]), all);
    assert_eq!(sorted(&terraform["filtered"]), many);
    assert_eq!(terraform["counted"], json!(many), "in the order of their names");
    let iterator = scene.job("msgraph-page", json!({})).await;
    assert_eq!(sorted(&iterator["filtered"]), many);
    scene.end("pages").await;
}

#[tokio::test]
async fn msgraph_sdk_finds_its_answers_in_batches_in_any_order() {
    let mut scene = Scene::new(Knobs { throttle_every: None, ..Knobs::default() }).await;
    let seen = scene.job("msgraph-batch", json!({})).await;
    let truth = scene.truth().await;
    let id = members(&truth, "servicePrincipals", "id", |row| row["appId"] == INTEGRATION_APP).remove(0);
    assert_eq!(seen, json!({"found": {id: 41}, "failed": 404}));
    scene.end("batches").await;
}

#[tokio::test]
async fn msgraph_sdk_writes_with_compressed_bodies() {
    let mut scene = Scene::new(Knobs { replication_lag: jiff::SignedDuration::ZERO, ..Knobs::default() }).await;
    let seen = scene.job("msgraph-write", json!({})).await;
    let truth = scene.truth().await;
    assert_eq!(one(&truth, "applications", &seen["application"])["displayName"], seen["name"]);
    assert_eq!(one(&truth, "servicePrincipals", &seen["principal"])["displayName"], seen["name"]);
    let refusal = seen["refusal"].as_str().unwrap();
    assert!(refusal.starts_with("Request_BadRequest: "), "{refusal}");
    scene.end("msgraph-sdk writes").await;
}

#[tokio::test]
async fn go_azure_sdk_takes_an_application_from_registration_to_restore() {
    let mut scene = Scene::new(Knobs::default()).await;
    let seen = scene.job("hashicorp-write", json!({})).await;
    let truth = scene.truth().await;
    assert_eq!(one(&truth, "applications", &seen["application"])["displayName"], "Made by go-azure-sdk");
    let principal = one(&truth, "servicePrincipals", &seen["principal"]);
    assert_eq!((&principal["appId"], &principal["accountEnabled"]), (&seen["appId"], &json!(false)));
    assert_eq!(seen["restoredEnabled"], false, "a restore changes nothing else");
    assert_eq!(seen["restored"], seen["principal"]);
    assert_eq!(seen["deleted"], json!([seen["principal"]]));
    assert_eq!(one(&truth, "appRoleAssignments", &seen["assignment"])["role"], "Group.Read.All");
    assert_eq!(one(&truth, "oauth2PermissionGrants", &seen["grant"])["scope"], "User.Read");
    assert_eq!(truth["deletedServicePrincipals"], json!([]));
    scene.end("go-azure-sdk writes").await;
}

#[tokio::test]
async fn hamilton_finds_its_typed_models_in_all_answers() {
    let mut scene = Scene::new(Knobs::default()).await;
    let seen = scene.job("hamilton-write", json!({})).await;
    let truth = scene.truth().await;
    assert_eq!(one(&truth, "applications", &seen["application"])["displayName"], "Made by hamilton");
    assert_eq!((&seen["restored"], &seen["deleted"]), (&seen["application"], &json!([seen["application"]])));
    assert_eq!(seen["enabledAtFirst"], true);
    assert_eq!(seen["secretHint"].as_str().unwrap().len(), 3);
    let left = members(&truth, "appRoleAssignments", "id", |row| row["id"] == seen["assignment"]);
    assert!(left.is_empty(), "the assignment was removed");
    assert_eq!(sorted(&seen["filtered"]), members(&truth, "servicePrincipals", "id", is_one_of_many));
    scene.end("hamilton writes").await;
}
