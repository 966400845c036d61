//! Provisioning jobs: what can be done to them, and by whom.
//! <https://learn.microsoft.com/graph/api/resources/synchronization-overview>

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::cloud::{
    Answer, Cloud, IDENTITY, IDENTITY_APP, INTEGRATION, OPERATOR_APP, calm, column, incident_with_roles, keys, with,
    with_only_roles, with_roles,
};
use webex_azure_operator::emulator::{Knobs, Ownership, Scenario};

pub const WRITE: &str = "Synchronization.ReadWrite.All";
const BASE: &str = "/servicePrincipals/00000000-0000-4000-8000-000000000011/synchronization";
const RULE: &str = "00000000-0000-4000-8000-000000000063";

/// The incident's tenant with an operator that may change jobs.
pub fn writer() -> Cloud {
    with_roles(&[WRITE])
}

/// A new job and its address, with saved credentials.
pub fn configured(cloud: &mut Cloud) -> String {
    let secrets = json!({"value": [
        {"key": "BaseAddress", "value": "https://scim.example"}, {"key": "SecretToken", "value": "made-up"},
    ]});
    let base = format!("/servicePrincipals/{INTEGRATION}/synchronization");
    assert_eq!(cloud.send("PUT", &format!("{base}/secrets"), Some(&secrets), &[]).status, 204);
    let made = cloud.post(&format!("{base}/jobs"), &json!({"templateId": "scim"}));
    assert_eq!(made.status, 201, "{}", made.text);
    format!("{base}/jobs/{}", made.body["id"].as_str().unwrap())
}

/// The address of the job that the incident's scenario brings.
pub fn told(cloud: &mut Cloud) -> String {
    let jobs = cloud.get(&format!("{BASE}/jobs")).values();
    format!("{BASE}/jobs/{}", jobs[0]["id"].as_str().unwrap())
}

pub fn act(cloud: &mut Cloud, path: &str, action: &str) -> Answer {
    cloud.send("POST", &format!("{path}/{action}"), None, &[])
}

fn refused(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.code())
}

/// "Create new synchronization job with a default synchronization schema. The job is created in a disabled state."
/// <https://learn.microsoft.com/graph/api/synchronization-synchronization-post-jobs>
#[test]
fn a_new_job_is_as_the_documentation_shows_it() {
    let mut cloud = writer();
    let jobs = format!("/servicePrincipals/{INTEGRATION}/synchronization/jobs");
    let made = cloud.post(&jobs, &json!({"templateId": "scim"}));
    assert_eq!(made.status, 201);
    let (schedule, status) = (&made.body["schedule"], &made.body["status"]);
    assert_eq!(*schedule, json!({"expiration": null, "interval": "P10675199DT2H48M5.4775807S", "state": "Disabled"}));
    assert_eq!(status["code"], "NotConfigured");
    assert_eq!(status["lastExecution"], Value::Null);
    assert_eq!(status["steadyStateFirstAchievedTime"], "0001-01-01T00:00:00Z");
    assert_eq!(status["synchronizedEntryCountByType"], json!([]));
    let id = made.body["id"].as_str().unwrap();
    assert!(id.starts_with("scim.00000000000040008000000000000001."), "{id}");
    let schema = cloud.get(&format!("{jobs}/{id}/schema"));
    assert_eq!(schema.body["synchronizationRules"][0]["id"], RULE);
    assert_eq!(cloud.get(&format!("{jobs}/{id}")).body["status"], *status);
}

/// "Job was not configured and never run. No authorization was provided." and "Job was configured, and possibly
/// started, but hasn't completed its first run."
#[test]
fn credentials_turn_not_configured_into_not_run_and_the_first_cycle_into_active() {
    let mut cloud = writer();
    let job = configured(&mut cloud);
    assert_eq!(cloud.get(&job).body["status"]["code"], "NotRun");
    assert_eq!(act(&mut cloud, &job, "start").status, 204);
    cloud.wait(60);
    let running = cloud.get(&job).body;
    assert_eq!((&running["status"]["code"], &running["schedule"]["state"]), (&json!("NotRun"), &json!("Active")));
    assert_eq!(running["schedule"]["interval"], "PT40M");
    assert_eq!(running["status"]["progress"].as_array().unwrap().len(), 1);
    cloud.wait(20 * 60);
    let done = cloud.get(&job).body;
    assert_eq!(done["status"]["code"], "Active");
    assert_eq!(done["status"]["lastExecution"]["state"], "Succeeded");
    assert_eq!(done["status"]["lastExecution"]["timeEnded"], "2026-11-20T08:20:00Z");
    assert_eq!(done["status"]["steadyStateFirstAchievedTime"], "2026-11-20T08:20:00Z");
    assert_eq!(done["status"]["progress"], json!([]));
}

