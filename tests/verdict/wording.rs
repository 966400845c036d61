//! The message of `Ready` as a whole: it fits with the longest names there can be, and says what, what it breaks, what to
//! do and where.

use jiff::Timestamp;
use serde_json::json;
use webex_azure_operator::{
    api::{AppId, ConditionType as C, ObjectId},
    domain::{
        Reading,
        observed::{
            Assigned, Cycle, CycleState, ObservedApplication, ScheduleState, SynchronizationCode, SynchronizationJob,
        },
        text::MESSAGE_MAX,
    },
};

use crate::fixture::{
    CALENDAR, IDENTITY, IDENTITY_OBJECT, Tenant, World, certificate, healthy, hours, never_started, paused, present,
    quarantined, running, secret, spec, start,
};

const CALENDAR_OBJECT: ObjectId = ObjectId::from_u128(0x56);

/// The longest foreign text there can be, and every character of it has to be shown as its code.
fn foreign() -> String {
    "\u{e0001}".repeat(200)
}

/// An application whose name is as long as it may be, beside one that is in trouble as well.
fn world() -> World {
    let mut spec = spec();
    spec["organizationId"] = json!("2fdb923e-1d23-4e1b-a30f-e9cd88845744");
    spec["additionalApplications"] = json!([{
        "name": "n".repeat(63), "appId": CALENDAR.to_string(), "provisioning": { "required": true },
    }]);
    World::new(spec)
}

/// Puts the same flaw on both applications.
fn flawed(flaw: impl Fn(&mut ObservedApplication)) -> Tenant {
    let mut tenant = healthy();
    tenant.0.applications.insert(CALENDAR, present(CALENDAR_OBJECT, &foreign()));
    for id in [IDENTITY, CALENDAR] {
        let seen = tenant.application(id);
        seen.jobs = Reading::Known(vec![running(start())]);
        seen.assigned = Reading::Known(Assigned { any: true, people: true });
        flaw(seen);
    }
    tenant
}

fn with_job(job: &SynchronizationJob) -> Tenant {
    flawed(|seen| seen.jobs = Reading::Known(vec![job.clone()]))
}

fn stopped(job: SynchronizationJob) -> SynchronizationJob {
    SynchronizationJob { schedule: ScheduleState::Disabled, code: SynchronizationCode::Paused, ..job }
}

/// Every difference that time alone or an assignment makes, at its wordiest.
fn flaws() -> Vec<(&'static str, Tenant)> {
    let nobody = Reading::Known(Assigned { any: false, people: false });
    let at: Timestamp = start();
    let unknown = foreign();
    let mut all = vec![
        ("ProvisioningJobMissing", flawed(|seen| seen.jobs = Reading::Known(Vec::new()))),
        ("ProvisioningPaused", with_job(&paused(at))),
        ("ProvisioningDisabled", with_job(&never_started())),
        (
            "ProvisioningDisabled",
            with_job(&SynchronizationJob { code: SynchronizationCode::NotConfigured, ..never_started() }),
        ),
        (
            "ProvisioningOverdue",
            with_job(&SynchronizationJob {
                failures: 12_345,
                last_cycle: Some(Cycle { ended: at, state: CycleState::Failed }),
                ..running(hours(at, -900))
            }),
        ),
        (
            "ProvisioningScopeEmpty",
            flawed(|seen| {
                seen.jobs = Reading::Known(vec![SynchronizationJob { synchronized: Some(0), ..running(at) }]);
                seen.assigned = nobody.clone();
            }),
        ),
        (
            "AssignmentMissing",
            flawed(|seen| {
                seen.assigned = nobody.clone();
                if let Reading::Known(principal) = &mut seen.service_principal {
                    principal.assignment_required = true;
                }
            }),
        ),
        (
            "Expired",
            flawed(|seen| {
                seen.credentials = Reading::Known(vec![certificate(&unknown, at), secret(&unknown, at)]);
            }),
        ),
    ];
    for reason in [
        "EncounteredBaseEscrowThreshold",
        "EncounteredTotalEscrowThreshold",
        "EncounteredEscrowProportionThreshold",
        "EncounteredQuarantineException",
        "TooManyDeletes",
        "QuarantinedOnDemand",
        "IngestionInterrupted",
        "Unknown",
        &unknown,
    ] {
        let since = hours(at, -28 * 24);
        all.push(("ProvisioningQuarantined", with_job(&quarantined(reason, since))));
        all.push(("ProvisioningPaused", with_job(&stopped(quarantined(reason, since)))));
        let off = SynchronizationJob { schedule: ScheduleState::Disabled, ..quarantined(reason, since) };
        all.push(("ProvisioningDisabled", with_job(&off)));
    }
    all
}

