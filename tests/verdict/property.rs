//! What holds for every history: Flux's rules for conditions, kstatus' needs, and our own bounds.

use proptest::prelude::*;
use serde_json::json;
use webex_azure_operator::{
    api::{
        ConditionType, Reason,
        reason::{ConditionStatus, TABLE},
    },
    domain::{Obstacle, text::MESSAGE_MAX},
};

use crate::fixture::{IDENTITY, INTEGRATION, Tenant, World, deleted, grants_forbidden, healthy, sign_in, spec};

/// One step of a history.
#[derive(Debug, Clone)]
enum Step {
    Wait(i64),
    See(Vec<u8>),
    Refused,
    Unavailable,
    Interval(u8),
    Suspend(bool),
    Warn(bool),
    Break,
    Mend,
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1..2000_i64).prop_map(Step::Wait),
        6 => prop::collection::vec(0..7_u8, 0..3).prop_map(Step::See),
        1 => Just(Step::Refused),
        2 => Just(Step::Unavailable),
        1 => (1..60_u8).prop_map(Step::Interval),
        1 => any::<bool>().prop_map(Step::Suspend),
        1 => any::<bool>().prop_map(Step::Warn),
        1 => Just(Step::Break),
        2 => Just(Step::Mend),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..40)
}

fn seen(world: &World, flaws: &[u8]) -> Tenant {
    let mut tenant = healthy();
    for flaw in flaws {
        tenant = match flaw {
            0 => tenant.soft_deleted(world.now),
            1 => tenant.gone(IDENTITY, Vec::new()),
            2 => tenant.gone(
                INTEGRATION,
                vec![
                    deleted(crate::fixture::IDENTITY_OBJECT, world.now),
                    deleted(crate::fixture::GRAPH_OBJECT, world.now),
                ],
            ),
            3 => tenant.disabled(),
            4 => tenant.not_consented(),
            5 => tenant.unreadable(IDENTITY, &Obstacle::throttled(Some(7))),
            _ => tenant.grants_unreadable(grants_forbidden()),
        };
    }
    tenant
}

fn take(world: &mut World, step: &Step) {
    let is_idle = |world: &World| world.spec["suspend"] == json!(true) || world.spec["tenantId"] == json!("common");
    match step {
        Step::Wait(seconds) => {
            world.after(*seconds);
            return;
        }
        Step::Restart => {
            world.restart();
            return;
        }
        Step::Interval(minutes) => {
            world.edit(|spec| spec["interval"] = json!(format!("{minutes}m")));
        }
        Step::Suspend(suspend) => {
            world.edit(|spec| spec["suspend"] = json!(suspend));
        }
        Step::Warn(warn) => {
            world.edit(|spec| spec["driftPolicy"] = json!(if *warn { "Warn" } else { "Fail" }));
        }
        Step::Break => {
            world.edit(|spec| spec["tenantId"] = json!("common"));
        }
        Step::Mend => {
            world.edit(|spec| spec["tenantId"] = crate::fixture::spec()["tenantId"].clone());
        }
        Step::See(_) | Step::Refused | Step::Unavailable => {}
    }
    if is_idle(world) {
        world.decide(None);
        return;
    }
    match step {
        Step::See(flaws) => world.look(seen(world, flaws)),
        Step::Refused => world.blocked(&Obstacle::credential_expired(&sign_in(""))),
        Step::Unavailable
        | Step::Wait(_)
        | Step::Interval(_)
        | Step::Suspend(_)
        | Step::Warn(_)
        | Step::Break
        | Step::Mend
        | Step::Restart => world.blocked(&Obstacle::graph_unavailable(500, None)),
    };
}

fn check(world: &World, before: &World) -> Result<(), TestCaseError> {
    let status = &world.status;
    let is = |condition: ConditionType, expected: &str| {
        world.condition(condition).is_some_and(|(status, _)| status == expected)
    };
    prop_assert!(status.condition("Ready").is_some(), "Ready is always there");
    prop_assert_eq!(status.observed_generation, Some(world.generation));
    prop_assert!(!(is(ConditionType::Stalled, "True") && is(ConditionType::Reconciling, "True")));
    if is(ConditionType::Stalled, "True") {
        prop_assert!(is(ConditionType::Ready, "False"));
        prop_assert_eq!(world.condition(ConditionType::Stalled).unwrap().1, world.ready().1);
    }
    if is(ConditionType::Ready, "True") {
        prop_assert!(
            world.condition(ConditionType::Stalled).is_none() && world.condition(ConditionType::Reconciling).is_none()
        );
    }
    if is(ConditionType::Ready, "Unknown") && world.condition(ConditionType::Suspended).is_none() {
        prop_assert!(is(ConditionType::Reconciling, "True"));
    }
    let order: Vec<usize> = status
        .conditions
        .iter()
        .map(|condition| ConditionType::ALL.iter().position(|known| known.as_str() == condition.type_).unwrap())
        .collect();
    prop_assert!(order.is_sorted(), "Reconciling and Stalled come first");
    for condition in &status.conditions {
        prop_assert_eq!(condition.observed_generation, Some(world.generation));
        prop_assert!(
            condition.message.len() <= MESSAGE_MAX && condition.message.ends_with(['.', '…']),
            "{}",
            condition.message
        );
        let reason = Reason::from_name(&condition.reason).unwrap();
        let kind = ConditionType::ALL.into_iter().find(|known| known.as_str() == condition.type_).unwrap();
        let row_status = match condition.status.as_str() {
            "True" => ConditionStatus::True,
            "False" => ConditionStatus::False,
            _ => ConditionStatus::Unknown,
        };
        let repeats = matches!(kind, ConditionType::Ready | ConditionType::Stalled)
            && TABLE.iter().any(|row| row.reason == reason && row.person_needed);
        prop_assert!(
            reason.fits(kind, row_status) || repeats,
            "{} {} {}",
            condition.type_,
            condition.status,
            condition.reason
        );
        if let Some(earlier) = before.status.condition(&condition.type_) {
            let moved = earlier.last_transition_time != condition.last_transition_time;
            prop_assert!(!moved || earlier.status != condition.status, "lastTransitionTime moves only with the status");
        }
    }
    prop_assert_eq!(status.drift.is_empty(), status.drift_count.is_none());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_rules_of_conditions(steps in steps()) {
        let mut world = World::new(spec());
        world.look(healthy());
        for step in &steps {
            let before = world.clone();
            take(&mut world, step);
            if !matches!(step, Step::Wait(_) | Step::Restart) {
                check(&world, &before)?;
            }
        }
    }

    #[test]
    fn the_same_look_twice_writes_once(steps in steps(), flaws in prop::collection::vec(0..7_u8, 0..3)) {
        let mut world = World::new(spec());
        for step in &steps {
            take(&mut world, step);
        }
        if world.spec["suspend"] != json!(true) && world.spec["tenantId"] != json!("common") {
            let seen = seen(&world, &flaws);
            world.look(seen.clone());
            let once = world.status.clone();
            world.look(seen);
            prop_assert_eq!(&world.status, &once);
        }
    }
}
