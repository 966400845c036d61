//! What is asked of a tenant, and of whom it is remembered.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use webex_azure_operator::{
    api::{AppId, Reason, identifier::AppRoleId},
    domain::Reading,
    emulator::Knobs,
};

use super::{
    fixture::{
        GRAPH_OBJECT, IDENTITY, INTEGRATION, Looker, Read, SECRET, Scene, all_in_order, integration, pass, principal,
        spec_with, unreadable,
    },
    seam::Kind,
};

#[tokio::test(start_paused = true)]
async fn a_look_is_one_token_request_and_one_batch_and_the_next_one_batch() {
    for scene in [Scene::healthy(), Scene::emulated(Knobs::calm(), |_| {})] {
        let first = scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
        let second = scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Batch]);
        assert_eq!(first, second);
        assert_eq!(first.obstacle(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn the_emulated_tenant_of_the_incident_is_read_in_full() {
    let scene = Scene::emulated(Knobs::calm(), |_| {});
    let observed = scene.seen().await;
    assert_eq!(principal(&observed).display_name, "Cisco Webex Identity Integration");
    assert_eq!(integration(&observed).app_role_assignments.known().unwrap().len(), 7);
    let grants = integration(&observed).oauth2_permission_grants.known().unwrap();
    assert_eq!(grants.iter().map(|grant| grant.scope.as_str()).collect::<Vec<_>>(), ["User.Read"]);
    let identity = &observed.applications[&scene.looker.desired.application("identity").unwrap().app_id];
    assert!(identity.service_principal.known().is_some());
    assert_eq!(identity.app_role_assignments, Reading::NotAsked);
    assert_eq!(identity.deleted_service_principals, Reading::NotAsked);
}

#[tokio::test(start_paused = true)]
async fn an_awkward_tenant_is_read_as_a_calm_one_is() {
    let calm = Scene::emulated(Knobs::calm(), |_| {}).seen().await;
    for page_size in [1, 3, 5] {
        let scene = Scene::emulated(Knobs { page_size, throttle_every: None, ..Knobs::default() }, |_| {});
        assert_eq!(scene.seen().await, calm);
        assert!(scene.kinds().contains(&Kind::Link), "the list of assignments goes on at a link");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_holds_only_reads_each_with_a_name_of_its_own_and_low_priority() {
    let scene = Scene::healthy();
    scene.absent(IDENTITY);
    scene.seen().await;
    scene.seen().await;
    let mut names = BTreeSet::new();
    let asked = scene.asked();
    for request in &asked {
        assert!(names.insert(request.headers["client-request-id"].to_str().unwrap().to_owned()));
    }
    let batches: Vec<Vec<Value>> =
        asked.iter().filter(|request| request.kind() == Kind::Batch).map(super::seam::Asked::items).collect();
    assert_eq!(batches.len(), 4);
    for items in batches {
        let ids: BTreeSet<String> = items.iter().map(|item| item["id"].as_str().unwrap().to_lowercase()).collect();
        assert_eq!(ids.len(), items.len());
        for item in items {
            let members: Vec<&String> = item.as_object().unwrap().keys().collect();
            assert_eq!(members, ["headers", "id", "method", "url"], "a read has no body");
            assert_eq!(item["method"], "GET");
            assert_eq!(item["headers"]["x-ms-throttle-priority"], "Low");
            let name = item["headers"]["client-request-id"].as_str().unwrap();
            assert!(name.parse::<uuid::Uuid>().is_ok() && names.insert(name.to_owned()), "{name}");
            assert_eq!(item["headers"].get("ConsistencyLevel"), None);
            let url = item["url"].as_str().unwrap();
            // A whole service principal, for its credentials; and jobs, of which nothing can be selected.
            let is_whole = url.ends_with("')") || url.ends_with("/synchronization/jobs");
            assert!(url.starts_with('/') && !url.contains("keyCredentials"), "{url}");
            assert!(is_whole || url.contains("$select="), "{url}");
            assert!(!url.contains(' ') && !url.contains("$count"), "{url}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_is_what_the_declaration_needs() {
    let application = |name: &str, id: u128, permissions: Value| {
        let mut application = json!({"name": name, "appId": AppId::from_u128(id).to_string()});
        if permissions != json!([]) {
            application["permissions"] = permissions;
        }
        application
    };
    let declaring = |applications: Value| {
        Scene::declaring(spec_with(|spec| {
            spec["identityIntegration"] = json!({"check": false});
            spec["identity"]["provisioning"] = json!({"required": false});
            spec["additionalApplications"] = applications;
        }))
    };
    let only_sign_in = declaring(json!([application("one", 0x51, json!([]))]));
    let observed = only_sign_in.seen().await;
    assert_eq!(observed.microsoft_graph(), &Reading::NotAsked);
    let reads = only_sign_in.reads();
    assert_eq!(reads.len(), 2);
    assert!(reads.iter().all(|url| url.ends_with("')")), "whole at first sight: {reads:?}");
    only_sign_in.seen().await;
    let reads = only_sign_in.reads();
    assert_eq!(reads.len(), 2);
    assert!(reads.iter().all(|url| url.contains("')?$select=")), "{reads:?}");

    for (kind, roles, grants) in [("Application", 1, 0), ("Delegated", 0, 1), ("Either", 1, 1)] {
        let permission = json!([{"value": "User.Read.All", "kind": kind}]);
        let scene = declaring(json!([application("one", 0x51, permission)]));
        let observed = scene.seen().await;
        let reads = scene.reads();
        let count = |part: &str| reads.iter().filter(|url| url.contains(part)).count();
        assert_eq!((count("appRoleAssignments"), count("oauth2PermissionGrants")), (roles, grants), "{kind}");
        let seen = &observed.applications[&AppId::from_u128(0x51)];
        assert_eq!(seen.app_role_assignments == Reading::NotAsked, roles == 0, "{kind}");
        assert_eq!(seen.oauth2_permission_grants == Reading::NotAsked, grants == 0, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn deleted_items_are_asked_only_when_a_principal_is_absent() {
    let scene = Scene::healthy();
    scene.absent(INTEGRATION);
    let observed = scene.seen().await;
    let batches: Vec<_> = scene.asked().into_iter().filter(|asked| asked.kind() == Kind::Batch).collect();
    let [_, second] = <[_; 2]>::try_from(batches).unwrap();
    let urls: Vec<String> = second.items().iter().map(|item| item["url"].as_str().unwrap().to_owned()).collect();
    let expected = ["servicePrincipal", "application"].map(|kind| {
        format!(
            "/directory/deletedItems/microsoft.graph.{kind}?$filter=appId%20eq%20%27{INTEGRATION}%27\
             &$select=id,appId,displayName,deletedDateTime"
        )
    });
    assert_eq!(urls, expected);
    assert_eq!(integration(&observed).deleted_service_principals, Reading::Known(Vec::new()));
    assert_eq!(integration(&observed).deleted_applications, Reading::Known(Vec::new()));
    assert_eq!(integration(&observed).app_role_assignments, Reading::NotAsked, "there is nobody to hold any");
    assert_eq!(observed.obstacle(), None, "absence is an answer");
    assert_eq!(observed.applications[&IDENTITY].deleted_service_principals, Reading::NotAsked);
}

#[tokio::test(start_paused = true)]
async fn more_than_twenty_reads_go_in_several_batches() {
    let applications: Vec<Value> = (0..18)
        .map(|n| {
            let permissions = json!([{"value": "User.Read.All", "kind": "Either"}]);
            json!({"name": format!("app-{n}"), "appId": AppId::from_u128(0x500 + n).to_string(), "permissions": permissions})
        })
        .collect();
    let scene = Scene::declaring(spec_with(|spec| spec["additionalApplications"] = applications.into()));
    let observed = scene.seen().await;
    assert_eq!(observed.applications.len(), 20);
    assert_eq!(observed.obstacle(), None);
    let sizes: Vec<usize> =
        scene.asked().iter().filter(|asked| asked.kind() == Kind::Batch).map(|asked| asked.items().len()).collect();
    assert_eq!(sizes, [20, 20, 20, 1]);

    scene.alter(Kind::Batch, 1..2, |reply| {
        reply.refuse(503, "ServiceUnavailable");
    });
    let observed = scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Batch, Kind::Batch], "a service in trouble is not asked on");
    let (read, unread): (Vec<_>, Vec<_>) =
        observed.applications.values().partition(|seen| seen.service_principal.known().is_some());
    assert_eq!((read.len(), unread.len()), (7, 13), "what was answered before stays answered");
    for seen in unread {
        assert_eq!(unreadable(&seen.service_principal), Reason::GraphUnavailable, "and the rest is not absent");
    }
    assert_eq!(observed.obstacle().unwrap().reason, Reason::GraphUnavailable);
}

#[tokio::test(start_paused = true)]
async fn graphs_own_principal_is_asked_once_and_then_remembered_for_six_hours() {
    let of_graph = |reads: &[String]| reads.iter().filter(|url| url.contains("00000003-0000-0000-c000")).count();
    let scene = Scene::healthy();
    for hour in 0..13 {
        let observed = scene.seen().await;
        assert_eq!(observed.microsoft_graph().known().unwrap().id, GRAPH_OBJECT);
        assert_eq!(of_graph(&scene.reads()), usize::from(hour % 6 == 0), "hour {hour}");
        pass(3600).await;
    }
    let other = scene.looker.with_key(|key| key.namespace = "other".to_owned());
    scene.look_as(&other).await;
    assert_eq!(of_graph(&scene.reads()), 1, "remembered for one credential only");
}

#[tokio::test(start_paused = true)]
async fn graphs_own_principal_is_asked_again_after_it_could_not_be_read() {
    let scene = Scene::healthy();
    let graph = webex_azure_operator::domain::catalog::MICROSOFT_GRAPH_APP_ID;
    scene.refuse(graph, Read::Principal, 500, "InternalServerError");
    assert!(scene.seen().await.microsoft_graph().obstacle().is_some());
    scene.settle();
    assert_eq!(scene.seen().await, all_in_order().await);
}

/// An object that requires one application permission.
fn requiring(value: &str) -> Looker {
    let spec = spec_with(|spec| {
        let permissions = json!([{"value": value, "kind": "Application"}]);
        spec["identityIntegration"] = json!({"permissions": permissions});
    });
    Looker::new(spec, SECRET)
}

#[tokio::test(start_paused = true)]
async fn permissions_that_are_not_compiled_in_are_looked_up_once_whether_they_exist_or_not() {
    let scene = Scene::healthy();
    let (known, misspelt) = (requiring("Calendars.ReadWrite"), requiring("Calendar.ReadWrites"));
    let role: AppRoleId = "00000000-0000-4000-8000-0000000000a1".parse().unwrap();
    let mut asked = Vec::new();
    for _ in 0..3 {
        for (looker, roles) in [
            (&known, BTreeMap::from([("Calendars.ReadWrite".to_owned(), role)])),
            (&misspelt, BTreeMap::new()),
            (&scene.looker, BTreeMap::new()),
        ] {
            let webex_azure_operator::domain::Observation::Looked(observed) = scene.look_as(looker).await else {
                panic!("blocked")
            };
            assert_eq!(observed.microsoft_graph().known().unwrap().app_roles, roles);
            asked.push(scene.reads().iter().filter(|url| url.contains("$select=id,displayName,appRoles")).count());
        }
    }
    assert_eq!(asked, [1, 1, 0, 0, 0, 0, 0, 0, 0]);
}
