//! Sign-in: three switches, who can throw them back, values that nobody knows, and assignments.

use webex_azure_operator::{
    api::{AppId, ConditionType as C, TenantId},
    domain::{
        Obstacle, Reading,
        observed::{Assigned, ServicePrincipal, Switch},
    },
};

use crate::fixture::{IDENTITY, INTEGRATION, TENANT, Tenant, World, healthy};

/// A switch that somebody throws.
type Change = fn(&mut ServicePrincipal);

#[test]
fn g31_each_switch_has_its_reason_and_its_remedy() {
    let cases: [(&str, &str, Change, &str); 4] = [
        ("ServicePrincipalDisabled", "Disabled", |principal| principal.account_enabled = Switch::Off, "EnableSignIn"),
        ("ApplicationDeactivated", "Deactivated", |principal| principal.is_disabled = Switch::On, "ContactPublisher"),
        (
            "DisabledByMicrosoft",
            "DisabledByMicrosoft",
            |principal| principal.disabled_by_microsoft = Switch::On,
            "ContactPublisher",
        ),
        (
            "ApplicationDeactivated",
            "Deactivated",
            |principal| {
                principal.is_disabled = Switch::On;
                principal.owner = Some(TENANT);
            },
            "Reactivate",
        ),
    ];
    for (reason, state, change, action) in cases {
        let mut world = World::in_sync();
        world.look(healthy().switched(INTEGRATION, change));
        assert_eq!(world.ready(), ("False", reason));
        assert_eq!(world.condition(C::SignInEnabled), Some(("False", reason)));
        assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, action);
        assert_eq!(world.status.application("identity-integration").unwrap().state.as_deref(), Some(state));
    }
}

#[test]
fn a_foreign_application_is_not_sent_to_the_own_app_registrations() {
    let mut world = World::in_sync();
    world.look(healthy().switched(INTEGRATION, |principal| {
        principal.is_disabled = Switch::On;
        principal.owner = Some(TenantId::from_u128(0xC15C0));
    }));
    assert!(world.message(C::Ready).contains("only the publisher can reactivate it"), "{}", world.message(C::Ready));
}

#[test]
fn several_switches_are_all_listed_the_gravest_first() {
    let mut world = World::in_sync();
    world.look(healthy().switched(IDENTITY, |principal| {
        principal.disabled_by_microsoft = Switch::On;
        principal.account_enabled = Switch::Off;
    }));
    assert_eq!(world.drift(), ["ServicePrincipalDisabled", "DisabledByMicrosoft"]);
}

#[test]
fn g34_an_unrecognised_value_is_neither_good_nor_drift() {
    let mut world = World::in_sync();
    let seen = healthy().switched(INTEGRATION, |principal| principal.disabled_by_microsoft = Switch::Unrecognised);
    world.look(seen.clone());
    assert_eq!(world.drift(), Vec::<&str>::new());
    assert_eq!(world.ready(), ("True", "InSync"), "the last verdict stands");

    let mut fresh = World::new(crate::fixture::spec());
    fresh.look(seen);
    assert_eq!(fresh.condition(C::SignInEnabled), Some(("Unknown", "NotObserved")));
    assert_eq!(fresh.ready(), ("Unknown", "Progressing"));
}

fn locked(id: AppId, assigned: Reading<Assigned>) -> Tenant {
    healthy().switched(id, |principal| principal.assignment_required = true).assigned(id, assigned)
}

const NOBODY: Reading<Assigned> = Reading::Known(Assigned { any: false, people: false });

#[test]
fn an_application_that_lets_in_only_the_assigned_needs_an_assignment() {
    for id in [INTEGRATION, IDENTITY] {
        let mut world = World::in_sync();
        let before = world.status.clone();
        world.look(locked(id, NOBODY));
        assert_eq!(world.status, before, "one empty list may be a stale read");
        world.after(61).look(locked(id, NOBODY));
        assert_eq!(world.ready(), ("False", "AssignmentMissing"));
        assert_eq!(world.condition(C::SignInEnabled), Some(("False", "AssignmentMissing")));
        let remedy = world.status.drift[0].remedy.clone().unwrap();
        assert_eq!(remedy.action, "Assign");
        assert_eq!(remedy.role.as_deref(), Some("Cloud Application Administrator"));
        for words in ["> Users and groups", "Assignment required? > No", &id.to_string()] {
            assert!(remedy.text.contains(words), "{}", remedy.text);
        }
        let before = world.status.clone();
        let decision = world.restart().after(15).look(locked(id, NOBODY));
        assert_eq!(world.status, before, "a restart does not doubt what was confirmed");
        assert!(decision.settled_until.is_some(), "nor asks again");
        world.after(300).look(locked(id, Reading::Known(Assigned { any: true, people: false })));
        assert_eq!(world.ready(), ("True", "InSync"), "an application that is assigned is enough");
    }
}

#[test]
fn without_the_lock_nobody_needs_to_be_assigned() {
    let mut world = World::in_sync();
    for assigned in [NOBODY, Reading::Unreadable(Obstacle::graph_unavailable(500, None))] {
        let seen = healthy().assigned(INTEGRATION, assigned);
        world.look(seen.clone());
        world.after(61).look(seen);
        assert_eq!(world.ready(), ("True", "InSync"));
    }
}

#[test]
fn assignments_that_cannot_be_read_behind_a_lock_are_unknown() {
    for assigned in [Reading::NotAsked, Reading::Unreadable(Obstacle::graph_unavailable(500, None))] {
        let mut world = World::new(crate::fixture::spec());
        let seen = locked(INTEGRATION, assigned);
        world.look(seen.clone());
        world.after(61).look(seen);
        assert_eq!(world.condition(C::SignInEnabled), Some(("Unknown", "NotObserved")));
        assert_eq!(world.drift(), Vec::<&str>::new());
    }
}

#[test]
fn a_switch_is_told_at_once_also_where_nobody_is_assigned() {
    let mut world = World::in_sync();
    world.look(locked(INTEGRATION, NOBODY).disabled());
    assert_eq!(world.drift(), ["ServicePrincipalDisabled"]);
    world.after(120).look(locked(INTEGRATION, NOBODY));
    world.after(61).look(locked(INTEGRATION, NOBODY));
    assert_eq!(world.drift(), ["AssignmentMissing"]);
}

#[test]
fn each_switch_says_who_may_throw_it_back_and_where() {
    let cases: [(Change, &[&str]); 3] = [
        (
            |principal| principal.account_enabled = Switch::Off,
            &["Cloud Application Administrator, Application Administrator or owner", "Enabled for users to sign-in"],
        ),
        (
            |principal| {
                principal.is_disabled = Switch::On;
                principal.owner = Some(TENANT);
            },
            &["Cloud Application Administrator", "App registrations > Deactivated applications"],
        ),
        (|principal| principal.disabled_by_microsoft = Switch::On, &["Microsoft support", "Cisco"]),
    ];
    for (change, words) in cases {
        let mut world = World::in_sync();
        world.look(healthy().switched(INTEGRATION, change));
        for words in words {
            assert!(world.message(C::Ready).contains(words), "{}", world.message(C::Ready));
        }
    }
}