#[test]
fn an_active_job_runs_every_interval_however_seldom_it_is_looked_at() {
    let mut often = writer();
    let job = configured(&mut often);
    act(&mut often, &job, "start");
    let mut seldom = writer();
    assert_eq!(configured(&mut seldom), job);
    act(&mut seldom, &job, "start");
    for _ in 0..30 {
        often.wait(100);
        often.get(&job);
    }
    seldom.wait(3000);
    let (often, seldom) = (often.get(&job).body, seldom.get(&job).body);
    assert_eq!(often["status"]["lastExecution"]["timeBegan"], "2026-11-20T08:40:00Z");
    for name in ["timeBegan", "timeEnded", "state", "countEntitled"] {
        assert_eq!(often["status"]["lastExecution"][name], seldom["status"]["lastExecution"][name], "{name}");
    }
}

#[test]
fn a_year_passes_in_one_step() {
    let mut cloud = writer();
    let job = configured(&mut cloud);
    act(&mut cloud, &job, "start");
    cloud.wait_days(365);
    let last = cloud.get(&job).body["status"]["lastExecution"]["timeBegan"].as_str().unwrap().to_owned();
    assert_eq!(last, "2027-11-20T07:20:00Z");
}

/// "All the progress, including job state, is persisted, and the job will continue from where it left off when a
/// start call is made."
#[test]
fn pause_disables_the_schedule_and_keeps_the_state_and_start_resumes_it() {
    let mut cloud = writer();
    let job = told(&mut cloud);
    let before = cloud.get(&job).body;
    assert_eq!(act(&mut cloud, &job, "pause").status, 204);
    let paused = cloud.get(&job).body;
    assert_eq!((&paused["schedule"]["state"], &paused["status"]["code"]), (&json!("Disabled"), &json!("Paused")));
    assert_eq!(paused["status"]["lastExecution"], before["status"]["lastExecution"]);
    assert_eq!(paused["status"]["synchronizedEntryCountByType"], before["status"]["synchronizedEntryCountByType"]);
    cloud.wait_days(1);
    assert_eq!(cloud.get(&job).body, paused);
    assert_eq!(act(&mut cloud, &job, "start").status, 204);
    cloud.wait(5);
    let started = cloud.get(&job).body;
    assert_eq!((&started["schedule"]["state"], &started["status"]["code"]), (&json!("Active"), &json!("Active")));
    assert_eq!(started["status"]["lastExecution"]["timeBegan"], "2026-11-21T08:00:00Z");
    assert_eq!(started["status"]["lastExecution"]["countExports"], 0);
}

/// "Use the start job only when the job is currently paused or in quarantine."
#[test]
fn starting_a_running_job_changes_nothing() {
    let mut cloud = writer();
    let job = configured(&mut cloud);
    act(&mut cloud, &job, "start");
    cloud.wait(600);
    assert_eq!(act(&mut cloud, &job, "start").status, 204);
    cloud.wait(600);
    assert_eq!(cloud.get(&job).body["status"]["lastExecution"]["timeBegan"], "2026-11-20T08:00:00Z");
}

