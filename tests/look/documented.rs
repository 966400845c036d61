//! Every published example of these calls is served as it stands and must be understood.

use std::path::Path;

use serde_json::{Value, json};
use webex_azure_operator::{
    api::{Reason, identifier::AppRoleId},
    domain::{
        Reading, catalog,
        observed::{ConsentType, Switch},
    },
};

use super::{
    fixture::{INTEGRATION, Looker, Read, SECRET, Scene, integration, principal, spec_with, unreadable},
    seam::Kind,
};

/// Answers to the token request and what follows from each.
const TOKEN_ERRORS: [(&str, Reason); 6] = [
    ("token-error-app-disabled", Reason::OperatorAppNotConsented),
    ("token-error-app-not-in-tenant", Reason::OperatorAppNotConsented),
    ("token-error-invalid-scope", Reason::CredentialInvalid),
    ("token-error-secret-expired", Reason::CredentialExpired),
    ("token-error-secret-invalid", Reason::CredentialInvalid),
    ("token-error-tenant-not-found", Reason::TenantNotFound),
];

/// Errors of Microsoft Graph and what follows from each when a read is answered so; none for absence.
const ERRORS: [(&str, Option<Reason>); 12] = [
    ("error-400-app-role-already-assigned", Some(Reason::MalformedResponse)),
    ("error-400-grant-already-exists", Some(Reason::MalformedResponse)),
    ("error-400-no-backing-application", Some(Reason::MalformedResponse)),
    ("error-403-app-in-other-tenant", Some(Reason::PermissionMissing)),
    ("error-403-insufficient-privileges", Some(Reason::PermissionMissing)),
    ("error-403-no-premium-licence", Some(Reason::PermissionMissing)),
    ("error-404-resource-not-found", None),
    ("error-409-service-principal-exists", Some(Reason::MalformedResponse)),
    ("error-410-delta-resync", Some(Reason::MalformedResponse)),
    ("error-429-throttled", Some(Reason::Throttled)),
    ("error-501-not-supported", Some(Reason::NotObserved)),
    ("error-generic", Some(Reason::MalformedResponse)),
];

fn response(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/graph").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str::<Value>(&text).unwrap()["response"].clone()
}

#[tokio::test(start_paused = true)]
async fn published_refusals_of_the_token_endpoint_are_understood() {
    for (name, expected) in TOKEN_ERRORS {
        let published = response(name);
        let number = published["body"]["error_codes"][0].to_string();
        let scene = Scene::healthy();
        scene.alter(Kind::Token, .., move |reply| {
            reply.status = u16::try_from(published["status"].as_u64().unwrap()).unwrap();
            reply.set(&published["body"]);
        });
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, expected, "{name}");
        assert!(obstacle.message.contains(&number), "{name}: {}", obstacle.message);
        assert!(!obstacle.message.contains("Trace ID"), "nothing in a message changes from look to look");
    }
}

#[tokio::test(start_paused = true)]
async fn the_published_token_answer_is_read_and_its_placeholder_is_nobodys_token() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| {
        reply.set(&response("token-success")["body"]);
    });
    assert_eq!(scene.blocked().await.reason, Reason::TenantNotAllowed);
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| {
        let mut published = response("token-success")["body"].clone();
        let own: Value = serde_json::from_slice(&reply.body).unwrap();
        published["access_token"] = own["access_token"].clone();
        reply.set(&published);
    });
    scene.seen().await;
}