#[test]
fn every_message_fits_whole_with_the_longest_names() {
    for (reason, seen) in flaws() {
        for first in [IDENTITY, CALENDAR] {
            let mut seen = seen.clone();
            if first == CALENDAR {
                // The gravest is told in full; among equals that is the identity, unless it is in order.
                let in_order = flawed(|_| {});
                *seen.application(IDENTITY) = in_order.clone().application(IDENTITY).clone();
            }
            let mut world = world();
            world.look(seen.clone());
            world.after(61).look(seen);
            assert_eq!(world.ready(), ("False", reason));
            let message = world.message(C::Ready);
            assert!(message.len() <= MESSAGE_MAX && message.ends_with('.'), "{} bytes: {message}", message.len());
            let remedy = world.status.drift[0].remedy.clone().unwrap();
            assert!(message.contains(&remedy.text), "nothing is cut: {message}");
            for id in ids(first) {
                assert!(message.contains(&id), "{message}");
            }
        }
    }
}

fn ids(application: AppId) -> [String; 2] {
    let object = if application == CALENDAR { CALENDAR_OBJECT } else { IDENTITY_OBJECT };
    [format!("appId {application}"), format!("object ID {object}")]
}

#[test]
fn a_quarantine_reads_well_from_beginning_to_end() {
    let mut world = World::new(spec());
    world.edit(|spec| spec["organizationId"] = json!("2fdb923e-1d23-4e1b-a30f-e9cd88845744"));
    world.look(healthy().provisioned(vec![quarantined("EncounteredQuarantineException", start())]));
    assert_eq!(
        world.message(C::Ready),
        "The provisioning job of \"Cisco Webex Identity\" (appId 00000000-0000-0000-0000-000000000012, object ID \
         00000000-0000-0000-0000-000000000011) in tenant 00000000-0000-0000-0000-000000000001 is in quarantine since \
         2026-11-23T08:00:00Z: Webex does not accept its credential or is not found at its address. Microsoft tries it \
         daily and switches it off on 2026-12-21. Provisioning to Webex organization \
         2fdb923e-1d23-4e1b-a30f-e9cd88845744 hardly moves; people who leave keep their access to Webex and newcomers get \
         none. Renew its token: in Control Hub > Organization Settings > Directory Synchronization, as full administrator, or \
         as Cloud Application Administrator under Entra admin center > Enterprise applications > \
         00000000-0000-0000-0000-000000000012 > Provisioning > Admin Credentials (Tenant URL, Secret Token, Test Connection). \
         Then choose Start or Restart provisioning."
    );
}

#[test]
fn what_is_told_beside_a_good_verdict_fits_too() {
    let mut world = world();
    let names = foreign();
    let second = SynchronizationJob { id: "other".to_owned(), template_id: names.clone(), ..running(start()) };
    let seen = flawed(|seen| {
        let cycle = Some(Cycle { ended: start(), state: CycleState::EntryLevelErrors });
        let first = SynchronizationJob { last_cycle: cycle, ..running(hours(start(), 1)) };
        seen.jobs = Reading::Known(vec![first, second.clone()]);
        let end = hours(start(), 24);
        seen.credentials = Reading::Known(vec![certificate(&names, end), secret(&names, end)]);
    });
    world.look(seen);
    assert_eq!(world.ready(), ("True", "InSync"));
    for condition in &world.status.conditions {
        assert!(condition.message.len() <= MESSAGE_MAX, "{condition:?}");
        assert!(!condition.message.contains('\u{e0001}'), "{condition:?}");
    }
}
