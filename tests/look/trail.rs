//! What a look leaves beside its verdict: the list of its requests, what is counted, and the state of the clock.

use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::json;
use webex_azure_operator::{
    domain::permission,
    emulator::Knobs,
    graph::{Exchange, Operation, Priority},
};

use super::{
    fixture::{IDENTITY, INTEGRATION, Read, SECRET, Scene, TENANT, pass},
    seam::{Kind, Reply},
};

fn metrics(scene: &Scene) -> String {
    let mut registry = Registry::with_prefix("webex_azure_operator");
    scene.graph.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

fn value(metrics: &str, series: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

#[tokio::test(start_paused = true)]
async fn the_trail_names_every_request_and_item_with_status_code_and_both_names() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.app_role_assignments.retain(|assignment| assignment.role != "Directory.Read.All");
    });
    let look = scene.look_for(&scene.looker, Priority::Asked).await;
    let operations: Vec<Operation> = look.trail.iter().map(|exchange| exchange.operation).collect();
    assert_eq!(
        operations,
        [
            Operation::Token,
            Operation::Batch,
            Operation::ResourcePrincipal,
            Operation::ServicePrincipal,
            Operation::AppRoleAssignments,
            Operation::OAuth2PermissionGrants,
            Operation::ServicePrincipal,
            Operation::SynchronizationJobs,
            Operation::AppRoleAssignedTo,
        ]
    );
    for exchange in &look.trail {
        // An item that was answered well has no name of its own; its batch has.
        let is_named = exchange.request_id.as_ref().is_some_and(|id| id.len() == 36);
        assert_eq!(is_named, !exchange.operation.is_item() || !exchange.is_good(), "{exchange:?}");
        assert!(exchange.client_request_id.parse::<uuid::Uuid>().is_ok(), "{exchange:?}");
        assert!(exchange.target.starts_with('/') && !exchange.target.contains("microsoft.com"), "{exchange:?}");
    }
    let refused: Vec<&Exchange> = look.trail.iter().filter(|exchange| !exchange.is_good()).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].operation, Operation::OAuth2PermissionGrants);
    assert_eq!((refused[0].status, refused[0].code.as_deref()), (Some(403), Some("Authorization_RequestDenied")));
    assert!(look.trail[2..].iter().all(|exchange| exchange.resource_units == Some(1)));
    let names: std::collections::BTreeSet<&str> =
        look.trail.iter().map(|exchange| exchange.client_request_id.as_str()).collect();
    assert_eq!(names.len(), look.trail.len(), "no name is given twice");
    let printed = format!("{:?}", look.trail);
    assert!(!printed.contains(SECRET) && !printed.contains("eyJ"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_an_answer_is_in_the_trail_too() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., |reply| {
        reply.html(502);
    });
    let look = scene.look_for(&scene.looker, Priority::Nobody).await;
    let last = look.trail.last().unwrap();
    assert_eq!((last.operation, last.status, last.code.as_deref()), (Operation::Batch, None, Some("content_type")));
}

#[tokio::test(start_paused = true)]
async fn only_looks_that_nobody_waits_for_give_way() {
    let scene = Scene::healthy();
    for (priority, expected) in
        [(Priority::Nobody, json!("Low")), (Priority::Mending, json!(null)), (Priority::Asked, json!(null))]
    {
        scene.look_for(&scene.looker, priority).await;
        let asked = scene.asked();
        let items = asked.iter().find(|asked| asked.kind() == Kind::Batch).unwrap().items();
        assert!(items.iter().all(|item| item["headers"]["x-ms-throttle-priority"] == expected), "{priority:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_tells_what_it_may_do_as_a_hint() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.app_role_assignments.push(webex_azure_operator::emulator::AppRoleAssignment {
            client: scenario.client_secrets[0].app_id.clone(),
            resource: "00000003-0000-0000-c000-000000000000".to_owned(),
            role: "User.Read.All".to_owned(),
            created: None,
        });
    });
    let roles = scene.look_for(&scene.looker, Priority::Nobody).await.roles.unwrap();
    assert_eq!(permission::excess(&scene.looker.desired, &roles), ["User.Read.All"]);
    assert!(permission::lacking(&scene.looker.desired, None, &roles).is_empty());
}

