//! The service principals that permissions are granted on: IDs behind declared names, names behind IDs that are held, and
//! no list of permissions that nobody needs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use webex_azure_operator::{
    api::{
        AppId, ObjectId, Reason,
        identifier::{AppRoleId, ScopeId},
    },
    domain::{
        Observed, Reading,
        catalog::MICROSOFT_GRAPH_APP_ID,
        observed::{ConsentType, ResourcePrincipal},
    },
    emulator::Knobs,
};

use super::{
    fixture::{GRAPH_OBJECT, INTEGRATION, Read, Scene, integration, pass, spec_with, unreadable},
    tenant::{assignments, error},
};

const RESOURCE: AppId = AppId::from_u128(0x5e);
const RESOURCE_OBJECT: ObjectId = ObjectId::from_u128(0x5f);
const READ: u128 = 0x000a_0000_0000_4000_8000_0000_0000_0001;
const WRITE: u128 = 0x000a_0000_0000_4000_8000_0000_0000_0002;
const SCOPE: u128 = 0x000b_0000_0000_4000_8000_0000_0000_0001;

fn role(id: u128) -> AppRoleId {
    AppRoleId::from_u128(id)
}

/// Requires these permissions of the integration.
fn requiring(permissions: &Value) -> Scene {
    Scene::declaring(spec_with(|spec| spec["identityIntegration"] = json!({"permissions": permissions})))
}

/// The resource as its own principal, with two application permissions and a delegated one.
fn offers() -> Value {
    let role = |id: u128, value: &str| json!({"id": role(id).to_string(), "value": value, "isEnabled": true});
    json!({
        "id": RESOURCE_OBJECT.to_string(), "appId": RESOURCE.to_string(), "displayName": "Calling",
        "appRoles": [role(READ, "Calls.Read"), role(WRITE, "Calls.Write"), {"id": role(0x77, "")["id"], "value": null}],
        "oauth2PermissionScopes": [{"id": ScopeId::from_u128(SCOPE).to_string(), "value": "calls.join"}],
    })
}

fn held(resource: ObjectId, id: u128) -> Value {
    json!({"appRoleId": role(id).to_string(), "resourceId": resource.to_string()})
}

fn resource(observed: &Observed) -> &ResourcePrincipal {
    observed.resources[&RESOURCE].known().unwrap()
}

/// The integration holds these beside everything that is in order.
fn holding(scene: &Scene, more: Vec<Value>) {
    scene.item(INTEGRATION, Read::Roles, move |item| {
        item["body"]["value"] = assignments().into_iter().chain(more.clone()).collect();
    });
}

