//! The table "from facets to Ready" row by row, and the rules that hold for all of it.

use serde_json::json;
use webex_azure_operator::{api::ConditionType as C, domain::Obstacle};

use crate::fixture::{IDENTITY, INTEGRATION, World, grants_forbidden, healthy, sign_in, spec};

fn wrong_secret() -> Obstacle {
    Obstacle::credential_invalid(&sign_in(" (AADSTS7000215)"))
}

fn server_error() -> Obstacle {
    Obstacle::graph_unavailable(503, None)
}

/// The interval of five minutes and the margin of fifteen, and one second more.
const STALE: i64 = 20 * 60 + 1;

#[test]
fn an_object_in_order_is_ready_at_its_first_look() {
    let mut world = World::new(spec());
    let decision = world.look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::Drifted), Some(("False", "NoDriftDetected")));
    assert_eq!(world.condition(C::Observed), Some(("True", "ObservationComplete")));
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("True", "Present")));
    assert_eq!(world.condition(C::SignInEnabled), Some(("True", "Enabled")));
    assert_eq!(world.condition(C::ConsentGranted), Some(("True", "Granted")));
    assert_eq!(world.condition(C::Stalled), None);
    assert_eq!(world.condition(C::Reconciling), None);
    let summary = world.status.summary.clone().unwrap();
    assert_eq!((summary.consent.as_deref(), summary.applications.as_deref()), (Some("8/8"), Some("2/2")));
    assert!(decision.notices.is_empty(), "nothing happened");
    assert_eq!(decision.next_look.unwrap().as_secs(), 300);
}

#[test]
fn suspend_keeps_the_verdict_in_one_write_and_looks_no_more() {
    let mut world = World::in_sync();
    world.look(healthy().disabled());
    world.edit(|spec| spec["suspend"] = json!(true)).after(60);
    let decision = world.decide(None);
    assert_eq!(world.ready(), ("False", "ServicePrincipalDisabled"), "as it was");
    assert_eq!(world.condition(C::Suspended), Some(("True", "SuspendedByUser")));
    assert_eq!((world.condition(C::Stalled), world.condition(C::Reconciling)), (None, None));
    assert_eq!(world.status.observed_generation, Some(2));
    assert!(world.status.conditions.iter().all(|condition| condition.observed_generation == Some(2)));
    assert_eq!(decision.next_look, None);
    let before = world.status.clone();
    world.after(100_000).decide(None);
    assert_eq!(world.status, before, "nothing goes stale while suspended");

    world.edit(|spec| spec["suspend"] = json!(false)).look(healthy());
    assert_eq!(world.condition(C::Suspended), None);
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn suspended_before_the_first_look_is_said_so() {
    let mut world = World::new(spec());
    world.edit(|spec| spec["suspend"] = json!(true)).decide(None);
    assert_eq!(world.ready(), ("Unknown", "Progressing"));
    assert_eq!(world.condition(C::Suspended), Some(("True", "SuspendedByUser")));
}

#[test]
fn an_invalid_spec_needs_a_person_and_names_the_rule() {
    let mut world = World::new(spec());
    let decision = world.edit(|spec| spec["tenantId"] = json!("common")).decide(None);
    assert_eq!(world.ready(), ("False", "InvalidSpec"));
    assert_eq!(world.condition(C::Stalled), Some(("True", "InvalidSpec")));
    assert!(world.message(C::Ready).contains("spec.tenantId"), "{}", world.message(C::Ready));
    assert_eq!(decision.next_look, None, "nothing changes until the author acts");
}

#[test]
fn believed_drift_fails_with_the_gravest_reason_and_needs_a_person() {
    let mut world = World::in_sync();
    let seen = healthy().disabled().revoked("Domain.Read.All");
    world.look(seen.clone());
    world.after(61).look(seen);
    assert_eq!(world.ready(), ("False", "ServicePrincipalDisabled"), "sign-in before consent");
    assert_eq!(world.condition(C::Stalled), Some(("True", "ServicePrincipalDisabled")));
    assert_eq!(world.condition(C::ConsentGranted), Some(("False", "ConsentIncomplete")));
    assert_eq!(world.drift(), ["ServicePrincipalDisabled", "ConsentIncomplete"]);
    assert!(world.message(C::Stalled).starts_with(&world.status.drift[0].actual));
    assert!(world.message(C::Ready).ends_with("One more difference is listed in status.drift."));
}

#[test]
fn tolerated_drift_leaves_ready_true_and_is_told_by_drifted() {
    let mut world = World::in_sync();
    world.edit(|spec| spec["driftPolicy"] = json!("Warn"));
    let decision = world.look(healthy().disabled());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::Drifted), Some(("True", "DriftDetected")));
    assert_eq!(world.condition(C::SignInEnabled), Some(("False", "ServicePrincipalDisabled")));
    assert_eq!(world.condition(C::Stalled), None);
    assert!(world.message(C::Ready).contains("driftPolicy Warn"));
    assert_eq!(decision.notices.len(), 1);
}

