//! Tenants that ask to slow down: what they ask for is honoured, by everyone who speaks to them as the same application,
//! and by nobody else.

use std::time::Duration;

use serde_json::json;
use webex_azure_operator::{
    api::{AppId, Reason, TenantId},
    domain::{Observation, Obstacle},
};

use super::{
    fixture::{
        IDENTITY, INTEGRATION, Looker, Read, SECRET, Scene, all_in_order, integration, pass, spec_with, tokio_now,
        unreadable,
    },
    seam::Kind,
    tenant,
};

/// Reason and wait.
fn told(obstacle: &Obstacle) -> (Reason, Option<u32>) {
    (obstacle.reason, obstacle.wait_seconds)
}

#[tokio::test(start_paused = true)]
async fn g01_a_tenant_that_asks_to_slow_down_is_left_alone_for_that_long() {
    for (value, seconds) in [("7", 7), ("7.128", 8), ("Mon, 23 Nov 2026 08:02:00 GMT", 120)] {
        let scene = Scene::healthy();
        scene.alter(Kind::Batch, 0..1, move |reply| {
            reply.refuse(429, "TooManyRequests").header("retry-after", value);
        });
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(seconds)), "{value}");
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "not repeated at once");
        pass(u64::from(seconds) - 6).await;
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(6)), "{value}");
        assert_eq!(scene.kinds(), [], "no request in the meantime");
        pass(6).await;
        scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Batch], "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn g01_a_short_wait_is_waited_out_and_changes_no_verdict() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, 0..1, move |reply| {
        reply.refuse(429, "TooManyRequests").header("retry-after", "4");
    });
    scene.blocked().await;
    let begin = tokio_now();
    let (one, two) = tokio::join!(scene.seen(), scene.seen());
    assert_eq!((one.obstacle(), two.obstacle()), (None, None));
    let waited = begin.elapsed();
    assert!(waited >= Duration::from_secs(4) && waited < Duration::from_secs(5), "{waited:?}");
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
    assert_eq!(
        scene.kinds(),
        [Kind::Token],
        "Microsoft counts by application and tenant, whoever holds the Secret; who cannot sign in is told nothing of it"
    );
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
        pass(14).await;
        assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(6)));
        assert_eq!(scene.kinds(), []);
        pass(6).await;
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
    // The one with the short wait was asked again twice, which took ten seconds.
    let sizes: Vec<usize> = scene.asked().iter().skip(1).map(|asked| asked.items().len()).collect();
    assert_eq!(sizes, [7, 1, 1]);
    pass(24).await;
    assert_eq!(told(&scene.blocked().await), (Reason::Throttled, Some(6)));
    assert_eq!(scene.kinds(), []);
    pass(6).await;
    scene.seen().await;
}

#[tokio::test(start_paused = true)]
async fn g04_an_item_that_is_asked_to_wait_for_a_moment_is_asked_again_alone() {
    let expected = all_in_order().await;
    for status in [429, 503, 504] {
        let scene = Scene::healthy();
        scene.item_in(0..1, INTEGRATION, Read::Roles, move |item| {
            item["status"] = status.into();
            item["headers"]["Retry-After"] = "2".into();
            item["body"] = tenant::error("TooManyRequests");
        });
        let begin = tokio_now();
        assert_eq!(scene.seen().await, expected, "{status}");
        assert!(begin.elapsed() >= Duration::from_secs(2));
        let asked = scene.asked();
        assert_eq!(asked.len(), 3);
        let again = asked[2].items();
        assert_eq!(again.len(), 1, "{again:?}");
        assert!(again[0]["url"].as_str().unwrap().contains("appRoleAssignments"));
    }
}

#[tokio::test(start_paused = true)]
async fn g04_an_item_that_is_throttled_again_and_again_is_given_up_soon() {
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Roles, move |item| {
        item["status"] = 429.into();
        item["headers"]["Retry-After"] = "1".into();
    });
    let observed = scene.seen().await;
    assert_eq!(unreadable(&integration(&observed).app_role_assignments), Reason::Throttled);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Batch, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn g54_one_tenant_that_only_refuses_or_only_dawdles_leaves_the_others_on_time() {
    let looker =
        |n: u128| Looker::new(spec_with(|spec| spec["tenantId"] = TenantId::from_u128(n).to_string().into()), SECRET);
    let scene = Scene::healthy();
    let (refusing, slow) = (TenantId::from_u128(0x91).to_string(), TenantId::from_u128(0x92).to_string());
    scene.alter_for(refusing, |reply| {
        reply.refuse(429, "TooManyRequests").header("retry-after", "60");
    });
    scene.alter_for(slow, |reply| reply.head_after = Duration::from_secs(14));
    let begin = tokio_now();
    let (refusing, slow, others) = (looker(0x91), looker(0x92), [0x93, 0x94, 0x95, 0x96].map(looker));
    let trouble = async { tokio::join!(scene.look_as(&refusing), scene.look_as(&slow)) };
    let fine = async {
        for _ in 0..20 {
            for other in &others {
                let look = scene.look_as(other).await;
                assert!(matches!(look, Observation::Looked(ref observed) if observed.obstacle().is_none()), "{look:?}");
            }
        }
        begin.elapsed()
    };
    let ((refused, late), took) = tokio::join!(trouble, fine);
    assert_eq!(super::fixture::blocked(refused).reason, Reason::Throttled);
    assert!(matches!(late, Observation::Looked(_)), "slow, and within its deadline");
    assert!(took < Duration::from_secs(1), "{took:?}");
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

#[tokio::test(start_paused = true)]
async fn g07_a_tenant_without_answers_is_left_alone_after_five_looks_and_the_others_go_on() {
    let scene = Scene::healthy();
    let other = Looker::new(spec_with(|spec| spec["tenantId"] = TenantId::from_u128(0x99).to_string().into()), SECRET);
    scene.seen().await;
    scene.asked();
    scene.alter_for(scene.looker.desired.tenant.to_string(), |reply| {
        reply.refuse(500, "InternalServerError");
    });
    for _ in 0..5 {
        assert_eq!(told(&scene.blocked().await), (Reason::GraphUnavailable, None));
    }
    assert_eq!(scene.kinds(), [Kind::Batch; 5]);
    assert_eq!(told(&scene.blocked().await), (Reason::GraphUnavailable, Some(30)));
    assert_eq!(scene.kinds(), []);
    scene.look_as(&other).await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
    pass(30).await;
    scene.blocked().await;
    assert_eq!(scene.kinds(), [Kind::Batch], "one look tries");
    scene.settle();
    pass(30).await;
    assert_eq!(scene.seen().await.obstacle(), None);
}
