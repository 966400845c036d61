//! Answers that are none: cut short, slow, endless, of another kind, from somebody else, or leading elsewhere. Each is
//! tried at the token endpoint, at `$batch` and at a further page of a list.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;
use webex_azure_operator::{
    api::Reason,
    domain::{Observation, Observed, Reading},
};

use super::{
    fixture::{INTEGRATION, Read, Scene, all_in_order, clock, integration},
    seam::{Flow, Kind, Reply, Trouble},
};

const NEXT: &str = "https://graph.microsoft.com/v1.0/next";

const ALL: [Kind; 3] = [Kind::Token, Kind::Batch, Kind::Link];

/// A tenant whose list of assignments has a second page.
fn paged() -> Scene {
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Roles, |item| item["body"]["@odata.nextLink"] = NEXT.into());
    scene.pages(|_| Reply::json(200, &json!({"value": []})));
    scene
}

/// Spoils the first answer of a kind, and tells the reason of the obstacle that follows and the time that it took. What
/// was not spoiled must have been read, and the look after it must be whole again.
async fn spoilt(kind: Kind, spoil: impl FnMut(&mut Reply) + Send + 'static) -> (Reason, Duration) {
    let clock = clock();
    let scene = paged();
    if kind != Kind::Token {
        scene.settled().await;
    }
    scene.alter(kind, 0..1, spoil);
    let started: Instant = clock.instant();
    let observation = scene.look().await;
    let took = clock.instant() - started;
    let reason = match (kind, observation) {
        (Kind::Token | Kind::Batch, Observation::Blocked(obstacle)) => obstacle.reason,
        (Kind::Link, Observation::Looked(observed)) => only_the_assignments(observed).await,
        (_, observation) => panic!("{kind:?}: {observation:?}"),
    };
    let kinds = scene.kinds();
    assert_eq!(kinds.last(), Some(&kind), "nothing was asked after that: {kinds:?}");
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(scene.look().await, Observation::Looked(all_in_order().await), "{kind:?}");
    (reason, took)
}

async fn only_the_assignments(observed: Observed) -> Reason {
    let obstacle = integration(&observed).app_role_assignments.obstacle().unwrap().clone();
    let reason = obstacle.reason;
    let mut expected = all_in_order().await;
    expected.applications.get_mut(&INTEGRATION).unwrap().app_role_assignments = Reading::Unreadable(obstacle);
    assert_eq!(observed, expected, "no verdict from the first page, and no harm to the rest");
    reason
}

impl Scene {
    /// Looks once, so that only what follows is of interest.
    async fn settled(&self) {
        self.seen().await;
        self.asked();
    }
}

/// A token endpoint that answers with anything but its JSON is as good as not there.
const fn not_an_answer(kind: Kind) -> Reason {
    match kind {
        Kind::Token => Reason::TokenEndpointUnavailable,
        Kind::Batch | Kind::Link => Reason::MalformedResponse,
    }
}

