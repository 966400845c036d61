//! Answers to single items of a batch: matched by name, used where they are answers, and otherwise told as unreadable.

use serde_json::{Value, json};
use webex_azure_operator::{
    api::Reason,
    domain::{Observed, Reading},
};

use super::{
    fixture::{IDENTITY, INTEGRATION, Read, Scene, all_in_order, integration, unreadable},
    seam::{Kind, Reply},
};

/// Changes the list of answers in the first batch.
fn change_answers(scene: &Scene, change: impl Fn(&mut Vec<Value>) + Send + 'static) {
    scene.alter(Kind::Batch, .., move |reply: &mut Reply| {
        reply.edit(|body| change(body["responses"].as_array_mut().unwrap()));
    });
}

/// The place of the answer that holds the integration's principal.
fn place(answers: &[Value]) -> usize {
    answers.iter().position(|answer| answer["body"]["displayName"] == "Cisco Webex Identity Integration").unwrap()
}

/// The integration's principal cannot be read, and everything else can.
async fn only_the_principal_is_unreadable(scene: &Scene) -> Reason {
    let mut expected: Observed = all_in_order().await;
    let observed = scene.seen().await;
    let obstacle = integration(&observed).service_principal.obstacle().unwrap().clone();
    let reason = obstacle.reason;
    expected.applications.get_mut(&INTEGRATION).unwrap().service_principal = Reading::Unreadable(obstacle);
    assert_eq!(observed, expected);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "nothing unreadable is taken for absent");
    reason
}

#[tokio::test(start_paused = true)]
async fn g06_answers_in_another_order_and_answers_nobody_asked_for_change_nothing() {
    let expected = all_in_order().await;
    let reversed = Scene::healthy();
    change_answers(&reversed, |answers| answers.reverse());
    assert_eq!(reversed.seen().await, expected);
    let more = Scene::healthy();
    change_answers(&more, |answers| {
        answers.push(json!({"id": "nobody", "status": 404, "body": {"error": {"code": "Request_ResourceNotFound"}}}));
        answers.push(json!({"id": "", "status": 200}));
    });
    assert_eq!(more.seen().await, expected);
}

