//! Provisioning: why it stands still, since when and until when, what to do, and what is no alarm.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use webex_azure_operator::{
    api::{ConditionType as C, ObjectId, status::ProvisioningStatus},
    domain::{
        Obstacle, Reading,
        observed::{Assigned, Cycle, CycleState, Quarantine, ScheduleState, SynchronizationCode, SynchronizationJob},
    },
};

use crate::fixture::{
    IDENTITY, IDENTITY_OBJECT, Tenant, World, deleted, first_cycle, healthy, hours, never_started, paused, quarantined,
    running, spec, start,
};

/// An object whose job runs, looked at once.
fn provisioning() -> World {
    let mut world = World::new(spec());
    world.look(healthy().provisioned(vec![running(start())]));
    assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Healthy")));
    assert_eq!(world.ready(), ("True", "InSync"));
    world.after(300);
    world
}

fn look(world: &mut World, job: SynchronizationJob) {
    world.look(healthy().provisioned(vec![job]));
}

fn twice(world: &mut World, seen: Tenant) {
    world.look(seen.clone());
    world.after(61).look(seen);
}

fn status(world: &World) -> ProvisioningStatus {
    world.status.application("identity").unwrap().provisioning.clone().unwrap()
}

fn action(world: &World) -> String {
    world.status.drift[0].remedy.clone().unwrap().action
}

fn server_error() -> Obstacle {
    Obstacle::graph_unavailable(500, None)
}

#[test]
fn each_way_to_stand_still_has_its_reason_its_words_and_its_remedy() {
    let at = start();
    let scheduled = |schedule: ScheduleState| SynchronizationJob { schedule, ..running(at) };
    let not_configured = SynchronizationJob { code: SynchronizationCode::NotConfigured, ..never_started() };
    let never = SynchronizationJob { last_success: None, last_cycle: None, ..paused(at) };
    let cases: [(SynchronizationJob, &str, &str, &str, &str); 7] = [
        (
            paused(at),
            "ProvisioningPaused",
            "Paused",
            "is paused: it was stopped and waits to be started.",
            "StartProvisioning",
        ),
        (never, "ProvisioningPaused", "Paused", "is paused and has never finished a cycle.", "StartProvisioning"),
        (
            scheduled(ScheduleState::Paused),
            "ProvisioningPaused",
            "Paused",
            "is paused: it was stopped",
            "StartProvisioning",
        ),
        (
            scheduled(ScheduleState::Disabled),
            "ProvisioningDisabled",
            "Disabled",
            "is switched off.",
            "StartProvisioning",
        ),
        (never_started(), "ProvisioningDisabled", "Disabled", "was never started.", "StartProvisioning"),
        (not_configured, "ProvisioningDisabled", "Disabled", "lacks an address or a credential", "MendProvisioning"),
        (
            quarantined("EncounteredQuarantineException", at),
            "ProvisioningQuarantined",
            "Quarantined",
            "is in quarantine since 2026-11-23T08:00:00Z",
            "MendProvisioning",
        ),
    ];
    for (job, reason, state, words, remedy) in cases {
        let mut world = provisioning();
        look(&mut world, job);
        assert_eq!(world.ready(), ("False", reason), "{words}");
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("False", reason)));
        assert_eq!(status(&world).state, state);
        let message = world.message(C::Ready);
        assert!(message.contains(words), "{message}");
        assert!(
            message.contains(&format!("(appId {IDENTITY}, object ID {IDENTITY_OBJECT})")),
            "the ticket needs both IDs: {message}"
        );
        assert_eq!(action(&world), remedy);
        assert!(message.contains("> Provisioning"), "{message}");
    }
}

