//! Tenants that ask to slow down: what they ask for is honoured, by everyone who speaks to them as the same application,
//! and by nobody else.

use std::time::Duration;

use serde_json::json;
use webex_azure_operator::{
    api::{AppId, Reason, TenantId},
    domain::Obstacle,
};

use super::{
    fixture::{IDENTITY, INTEGRATION, Looker, Read, SECRET, Scene, integration, pass, spec_with},
    seam::Kind,
    tenant,
};

/// Reason and wait.
fn told(obstacle: &Obstacle) -> (Reason, Option<u32>) {
    (obstacle.reason, obstacle.wait_seconds)
}

#[tokio::test(start_paused = true)]
async fn g01_a_tenant_that_asks_to_slow_down_is_left_alone_for_that_long() {
    for (value, seconds) in [("7", 7), ("2.128", 3), ("Mon, 23 Nov 2026 08:02:00 GMT", 120)] {
        let scene = Scene::healthy();
        scene.alter(Kind::Batch, 0..1, move |reply| {
            reply.refuse(429, "TooManyRequests").header("retry-after", value);
        });
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(seconds)), "{value}");
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "not repeated at once");
        pass(u64::from(seconds) - 1).await;
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(1)), "{value}");
        assert_eq!(scene.kinds(), [], "no request in the meantime");
        pass(1).await;
        scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Batch], "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn g01_a_throttled_answer_of_a_gateway_without_json_counts_too() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., |reply| {
        reply.html(429).header("retry-after", "4");
    });
    assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(4)));
}

#[tokio::test(start_paused = true)]
async fn g01_other_tenants_and_other_applications_go_on() {
    let scene = Scene::healthy();
    let tenant = Looker::new(spec_with(|spec| spec["tenantId"] = TenantId::from_u128(0x99).to_string().into()), SECRET);
    let client = Looker::new(
        spec_with(|spec| spec["credentials"]["clientId"] = AppId::from_u128(0x99).to_string().into()),
        SECRET,
    );
    scene.alter(Kind::Batch, 0..1, |reply| {
        reply.refuse(429, "TooManyRequests").header("retry-after", "60");
    });
    scene.blocked().await;
    scene.asked();
    for other in [&tenant, &client] {
        scene.look_as(other).await;
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
    }
    let same = scene.looker.with_key(|key| key.namespace = "other".to_owned());
    scene.look_as(&same).await;
    assert_eq!(scene.kinds(), [], "Microsoft counts by application and tenant, whoever holds the Secret");
}

#[tokio::test(start_paused = true)]
async fn g02_without_retry_after_the_pace_is_the_callers() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, 0..1, |reply| {
        reply.refuse(429, "TooManyRequests");
    });
    assert_eq!(told(&scene.blocked().await), (Reason::Throttled, None));
    scene.seen().await;
}

#[tokio::test(start_paused = true)]
async fn g03_an_absurd_retry_after_is_clamped_or_ignored() {
    for (value, seconds) in [
        ("0", Some(1)),
        ("-5", Some(1)),
        ("1000000000", Some(900)),
        ("1e300", Some(900)),
        ("Sun, 22 Nov 2026 08:00:00 GMT", Some(1)),
        ("Tue, 23 Nov 2027 08:00:00 GMT", Some(900)),
        ("soon", None),
        ("NaN", None),
        ("", None),
    ] {
        let scene = Scene::healthy();
        scene.alter(Kind::Batch, 0..1, move |reply| {
            reply.refuse(429, "TooManyRequests").header("retry-after", value);
        });
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, seconds), "{value}");
        pass(seconds.unwrap_or_default().into()).await;
        scene.seen().await;
    }
}

