//! Sign-in: three switches, who can throw them back, and values that nobody knows.

use webex_azure_operator::{
    api::{ConditionType as C, TenantId},
    domain::observed::{ServicePrincipal, Switch},
};

use crate::fixture::{IDENTITY, INTEGRATION, TENANT, World, healthy};

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
