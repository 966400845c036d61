//! Presence: deleted, missing, ambiguous, superseded, and when a look is believed.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use webex_azure_operator::{
    api::{ConditionType as C, ObjectId},
    domain::{Obstacle, Reading},
};

use crate::fixture::{CALENDAR, IDENTITY, INTEGRATION, INTEGRATION_OBJECT, World, deleted, healthy, present, spec};

fn before(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

#[test]
fn g26_a_listed_deletion_is_believed_at_once_with_deadline_and_restore_before_consent() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    let decision = world.look(healthy().soft_deleted(at));
    assert_eq!(world.ready(), ("False", "ServicePrincipalSoftDeleted"));
    assert_eq!(world.condition(C::Stalled), Some(("True", "ServicePrincipalSoftDeleted")));
    let entry = world.status.application("identity-integration").unwrap();
    assert_eq!(entry.state.as_deref(), Some("SoftDeleted"));
    assert_eq!(entry.restore_before.as_ref().unwrap().0.to_string(), "2026-12-23T08:04:55Z");
    assert_eq!(entry.service_principal_id.as_deref(), Some("00000000-0000-0000-0000-000000000021"));
    assert_eq!(entry.consent_url, None, "consent first would block the restore");
    let remedy = world.status.drift[0].remedy.clone().unwrap();
    assert_eq!((remedy.action.as_str(), remedy.role.as_deref()), ("Restore", Some("Cloud Application Administrator")));
    assert_eq!(remedy.url, None, "a restore is a command, not a page");
    assert!(world.message(C::Ready).contains(
        "az rest --method POST --url https://graph.microsoft.com/v1.0/directory/deletedItems/00000000-0000-0000-0000-000000000021/restore"
    ));
    assert!(world.message(C::Ready).contains("Do not grant consent before that"));
    assert_eq!(world.condition(C::ConsentGranted), Some(("Unknown", "NotObserved")));
    let summary = world.status.summary.clone().unwrap();
    assert_eq!((summary.consent.as_deref(), summary.applications.as_deref()), (Some("?/8"), Some("1/2")));
    assert_eq!(decision.notices[0].reason, "DriftDetected");
}

#[test]
fn a_restore_is_seen_and_the_baseline_outlives_the_deletion() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    world.look(healthy().soft_deleted(at));
    world.after(120).look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
    let entry = world.status.application("identity-integration").unwrap();
    assert_eq!(entry.consent.as_ref().unwrap().baseline.len(), 8);
    assert_eq!((entry.restore_before.as_ref(), entry.superseded_service_principal_id.as_ref()), (None, None));
}

#[test]
fn g24_a_stale_replica_does_not_make_the_verdict_flap() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    world.look(healthy().soft_deleted(at));
    world.after(15).look(healthy());
    assert_eq!(world.ready(), ("False", "ServicePrincipalSoftDeleted"), "seen again too soon after its deletion");
    world.after(60).look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"), "restored");
    world.after(15).look(healthy().soft_deleted(at));
    assert_eq!(world.ready(), ("True", "InSync"), "the old deletion, read from a stale replica");
    world.after(15).look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn a_second_deletion_is_news() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    world.look(healthy().soft_deleted(at));
    world.after(120).look(healthy());
    let at = world.now;
    world.after(10).look(healthy().soft_deleted(at));
    assert_eq!(world.ready(), ("False", "ServicePrincipalSoftDeleted"));
}