#[tokio::test(start_paused = true)]
async fn published_errors_are_understood_as_answers_to_a_read() {
    for (name, expected) in ERRORS {
        let published = response(name);
        let scene = Scene::healthy();
        scene.item(INTEGRATION, Read::Principal, move |item| {
            item["status"] = published["status"].clone();
            item["body"] = published["body"].clone();
            for (header, value) in published["headers"].as_object().into_iter().flatten() {
                item["headers"][header] = value.clone();
            }
        });
        let observed = scene.seen().await;
        let seen = &integration(&observed).service_principal;
        match expected {
            Some(reason) => assert_eq!(unreadable(seen), reason, "{name}"),
            None => assert_eq!(*seen, Reading::Absent, "{name}"),
        }
        if expected == Some(Reason::Throttled) {
            assert_eq!(seen.obstacle().unwrap().wait_seconds, Some(10), "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn published_service_principals_are_read() {
    for (name, id, display_name) in [
        ("serviceprincipal-get", "00af5dfb-85da-4b41-a677-0c6b86dd34f8", "My app instance in tenant"),
        ("serviceprincipal-create", "59e617e5-e447-4adc-8b88-00af644d7c92", "foo"),
    ] {
        let mut body = response(name)["body"].clone();
        // The pages are about other applications, one of them a placeholder.
        body["appId"] = INTEGRATION.to_string().into();
        let scene = Scene::healthy();
        scene.finds(INTEGRATION, Read::Principal, body);
        let observed = scene.seen().await;
        let seen = principal(&observed);
        assert_eq!((seen.id.to_string().as_str(), seen.display_name.as_str()), (id, display_name), "{name}");
        assert_eq!((seen.account_enabled, seen.is_disabled), (Switch::On, Switch::Off), "{name}");
        assert_eq!(seen.disabled_by_microsoft, Switch::Off, "{name}");
        assert!(seen.owner.is_some(), "{name}");
    }
    for name in ["serviceprincipal-get", "serviceprincipal-create", "serviceprincipal-upsert-created"] {
        let scene = Scene::healthy();
        scene.finds(INTEGRATION, Read::Principal, response(name)["body"].clone());
        let observed = scene.seen().await;
        let reason = unreadable(&integration(&observed).service_principal);
        assert_eq!(reason, Reason::MalformedResponse, "{name}: not the application that was asked for");
    }
}

#[tokio::test(start_paused = true)]
async fn the_published_principal_of_microsoft_graph_is_read_with_the_role_that_is_wanted() {
    const VALUE: &str = "EduAssignments.ReadBasic.All";
    let spec = spec_with(|spec| {
        spec["identityIntegration"] = json!({"permissions": [{"value": VALUE, "kind": "Application"}]});
    });
    let mut scene = Scene::healthy();
    scene.looker = Looker::new(spec, SECRET);
    let body = response("serviceprincipal-get-select-microsoft-graph")["body"].clone();
    scene.finds(catalog::MICROSOFT_GRAPH_APP_ID, Read::Principal, body);
    let observed = scene.seen().await;
    let graph = observed.microsoft_graph().known().unwrap();
    assert_eq!(graph.id.to_string(), "7408235b-7540-4850-82fe-a5f15ed019e2");
    let role: AppRoleId = "6e0a958b-b7fc-4348-b7c4-a6ab9fd3dd0e".parse().unwrap();
    assert_eq!(graph.app_roles.get(VALUE), Some(&role));
    assert_eq!(graph.app_roles.len(), 1, "only what is wanted is kept");
}

#[tokio::test(start_paused = true)]
async fn published_lists_are_read() {
    let scene = Scene::healthy();
    scene.finds(INTEGRATION, Read::Roles, response("approleassignment-list")["body"].clone());
    scene.finds(INTEGRATION, Read::Grants, response("oauth2permissiongrant-list")["body"].clone());
    let observed = scene.seen().await;
    let seen = integration(&observed);
    let assignments: Vec<_> = seen.app_role_assignments.known().unwrap().iter().collect();
    assert_eq!(assignments.len(), 1);
    assert_eq!(assignments[0].app_role.to_string(), "e2a3a72e-5f79-4c64-b1b1-878b674786c9");
    assert_eq!(assignments[0].resource.to_string(), "fea94d6d-b5bf-44d2-a887-4f72a8d74f44");
    let grants = seen.oauth2_permission_grants.known().unwrap();
    assert_eq!(grants.len(), 2 + 7);
    assert!(grants.iter().all(|grant| grant.consent == ConsentType::AllPrincipals));
    let resources: std::collections::BTreeSet<_> = grants.iter().map(|grant| grant.resource).collect();
    assert_eq!(resources.len(), 2, "a scope counts only for the resource that it was granted on");
}

#[tokio::test(start_paused = true)]
async fn published_deleted_items_are_read() {
    let scene = Scene::healthy();
    scene.absent(INTEGRATION);
    scene.finds(INTEGRATION, Read::DeletedPrincipals, response("deleteditem-list-serviceprincipal")["body"].clone());
    // Groups have no appId: a list of them in this place is no answer.
    scene.finds(INTEGRATION, Read::DeletedApplications, response("deleteditem-list-group")["body"].clone());
    let observed = scene.seen().await;
    let [object] = integration(&observed).deleted_service_principals.known().unwrap().as_slice() else {
        panic!("{observed:?}")
    };
    assert_eq!(object.id.to_string(), "00af5dfb-85da-4b41-a677-0c6b86dd34f8");
    assert_eq!(object.deleted, Some("2026-11-20T22:43:59Z".parse().unwrap()));
    assert_eq!(unreadable(&integration(&observed).deleted_applications), Reason::MalformedResponse);
}

#[tokio::test(start_paused = true)]
async fn the_published_batch_is_taken_apart() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., |reply| {
        reply.set(&response("batch-mixed")["body"]);
    });
    let observed = scene.seen().await;
    assert_eq!(unreadable(&integration(&observed).service_principal), Reason::MalformedResponse, "others' answers");

    let scene = Scene::healthy();
    let published = response("batch-mixed")["body"]["responses"].clone();
    scene.item(INTEGRATION, Read::Grants, move |item| {
        let id = item["id"].clone();
        *item = published[1].clone();
        item["id"] = id;
    });
    let observed = scene.seen().await;
    assert_eq!(unreadable(&integration(&observed).oauth2_permission_grants), Reason::PermissionMissing);
    assert_eq!(integration(&observed).app_role_assignments.known().unwrap().len(), 7);
}
