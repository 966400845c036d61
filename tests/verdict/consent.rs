//! Consent: presets and lists, application and delegated permissions, what was seen granted, and whom a link is given.

use serde_json::json;
use webex_azure_operator::{
    api::{
        AppId, ConditionType as C, ObjectId,
        identifier::{AppRoleId, ScopeId},
        status::ConsentStatus,
    },
    domain::{
        Obstacle, Reading,
        observed::{AppRoleAssignment, ConsentType, OAuth2PermissionGrant, ResourcePrincipal},
    },
};

use crate::fixture::{CALENDAR, INTEGRATION, Tenant, World, assignment, grant, healthy, present, spec};

fn twice(world: &mut World, seen: Tenant) {
    world.look(seen.clone());
    world.after(61).look(seen);
}

#[test]
fn g32_a_permission_once_seen_granted_and_lost_is_drift_by_name() {
    let mut world = World::in_sync();
    twice(&mut world, healthy().revoked("GroupMember.Read.All"));
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
    let entry = world.status.application("identity-integration").unwrap();
    let consent = entry.consent.clone().unwrap();
    assert_eq!((consent.granted, consent.required), (Some(7), 8));
    assert_eq!(consent.missing, ["GroupMember.Read.All (application)"]);
    assert_eq!(consent.baseline.len(), 8);
    assert!(entry.consent_url.as_deref().unwrap().contains("/00000000-0000-0000-0000-000000000001/adminconsent"));
    assert!(world.message(C::ConsentGranted).contains("lacks 1 of its 8 permissions"));
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().role.as_deref(), Some("Privileged Role Administrator"));
}

#[test]
fn one_look_that_misses_a_permission_changes_nothing() {
    let mut world = World::in_sync();
    let before = world.status.clone();
    world.look(healthy().revoked("GroupMember.Read.All"));
    assert_eq!(world.status, before);
}

#[test]
fn consent_never_given_is_told_with_the_event() {
    let mut world = World::new(spec());
    world.look(healthy().not_consented());
    assert_eq!(world.ready(), ("Unknown", "Confirming"));
    let decision = world.after(60).look(healthy().not_consented());
    assert_eq!(world.ready(), ("False", "ConsentMissing"));
    assert_eq!(decision.notices[0].reason, "ConsentMissing");
}

#[test]
fn a_shortfall_against_the_published_list_from_first_sight_is_told_and_does_not_fail() {
    let mut world = World::new(spec());
    let seen = healthy().revoked("Place.Read.All");
    world.look(seen.clone());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::ConsentGranted), Some(("True", "ConsentDiffersFromPublished")));
    assert_eq!(world.condition(C::Drifted), Some(("False", "NoDriftDetected")));
    assert!(world.message(C::ConsentGranted).contains("Place.Read.All"));
    assert_eq!(world.status.preset_revision, Some(1));
    let before = world.status.clone();
    world.after(300).look(seen.clone());
    assert_eq!(world.status, before);

    world.after(300).look(healthy());
    twice(world.after(300), seen);
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"), "once seen granted, its loss is drift");
}

#[test]
fn a_list_in_the_object_is_meant_as_it_is_written() {
    let mut world = World::new(spec());
    world.edit(|spec| {
        spec["identityIntegration"] = json!({ "permissions": [
            { "value": "Place.Read.All", "kind": "Application" },
            { "value": "User.Read", "kind": "Delegated" },
        ] });
    });
    twice(&mut world, healthy().revoked("Place.Read.All"));
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
    assert_eq!(world.status.summary.clone().unwrap().consent.as_deref(), Some("1/2"));
}

#[test]
fn either_kind_satisfies_either_and_only_an_application_permission_an_application_one() {
    let mut world = World::new(spec());
    world.look(healthy().revoked("Group.Read.All").delegated(grant("Group.Read.All")));
    assert_eq!(world.condition(C::ConsentGranted), Some(("True", "Granted")));

    let mut world = World::in_sync();
    twice(&mut world, healthy().revoked("Domain.Read.All").delegated(grant("Domain.Read.All")));
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
}

#[test]
fn a_grant_of_one_user_or_of_another_resource_or_case_is_no_admin_consent() {
    let others = [
        OAuth2PermissionGrant { consent: ConsentType::OnePrincipal, ..grant("User.Read") },
        OAuth2PermissionGrant { resource: webex_azure_operator::api::ObjectId::from_u128(9), ..grant("User.Read") },
        grant("user.read"),
    ];
    for other in others {
        let mut world = World::in_sync();
        let mut seen = healthy();
        seen.application(INTEGRATION).oauth2_permission_grants = Reading::Known([other].into());
        twice(&mut world, seen);
        assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
    }
}

