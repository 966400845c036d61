//! What holds for every history: Flux's rules for conditions, kstatus' needs, and our own bounds.

use proptest::prelude::*;
use serde_json::json;
use webex_azure_operator::{
    api::{
        ConditionType, Reason, WebexAzureIntegrationStatus,
        reason::{ConditionStatus, TABLE},
    },
    domain::{
        Obstacle,
        observed::{ScheduleState, SynchronizationCode, SynchronizationJob},
        text::MESSAGE_MAX,
    },
};

use crate::{
    fixture::{
        IDENTITY, IDENTITY_OBJECT, INTEGRATION, THUMBPRINT, Tenant, World, certificate, deleted, first_cycle,
        grants_forbidden, healthy, hours, never_started, paused, quarantined, running, secret, sign_in, spec, start,
    },
    flux,
};

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
        1 => (1..900_000_i64).prop_map(Step::Wait),
        6 => flaws().prop_map(Step::See),
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

fn flaws() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..23_u8, 0..4)
}

/// What the tenant shows: both presets with a job and a certificate, and these flaws, of which later ones cover earlier.
fn seen(world: &World, flaws: &[u8]) -> Tenant {
    let now = world.now;
    let at = hours(start(), 24);
    let mut tenant = healthy()
        .provisioned(vec![running(now)])
        .with_credentials(vec![certificate(THUMBPRINT, hours(start(), 24 * 40))]);
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
            6 => tenant.grants_unreadable(grants_forbidden()),
            7 => tenant.provisioned(Vec::new()),
            8 => tenant.provisioned(vec![paused(start())]),
            9 => tenant.provisioned(vec![never_started()]),
            10 => tenant.provisioned(vec![first_cycle()]),
            11 => tenant.provisioned(vec![quarantined("TooManyDeletes", start())]),
            12 => tenant.provisioned(vec![SynchronizationJob {
                schedule: ScheduleState::Disabled,
                ..quarantined("EncounteredQuarantineException", start())
            }]),
            13 => tenant.provisioned(vec![running(start())]),
            14 => {
                tenant.without_people().provisioned(vec![SynchronizationJob { synchronized: Some(0), ..running(now) }])
            }
            15 => tenant.provisioned(vec![
                SynchronizationJob { code: SynchronizationCode::Unrecognised, ..running(now) },
                SynchronizationJob { template_id: "other".to_owned(), ..running(at) },
            ]),
            16 => tenant.jobs_unreadable(Obstacle::not_offered("provisioning jobs")),
            17 => tenant.jobs_unreadable(Obstacle::timeout("Microsoft Graph")),
            18 => tenant.gone(IDENTITY, vec![deleted(IDENTITY_OBJECT, now)]),
            19 => tenant.with_credentials(Vec::new()),
            20 => tenant.with_credentials(vec![secret("a", at), certificate(THUMBPRINT, at)]),
            21 => tenant.credentials_unreadable(Obstacle::timeout("Microsoft Graph")),
            _ => tenant.without_people().switched(IDENTITY, |principal| principal.assignment_required = true),
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

/// The status without what moves by itself.
fn without_clockwork(status: &WebexAzureIntegrationStatus) -> WebexAzureIntegrationStatus {
    let mut status = status.clone();
    status.last_observed_time = None;
    for provisioning in status.applications.iter_mut().filter_map(|entry| entry.provisioning.as_mut()) {
        provisioning.last_success_time = None;
        if let Some(quarantine) = &mut provisioning.quarantine {
            quarantine.next_attempt = None;
        }
    }
    status
}

fn check(world: &World, before: &World) -> Result<(), TestCaseError> {
    let status = &world.status;
    let is = |condition: ConditionType, expected: &str| {
        world.condition(condition).is_some_and(|(status, _)| status == expected)
    };
    let broken = flux::broken(world.generation, status, flux::Phase::of(status));
    prop_assert!(broken.is_empty(), "rules {:?} of Flux", broken);
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
    if *status != before.status && without_clockwork(status) == without_clockwork(&before.status) {
        let last = before.status.last_observed_time.as_ref().unwrap().0;
        prop_assert!(world.now >= hours(last, 1), "cycles and looks alone wait for the heartbeat");
    }
    let text = serde_json::to_string(status).unwrap();
    let published: WebexAzureIntegrationStatus = serde_json::from_str(&text).unwrap();
    prop_assert_eq!(&published, status, "what is published is read back the same");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_rules_of_conditions(steps in steps()) {
        let mut world = World::new(spec());
        let seen_first = seen(&world, &[]);
        world.look(seen_first);
        for step in &steps {
            let before = world.clone();
            take(&mut world, step);
            if !matches!(step, Step::Wait(_) | Step::Restart) {
                check(&world, &before)?;
            }
        }
    }

    #[test]
    fn the_same_look_twice_writes_once(steps in steps(), flaws in flaws()) {
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
