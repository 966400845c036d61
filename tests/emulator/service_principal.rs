//! Service principals.
//! <https://learn.microsoft.com/graph/api/resources/serviceprincipal>

use serde_json::json;

use super::cloud::{
    ALL_ROLES, GRAPH_APP, IDENTITY, IDENTITY_APP, IDENTITY_REGISTRATION, INTEGRATION, INTEGRATION_APP, OPERATOR,
    OPERATOR_APP, calm, column, keys, with_only_roles, with_roles,
};

const UNKNOWN: &str = "11111111-2222-3333-4444-555555555555";

#[test]
fn a_principal_is_found_by_object_id_and_by_app_id_and_is_the_same() {
    let mut cloud = calm();
    let by_id = cloud.get(&format!("/servicePrincipals/{INTEGRATION}"));
    let by_app = cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')"));
    assert_eq!(by_id.status, 200);
    assert_eq!(by_id.body, by_app.body);
    assert_eq!(by_id.body["displayName"], "Cisco Webex Identity Integration");
    assert_eq!(by_id.body["servicePrincipalNames"], json!([INTEGRATION_APP]));
}

#[test]
fn an_unknown_app_id_is_404_by_key_and_an_empty_list_by_filter() {
    let mut cloud = calm();
    let answer = cloud.get(&format!("/servicePrincipals(appId='{UNKNOWN}')"));
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "Request_ResourceNotFound"));
    let answer = cloud.get(&format!("/servicePrincipals?$filter=appId eq '{UNKNOWN}'"));
    assert_eq!((answer.status.as_u16(), answer.values().len()), (200, 0));
}

#[test]
fn an_id_that_is_no_guid_is_a_bad_request() {
    let answer = calm().get("/servicePrincipals/webex");
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "Request_BadRequest"));
    assert_eq!(answer.body["error"]["message"], "Invalid object identifier 'webex'.");
}

#[test]
fn microsoft_graph_publishes_roles_and_scopes() {
    let path = format!("/servicePrincipals(appId='{GRAPH_APP}')?$select=id,appRoles,oauth2PermissionScopes");
    let answer = calm().get(&path);
    assert_eq!(keys(&answer.body), ["@odata.context", "appRoles", "id", "oauth2PermissionScopes"]);
    let roles = answer.body["appRoles"].as_array().unwrap().clone();
    assert!(column(&roles, "value").contains(&"Group.Read.All".to_owned()));
    assert!(column(&roles, "id").contains(&"5b567255-7703-4780-807c-7be8301ae99b".to_owned()));
}

#[test]
fn keys_of_certificates_come_only_when_asked_for_by_name() {
    let mut cloud = calm();
    let whole = cloud.get(&format!("/servicePrincipals/{IDENTITY}")).body;
    assert_eq!(whole["keyCredentials"][0]["key"], json!(null));
    assert_eq!(whole["keyCredentials"][0]["endDateTime"], "2033-04-12T00:00:00Z");
    let asked = cloud.get(&format!("/servicePrincipals/{IDENTITY}?$select=keyCredentials")).body;
    assert_eq!(asked["keyCredentials"][0]["key"], "AAAA");
}

#[test]
fn patch_changes_a_property_and_answers_without_a_body() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    let answer = cloud.patch(&path, &json!({"accountEnabled": false, "notes": "asked by security"}));
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    let row = cloud.get(&path).body;
    assert_eq!((&row["accountEnabled"], &row["notes"]), (&json!(false), &json!("asked by security")));
}

/// <https://github.com/manicminer/hamilton/blob/main/msgraph/serviceprincipals.go>
#[test]
fn patch_takes_the_own_id_of_the_object_in_its_body_and_no_other() {
    let mut cloud = with_roles(&ALL_ROLES);
    for (path, own) in [
        (format!("/servicePrincipals/{IDENTITY}"), IDENTITY),
        (format!("/servicePrincipals(appId='{IDENTITY_APP}')"), IDENTITY),
        (format!("/applications/{IDENTITY_REGISTRATION}"), IDENTITY_REGISTRATION),
    ] {
        let patched = cloud.patch(&path, &json!({"id": own, "tags": ["HideApp"]}));
        assert_eq!(patched.status, 204, "{}", patched.text);
        assert_eq!(cloud.get(&path).body["tags"], json!(["HideApp"]));
        let refused = cloud.patch(&path, &json!({"id": INTEGRATION, "tags": []}));
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "Request_BadRequest"));
    }
}

#[test]
fn patch_refuses_wrong_types_fixed_and_unknown_properties() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    let before = cloud.get(&path).body;
    for body in [
        json!({"accountEnabled": "no"}),
        json!({"appId": UNKNOWN}),
        json!({"isDisabled": false}),
        json!({"colour": "blue"}),
    ] {
        assert_eq!(cloud.patch(&path, &body).status, 400, "{body}");
    }
    assert_eq!(cloud.send("PATCH", &path, None, &[]).status, 400);
    assert_eq!(cloud.get(&path).body, before);
}

#[test]
fn creating_is_refused_while_the_principal_exists_and_without_an_application() {
    let mut cloud = with_roles(&ALL_ROLES);
    let exists = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    assert_eq!((exists.status.as_u16(), exists.code().as_str()), (409, "Request_MultipleObjectsWithSameKeyValue"));
    let nobody = cloud.post("/servicePrincipals", &json!({"appId": UNKNOWN}));
    assert_eq!(nobody.status, 400);
    assert_eq!(nobody.body["error"]["details"][0]["code"], "NoBackingApplicationObject");
    assert_eq!(cloud.post("/servicePrincipals", &json!({})).status, 400);
}

