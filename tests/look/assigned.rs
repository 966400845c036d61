//! Who is assigned to an application: whether anyone is, and whether people are, with as few reads as that takes.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use webex_azure_operator::{
    api::Reason,
    domain::{Reading, observed::Assigned},
    emulator::Knobs,
};

use super::{
    fixture::{IDENTITY, INTEGRATION, Read, Scene, identity, integration, spec_with, unreadable},
    seam::{Kind, Reply},
};

const NEXT: &str = "https://graph.microsoft.com/v1.0/servicePrincipals/x/appRoleAssignedTo?$skiptoken=1";

fn principals(kinds: &[&str]) -> Value {
    kinds.iter().map(|kind| json!({"principalType": kind})).collect()
}

fn page(kinds: &[&str], next: Option<&str>) -> Value {
    json!({"value": principals(kinds), "@odata.nextLink": next})
}

async fn assigned(body: Value) -> Assigned {
    let scene = Scene::healthy();
    scene.finds(IDENTITY, Read::Assigned, body);
    *identity(&scene.seen().await).assigned.known().unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_short_page_tells_who_is_assigned() {
    for (kinds, any, people) in [
        (&[][..], false, false),
        (&["ServicePrincipal"], true, false),
        (&["User"], true, true),
        (&["ServicePrincipal", "Group"], true, true),
    ] {
        assert_eq!(assigned(page(kinds, None)).await, Assigned { any, people }, "{kinds:?}");
    }
    let scene = Scene::healthy();
    scene.seen().await;
    let reads = scene.reads();
    let url = format!("/servicePrincipals(appId='{IDENTITY}')/appRoleAssignedTo?$select=principalType&$top=10");
    assert!(reads.contains(&url), "{reads:?}");
    // With a person on the first page there is nothing more to find out.
    assert_eq!(assigned(page(&["User"], Some(NEXT))).await, Assigned { any: true, people: true });
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_on_until_there_is_a_person() {
    let scene = Scene::healthy();
    scene.finds(IDENTITY, Read::Assigned, page(&["ServicePrincipal"], Some(NEXT)));
    let asked = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    scene.pages(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let next = format!("{NEXT}{number}");
        Reply::json(200, &page(if number == 2 { &["Group"] } else { &[] }, Some(&next)))
    });
    let observed = scene.seen().await;
    assert_eq!(identity(&observed).assigned, Reading::Known(Assigned { any: true, people: true }));
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn where_hundreds_of_others_come_first_nobody_says_that_there_are_no_people() {
    let scene = Scene::healthy();
    scene.finds(IDENTITY, Read::Assigned, page(&["ServicePrincipal"; 10], Some(NEXT)));
    let number = AtomicUsize::new(0);
    scene.pages(move |_| {
        let next = format!("{NEXT}{}", number.fetch_add(1, Ordering::Relaxed));
        Reply::json(200, &page(&["ServicePrincipal"; 10], Some(&next)))
    });
    let observed = scene.seen().await;
    assert_eq!(identity(&observed).assigned, Reading::Known(Assigned { any: true, people: true }));
    let links = scene.kinds().iter().filter(|kind| **kind == Kind::Link).count();
    assert_eq!(links, 20, "and the look has an end");
}

#[tokio::test(start_paused = true)]
async fn g34_an_assignment_of_a_type_that_is_not_known_may_be_one_of_people_and_is_counted() {
    for odd in [json!("Robot"), Value::Null, json!(7), json!({})] {
        let scene = Scene::healthy();
        scene.finds(IDENTITY, Read::Assigned, json!({"value": [{"principalType": odd}]}));
        let observed = scene.seen().await;
        assert_eq!(identity(&observed).assigned, Reading::Known(Assigned { any: true, people: true }), "{odd}");
        assert!((scene.unrecognised() - 1.0).abs() < f64::EPSILON, "{odd}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_only_the_assigned_get_tokens_it_is_asked_whether_anyone_is() {
    let scene = Scene::healthy();
    scene.seen().await;
    assert!(!scene.reads().iter().any(|url| url.contains(&format!("{INTEGRATION}')/appRoleAssignedTo"))));
    scene.item(INTEGRATION, Read::Principal, |item| item["body"]["appRoleAssignmentRequired"] = true.into());
    let observed = scene.seen().await;
    assert!(integration(&observed).service_principal.known().unwrap().assignment_required);
    assert_eq!(integration(&observed).assigned.known().map(|assigned| assigned.any), Some(true));
    let batches = scene.batches();
    assert_eq!(batches.len(), 2, "known only when the principal is");
    // Nobody asks whether they are people, so that the first page is enough.
    scene.finds(INTEGRATION, Read::Assigned, page(&["ServicePrincipal"], Some(NEXT)));
    let observed = scene.seen().await;
    assert_eq!(integration(&observed).assigned, Reading::Known(Assigned { any: true, people: false }));
}

#[tokio::test(start_paused = true)]
async fn where_sign_in_is_not_required_nobody_asks_who_is_assigned() {
    let app = webex_azure_operator::api::AppId::from_u128(0x51);
    let scene = Scene::declaring(spec_with(|spec| {
        spec["additionalApplications"] = json!([{"name": "one", "appId": app.to_string(), "signIn": "Any"}]);
    }));
    scene.item(app, Read::Principal, |item| item["body"]["appRoleAssignmentRequired"] = true.into());
    let observed = scene.seen().await;
    assert_eq!(observed.applications[&app].assigned, Reading::NotAsked);
}

#[tokio::test(start_paused = true)]
async fn an_assignment_list_that_is_not_read_says_nothing() {
    for (status, code, expected) in [
        (404, "Request_ResourceNotFound", Reason::MalformedResponse),
        (403, "Authorization_RequestDenied", Reason::PermissionMissing),
        (429, "TooManyRequests", Reason::Throttled),
        (501, "NotImplemented", Reason::NotObserved),
    ] {
        let scene = Scene::healthy();
        scene.refuse(IDENTITY, Read::Assigned, status, code);
        let observed = scene.seen().await;
        assert_eq!(unreadable(&identity(&observed).assigned), expected, "{status}");
        assert!(
            !identity(&observed).assigned.obstacle().unwrap().message.contains("lacks the application permissions  of")
        );
    }
    for body in [Value::Null, json!({"value": [[]]}), json!({"value": 1}), json!([[]])] {
        let scene = Scene::healthy();
        scene.finds(IDENTITY, Read::Assigned, body.clone());
        assert_eq!(unreadable(&identity(&scene.seen().await).assigned), Reason::MalformedResponse, "{body}");
    }
    let scene = Scene::healthy();
    scene.finds(IDENTITY, Read::Assigned, page(&["ServicePrincipal"], Some("https://evil.example/next")));
    assert_eq!(unreadable(&identity(&scene.seen().await).assigned), Reason::MalformedResponse);
}

#[tokio::test(start_paused = true)]
async fn an_emulated_tenant_tells_whether_people_are_assigned() {
    let scene = Scene::emulated(Knobs { page_size: 1, ..Knobs::calm() }, |_| {});
    let app = scene.looker.desired.applications[1].app_id;
    let assigned = async || *scene.seen().await.applications[&app].assigned.known().unwrap();
    assert_eq!(assigned().await, Assigned { any: false, people: false });
    let object = scene.recall.principals[&app];
    let person = "00000000-0000-4000-8000-000000000051";
    let role = "00000000-0000-0000-0000-000000000000";
    let wish = json!({"principalId": person, "resourceId": object.to_string(), "appRoleId": role});
    scene.as_administrator("POST", &format!("/servicePrincipals/{object}/appRoleAssignedTo"), &wish);
    assert_eq!(assigned().await, Assigned { any: true, people: true });
}
