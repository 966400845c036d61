//! Quarantine of provisioning jobs.
//! <https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-quarantine-status>

use serde_json::{Value, json};

use super::cloud::{Answer, Cloud, IDENTITY, IDENTITY_APP, TENANT, column, incident_with_roles, with};
use super::synchronization::{WRITE, act, told, writer};
use webex_azure_operator::emulator::{Knobs, ProvisioningTarget, TargetCredentials};

fn target(cloud: &mut Cloud, wish: &Value) -> Answer {
    let mut body = json!({"tenantId": TENANT, "appId": IDENTITY_APP});
    body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
    cloud.control("POST", "/synchronization", Some(&body))
}

/// A job whose target refuses the credentials, at its first failure: 08:00:05.
fn broken() -> (Cloud, String) {
    let mut cloud = writer();
    let job = told(&mut cloud);
    assert_eq!(target(&mut cloud, &json!({"credentials": "Broken"})).status, 204);
    act(&mut cloud, &job, "pause");
    act(&mut cloud, &job, "start");
    cloud.wait(5);
    (cloud, job)
}

fn status(cloud: &mut Cloud, job: &str) -> Value {
    cloud.sign_in();
    cloud.get(job).body["status"].clone()
}

/// "`EncounteredQuarantineException` indicates that invalid credentials were provided."
#[test]
fn refused_credentials_put_a_job_into_quarantine_at_once() {
    let (mut cloud, job) = broken();
    let status = status(&mut cloud, &job);
    assert_eq!((&status["code"], &status["countSuccessiveCompleteFailures"]), (&json!("Quarantine"), &json!(1)));
    assert_eq!(status["lastExecution"]["state"], "Failed");
    // The one that ended last before the clock of the tests began.
    assert_eq!(status["lastSuccessfulExecution"]["timeBegan"], "2026-11-20T07:20:00Z");
    let quarantine = &status["quarantine"];
    assert_eq!(quarantine["reason"], "EncounteredQuarantineException");
    assert_eq!(quarantine["error"], status["lastExecution"]["error"]);
    assert_eq!(quarantine["error"]["tenantActionable"], true);
    assert_eq!(quarantine["currentBegan"], "2026-11-20T08:00:05Z");
    assert_eq!(quarantine["seriesBegan"], "2026-11-20T08:00:05Z");
    assert_eq!((&quarantine["seriesCount"], &quarantine["nextAttempt"]), (&json!(0), &json!("2026-11-20T14:00:05Z")));
}

/// "The first retry will happen in 6 hours. The second retry happens 12 hours after the first failure. The third
/// retry happens 24 hours after the first failure. There will be retries every 24 hours after the 3rd retry."
#[test]
fn retries_come_after_6_12_and_24_hours_and_then_daily() {
    let (mut cloud, job) = broken();
    let mut next = Vec::new();
    for hours in [0, 6, 6, 12, 24, 24] {
        cloud.wait(hours * 3600 + if hours == 0 { 0 } else { 6 });
        let status = status(&mut cloud, &job);
        let quarantine = &status["quarantine"];
        assert_eq!(quarantine["seriesBegan"], "2026-11-20T08:00:05Z");
        next.push((
            quarantine["seriesCount"].as_i64().unwrap(),
            quarantine["nextAttempt"].as_str().unwrap().to_owned(),
        ));
    }
    let expected = [
        (0, "2026-11-20T14:00:05Z"),
        (1, "2026-11-20T20:00:05Z"),
        (2, "2026-11-21T08:00:05Z"),
        (3, "2026-11-22T08:00:05Z"),
        (4, "2026-11-23T08:00:05Z"),
        (5, "2026-11-24T08:00:05Z"),
    ];
    assert_eq!(next, expected.map(|(count, time)| (count, time.to_owned())));
}

/// "The retries will go on for 28 days after the first failure after which […] the job is disabled."
#[test]
fn after_28_days_the_job_is_disabled() {
    let (mut cloud, job) = broken();
    cloud.wait_days(27);
    assert_eq!(cloud.get(&job).body["schedule"]["state"], "Active");
    cloud.wait_days(2);
    let disabled = cloud.get(&job).body;
    assert_eq!(disabled["schedule"]["state"], "Disabled");
    assert_eq!(disabled["status"]["lastExecution"]["timeBegan"], "2026-12-17T08:00:05Z");
    assert_eq!(disabled["status"]["quarantine"]["seriesCount"], 29);
    target(&mut cloud, &json!({"credentials": "Good"}));
    cloud.wait_days(7);
    assert_eq!(cloud.get(&job).body, disabled);
    act(&mut cloud, &job, "start");
    cloud.wait(5);
    assert_eq!(cloud.get(&job).body["status"]["code"], "Active");
}

/// "If any of the retries above gets a successful response, the job is automatically put out of quarantine and shall
/// resume regular sync behavior."
#[test]
fn new_credentials_end_a_quarantine_at_the_next_retry() {
    let (mut cloud, job) = broken();
    let secrets = json!({"value": [{"key": "SecretToken", "value": "new"}]});
    let path = format!("/servicePrincipals/{IDENTITY}/synchronization/secrets");
    assert_eq!(cloud.send("PUT", &path, Some(&secrets), &[]).status, 204);
    cloud.wait(5 * 3600);
    assert_eq!(status(&mut cloud, &job)["code"], "Quarantine");
    cloud.wait(2 * 3600);
    let status = status(&mut cloud, &job);
    assert_eq!((&status["code"], &status["quarantine"]), (&json!("Active"), &Value::Null));
    assert_eq!(status["countSuccessiveCompleteFailures"], 0);
    assert_eq!(status["lastExecution"]["timeBegan"], "2026-11-20T14:40:05Z");
}