#[tokio::test(start_paused = true)]
async fn g49_a_clock_that_is_wrong_is_told_once_and_again_after_it_was_right() {
    let scene = Scene::healthy();
    let skew = async || scene.look_for(&scene.looker, Priority::Nobody).await.skew.map(|skew| skew.as_mins());
    let date = |date: &'static str| {
        move |reply: &mut Reply| {
            reply.header("date", date);
        }
    };
    scene.alter(Kind::Batch, 0..2, date("Mon, 23 Nov 2026 08:10:30 GMT"));
    assert_eq!(skew().await, Some(10));
    assert_eq!(skew().await, None, "told once");
    scene.alter(Kind::Batch, 0..1, date("Mon, 23 Nov 2026 08:00:00 GMT"));
    assert_eq!(skew().await, None);
    scene.alter(Kind::Batch, 0..1, date("Mon, 23 Nov 2026 07:50:00 GMT"));
    assert_eq!(skew().await, Some(-9));
    assert_eq!(value(&metrics(&scene), "webex_azure_operator_graph_clock_skew_seconds"), Some(-599.0));
}

#[tokio::test(start_paused = true)]
async fn requests_are_counted_by_what_they_were_for_and_never_by_whom() {
    let scene = Scene::healthy();
    scene.item_in(0..1, INTEGRATION, Read::Roles, |item| {
        item["status"] = 429.into();
        item["headers"]["Retry-After"] = "2".into();
    });
    scene.refuse(IDENTITY, Read::Principal, 404, "Request_ResourceNotFound");
    scene.alter(Kind::Token, 1..2, |reply| {
        reply.status = 401;
        reply.set(&super::tenant::token_error("invalid_client", 7_000_215));
    });
    scene.seen().await;
    pass(3600).await;
    scene.blocked().await;
    let text = metrics(&scene);
    for (series, expected) in [
        ("requests_total{operation=\"token\",status=\"200\"}", 1.0),
        ("requests_total{operation=\"token\",status=\"401\"}", 1.0),
        ("requests_total{operation=\"batch\",status=\"200\"}", 3.0),
        ("requests_total{operation=\"app_role_assignments\",status=\"429\"}", 1.0),
        ("requests_total{operation=\"app_role_assignments\",status=\"200\"}", 1.0),
        ("requests_total{operation=\"service_principal\",status=\"404\"}", 1.0),
        ("requests_total{operation=\"deleted_items\",status=\"200\"}", 2.0),
        ("throttled_total{operation=\"app_role_assignments\"}", 1.0),
        ("throttled_total{operation=\"batch\"}", 0.0),
        ("resource_units_total{operation=\"service_principal\"}", 2.0),
        ("token_fetches_total{credential=\"clientSecret\",result=\"Success\"}", 1.0),
        ("token_fetches_total{credential=\"clientSecret\",result=\"CredentialInvalid\"}", 1.0),
        ("request_duration_seconds_count{operation=\"batch\"}", 3.0),
        ("batch_items_count", 3.0),
        ("held_back_seconds_total", 2.0),
        ("strange_answers_total{kind=\"refused_link\"}", 0.0),
        ("tenants{budget=\"full\"}", 1.0),
        ("tenants{budget=\"reduced\"}", 0.0),
    ] {
        let series = format!("webex_azure_operator_graph_{series}");
        assert_eq!(value(&text, &series), Some(expected), "{series}\n{text}");
    }
    assert!(
        value(&text, "webex_azure_operator_graph_transferred_bytes_total{direction=\"received\"}").unwrap() > 100.0
    );
    for name in [&TENANT.to_string(), &INTEGRATION.to_string(), "microsoft.com", SECRET] {
        assert!(!text.contains(name), "{name}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test(start_paused = true)]
async fn g17_a_refused_link_is_counted() {
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Roles, |item| item["body"]["@odata.nextLink"] = "https://evil.example/next".into());
    scene.seen().await;
    assert_eq!(
        value(&metrics(&scene), "webex_azure_operator_graph_strange_answers_total{kind=\"refused_link\"}"),
        Some(1.0)
    );
}

#[tokio::test(start_paused = true)]
async fn g34_an_unknown_value_is_counted() {
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Principal, |item| item["body"]["disabledByMicrosoftStatus"] = "Something".into());
    scene.seen().await;
    let series = "webex_azure_operator_graph_strange_answers_total{kind=\"unrecognised_value\"}";
    assert_eq!(value(&metrics(&scene), series), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn every_metric_of_graph_is_documented_and_nothing_else() {
    const DOCUMENT: &str = include_str!("../../docs/metrics.md");
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let documented: std::collections::BTreeSet<(String, String)> = rows
        .map(|(name, rest)| {
            let kind = rest.split(' ').next().unwrap();
            let name = if kind == "counter" { name.strip_suffix("_total").expect("counters are totals") } else { name };
            (name.to_owned(), kind.to_owned())
        })
        // Those of the objects are held against the page where they are made, in controller/metric.rs.
        .filter(|(name, _)| name.starts_with("webex_azure_operator_graph_"))
        .collect();
    let scene = Scene::healthy();
    scene.seen().await;
    let text = metrics(&scene);
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let served = types.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    assert_eq!(documented, served);
}