#[test]
fn a_job_of_a_scenario_is_as_told_until_something_is_done_to_it() {
    let mut scenario = incident_with_roles(&[WRITE]);
    scenario.provisioning_targets.clear();
    let mut cloud = with(Knobs::calm(), &scenario);
    let job = told(&mut cloud);
    let before = cloud.get(&job).body;
    cloud.wait_days(3);
    assert_eq!(cloud.get(&job).body, before);
    let lives = json!({"tenantId": super::cloud::TENANT, "appId": IDENTITY_APP});
    assert_eq!(cloud.control("POST", "/synchronization", Some(&lives)).status, 204);
    cloud.wait(3600);
    cloud.sign_in();
    let status = cloud.get(&job).body["status"].clone();
    assert!(status["lastExecution"]["timeBegan"].as_str().unwrap().starts_with("2026-11-23T0"), "{status}");
    assert_eq!(status["lastExecution"]["countEntitled"], 10);
    assert_eq!(status["steadyStateFirstAchievedTime"], before["status"]["steadyStateFirstAchievedTime"]);
}

/// A documented answer has empty texts for dates and for the reason of a quarantine.
/// <https://learn.microsoft.com/graph/api/synchronization-synchronizationjob-get>
#[test]
fn a_scenario_may_tell_what_no_living_job_would_show() {
    let mut scenario = incident_with_roles(&[WRITE]);
    let never = "0001-01-01T00:00:00Z";
    let quarantine = json!({"currentBegan": never, "nextAttempt": never, "reason": "Unknown", "seriesBegan": never, "seriesCount": 2, "error": null});
    let job = json!({
        "id": "odd",
        "templateId": "BoxOutDelta",
        "schedule": {"expiration": null, "interval": "P10675199DT2H48M5.4775807S", "state": "Disabled"},
        "status": {
            "code": "Paused",
            "countSuccessiveCompleteFailures": 7,
            "escrowsPruned": true,
            "lastExecution": null,
            "lastSuccessfulExecution": null,
            "lastSuccessfulExecutionWithExports": null,
            "progress": [],
            "quarantine": quarantine,
            "steadyStateFirstAchievedTime": never,
            "steadyStateLastAchievedTime": never,
            "synchronizedEntryCountByType": [],
            "troubleshootingUrl": "https://example.com",
        },
        "synchronizationJobSettings": [],
    });
    scenario.synchronization_jobs.insert(IDENTITY_APP.to_owned(), vec![job.clone()]);
    scenario.provisioning_targets.clear();
    let mut cloud = with(Knobs::calm(), &scenario);
    let path = format!("{BASE}/jobs/odd");
    let mut shown = cloud.get(&path).body;
    shown.as_object_mut().unwrap().remove("@odata.context");
    assert_eq!(shown, job);
    assert_eq!(act(&mut cloud, &path, "start").status, 204);
    cloud.wait(5);
    assert_eq!(cloud.get(&path).body["status"]["quarantine"], Value::Null);
}

#[test]
fn a_job_of_an_application_with_a_target_lives_on_from_where_its_words_left_it() {
    let mut cloud = writer();
    let job = told(&mut cloud);
    cloud.wait(10);
    let status = cloud.get(&job).body["status"].clone();
    assert_eq!((&status["code"], &status["lastExecution"]["countEntitled"]), (&json!("Active"), &json!(10)));
    let began: jiff::Timestamp = status["lastExecution"]["timeBegan"].as_str().unwrap().parse().unwrap();
    let start: jiff::Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    assert!(began <= start && start.duration_since(began) <= jiff::SignedDuration::from_mins(40), "{began}");
}

