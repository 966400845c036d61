//! App role assignments and delegated permission grants.

use serde_json::{Value, json};

use super::cloud::{
    ALL_ROLES, AUDIT_LOG_READ_ALL, Cloud, GRAPH, IDENTITY, INTEGRATION, INTEGRATION_APP, calm, column, with_only_roles,
    with_roles,
};

const WEBEX_ROLES: [&str; 7] = [
    "18a4783c-866b-4cc7-a460-3d5e5662c884",
    "5b567255-7703-4780-807c-7be8301ae99b",
    "913b9306-0ce1-42b8-9137-6a7df690a760",
    "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    AUDIT_LOG_READ_ALL,
    "dbb9058a-0e50-45d7-ae91-66909b5d4664",
    "df021288-bdef-4463-88db-98f22de89214",
];

fn assignments(cloud: &mut Cloud) -> Vec<Value> {
    cloud.get(&format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments")).values()
}

fn role(role_id: &str) -> Value {
    json!({"principalId": INTEGRATION, "resourceId": GRAPH, "appRoleId": role_id})
}

#[test]
fn the_integration_has_its_seven_roles_and_one_grant_for_everyone() {
    let mut cloud = calm();
    let rows = assignments(&mut cloud);
    let mut ids = column(&rows, "appRoleId");
    ids.sort();
    assert_eq!(ids, WEBEX_ROLES);
    assert_eq!(rows[0]["resourceDisplayName"], "Microsoft Graph");
    assert_eq!(rows[0]["principalType"], "ServicePrincipal");
    let grants = cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')/oauth2PermissionGrants")).values();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["scope"], "User.Read");
    assert_eq!(grants[0]["consentType"], "AllPrincipals");
    assert_eq!(grants[0]["principalId"], Value::Null);
}

#[test]
fn both_ends_and_both_keys_show_the_same_assignments() {
    let mut cloud = calm();
    let by_client = assignments(&mut cloud);
    let by_key = cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')/appRoleAssignments")).values();
    assert_eq!(by_client, by_key);
    let by_resource = cloud.get(&format!("/servicePrincipals/{GRAPH}/appRoleAssignedTo")).values();
    let of_client: Vec<&Value> = by_resource.iter().filter(|row| row["principalId"] == INTEGRATION).collect();
    assert_eq!(of_client.len(), by_client.len());
    let filtered =
        cloud.get(&format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments?$filter=resourceId eq {GRAPH}"));
    assert_eq!(filtered.values(), by_client);
    let other =
        cloud.get(&format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments?$filter=resourceId eq {IDENTITY}"));
    assert!(other.values().is_empty());
}

#[test]
fn a_role_can_be_revoked_and_granted_again_and_has_another_id_then() {
    let mut cloud = with_roles(&ALL_ROLES);
    let before = assignments(&mut cloud);
    let old =
        before.iter().find(|row| row["appRoleId"] == AUDIT_LOG_READ_ALL).unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments");
    assert_eq!(cloud.delete(&format!("{path}/{old}")).status, 204);
    assert_eq!(assignments(&mut cloud).len(), 6);
    assert_eq!(cloud.delete(&format!("{path}/{old}")).status, 404);
    let granted = cloud.post(&format!("/servicePrincipals/{GRAPH}/appRoleAssignedTo"), &role(AUDIT_LOG_READ_ALL));
    assert_eq!(granted.status, 201, "{}", granted.text);
    assert_ne!(granted.body["id"], old.as_str());
    assert_eq!(assignments(&mut cloud).len(), 7);
    let one = cloud.get(&format!("{path}/{}", granted.body["id"].as_str().unwrap()));
    assert_eq!(one.body["appRoleId"], AUDIT_LOG_READ_ALL);
}

#[test]
fn a_role_that_was_given_or_does_not_exist_is_refused() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments");
    let twice = cloud.post(&path, &role(AUDIT_LOG_READ_ALL));
    assert_eq!((twice.status.as_u16(), twice.code().as_str()), (400, "Request_BadRequest"));
    assert_eq!(twice.body["error"]["message"], "Permission being assigned already exists on the object");
    assert_eq!(cloud.post(&path, &role("11111111-2222-3333-4444-555555555555")).status, 400);
    assert_eq!(cloud.post(&path, &json!({"principalId": INTEGRATION})).status, 400);
    let elsewhere = json!({"principalId": IDENTITY, "resourceId": GRAPH, "appRoleId": AUDIT_LOG_READ_ALL});
    assert_eq!(cloud.post(&path, &elsewhere).status, 400);
    assert_eq!(assignments(&mut cloud).len(), 7);
}

#[test]
fn granting_roles_needs_its_own_role_and_one_for_reading() {
    for roles in [vec!["Application.ReadWrite.All"], vec!["AppRoleAssignment.ReadWrite.All"]] {
        let mut cloud = with_only_roles(&roles);
        let path = format!("/servicePrincipals/{GRAPH}/appRoleAssignedTo");
        assert_eq!(cloud.post(&path, &role(AUDIT_LOG_READ_ALL)).status, 403, "{roles:?}");
    }
}

#[test]
fn grants_are_listed_by_client_and_kind_of_consent() {
    let mut cloud = calm();
    let path =
        format!("/oauth2PermissionGrants?$filter=clientId eq '{INTEGRATION}' and consentType eq 'AllPrincipals'");
    assert_eq!(cloud.get(&path).values().len(), 1);
    let path = format!("/oauth2PermissionGrants?$filter=clientId eq '{INTEGRATION}' and consentType eq 'Principal'");
    assert!(cloud.get(&path).values().is_empty());
}

#[test]
fn a_grant_is_made_changed_and_revoked() {
    let mut cloud = with_roles(&ALL_ROLES);
    let body = json!({"clientId": IDENTITY, "consentType": "AllPrincipals", "resourceId": GRAPH, "scope": "User.Read"});
    let made = cloud.post("/oauth2PermissionGrants", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    let again = cloud.post("/oauth2PermissionGrants", &body);
    assert_eq!(
        (again.status.as_u16(), &again.body["error"]["message"]),
        (400, &json!("Permission entry already exists."))
    );
    let path = format!("/oauth2PermissionGrants/{}", made.body["id"].as_str().unwrap());
    assert_eq!(cloud.patch(&path, &json!({"scope": "User.Read Group.Read.All"})).status, 204);
    assert_eq!(cloud.get(&path).body["scope"], "User.Read Group.Read.All");
    assert_eq!(cloud.patch(&path, &json!({"clientId": INTEGRATION})).status, 400);
    assert_eq!(cloud.delete(&path).status, 204);
    assert_eq!(cloud.get(&path).status, 404);
}

#[test]
fn a_grant_for_one_person_stands_beside_the_grant_for_everyone() {
    let mut cloud = with_roles(&ALL_ROLES);
    let person = "00000000-0000-4000-8000-000000000051";
    let body = json!({
        "clientId": INTEGRATION, "consentType": "Principal", "principalId": person, "resourceId": GRAPH, "scope": "Group.Read.All",
    });
    assert_eq!(cloud.post("/oauth2PermissionGrants", &body).status, 201);
    let grants = cloud.get(&format!("/servicePrincipals/{INTEGRATION}/oauth2PermissionGrants")).values();
    let mut kinds = column(&grants, "consentType");
    kinds.sort();
    assert_eq!(kinds, ["AllPrincipals", "Principal"]);
}

#[test]
fn a_grant_needs_its_two_ends_and_a_kind_that_fits() {
    let mut cloud = with_roles(&ALL_ROLES);
    for (client, resource, kind, principal) in [
        ("11111111-2222-3333-4444-555555555555", GRAPH, "AllPrincipals", Value::Null),
        (IDENTITY, GRAPH, "Principal", Value::Null),
        (IDENTITY, GRAPH, "AllPrincipals", json!(IDENTITY)),
        (IDENTITY, "", "AllPrincipals", Value::Null),
    ] {
        let body = json!({
            "clientId": client, "consentType": kind, "principalId": principal, "resourceId": resource, "scope": "User.Read",
        });
        assert_eq!(cloud.post("/oauth2PermissionGrants", &body).status, 400, "{body}");
    }
}

#[test]
fn whether_the_narrow_role_reads_grants_is_a_knob() {
    let mut cloud = with_only_roles(&["Application.Read.All", "DelegatedPermissionGrant.Read.All"]);
    let path = format!("/servicePrincipals/{INTEGRATION}/oauth2PermissionGrants");
    assert_eq!(cloud.get(&path).status, 403);
    assert_eq!(cloud.get("/oauth2PermissionGrants").status, 403);
    cloud.knob("delegatedPermissionGrantReadAllSuffices", true);
    assert_eq!(cloud.get(&path).values().len(), 1);
    assert_eq!(cloud.get("/oauth2PermissionGrants").values().len(), 1);
}
