//! Answers compared with published examples: same members, and the same codes and words where those are published.

use std::path::Path;

use serde_json::{Value, json};

use super::cloud::{
    ALL_ROLES, AUDIT_LOG_READ_ALL, Answer, GRAPH, IDENTITY, INTEGRATION, INTEGRATION_APP, TENANT, calm, keys,
    sign_in_form, with_only_roles, with_roles,
};

fn example(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/graph").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Every documented member is answered, but for those the v1.0 metadata does not declare.
fn has_members(answer: &Value, documented: &Value, undeclared: &[&str]) {
    let answered = keys(answer);
    let missing: Vec<&str> =
        keys(documented).into_iter().filter(|name| !answered.contains(name) && !undeclared.contains(name)).collect();
    assert!(missing.is_empty(), "missing {missing:?}");
    let needless: Vec<&&str> = undeclared.iter().filter(|name| answered.contains(*name)).collect();
    assert!(needless.is_empty(), "answered after all: {needless:?}");
}

/// Same status, same code, same members at every depth; same words where ids do not stand in them.
fn is_error(answer: &Answer, name: &str, same_words: bool) {
    let documented = example(name)["response"].clone();
    assert_eq!(json!(answer.status.as_u16()), documented["status"], "{name}: {}", answer.text);
    let (got, wanted) = (&answer.body["error"], &documented["body"]["error"]);
    assert_eq!(keys(got), keys(wanted), "{name}");
    assert_eq!(got["code"], wanted["code"], "{name}");
    assert_eq!(keys(&got["innerError"]), keys(&wanted["innerError"]), "{name}");
    if same_words {
        assert_eq!(got["message"], wanted["message"], "{name}");
        assert_eq!(got["details"], wanted["details"], "{name}");
    }
}

#[test]
fn a_principal_has_every_documented_property() {
    let principal = calm().get(&format!("/servicePrincipals/{INTEGRATION}")).body;
    has_members(&principal, &example("serviceprincipal-get")["response"]["body"], &["endpoints", "publisherName"]);
}

#[test]
fn a_new_principal_has_every_documented_property() {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.delete(&format!("/servicePrincipals/{INTEGRATION}"));
    let created = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP})).body;
    has_members(&created, &example("serviceprincipal-create")["response"]["body"], &["publisherName"]);
    let undeclared = [
        "publisherName",
        "errorUrl",
        "preferredTokenSigningKeyEndDateTime",
        "samlMetadataUrl",
        "api",
        "publishedPermissionScopes",
    ];
    has_members(&created, &example("serviceprincipal-upsert-created")["response"]["body"], &undeclared);
}

#[test]
fn roles_and_scopes_have_the_documented_members() {
    let graph = calm().get(&format!("/servicePrincipals/{GRAPH}")).body;
    let documented = example("serviceprincipal-get-select-microsoft-graph")["response"]["body"].clone();
    assert_eq!(keys(&graph["appRoles"][0]), keys(&documented["appRoles"][0]));
    assert_eq!(keys(&graph["oauth2PermissionScopes"][0]), keys(&documented["oauth2PermissionScopes"][0]));
}