#[test]
fn while_a_cycle_is_under_way_the_one_before_it_is_the_last() {
    // The incident's job began a cycle at this second of 2023, and every 40 minutes since.
    let told: Timestamp =
        Scenario::incident().synchronization_jobs[IDENTITY_APP][0]["status"]["lastExecution"]["timeBegan"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
    let interval = SignedDuration::from_mins(40);
    let begins = told + interval * 100_000;
    for (seconds, last) in [(-1, 1), (0, 1), (4, 1), (5, 0), (2399, 0)] {
        let mut cloud = writer();
        cloud.now = begins + SignedDuration::from_secs(seconds);
        assert_eq!(cloud.control("POST", "/tenants", Some(&json!(incident_with_roles(&[WRITE])))).status, 201);
        cloud.sign_in();
        let status = told_job(&mut cloud)["status"].clone();
        let expected = begins - interval * last;
        let expected = if seconds < 0 { begins - interval } else { expected };
        for execution in ["lastExecution", "lastSuccessfulExecution"] {
            assert_eq!(status[execution]["timeBegan"], expected.to_string(), "{seconds}: {execution}");
        }
        assert_eq!(status["progress"] != json!([]), (0..5).contains(&seconds), "{seconds}: {}", status["progress"]);
    }
}

fn told_job(cloud: &mut Cloud) -> Value {
    let path = told(cloud);
    cloud.get(&path).body
}

#[test]
fn a_job_of_a_scenario_without_a_status_lives() {
    let mut scenario = incident_with_roles(&[]);
    let schedule = json!({"interval": "PT20M", "state": "Active"});
    let job = json!({"id": "scim.lives", "templateId": "scim", "schedule": schedule});
    scenario.synchronization_jobs.insert(IDENTITY_APP.to_owned(), vec![job]);
    let mut cloud = with(Knobs::calm(), &scenario);
    cloud.wait(3000);
    let job = cloud.get(&format!("{BASE}/jobs/scim.lives")).body;
    assert_eq!(job["status"]["lastExecution"]["timeBegan"], "2026-11-20T08:40:00Z");
    assert_eq!(job["schedule"]["interval"], "PT20M");
}

/// "`Watermark` - Removing the watermark causes the service to re-evaluate all the users again". "Leaving this
/// property empty emulates the Restart provisioning option".
/// <https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationjobrestartcriteria>
#[test]
fn restart_begins_an_initial_cycle_only_if_the_watermark_goes() {
    for (criteria, minutes) in [
        (json!({"criteria": {"resetScope": "Watermark, Escrows, QuarantineState"}}), 20),
        (json!({"criteria": {"resetScope": "Full"}}), 20),
        (json!({"criteria": {"resetScope": ""}}), 20),
        (json!({"criteria": {}}), 20),
        (json!({"criteria": {"resetScope": "Escrows"}}), 0),
        (json!({"criteria": {"resetScope": "None"}}), 0),
    ] {
        let mut cloud = writer();
        let job = told(&mut cloud);
        assert_eq!(cloud.post(&format!("{job}/restart"), &criteria).status, 204, "{criteria}");
        cloud.wait(30);
        let began = cloud.get(&job).body["status"]["lastExecution"]["timeBegan"].clone();
        assert_eq!(began == "2026-11-20T08:00:00Z", minutes == 0, "{criteria}");
        cloud.wait(60 * minutes);
        let began = cloud.get(&job).body["status"]["lastExecution"]["timeBegan"].clone();
        assert_eq!(began, "2026-11-20T08:00:00Z", "{criteria}");
    }
}

#[test]
fn restart_refuses_an_unknown_flag_and_does_nothing() {
    let mut cloud = writer();
    let job = told(&mut cloud);
    let before = cloud.get(&job).body;
    for body in [
        json!({"criteria": {"resetScope": "Watermark, Everything"}}),
        json!({"criteria": {"resetScope": 4}}),
        json!({"criteria": "Full"}),
        json!([]),
    ] {
        let answer = cloud.post(&format!("{job}/restart"), &body);
        assert_eq!(refused(&answer), (400, "BadRequest".to_owned()), "{body}");
    }
    assert_eq!(act(&mut cloud, &job, "restart").status, 400);
    assert_eq!(cloud.get(&job).body, before);
}

#[test]
fn what_does_not_exist_is_404_and_a_wrong_method_405() {
    let mut cloud = writer();
    for (method, path) in [
        ("GET", format!("{BASE}/jobs/unknown")),
        ("POST", format!("{BASE}/jobs/unknown/start")),
        ("POST", format!("{BASE}/jobs/unknown/pause")),
        ("DELETE", format!("{BASE}/jobs/unknown")),
        ("GET", format!("{BASE}/jobs/unknown/schema")),
        ("GET", format!("{BASE}/templates/unknown")),
        ("GET", "/servicePrincipals/11111111-2222-3333-4444-555555555555/synchronization/jobs".to_owned()),
    ] {
        let answer = cloud.send(method, &path, None, &[]);
        assert_eq!(refused(&answer), (404, "Request_ResourceNotFound".to_owned()), "{method} {path}");
    }
    let job = told(&mut cloud);
    for (method, path) in [
        ("GET", format!("{job}/start")),
        ("PUT", job.clone()),
        ("GET", format!("{BASE}/secrets")),
        ("POST", format!("{BASE}/templates")),
        ("GET", format!("{BASE}/jobs/validateCredentials")),
    ] {
        assert_eq!(cloud.send(method, &path, None, &[]).status, 405, "{method} {path}");
    }
}

#[test]
fn a_job_needs_a_known_template_and_nothing_that_is_read_only() {
    let mut cloud = writer();
    for (body, code) in [
        (json!({"templateId": "Slack"}), "RequestParameterInvalid"),
        (json!({}), "Request_BadRequest"),
        (json!({"templateId": 7}), "Request_BadRequest"),
        (json!({"templateId": "scim", "status": {}}), "Request_BadRequest"),
        (json!({"templateId": "scim", "schedule": {"interval": "often"}}), "Request_BadRequest"),
        (json!({"templateId": "scim", "colour": "blue"}), "BadRequest"),
    ] {
        let answer = cloud.post(&format!("{BASE}/jobs"), &body);
        assert_eq!(refused(&answer), (400, code.to_owned()), "{body}");
    }
    assert_eq!(cloud.get(&format!("{BASE}/jobs/$count")).text, "1");
}

#[test]
fn a_schedule_can_be_changed() {
    let mut cloud = writer();
    let job = configured(&mut cloud);
    let change = json!({"schedule": {"interval": "PT1H", "state": "Active"}});
    assert_eq!(cloud.patch(&job, &change).status, 204);
    cloud.wait(2 * 3600);
    cloud.sign_in();
    let shown = cloud.get(&job).body;
    assert_eq!(shown["schedule"]["interval"], "PT1H");
    assert_eq!(shown["status"]["lastExecution"]["timeBegan"], "2026-11-20T09:00:00Z");
    for body in [json!({"schedule": {"state": "Asleep"}}), json!({"schedule": {"interval": "PT1S"}})] {
        assert_eq!(cloud.patch(&job, &body).status, 400, "{body}");
    }
    assert_eq!(cloud.patch(&job, &json!({"templateId": "scim"})).status, 400);
}

#[test]
fn a_deleted_job_is_gone() {
    let mut cloud = writer();
    let job = told(&mut cloud);
    assert_eq!(cloud.delete(&job).status, 204);
    assert_eq!(cloud.get(&job).status, 404);
    assert_eq!(cloud.get(&format!("{BASE}/jobs/$count")).text, "0");
}

#[test]
fn counts_are_plain_numbers() {
    let mut cloud = writer();
    configured(&mut cloud);
    let base = format!("/servicePrincipals/{INTEGRATION}/synchronization");
    for (path, count) in [("jobs", "1"), ("secrets", "2"), ("templates", "2")] {
        let answer = cloud.get(&format!("{base}/{path}/$count"));
        assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, count), "{path}");
        assert_eq!(answer.header("content-type"), "text/plain", "{path}");
    }
}