#[test]
fn without_a_verdict_a_refused_credential_fails_at_once() {
    let mut world = World::new(spec());
    world.blocked(&wrong_secret());
    assert_eq!(world.ready(), ("False", "CredentialInvalid"));
    assert_eq!(world.condition(C::Stalled), Some(("True", "CredentialInvalid")));
    assert_eq!(world.condition(C::Observed), Some(("False", "CredentialInvalid")));
    assert_eq!(world.condition(C::Drifted), Some(("Unknown", "NotObserved")), "unknown is not drift");
}

#[test]
fn a_new_generation_without_a_look_does_not_inherit_the_verdict() {
    let mut world = World::in_sync();
    world.edit(|spec| spec["interval"] = json!("10m")).blocked(&wrong_secret());
    assert_eq!(world.ready(), ("False", "CredentialInvalid"));

    let mut world = World::in_sync();
    world.edit(|spec| spec["interval"] = json!("10m")).blocked(&server_error());
    assert_eq!(world.ready(), ("Unknown", "Progressing"));
    assert_eq!(world.condition(C::Reconciling).unwrap().0, "True");
    assert_eq!(world.status.observed_generation, Some(2));
}

#[test]
fn with_a_verdict_a_refused_credential_fails_only_when_the_verdict_is_stale() {
    let mut world = World::in_sync();
    let transition = world.status.condition("Ready").unwrap().last_transition_time.clone();
    world.blocked(&wrong_secret());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::Observed), Some(("False", "CredentialInvalid")));
    assert_eq!(world.status.condition("Ready").unwrap().last_transition_time, transition);
    world.after(STALE - 300).blocked(&wrong_secret());
    assert_eq!(world.ready(), ("False", "CredentialInvalid"));
    assert_eq!(world.condition(C::Stalled), Some(("True", "CredentialInvalid")));
}

#[test]
fn with_a_verdict_trouble_that_passes_is_unknown_only_when_the_verdict_is_stale() {
    let mut world = World::in_sync();
    world.blocked(&server_error());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::Observed), Some(("Unknown", "GraphUnavailable")));
    world.after(STALE - 300).blocked(&server_error());
    assert_eq!(world.ready(), ("Unknown", "ObservationStale"));
    assert_eq!(world.condition(C::Reconciling), Some(("True", "ProgressingWithRetry")));
    assert_eq!(world.condition(C::Drifted), Some(("Unknown", "NotObserved")));
    assert_eq!(world.condition(C::ConsentGranted), Some(("Unknown", "NotObserved")));
    world.after(10).look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn a_process_that_has_just_started_counts_staleness_from_its_start() {
    let mut world = World::in_sync();
    world.after(STALE).restart().blocked(&server_error());
    assert_eq!(world.ready(), ("True", "InSync"));
    world.after(STALE).blocked(&server_error());
    assert_eq!(world.ready(), ("Unknown", "ObservationStale"));
}

