//! Who deactivated an application: found by its registration where that is in this tenant, told as not visible here where
//! it is not.

use jiff::Timestamp;
use webex_azure_operator::{
    api::{AppId, ConditionType as C, ObjectId, TenantId},
    domain::{
        Attribution, Obstacle, Reading,
        observed::{AuditRecord, AuditSubject, Initiator, Switch},
    },
};

use crate::{
    attribution::{ADMIN, audited, before, by, changed, record},
    fixture::{IDENTITY, IDENTITY_OBJECT, INTEGRATION, TENANT, Tenant, World, healthy},
};

/// Object ID of the registration of "Cisco Webex Identity".
const REGISTRATION: ObjectId = ObjectId::from_u128(0x77);
/// Cisco's tenant.
const PUBLISHER: TenantId = TenantId::from_u128(0xc1);

fn deactivated(of: AppId, owner: TenantId) -> Tenant {
    healthy().switched(of, |principal| {
        principal.is_disabled = Switch::On;
        principal.owner = Some(owner);
    })
}

/// "Cisco Webex Identity", whose registration is in this tenant, is deactivated.
fn own(registration: Reading<ObjectId>) -> Tenant {
    let mut seen = deactivated(IDENTITY, TENANT);
    seen.application(IDENTITY).registration = registration;
    seen
}

fn update(target: ObjectId, property: &str, new: &str, at: Timestamp) -> AuditRecord {
    changed(record("Update application", target, at), property, None, Some(new))
}

fn registration(world: &World) -> Option<String> {
    world.status.application("identity").unwrap().application_object_id.clone()
}

fn told(world: &World) -> Option<String> {
    world.status.drift[0].attribution.clone().map(|attribution| attribution.text)
}

#[test]
fn who_deactivated_an_application_of_this_tenant_is_found_by_its_registration() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    world.look(own(Reading::Known(REGISTRATION)));
    assert_eq!((world.drift(), registration(&world)), (vec!["ApplicationDeactivated"], Some(REGISTRATION.to_string())));
    assert_eq!(world.memory.recall.registrations, [(IDENTITY, REGISTRATION)].into());
    let subjects: Vec<AuditSubject> =
        world.memory.recall.audits.iter().map(|question| question.subject.clone()).collect();
    assert_eq!(subjects, [AuditSubject::Target(REGISTRATION)]);

    let stalled = world.status.condition("Stalled").unwrap().last_transition_time.clone();
    let telling = [update(REGISTRATION, "IsDisabled", "[true]", at)];
    let seen = audited(&world, own(Reading::Known(REGISTRATION)), &telling);
    world.after(15).look(seen);
    assert_eq!(told(&world).unwrap(), format!("By {ADMIN} on {at} (audit log: Update application)."));
    assert!(world.message(C::Ready).contains(ADMIN), "{}", world.message(C::Ready));
    assert_eq!(world.status.condition("Stalled").unwrap().last_transition_time, stalled, "no second alarm");
    assert!(world.memory.recall.audits.is_empty(), "it is not asked about any more");
}

#[test]
fn who_changed_something_else_or_another_application_did_not_deactivate_it() {
    let mut world = World::in_sync();
    let at = before(world.now, 30);
    world.look(own(Reading::Known(REGISTRATION)));
    let other = Initiator::User { id: None, name: Some("other@contoso.com".to_owned()) };
    let decoys = [
        update(REGISTRATION, "DisplayName", "[\"true\"]", at),
        update(REGISTRATION, "IsDisabled", "[false]", at),
        update(ObjectId::from_u128(0x99), "IsDisabled", "[true]", at),
        update(IDENTITY_OBJECT, "IsDisabled", "[true]", at),
        changed(record("Update service principal", REGISTRATION, at), "IsDisabled", None, Some("[true]")),
        AuditRecord { succeeded: false, ..update(REGISTRATION, "IsDisabled", "[true]", at) },
    ]
    .map(|decoy| by(decoy, other.clone()));
    // The log answers with all of them, whatever it was asked.
    let mut seen = audited(&world, own(Reading::Known(REGISTRATION)), &[]);
    seen.0.audits.values_mut().for_each(|reading| *reading = Reading::Known(decoys.to_vec()));
    world.after(15).look(seen);
    assert_eq!(world.status.drift[0].attribution, None);
    let all = [&decoys[..], &[update(REGISTRATION, "IsDisabled", "[true]", at)]].concat();
    let seen = audited(&world, own(Reading::Known(REGISTRATION)), &all);
    world.after(15).look(seen);
    assert_eq!(world.status.drift[0].attribution.clone().unwrap().actor.as_deref(), Some(ADMIN));
}