#[tokio::test(start_paused = true)]
async fn g06_an_answer_that_is_missing_or_given_twice_is_none() {
    type Change = fn(&mut Vec<Value>);
    let changes: [(&str, Change); 4] = [
        ("missing", |answers| {
            answers.remove(place(answers));
        }),
        ("twice the same", |answers| answers.push(answers[place(answers)].clone())),
        ("once 200, once 404", |answers| {
            let id = answers[place(answers)]["id"].clone();
            let body = super::tenant::error("Request_ResourceNotFound");
            answers.push(json!({"id": id, "status": 404, "body": body}));
        }),
        ("three times", |answers| {
            let answer = answers[place(answers)].clone();
            answers.extend([answer.clone(), answer]);
        }),
    ];
    for (name, change) in changes {
        let scene = Scene::healthy();
        change_answers(&scene, change);
        assert_eq!(only_the_principal_is_unreadable(&scene).await, Reason::MalformedResponse, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn g06_a_failed_dependency_is_no_answer() {
    let scene = Scene::healthy();
    scene.refuse(INTEGRATION, Read::Principal, 424, "FailedDependency");
    assert_eq!(only_the_principal_is_unreadable(&scene).await, Reason::MalformedResponse);
}

#[tokio::test(start_paused = true)]
async fn g05_one_refused_item_leaves_the_others_useful() {
    let scene = Scene::healthy();
    scene.refuse(INTEGRATION, Read::Grants, 403, "Authorization_RequestDenied");
    let mut expected = all_in_order().await;
    let observed = scene.seen().await;
    let grants = &integration(&observed).oauth2_permission_grants;
    assert_eq!(unreadable(grants), Reason::PermissionMissing);
    assert!(grants.obstacle().unwrap().message.contains("Directory.Read.All"));
    let seen = expected.applications.get_mut(&INTEGRATION).unwrap();
    seen.oauth2_permission_grants = grants.clone();
    assert_eq!(observed, expected);
}

#[tokio::test(start_paused = true)]
async fn only_not_found_with_its_code_is_absence() {
    for code in ["Request_ResourceNotFound", "Directory_ObjectNotFound"] {
        let scene = Scene::healthy();
        scene.refuse(IDENTITY, Read::Principal, 404, code);
        let observed = scene.seen().await;
        assert_eq!(observed.applications[&IDENTITY].service_principal, Reading::Absent, "{code}");
        assert_eq!(observed.obstacle(), None, "{code}");
    }
    for body in [
        Value::Null,
        json!({}),
        json!({"error": {"code": "NotFound", "message": "x"}}),
        json!({"error": {"code": "BadRequest", "message": "Resource not found for the segment 'servicePrincipals'."}}),
        json!({"error": {"message": "Request_ResourceNotFound"}}),
        json!({"error": "Request_ResourceNotFound"}),
        json!("Request_ResourceNotFound"),
        json!("<html>Not Found</html>"),
    ] {
        let scene = Scene::healthy();
        let shown = body.clone();
        scene.item(INTEGRATION, Read::Principal, move |item| {
            item["status"] = 404.into();
            item["body"] = body.clone();
        });
        assert_eq!(only_the_principal_is_unreadable(&scene).await, Reason::MalformedResponse, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn g07_an_item_with_a_server_error_is_told_as_such() {
    for (status, expected) in [
        (500, Reason::GraphUnavailable),
        (502, Reason::GraphUnavailable),
        (503, Reason::GraphUnavailable),
        (504, Reason::GraphUnavailable),
        (408, Reason::GraphTimeout),
        (400, Reason::MalformedResponse),
        (409, Reason::MalformedResponse),
        (302, Reason::MalformedResponse),
        (204, Reason::MalformedResponse),
        (206, Reason::MalformedResponse),
    ] {
        let scene = Scene::healthy();
        scene.refuse(INTEGRATION, Read::Principal, status, "Request_ResourceNotFound");
        assert_eq!(only_the_principal_is_unreadable(&scene).await, expected, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_body_that_is_not_what_was_asked_for_is_unreadable() {
    for body in [Value::Null, json!("text"), json!([]), json!(7), json!({}), json!({"value": []}), json!(true)] {
        let scene = Scene::healthy();
        scene.finds(INTEGRATION, Read::Principal, body.clone());
        assert_eq!(only_the_principal_is_unreadable(&scene).await, Reason::MalformedResponse, "{body}");
    }
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Principal, |item| {
        item.as_object_mut().unwrap().remove("body");
    });
    assert_eq!(only_the_principal_is_unreadable(&scene).await, Reason::MalformedResponse);
}

#[tokio::test(start_paused = true)]
async fn an_item_without_headers_is_an_answer() {
    let expected = all_in_order().await;
    for headers in [Value::Null, json!({}), json!({"Retry-After": 5, "x": null, "not a name": "v"})] {
        let scene = Scene::healthy();
        scene.item(INTEGRATION, Read::Principal, move |item| item["headers"] = headers.clone());
        assert_eq!(scene.seen().await, expected);
    }
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Principal, |item| {
        item.as_object_mut().unwrap().remove("headers");
    });
    assert_eq!(scene.seen().await, expected);
}

#[tokio::test(start_paused = true)]
async fn an_item_status_that_is_none_is_no_answer() {
    for status in [json!(0), json!(99), json!(1000)] {
        let scene = Scene::healthy();
        let shown = status.clone();
        scene.item(INTEGRATION, Read::Principal, move |item| item["status"] = status.clone());
        assert_eq!(only_the_principal_is_unreadable(&scene).await, Reason::MalformedResponse, "{shown}");
    }
    for status in [json!(-1), json!(70_000), json!("200"), Value::Null, json!(200.5)] {
        let scene = Scene::healthy();
        let shown = status.clone();
        scene.item(INTEGRATION, Read::Principal, move |item| item["status"] = status.clone());
        assert_eq!(scene.blocked().await.reason, Reason::MalformedResponse, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_answer_of_another_shape_is_no_answer() {
    for body in [
        json!({}),
        json!([]),
        json!({"responses": null}),
        json!({"responses": {}}),
        json!({"responses": [null]}),
        json!({"responses": [{"status": 200}]}),
        json!({"value": []}),
        Value::Null,
    ] {
        let scene = Scene::healthy();
        let shown = body.clone();
        scene.alter(Kind::Batch, .., move |reply| {
            reply.set(&body);
        });
        assert_eq!(scene.blocked().await.reason, Reason::MalformedResponse, "{shown}");
    }
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., |reply| {
        reply.set(&json!({"responses": []}));
    });
    let observed = scene.seen().await;
    assert_eq!(unreadable(observed.microsoft_graph()), Reason::MalformedResponse);
    assert_eq!(unreadable(&integration(&observed).service_principal), Reason::MalformedResponse);
}

#[tokio::test(start_paused = true)]
async fn graphs_own_principal_may_be_unreadable_alone() {
    let scene = Scene::healthy();
    let graph = webex_azure_operator::domain::catalog::MICROSOFT_GRAPH_APP_ID;
    scene.refuse(graph, Read::Principal, 500, "InternalServerError");
    let observed = scene.seen().await;
    assert_eq!(unreadable(observed.microsoft_graph()), Reason::GraphUnavailable);
    assert_eq!(observed.applications, all_in_order().await.applications);
}

#[tokio::test(start_paused = true)]
async fn lists_of_a_principal_that_is_absent_by_one_copy_only_are_not_empty() {
    // Copies of the directory may disagree within one batch: the principal is there, its lists are not yet.
    let scene = Scene::healthy();
    scene.refuse(INTEGRATION, Read::Roles, 404, "Request_ResourceNotFound");
    scene.refuse(INTEGRATION, Read::Grants, 404, "Request_ResourceNotFound");
    let observed = scene.seen().await;
    assert!(integration(&observed).service_principal.known().is_some());
    assert_eq!(integration(&observed).app_role_assignments.known(), None);
    assert_eq!(integration(&observed).oauth2_permission_grants.known(), None);
}

#[tokio::test(start_paused = true)]
async fn deleted_items_that_cannot_be_read_are_not_empty() {
    for (status, code, expected) in [
        (404, "Request_ResourceNotFound", Reason::MalformedResponse),
        (403, "Authorization_RequestDenied", Reason::PermissionMissing),
        (500, "InternalServerError", Reason::GraphUnavailable),
    ] {
        let scene = Scene::healthy();
        scene.absent(INTEGRATION);
        scene.refuse(INTEGRATION, Read::DeletedPrincipals, status, code);
        let observed = scene.seen().await;
        let seen = integration(&observed);
        assert_eq!(seen.service_principal, Reading::Absent);
        assert_eq!(unreadable(&seen.deleted_service_principals), expected, "{status}");
        assert_eq!(seen.deleted_applications, Reading::Known(Vec::new()));
    }
    let scene = Scene::healthy();
    scene.absent(INTEGRATION);
    scene.alter(Kind::Batch, 1..2, |reply| {
        reply.refuse(503, "ServiceUnavailable");
    });
    let observed = scene.seen().await;
    let seen = integration(&observed);
    assert_eq!(unreadable(&seen.deleted_service_principals), Reason::GraphUnavailable);
    assert_eq!(unreadable(&seen.deleted_applications), Reason::GraphUnavailable);
}
