//! What nobody outside Microsoft knows: each knob of the table does what its settings say.

use serde_json::{Value, json};
use webex_azure_operator::emulator::{Knobs, Setting, UNKNOWNS, Unknown};

use super::cloud::{
    ALL_ROLES, Cloud, GRAPH, IDENTITY, IDENTITY_APP, IDENTITY_REGISTRATION, INTEGRATION, INTEGRATION_APP, OPERATOR_APP,
    TENANT, column, incident_with_roles, with, with_only_roles,
};

fn unknown(knob: &str) -> &'static Unknown {
    UNKNOWNS.iter().find(|unknown| unknown.knob == knob).unwrap_or_else(|| panic!("{knob} is not in the table"))
}

/// What each setting of a knob comes to, in the order of the table.
fn under<T>(knob: &str, roles: &[&str], act: impl Fn(Cloud) -> T) -> Vec<T> {
    let unknown = unknown(knob);
    let tenant = |setting: &Setting| {
        let knobs = unknown.turned(&Knobs::calm(), setting).unwrap();
        with(knobs, &incident_with_roles(roles))
    };
    unknown.settings.iter().map(|setting| act(tenant(setting))).collect()
}

/// Deletes the integration and restores it, as the administrator.
fn delete_and_restore(cloud: &mut Cloud) {
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    let restored = cloud.as_admin("POST", &format!("/directory/deletedItems/{INTEGRATION}/restore"), None);
    assert_eq!(restored.status, 200, "{}", restored.text);
}

#[test]
fn every_unknown_has_its_test_here() {
    let source = include_str!("unknown.rs");
    for unknown in UNKNOWNS {
        let (is_test, turns) = (format!("fn {}()", unknown.test), format!("\"{}\"", unknown.knob));
        let body = source.split("#[test]").find(|part| part.contains(&is_test));
        assert!(body.is_some_and(|body| body.contains(&turns)), "{} has no test {}", unknown.knob, unknown.test);
    }
}

#[test]
fn permissions_are_back_or_gone_after_a_restore() {
    let counts = under("grantsSurviveRestore", &[], |mut cloud| {
        delete_and_restore(&mut cloud);
        let path = format!("/servicePrincipals/{INTEGRATION}");
        let roles = cloud.get(&format!("{path}/appRoleAssignments")).values().len();
        (roles, cloud.get(&format!("{path}/oauth2PermissionGrants")).values().len())
    });
    assert_eq!(counts, [(7, 1), (0, 0)]);
}

#[test]
fn an_application_restores_or_is_refused() {
    let statuses = under("restoreNeedsDirectoryRole", &ALL_ROLES, |mut cloud| {
        cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
        let answer = cloud.send("POST", &format!("/directory/deletedItems/{INTEGRATION}/restore"), None, &[]);
        let person = cloud.as_admin("POST", &format!("/directory/deletedItems/{INTEGRATION}/restore"), None);
        (answer.status.as_u16(), answer.code(), person.status.as_u16())
    });
    assert_eq!(statuses, [(200, String::new(), 404), (403, "Authorization_RequestDenied".to_owned(), 200)]);
}

#[test]
fn a_restore_is_recorded_under_either_name() {
    let names = under("restoreActivity", &[], |mut cloud| {
        delete_and_restore(&mut cloud);
        let filter = format!("$filter=targetResources/any(t: t/id eq '{INTEGRATION}')");
        let mut names =
            column(&cloud.get(&format!("/auditLogs/directoryAudits?{filter}")).values(), "activityDisplayName");
        names.sort();
        names
    });
    let removed = "Remove service principal";
    assert_eq!(names, [[removed, "Restore service principal"], [removed, "Update service principal"]]);
}

#[test]
fn restoring_a_registration_restores_its_principal_or_not() {
    let statuses = under("applicationRestoreRestoresPrincipal", &[], |mut cloud| {
        cloud.as_admin("DELETE", &format!("/applications/{IDENTITY_REGISTRATION}"), None);
        cloud.as_admin("POST", &format!("/directory/deletedItems/{IDENTITY_REGISTRATION}/restore"), None);
        cloud.get(&format!("/servicePrincipals/{IDENTITY}")).status.as_u16()
    });
    assert_eq!(statuses, [404, 200]);
}