#[test]
fn restarts_do_not_keep_an_old_verdict_for_ever() {
    let mut world = World::in_sync();
    for _ in 0..12 {
        world.after(600).restart().blocked(&server_error());
    }
    assert_eq!(world.ready(), ("Unknown", "ObservationStale"), "heartbeat, interval and margin have passed");
}

#[test]
fn the_first_look_that_fails_is_progress_not_drift() {
    let mut world = World::new(spec());
    world.blocked(&server_error());
    assert_eq!(world.ready(), ("Unknown", "Progressing"));
    assert_eq!(world.condition(C::Reconciling), Some(("True", "ProgressingWithRetry")));
    assert_eq!(world.drift(), Vec::<&str>::new());
}

#[test]
fn an_unreadable_facet_does_not_hide_a_readable_one() {
    let mut world = World::in_sync();
    let seen = healthy().revoked("Domain.Read.All").grants_unreadable(grants_forbidden());
    world.look(seen.clone());
    world.after(61).look(seen);
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
    assert_eq!(world.condition(C::Observed), Some(("False", "PermissionMissing")));
    assert!(world.message(C::Observed).contains("Directory.Read.All"));
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("True", "Present")));
}

#[test]
fn what_could_not_be_read_keeps_its_last_verdict() {
    let mut world = World::in_sync();
    world.look(healthy().unreadable(INTEGRATION, &server_error()));
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::ConsentGranted), Some(("True", "Granted")));
    assert_eq!(world.status.application("identity-integration").unwrap().state.as_deref(), Some("Present"));
}

#[test]
fn a_facet_that_is_not_required_is_not_judged() {
    let mut world = World::new(json!({
        "tenantId": spec()["tenantId"],
        "credentials": spec()["credentials"],
        "identityIntegration": { "check": false },
        "identity": { "check": false },
        "additionalApplications": [{ "name": "scheduler", "appId": INTEGRATION.to_string(), "signIn": "Any" }],
    }));
    world.edit(|spec| spec["identityIntegration"]["appId"] = json!("00000000-0000-4000-8000-0000000000ff"));
    world.look(healthy().disabled().not_consented());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!((world.condition(C::SignInEnabled), world.condition(C::ConsentGranted)), (None, None));
}

#[test]
fn stalled_does_not_stop_looking_and_whoever_mends_it_sees_it_heal() {
    let mut world = World::in_sync();
    let decision = world.look(healthy().disabled());
    assert_eq!(decision.next_look.unwrap().as_secs(), 15);
    let decision = world.after(16 * 60).look(healthy().disabled());
    assert_eq!(decision.next_look.unwrap().as_secs(), 300, "after a quarter of an hour at the usual pace");
    world.after(300).look(healthy());
    assert_eq!((world.ready(), world.condition(C::Stalled)), (("True", "InSync"), None));
}

#[test]
fn a_look_that_finds_nothing_new_changes_nothing_but_the_heartbeat() {
    let mut world = World::in_sync();
    let before = world.status.clone();
    for _ in 0..5 {
        let decision = world.after(300).look(healthy());
        assert_eq!(decision.status, before);
    }
    let decision = world.after(3600).look(healthy());
    assert_ne!(decision.status.last_observed_time, before.last_observed_time);
    assert_eq!(decision.status.conditions, before.conditions);

    let mut world = World::in_sync();
    world.timing.heartbeat = None;
    let before = world.status.clone();
    world.after(1_000_000).look(healthy());
    assert_eq!(world.status, before, "heartbeat 0 writes nothing at rest");
}

#[test]
fn failed_looks_are_repeated_soon_then_slower_and_as_asked() {
    let mut world = World::in_sync();
    let pauses: Vec<i64> = (0..4).map(|_| world.blocked(&server_error()).next_look.unwrap().as_secs()).collect();
    assert_eq!(pauses, [5, 10, 20, 40]);
    assert_eq!(world.blocked(&Obstacle::throttled(Some(120))).next_look.unwrap().as_secs(), 120);
    assert_eq!(world.look(healthy()).next_look.unwrap().as_secs(), 300);
}

