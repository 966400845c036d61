//! Lists that go on behind a link: read to their end on the host that was asked, or not read at all.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::prelude::*;
use serde_json::{Value, json};
use webex_azure_operator::{api::Reason, domain::Observed};

use super::{
    fixture::{INTEGRATION, Read, Scene, all_in_order, integration, pass, unreadable},
    seam::{Kind, Reply},
    tenant::{assignments, error},
};

/// An address on the host that was asked.
fn at(page: &str) -> String {
    format!("https://graph.microsoft.com/v1.0/servicePrincipals/list?$skiptoken={page}")
}

/// A page of assignments, from one to another, and the link to the next one.
fn page(from: usize, to: usize, next: Option<&str>) -> Value {
    let mut body = json!({"value": assignments()[from..to]});
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    body
}

/// A tenant whose list of assignments begins with this page.
fn beginning(first: Value) -> Scene {
    let scene = Scene::healthy();
    scene.finds(INTEGRATION, Read::Roles, first);
    scene
}

/// The list of assignments is unreadable, and the rest was read.
fn only_the_list(observed: &Observed) -> Reason {
    let seen = integration(observed);
    assert!(seen.service_principal.known().is_some() && seen.oauth2_permission_grants.known().is_some());
    unreadable(&seen.app_role_assignments)
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_to_its_end_by_the_links_as_they_are() {
    let link = "https://graph.microsoft.com/v1.0/x?$skiptoken=a%20b&$select=appRoleId,resourceId&y='z'";
    let scene = beginning(page(0, 3, Some(link)));
    scene.pages(move |url| match url {
        url if url == link => Reply::json(200, &page(3, 5, Some(&at("3")))),
        url if url == at("3") => Reply::json(200, &page(5, 7, None)),
        url => panic!("{url} was made up"),
    });
    assert_eq!(scene.seen().await, all_in_order().await);
    let asked = scene.asked();
    let links: Vec<_> = asked.iter().filter(|asked| asked.kind() == Kind::Link).collect();
    assert_eq!(links.len(), 2);
    for link in links {
        assert_eq!((link.method.as_str(), link.body.len()), ("GET", 0));
        assert!(link.headers.contains_key("client-request-id"));
    }
}

#[tokio::test(start_paused = true)]
async fn g19_duplicates_across_pages_count_once() {
    let scene = beginning(page(0, 5, Some(&at("2"))));
    scene.pages(|_| Reply::json(200, &page(2, 7, None)));
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn g20_an_empty_page_with_a_link_is_not_the_end() {
    let scene = beginning(page(0, 0, Some(&at("2"))));
    scene.pages(|url| {
        let body = if url == at("2") { page(0, 0, Some(&at("3"))) } else { page(0, 7, None) };
        Reply::json(200, &body)
    });
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_null_is_the_end() {
    let scene = beginning(json!({"value": assignments(), "@odata.nextLink": null, "@odata.count": 7}));
    assert_eq!(scene.seen().await, all_in_order().await);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn g17_a_link_to_another_place_is_not_followed_and_the_whole_list_is_unreadable() {
    for link in [
        "https://evil.example/v1.0/next",
        "https://graph.microsoft.us/v1.0/next",
        "https://login.microsoftonline.com/v1.0/next",
        "http://graph.microsoft.com/v1.0/next",
        "https://graph.microsoft.com:8443/v1.0/next",
        "https://graph.microsoft.com.evil.example/v1.0/next",
        "https://evil.example/graph.microsoft.com/v1.0/next",
        "https://user@graph.microsoft.com/v1.0/next",
        "https://user:password@graph.microsoft.com/v1.0/next",
        "https://graph.microsoft.com@evil.example/v1.0/next",
        "https://graph.microsoft.com:443@evil.example/v1.0/next",
        "https://graph.microsoft.com\\@evil.example/v1.0/next",
        "https:\\\\evil.example\\v1.0",
        "https://graph.microsoft\u{3002}com.evil.example/v1.0/next",
        "//evil.example/v1.0/next",
        "/v1.0/next",
        "next",
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
    ] {
        let scene = beginning(page(0, 7, Some(link)));
        assert_eq!(only_the_list(&scene.seen().await), Reason::MalformedResponse, "{link}");
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "{link}: the token went nowhere");
    }
}

#[tokio::test(start_paused = true)]
async fn g17_a_link_of_a_later_page_is_looked_at_as_strictly() {
    let scene = beginning(page(0, 3, Some(&at("2"))));
    scene.pages(|_| Reply::json(200, &page(3, 7, Some("https://evil.example/v1.0/next"))));
    assert_eq!(only_the_list(&scene.seen().await), Reason::MalformedResponse);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Link]);
}

#[tokio::test(start_paused = true)]
async fn g17_every_list_is_looked_at_as_strictly() {
    for read in [Read::Grants, Read::DeletedPrincipals, Read::DeletedApplications] {
        let scene = Scene::healthy();
        if !matches!(read, Read::Grants) {
            scene.absent(INTEGRATION);
        }
        scene.finds(INTEGRATION, read, json!({"value": [], "@odata.nextLink": "https://evil.example/"}));
        let observed = scene.seen().await;
        assert_eq!(observed.obstacle().unwrap().reason, Reason::MalformedResponse, "{read:?}");
        assert!(!scene.kinds().contains(&Kind::Link), "{read:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g16_a_circle_of_links_ends_as_unreadable() {
    for links in [["1", "1", "1"], ["1", "2", "1"], ["1", "2", "2"]] {
        let scene = beginning(page(0, 7, Some(&at(links[0]))));
        let turn = AtomicUsize::new(1);
        scene.pages(move |_| {
            let next = links[turn.fetch_add(1, Ordering::Relaxed) % 3];
            Reply::json(200, &page(0, 7, Some(&at(next))))
        });
        assert_eq!(only_the_list(&scene.seen().await), Reason::MalformedResponse, "{links:?}");
        assert!(scene.kinds().len() <= 5, "{links:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g15_a_list_without_an_end_is_given_up_after_200_pages() {
    let scene = beginning(page(0, 7, Some(&at("0"))));
    let number = AtomicUsize::new(1);
    scene.pages(move |_| {
        let next = number.fetch_add(1, Ordering::Relaxed).to_string();
        Reply::json(200, &page(0, 7, Some(&at(&next))))
    });
    assert_eq!(only_the_list(&scene.seen().await), Reason::MalformedResponse);
    assert_eq!(scene.kinds().iter().filter(|kind| **kind == Kind::Link).count(), 199);
}

#[tokio::test(start_paused = true)]
async fn g15_a_long_page_is_read() {
    let mut items: Vec<Value> = (0..999_u128)
        .map(|n| json!({"appRoleId": uuid::Uuid::from_u128(n).to_string(), "resourceId": uuid::Uuid::from_u128(5).to_string()}))
        .collect();
    items.extend(assignments());
    let scene = beginning(json!({"value": items}));
    let observed = scene.seen().await;
    assert_eq!(integration(&observed).app_role_assignments.known().unwrap().len(), 999 + 7);
}

#[tokio::test(start_paused = true)]
async fn g18_a_second_page_that_fails_leaves_no_verdict_from_the_first() {
    for (status, code, expected) in [
        (500, "InternalServerError", Reason::GraphUnavailable),
        (503, "ServiceUnavailable", Reason::GraphUnavailable),
        (408, "RequestTimeout", Reason::GraphTimeout),
        (400, "Directory_ExpiredPageToken", Reason::MalformedResponse),
        (404, "Request_ResourceNotFound", Reason::MalformedResponse),
        (410, "resyncRequired", Reason::MalformedResponse),
        (403, "Authorization_RequestDenied", Reason::PermissionMissing),
        (204, "", Reason::MalformedResponse),
        (206, "", Reason::MalformedResponse),
    ] {
        let scene = beginning(page(0, 7, Some(&at("2"))));
        scene.pages(move |_| Reply::json(status, &error(code)));
        assert_eq!(only_the_list(&scene.seen().await), expected, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn g18_a_throttled_second_page_is_told_and_its_wait_minded() {
    let scene = beginning(page(0, 3, Some(&at("2"))));
    scene.pages(|_| {
        let mut reply = Reply::json(429, &error("TooManyRequests"));
        reply.header("retry-after", "12");
        reply
    });
    let observed = scene.seen().await;
    assert_eq!(only_the_list(&observed), Reason::Throttled);
    assert_eq!(observed.obstacle().unwrap().wait_seconds, Some(12));
    scene.settle();
    scene.asked();
    pass(6).await;
    assert_eq!(scene.blocked().await.wait_seconds, Some(6));
    assert_eq!(scene.kinds(), []);
    pass(6).await;
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn g18_a_second_page_of_another_shape_is_no_page() {
    for body in [json!({}), json!({"value": null}), json!({"value": {}}), json!([]), json!({"value": [7]})] {
        let scene = beginning(page(0, 7, Some(&at("2"))));
        let shown = body.clone();
        scene.pages(move |_| Reply::json(200, &body));
        assert_eq!(only_the_list(&scene.seen().await), Reason::MalformedResponse, "{shown}");
    }
}

/// Texts that look like addresses, and others.
fn links() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("graph.microsoft.com".to_owned()),
        "[a-zA-Z.:@%\\\\/#?\\[\\]0-9-]{0,24}",
        Just("evil.example".to_owned()),
    ];
    let mark = prop_oneof![Just("@"), Just("\\"), Just("#"), Just("?"), Just("/"), Just(":"), Just("\t"), Just("%2f")];
    let scheme = prop_oneof![Just("https://"), Just("HTTPS://"), Just("https:"), Just("http://"), Just("//")];
    prop_oneof![
        (scheme, host.clone(), mark, host, ".{0,8}")
            .prop_map(|(scheme, one, mark, two, rest)| format!("{scheme}{one}{mark}{two}/{rest}")),
        ".{0,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_link_leads_a_token_to_another_host(link in links()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let hosts: BTreeSet<(String, Option<u16>)> = runtime.block_on(async {
            let scene = beginning(page(0, 7, Some(&link)));
            scene.seen().await;
            let asked = scene.asked();
            let graph = asked.iter().filter(|asked| asked.bearer().is_some());
            graph.map(|asked| (asked.uri.host().unwrap().to_lowercase(), asked.uri.port_u16())).collect()
        });
        prop_assert!(
            hosts.iter().all(|(host, port)| host == "graph.microsoft.com" && port.is_none_or(|port| port == 443)),
            "{hosts:?}"
        );
    }
}
