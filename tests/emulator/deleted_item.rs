//! Soft delete, restore and the end after thirty days.
//! <https://learn.microsoft.com/graph/api/directory-deleteditems-restore>

use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, Cloud, INTEGRATION, INTEGRATION_APP, calm, column, with_roles};

const LIST: &str = "/directory/deletedItems/microsoft.graph.servicePrincipal";

/// A cloud in which the integration was deleted a moment ago.
fn deleted() -> Cloud {
    let mut cloud = with_roles(&ALL_ROLES);
    assert_eq!(cloud.delete(&format!("/servicePrincipals/{INTEGRATION}")).status, 204);
    cloud
}

fn restore(cloud: &mut Cloud) -> super::cloud::Answer {
    cloud.send("POST", &format!("/directory/deletedItems/{INTEGRATION}/restore"), None, &[])
}

#[test]
fn a_deleted_principal_leaves_every_list_but_the_deleted_items() {
    let mut cloud = deleted();
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).status, 404);
    assert_eq!(cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')")).status, 404);
    assert_eq!(cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')/appRoleAssignments")).status, 404);
    assert!(!column(&cloud.get("/servicePrincipals").values(), "id").contains(&INTEGRATION.to_owned()));
    assert!(cloud.get(&format!("/oauth2PermissionGrants?$filter=clientId eq '{INTEGRATION}'")).values().is_empty());
    let found = cloud.get(&format!("{LIST}?$filter=appId eq '{INTEGRATION_APP}'")).values();
    assert_eq!(column(&found, "id"), [INTEGRATION]);
    assert_eq!(found[0]["deletedDateTime"], "2026-11-20T08:00:00Z");
    let by_name =
        cloud.get(&format!("{LIST}?$filter=startswith(displayName,'Cisco Webex')&$select=id,deletedDateTime"));
    assert_eq!(by_name.values(), [json!({"id": INTEGRATION, "deletedDateTime": "2026-11-20T08:00:00Z"})]);
    assert_eq!(cloud.get(&format!("/directory/deletedItems/{INTEGRATION}")).body["appId"], INTEGRATION_APP);
}

#[test]
fn the_list_needs_a_type() {
    let answer = calm().get("/directory/deletedItems");
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "Request_UnsupportedQuery"));
    let message = "Searches against this resource are not supported. Only specific instances can be queried.";
    assert_eq!(answer.body["error"]["message"], message);
}

#[test]
fn restoring_brings_back_the_same_object_with_its_permissions() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    let before = (cloud.get(&path).body, cloud.get(&format!("{path}/appRoleAssignments")).values());
    cloud.delete(&path);
    let answer = restore(&mut cloud);
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["@odata.type"], "#microsoft.graph.servicePrincipal");
    assert_eq!(answer.body["id"], INTEGRATION);
    assert_eq!(answer.body["deletedDateTime"], Value::Null);
    assert_eq!((cloud.get(&path).body, cloud.get(&format!("{path}/appRoleAssignments")).values()), before);
    assert!(cloud.get(LIST).values().is_empty());
    assert_eq!(restore(&mut cloud).status, 404);
}

#[test]
fn whether_permissions_survive_a_restore_is_a_knob() {
    let mut cloud = deleted();
    cloud.knob("grantsSurviveRestore", false);
    assert_eq!(restore(&mut cloud).status, 200);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    assert!(cloud.get(&format!("{path}/appRoleAssignments")).values().is_empty());
    assert!(cloud.get(&format!("{path}/oauth2PermissionGrants")).values().is_empty());
}

#[test]
fn a_restore_conflicts_with_a_new_principal_of_the_same_application() {
    let mut cloud = deleted();
    let new = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP})).body["id"].clone();
    let answer = restore(&mut cloud);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (409, "Request_MultipleObjectsWithSameKeyValue"));
    assert!(answer.body["error"]["message"].as_str().unwrap().ends_with("is already in use."));
    assert_eq!(cloud.delete(&format!("/servicePrincipals/{}", new.as_str().unwrap())).status, 204);
    assert_eq!(column(&cloud.get(LIST).values(), "appId"), [INTEGRATION_APP, INTEGRATION_APP]);
    assert_eq!(restore(&mut cloud).status, 200);
}

#[test]
fn without_its_application_a_principal_cannot_be_restored() {
    let mut cloud = deleted();
    assert_eq!(cloud.control("DELETE", &format!("/published/{INTEGRATION_APP}"), None).status, 204);
    assert_eq!(restore(&mut cloud).status, 400);
    assert_eq!(cloud.get(LIST).values().len(), 1);
}

#[test]
fn after_thirty_days_it_is_gone_for_good() {
    let mut cloud = deleted();
    cloud.wait(30 * 24 * 60 * 60 - 1);
    cloud.sign_in();
    assert_eq!(cloud.get(LIST).values().len(), 1);
    cloud.wait(1);
    assert!(cloud.get(LIST).values().is_empty());
    assert_eq!(restore(&mut cloud).status, 404);
    let audits = cloud.audits();
    assert_eq!(audits[0]["activityDisplayName"], "Hard delete service principal");
    assert_eq!(audits[0]["initiatedBy"]["app"]["appId"], Value::Null);
}

#[test]
fn it_can_be_erased_at_once() {
    let mut cloud = deleted();
    assert_eq!(cloud.delete(&format!("/directory/deletedItems/{INTEGRATION}")).status, 204);
    assert!(cloud.get(LIST).values().is_empty());
    assert_eq!(cloud.get(&format!("/directory/deletedItems/{INTEGRATION}")).status, 404);
    assert_eq!(cloud.delete(&format!("/directory/deletedItems/{INTEGRATION}")).status, 404);
}

#[test]
fn a_reader_sees_deleted_items_and_cannot_restore() {
    let mut cloud = calm();
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    assert_eq!(cloud.get(LIST).values().len(), 1);
    assert_eq!(restore(&mut cloud).status, 403);
    let path = format!("/directory/deletedItems/{INTEGRATION}/restore");
    assert_eq!(cloud.as_admin("POST", &path, None).status, 200);
}
