//! Application registrations of the tenant, and those of other tenants.
//! <https://learn.microsoft.com/graph/api/resources/application>

use serde_json::{Value, json};

use super::cloud::{
    ALL_ROLES, IDENTITY, IDENTITY_APP, IDENTITY_REGISTRATION, INTEGRATION, INTEGRATION_APP, calm, column, sign_in_form,
    with_roles,
};

const DELETED: &str = "/directory/deletedItems/microsoft.graph.application";

#[test]
fn a_registration_is_found_by_both_keys_and_by_filter() {
    let mut cloud = calm();
    let by_id = cloud.get(&format!("/applications/{IDENTITY_REGISTRATION}"));
    assert_eq!(by_id.status, 200);
    assert_eq!(by_id.body["createdByAppId"], INTEGRATION_APP);
    assert_eq!(by_id.body, cloud.get(&format!("/applications(appId='{IDENTITY_APP}')")).body);
    let listed = cloud.get(&format!("/applications?$filter=appId eq '{IDENTITY_APP}'")).values();
    assert_eq!(column(&listed, "id"), [IDENTITY_REGISTRATION]);
    // The integration is registered in another tenant.
    assert_eq!(cloud.get(&format!("/applications(appId='{INTEGRATION_APP}')")).status, 404);
}

/// <https://github.com/Azure/azure-cli/blob/dev/src/azure-cli/azure/cli/command_modules/role/custom.py>
#[test]
fn az_registers_an_application_that_it_says_has_no_certificates() {
    let mut cloud = with_roles(&ALL_ROLES);
    let made = cloud.post("/applications", &json!({"displayName": "Made", "keyCredentials": []}));
    assert_eq!((made.status.as_u16(), &made.body["keyCredentials"]), (201, &json!([])), "{}", made.text);
}

#[test]
fn deleting_a_registration_deletes_its_principal_and_restoring_it_does_not_bring_the_principal_back() {
    let mut cloud = calm();
    assert_eq!(cloud.as_admin("DELETE", &format!("/applications/{IDENTITY_REGISTRATION}"), None).status, 204);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{IDENTITY}")).status, 404);
    let deleted = cloud.get(&format!("{DELETED}?$filter=appId eq '{IDENTITY_APP}'")).values();
    assert_eq!(column(&deleted, "id"), [IDENTITY_REGISTRATION]);

    let restore = |id: &str| format!("/directory/deletedItems/{id}/restore");
    assert_eq!(cloud.as_admin("POST", &restore(IDENTITY), None).status, 400);
    let answer = cloud.as_admin("POST", &restore(IDENTITY_REGISTRATION), None);
    assert_eq!(answer.body["@odata.type"], "#microsoft.graph.application");
    assert_eq!(cloud.get(&format!("/servicePrincipals/{IDENTITY}")).status, 404);
    assert_eq!(cloud.as_admin("POST", &restore(IDENTITY), None).status, 200);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{IDENTITY}")).status, 200);
}

#[test]
fn whether_the_principal_comes_back_with_the_registration_is_a_knob() {
    let mut cloud = calm();
    cloud.knob("applicationRestoreRestoresPrincipal", true);
    cloud.as_admin("DELETE", &format!("/applications/{IDENTITY_REGISTRATION}"), None);
    cloud.as_admin("POST", &format!("/directory/deletedItems/{IDENTITY_REGISTRATION}/restore"), None);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{IDENTITY}")).status, 200);
}

#[test]
fn deactivating_a_registration_shows_on_its_principal() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{IDENTITY}");
    assert_eq!(cloud.get(&path).body["isDisabled"], Value::Null);
    let off = json!({"isDisabled": true});
    assert_eq!(cloud.as_admin("PATCH", &format!("/applications/{IDENTITY_REGISTRATION}"), Some(&off)).status, 204);
    let row = cloud.get(&path).body;
    assert_eq!((&row["isDisabled"], &row["accountEnabled"]), (&json!(true), &json!(true)));
}

#[test]
fn deactivation_by_the_publisher_shows_in_every_tenant_and_stops_sign_in() {
    let mut cloud = calm();
    let other = "00000000-0000-4000-8000-0000000000aa";
    cloud.control("POST", "/scenarios/incident", Some(&json!({"tenantId": other})));
    let off = json!({"isDisabled": true});
    assert_eq!(cloud.control("PATCH", &format!("/published/{INTEGRATION_APP}"), Some(&off)).status, 200);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).body["isDisabled"], true);
    cloud.token = cloud.ask_token(other, &sign_in_form()).body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).body["isDisabled"], true);
}