#[test]
fn no_job_is_believed_after_two_looks() {
    let mut world = provisioning();
    let before = world.status.clone();
    world.look(healthy().provisioned(Vec::new()));
    assert_eq!(world.status, before, "one empty list may be a stale read");
    world.after(61).look(healthy().provisioned(Vec::new()));
    assert_eq!(world.ready(), ("False", "ProvisioningJobMissing"));
    assert_eq!(status(&world).state, "Missing");
    assert_eq!(status(&world).template_id.as_deref(), Some("scim"), "a job that comes back is recognised");
    assert_eq!(action(&world), "SetUpAgain");
    assert!(world.message(C::Ready).contains("Control Hub > Organization Settings > Directory Synchronization"));

    let before = world.status.clone();
    let decision = world.restart().after(15).look(healthy().provisioned(Vec::new()));
    assert_eq!(world.status, before, "a restart does not doubt what was confirmed");
    assert!(decision.settled_until.is_some(), "nor asks again");
}

#[test]
fn every_reason_of_a_quarantine_is_told_in_words() {
    let cases = [
        ("EncounteredBaseEscrowThreshold", "too many people and groups", "MendProvisioning"),
        ("EncounteredTotalEscrowThreshold", "too many people, groups and memberships", "MendProvisioning"),
        ("EncounteredEscrowProportionThreshold", "too large a part", "MendProvisioning"),
        ("EncounteredQuarantineException", "Webex does not accept its credential", "MendProvisioning"),
        ("TooManyDeletes", "remove more people than is allowed at once", "Investigate"),
        ("QuarantinedOnDemand", "somebody asked for it", "MendProvisioning"),
        ("QuarantineOnDemand", "somebody asked for it", "MendProvisioning"),
        ("IngestionInterrupted", "reading the directory broke off", "MendProvisioning"),
        ("Unknown", "Microsoft does not tell why", "MendProvisioning"),
        ("", "Microsoft does not tell why", "MendProvisioning"),
        ("SunSpots\u{202e}\"", "one that this version does not know, 'SunSpots\\u{202e}''", "MendProvisioning"),
    ];
    for (reason, words, remedy) in cases {
        let mut world = provisioning();
        look(&mut world, quarantined(reason, start()));
        assert_eq!(world.ready(), ("False", "ProvisioningQuarantined"), "{reason}");
        assert!(world.message(C::ProvisioningHealthy).contains(words), "{}", world.message(C::ProvisioningHealthy));
        assert!(world.message(C::ProvisioningHealthy).contains("switches it off on 2026-12-21"));
        assert_eq!(action(&world), remedy, "{reason}");
    }
}

#[test]
fn a_quarantine_tells_since_when_and_until_when() {
    let mut world = provisioning();
    let since = hours(start(), -48);
    look(&mut world, quarantined("EncounteredQuarantineException", since));
    let quarantine = status(&world).quarantine.unwrap();
    assert_eq!(quarantine.reason, "EncounteredQuarantineException");
    assert_eq!(quarantine.since.unwrap().0, since);
    assert_eq!(quarantine.disabled_at.unwrap().0, hours(since, 28 * 24));
    assert_eq!(world.status.drift[0].since.clone().unwrap().0, since);
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().before.unwrap().0, hours(since, 28 * 24));
    let message = world.message(C::Ready);
    assert!(message.contains("Renew its token: in Control Hub > Organization Settings"), "{message}");
}

#[test]
fn a_quarantine_without_a_beginning_promises_no_day() {
    let mut world = provisioning();
    let mut job = quarantined("Unknown", start());
    job.quarantine.as_mut().unwrap().since = None;
    look(&mut world, job);
    assert!(world.message(C::Ready).contains("switches it off after 28 days."));
    assert_eq!(status(&world).quarantine.unwrap().disabled_at, None);

    let mut world = provisioning();
    look(&mut world, SynchronizationJob { quarantine: None, ..quarantined("", start()) });
    assert_eq!(world.ready(), ("False", "ProvisioningQuarantined"));
}

#[test]
fn attempts_in_quarantine_change_nothing_that_is_published() {
    let mut world = provisioning();
    look(&mut world, quarantined("EncounteredQuarantineException", start()));
    let before = world.status.clone();
    let mut later = quarantined("EncounteredQuarantineException", start());
    later.quarantine.as_mut().unwrap().next_attempt = Some(hours(start(), 18));
    later.failures += 1;
    world.after(600);
    look(&mut world, later.clone());
    assert_eq!(world.status, before);

    world.after(3600);
    look(&mut world, later);
    assert_eq!(status(&world).quarantine.unwrap().next_attempt.unwrap().0, hours(start(), 18), "with the heartbeat");
    assert_eq!(world.status.conditions, before.conditions);
}