fn with_extra() -> Tenant {
    let mut seen = healthy().delegated(grant("openid")).delegated(grant("Mail.Send"));
    if let Reading::Known(assignments) = &mut seen.application(INTEGRATION).app_role_assignments {
        assignments.insert(assignment(AppRoleId::from_u128(42)));
    }
    seen
}

fn consent(world: &World) -> ConsentStatus {
    world.status.application("identity-integration").unwrap().consent.clone().unwrap()
}

const EXTRA: [&str; 2] = ["00000000-0000-0000-0000-00000000002a (application)", "Mail.Send (delegated)"];

#[test]
fn extra_permissions_are_listed_and_no_drift() {
    let mut world = World::in_sync();
    let decision = world.look(with_extra());
    assert_eq!(world.ready(), ("True", "InSync"));
    assert_eq!(world.condition(C::ConsentGranted), Some(("True", "Granted")));
    assert!(decision.notices.is_empty(), "{:?}", decision.notices);
    assert_eq!(consent(&world).extra, EXTRA, "scopes of OpenID Connect open nothing and are left out");
    let before = world.status.clone();
    world.after(300).look(with_extra());
    assert_eq!(world.status, before);
}

#[test]
fn a_name_that_was_told_stays_while_it_cannot_be_read() {
    let office = |names: bool| {
        let mut seen = healthy();
        if let Reading::Known(assignments) = &mut seen.application(INTEGRATION).app_role_assignments {
            assignments.insert(AppRoleAssignment { resource: OFFICE_OBJECT, app_role: AppRoleId::from_u128(0xa1) });
        }
        let scope = OAuth2PermissionGrant { resource: OFFICE_OBJECT, ..grant("EWS.AccessAsUser.All") };
        let mut seen = seen.delegated(scope);
        if names {
            seen.0.resources.insert(OFFICE, office());
        } else {
            seen.0.unnamed.insert(OFFICE_OBJECT);
        }
        seen
    };
    let named = [
        format!("EWS.AccessAsUser.All (delegated, of resource {OFFICE})"),
        format!("full_access_as_app (application, of resource {OFFICE})"),
    ];
    let mut world = World::new(spec());
    world.edit(|spec| spec["identityIntegration"] = json!({ "extraPermissions": "Drift" }));
    world.look(office(true));
    assert_eq!(consent(&world).extra, named);
    let settled = world.status.clone();
    world.after(15).restart().look(office(false));
    assert_eq!(world.status, settled, "nothing has changed but that the names cannot be read");

    // One more that nobody can name now, and one less: then IDs are told.
    let mut more = office(false);
    if let Reading::Known(assignments) = &mut more.application(INTEGRATION).app_role_assignments {
        assignments.insert(AppRoleAssignment { resource: OFFICE_OBJECT, app_role: AppRoleId::from_u128(0xa2) });
    }
    let mut fewer = office(false);
    if let Reading::Known(assignments) = &mut fewer.application(INTEGRATION).app_role_assignments {
        assignments.retain(|assignment| assignment.resource != OFFICE_OBJECT);
    }
    for (seen, count) in [(more, 3), (fewer, 1)] {
        let mut world = world.clone();
        world.after(15).look(seen);
        let extra = consent(&world).extra;
        let by_id = |label: &&String| label.contains(&OFFICE_OBJECT.to_string());
        assert_eq!((extra.len(), extra.iter().filter(by_id).count()), (count, count), "{extra:?}");
        world.after(15).look(office(true));
        assert_eq!(consent(&world).extra, named);
    }
}

