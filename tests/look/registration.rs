//! The registration of a deactivated application, which the records of who did it name: asked once, only where it is in the
//! declared tenant, and whatever becomes of it, the rest of the look is as it would be without.

use serde_json::json;
use webex_azure_operator::{
    api::{AppId, Reason, TenantId},
    domain::{
        Observed, Reading,
        observed::{AuditQuestion, AuditSubject, Switch},
    },
    emulator::Knobs,
};

use super::{
    fixture::{IDENTITY, INTEGRATION, OWNER, REGISTRATION, Read, Scene, TENANT, identity, pass, unreadable},
    seam::{Kind, Trouble},
};

/// A tenant in which this application is deactivated and registered in that tenant.
fn deactivated(of: AppId, owner: TenantId) -> Scene {
    let scene = Scene::healthy();
    scene.item(of, Read::Principal, move |item| {
        item["body"]["isDisabled"] = true.into();
        item["body"]["appOwnerOrganizationId"] = owner.to_string().into();
    });
    scene
}

fn question() -> String {
    format!("/applications(appId='{IDENTITY}')?$select=id,appId")
}

/// Everything but the registration is as it is when that is known, and nothing stands in the way.
async fn nothing_else_changed(observed: &Observed) {
    let mut expected = deactivated(IDENTITY, TENANT).seen().await;
    expected.applications.get_mut(&IDENTITY).unwrap().registration = identity(observed).registration.clone();
    assert_eq!(*observed, expected);
    assert_eq!(observed.obstacle(), None);
}

#[tokio::test(start_paused = true)]
async fn the_registration_is_asked_for_once_it_is_seen_that_the_application_was_deactivated_here() {
    let mut scene = deactivated(IDENTITY, TENANT);
    let observed = scene.seen().await;
    assert_eq!(identity(&observed).registration, Reading::Known(REGISTRATION));
    assert_eq!(identity(&observed).service_principal.known().unwrap().is_disabled, Switch::On);
    let batches = scene.batches();
    assert_eq!(batches.len(), 2);
    assert_eq!(batches[1], [question()]);

    scene.recall.registrations = [(IDENTITY, REGISTRATION)].into();
    let again = scene.seen().await;
    assert_eq!(again, observed, "what is remembered is told as if it was asked");
    let batches = scene.batches();
    assert!(batches.len() == 1 && !batches[0].contains(&question()), "{batches:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_asks_for_the_registration_of_what_runs_or_is_registered_elsewhere() {
    for scene in [Scene::healthy(), deactivated(INTEGRATION, OWNER), deactivated(IDENTITY, OWNER)] {
        let mut scene = scene;
        // What was learnt in an earlier deactivation changes nothing.
        for remembered in [[].into(), [(IDENTITY, REGISTRATION)].into()] {
            scene.recall.registrations = remembered;
            let observed = scene.seen().await;
            assert_eq!(identity(&observed).registration, Reading::NotAsked);
            assert!(scene.reads().iter().all(|url| !url.contains("/applications")));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_cannot_be_read_takes_nothing_else_away() {
    for (status, code, expected) in [
        (403, "Authorization_RequestDenied", Some(Reason::PermissionMissing)),
        (404, "Request_ResourceNotFound", None),
        (429, "TooManyRequests", Some(Reason::Throttled)),
        (500, "InternalServerError", Some(Reason::GraphUnavailable)),
        (400, "Request_BadRequest", Some(Reason::MalformedResponse)),
    ] {
        let scene = deactivated(IDENTITY, TENANT);
        scene.refuse(IDENTITY, Read::Registration, status, code);
        let observed = scene.seen().await;
        match expected {
            Some(reason) => assert_eq!(unreadable(&identity(&observed).registration), reason, "{status}"),
            None => assert_eq!(identity(&observed).registration, Reading::Absent),
        }
        nothing_else_changed(&observed).await;
    }
    for body in [
        json!({"id": REGISTRATION.to_string(), "appId": INTEGRATION.to_string()}),
        json!({"id": REGISTRATION.to_string()}),
        json!({"id": "x", "appId": IDENTITY.to_string()}),
        json!([REGISTRATION.to_string(), IDENTITY.to_string()]),
        json!(null),
    ] {
        let scene = deactivated(IDENTITY, TENANT);
        scene.finds(IDENTITY, Read::Registration, body.clone());
        let observed = scene.seen().await;
        assert_eq!(unreadable(&identity(&observed).registration), Reason::MalformedResponse, "{body}");
        nothing_else_changed(&observed).await;
    }
    let scene = deactivated(IDENTITY, TENANT);
    scene.alter(Kind::Batch, 1.., |reply| reply.trouble = Some(Trouble::Connection));
    let observed = scene.seen().await;
    assert!(identity(&observed).registration.obstacle().is_some());
    nothing_else_changed(&observed).await;
}

#[tokio::test(start_paused = true)]
async fn a_registration_that_was_asked_to_wait_is_asked_again() {
    let scene = deactivated(IDENTITY, TENANT);
    scene.item_in(1..=1, IDENTITY, Read::Registration, |item| {
        item["status"] = 429.into();
        item["headers"]["Retry-After"] = "2".into();
        item["body"] = super::tenant::error("TooManyRequests");
    });
    let observed = scene.seen().await;
    assert_eq!(identity(&observed).registration, Reading::Known(REGISTRATION));
    assert_eq!(scene.batches()[1..], [[question()], [question()]]);
}

#[tokio::test(start_paused = true)]
async fn the_emulated_tenant_records_a_deactivation_under_the_registration() {
    let mut scene = Scene::emulated(Knobs::calm(), |_| {});
    let identity_app = scene.looker.desired.applications[1].app_id;
    let path = format!("/applications(appId='{identity_app}')");
    let registration = scene.as_administrator("GET", &path, &json!(null))["id"].as_str().unwrap().to_owned();
    scene.as_administrator("PATCH", &path, &json!({"notes": "unused since 2023"}));
    scene.as_administrator("PATCH", &path, &json!({"isDisabled": true}));
    pass(60).await;
    let observed = scene.seen().await;
    let known = *observed.applications[&identity_app].registration.known().unwrap();
    assert_eq!(known.to_string(), registration);

    let since = "2026-11-23T00:00:00Z".parse().unwrap();
    let question = AuditQuestion { since, subject: AuditSubject::Target(known) };
    scene.recall.audits = [question.clone()].into();
    let observed = scene.seen().await;
    let records = observed.audits[&question].known().unwrap();
    assert!(records.len() == 2 && records.iter().all(|record| record.activity == "Update application"), "{records:?}");
    let disabled = |record: &webex_azure_operator::domain::observed::AuditRecord| {
        let change = record.changes.iter().find(|change| change.property == "IsDisabled");
        change.map(|change| change.new.clone())
    };
    let told: Vec<Option<String>> = records.iter().filter_map(disabled).collect();
    assert_eq!(told, [Some("true".to_owned())]);
}