#[test]
fn people_who_are_about_to_be_removed_are_never_waved_through() {
    for job in [
        quarantined("TooManyDeletes", start()),
        SynchronizationJob {
            schedule: ScheduleState::Disabled,
            code: SynchronizationCode::Paused,
            ..quarantined("TooManyDeletes", start())
        },
        SynchronizationJob { schedule: ScheduleState::Disabled, ..quarantined("TooManyDeletes", start()) },
    ] {
        let mut world = provisioning();
        look(&mut world, job);
        assert_eq!(action(&world), "Investigate");
        let text = world.status.drift[0].remedy.clone().unwrap().text;
        assert!(text.starts_with("Stop and look: starting or restarting it would remove these people"), "{text}");
    }
}

#[test]
fn a_job_that_somebody_stopped_in_quarantine_says_both() {
    let mut world = provisioning();
    let job = SynchronizationJob {
        schedule: ScheduleState::Disabled,
        code: SynchronizationCode::Paused,
        ..quarantined("EncounteredQuarantineException", start())
    };
    look(&mut world, job.clone());
    assert_eq!(world.ready(), ("False", "ProvisioningPaused"));
    let message = world.message(C::Ready).to_owned();
    assert!(message.contains("It is in quarantine since 2026-11-23T08:00:00Z besides: Webex does not"), "{message}");
    assert!(message.contains("Admin Credentials"), "starting it alone does not help: {message}");

    world.after(30 * 24 * 3600);
    look(&mut world, job);
    assert_eq!(world.message(C::Ready), message, "Microsoft did not switch off what a person had stopped");
}

#[test]
fn empty_fields_of_a_quarantine_on_a_paused_job_are_none() {
    let mut world = provisioning();
    let nothing = Quarantine { reason: String::new(), since: None, next_attempt: None, error_code: None };
    look(&mut world, SynchronizationJob { quarantine: Some(nothing), ..paused(start()) });
    assert_eq!(world.ready(), ("False", "ProvisioningPaused"));
    assert_eq!(status(&world).quarantine, None);
    assert_eq!(action(&world), "StartProvisioning");
}

#[test]
fn microsoft_switched_it_off_after_exactly_28_days() {
    let job = SynchronizationJob { schedule: ScheduleState::Disabled, ..quarantined("Unknown", start()) };
    let mut world = provisioning();
    world.now = hours(start(), 28 * 24).checked_sub(SignedDuration::from_secs(1)).unwrap();
    let decision = world.look(healthy().provisioned(vec![job.clone()]));
    assert_eq!(world.ready(), ("False", "ProvisioningDisabled"));
    assert!(world.message(C::Ready).contains("is switched off. It is in quarantine"), "{}", world.message(C::Ready));
    assert!(decision.settled_until.unwrap() <= hours(start(), 28 * 24), "time alone changes this");

    world.after(1);
    look(&mut world, job);
    assert_eq!(world.ready(), ("False", "ProvisioningDisabled"));
    let message = world.message(C::Ready);
    assert!(
        message.contains("was in quarantine since 2026-11-23T08:00:00Z, and Microsoft switched it off"),
        "{message}"
    );
}

#[test]
fn a_job_that_still_runs_after_28_days_of_quarantine_is_in_quarantine() {
    let mut world = provisioning();
    world.now = hours(start(), 29 * 24);
    look(&mut world, quarantined("Unknown", start()));
    assert_eq!(world.ready(), ("False", "ProvisioningQuarantined"));
}

#[test]
fn nobody_in_scope_is_believed_after_two_looks() {
    let mut world = provisioning();
    let empty = |now: Timestamp| SynchronizationJob { synchronized: Some(0), ..running(now) };
    let before = world.status.clone();
    let seen = healthy().without_people().provisioned(vec![empty(world.now)]);
    world.look(seen.clone());
    assert_eq!(world.status, before);
    world.after(61).look(seen.clone());
    assert_eq!(world.ready(), ("False", "ProvisioningScopeEmpty"));
    assert_eq!(action(&world), "Assign");
    let message = world.message(C::Ready);
    assert!(message.contains("no user and no group is assigned"), "{message}");
    assert!(message.contains("> Users and groups >"), "{message}");
    let before = world.status.clone();
    let decision = world.restart().after(15).look(seen);
    assert_eq!(world.status, before);
    assert!(decision.settled_until.is_some(), "nor asks again");
}