#[test]
fn a_registration_that_cannot_be_read_hides_nothing_else() {
    let refused = Obstacle::permission_missing("00000000-0000-4000-8000-000000000031".parse().unwrap(), &[]);
    let cases = [
        (Reading::Unreadable(refused), Some("may not read the registration")),
        (Reading::Unreadable(Obstacle::graph_unavailable(503, None)), None),
        (Reading::Absent, None),
        (Reading::NotAsked, None),
    ];
    for (reading, expected) in cases {
        let mut world = World::in_sync();
        world.look(own(reading.clone()).revoked("Domain.Read.All"));
        world.after(61).look(own(reading.clone()).revoked("Domain.Read.All"));
        assert_eq!(world.drift(), ["ApplicationDeactivated", "ConsentIncomplete"], "{reading:?}");
        assert_eq!(world.condition(C::Observed), Some(("True", "ObservationComplete")), "{reading:?}");
        assert_eq!(registration(&world), None);
        match expected {
            Some(expected) => assert!(told(&world).unwrap().contains(expected), "{:?}", told(&world)),
            None => assert_eq!(told(&world), None, "{reading:?} may pass by itself"),
        }
        world.after(24 * 3600).look(own(reading.clone()));
        let text = told(&world).unwrap();
        assert!(text.starts_with("Who did it is not known: ") && text.contains("registration"), "{text}");
        assert!(!text.contains("no record"), "nobody asked the audit log: {text}");

        // It can be read after all.
        world.after(15).look(own(Reading::Known(REGISTRATION)));
        assert_eq!(registration(&world), Some(REGISTRATION.to_string()));
    }
}

#[test]
fn the_registration_stays_known_while_nothing_can_be_read_and_after_a_restart() {
    let mut world = World::in_sync();
    world.look(own(Reading::Known(REGISTRATION)));
    let settled = world.status.clone();
    let obstacle = Obstacle::graph_unavailable(503, None);
    world.after(15).look(own(Reading::NotAsked).unreadable(IDENTITY, &obstacle));
    assert_eq!(world.status.drift, settled.drift);
    assert_eq!(registration(&world), Some(REGISTRATION.to_string()));
    world.after(15).blocked(&obstacle);
    assert_eq!(registration(&world), Some(REGISTRATION.to_string()));
    world.after(15).restart().look(own(Reading::NotAsked));
    assert_eq!(registration(&world), Some(REGISTRATION.to_string()));
    assert_eq!(world.memory.recall.registrations, [(IDENTITY, REGISTRATION)].into());
}

#[test]
fn who_deactivated_ciscos_application_is_told_to_be_invisible_here_and_not_asked() {
    let mut world = World::in_sync();
    world.look(deactivated(INTEGRATION, PUBLISHER));
    let text = told(&world).unwrap();
    assert!(text.contains("not visible in this tenant"), "{text}");
    assert!(world.memory.recall.audits.is_empty() && world.memory.recall.registrations.is_empty());
    assert!(!world.message(C::Ready).contains("not visible"), "the message is for what to do");
    let settled = world.status.clone();
    world.after(300).restart().look(deactivated(INTEGRATION, PUBLISHER));
    assert_eq!(world.status, settled, "and nothing new is found");

    let mut silent = World::in_sync();
    silent.attribution = Attribution::Off;
    silent.look(deactivated(INTEGRATION, PUBLISHER));
    assert_eq!(told(&silent), None);
}