#[tokio::test(start_paused = true)]
async fn g04_a_throttled_item_leaves_the_others_useful_and_the_tenant_alone() {
    for (wait, seconds) in [(json!("20"), 20), (json!(20), 20)] {
        let scene = Scene::healthy();
        scene.item(INTEGRATION, Read::Roles, move |item| {
            item["status"] = 429.into();
            item["headers"]["Retry-After"] = wait.clone();
            item["body"] = tenant::error("TooManyRequests");
        });
        let observed = scene.seen().await;
        assert_eq!(
            told(integration(&observed).app_role_assignments.obstacle().unwrap()),
            (Reason::Throttled, Some(seconds))
        );
        assert!(integration(&observed).service_principal.known().is_some());
        assert!(integration(&observed).oauth2_permission_grants.known().is_some());
        scene.settle();
        scene.asked();
        pass(19).await;
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(1)));
        assert_eq!(scene.kinds(), []);
        pass(1).await;
        assert_eq!(scene.seen().await.obstacle(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn g04_a_throttled_item_without_retry_after_is_told() {
    let scene = Scene::healthy();
    scene.refuse(INTEGRATION, Read::Roles, 429, "TooManyRequests");
    let observed = scene.seen().await;
    assert_eq!(told(integration(&observed).app_role_assignments.obstacle().unwrap()), (Reason::Throttled, None));
}

#[tokio::test(start_paused = true)]
async fn g04_the_longest_of_several_waits_counts_even_beside_graver_trouble() {
    let scene = Scene::healthy();
    for (app, read, seconds) in
        [(IDENTITY, Read::Principal, "5"), (INTEGRATION, Read::Principal, "40"), (INTEGRATION, Read::Roles, "10")]
    {
        scene.item(app, read, move |item| {
            item["status"] = 429.into();
            item["headers"]["Retry-After"] = seconds.into();
        });
    }
    scene.refuse(INTEGRATION, Read::Grants, 403, "Authorization_RequestDenied");
    let observed = scene.seen().await;
    assert_eq!(observed.obstacle().unwrap().reason, Reason::PermissionMissing);
    scene.asked();
    pass(39).await;
    assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(1)));
    assert_eq!(scene.kinds(), []);
    pass(1).await;
    scene.seen().await;
}

#[tokio::test(start_paused = true)]
async fn a_shorter_wait_does_not_end_a_longer_one() {
    let scene = Scene::healthy();
    for (number, delay, seconds) in [(0, 1, "60"), (1, 2, "5")] {
        scene.alter(Kind::Batch, number..=number, move |reply| {
            reply.refuse(429, "TooManyRequests").header("retry-after", seconds);
            reply.head_after = Duration::from_secs(delay);
        });
    }
    tokio::join!(scene.look(), scene.look());
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Batch], "both were under way");
    pass(30).await;
    assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(29)));
    assert_eq!(scene.kinds(), []);
}

#[tokio::test(start_paused = true)]
async fn g07_a_server_error_is_told_as_such_while_its_wait_lasts() {
    for status in [500, 502, 503, 504] {
        let scene = Scene::healthy();
        scene.alter(Kind::Batch, 0..1, move |reply| {
            reply.refuse(status, "ServiceUnavailable").header("retry-after", "30");
        });
        assert_eq!(told(&scene.blocked().await), (Reason::GraphUnavailable, Some(30)), "{status}");
        scene.asked();
        pass(10).await;
        assert_eq!(told(&scene.blocked().await), (Reason::GraphUnavailable, Some(20)), "{status}");
        assert_eq!(scene.kinds(), []);
        pass(20).await;
        scene.seen().await;
    }
}

#[tokio::test(start_paused = true)]
async fn g07_a_batch_that_is_refused_as_a_whole_is_no_verdict() {
    for (status, expected) in [
        (500, Reason::GraphUnavailable),
        (502, Reason::GraphUnavailable),
        (503, Reason::GraphUnavailable),
        (504, Reason::GraphUnavailable),
        (408, Reason::GraphTimeout),
        (400, Reason::MalformedResponse),
        (403, Reason::MalformedResponse),
        (404, Reason::MalformedResponse),
        (405, Reason::MalformedResponse),
        (201, Reason::MalformedResponse),
        (204, Reason::MalformedResponse),
    ] {
        let scene = Scene::healthy();
        scene.alter(Kind::Batch, 0..1, move |reply| {
            reply.refuse(status, "Request_ResourceNotFound");
        });
        assert_eq!(scene.blocked().await.reason, expected, "{status}");
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "{status}");
        assert_eq!(scene.seen().await.obstacle(), None, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn g54_a_slow_tenant_does_not_delay_another() {
    let scene = Scene::healthy();
    let other = Looker::new(spec_with(|spec| spec["tenantId"] = TenantId::from_u128(0x99).to_string().into()), SECRET);
    scene.seen().await;
    scene.look_as(&other).await;
    scene.alter(Kind::Batch, 0..1, |reply| reply.head_after = Duration::from_hours(1));
    let slow = scene.look();
    let quick = async {
        tokio::time::timeout(Duration::from_secs(1), scene.look_as(&other)).await.expect("not delayed");
    };
    let (slow, ()) = tokio::join!(slow, quick);
    assert_eq!(super::fixture::blocked(slow).reason, Reason::GraphTimeout);
    assert_eq!(scene.kinds().iter().filter(|kind| **kind == Kind::Batch).count(), 4);
}
