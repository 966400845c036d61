//! Provisioning jobs: asked by object ID, believed only of the service principal that is there, and read whatever is
//! missing in them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{ObjectId, Reason},
    domain::{
        Reading, Recall,
        observed::{CycleState, ScheduleState, SynchronizationCode, SynchronizationJob},
        permission,
    },
    emulator::Knobs,
    graph::Priority,
};

use super::{
    fixture::{IDENTITY, IDENTITY_OBJECT, Read, Scene, all_in_order, identity, published, spec, spec_with, unreadable},
    seam::{Kind, Reply},
    tenant::{error, job},
};

const OTHER: ObjectId = ObjectId::from_u128(0x99);

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Nothing is known of earlier looks.
fn at_first_sight() -> Scene {
    let mut scene = Scene::healthy();
    scene.recall = Recall::default();
    scene
}

async fn jobs_of(scene: &Scene) -> Vec<SynchronizationJob> {
    identity(&scene.seen().await).jobs.known().unwrap().clone()
}

/// The jobs in an answer of this body.
async fn read(body: Value) -> Vec<SynchronizationJob> {
    let scene = Scene::healthy();
    scene.finds(IDENTITY, Read::Jobs, body);
    jobs_of(&scene).await
}

/// The job as it is read after this was done to the one that is in order.
async fn changed(change: impl FnOnce(&mut Value)) -> SynchronizationJob {
    let mut job = job();
    change(&mut job);
    read(json!({"value": [job]})).await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_steady_look_at_both_presets_is_one_batch_of_at_most_seven_units() {
    for scene in [Scene::healthy(), Scene::emulated(Knobs::calm(), |_| {})] {
        scene.seen().await;
        for _ in 0..3 {
            scene.asked();
            let look = scene.look_for(&scene.looker, Priority::Nobody).await;
            assert_eq!(scene.kinds(), [Kind::Batch]);
            let units: u32 = look.trail.iter().filter_map(|exchange| exchange.resource_units).sum();
            assert_eq!((look.trail.len(), units), (7, 6), "a batch of six reads of one unit each: {:?}", look.trail);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_are_asked_by_the_object_id_which_a_first_look_has_to_find_out() {
    let scene = at_first_sight();
    let first = scene.seen().await;
    let batches = scene.batches();
    let url = format!("/servicePrincipals/{IDENTITY_OBJECT}/synchronization/jobs");
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[1], std::slice::from_ref(&url));
    assert_eq!(first, all_in_order().await);
    let steady = Scene::healthy();
    steady.seen().await;
    let batches = steady.batches();
    assert_eq!(batches.len(), 1);
    assert!(batches[0].contains(&url));
}

#[tokio::test(start_paused = true)]
async fn jobs_of_another_service_principal_than_the_one_that_is_there_do_not_count() {
    for status in [200, 404] {
        let mut scene = Scene::healthy();
        scene.recall.principals = [(IDENTITY, OTHER)].into();
        scene.url(0..1, "/00000000-0000-0000-0000-000000000099/synchronization/jobs", move |item| {
            item["status"] = status.into();
            let mut other = job();
            other["id"] = "other".into();
            item["body"] = if status == 200 { json!({"value": [other]}) } else { error("Request_ResourceNotFound") };
        });
        assert_eq!(scene.seen().await, all_in_order().await);
        let batches = scene.batches();
        assert_eq!(batches[1], [format!("/servicePrincipals/{IDENTITY_OBJECT}/synchronization/jobs")], "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_that_are_not_found_are_not_taken_for_none() {
    for code in ["Request_ResourceNotFound", "Directory_ObjectNotFound", "NotFound"] {
        for mut scene in [Scene::healthy(), at_first_sight()] {
            scene.recall.identity = None;
            scene.url(.., "/synchronization/jobs", move |item| {
                item["status"] = 404.into();
                item["body"] = error(code);
            });
            let observed = scene.seen().await;
            assert_eq!(unreadable(&identity(&observed).jobs), Reason::MalformedResponse, "{code}");
            assert!(identity(&observed).service_principal.known().is_some());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_of_a_service_principal_that_is_not_there_are_nothing_to_ask_for() {
    let scene = Scene::healthy();
    scene.absent(IDENTITY);
    let observed = scene.seen().await;
    let Some(seen) = observed.applications.get(&IDENTITY) else { panic!("{observed:?}") };
    assert_eq!(
        (&seen.jobs, &seen.assigned, &seen.credentials),
        (&Reading::NotAsked, &Reading::NotAsked, &Reading::NotAsked)
    );
    assert_eq!(observed.obstacle(), None);
}

#[tokio::test(start_paused = true)]
async fn jobs_are_as_unreadable_as_the_service_principal_whose_id_is_not_known() {
    let scene = at_first_sight();
    scene.refuse(IDENTITY, Read::Principal, 503, "ServiceUnavailable");
    let observed = scene.seen().await;
    assert_eq!(unreadable(&identity(&observed).jobs), Reason::GraphUnavailable);
    assert_eq!(unreadable(&identity(&observed).credentials), Reason::GraphUnavailable);
    let known = Scene::healthy();
    known.refuse(IDENTITY, Read::Principal, 503, "ServiceUnavailable");
    let observed = known.seen().await;
    assert!(identity(&observed).jobs.known().is_some(), "what is readable is not hidden");
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_is_missing_for_jobs_is_named_and_the_rest_is_read() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.app_role_assignments.retain(|assignment| assignment.role != "Synchronization.Read.All");
    });
    let observed = scene.seen().await;
    let app = scene.looker.desired.applications[1].app_id;
    let seen = &observed.applications[&app];
    let obstacle = seen.jobs.obstacle().unwrap();
    assert_eq!(obstacle.reason, Reason::PermissionMissing);
    assert!(obstacle.message.contains("Synchronization.Read.All (reading provisioning jobs)"), "{}", obstacle.message);
    assert!(!obstacle.message.contains("Application.Read.All"), "only what is missing: {}", obstacle.message);
    assert!(seen.service_principal.known().is_some() && seen.assigned.known().is_some());
    assert_eq!(observed.obstacle(), Some(obstacle));
}

#[tokio::test(start_paused = true)]
async fn what_reads_jobs_is_too_much_only_where_no_job_is_required() {
    let excess = |spec: Value| {
        let scene = Scene::declaring(spec);
        let roles = ["Application.Read.All", "Directory.Read.All", "Synchronization.Read.All"];
        permission::excess(&scene.looker.desired, &roles.map(str::to_owned).into())
    };
    assert!(excess(spec()).is_empty());
    assert!(excess(spec_with(|spec| spec["identity"] = json!({}))).is_empty(), "also while it has to be found");
    let without = spec_with(|spec| spec["identity"]["provisioning"] = json!({"required": false}));
    assert_eq!(excess(without), ["Synchronization.Read.All"]);
}

#[tokio::test(start_paused = true)]
async fn jobs_are_asked_neither_where_none_is_required_nor_where_the_cloud_has_none() {
    let without = spec_with(|spec| spec["identity"]["provisioning"] = json!({"required": false}));
    let in_china = spec_with(|spec| {
        spec["cloud"] = "China".into();
        spec["identityIntegration"] = json!({"appId": super::fixture::INTEGRATION.to_string()});
    });
    for spec in [without, in_china] {
        let scene = Scene::declaring(spec);
        let observed = scene.seen().await;
        let reads = scene.reads();
        assert!(!reads.iter().any(|url| url.contains("synchronization") || url.contains("AssignedTo")), "{reads:?}");
        assert_eq!(identity(&observed).jobs, Reading::NotAsked);
        assert_eq!(identity(&observed).assigned, Reading::NotAsked);
        assert_eq!(observed.obstacle(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn g38_a_cloud_that_does_not_offer_jobs_is_told_from_trouble() {
    for (status, code, expected) in [
        (501, "NotImplemented", Reason::NotObserved),
        (400, "Request_BadRequest", Reason::MalformedResponse),
        (429, "TooManyRequests", Reason::Throttled),
        (500, "InternalServerError", Reason::GraphUnavailable),
    ] {
        let scene = Scene::healthy();
        scene.refuse(IDENTITY, Read::Jobs, status, code);
        let observed = scene.seen().await;
        let jobs = &identity(&observed).jobs;
        assert_eq!(unreadable(jobs), expected, "{status}");
        assert_eq!(jobs.obstacle().unwrap().is_not_offered(), status == 501);
    }
}

#[tokio::test(start_paused = true)]
async fn g04_jobs_that_were_asked_to_wait_for_are_asked_again_alone() {
    let scene = Scene::healthy();
    scene.item_in(0..1, IDENTITY, Read::Jobs, |item| {
        item["status"] = 429.into();
        item["headers"]["Retry-After"] = "2".into();
    });
    assert_eq!(scene.seen().await, all_in_order().await);
    let batches = scene.batches();
    assert_eq!(batches[1], [format!("/servicePrincipals/{IDENTITY_OBJECT}/synchronization/jobs")]);
}

#[tokio::test(start_paused = true)]
async fn g36_a_job_that_is_paused_or_in_quarantine_is_read_as_such() {
    let running = read(published("synchronizationjob-list-quarantine-running")).await.remove(0);
    assert_eq!((running.schedule, running.code), (ScheduleState::Active, SynchronizationCode::Quarantine));
    assert_eq!(running.interval, Some(SignedDuration::from_mins(40)));
    assert_eq!(running.template_id, "scim");
    let quarantine = running.quarantine.unwrap();
    assert_eq!(quarantine.reason, "EncounteredQuarantineException");
    assert_eq!(quarantine.since, Some(at("2026-11-18T20:00:00Z")), "the series, not the last attempt");
    assert_eq!(quarantine.next_attempt, Some(at("2026-11-23T10:00:00Z")));
    let code = "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable";
    assert_eq!(quarantine.error_code.as_deref(), Some(code));
    assert_eq!(running.last_success, Some(at("2026-11-18T10:02:00Z")));
    let cycle = running.last_cycle.unwrap();
    assert_eq!((cycle.ended, cycle.state), (at("2026-11-22T10:00:09Z"), CycleState::Failed));
    assert_eq!((running.failures, running.synchronized), (9, Some(118)));

    let paused = read(published("synchronizationjob-list-paused")).await.remove(0);
    assert_eq!((paused.schedule, paused.code), (ScheduleState::Disabled, SynchronizationCode::Paused));
    assert_eq!((paused.interval, paused.last_success, paused.last_cycle), (None, None, None), "it never ran");
    assert_eq!((paused.quarantine, paused.synchronized), (None, None));
}

#[tokio::test(start_paused = true)]
async fn g35_empty_texts_in_a_published_job_are_no_times() {
    let job = read(json!({"value": [published("synchronizationjob-get-quarantine")]})).await.remove(0);
    assert_eq!(job.code, SynchronizationCode::Paused);
    let quarantine = job.quarantine.unwrap();
    assert_eq!((quarantine.since, quarantine.next_attempt, quarantine.reason.as_str()), (None, None, ""));
    assert_eq!(quarantine.error_code.as_deref(), Some("SalesforceInvalidCredentials"));
}

#[tokio::test(start_paused = true)]
async fn g37_several_jobs_or_none_are_read_as_they_are() {
    assert!(read(json!({"value": []})).await.is_empty());
    let mut other = job();
    other["templateId"] = "scim".into();
    let templates: Vec<String> =
        read(json!({"value": [job(), other]})).await.into_iter().map(|job| job.template_id).collect();
    assert_eq!(templates, ["CiscoWebex", "scim"]);

    let scene = Scene::healthy();
    let link = "https://graph.microsoft.com/v1.0/servicePrincipals/x/synchronization/jobs?$skiptoken=1";
    scene.item(IDENTITY, Read::Jobs, move |item| item["body"]["@odata.nextLink"] = link.into());
    scene.pages(|_| Reply::json(200, &json!({"value": [job()]})));
    assert_eq!(jobs_of(&scene).await.len(), 2);
    scene.settle();
    scene.item(IDENTITY, Read::Jobs, move |item| item["body"]["@odata.nextLink"] = link.into());
    scene.pages(|_| Reply::json(500, &error("InternalServerError")));
    assert_eq!(unreadable(&identity(&scene.seen().await).jobs), Reason::GraphUnavailable, "not a part of the list");
}

#[tokio::test(start_paused = true)]
async fn g35_whatever_is_missing_or_of_another_type_takes_nothing_else_away() {
    let whole = changed(|_| {}).await;
    for wrong in
        [Value::Null, json!([]), json!({}), json!(7), json!("2026-13-45"), json!("0001-01-01T00:00:00Z"), json!(true)]
    {
        for name in [
            "lastSuccessfulExecution",
            "lastExecution",
            "quarantine",
            "synchronizedEntryCountByType",
            "countSuccessiveCompleteFailures",
        ] {
            let (shown, wrong) = (wrong.clone(), wrong.clone());
            let job = changed(move |job| job["status"][name] = wrong).await;
            assert_eq!((job.code, job.schedule, &job.id), (whole.code, whole.schedule, &whole.id), "{name} {shown}");
            if name == "lastSuccessfulExecution" {
                assert_eq!((job.last_success, job.last_cycle), (None, whole.last_cycle), "{shown}");
            }
        }
        let interval = wrong.clone();
        assert_eq!(changed(move |job| job["schedule"]["interval"] = interval).await.interval, None, "{wrong}");
        let ended = wrong.clone();
        let job = changed(move |job| job["status"]["lastSuccessfulExecution"]["timeEnded"] = ended).await;
        assert_eq!(job.last_success, None, "{wrong}");
    }
    let empty = read(json!({"value": [{}]})).await.remove(0);
    assert_eq!((empty.code, empty.schedule), (SynchronizationCode::Unrecognised, ScheduleState::Unrecognised));
    let huge = changed(|job| job["status"]["countSuccessiveCompleteFailures"] = i64::MAX.into()).await;
    assert_eq!(huge.failures, i64::MAX);
    let counts = json!([{"key": "User", "value": i64::MAX}, {"key": "Group", "value": 1}, {"key": "x", "value": "1"}]);
    let huge = changed(move |job| job["status"]["synchronizedEntryCountByType"] = counts).await;
    assert_eq!(huge.synchronized, Some(i64::MAX));
}

#[tokio::test(start_paused = true)]
async fn intervals_are_those_that_a_job_can_have() {
    for (text, expected) in [
        ("PT40M", Some(40 * 60)),
        ("PT1H30M", Some(90 * 60)),
        ("P1DT1H", Some(25 * 3600)),
        ("PT0S", None),
        ("-PT40M", None),
        ("P10675199DT2H48M5.4775807S", None),
        ("P2000D", None),
        ("40", None),
    ] {
        let job = changed(|job| job["schedule"]["interval"] = text.into()).await;
        assert_eq!(job.interval.map(|interval| interval.as_secs()), expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn g34_values_of_a_job_that_are_not_known_are_counted_and_nothing_else() {
    let scene = Scene::healthy();
    jobs_of(&scene).await;
    assert!(scene.unrecognised().abs() < f64::EPSILON, "nothing of a job that is in order");
    let mut odd = job();
    odd["schedule"]["state"] = "Sleeping".into();
    odd["status"]["code"] = "Splendid".into();
    odd["status"]["lastExecution"]["state"] = "SoSo".into();
    scene.finds(IDENTITY, Read::Jobs, json!({"value": [odd]}));
    let job = jobs_of(&scene).await.remove(0);
    assert_eq!((job.schedule, job.code), (ScheduleState::Unrecognised, SynchronizationCode::Unrecognised));
    assert_eq!(job.last_cycle.unwrap().state, CycleState::Unrecognised);
    assert!((scene.unrecognised() - 3.0).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn g11_an_answer_that_is_no_list_of_jobs_is_no_answer() {
    for body in [
        Value::Null,
        json!({}),
        json!([]),
        json!([[], null]),
        json!({"value": null}),
        json!({"value": {}}),
        json!({"value": ["job"]}),
        json!({"value": [null]}),
        json!({"value": [["id", "templateId"]]}),
    ] {
        let scene = Scene::healthy();
        scene.finds(IDENTITY, Read::Jobs, body.clone());
        assert_eq!(unreadable(&identity(&scene.seen().await).jobs), Reason::MalformedResponse, "{body}");
    }
}