#[test]
fn g27_an_unproved_absence_is_believed_after_looks_over_three_minutes() {
    let mut world = World::in_sync();
    let gone = healthy().gone(INTEGRATION, Vec::new());
    let published = world.status.clone();
    let decision = world.look(gone.clone());
    assert_eq!(world.status, published, "published conditions stay while unsure");
    assert_eq!(decision.next_look.unwrap().as_secs(), 60);
    assert!(decision.settled_until.is_none(), "the second look must not be taken for a repetition");
    let decision = world.after(60).look(gone.clone());
    assert_eq!(decision.next_look.unwrap().as_secs(), 60, "a deletion that is listed late is seen within a minute");
    let decision = world.after(119).look(gone.clone());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(decision.next_look.unwrap().as_secs(), 1);
    world.after(1).look(gone);
    assert_eq!(world.ready(), ("False", "ServicePrincipalMissing"));
    let entry = world.status.application("identity-integration").unwrap();
    assert_eq!(
        entry.consent_url.as_deref(),
        Some(
            "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001/adminconsent?client_id=90db942a-c1eb-4e8d-82e4-eebf64a7e2ae"
        )
    );
    assert!(world.message(C::Ready).contains("Privileged Role Administrator"));
}

#[test]
fn an_absence_that_passes_leaves_no_trace() {
    let mut world = World::in_sync();
    let published = world.status.clone();
    let gone = healthy().gone(INTEGRATION, Vec::new());
    world.look(gone.clone());
    world.after(30).look(healthy());
    world.after(40).look(gone);
    assert_eq!(world.status, published, "the minute counts anew");
}

#[test]
fn the_first_look_at_an_absence_says_that_it_is_being_confirmed() {
    let mut world = World::new(spec());
    let gone = healthy().gone(INTEGRATION, Vec::new());
    world.look(gone.clone());
    assert_eq!(world.ready(), ("Unknown", "Confirming"));
    assert_eq!(world.condition(C::Reconciling), Some(("True", "Confirming")));
    assert_eq!(world.condition(C::Drifted), Some(("Unknown", "NotObserved")));
    world.after(180).look(gone);
    assert_eq!(world.ready(), ("False", "ServicePrincipalMissing"));
}

#[test]
fn identity_that_is_gone_for_good_needs_the_wizard_not_consent() {
    let mut world = World::in_sync();
    let gone = healthy().gone(IDENTITY, Vec::new());
    world.look(gone.clone());
    world.after(181).look(gone);
    let remedy = world.status.drift[0].remedy.clone().unwrap();
    assert_eq!(remedy.action, "SetUpAgain");
    assert!(world.message(C::Ready).contains("Consent does not bring it back"));
    assert_eq!(world.status.application("identity").unwrap().consent_url, None);
}

#[test]
fn i8_a_missing_application_of_the_authors_choice_gets_no_link_either() {
    let declared = |world: &mut World| {
        world.edit(|spec| {
            spec["additionalApplications"] = json!([{ "name": "calendar", "appId": CALENDAR.to_string() }]);
        });
        let mut seen = healthy();
        seen.0.applications.insert(CALENDAR, present(ObjectId::from_u128(0x56), "Calendar"));
        let seen = seen.gone(CALENDAR, Vec::new());
        world.look(seen.clone());
        world.after(181).look(seen);
    };
    let mut world = World::new(spec());
    declared(&mut world);
    assert_eq!(world.ready(), ("False", "ServicePrincipalMissing"));
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, "SetUpAgain");
    assert!(!serde_json::to_string(&world.status).unwrap().contains("adminconsent"));

    let mut world = World::new(spec());
    world.linkable = vec![CALENDAR];
    declared(&mut world);
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, "Consent");
}

#[test]
fn a_deletion_past_its_deadline_is_a_missing_principal() {
    let mut world = World::in_sync();
    let at = before(world.now, 31 * 24 * 3600);
    world.look(healthy().soft_deleted(at));
    world.after(181).look(healthy().soft_deleted(at));
    assert_eq!(world.ready(), ("False", "ServicePrincipalMissing"));
}

