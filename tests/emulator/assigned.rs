//! What else tools read of a principal: groups, policies, classified permissions.

use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, GRAPH, IDENTITY, IDENTITY_APP, URL, calm, column, with_only_roles, with_roles};

const USER_READ: &str = "e1fe6dd8-ba31-4d61-89e7-88639da4683d";

fn classifications() -> String {
    format!("/servicePrincipals/{GRAPH}/delegatedPermissionClassifications")
}

fn low() -> Value {
    json!({"permissionId": USER_READ, "permissionName": "User.Read", "classification": "low"})
}

#[test]
fn a_principal_is_in_no_group() {
    let mut cloud = calm();
    for name in ["memberOf", "transitiveMemberOf"] {
        let answer = cloud.get(&format!("/servicePrincipals(appId='{IDENTITY_APP}')/{name}"));
        let context = format!("{URL}/v1.0/$metadata#directoryObjects");
        assert_eq!(answer.body, json!({"@odata.context": context, "value": []}), "{}", answer.text);
    }
    assert_eq!(cloud.get("/servicePrincipals/00000000-0000-4000-8000-00000000dead/memberOf").status, 404);
}

#[test]
fn a_principal_has_no_policies_for_whoever_may_read_policies_and_write_applications() {
    let lists = [
        ("claimsMappingPolicies", "claimsMappingPolicy"),
        ("homeRealmDiscoveryPolicies", "homeRealmDiscoveryPolicy"),
        ("tokenIssuancePolicies", "tokenIssuancePolicy"),
        ("tokenLifetimePolicies", "tokenLifetimePolicy"),
    ];
    let mut cloud = with_roles(&["Policy.Read.All", "Application.ReadWrite.OwnedBy"]);
    for (name, kind) in lists {
        let answer = cloud.get(&format!("/servicePrincipals/{IDENTITY}/{name}"));
        let context = format!("{URL}/v1.0/$metadata#Collection(microsoft.graph.{kind})");
        assert_eq!(answer.body, json!({"@odata.context": context, "value": []}), "{}", answer.text);
    }
    for roles in [["Policy.Read.All", "Application.Read.All"], ["Application.ReadWrite.All", "Directory.Read.All"]] {
        let mut cloud = with_only_roles(&roles);
        assert_eq!(cloud.get(&format!("/servicePrincipals/{IDENTITY}/claimsMappingPolicies")).status, 403, "{roles:?}");
    }
}

#[test]
fn a_permission_is_classified_once_listed_and_released() {
    let mut cloud = with_roles(&["Policy.ReadWrite.PermissionGrant"]);
    let made = cloud.post(&classifications(), &low());
    assert_eq!(made.status, 201, "{}", made.text);
    // As in the documented example.
    assert_eq!(made.body["id"], "2G3-4TG6YU2J54hjnaRoPQE");
    assert_eq!(cloud.post(&classifications(), &low()).status, 400);
    let listed = cloud.get(&classifications()).values();
    assert_eq!(column(&listed, "permissionName"), ["User.Read"]);
    assert_eq!(column(&listed, "classification"), ["low"]);
    let path = format!("{}/2G3-4TG6YU2J54hjnaRoPQE", classifications());
    assert_eq!(cloud.delete(&path).status, 204);
    assert_eq!(cloud.delete(&path).status, 404);
    assert!(cloud.get(&classifications()).values().is_empty());
}

#[test]
fn a_permission_that_the_principal_has_not_or_a_word_that_is_none_is_refused() {
    let mut cloud = with_roles(&["Policy.ReadWrite.PermissionGrant"]);
    for (name, value) in [
        ("permissionId", json!(null)),
        ("permissionId", json!(IDENTITY)),
        ("permissionName", json!("User.Write")),
        ("classification", json!("harmless")),
        ("classification", json!(null)),
        ("classification", json!(1)),
    ] {
        let mut wish = low();
        wish[name] = value.clone();
        assert_eq!(cloud.post(&classifications(), &wish).status, 400, "{name}: {value}");
    }
    // Writing applications is another permission.
    assert_eq!(with_roles(&ALL_ROLES).post(&classifications(), &low()).status, 403);
}