#[test]
fn a_job_that_keeps_people_in_step_needs_no_assignment() {
    for synchronized in [Some(1), None] {
        let mut world = provisioning();
        let job = SynchronizationJob { synchronized, ..running(start()) };
        twice(&mut world, healthy().without_people().provisioned(vec![job]));
        assert_eq!(world.ready(), ("True", "InSync"), "{synchronized:?}: scope may be everyone");
    }
}

#[test]
fn an_application_that_is_assigned_but_no_person_is_an_empty_scope() {
    let mut world = provisioning();
    let job = SynchronizationJob { synchronized: Some(0), ..running(start()) };
    let apps_only = Reading::Known(Assigned { any: true, people: false });
    twice(&mut world, healthy().assigned(IDENTITY, apps_only).provisioned(vec![job]));
    assert_eq!(world.ready(), ("False", "ProvisioningScopeEmpty"));
}

#[test]
fn a_scope_that_cannot_be_read_is_neither_empty_nor_good() {
    let mut world = World::new(spec());
    let job = SynchronizationJob { synchronized: Some(0), ..running(start()) };
    let seen = healthy().assigned(IDENTITY, Reading::Unreadable(server_error())).provisioned(vec![job]);
    twice(&mut world, seen);
    assert_eq!(world.condition(C::ProvisioningHealthy), Some(("Unknown", "NotObserved")));
    assert_eq!(world.drift(), Vec::<&str>::new());
}

#[test]
fn a_job_is_overdue_after_three_intervals_and_six_hours() {
    let minutes = |minutes: i64| Some(SignedDuration::from_mins(minutes));
    let cases = [
        (minutes(40), 8 * 60),
        (None, 8 * 60),
        (minutes(0), 8 * 60),
        (minutes(-5), 8 * 60),
        (minutes(20), 7 * 60),
        (minutes(24 * 60), (3 * 24 + 6) * 60),
        (Some(SignedDuration::MAX), (3 * 24 + 6) * 60),
    ];
    for (interval, allowed) in cases {
        let job = SynchronizationJob { interval, ..running(start()) };
        let due = start().checked_add(SignedDuration::from_mins(allowed)).unwrap();
        let mut world = provisioning();
        world.now = due.checked_sub(SignedDuration::from_secs(1)).unwrap();
        let decision = world.look(healthy().provisioned(vec![job.clone()]));
        assert_eq!(world.ready(), ("True", "InSync"), "{interval:?}");
        assert!(decision.settled_until.unwrap() <= due, "time alone changes this");
        world.after(1);
        look(&mut world, job);
        assert_eq!(world.ready(), ("False", "ProvisioningOverdue"), "{interval:?}");
    }
}

#[test]
fn an_overdue_job_says_since_when_and_that_its_cycles_fail() {
    let mut world = provisioning();
    world.now = hours(start(), 9);
    let failing = |failures: i64, ended: Timestamp| SynchronizationJob {
        failures,
        last_cycle: Some(Cycle { ended, state: CycleState::Failed }),
        ..running(start())
    };
    let job = failing(11, world.now);
    look(&mut world, job);
    let message = world.message(C::Ready).to_owned();
    assert!(message.contains("has not succeeded since 2026-11-23T08:00:00Z"), "{message}");
    assert!(message.contains("At least 10 cycles in a row failed altogether."), "{message}");
    assert_eq!(action(&world), "MendProvisioning");
    assert_eq!(world.status.drift[0].since.clone().unwrap().0, start());
    world.after(2400);
    let job = failing(12, world.now);
    look(&mut world, job);
    assert_eq!(world.message(C::Ready), message, "it does not count on from look to look");
}