#[test]
fn assignments_and_grants_have_the_documented_members() {
    let mut cloud = with_roles(&ALL_ROLES);
    let list = cloud.get(&format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments")).body;
    let documented = example("approleassignment-list")["response"]["body"].clone();
    has_members(&list, &documented, &[]);
    has_members(&list["value"][0], &documented["value"][0], &[]);
    let list = cloud.get("/oauth2PermissionGrants").body;
    let documented = example("oauth2permissiongrant-list")["response"]["body"].clone();
    has_members(&list, &documented, &[]);
    has_members(&list["value"][0], &documented["value"][0], &["@odata.id"]);
    let body = json!({"clientId": IDENTITY, "consentType": "AllPrincipals", "resourceId": GRAPH, "scope": "User.Read"});
    let created = cloud.post("/oauth2PermissionGrants", &body).body;
    has_members(&created, &example("oauth2permissiongrant-create")["response"]["body"], &[]);
}

#[test]
fn deleted_items_have_the_documented_members() {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.delete(&format!("/servicePrincipals/{INTEGRATION}"));
    let list = cloud.get("/directory/deletedItems/microsoft.graph.servicePrincipal").body;
    let documented = example("deleteditem-list-serviceprincipal")["response"]["body"].clone();
    has_members(&list["value"][0], &documented["value"][0], &[]);
    let path = format!("/directory/deletedItems/{INTEGRATION}/restore");
    let restored = cloud.send("POST", &path, None, &[]).body;
    let documented = example("deleteditem-restore-group")["response"]["body"].clone();
    let ends = |body: &Value| body["@odata.context"].as_str().unwrap().split("/v1.0/").nth(1).map(str::to_owned);
    assert_eq!(ends(&restored), ends(&documented));
    assert_eq!(restored["@odata.type"], "#microsoft.graph.servicePrincipal");
}

#[test]
fn audit_records_have_the_members_and_modified_properties_of_the_examples() {
    let mut cloud = calm();
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    let record = cloud.audits()[0].clone();
    let documented = example("directoryaudit-list-filtered")["response"]["body"]["value"][0].clone();
    assert_eq!(keys(&record), keys(&documented));
    assert_eq!(keys(&record["initiatedBy"]["user"]), keys(&documented["initiatedBy"]["user"]));
    assert_eq!(keys(&record["targetResources"][0]), keys(&documented["targetResources"][0]));

    let body = json!({"appId": INTEGRATION_APP});
    cloud.as_admin("POST", "/servicePrincipals", Some(&body));
    let id =
        cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')")).body["id"].as_str().unwrap().to_owned();
    let role = json!({"principalId": id, "resourceId": GRAPH, "appRoleId": AUDIT_LOG_READ_ALL});
    cloud.as_admin("POST", &format!("/servicePrincipals/{id}/appRoleAssignments"), Some(&role));
    let grant = json!({"clientId": id, "resourceId": GRAPH, "consentType": "AllPrincipals", "scope": "User.Read"});
    cloud.as_admin("POST", "/oauth2PermissionGrants", Some(&grant));
    cloud.as_admin("PATCH", &format!("/servicePrincipals/{id}"), Some(&json!({"accountEnabled": false})));
    let written = cloud.audits();
    let names = |record: &Value| {
        super::cloud::column(record["targetResources"][0]["modifiedProperties"].as_array().unwrap(), "displayName")
    };
    let events = example("directoryaudit-serviceprincipal-events")["response"]["body"]["value"].clone();
    let mut compared = 0;
    for event in events.as_array().unwrap() {
        let activity = &event["activityDisplayName"];
        let Some(record) = written.iter().find(|record| record["activityDisplayName"] == *activity) else { continue };
        assert_eq!(names(record), names(event), "{activity}");
        assert_eq!(record["operationType"], event["operationType"], "{activity}");
        compared += 1;
    }
    assert_eq!(compared, 5);
}

#[test]
fn refusals_are_worded_as_published() {
    let mut cloud = with_roles(&ALL_ROLES);
    let missing = cloud.get(&format!("/servicePrincipals/{}", "11111111-2222-3333-4444-555555555555"));
    is_error(&missing, "error-404-resource-not-found", false);
    let exists = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    is_error(&exists, "error-409-service-principal-exists", true);
    let role = json!({"principalId": INTEGRATION, "resourceId": GRAPH, "appRoleId": AUDIT_LOG_READ_ALL});
    let twice = cloud.post(&format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments"), &role);
    is_error(&twice, "error-400-app-role-already-assigned", true);
    let grant =
        json!({"clientId": INTEGRATION, "resourceId": GRAPH, "consentType": "AllPrincipals", "scope": "User.Read"});
    is_error(&cloud.post("/oauth2PermissionGrants", &grant), "error-400-grant-already-exists", true);
    cloud.delete(&format!("/servicePrincipals/{INTEGRATION}"));
    cloud.control("DELETE", &format!("/published/{INTEGRATION_APP}"), None);
    let nobody = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    is_error(&nobody, "error-400-no-backing-application", true);
}

#[test]
fn refusals_for_missing_rights_are_worded_as_published() {
    let mut cloud = calm();
    is_error(&cloud.delete(&format!("/servicePrincipals/{INTEGRATION}")), "error-403-insufficient-privileges", true);
    cloud.knob("auditLicensed", false);
    is_error(&cloud.get("/auditLogs/directoryAudits"), "error-403-no-premium-licence", true);
    let mut cloud = with_only_roles(&["Application.ReadWrite.OwnedBy"]);
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    let foreign = cloud.post("/servicePrincipals", &json!({"appId": INTEGRATION_APP}));
    is_error(&foreign, "error-403-app-in-other-tenant", true);
}

#[test]
fn throttling_is_worded_as_published() {
    let mut cloud = calm();
    cloud.knob("throttleEvery", 1);
    let answer = cloud.get("/servicePrincipals");
    let documented = example("error-429-throttled")["response"].clone();
    assert_eq!(answer.status, 429);
    assert_eq!(answer.body["error"]["code"], documented["body"]["error"]["code"]);
    assert_eq!(answer.body["error"]["message"], documented["body"]["error"]["message"]);
    assert_eq!(answer.header("retry-after"), documented["headers"]["Retry-After"]);
}

#[test]
fn token_answers_have_the_published_members_and_codes() {
    let mut cloud = calm();
    let success = cloud.ask_token(TENANT, &sign_in_form()).body;
    has_members(&success, &example("token-success")["response"]["body"], &[]);
    let changed = |name: &str, value: &'static str| -> Vec<(&str, &str)> {
        sign_in_form().into_iter().map(|(field, old)| (field, if field == name { value } else { old })).collect()
    };
    let unknown = changed("client_id", "97e0a5b7-d745-40b6-94fe-5f77d35c6e05");
    for (tenant, form, name) in [
        (TENANT, unknown, "token-error-app-not-in-tenant"),
        (TENANT, changed("client_secret", "guess"), "token-error-secret-invalid"),
        (TENANT, changed("scope", "https://example.contoso.com/activity.read"), "token-error-invalid-scope"),
        ("contoso.example", sign_in_form().to_vec(), "token-error-tenant-not-found"),
    ] {
        let answer = cloud.ask_token(tenant, &form);
        let documented = example(name)["response"].clone();
        assert_eq!(json!(answer.status.as_u16()), documented["status"], "{name}");
        assert_eq!(keys(&answer.body), keys(&documented["body"]), "{name}");
        assert_eq!(answer.body["error"], documented["body"]["error"], "{name}");
        assert_eq!(answer.body["error_codes"], documented["body"]["error_codes"], "{name}");
    }
}

#[test]
fn the_older_federation_error_is_worded_as_published() {
    let mut cloud = super::signer::cloud();
    cloud.knob("federationMismatchIsOneError", true);
    let issuer = "https://oidc.prod-aks.azure.com/XXXXXX/";
    let draft = super::signer::by_issuer();
    let draft = draft.claim("iss", issuer).claim("sub", "system:serviceaccount:default:workload-identity-sa");
    let answer = super::signer::present(&mut cloud, &draft.sign());
    let documented = example("token-error-federated-mismatch")["response"].clone();
    assert_eq!(json!(answer.status.as_u16()), documented["status"]);
    assert_eq!(keys(&answer.body), keys(&documented["body"]));
    assert_eq!(answer.body["error"], documented["body"]["error"]);
    assert_eq!(answer.body["error_codes"], documented["body"]["error_codes"]);
    let words = |body: &Value| body["error_description"].as_str().unwrap().split("\r\n").next().map(str::to_owned);
    assert_eq!(words(&answer.body), words(&documented["body"]));
}

#[test]
fn batch_items_have_the_documented_members_and_headers() {
    let mut cloud = calm();
    let requests = json!({"requests": [
        {"id": "1", "method": "GET", "url": "/servicePrincipals?$top=1"},
        {"id": "3", "method": "DELETE", "url": format!("/servicePrincipals/{INTEGRATION}")},
        {"id": "4", "method": "PUT", "url": format!("/servicePrincipals/{INTEGRATION}"), "headers": {"Content-Type": "application/json"}, "body": {}},
    ]});
    let answer = cloud.post("/$batch", &requests).body;
    let documented = example("batch-mixed")["response"]["body"].clone();
    for index in 0..3 {
        let (got, wanted) = (&answer["responses"][index], &documented["responses"][index]);
        assert_eq!(keys(got), keys(wanted));
        assert_eq!(got["status"], wanted["status"]);
        assert_eq!(got["headers"], wanted["headers"]);
        assert_eq!(got["body"]["error"]["code"], wanted["body"]["error"]["code"]);
        assert_eq!(got["body"]["error"]["message"], wanted["body"]["error"]["message"]);
    }
}