/// "Provide credentials for establishing connectivity with the target system." Nothing reads them again.
#[test]
fn secrets_are_written_and_never_shown() {
    let mut cloud = writer();
    let job = configured(&mut cloud);
    let base = format!("/servicePrincipals/{INTEGRATION}/synchronization");
    let shown = cloud.get(&base);
    assert_eq!(shown.status, 200);
    assert_eq!(keys(&shown.body), ["@odata.context", "id", "secrets"]);
    assert_eq!(column(shown.body["secrets"].as_array().unwrap(), "key"), ["BaseAddress", "SecretToken"]);
    for path in [&base, &job] {
        assert!(!cloud.get(path).text.contains("made-up"), "{path}");
    }
    assert!(!cloud.truth().to_string().contains("made-up"));
    let empty = json!({"value": [{"key": "SecretToken", "value": ""}]});
    assert_eq!(cloud.send("PUT", &format!("{base}/secrets"), Some(&empty), &[]).status, 204);
    assert_eq!(cloud.get(&format!("{base}/secrets/$count")).text, "1");
    for body in [
        json!({"value": [{"key": "Passwort", "value": "x"}]}),
        json!({"value": "x"}),
        json!({"value": [7]}),
        json!({"credentials": []}),
    ] {
        assert_eq!(cloud.send("PUT", &format!("{base}/secrets"), Some(&body), &[]).status, 400, "{body}");
    }
}

