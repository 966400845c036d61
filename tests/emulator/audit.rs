//! The audit log: every change leaves a record of the documented shape.
//! <https://learn.microsoft.com/graph/api/directoryaudit-list>

use serde_json::{Value, json};

use super::cloud::{
    ALL_ROLES, AUDIT_LOG_READ_ALL, Cloud, GRAPH, GRAPH_APP, IDENTITY, IDENTITY_APP, IDENTITY_REGISTRATION, INTEGRATION,
    INTEGRATION_APP, OPERATOR, OPERATOR_APP, calm, column, with_only_roles, with_roles,
};

/// The newest record, as the service shows it.
fn newest(cloud: &mut Cloud) -> Value {
    cloud.audits()[0].clone()
}

/// The new value of a modified property, out of its JSON text.
fn modified(record: &Value, name: &str) -> Value {
    let properties = record["targetResources"][0]["modifiedProperties"].as_array().unwrap();
    let property = properties.iter().find(|property| property["displayName"] == name).unwrap();
    let side = if property["newValue"].is_null() { "oldValue" } else { "newValue" };
    serde_json::from_str(property[side].as_str().unwrap()).unwrap()
}

#[test]
fn removing_a_principal_names_the_person_and_the_object() {
    let mut cloud = calm();
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    let record = newest(&mut cloud);
    assert_eq!(record["activityDisplayName"], "Remove service principal");
    assert_eq!(record["loggedByService"], "Core Directory");
    assert_eq!(record["category"], "ApplicationManagement");
    assert_eq!(record["operationType"], "Delete");
    assert_eq!(record["initiatedBy"]["user"]["userPrincipalName"], "admin@contoso.com");
    assert_eq!(record["initiatedBy"]["app"], Value::Null);
    assert_eq!(record["targetResources"][0]["id"], INTEGRATION);
    assert_eq!(record["targetResources"][0]["type"], "ServicePrincipal");
    assert_eq!(modified(&record, "TargetId.ServicePrincipalNames"), INTEGRATION_APP);
}

#[test]
fn a_change_by_an_application_names_the_application() {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.patch(&format!("/servicePrincipals/{INTEGRATION}"), &json!({"accountEnabled": false}));
    let record = newest(&mut cloud);
    assert_eq!(record["activityDisplayName"], "Update service principal");
    assert_eq!(record["initiatedBy"]["user"], Value::Null);
    assert_eq!(record["initiatedBy"]["app"]["appId"], OPERATOR_APP);
    assert_eq!(record["initiatedBy"]["app"]["servicePrincipalId"], OPERATOR);
    assert_eq!(modified(&record, "AccountEnabled"), json!([false]));
    assert_eq!(modified(&record, "Included Updated Properties"), "AccountEnabled");
}

#[test]
fn a_revoked_role_targets_the_resource_and_names_the_client_inside() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments");
    let rows = cloud.get(&path).values();
    let row = rows.iter().find(|row| row["appRoleId"] == AUDIT_LOG_READ_ALL).unwrap();
    cloud.as_admin("DELETE", &format!("{path}/{}", row["id"].as_str().unwrap()), None);
    let record = newest(&mut cloud);
    assert_eq!(record["activityDisplayName"], "Remove app role assignment from service principal");
    assert_eq!(record["targetResources"][0]["id"], GRAPH);
    assert_eq!(modified(&record, "AppRole.Value"), "AuditLog.Read.All");
    assert_eq!(modified(&record, "ServicePrincipal.ObjectID"), INTEGRATION);
}

/// The names of modified properties.
fn names(record: &Value) -> Vec<String> {
    column(record["targetResources"][0]["modifiedProperties"].as_array().unwrap(), "displayName")
}

/// As in the records of <https://github.com/splunk/attack_data>, T1098.003.
#[test]
fn a_given_role_is_described_as_in_published_records() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{IDENTITY}/appRoleAssignments");
    let wish = json!({"principalId": IDENTITY, "resourceId": GRAPH, "appRoleId": AUDIT_LOG_READ_ALL});
    let made = cloud.as_admin("POST", &path, Some(&wish));
    assert_eq!(made.status, 201, "{}", made.text);
    let record = newest(&mut cloud);
    assert_eq!(record["activityDisplayName"], "Add app role assignment to service principal");
    assert_eq!(
        names(&record),
        [
            "AppRole.Id",
            "AppRole.Value",
            "AppRole.DisplayName",
            "AppRoleAssignment.CreatedDateTime",
            "AppRoleAssignment.LastModifiedDateTime",
            "ServicePrincipal.ObjectID",
            "ServicePrincipal.DisplayName",
            "ServicePrincipal.AppId",
            "ServicePrincipal.Name",
            "TargetId.ServicePrincipalNames",
        ]
    );
    assert_eq!(modified(&record, "ServicePrincipal.AppId"), IDENTITY_APP);
    assert_eq!(modified(&record, "AppRoleAssignment.CreatedDateTime"), made.body["createdDateTime"]);
    assert!(modified(&record, "TargetId.ServicePrincipalNames").as_str().unwrap().starts_with(GRAPH_APP));
}