#[test]
fn a_job_in_its_first_cycle_is_never_overdue_and_has_no_empty_scope() {
    let mut world = World::new(spec());
    for _ in 0..3 {
        world.look(healthy().without_people().provisioned(vec![first_cycle()]));
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Healthy")));
        assert_eq!(world.ready(), ("True", "InSync"));
        world.after(3 * 24 * 3600);
    }
    assert_eq!(status(&world).state, "NotRun");
    assert!(world.message(C::ProvisioningHealthy).contains("has not finished its first cycle yet"));
}

#[test]
fn one_person_with_a_wrong_address_does_not_make_a_job_overdue() {
    let mut world = provisioning();
    world.now = hours(start(), 48);
    let cycle = |state: CycleState| SynchronizationJob {
        last_cycle: Some(Cycle { ended: hours(start(), 48), state }),
        ..running(start())
    };
    look(&mut world, cycle(CycleState::EntryLevelErrors));
    assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Healthy")));
    let message = world.message(C::ProvisioningHealthy);
    assert!(message.contains("could not provision some people or groups"), "it is told: {message}");
    assert_eq!(status(&world).last_cycle.as_deref(), Some("EntryLevelErrors"));

    let mut world = provisioning();
    world.now = hours(start(), 48);
    look(&mut world, cycle(CycleState::Failed));
    assert_eq!(world.ready(), ("False", "ProvisioningOverdue"));
}

#[test]
fn values_that_nobody_knows_are_neither_good_nor_drift() {
    let at = start();
    let cases = [
        SynchronizationJob { code: SynchronizationCode::Unrecognised, ..running(at) },
        SynchronizationJob { schedule: ScheduleState::Unrecognised, ..running(at) },
        SynchronizationJob {
            last_cycle: Some(Cycle { ended: at, state: CycleState::Unrecognised }),
            ..running(hours(at, -100))
        },
    ];
    for job in cases {
        let mut world = World::new(spec());
        look(&mut world, job.clone());
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("Unknown", "NotObserved")));
        assert_eq!(world.ready(), ("Unknown", "Progressing"));
        assert_eq!(world.drift(), Vec::<&str>::new());

        let mut world = provisioning();
        look(&mut world, job);
        assert_eq!(world.ready(), ("True", "InSync"), "the last verdict stands");
        assert_eq!(status(&world).state, "Active");
    }
}

#[test]
fn jobs_that_cannot_be_read_keep_the_verdict() {
    for job in [running(start()), paused(start())] {
        let mut world = provisioning();
        look(&mut world, job);
        let (before, provisioning) = (world.status.clone(), status(&world));
        world.after(300).look(healthy().jobs_unreadable(server_error()));
        assert_eq!(status(&world), provisioning);
        assert_eq!(world.status.drift, before.drift);
        world.restart().after(300).blocked(&server_error());
        assert_eq!(status(&world), provisioning);
        assert_eq!(
            world.status.condition("ProvisioningHealthy"),
            before.condition("ProvisioningHealthy"),
            "unreadable is not absent"
        );
    }
}

#[test]
fn of_several_jobs_the_remembered_one_counts_and_others_are_named() {
    let other = |job: SynchronizationJob| SynchronizationJob {
        id: "box.9".to_owned(),
        template_id: "Box\u{202e}OutDelta".to_owned(),
        ..job
    };
    let mut world = provisioning();
    world.look(healthy().provisioned(vec![paused(start()), other(running(hours(start(), 1)))]));
    assert_eq!(world.ready(), ("False", "ProvisioningPaused"), "it was this one before");
    assert_eq!(status(&world).other_jobs, ["Box\\u{202e}OutDelta"]);

    world.after(300);
    world.look(healthy().provisioned(vec![running(start()), other(paused(start()))]));
    assert_eq!(world.ready(), ("True", "InSync"));
    let message = world.message(C::ProvisioningHealthy);
    assert!(
        message.contains("has other provisioning jobs, which are not looked at: Box\\u{202e}OutDelta."),
        "{message}"
    );

    let mut fresh = World::new(spec());
    fresh.look(healthy().provisioned(vec![other(paused(start())), running(start())]));
    assert_eq!(fresh.ready(), ("True", "InSync"), "the one that runs");
    assert_eq!(status(&fresh).template_id.as_deref(), Some("scim"));

    let mut gone = provisioning();
    gone.look(healthy().provisioned(vec![other(running(gone.now))]));
    assert_eq!(gone.ready(), ("True", "InSync"), "another one took its place");
}

