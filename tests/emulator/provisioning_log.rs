//! What jobs did: `auditLogs/provisioning`, provisioning on demand, and audit records of changed jobs.
//! <https://learn.microsoft.com/graph/api/provisioningobjectsummary-list>

use serde_json::{Value, json};

use super::cloud::{Answer, Cloud, IDENTITY, IDENTITY_APP, TENANT, column, keys, with_only_roles, with_roles};
use super::synchronization::{WRITE, act, told};

const RULE: &str = "00000000-0000-4000-8000-000000000063";
const PERSON: &str = "9bb0f679-a883-4a6f-8260-35b491b8b8c8";

fn reader() -> (Cloud, String) {
    let mut cloud = with_roles(&[WRITE]);
    let job = told(&mut cloud);
    (cloud, job)
}

fn on_demand(cloud: &mut Cloud, job: &str, rule: &str, person: &str) -> Answer {
    let subjects = json!([{"objectId": person, "objectTypeName": "User"}]);
    let body = json!({"parameters": [{"subjects": subjects, "ruleId": rule}]});
    cloud.post(&format!("{job}/provisionOnDemand"), &body)
}

fn log(cloud: &mut Cloud) -> Vec<Value> {
    cloud.get("/auditLogs/provisioning").values()
}

fn broken(cloud: &mut Cloud) {
    let body = json!({"tenantId": TENANT, "appId": IDENTITY_APP, "credentials": "Broken"});
    assert_eq!(cloud.control("POST", "/synchronization", Some(&body)).status, 204);
}

/// "Returns a `200 OK` response code and a stringKeyStringValuePair": two JSON texts.
#[test]
fn provisioning_on_demand_answers_as_documented_and_is_logged() {
    let (mut cloud, job) = reader();
    let answer = on_demand(&mut cloud, &job, RULE, PERSON);
    assert_eq!(answer.status, 200);
    assert_eq!(keys(&answer.body), ["@odata.context", "key", "value"]);
    let key: Value = serde_json::from_str(answer.body["key"].as_str().unwrap()).unwrap();
    assert_eq!(key, json!({"result": "Success", "details": {}}));
    let value: Value = serde_json::from_str(answer.body["value"].as_str().unwrap()).unwrap();
    let records = log(&mut cloud);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["changeId"], value["changeId"]);
    assert_eq!(records[0]["provisioningAction"], "create");
    assert_eq!(records[0]["provisioningStatusInfo"], json!({"status": "success", "errorInformation": null}));
    assert_eq!(records[0]["sourceIdentity"]["id"], PERSON);
    assert_eq!(records[0]["servicePrincipal"]["id"], IDENTITY);
    assert_eq!(records[0]["initiatedBy"]["initiatorType"], "application");
    // https://learn.microsoft.com/graph/api/provisioningobjectsummary-list
    assert_eq!(records[0]["targetSystem"]["details"]["ServicePrincipalId"], IDENTITY);
    assert_eq!(records[0]["targetSystem"]["details"]["ApplicationId"], IDENTITY_APP);
    let steps = records[0]["provisioningSteps"].as_array().unwrap();
    assert_eq!(column(steps, "name"), ["EntryImportAdd", "EntrySynchronizationAdd", "EntryExportAdd"]);
    assert_eq!(column(steps, "provisioningStepType"), ["import", "matching", "export"]);
    assert!(job.ends_with(records[0]["jobId"].as_str().unwrap()));
}

/// "The state of the user in both the source and target systems already match."
#[test]
fn the_same_person_twice_is_skipped_as_redundant() {
    let (mut cloud, job) = reader();
    on_demand(&mut cloud, &job, RULE, PERSON);
    let answer = on_demand(&mut cloud, &job, RULE, PERSON);
    let key: Value = serde_json::from_str(answer.body["key"].as_str().unwrap()).unwrap();
    assert_eq!((&key["result"], &key["details"]["errorCode"]), (&json!("Skipped"), &json!("RedundantExport")));
}