#[test]
fn a_person_who_is_given_an_application_stands_in_another_category() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{IDENTITY}/appRoleAssignedTo");
    let person = "00000000-0000-4000-8000-000000000051";
    let none = "00000000-0000-0000-0000-000000000000";
    let wish = json!({"principalId": person, "resourceId": IDENTITY, "appRoleId": none});
    let made = cloud.as_admin("POST", &path, Some(&wish));
    assert_eq!(made.status, 201, "{}", made.text);
    let given = newest(&mut cloud);
    assert_eq!(given["activityDisplayName"], "Add app role assignment grant to user");
    assert_eq!(given["category"], "UserManagement");
    assert_eq!(modified(&given, "User.ObjectID"), person);
    assert_eq!(modified(&given, "User.UPN"), "admin@contoso.com");
    cloud.wait(1);
    cloud.as_admin("DELETE", &format!("{path}/{}", made.body["id"].as_str().unwrap()), None);
    let taken = newest(&mut cloud);
    assert_eq!(taken["activityDisplayName"], "Remove app role assignment from user");
    assert_eq!(taken["category"], "UserManagement");
}

#[test]
fn a_secret_is_described_before_and_after_and_never_shown() {
    let mut cloud = calm();
    let path = format!("/applications/{IDENTITY_REGISTRATION}");
    let wish = json!({"passwordCredential": {"displayName": "spike"}});
    let made = cloud.as_admin("POST", &format!("{path}/addPassword"), Some(&wish)).body;
    let added = newest(&mut cloud);
    let key_id = made["keyId"].as_str().unwrap();
    let description = format!("[KeyIdentifier={key_id},KeyType=Password,KeyUsage=Verify,DisplayName=spike]");
    assert_eq!(modified(&added, "KeyDescription"), json!([description]));
    assert!(!added.to_string().contains(made["secretText"].as_str().unwrap()));
    cloud.wait(1);
    cloud.as_admin("POST", &format!("{path}/removePassword"), Some(&json!({"keyId": key_id})));
    let change = newest(&mut cloud)["targetResources"][0]["modifiedProperties"][0].clone();
    let old = json!([description]).to_string();
    assert_eq!(change, json!({"displayName": "KeyDescription", "oldValue": old, "newValue": "[]"}));
}

#[test]
fn a_revoked_grant_targets_the_resource_and_names_the_client_inside() {
    let mut cloud = calm();
    let grants = cloud.get(&format!("/servicePrincipals/{INTEGRATION}/oauth2PermissionGrants")).values();
    cloud.as_admin("DELETE", &format!("/oauth2PermissionGrants/{}", grants[0]["id"].as_str().unwrap()), None);
    let record = newest(&mut cloud);
    assert_eq!(record["activityDisplayName"], "Remove delegated permission grant");
    assert_eq!(record["targetResources"][0]["displayName"], "Microsoft Graph");
    assert_eq!(modified(&record, "DelegatedPermissionGrant.Scope"), " User.Read");
    assert_eq!(modified(&record, "ServicePrincipal.ObjectID"), INTEGRATION);
}

#[test]
fn changed_scopes_are_recorded_as_added_and_as_removed_with_both_lists_each_time() {
    for scope in [" User.Read Calendars.Read", "openid"] {
        let mut cloud = calm();
        let grants = cloud.get(&format!("/servicePrincipals/{INTEGRATION}/oauth2PermissionGrants")).values();
        let path = format!("/oauth2PermissionGrants/{}", grants[0]["id"].as_str().unwrap());
        cloud.as_admin("PATCH", &path, Some(&json!({"scope": scope})));
        let since = format!("/auditLogs/directoryAudits?$filter=activityDateTime ge {}", cloud.now);
        let records = cloud.get(&since).values();
        let mut activities = column(&records, "activityDisplayName");
        activities.sort();
        assert_eq!(activities, ["Add delegated permission grant", "Remove delegated permission grant"]);
        assert_eq!(records[0]["correlationId"], records[1]["correlationId"]);
        for record in &records {
            let properties = record["targetResources"][0]["modifiedProperties"].as_array().unwrap();
            let scopes = properties.iter().find(|one| one["displayName"] == "DelegatedPermissionGrant.Scope").unwrap();
            let value = |name: &str| serde_json::from_str::<String>(scopes[name].as_str().unwrap()).unwrap();
            assert_eq!((value("oldValue").trim(), value("newValue").trim()), ("User.Read", scope.trim()));
            assert_eq!(modified(record, "ServicePrincipal.ObjectID"), INTEGRATION);
        }
    }
}