#[test]
fn of_jobs_of_one_template_the_worst_counts() {
    let second = |job: SynchronizationJob| SynchronizationJob { id: "scim.second".to_owned(), ..job };
    let unknown = SynchronizationJob { code: SynchronizationCode::Unrecognised, ..running(start()) };
    let cases = [
        (vec![running(start()), second(quarantined("Unknown", start()))], "ProvisioningQuarantined"),
        (vec![quarantined("Unknown", start()), second(paused(start()))], "ProvisioningPaused"),
        (vec![unknown, second(never_started())], "ProvisioningDisabled"),
    ];
    for (jobs, reason) in cases {
        for jobs in [jobs.clone(), jobs.into_iter().rev().collect()] {
            let mut world = provisioning();
            world.look(healthy().provisioned(jobs));
            assert_eq!(world.ready(), ("False", reason));
        }
    }
}

/// The identity was deleted and is back, and its job is as it is then.
fn restored() -> World {
    let mut world = provisioning();
    let gone = healthy().gone(IDENTITY, vec![deleted(IDENTITY_OBJECT, world.now)]);
    world.look(gone);
    assert_eq!(world.ready(), ("False", "ServicePrincipalSoftDeleted"));
    assert_eq!(world.condition(C::ProvisioningHealthy), Some(("Unknown", "NotObserved")));
    assert_eq!(status(&world).template_id.as_deref(), Some("scim"), "remembered while it is gone");
    world.after(3600);
    world
}

#[test]
fn a_job_that_is_slow_after_a_restore_is_no_alarm_for_a_day() {
    let jobs: [Vec<SynchronizationJob>; 4] = [
        Vec::new(),
        vec![never_started()],
        vec![first_cycle()],
        vec![SynchronizationJob { synchronized: Some(120), ..running(hours(start(), -72)) }],
    ];
    for jobs in jobs {
        let mut world = restored();
        let until = hours(world.now, 24);
        let seen = healthy().provisioned(jobs.clone());
        world.look(seen.clone());
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Settling")), "{jobs:?}");
        assert_eq!(world.ready(), ("True", "InSync"));
        assert_eq!(status(&world).settling_until.unwrap().0, until);

        let before = world.status.clone();
        let decision = world.restart().after(600).look(seen.clone());
        assert_eq!(world.status, before, "kept over a restart");
        assert!(decision.settled_until.unwrap() <= until);

        world.now = until.checked_sub(SignedDuration::from_secs(1)).unwrap();
        world.look(seen.clone());
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Settling")));
        world.after(1);
        twice(&mut world, seen);
        assert_eq!(status(&world).settling_until, None);
        if jobs != [first_cycle()] {
            assert_eq!(world.condition(C::ProvisioningHealthy).unwrap().0, "False", "{jobs:?}");
        }
    }
}

#[test]
fn what_a_person_or_microsoft_stopped_counts_after_a_restore_too() {
    for (job, reason) in
        [(paused(start()), "ProvisioningPaused"), (quarantined("Unknown", start()), "ProvisioningQuarantined")]
    {
        let mut world = restored();
        look(&mut world, job);
        assert_eq!(world.ready(), ("False", reason));
    }
}

#[test]
fn settling_ends_with_the_first_success_after_the_return() {
    let mut world = restored();
    let before_deletion = hours(world.now, -2);
    look(&mut world, running(before_deletion));
    assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Settling")), "it ran before the deletion");
    world.after(3600);
    let now = world.now;
    look(&mut world, running(now));
    assert_eq!(world.condition(C::ProvisioningHealthy), Some(("True", "Healthy")));
    world.after(300);
    twice(&mut world, healthy().provisioned(Vec::new()));
    assert_eq!(world.ready(), ("False", "ProvisioningJobMissing"), "and does not begin again");
}