#[test]
fn deleted_items_list_an_object_at_once_or_late() {
    let found = under("deletedItemsLag", &[], |mut cloud| {
        cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
        let list =
            format!("/directory/deletedItems/microsoft.graph.servicePrincipal?$filter=appId eq '{INTEGRATION_APP}'");
        let mut count = || cloud.get(&list).values().len();
        let at_once = count();
        cloud.wait(89);
        let soon = cloud.get(&list).values().len();
        cloud.wait(1);
        (at_once, soon, cloud.get(&list).values().len())
    });
    assert_eq!(found, [(1, 1, 1), (0, 0, 1)]);
}

#[test]
fn a_deactivation_shows_in_other_tenants_or_not() {
    let shown = under("foreignPrincipalsShowIsDisabled", &[], |mut cloud| {
        cloud.control("PATCH", &format!("/published/{INTEGRATION_APP}"), Some(&json!({"isDisabled": true})));
        let foreign =
            cloud.get(&format!("/servicePrincipals/{INTEGRATION}?$select=isDisabled")).body["isDisabled"].clone();
        cloud.as_admin("PATCH", &format!("/applications/{IDENTITY_REGISTRATION}"), Some(&json!({"isDisabled": true})));
        let own = cloud.get(&format!("/servicePrincipals/{IDENTITY}?$select=isDisabled")).body["isDisabled"].clone();
        (foreign, own)
    });
    assert_eq!(shown, [(true.into(), true.into()), (Value::Null, true.into())]);
}

#[test]
fn three_permissions_are_of_one_kind_or_the_other() {
    let granted = under("undecidedPermissionsAreDelegated", &[], |mut cloud| {
        let read = |cloud: &mut Cloud| {
            let path = format!("/servicePrincipals/{INTEGRATION}");
            let roles = cloud.get(&format!("{path}/appRoleAssignments")).values().len();
            let scope =
                cloud.get(&format!("{path}/oauth2PermissionGrants")).values()[0]["scope"].as_str().unwrap().to_owned();
            (roles, scope)
        };
        let before = read(&mut cloud);
        // The manifest says the same as what is granted: consent changes nothing.
        super::consent::accept(&mut cloud);
        assert_eq!(read(&mut cloud), before);
        before
    });
    let all = "User.Read Group.Read.All Place.Read.All User.Read.All";
    assert_eq!(granted, [(7, "User.Read".to_owned()), (4, all.to_owned())]);
}

#[test]
fn the_narrow_permission_reads_grants_or_is_refused() {
    let unknown = unknown("delegatedPermissionGrantReadAllSuffices");
    let statuses = unknown.settings.iter().map(|setting| {
        let mut cloud = with_only_roles(&["DelegatedPermissionGrant.Read.All"]);
        cloud.knob(unknown.knob, serde_json::from_str::<Value>(setting.value).unwrap());
        cloud.get("/oauth2PermissionGrants?$top=1").status.as_u16()
    });
    assert_eq!(statuses.collect::<Vec<_>>(), [403, 200]);
}

#[test]
fn consent_keeps_or_revokes_what_is_not_listed() {
    let counts = under("consentRevokesUnlisted", &ALL_ROLES, |mut cloud| {
        let body = json!({"principalId": INTEGRATION, "resourceId": GRAPH, "appRoleId": "498476ce-e0fe-48b0-b801-37ba7e2685c6"});
        let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments");
        let added = cloud.post(&path, &body);
        assert_eq!(added.status, 201, "{}", added.text);
        super::consent::accept(&mut cloud);
        cloud.get(&path).values().len()
    });
    assert_eq!(counts, [8, 7]);
}

#[test]
fn the_wizards_application_names_its_maker_or_not() {
    let makers = under("wizardAppHasCreatedByAppId", &[], |mut cloud| {
        let filter = "$filter=startswith(displayName,'Cisco Webex Identity') and createdByAppId ne null&$count=true";
        let path = format!("/servicePrincipals(appId='{IDENTITY_APP}')?$select=createdByAppId");
        let filtered =
            cloud.send("GET", &format!("/servicePrincipals?{filter}"), None, &[("consistencylevel", "eventual")]);
        (cloud.get(&path).body["createdByAppId"].clone(), column(&filtered.values(), "appId"))
    });
    assert_eq!(makers, [(INTEGRATION_APP.into(), vec![IDENTITY_APP.to_owned()]), (Value::Null, Vec::new())]);
}