#[test]
fn every_other_change_has_its_activity_of_the_reference() {
    let mut cloud = calm();
    let principal = format!("/servicePrincipals/{INTEGRATION}");
    let registration = format!("/applications/{IDENTITY_REGISTRATION}");
    let restore = |id: &str| format!("/directory/deletedItems/{id}/restore");
    let identity = format!("/directory/deletedItems/{}", super::cloud::IDENTITY);
    for (method, path, body, activity) in [
        ("DELETE", principal.clone(), None, "Remove service principal"),
        ("POST", restore(INTEGRATION), None, "Restore service principal"),
        ("PATCH", registration.clone(), Some(json!({"isDisabled": true})), "Update application"),
        ("DELETE", registration, None, "Delete application"),
        ("POST", restore(IDENTITY_REGISTRATION), None, "Restore application"),
        ("DELETE", identity, None, "Hard delete service principal"),
        (
            "POST",
            "/servicePrincipals".to_owned(),
            Some(json!({"appId": super::cloud::IDENTITY_APP})),
            "Add service principal",
        ),
    ] {
        cloud.wait(1);
        let answer = cloud.as_admin(method, &path, body.as_ref());
        assert!(answer.status.is_success(), "{method} {path}: {}", answer.text);
        let since = format!("/auditLogs/directoryAudits?$filter=activityDateTime ge {}", cloud.now);
        let activities = column(&cloud.get(&since).values(), "activityDisplayName");
        assert!(activities.contains(&activity.to_owned()), "{method} {path}: {activities:?}");
    }
}

#[test]
fn records_of_one_request_share_a_correlation_id_and_nothing_else_has_it() {
    let mut cloud = calm();
    cloud.as_admin("DELETE", &format!("/applications/{IDENTITY_REGISTRATION}"), None);
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    let all = cloud.audits();
    let one = all.iter().find(|record| record["activityDisplayName"] == "Delete application").unwrap();
    let id = one["correlationId"].as_str().unwrap();
    let path = format!("/auditLogs/directoryAudits?$filter=correlationId eq '{id}'");
    let mut found = column(&cloud.get(&path).values(), "activityDisplayName");
    found.sort();
    assert_eq!(found, ["Delete application", "Remove service principal"]);
}

#[test]
fn records_are_filtered_by_time_activity_and_target_and_come_newest_first() {
    let mut cloud = calm();
    for _ in 0..3 {
        cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
        cloud.wait(60);
        cloud.as_admin("POST", &format!("/directory/deletedItems/{INTEGRATION}/restore"), None);
        cloud.wait(60);
    }
    let path = format!(
        "/auditLogs/directoryAudits?$filter=activityDateTime ge 2026-11-20T08:02:00Z and \
         activityDisplayName eq 'Remove service principal' and targetResources/any(t: t/id eq '{INTEGRATION}')"
    );
    let times = column(&cloud.get(&path).values(), "activityDateTime");
    assert_eq!(times, ["2026-11-20T08:04:00.0000000Z", "2026-11-20T08:02:00.0000000Z"]);
    let path = "/auditLogs/directoryAudits?$filter=startswith(activityDisplayName,'Restore')&$orderby=activityDateTime";
    let times = column(&cloud.get(path).values(), "activityDateTime");
    assert_eq!(times.len(), 3);
    assert!(times.is_sorted());
}

#[test]
fn pages_of_records_follow_each_other_without_gap_or_repetition() {
    let mut cloud = calm();
    for _ in 0..3 {
        cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
        cloud.as_admin("POST", &format!("/directory/deletedItems/{INTEGRATION}/restore"), None);
    }
    let mut ids = Vec::new();
    let mut path = "/auditLogs/directoryAudits?$top=4&$orderby=activityDateTime desc".to_owned();
    for _ in 0..2 {
        let answer = cloud.get(&path);
        ids.extend(column(&answer.values(), "id"));
        path = answer.body["@odata.nextLink"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(path, "");
    let all = column(&cloud.audits(), "id");
    assert_eq!((ids.len(), ids), (6, all));
}

#[test]
fn records_show_after_the_audit_delay() {
    let mut cloud = calm();
    cloud.knob("auditDelay", "PT2M");
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    cloud.wait(59);
    assert!(cloud.audits().is_empty());
    cloud.wait(61);
    assert_eq!(cloud.audits().len(), 1);
}

#[test]
fn records_are_kept_thirty_days_or_as_the_licence_says() {
    let mut cloud = calm();
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    cloud.wait_days(8);
    assert_eq!(cloud.audits().len(), 1);
    cloud.knob("auditRetentionDays", 7);
    assert!(cloud.audits().is_empty());
}

#[test]
fn a_missing_licence_and_a_missing_role_are_two_answers() {
    let mut cloud = calm();
    cloud.knob("auditLicensed", false);
    let licence = cloud.get("/auditLogs/directoryAudits");
    let code = "Authentication_RequestFromNonPremiumTenantOrB2CTenant";
    assert_eq!((licence.status.as_u16(), licence.code().as_str()), (403, code));
    let mut cloud = with_only_roles(&["Application.Read.All"]);
    let role = cloud.get("/auditLogs/directoryAudits");
    assert_eq!((role.status.as_u16(), role.code().as_str()), (403, "Authorization_RequestDenied"));
}