#[test]
fn a_deleted_principal_can_be_made_anew_under_another_object_id_and_without_permissions() {
    let mut cloud = with_roles(&ALL_ROLES);
    assert_eq!(cloud.delete(&format!("/servicePrincipals/{INTEGRATION}")).status, 204);
    let answer = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.body["id"].as_str().unwrap().to_owned();
    assert_ne!(id, INTEGRATION);
    assert_eq!(answer.body["appDisplayName"], "Cisco Webex Identity Integration");
    assert!(cloud.get(&format!("/servicePrincipals/{id}/appRoleAssignments")).values().is_empty());
    assert!(cloud.get(&format!("/servicePrincipals/{id}/oauth2PermissionGrants")).values().is_empty());
}

#[test]
fn upsert_creates_with_201_and_updates_with_204() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals(appId='{INTEGRATION_APP}')");
    let body = json!({"displayName": "Webex, renamed"});
    let prefer = [("prefer", "create-if-missing")];
    assert_eq!(cloud.send("PATCH", &path, Some(&body), &prefer).status, 204);
    assert_eq!(cloud.delete(&path).status, 204);
    assert_eq!(cloud.patch(&path, &body).status, 404);
    let created = cloud.send("PATCH", &path, Some(&body), &prefer);
    assert_eq!((created.status.as_u16(), &created.body["displayName"]), (201, &json!("Webex, renamed")));
}

#[test]
fn reading_needs_a_role_except_for_the_callers_own_principal() {
    let mut cloud = with_only_roles(&["AuditLog.Read.All"]);
    let foreign = cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')"));
    assert_eq!((foreign.status.as_u16(), foreign.code().as_str()), (403, "Authorization_RequestDenied"));
    assert_eq!(cloud.get(&format!("/servicePrincipals(appId='{UNKNOWN}')")).status, 403);
    assert_eq!(cloud.get("/servicePrincipals").status, 403);
    assert_eq!(cloud.get(&format!("/servicePrincipals(appId='{OPERATOR_APP}')")).status, 200);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{OPERATOR}/appRoleAssignments")).status, 200);
}

#[test]
fn a_reader_may_not_write() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{INTEGRATION}");
    assert_eq!(cloud.patch(&path, &json!({"accountEnabled": false})).status, 403);
    assert_eq!(cloud.delete(&path).status, 403);
    assert_eq!(cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP})).status, 403);
    assert_eq!(cloud.truth()["servicePrincipals"].as_array().unwrap().len(), 4);
}

#[test]
fn the_owned_by_role_makes_no_principal_of_another_tenants_application() {
    let mut cloud = with_only_roles(&["Application.ReadWrite.OwnedBy"]);
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    let foreign = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    assert_eq!(foreign.status, 403);
    assert_eq!(
        foreign.body["error"]["message"],
        "When using this permission, the backing application of the service principal being created must in the local tenant"
    );
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{IDENTITY}"), None);
    let local = cloud.post("/servicePrincipals", &json!({"appId": IDENTITY_APP}));
    assert_eq!(local.status, 201);
    // Its creator owns it, so it may also change it.
    let path = format!("/servicePrincipals/{}", local.body["id"].as_str().unwrap());
    assert_eq!(cloud.patch(&path, &json!({"accountEnabled": false})).status, 204);
    assert_eq!(cloud.patch(&format!("/servicePrincipals/{OPERATOR}"), &json!({"notes": "x"})).status, 403);
}

#[test]
fn methods_and_paths_that_are_not_there_say_so() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    let put = cloud.send("PUT", &path, Some(&json!({})), &[]);
    assert_eq!((put.status.as_u16(), put.code().as_str()), (405, "Request_BadRequest"));
    assert_eq!(put.body["error"]["message"], "Specified HTTP method is not allowed for the request target.");
    let typo = cloud.get("/servicePrincipal");
    assert_eq!((typo.status.as_u16(), typo.code().as_str()), (400, "BadRequest"));
    assert_eq!(typo.body["error"]["message"], "Resource not found for the segment 'servicePrincipal'.");
}

#[test]
fn what_graph_has_and_the_emulator_has_not_is_501_and_marked() {
    let mut cloud = with_roles(&ALL_ROLES);
    for path in [
        "/servicePrincipals?$expand=memberOf",
        "/oauth2PermissionGrants?$search=\"scope:User\"",
        "/auditLogs/signIns",
        "/users",
        "/$metadata",
        "/",
    ] {
        let path = path.replace('"', "%22");
        let answer = cloud.get(&path);
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (501, "NotImplemented"),
            "{path}: {}",
            answer.text
        );
        assert_eq!(answer.header("x-emulator-not-built"), "true", "{path}");
    }
}

#[test]
fn jobs_of_the_provisioning_application_are_read_by_object_id() {
    let mut cloud = calm();
    let jobs = cloud.get(&format!("/servicePrincipals/{IDENTITY}/synchronization/jobs")).values();
    assert_eq!(jobs[0]["status"]["code"], "Active");
    let path = format!("/servicePrincipals/{IDENTITY}/synchronization/jobs/{}", jobs[0]["id"].as_str().unwrap());
    assert_eq!(cloud.get(&path).body["schedule"]["state"], "Active");
    assert!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}/synchronization/jobs")).values().is_empty());
}