#[test]
fn events_are_told_once_at_the_transition() {
    let mut world = World::in_sync();
    let told = world.look(healthy().disabled()).notices;
    assert_eq!(told.iter().map(|notice| notice.reason).collect::<Vec<_>>(), ["DriftDetected"]);
    assert!(world.after(300).look(healthy().disabled()).notices.is_empty());
    let told = world.after(300).look(healthy()).notices;
    assert_eq!(
        told.iter().map(|notice| (notice.reason, notice.is_warning)).collect::<Vec<_>>(),
        [("DriftResolved", false)]
    );
}

#[test]
fn the_message_tells_a_stranger_what_is_wrong_what_it_breaks_and_what_to_do() {
    let mut world = World::new(spec());
    world.edit(|spec| spec["organizationId"] = json!("2fdb923e-1d23-4e1b-a30f-e9cd88845744"));
    world.look(healthy().disabled());
    assert_eq!(
        world.message(C::Ready),
        "Sign-in of \"Cisco Webex Identity Integration\" (appId 90db942a-c1eb-4e8d-82e4-eebf64a7e2ae, object ID \
         00000000-0000-0000-0000-000000000021) is switched off in tenant 00000000-0000-0000-0000-000000000001. Webex \
         organization 2fdb923e-1d23-4e1b-a30f-e9cd88845744 cannot read the directory; Control Hub only says \"The request was \
         unauthorized\", and people who leave keep their access to Webex. Ask who switched it off and why, then switch it on as \
         Cloud Application Administrator, Application Administrator or owner: Entra admin center > Enterprise applications > \
         90db942a-c1eb-4e8d-82e4-eebf64a7e2ae > Properties > Enabled for users to sign-in."
    );
}

#[test]
fn what_is_known_of_one_application_is_not_forgotten_because_another_is_gone() {
    let mut world = World::in_sync();
    let seen = healthy().soft_deleted(world.now).unreadable(IDENTITY, &server_error());
    world.look(seen.clone());
    let once = world.status.clone();
    assert_eq!(world.status.application("identity").unwrap().sign_in_enabled, Some(true));
    world.after(15).look(seen);
    assert_eq!(world.status, once);
}

/// A pipeline that waits for Ready must not be let through by a look that has not seen everything.
#[test]
fn a_condition_turns_true_only_by_a_look_that_has_read_everything_under_it() {
    let mut world = World::in_sync();
    world.look(healthy().soft_deleted(world.now));
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("False", "ServicePrincipalSoftDeleted")));
    world.after(300).look(healthy().unreadable(IDENTITY, &server_error()));
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("Unknown", "NotObserved")));
    assert_eq!(world.ready(), ("Unknown", "Progressing"));
    world.after(15).look(healthy());
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("True", "Present")));
    assert_eq!(world.ready(), ("True", "InSync"));
    world.after(300).look(healthy().unreadable(IDENTITY, &server_error()));
    assert_eq!(world.ready(), ("True", "InSync"), "what was True stays so while something cannot be read");
}

#[test]
fn stalled_says_what_it_is_and_where_it_is_mended_and_leaves_the_rest_to_ready() {
    let mut world = World::in_sync();
    world.look(healthy().not_consented());
    world.after(300).look(healthy().not_consented());
    let drift = world.status.drift[0].clone();
    let (stalled, ready) = (world.message(C::Stalled), world.message(C::Ready));
    assert!(stalled.starts_with(&drift.actual) && ready.starts_with(&drift.actual), "{stalled}");
    assert!(stalled.contains(&drift.remedy.unwrap().url.unwrap()), "{stalled}");
    assert!(stalled.ends_with('.') && stalled.len() < ready.len(), "{stalled}");
    let effect = "cannot read the directory";
    assert!(ready.contains(effect) && !stalled.contains(effect), "{stalled}");
}