/// "When `true`, the `credentials` parameter will be ignored and the previously saved credentials (if any) will be
/// validated instead."
#[test]
fn credentials_are_validated_for_a_job_and_without_one() {
    let mut cloud = writer();
    let job = configured(&mut cloud);
    let base = format!("/servicePrincipals/{INTEGRATION}/synchronization/jobs");
    let given = json!({"templateId": "scim", "credentials": [{"key": "SecretToken", "value": "other"}]});
    for path in [format!("{job}/validateCredentials"), format!("{base}/validateCredentials")] {
        assert_eq!(cloud.post(&path, &json!({"useSavedCredentials": true})).status, 204, "{path}");
        assert_eq!(cloud.post(&path, &given).status, 204, "{path}");
        assert_eq!(cloud.post(&path, &json!({"credentials": []})).status, 400, "{path}");
    }
    let broken =
        json!({"tenantId": super::cloud::TENANT, "appId": super::cloud::INTEGRATION_APP, "credentials": "Broken"});
    assert_eq!(cloud.control("POST", "/synchronization", Some(&broken)).status, 204);
    let path = format!("{job}/validateCredentials");
    let answer = cloud.post(&path, &json!({"useSavedCredentials": true}));
    assert_eq!(answer.status, 400);
    assert!(answer.code().contains("CredentialValidation"), "{}", answer.text);
    assert_eq!(cloud.post(&path, &given).status, 204);
    let unknown = format!("{base}/unknown/validateCredentials");
    assert_eq!(cloud.post(&unknown, &given).status, 404);
}

#[test]
fn templates_have_a_schema_and_a_job_can_have_its_own() {
    let mut cloud = writer();
    let templates = cloud.get(&format!("{BASE}/templates")).values();
    assert_eq!(column(&templates, "id"), ["CiscoWebex", "scim"]);
    assert_eq!(cloud.get(&format!("{BASE}/templates/scim")).body["factoryTag"], "customappsso");
    let job = told(&mut cloud);
    let mut schema = cloud.get(&format!("{job}/schema")).body;
    schema["synchronizationRules"] = json!([]);
    schema.as_object_mut().unwrap().remove("@odata.context");
    for method in ["PATCH", "PUT"] {
        assert_eq!(cloud.send(method, &format!("{job}/schema"), Some(&schema), &[]).status, 204, "{method}");
    }
    assert_eq!(cloud.get(&format!("{job}/schema")).body["synchronizationRules"], json!([]));
    assert_eq!(cloud.delete(&format!("{job}/schema")).status, 204);
    assert_eq!(cloud.get(&format!("{job}/schema")).body["synchronizationRules"][0]["id"], RULE);
    for body in [json!({}), json!({"directories": [], "synchronizationRules": [7]}), json!({"rules": []})] {
        assert_eq!(cloud.patch(&format!("{job}/schema"), &body).status, 400, "{body}");
    }
}

#[test]
fn the_whole_synchronization_can_be_replaced_and_ended() {
    let mut cloud = writer();
    configured(&mut cloud);
    let base = format!("/servicePrincipals/{INTEGRATION}/synchronization");
    let secrets = json!({"secrets": [{"key": "Url", "value": "https://scim.example"}]});
    assert_eq!(cloud.send("PUT", &base, Some(&secrets), &[]).status, 204);
    assert_eq!(cloud.get(&format!("{base}/secrets/$count")).text, "1");
    assert_eq!(cloud.post(&format!("{base}/acquireAccessToken"), &json!({"credentials": []})).status, 204);
    assert_eq!(cloud.post(&format!("{base}/acquireAccessToken"), &json!({})).status, 400);
    assert_eq!(cloud.delete(&base).status, 204);
    assert_eq!(cloud.get(&format!("{base}/jobs/$count")).text, "0");
    assert_eq!(cloud.get(&format!("{base}/secrets/$count")).text, "0");
}