#[test]
fn extra_permissions_are_drift_where_the_declaration_says_so() {
    let mut world = World::new(spec());
    world.edit(|spec| spec["identityIntegration"] = json!({ "extraPermissions": "Drift" }));
    world.look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
    world.after(300).look(with_extra());
    assert_eq!(world.ready(), ("False", "ExtraPermissions"), "nothing has to be confirmed about what is there");
    assert!(world.message(C::Ready).contains("holds 2 permissions beyond what is declared"));
    assert_eq!(world.status.drift[0].remedy.clone().unwrap().action, "ReviewPermissions");
    world.after(300).look(healthy());
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn what_vanished_is_told_even_where_nobody_requires_it() {
    let mut world = World::new(spec());
    world.look(with_extra());
    world.after(300).look(healthy());
    assert_eq!(world.condition(C::ConsentGranted), Some(("True", "Granted")));
    for gone in EXTRA {
        assert!(world.message(C::ConsentGranted).contains(gone), "{}", world.message(C::ConsentGranted));
        assert!(consent(&world).before.iter().any(|label| label == gone));
    }
    assert_eq!(consent(&world).before.len(), 10);
    let before = world.status.clone();
    world.after(300).look(healthy());
    assert_eq!(world.status, before);

    let mut world = World::new(spec());
    world.look(with_extra());
    twice(world.after(300), healthy().revoked("Domain.Read.All"));
    assert!(world.message(C::Ready).contains("Also gone since the last change: "), "{}", world.message(C::Ready));
}

#[test]
fn what_a_deleted_principal_held_beyond_the_list_is_told_when_another_one_takes_its_place() {
    let mut world = World::new(spec());
    world.look(with_extra());
    let at = world.after(300).now;
    world.look(healthy().soft_deleted(at));
    world.after(300).look(healthy().recreated(webex_azure_operator::api::ObjectId::from_u128(0x77)));
    assert_eq!(world.ready(), ("True", "InSync"));
    let sentence = world.message(C::ServicePrincipalsPresent);
    assert!(sentence.contains("this one lacks: ") && sentence.contains("Mail.Send (delegated)"), "{sentence}");
}

#[test]
fn consent_of_single_users_is_told_and_does_not_count() {
    let mut world = World::in_sync();
    let mut seen = healthy();
    let own = OAuth2PermissionGrant { consent: ConsentType::OnePrincipal, ..grant("User.Read") };
    seen.application(INTEGRATION).oauth2_permission_grants = Reading::Known([own].into());
    twice(&mut world, seen);
    assert_eq!(world.ready(), ("False", "ConsentIncomplete"));
    let sentence = world.message(C::Ready);
    assert!(sentence.contains("Single users granted User.Read (delegated) for themselves"), "{sentence}");
}

#[test]
fn re_consent_is_not_advised_without_a_word_about_what_it_may_take_away() {
    let mut world = World::new(spec());
    world.look(healthy());
    twice(world.after(300), with_extra().revoked("Domain.Read.All"));
    assert!(world.message(C::Ready).contains("Consent may revoke permissions beyond"), "{}", world.message(C::Ready));
    let mut world = World::in_sync();
    twice(&mut world, healthy().revoked("Domain.Read.All"));
    assert!(!world.message(C::Ready).contains("Consent may revoke"));
}

/// A resource of the tenant besides Microsoft Graph.
const OFFICE: AppId = AppId::from_u128(0xf1);
const OFFICE_OBJECT: ObjectId = ObjectId::from_u128(0xf2);

fn calendar(permissions: &serde_json::Value) -> World {
    let mut world = World::new(spec());
    world.edit(|spec| {
        spec["additionalApplications"] =
            json!([{ "name": "calendar", "appId": CALENDAR.to_string(), "permissions": permissions }]);
    });
    world
}

fn calendar_holding(assignments: &[AppRoleAssignment], grants: &[OAuth2PermissionGrant]) -> Tenant {
    let mut seen = healthy();
    let mut calendar = present(ObjectId::from_u128(0x56), "Calendar");
    calendar.app_role_assignments = Reading::Known(assignments.iter().copied().collect());
    calendar.oauth2_permission_grants = Reading::Known(grants.iter().cloned().collect());
    seen.0.applications.insert(CALENDAR, calendar);
    seen
}

fn office() -> Reading<ResourcePrincipal> {
    Reading::Known(ResourcePrincipal {
        id: OFFICE_OBJECT,
        display_name: "Office 365 Exchange Online".to_owned(),
        app_roles: [("full_access_as_app".to_owned(), AppRoleId::from_u128(0xa1))].into(),
        scopes: [("EWS.AccessAsUser.All".to_owned(), ScopeId::from_u128(0xb1))].into(),
    })
}

#[test]
fn a_permission_of_another_resource_is_compared_on_that_resource() {
    let office_id = OFFICE.to_string();
    let declared = json!([
        { "value": "full_access_as_app", "kind": "Application", "resourceAppId": office_id },
        { "id": "00000000-0000-0000-0000-0000000000b1", "kind": "Delegated", "resourceAppId": office_id },
    ]);
    let role = AppRoleAssignment { resource: OFFICE_OBJECT, app_role: AppRoleId::from_u128(0xa1) };
    let scope = OAuth2PermissionGrant { resource: OFFICE_OBJECT, ..grant("EWS.AccessAsUser.All") };
    let mut world = calendar(&declared);
    let mut seen = calendar_holding(&[role], &[scope]);
    seen.0.resources.insert(OFFICE, office());
    world.look(seen);
    assert_eq!(world.ready(), ("True", "InSync"));

    // The same values on Microsoft Graph are other permissions.
    let mut seen = calendar_holding(&[assignment(AppRoleId::from_u128(0xa1))], &[grant("EWS.AccessAsUser.All")]);
    seen.0.resources.insert(OFFICE, office());
    twice(world.after(300), seen);
    assert_eq!(world.ready(), ("False", "ConsentMissing"));
    let sentence = world.message(C::Ready);
    assert!(sentence.contains(&format!("full_access_as_app (application, of resource {OFFICE})")), "{sentence}");
}

#[test]
fn a_resource_that_is_not_in_the_tenant_grants_nothing_and_an_unreadable_one_tells_nothing() {
    let declared =
        json!([{ "value": "full_access_as_app", "kind": "Application", "resourceAppId": OFFICE.to_string() }]);
    let mut world = calendar(&declared);
    let mut seen = calendar_holding(&[], &[]);
    seen.0.resources.insert(OFFICE, Reading::Absent);
    twice(&mut world, seen.clone());
    assert_eq!(world.ready(), ("False", "ConsentMissing"));

    let mut world = calendar(&declared);
    seen.0.resources.insert(OFFICE, Reading::Unreadable(Obstacle::graph_unavailable(500, None)));
    twice(&mut world, seen);
    assert_eq!(world.ready(), ("Unknown", "Progressing"));
}

#[test]
fn an_application_permission_by_id_needs_no_lookup() {
    let declared = json!([{ "id": "00000000-0000-0000-0000-0000000000C1", "kind": "Application" }]);
    let mut world = calendar(&declared);
    world.look(calendar_holding(&[assignment(AppRoleId::from_u128(0xc1))], &[]));
    assert_eq!(world.ready(), ("True", "InSync"));
}

#[test]
fn a_value_that_is_not_compiled_in_is_compared_by_the_id_that_the_tenant_gives() {
    let role = AppRoleId::from_u128(0x4242);
    let mut world = World::new(spec());
    world.edit(|spec| {
        spec["additionalApplications"] = json!([{
            "name": "hybrid-calendar", "appId": CALENDAR.to_string(),
            "permissions": [{ "value": "Calendars.ReadWrite", "kind": "Application" }],
        }]);
    });
    let mut seen = healthy();
    if let Some(Reading::Known(graph)) =
        seen.0.resources.get_mut(&webex_azure_operator::domain::catalog::MICROSOFT_GRAPH_APP_ID)
    {
        graph.app_roles.insert("Calendars.ReadWrite".to_owned(), role);
    }
    let mut calendar = present(webex_azure_operator::api::ObjectId::from_u128(0x56), "Calendar");
    calendar.app_role_assignments = Reading::Known([assignment(role)].into());
    seen.0.applications.insert(CALENDAR, calendar);
    world.look(seen.clone());
    assert_eq!(world.ready(), ("True", "InSync"));
    seen.application(CALENDAR).app_role_assignments = Reading::Known([].into());
    twice(&mut world, seen);
    assert_eq!(world.ready(), ("False", "ConsentMissing"));
}

#[test]
fn i8_an_application_of_the_authors_choice_gets_no_consent_link_unless_the_process_names_it() {
    let declared = |world: &mut World| {
        world.edit(|spec| {
            spec["additionalApplications"] = json!([{
                "name": "evil", "appId": CALENDAR.to_string(),
                "permissions": [{ "value": "Domain.Read.All", "kind": "Application" }],
            }]);
        });
        let mut seen = healthy();
        let mut evil = present(webex_azure_operator::api::ObjectId::from_u128(0x56), "Webex Sync");
        evil.app_role_assignments = Reading::Known([].into());
        seen.0.applications.insert(CALENDAR, evil);
        twice(world, seen);
    };
    let mut world = World::new(spec());
    declared(&mut world);
    assert_eq!(world.ready(), ("False", "ConsentMissing"));
    let status = serde_json::to_string(&world.status).unwrap();
    assert!(!status.contains("adminconsent"), "{status}");
    assert!(world.message(C::Ready).contains("is not a known Webex application"));

    let mut world = World::new(spec());
    world.linkable = vec![CALENDAR];
    declared(&mut world);
    assert!(world.message(C::Ready).contains(&format!("adminconsent?client_id={CALENDAR}")));
}

#[test]
fn outside_the_global_cloud_the_preset_gets_no_link_of_its_own() {
    let mut world = World::new(spec());
    world.edit(|spec| {
        spec["cloud"] = json!("China");
        spec["identityIntegration"] = json!({ "appId": INTEGRATION.to_string() });
    });
    twice(&mut world, healthy().not_consented());
    assert_eq!(world.ready(), ("False", "ConsentMissing"));
    assert!(!serde_json::to_string(&world.status).unwrap().contains("adminconsent"));
}