/// "If the job is in quarantine, the quarantine status is cleared."
#[test]
fn start_clears_a_quarantine_and_what_is_still_broken_begins_another() {
    let (mut cloud, job) = broken();
    cloud.wait(7 * 3600);
    cloud.sign_in();
    assert_eq!(act(&mut cloud, &job, "start").status, 204);
    assert_eq!(status(&mut cloud, &job)["quarantine"], Value::Null);
    cloud.wait(5);
    let status = status(&mut cloud, &job);
    assert_eq!(status["quarantine"]["seriesBegan"], "2026-11-20T15:00:10Z");
    assert_eq!(status["quarantine"]["seriesCount"], 0);
}

/// "`QuarantineState` - Temporarily lifts the quarantine."
#[test]
fn restart_lifts_a_quarantine_only_if_the_scope_names_it() {
    let (mut cloud, job) = broken();
    let scope = |scope: &str| json!({"criteria": {"resetScope": scope}});
    cloud.post(&format!("{job}/restart"), &scope("Escrows"));
    assert_eq!(status(&mut cloud, &job)["code"], "Quarantine");
    cloud.post(&format!("{job}/restart"), &scope("QuarantineState"));
    assert_eq!(status(&mut cloud, &job)["quarantine"], Value::Null);
}

#[test]
fn a_paused_job_in_quarantine_shows_both() {
    let (mut cloud, job) = broken();
    act(&mut cloud, &job, "pause");
    let status = status(&mut cloud, &job);
    assert_eq!((&status["code"], &status["quarantine"]["seriesCount"]), (&json!("Paused"), &json!(0)));
}

#[test]
fn every_documented_reason_can_be_imposed_and_lasts_until_the_target_is_mended() {
    for reason in [
        "EncounteredBaseEscrowThreshold",
        "EncounteredTotalEscrowThreshold",
        "EncounteredEscrowProportionThreshold",
        "EncounteredQuarantineException",
        "Unknown",
        "QuarantinedOnDemand",
        "TooManyDeletes",
        "IngestionInterrupted",
    ] {
        let mut cloud = writer();
        let job = told(&mut cloud);
        assert_eq!(target(&mut cloud, &json!({"quarantine": reason})).status, 204);
        assert_eq!(status(&mut cloud, &job)["quarantine"]["reason"], reason);
        cloud.wait(7 * 3600);
        assert_eq!(status(&mut cloud, &job)["quarantine"]["seriesCount"], 1, "{reason}");
        target(&mut cloud, &json!({"credentials": "Good"}));
        cloud.wait(6 * 3600);
        assert_eq!(status(&mut cloud, &job)["code"], "Active", "{reason}");
    }
    let mut cloud = writer();
    assert_eq!(target(&mut cloud, &json!({"quarantine": "Boredom"})).status, 400);
    assert_eq!(target(&mut cloud, &json!({"jobId": "unknown"})).status, 404);
}

#[test]
fn a_scenario_can_break_the_target_of_a_living_job() {
    let mut scenario = incident_with_roles(&[WRITE]);
    let job = json!({"id": "scim.lives", "templateId": "scim"});
    scenario.synchronization_jobs.insert(IDENTITY_APP.to_owned(), vec![job]);
    let broken = ProvisioningTarget { credentials: Some(TargetCredentials::Broken), ..Default::default() };
    scenario.provisioning_targets.insert(IDENTITY_APP.to_owned(), broken);
    let mut cloud = with(Knobs::calm(), &scenario);
    cloud.wait(60);
    let job = format!("/servicePrincipals/{IDENTITY}/synchronization/jobs/scim.lives");
    assert_eq!(status(&mut cloud, &job)["code"], "Quarantine");
}

#[test]
fn an_empty_scope_succeeds_with_nothing() {
    let mut cloud = writer();
    let job = told(&mut cloud);
    target(&mut cloud, &json!({"scopeEmpty": true}));
    cloud.wait(3600);
    let status = status(&mut cloud, &job);
    assert_eq!((&status["code"], &status["lastExecution"]["state"]), (&json!("Active"), &json!("Succeeded")));
    assert_eq!(status["lastExecution"]["countEntitled"], 0);
    assert_eq!(status["synchronizedEntryCountByType"][0]["value"], 0);
}

/// "Filter on Activity: Quarantine and review the quarantine history."
#[test]
fn each_quarantine_is_in_the_audit_log_once() {
    let (mut cloud, job) = broken();
    cloud.wait_days(3);
    let filter = "/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Quarantine'";
    let records = cloud.get(filter).values();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["loggedByService"], "Account Provisioning");
    assert_eq!(records[0]["category"], "ProvisioningManagement");
    assert_eq!(records[0]["targetResources"][0]["id"], IDENTITY);
    act(&mut cloud, &job, "start");
    cloud.wait(5);
    assert_eq!(cloud.get(filter).values().len(), 2);
    assert_eq!(column(&records, "activityDateTime"), ["2026-11-20T08:00:05.0000000Z"]);
}
