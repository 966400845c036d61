//! Whatever Microsoft, or whoever answers in its place, sends: no panic, no verdict from nothing, nothing taken for absent
//! that nobody said was.

use proptest::prelude::*;
use serde_json::{Value, json};
use webex_azure_operator::{
    api::Reason,
    domain::{Observation, Observed, Reading},
};

use super::{fixture::Scene, seam::Kind};

/// Runs a look in virtual time.
fn looked(scene: impl AsyncFnOnce() -> Observation) -> Observation {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(scene())
}

/// Any JSON.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(json!("0001-01-01T00:00:00Z")),
        Just(json!("00000000-0000-0000-0000-000000000021")),
        Just(json!("https://evil.example/next")),
        Just(json!("\u{202e}\u{0}\u{1b}[31m")),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z@.]{1,12}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// Replaces the part of the value that the numbers lead to.
pub fn replace(value: &mut Value, way: &[usize], with: &Value) {
    let Some((first, rest)) = way.split_first() else {
        *value = with.clone();
        return;
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let place = first % fields.len();
            replace(fields.values_mut().nth(place).unwrap(), rest, with);
        }
        Value::Array(items) if !items.is_empty() => {
            let place = first % items.len();
            replace(&mut items[place], rest, with);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            *value = with.clone();
        }
    }
}

fn in_order() -> Observed {
    match looked(async || Scene::healthy().look().await) {
        Observation::Looked(observed) => observed,
        Observation::Blocked(obstacle) => panic!("{obstacle:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_token_answer_is_a_token_or_a_reason(
        status in prop::sample::select(vec![200_u16, 201, 204, 400, 401, 403, 404, 408, 429, 500, 503]),
        way in prop::collection::vec(0_usize..6, 0..3),
        with in any_json(),
        wait in prop::option::of("[ -~]{0,20}"),
    ) {
        let observation = looked(async || {
            let scene = Scene::healthy();
            scene.alter(Kind::Token, .., move |reply| {
                reply.status = status;
                reply.edit(|body| replace(body, &way, &with));
                if let Some(wait) = &wait {
                    reply.header("retry-after", wait);
                }
            });
            scene.look().await
        });
        match observation {
            Observation::Looked(observed) => prop_assert_eq!((status, observed), (200, in_order())),
            Observation::Blocked(obstacle) => {
                prop_assert!(matches!(
                    obstacle.reason,
                    Reason::TokenEndpointUnavailable
                        | Reason::TenantNotAllowed
                        | Reason::CredentialInvalid
                        | Reason::OperatorAppNotConsented
                ), "{obstacle:?}");
                prop_assert!(obstacle.wait_seconds.is_none_or(|wait| (1..=900).contains(&wait)));
                let deceives = obstacle.message.contains(['\n', '\u{202e}', '\u{1b}']);
                prop_assert!(obstacle.message.len() <= 1024 && !deceives);
            }
        }
    }

    #[test]
    fn no_batch_answer_makes_something_absent_that_nobody_said_was(
        ways in prop::collection::vec((prop::collection::vec(0_usize..12, 0..6), any_json()), 1..4),
    ) {
        let observation = looked(async || {
            let scene = Scene::healthy();
            scene.alter(Kind::Batch, .., move |reply| {
                reply.edit(|body| ways.iter().for_each(|(way, with)| replace(body, way, with)));
            });
            scene.look().await
        });
        let Observation::Looked(observed) = observation else { return Ok(()) };
        for seen in observed.applications.values() {
            prop_assert!(!matches!(seen.service_principal, Reading::Absent), "{seen:?}");
            prop_assert!(!matches!(seen.app_role_assignments, Reading::Absent), "{seen:?}");
            prop_assert!(!matches!(seen.oauth2_permission_grants, Reading::Absent), "{seen:?}");
        }
    }

    #[test]
    fn no_bytes_for_a_batch_answer_panic_or_are_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let observation = looked(async || {
            let scene = Scene::healthy();
            scene.alter(Kind::Batch, .., move |reply| reply.body = bytes.clone().into());
            scene.look().await
        });
        match observation {
            Observation::Blocked(obstacle) => prop_assert_eq!(obstacle.reason, Reason::MalformedResponse),
            Observation::Looked(observed) => prop_assert!(false, "{observed:?}"),
        }
    }
}