#[test]
fn a_deadline_that_passes_changes_the_verdict_by_itself() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    let decision = world.look(healthy().soft_deleted(at));
    let deadline: Timestamp = "2026-12-23T08:04:55Z".parse().unwrap();
    assert!(decision.settled_until.unwrap() <= deadline);
    world.after(30 * 24 * 3600).look(healthy().soft_deleted(at));
    world.after(181).look(healthy().soft_deleted(at));
    assert_eq!(world.ready(), ("False", "ServicePrincipalMissing"));
}

#[test]
fn a_deleted_registration_comes_before_its_principal() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    let mut seen = healthy().gone(IDENTITY, vec![deleted(ObjectId::from_u128(0x11), at)]);
    seen.application(IDENTITY).deleted_applications = Reading::Known(vec![deleted(ObjectId::from_u128(0x99), at)]);
    world.look(seen);
    assert_eq!(world.ready(), ("False", "ApplicationSoftDeleted"));
    assert!(world.message(C::Ready).contains("App registrations > Deleted applications"));
    let entry = world.status.application("identity").unwrap();
    assert_eq!(entry.application_object_id.as_deref(), Some("00000000-0000-0000-0000-000000000099"));
}

#[test]
fn g29_of_several_deleted_copies_the_remembered_one_is_named_else_a_person_chooses() {
    let copies = |world: &World| {
        vec![
            deleted(INTEGRATION_OBJECT, before(world.now, 50)),
            deleted(ObjectId::from_u128(0x22), before(world.now, 5)),
        ]
    };
    let mut world = World::in_sync();
    world.look(healthy().gone(INTEGRATION, copies(&world)));
    assert_eq!(world.ready(), ("False", "ServicePrincipalSoftDeleted"));
    assert!(world.message(C::Ready).contains("object ID 00000000-0000-0000-0000-000000000021"));

    let mut world = World::new(spec());
    world.look(healthy().gone(INTEGRATION, copies(&world)));
    assert_eq!(world.ready(), ("False", "AmbiguousServicePrincipal"));
    assert!(world.message(C::Ready).contains("Find out which one was in use"));
}

#[test]
fn g30_a_recreated_principal_is_present_and_the_earlier_one_is_told() {
    let mut world = World::in_sync();
    let seen = healthy().recreated(ObjectId::from_u128(0x77)).revoked("Domain.Read.All");
    world.look(seen.clone());
    world.after(181).look(seen.clone());
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("True", "Present")));
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
    let sentence = world.message(C::ServicePrincipalsPresent).to_owned();
    assert!(sentence.contains("00000000-0000-0000-0000-000000000021, is superseded"), "{sentence}");
    assert!(sentence.contains("this one lacks: Domain.Read.All (application)"), "{sentence}");
    world.after(300).look(seen);
    assert_eq!(world.message(C::ServicePrincipalsPresent), sentence, "and it is not forgotten at the next look");
}

#[test]
fn without_the_list_of_deleted_items_nothing_is_said_about_restoring() {
    let mut world = World::in_sync();
    let mut seen = healthy().gone(INTEGRATION, Vec::new());
    seen.application(INTEGRATION).deleted_service_principals =
        Reading::Unreadable(Obstacle::graph_unavailable(500, None));
    world.look(seen.clone());
    world.after(181).look(seen);
    assert_eq!(world.ready(), ("True", "InSync"), "whether consent or restore comes first depends on that list");
    assert_eq!(world.condition(C::Observed), Some(("Unknown", "GraphUnavailable")));
}

#[test]
fn a_deletion_that_is_no_longer_listed_is_not_called_missing_by_one_look() {
    let mut world = World::in_sync();
    let at = before(world.now, 5);
    world.look(healthy().soft_deleted(at));
    let gone = healthy().gone(INTEGRATION, Vec::new());
    world.after(15).look(gone.clone());
    assert_eq!(
        world.ready(),
        ("False", "ServicePrincipalSoftDeleted"),
        "the advice to restore must not turn into consent by a stale read"
    );
    world.after(181).look(gone);
    assert_eq!(world.ready(), ("False", "ServicePrincipalMissing"));
}