fn asked(scene: &Scene, part: &str) -> Vec<String> {
    scene.reads().into_iter().filter(|url| url.contains(part)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_is_declared_is_asked_for_exactly_what_is_needed() {
    let (app, by_app) = (RESOURCE.to_string(), format!("/servicePrincipals(appId='{RESOURCE}')"));
    for (permission, select) in [
        (json!({"value": "Calls.Read", "kind": "Application"}), "id,displayName,appRoles"),
        (json!({"value": "Calls.Read", "kind": "Either"}), "id,displayName,appRoles"),
        (json!({"value": "calls.join", "kind": "Delegated"}), "id,displayName"),
        (json!({"id": role(READ).to_string(), "kind": "Application"}), "id,displayName"),
        (json!({"id": role(SCOPE).to_string(), "kind": "Delegated"}), "id,displayName,oauth2PermissionScopes"),
        (json!({"id": role(SCOPE).to_string(), "kind": "Either"}), "id,displayName,oauth2PermissionScopes"),
    ] {
        let mut permission = permission;
        permission["resourceAppId"] = app.as_str().into();
        let scene = requiring(&json!([permission.clone()]));
        scene.finds(RESOURCE, Read::Principal, offers());
        let observed = scene.seen().await;
        assert_eq!(asked(&scene, &by_app), [format!("{by_app}?$select={select}")], "{permission}");
        assert_eq!((resource(&observed).id, resource(&observed).display_name.as_str()), (RESOURCE_OBJECT, "Calling"));
        let roles = permission["value"] == "Calls.Read";
        let expected = if roles { BTreeMap::from([("Calls.Read".to_owned(), role(READ))]) } else { BTreeMap::new() };
        assert_eq!(resource(&observed).app_roles, expected, "only what is needed is kept: {permission}");
        let scopes = permission["id"] == ScopeId::from_u128(SCOPE).to_string();
        assert_eq!(resource(&observed).scopes.len(), usize::from(scopes), "{permission}");
        assert_eq!(observed.obstacle(), None);
        scene.settle();
        assert_eq!(scene.seen().await.resources, observed.resources, "remembered");
        assert!(asked(&scene, &by_app).is_empty(), "{permission}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_is_not_in_the_tenant_is_absent_and_asked_again() {
    let scene =
        requiring(&json!([{"value": "Calls.Read", "kind": "Application", "resourceAppId": RESOURCE.to_string()}]));
    scene.refuse(RESOURCE, Read::Principal, 404, "Request_ResourceNotFound");
    let observed = scene.seen().await;
    assert_eq!(observed.resources[&RESOURCE], Reading::Absent);
    assert_eq!(observed.obstacle(), None);
    scene.settle();
    scene.finds(RESOURCE, Read::Principal, offers());
    assert_eq!(resource(&scene.seen().await).id, RESOURCE_OBJECT);
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_cannot_be_read_is_told_and_not_remembered() {
    for (status, code, expected) in [
        (403, "Authorization_RequestDenied", Reason::PermissionMissing),
        (429, "TooManyRequests", Reason::Throttled),
        (501, "NotImplemented", Reason::NotObserved),
        (400, "Request_BadRequest", Reason::MalformedResponse),
    ] {
        let scene =
            requiring(&json!([{"value": "Calls.Read", "kind": "Application", "resourceAppId": RESOURCE.to_string()}]));
        scene.refuse(RESOURCE, Read::Principal, status, code);
        let observed = scene.seen().await;
        assert_eq!(unreadable(&observed.resources[&RESOURCE]), expected);
        assert!(integration(&observed).app_role_assignments.known().is_some());
    }
    for body in [
        Value::Null,
        json!([]),
        json!({"id": null}),
        json!({"id": "x"}),
        json!({"id": RESOURCE_OBJECT.to_string(), "appRoles": {}}),
        json!({"id": RESOURCE_OBJECT.to_string(), "appRoles": [["id", "value"]]}),
    ] {
        let scene =
            requiring(&json!([{"value": "Calls.Read", "kind": "Application", "resourceAppId": RESOURCE.to_string()}]));
        scene.finds(RESOURCE, Read::Principal, body.clone());
        assert_eq!(unreadable(&scene.seen().await.resources[&RESOURCE]), Reason::MalformedResponse, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn names_are_asked_only_for_ids_that_are_held_and_not_known() {
    let scene = Scene::healthy();
    scene.seen().await;
    let reads = scene.reads();
    assert!(!reads.iter().any(|url| url.contains("appRoles")), "what is compiled in needs no name: {reads:?}");

    holding(&scene, vec![held(GRAPH_OBJECT, READ), held(GRAPH_OBJECT, 0x00aa), held(GRAPH_OBJECT, 0)]);
    scene.url(.., "/servicePrincipals/00000000-0000-0000-0000-000000000003?", |item| {
        item["status"] = 200.into();
        item["body"] = offers();
        item["body"]["id"] = GRAPH_OBJECT.to_string().into();
        item["body"]["appId"] = MICROSOFT_GRAPH_APP_ID.to_string().into();
    });
    let url = format!("/servicePrincipals/{GRAPH_OBJECT}?$select=id,appId,displayName,appRoles");
    let first = scene.seen().await;
    assert_eq!(scene.batches()[1], std::slice::from_ref(&url));
    let graph = first.microsoft_graph().known().unwrap();
    assert_eq!(graph.app_roles, BTreeMap::from([("Calls.Read".to_owned(), role(READ))]), "not the whole list");
    for _ in 0..2 {
        assert_eq!(scene.seen().await, first, "remembered, with what has no name");
        assert_eq!(scene.batches().len(), 1);
    }
    pass(6 * 3600).await;
    assert_eq!(scene.seen().await.resources, first.resources);
    assert!(scene.reads().contains(&url), "once in six hours");
}

#[tokio::test(start_paused = true)]
async fn what_holds_permissions_without_being_declared_is_found_by_its_object_id() {
    let scene = Scene::healthy();
    holding(&scene, vec![held(RESOURCE_OBJECT, WRITE)]);
    scene.item(INTEGRATION, Read::Grants, |item| {
        let mut grant = super::tenant::grant("calls.join other");
        grant["resourceId"] = RESOURCE_OBJECT.to_string().into();
        grant["consentType"] = "Principal".into();
        item["body"]["value"].as_array_mut().unwrap().push(grant);
    });
    scene.url(0.., "/servicePrincipals/00000000-0000-0000-0000-00000000005f?", |item| {
        item["status"] = 200.into();
        item["body"] = offers();
    });
    let first = scene.seen().await;
    assert_eq!((resource(&first).id, resource(&first).display_name.as_str()), (RESOURCE_OBJECT, "Calling"));
    assert_eq!(resource(&first).app_roles, BTreeMap::from([("Calls.Write".to_owned(), role(WRITE))]));
    let grants = integration(&first).oauth2_permission_grants.known().unwrap();
    let of_users = grants.iter().filter(|grant| grant.consent == ConsentType::OnePrincipal);
    assert_eq!(of_users.count(), 2, "grants of single users are told as such");
    assert_eq!(scene.batches().len(), 2);
    assert_eq!(scene.seen().await, first);
    assert_eq!(scene.batches().len(), 1, "remembered");
}

#[tokio::test(start_paused = true)]
async fn names_that_cannot_be_read_are_no_obstacle_and_asked_again_unless_there_is_nobody() {
    for (status, code, again) in [
        (404, "Request_ResourceNotFound", 0),
        (403, "Authorization_RequestDenied", 1),
        (429, "TooManyRequests", 1),
        (200, "", 1),
    ] {
        let scene = Scene::healthy();
        holding(&scene, vec![held(RESOURCE_OBJECT, WRITE)]);
        scene.url(0.., "/servicePrincipals/00000000-0000-0000-0000-00000000005f?", move |item| {
            item["status"] = status.into();
            item["body"] = error(code);
        });
        let observed = scene.seen().await;
        assert_eq!(observed.obstacle(), None, "{status}");
        assert!(!observed.resources.contains_key(&RESOURCE));
        scene.asked();
        scene.seen().await;
        assert_eq!(asked(&scene, "00000000005f?").len(), again, "{status}");
    }
    // An answer about another principal names nobody.
    let scene = Scene::healthy();
    holding(&scene, vec![held(RESOURCE_OBJECT, WRITE)]);
    scene.url(0.., "/servicePrincipals/00000000-0000-0000-0000-00000000005f?", |item| {
        item["status"] = 200.into();
        item["body"] = offers();
        item["body"]["id"] = GRAPH_OBJECT.to_string().into();
    });
    assert!(!scene.seen().await.resources.contains_key(&RESOURCE));
}

#[tokio::test(start_paused = true)]
async fn an_application_that_holds_permissions_of_hundreds_is_not_asked_after_each() {
    let scene = Scene::healthy();
    let more: Vec<Value> = (0..500_u128).map(|n| held(ObjectId::from_u128(0xabc_0000 + n), WRITE)).collect();
    holding(&scene, more);
    let observed = scene.seen().await;
    assert_eq!(observed.obstacle(), None);
    assert_eq!(asked(&scene, "?$select=id,appId,displayName,appRoles").len(), 10);
}

#[tokio::test(start_paused = true)]
async fn what_objects_with_one_credential_learn_does_not_show_in_each_others_looks() {
    let scene = Scene::healthy();
    let alone = scene.seen().await;
    let mut other = requiring(&json!([{"value": "Calendars.ReadWrite", "kind": "Application"}]));
    other.looker.credential = scene.looker.credential.clone();
    scene.look_as(&other.looker).await;
    assert_eq!(scene.seen().await, alone);
}

#[tokio::test(start_paused = true)]
async fn an_emulated_tenant_tells_what_is_held_beyond_the_list() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        let mut more = scenario.app_role_assignments[0].clone();
        more.role = "Directory.Read.All".to_owned();
        scenario.app_role_assignments.push(more);
    });
    let observed = scene.seen().await;
    let graph = observed.microsoft_graph().known().unwrap();
    assert_eq!(graph.display_name, "Microsoft Graph");
    assert_eq!(graph.app_roles.keys().collect::<Vec<_>>(), ["Directory.Read.All"]);
    assert_eq!(scene.batches().len(), 2);
    assert_eq!(scene.seen().await, observed);
    assert_eq!(scene.batches().len(), 1);
}