#[tokio::test(start_paused = true)]
async fn g08_a_connection_that_is_not_made_is_told() {
    for kind in ALL {
        let (reason, _) = spoilt(kind, |reply| reply.trouble = Some(Trouble::Connection)).await;
        assert_eq!(reason, Reason::NetworkUnavailable, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g50_a_name_that_is_not_found_is_told_with_the_name() {
    for (kind, host) in [(Kind::Token, "login.microsoftonline.com"), (Kind::Batch, "graph.microsoft.com")] {
        let scene = Scene::healthy();
        scene.alter(kind, .., |reply| reply.trouble = Some(Trouble::Connection));
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, Reason::NetworkUnavailable);
        assert!(obstacle.message.contains(host), "{}", obstacle.message);
        assert!(!obstacle.needs_person());
    }
}

#[tokio::test(start_paused = true)]
async fn g52_a_proxy_that_refuses_is_told_apart_from_a_network_that_does_not_work() {
    for kind in ALL {
        let (reason, _) = spoilt(kind, |reply| reply.trouble = Some(Trouble::Proxy)).await;
        assert_eq!(reason, Reason::NetworkUnavailable, "{kind:?}");
    }
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| reply.trouble = Some(Trouble::Proxy));
    let message = scene.blocked().await.message;
    assert!(message.contains("proxy") && message.contains("login.microsoftonline.com"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn g51_a_certificate_that_is_not_accepted_is_told_with_the_host() {
    for kind in ALL {
        let (reason, _) = spoilt(kind, |reply| reply.trouble = Some(Trouble::Tls)).await;
        assert_eq!(reason, Reason::TLSFailure, "{kind:?}");
    }
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| reply.trouble = Some(Trouble::Tls));
    let obstacle = scene.blocked().await;
    assert!(obstacle.message.contains("login.microsoftonline.com"), "{}", obstacle.message);
    assert_eq!(scene.kinds(), [Kind::Token]);
}

#[tokio::test(start_paused = true)]
async fn g10_heads_that_do_not_come_end_after_fifteen_seconds() {
    for kind in ALL {
        let (reason, took) = spoilt(kind, |reply| reply.trouble = Some(Trouble::Silence)).await;
        assert_eq!((reason, took.as_secs()), (Reason::GraphTimeout, 15), "{kind:?}");
        let (reason, took) = spoilt(kind, |reply| reply.head_after = Duration::from_hours(1)).await;
        assert_eq!((reason, took.as_secs()), (Reason::GraphTimeout, 15), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g10_bodies_that_drip_end_after_thirty_seconds_in_all() {
    for kind in ALL {
        let (reason, took) = spoilt(kind, |reply| {
            reply.flow = Flow::Drip;
            reply.body = Bytes::from(vec![b' '; 4096]);
        })
        .await;
        assert_eq!((reason, took.as_secs()), (Reason::GraphTimeout, 30), "{kind:?}");
        let (_, took) = spoilt(kind, |reply| {
            reply.head_after = Duration::from_secs(14);
            reply.flow = Flow::Drip;
            reply.body = Bytes::from(vec![b' '; 4096]);
        })
        .await;
        assert_eq!(took.as_secs(), 30, "{kind:?}: the head's time counts");
    }
}

#[tokio::test(start_paused = true)]
async fn g10_a_slow_answer_within_the_deadlines_is_an_answer() {
    let scene = Scene::healthy();
    for kind in [Kind::Token, Kind::Batch] {
        scene.alter(kind, .., |reply| reply.head_after = Duration::from_millis(14_900));
    }
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn g11_bodies_that_are_cut_short_are_no_answers_wherever_they_are_cut() {
    for kind in ALL {
        for length in [0, 1, 5, 9, 11] {
            let (reason, _) = spoilt(kind, move |reply| reply.body = reply.body.slice(..length)).await;
            assert_eq!(reason, not_an_answer(kind), "{kind:?} {length}");
        }
        let (reason, _) = spoilt(kind, |reply| reply.flow = Flow::BreaksAfter(5)).await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?} breaks off");
        let (reason, _) = spoilt(kind, |reply| reply.flow = Flow::BreaksAfter(reply.body.len())).await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?} breaks off after everything was there");
        for difference in [1, 1000] {
            let (reason, _) = spoilt(kind, move |reply| {
                let announced = (reply.body.len() + difference).to_string();
                reply.header("content-length", &announced);
            })
            .await;
            assert_eq!(reason, not_an_answer(kind), "{kind:?} lacks {difference} bytes");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_with_exactly_the_announced_bytes_is_one() {
    let scene = Scene::healthy();
    for kind in [Kind::Token, Kind::Batch] {
        scene.alter(kind, .., |reply| {
            let length = reply.body.len().to_string();
            reply.header("content-length", &length).header("content-encoding", "identity");
            reply.header("content-type", "Application/JSON;odata.metadata=minimal;odata.streaming=true;charset=utf-8");
        });
    }
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn g12_a_page_for_people_is_no_answer_whatever_its_status() {
    for kind in ALL {
        for status in [200, 403, 404, 502, 503] {
            let (reason, _) = spoilt(kind, move |reply| {
                reply.html(status);
            })
            .await;
            assert_eq!(reason, not_an_answer(kind), "{kind:?} {status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn g12_a_page_for_people_under_the_name_of_json_is_no_answer() {
    for kind in ALL {
        let (reason, _) = spoilt(kind, |reply| {
            reply.html(200).header("content-type", "application/json");
        })
        .await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g13_valid_json_under_another_content_type_is_no_answer() {
    for kind in ALL {
        for content_type in ["text/plain", "text/html; charset=utf-8", "application/json-seq", "application/jsonp", ""]
        {
            let (reason, _) = spoilt(kind, move |reply| {
                reply.header("content-type", content_type);
            })
            .await;
            assert_eq!(reason, not_an_answer(kind), "{kind:?} {content_type}");
        }
        let (reason, _) = spoilt(kind, |reply| {
            reply.headers.remove("content-type");
        })
        .await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?} without a content type");
    }
}

#[tokio::test(start_paused = true)]
async fn g14_more_than_eight_mebibytes_are_not_read() {
    const MAX: usize = 8 * 1024 * 1024;
    for kind in ALL {
        let (reason, _) = spoilt(kind, |reply| {
            reply.body = Bytes::from(vec![b' '; 1024 * 1024]);
            reply.flow = Flow::Endless;
        })
        .await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?}");
    }
    for (padding, is_read) in [(0, true), (1, false)] {
        let scene = Scene::healthy();
        scene.alter(Kind::Batch, .., move |reply| {
            let mut body = reply.body.to_vec();
            body.resize(MAX + padding, b' ');
            reply.body = body.into();
        });
        assert_eq!(matches!(scene.look().await, Observation::Looked(_)), is_read);
    }
}

#[tokio::test(start_paused = true)]
async fn g14_an_encoding_that_was_not_asked_for_is_refused_unread() {
    for kind in ALL {
        for encoding in ["gzip", "br", "deflate", "identity, gzip"] {
            let (reason, _) = spoilt(kind, move |reply| {
                reply.header("content-encoding", encoding);
                reply.flow = Flow::Endless;
            })
            .await;
            assert_eq!(reason, not_an_answer(kind), "{kind:?} {encoding}");
        }
    }
    let scene = Scene::healthy();
    scene.seen().await;
    for asked in scene.asked() {
        assert!(!asked.headers.contains_key("accept-encoding"));
        assert_eq!(asked.headers["accept"], "application/json");
    }
}

#[tokio::test(start_paused = true)]
async fn g53_no_redirect_is_followed() {
    for kind in ALL {
        for status in [300, 301, 302, 303, 304, 307, 308] {
            for location in ["https://evil.example/", NEXT, "/v1.0/other"] {
                let (reason, _) = spoilt(kind, move |reply| {
                    reply.status = status;
                    reply.header("location", location);
                })
                .await;
                // Nothing was asked after the redirect, which `spoilt` checks: neither token nor secret went anywhere.
                assert_eq!(reason, Reason::MalformedResponse, "{kind:?} {status} {location}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn json_of_any_other_shape_is_no_answer() {
    for kind in ALL {
        for body in [Value::Null, json!(7), json!("x"), json!([]), json!([1]), json!({}), json!({"value": null})] {
            let shown = body.clone();
            let (reason, _) = spoilt(kind, move |reply| {
                reply.set(&body);
            })
            .await;
            assert_eq!(reason, not_an_answer(kind), "{kind:?} {shown}");
        }
        let (reason, _) = spoilt(kind, |reply| reply.body = Bytes::from("[".repeat(100_000))).await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?}: nested without an end");
        let (reason, _) = spoilt(kind, |reply| reply.body = Bytes::from_static(b"{\"value\": \"\xff\xfe\"}")).await;
        assert_eq!(reason, not_an_answer(kind), "{kind:?}: no text");
    }
}