#[test]
fn on_demand_into_a_broken_target_fails_inside_a_success() {
    let (mut cloud, job) = reader();
    broken(&mut cloud);
    let answer = on_demand(&mut cloud, &job, RULE, PERSON);
    let key: Value = serde_json::from_str(answer.body["key"].as_str().unwrap()).unwrap();
    assert_eq!((answer.status.as_u16(), &key["result"]), (200, &json!("Failure")));
    assert_eq!(log(&mut cloud)[0]["provisioningStatusInfo"]["status"], "failure");
}

/// "The rate limit for this API is 5 requests per 10 seconds."
#[test]
fn the_sixth_request_within_ten_seconds_is_throttled() {
    let (mut cloud, job) = reader();
    for _ in 0..5 {
        assert_eq!(on_demand(&mut cloud, &job, RULE, PERSON).status, 200);
        cloud.wait(1);
    }
    let answer = on_demand(&mut cloud, &job, RULE, PERSON);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "TooManyRequests"));
    assert_eq!(answer.header("retry-after"), "5");
    cloud.wait(5);
    assert_eq!(on_demand(&mut cloud, &job, RULE, PERSON).status, 200);
}

/// Words as reported in microsoft-graph-docs-contrib issue 4247.
#[test]
fn a_rule_the_job_does_not_have_is_refused() {
    let (mut cloud, job) = reader();
    let answer = on_demand(&mut cloud, &job, "", PERSON);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "RequestParameterInvalid"));
    let message = answer.body["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.ends_with("However, the job does not include the rule."), "{message}");
    for body in [
        json!({}),
        json!({"parameters": []}),
        json!({"parameters": [{"ruleId": RULE}]}),
        json!({"parameters": [{"ruleId": RULE, "subjects": [{"objectId": PERSON}]}]}),
    ] {
        cloud.wait(10);
        assert_eq!(cloud.post(&format!("{job}/provisionOnDemand"), &body).status, 400, "{body}");
    }
    assert!(log(&mut cloud).is_empty());
}

#[test]
fn a_failed_cycle_is_logged_and_a_cycle_without_changes_is_not() {
    let (mut cloud, job) = reader();
    act(&mut cloud, &job, "pause");
    act(&mut cloud, &job, "start");
    cloud.wait(7200);
    cloud.sign_in();
    assert!(log(&mut cloud).is_empty());
    broken(&mut cloud);
    cloud.wait(3600);
    cloud.sign_in();
    let records = log(&mut cloud);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["provisioningStatusInfo"]["status"], "failure");
    assert_eq!(records[0]["initiatedBy"]["displayName"], "Azure AD Provisioning Service");
    let execution = &cloud.get(&job).body["status"]["lastExecution"];
    assert_eq!(records[0]["cycleId"], execution["activityIdentifier"]);
    assert_eq!(records[0]["provisioningStatusInfo"]["errorInformation"]["errorCode"], execution["error"]["code"]);
}

#[test]
fn who_leaves_the_scope_is_logged() {
    let (mut cloud, _) = reader();
    let body = json!({"tenantId": TENANT, "appId": IDENTITY_APP, "scopeEmpty": true});
    cloud.control("POST", "/synchronization", Some(&body));
    cloud.wait(2460);
    let records = log(&mut cloud);
    assert_eq!(records.len(), 10);
    assert!(records.iter().all(|record| record["provisioningAction"] == "disable"));
}

