//! Delay between a write and what reads show.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignments>: "may have replication delays".

use serde_json::json;

use super::cloud::{ALL_ROLES, AUDIT_LOG_READ_ALL, Cloud, GRAPH, INTEGRATION, INTEGRATION_APP, with_roles};

fn lagging(seconds: i64) -> Cloud {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.knob("replicationLag", format!("PT{seconds}S"));
    cloud
}

#[test]
fn a_read_within_the_delay_may_show_the_state_before_and_the_truth_never_does() {
    let mut cloud = lagging(60);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    assert_eq!(cloud.patch(&path, &json!({"accountEnabled": false})).status, 204);
    let truth = cloud.truth();
    let rows = truth["servicePrincipals"].as_array().unwrap();
    let row = rows.iter().find(|row| row["id"] == INTEGRATION).unwrap();
    assert_eq!(row["accountEnabled"], false);
    assert_eq!(cloud.get(&path).body["accountEnabled"], true);
    cloud.wait(60);
    assert_eq!(cloud.get(&path).body["accountEnabled"], false);
}

#[test]
fn each_object_has_its_own_delay() {
    let mut cloud = lagging(60);
    let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments");
    for row in cloud.get(&path).values() {
        assert_eq!(cloud.delete(&format!("{path}/{}", row["id"].as_str().unwrap())).status, 204);
    }
    let mut seen = Vec::new();
    for _ in 0..=60 {
        seen.push(cloud.get(&path).values().len());
        cloud.wait(1);
    }
    assert_eq!(seen.last(), Some(&0));
    let mut steps = seen.clone();
    steps.dedup();
    assert!(steps.len() > 3, "{seen:?}");
    assert!(steps.is_sorted_by(|one, two| one > two), "{seen:?}");
}

#[test]
fn several_copies_contradict_each_other_until_the_delay_is_over() {
    let mut cloud = lagging(60);
    cloud.knob("replicas", 3);
    cloud.delete(&format!("/servicePrincipals/{INTEGRATION}"));
    let mut seen = Vec::new();
    for _ in 0..60 {
        seen.push(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).status.as_u16());
        cloud.wait(1);
    }
    let first_gone = seen.iter().position(|status| *status == 404).unwrap();
    assert!(seen.iter().skip(first_gone).any(|status| *status == 200), "{seen:?}");
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).status, 404);
}

#[test]
fn a_new_principal_cannot_be_given_permissions_before_it_is_seen() {
    let mut cloud = lagging(60);
    cloud.delete(&format!("/servicePrincipals/{INTEGRATION}"));
    let made = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    let id = made.body["id"].as_str().unwrap().to_owned();
    let role = json!({"principalId": id, "resourceId": GRAPH, "appRoleId": AUDIT_LOG_READ_ALL});
    let from_client = format!("/servicePrincipals/{id}/appRoleAssignments");
    let from_resource = format!("/servicePrincipals/{GRAPH}/appRoleAssignedTo");
    let grant = json!({"clientId": id, "resourceId": GRAPH, "consentType": "AllPrincipals", "scope": "User.Read"});
    assert_eq!(cloud.post(&from_client, &role).status, 404);
    let early = cloud.post(&from_resource, &role);
    assert_eq!(
        (early.status.as_u16(), &early.body["error"]["message"]),
        (400, &json!("Not a valid reference update."))
    );
    let early = cloud.post("/oauth2PermissionGrants", &grant);
    assert_eq!(early.status, 400);
    assert!(early.body["error"]["message"].as_str().unwrap().contains("does not exist or one of its queried"));
    cloud.wait(60);
    assert_eq!(cloud.post(&from_resource, &role).status, 201);
    assert_eq!(cloud.post("/oauth2PermissionGrants", &grant).status, 201);
}

#[test]
fn writes_meet_the_truth_even_where_reads_do_not() {
    let mut cloud = lagging(60);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    assert_eq!(cloud.delete(&path).status, 204);
    assert_eq!(cloud.get(&path).status, 200);
    assert_eq!(cloud.delete(&path).status, 404);
}
