//! Which application is "Cisco Webex Identity" where the declaration does not say: by proof only, and remembered.

use serde_json::json;
use webex_azure_operator::{
    api::{AppId, ConditionType as C, ObjectId},
    domain::{
        Obstacle, Reading,
        observed::{Candidate, Candidates, ObservedApplication},
    },
};

use crate::fixture::{IDENTITY, IDENTITY_OBJECT, Tenant, World, healthy, present, spec, timeless};

fn seeking() -> World {
    let mut spec = spec();
    spec["identity"] = json!({});
    World::new(spec)
}

fn candidate(name: &str) -> Candidate {
    Candidate { id: IDENTITY_OBJECT, display_name: name.to_owned() }
}

/// What discovery found; the application itself was looked at only if one was proved.
fn found(proved: &[AppId], suggested: &[AppId]) -> Tenant {
    let mut seen = healthy();
    let named = |ids: &[AppId]| ids.iter().map(|id| (*id, candidate("Cisco Webex Identity"))).collect();
    seen.0.identity = Reading::Known(Candidates { proved: named(proved), suggested: named(suggested) });
    let identity = seen.0.applications.remove(&IDENTITY).unwrap();
    if let [only] = proved {
        seen.0.applications.insert(*only, identity);
    }
    seen
}

#[test]
fn the_one_that_is_proved_is_looked_at_and_remembered() {
    let mut world = seeking();
    let decision = world.look(found(&[IDENTITY], &[]));
    assert_eq!(world.ready(), ("True", "InSync"));
    let entry = world.status.application("identity").unwrap();
    assert_eq!(entry.app_id.as_deref(), Some(IDENTITY.to_string().as_str()));
    assert_eq!(decision.memory.recall.identity, Some(IDENTITY));
    assert_eq!(decision.memory.recall.principals.get(&IDENTITY), Some(&IDENTITY_OBJECT));

    // Nobody asks again, and a process that has just started knows it from the status.
    let before = world.status.clone();
    world.after(300).restart().look(healthy());
    assert_eq!(world.status, before);
    assert_eq!(world.memory.recall.identity, Some(IDENTITY));
}

#[test]
fn a_name_alone_is_a_suggestion_that_a_person_has_to_confirm() {
    let mut world = seeking();
    world.look(found(&[], &[IDENTITY]));
    assert_eq!(world.ready(), ("False", "IdentityNotProved"));
    assert_eq!(world.condition(C::Stalled), Some(("True", "IdentityNotProved")));
    assert_eq!(world.condition(C::ServicePrincipalsPresent), Some(("Unknown", "IdentityNotProved")));
    assert_eq!(world.condition(C::Observed), Some(("True", "ObservationComplete")));
    assert_eq!(world.condition(C::Drifted), Some(("Unknown", "NotObserved")));
    assert_eq!(world.condition(C::SignInEnabled), Some(("Unknown", "NotObserved")));
    let message = world.message(C::Ready);
    assert!(message.contains("a name proves nothing"), "{message}");
    assert!(message.contains(&format!("spec.identity.appId, such as appId: {IDENTITY}")), "{message}");
    let entry = world.status.application("identity").unwrap();
    assert_eq!((entry.app_id.as_deref(), entry.state.as_deref()), (None, Some("NotProved")));
    assert_eq!(world.status.summary.clone().unwrap().applications.as_deref(), Some("1/2"));
    assert!(world.drift().is_empty(), "unknown is not drift");
    let before = world.status.clone();
    world.after(300).look(found(&[], &[IDENTITY]));
    assert_eq!(world.status, before);

    // The person pins it.
    world.edit(|spec| spec["identity"] = json!({ "appId": IDENTITY.to_string() }));
    world.after(5).look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn two_proved_ones_are_not_chosen_between() {
    let mut world = seeking();
    world.look(found(&[IDENTITY, AppId::from_u128(0x13)], &[]));
    assert_eq!(world.ready(), ("False", "IdentityNotProved"));
    assert!(world.message(C::Ready).contains("Several applications"), "{}", world.message(C::Ready));
}

#[test]
fn nothing_to_be_found_says_both_what_may_be_and_how_to_leave_it_out() {
    let mut world = seeking();
    world.look(found(&[], &[]));
    assert_eq!(world.ready(), ("False", "IdentityNotProved"));
    let message = world.message(C::Ready);
    assert!(message.contains("spec.identity.check to false") && message.contains("under another name"), "{message}");
}

#[test]
fn a_gone_integration_is_graver_than_an_identity_that_is_not_proved() {
    let mut world = seeking();
    world.look(found(&[], &[]).soft_deleted(world.now));
    assert_eq!(world.ready(), ("False", "ServicePrincipalSoftDeleted"));
}

#[test]
fn candidates_that_could_not_be_read_are_unknown_and_not_missing() {
    let mut world = seeking();
    let mut seen = found(&[], &[]);
    seen.0.identity = Reading::Unreadable(Obstacle::graph_unavailable(500, None));
    world.look(seen);
    assert_eq!(world.ready(), ("Unknown", "Progressing"));
    assert_eq!(world.condition(C::Observed), Some(("Unknown", "GraphUnavailable")));
    assert_eq!(world.status.application("identity").unwrap().state.as_deref(), Some("Unknown"));
}

#[test]
fn what_was_found_is_kept_when_the_tenant_cannot_be_read() {
    let mut world = seeking();
    world.look(found(&[IDENTITY], &[]));
    let before = world.status.application("identity").cloned();
    world.after(300).blocked(&Obstacle::graph_unavailable(503, None));
    assert_eq!(world.status.application("identity").cloned(), before);
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn a_wizard_that_ran_again_is_followed() {
    let mut world = seeking();
    world.look(found(&[IDENTITY], &[]));
    let other = AppId::from_u128(0x14);
    let mut seen = found(&[other], &[]);
    let identity = present(ObjectId::from_u128(0x15), "Cisco Webex Identity");
    seen.0.applications.insert(other, ObservedApplication { jobs: Reading::Known(vec![timeless()]), ..identity });
    world.after(300).look(seen);
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.memory.recall.identity, Some(other));
}

#[test]
fn hostile_names_of_candidates_are_made_safe() {
    let mut world = seeking();
    let mut seen = found(&[], &[IDENTITY]);
    if let Reading::Known(candidates) = &mut seen.0.identity {
        candidates.suggested.insert(IDENTITY, candidate("Cisco Webex Identity\u{202e}\u{1b}[31m\nappId: evil"));
    }
    world.look(seen);
    let message = world.message(C::Ready);
    assert!(message.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{message}");
}