#[test]
fn owned_objects_end_with_their_deletion_or_not() {
    let owned = under("ownedObjectsShowDeleted", &[], |mut cloud| {
        let path = format!("/servicePrincipals/{INTEGRATION}/ownedObjects");
        let before = cloud.get(&path).values().len();
        cloud.as_admin("DELETE", &format!("/applications/{IDENTITY_REGISTRATION}"), None);
        let after = cloud.get(&path).values();
        assert!(after.iter().all(|row| row["deletedDateTime"].is_string()), "{after:?}");
        (before, after.len())
    });
    assert_eq!(owned, [(2, 0), (2, 2)]);
}

#[test]
fn changes_of_jobs_name_the_principal_or_the_job() {
    let targets = under("jobChangesTarget", &[], |mut cloud| {
        let jobs = format!("/servicePrincipals/{IDENTITY}/synchronization/jobs");
        let job = cloud.as_admin("GET", &jobs, None).values()[0]["id"].as_str().unwrap().to_owned();
        let paused = cloud.as_admin("POST", &format!("{jobs}/{job}/pause"), None);
        assert_eq!(paused.status, 204, "{}", paused.text);
        let target = cloud.audits()[0]["targetResources"][0]["id"].as_str().unwrap().to_owned();
        target == job
    });
    assert_eq!(targets, [false, true]);
}

#[test]
fn a_second_grant_is_a_bad_request_or_a_conflict() {
    let refusals = under("duplicateIsConflict", &ALL_ROLES, |mut cloud| {
        let assignment = cloud.get(&format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments")).values()[0].clone();
        let body = json!({"principalId": INTEGRATION, "resourceId": GRAPH, "appRoleId": assignment["appRoleId"]});
        let role = cloud.post(&format!("/servicePrincipals/{GRAPH}/appRoleAssignedTo"), &body);
        let body =
            json!({"clientId": INTEGRATION, "resourceId": GRAPH, "consentType": "AllPrincipals", "scope": "User.Read"});
        let grant = cloud.post("/oauth2PermissionGrants", &body);
        [(role.status.as_u16(), role.code()), (grant.status.as_u16(), grant.code())]
    });
    let (bad, conflict) = ((400, "Request_BadRequest"), (409, "Request_MultipleObjectsWithSameKeyValue"));
    let expected = [bad, conflict].map(|(status, code)| [(status, code.to_owned()), (status, code.to_owned())]);
    assert_eq!(refusals, expected);
}

#[test]
fn an_undeclared_name_is_refused_or_ignored() {
    let answers = under("refuseUnknownSelect", &[], |mut cloud| {
        let answer = cloud.get(&format!("/servicePrincipals/{INTEGRATION}?$select=id,noSuchProperty"));
        (answer.status.as_u16(), answer.body.get("noSuchProperty").cloned())
    });
    assert_eq!(answers, [(400, None), (200, None)]);
}

/// Asks for one principal in a batch, with a token that was revoked.
fn revoked_batch(cloud: &mut Cloud) -> (u16, Option<u16>) {
    cloud.wait(400);
    cloud.control("POST", "/revoke", Some(&json!({"tenantId": TENANT, "appId": OPERATOR_APP})));
    let url = format!("/servicePrincipals/{INTEGRATION}");
    let answer = cloud.post("/$batch", &json!({"requests": [{"id": "1", "method": "GET", "url": url}]}));
    let item = answer.body["responses"][0]["status"].as_u64();
    (answer.status.as_u16(), item.map(|status| u16::try_from(status).unwrap()))
}

#[test]
fn a_revoked_batch_is_refused_whole_or_by_item() {
    let answers = under("challengeBatchItems", &[], |mut cloud| revoked_batch(&mut cloud));
    assert_eq!(answers, [(401, None), (200, Some(401))]);
}

#[test]
fn clients_without_the_capability_are_challenged_or_not() {
    let answers = under("challengeNeedsCapability", &[], |mut cloud| revoked_batch(&mut cloud));
    assert_eq!(answers, [(401, None), (200, Some(200))]);
}

#[test]
fn a_mismatch_has_one_number_or_three() {
    let unknown = unknown("federationMismatchIsOneError");
    let numbers = unknown.settings.iter().map(|setting| {
        let knobs = unknown.turned(&Knobs::calm(), setting).unwrap();
        super::federation::mismatches(&knobs)
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [[700_211, 700_212, 700_213], [70021, 70021, 70021]]);
}