/// "Application: Application.ReadWrite.OwnedBy, Synchronization.Read.All, Synchronization.ReadWrite.All" for reads,
/// the same without `Synchronization.Read.All` for writes.
#[test]
fn reading_needs_a_permission_and_writing_another() {
    let path = format!("{BASE}/jobs");
    let status = |cloud: &mut Cloud, method: &str, path: &str, body: Option<&Value>| {
        let answer = cloud.send(method, path, body, &[]);
        if answer.status == 403 {
            assert_eq!(answer.code(), "Authorization_RequestDenied");
        }
        answer.status.as_u16()
    };
    let new = json!({"templateId": "scim"});
    for (role, reads, writes) in [
        ("Synchronization.Read.All", 200, 403),
        (WRITE, 200, 201),
        ("Application.ReadWrite.OwnedBy", 403, 403),
        ("Directory.Read.All", 403, 403),
    ] {
        let mut cloud = with_only_roles(&[role]);
        assert_eq!(status(&mut cloud, "GET", &path, None), reads, "{role}");
        assert_eq!(status(&mut cloud, "POST", &path, Some(&new)), writes, "{role}");
    }
    let mut cloud = calm();
    let job = told(&mut cloud);
    for (method, path) in [
        ("POST", format!("{job}/start")),
        ("POST", format!("{job}/pause")),
        ("POST", format!("{job}/restart")),
        ("POST", format!("{job}/provisionOnDemand")),
        ("POST", format!("{job}/validateCredentials")),
        ("PATCH", job.clone()),
        ("DELETE", job.clone()),
        ("DELETE", format!("{job}/schema")),
        ("PUT", format!("{BASE}/secrets")),
        ("DELETE", BASE.to_owned()),
    ] {
        assert_eq!(status(&mut cloud, method, &path, Some(&json!({}))), 403, "{method} {path}");
    }
}

#[test]
fn an_owner_may_use_the_jobs_of_what_it_owns_and_not_reschedule_them() {
    let owned = |scenario: &mut Scenario| {
        scenario.owners.push(Ownership { app_id: IDENTITY_APP.to_owned(), owner: OPERATOR_APP.to_owned() });
    };
    let mut scenario = incident_with_roles(&["Application.ReadWrite.OwnedBy"]);
    scenario.app_role_assignments.retain(|row| !row.role.starts_with("Synchronization"));
    owned(&mut scenario);
    let mut cloud = with(Knobs::calm(), &scenario);
    let job = told(&mut cloud);
    assert_eq!(act(&mut cloud, &job, "pause").status, 204);
    assert_eq!(cloud.patch(&job, &json!({"schedule": {"state": "Active"}})).status, 403);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}/synchronization/jobs")).status, 403);
}

/// "Provisioning might appear to be broken" between 40 minutes and a day after a restore, unless it is restarted.
#[test]
fn jobs_leave_and_return_with_their_principal_and_stand_still_for_a_while() {
    let mut cloud = with_roles(&[WRITE, "Application.ReadWrite.All"]);
    cloud.knob("provisioningRestoreDelay", "PT12H");
    let job = told(&mut cloud);
    act(&mut cloud, &job, "pause");
    act(&mut cloud, &job, "start");
    cloud.wait(60);
    let before = cloud.get(&job).body;
    assert_eq!(before["status"]["lastExecution"]["timeBegan"], "2026-11-20T08:00:00Z");
    assert_eq!(cloud.delete(&format!("/servicePrincipals/{IDENTITY}")).status, 204);
    assert_eq!(cloud.get(&job).status, 404);
    cloud.wait_days(2);
    assert_eq!(act(&mut cloud, &format!("/directory/deletedItems/{IDENTITY}"), "restore").status, 200);
    cloud.wait(11 * 3600);
    cloud.sign_in();
    assert_eq!(cloud.get(&job).body, before);
    let restart = json!({"criteria": {"resetScope": "None"}});
    assert_eq!(cloud.post(&format!("{job}/restart"), &restart).status, 204);
    cloud.wait(5);
    let began = cloud.get(&job).body["status"]["lastExecution"]["timeBegan"].clone();
    assert_eq!(began, "2026-11-22T19:01:00Z");
}