#[test]
fn another_service_principal_is_given_no_time() {
    let mut world = restored();
    let mut seen = healthy().provisioned(Vec::new());
    seen = seen.switched(IDENTITY, |principal| principal.id = ObjectId::from_u128(0x99));
    twice(&mut world, seen);
    assert_eq!(world.ready(), ("False", "ProvisioningJobMissing"), "its jobs went with the earlier one");
}

#[test]
fn a_cloud_without_provisioning_jobs_does_not_keep_ready_from_true() {
    let mut china = World::new(spec());
    china.edit(|spec| {
        spec["cloud"] = json!("China");
        spec["identityIntegration"] = json!({ "appId": crate::fixture::INTEGRATION.to_string() });
    });
    let mut not_asked = healthy();
    not_asked.application(IDENTITY).jobs = Reading::NotAsked;
    let cases = [
        (china, not_asked),
        (World::new(spec()), healthy().jobs_unreadable(Obstacle::not_offered("provisioning jobs"))),
    ];
    for (mut world, seen) in cases {
        world.look(seen.clone());
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("Unknown", "NotSupportedInCloud")));
        assert_eq!(world.ready(), ("True", "InSync"));
        assert_eq!(world.condition(C::Drifted), Some(("False", "NoDriftDetected")));
        assert_eq!(world.condition(C::Observed), Some(("True", "ObservationComplete")));
        assert_eq!(status(&world).state, "NotSupported");

        let before = world.status.clone();
        for _ in 0..3 {
            world.after(3500).look(seen.clone());
            assert_eq!(world.status.conditions, before.conditions, "and is never stale");
        }
        world.restart().after(60).blocked(&server_error());
        assert_eq!(world.condition(C::ProvisioningHealthy), Some(("Unknown", "NotSupportedInCloud")));
        assert_eq!(world.ready(), ("True", "InSync"), "what is not offered stays so");
        world.after(60).look(seen.disabled());
        assert_eq!(world.ready(), ("False", "ServicePrincipalDisabled"));
    }
}

#[test]
fn a_job_that_can_be_read_after_all_is_judged() {
    let mut world = World::new(spec());
    world.look(healthy().jobs_unreadable(Obstacle::not_offered("provisioning jobs")));
    look(world.after(300), paused(start()));
    assert_eq!(world.ready(), ("False", "ProvisioningPaused"));
}

#[test]
fn cycles_alone_write_nothing_but_the_heartbeat() {
    let mut world = provisioning();
    let before = world.status.clone();
    for _ in 0..11 {
        let now = world.now;
        look(&mut world, running(now));
        assert_eq!(world.status, before);
        world.after(290);
    }
    world.now = hours(start(), 1);
    let now = world.now;
    look(&mut world, running(now));
    assert_eq!(status(&world).last_success_time.unwrap().0, now, "the heartbeat takes it along");
    assert_eq!(world.status.last_observed_time.clone().unwrap().0, now);
    assert_eq!(world.status.conditions, before.conditions);

    world.after(300);
    let now = world.now;
    world.look(healthy().disabled().provisioned(vec![running(now)]));
    assert_eq!(status(&world).last_success_time.unwrap().0, now, "any other change does, too");
}

#[test]
fn cycles_write_nothing_while_something_else_cannot_be_read() {
    let mut world = provisioning();
    let half_read = |now: Timestamp| {
        healthy().grants_unreadable(crate::fixture::grants_forbidden()).provisioned(vec![running(now)])
    };
    let now = world.now;
    world.look(half_read(now));
    let before = world.status.clone();
    for _ in 0..5 {
        world.after(60);
        let now = world.now;
        world.look(half_read(now));
        assert_eq!(world.status, before);
    }
}

#[test]
fn times_are_whole_seconds_as_kubernetes_writes_them() {
    let mut world = provisioning();
    let odd: Timestamp = "2026-11-23T08:00:00.1234567Z".parse().unwrap();
    look(&mut world, quarantined("Unknown", odd));
    let whole = |world: &World| serde_json::to_value(&world.status).unwrap().to_string();
    assert!(!whole(&world).contains("00.1"), "{}", whole(&world));
}