/// "This method supports the `$filter` […], `$orderby`, `$top`, `$skiptoken` OData query parameters."
#[test]
fn the_log_is_newest_first_and_can_be_filtered() {
    let (mut cloud, job) = reader();
    for person in ["a", "b", "c"] {
        on_demand(&mut cloud, &job, RULE, person);
        cloud.wait(10);
    }
    let id = |record: &Value| record["sourceIdentity"]["id"].as_str().unwrap().to_owned();
    assert_eq!(log(&mut cloud).iter().map(id).collect::<Vec<_>>(), ["c", "b", "a"]);
    let job_id = job.rsplit('/').next().unwrap();
    let filter = format!("jobId eq '{job_id}' and activityDateTime gt 2026-11-20T08:00:05Z");
    let path = format!("/auditLogs/provisioning?$filter={filter}&$orderby=activityDateTime&$top=1");
    let page = cloud.get(&path);
    assert_eq!(page.values().iter().map(id).collect::<Vec<_>>(), ["b"]);
    let next = page.body["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(cloud.get(&next).values().iter().map(id).collect::<Vec<_>>(), ["c"]);
    assert_eq!(cloud.get("/auditLogs/provisioning?$filter=colour eq 'blue'").status, 400);
}

#[test]
fn the_log_has_the_audit_delay_the_retention_and_needs_a_licence() {
    let (mut cloud, job) = reader();
    cloud.knob("auditDelay", "PT60S");
    on_demand(&mut cloud, &job, RULE, PERSON);
    assert!(log(&mut cloud).is_empty());
    cloud.wait(60);
    assert_eq!(log(&mut cloud).len(), 1);
    cloud.wait_days(31);
    assert!(log(&mut cloud).is_empty());
    cloud.knob("auditLicensed", false);
    assert_eq!(cloud.get("/auditLogs/provisioning").code(), "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
}

#[test]
fn the_log_is_read_with_either_of_two_permissions() {
    for (role, status) in
        [("AuditLog.Read.All", 200), ("ProvisioningLog.Read.All", 200), ("Directory.Read.All", 403), (WRITE, 403)]
    {
        assert_eq!(with_only_roles(&[role]).get("/auditLogs/provisioning").status, status, "{role}");
    }
}

/// <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities#account-provisioning>
#[test]
fn changes_of_jobs_are_audited_under_their_documented_names() {
    let (mut cloud, job) = reader();
    let base = format!("/servicePrincipals/{IDENTITY}/synchronization");
    cloud.post(&format!("{base}/jobs"), &json!({"templateId": "scim"}));
    for action in ["pause", "start"] {
        cloud.wait(1);
        act(&mut cloud, &job, action);
    }
    cloud.wait(1);
    cloud.post(&format!("{job}/restart"), &json!({"criteria": {}}));
    cloud.wait(1);
    cloud.send("PUT", &format!("{base}/secrets"), Some(&json!({"value": []})), &[]);
    cloud.wait(1);
    cloud.delete(&format!("{job}/schema"));
    cloud.wait(1);
    cloud.delete(&job);
    let records = cloud.audits();
    let expected = [
        "Delete provisioning configuration",
        "Update attribute mappings or scope",
        "Update provisioning setting or credentials",
        "Enable/restart provisioning configuration",
        "Enable/start provisioning configuration",
        "Disable/pause provisioning configuration",
        "Add provisioning configuration",
    ];
    assert_eq!(column(&records, "activityDisplayName"), expected);
    assert!(records.iter().all(|record| record["category"] == "ProvisioningManagement"));
    assert!(records.iter().all(|record| record["loggedByService"] == "Account Provisioning"));
    assert!(records.iter().all(|record| record["targetResources"][0]["id"] == IDENTITY));
}

#[test]
fn what_the_records_name_as_their_target_is_a_knob() {
    let (mut cloud, job) = reader();
    cloud.knob("jobChangesTarget", "job");
    act(&mut cloud, &job, "pause");
    let target = cloud.audits()[0]["targetResources"][0].clone();
    assert_eq!(target["id"], job.rsplit('/').next().unwrap());
    assert_ne!(target["type"], "ServicePrincipal");
    assert_eq!(cloud.control("PATCH", "/knobs", Some(&json!({"jobChangesTarget": "group"}))).status, 400);
}
