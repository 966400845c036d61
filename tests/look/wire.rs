//! Properties as Microsoft Graph writes them: null, absent, empty, never, unknown, in another case, twice.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webex_azure_operator::{
    api::{ObjectId, Reason},
    domain::{
        Reading,
        observed::{ConsentType, DeletedObject, OAuth2PermissionGrant, Switch},
    },
    emulator::Knobs,
};

use super::{
    fixture::{
        GRAPH_OBJECT, IDENTITY, INTEGRATION, INTEGRATION_OBJECT, OWNER, Read, Scene, all_in_order, integration,
        principal, unreadable,
    },
    tenant::{assignments, grant},
};

/// The integration's principal with a property set, or left out if there is no value.
fn with(property: &str, value: Option<Value>) -> Scene {
    let scene = Scene::healthy();
    let property = property.to_owned();
    scene.item(INTEGRATION, Read::Principal, move |item| {
        let body = item["body"].as_object_mut().unwrap();
        match &value {
            Some(value) => body.insert(property.clone(), value.clone()),
            None => body.remove(&property),
        };
    });
    scene
}

#[tokio::test(start_paused = true)]
async fn g31_every_switch_that_stops_sign_in_is_seen() {
    for (property, value, expected) in [
        ("accountEnabled", json!(true), (Switch::On, Switch::Off, Switch::Off)),
        ("accountEnabled", json!(false), (Switch::Off, Switch::Off, Switch::Off)),
        ("isDisabled", json!(true), (Switch::On, Switch::On, Switch::Off)),
        ("isDisabled", json!(false), (Switch::On, Switch::Off, Switch::Off)),
        (
            "disabledByMicrosoftStatus",
            json!("DisabledDueToViolationOfServicesAgreement"),
            (Switch::On, Switch::Off, Switch::On),
        ),
        ("disabledByMicrosoftStatus", json!("NotDisabled"), (Switch::On, Switch::Off, Switch::Off)),
    ] {
        let scene = with(property, Some(value.clone()));
        let observed = scene.seen().await;
        let seen = principal(&observed);
        assert_eq!(
            (seen.account_enabled, seen.is_disabled, seen.disabled_by_microsoft),
            expected,
            "{property} {value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn g34_an_unknown_value_is_neither_on_nor_off() {
    for value in ["DisabledForAnotherReason", "unknownFutureValue", "notdisabled", " "] {
        let scene = with("disabledByMicrosoftStatus", Some(value.into()));
        assert_eq!(principal(&scene.seen().await).disabled_by_microsoft, Switch::Unrecognised, "{value}");
    }
    let scene = Scene::healthy();
    scene.finds(
        INTEGRATION,
        Read::Grants,
        json!({"value": [{"resourceId": GRAPH_OBJECT.to_string(), "consentType": "Everyone", "scope": "User.Read"}]}),
    );
    let observed = scene.seen().await;
    let grants = integration(&observed).oauth2_permission_grants.known().unwrap();
    assert_eq!(grants.first().unwrap().consent, ConsentType::OnePrincipal, "not taken for everyone's");
}

#[tokio::test(start_paused = true)]
async fn g35_null_absent_and_empty_are_told_apart_property_by_property() {
    for value in [Some(Value::Null), None] {
        let scene = with("accountEnabled", value.clone());
        assert_eq!(principal(&scene.seen().await).account_enabled, Switch::Unrecognised);
        let scene = with("isDisabled", value.clone());
        assert_eq!(principal(&scene.seen().await).is_disabled, Switch::Off, "null in tenants that never used it");
        let scene = with("disabledByMicrosoftStatus", value.clone());
        assert_eq!(principal(&scene.seen().await).disabled_by_microsoft, Switch::Off);
        let scene = with("appOwnerOrganizationId", value.clone());
        assert_eq!(principal(&scene.seen().await).owner, None);
        let scene = with("displayName", value.clone());
        assert_eq!(principal(&scene.seen().await).display_name, "");
        for property in ["id", "appId"] {
            let scene = with(property, value.clone());
            let observed = scene.seen().await;
            assert_eq!(unreadable(&integration(&observed).service_principal), Reason::MalformedResponse, "{property}");
        }
    }
    for property in ["disabledByMicrosoftStatus", "displayName", "appOwnerOrganizationId"] {
        let scene = with(property, Some("".into()));
        assert_eq!(principal(&scene.seen().await).disabled_by_microsoft, Switch::Off, "{property}");
    }
    for property in ["id", "appId"] {
        let scene = with(property, Some("".into()));
        let observed = scene.seen().await;
        assert_eq!(unreadable(&integration(&observed).service_principal), Reason::MalformedResponse, "{property}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_property_of_another_type_makes_its_object_unreadable() {
    for (property, value) in [
        ("accountEnabled", json!("true")),
        ("accountEnabled", json!(1)),
        ("isDisabled", json!("false")),
        ("disabledByMicrosoftStatus", json!(0)),
        ("displayName", json!({"text": "x"})),
        ("id", json!(7)),
        ("id", json!("appId-value")),
    ] {
        let scene = with(property, Some(value.clone()));
        let observed = scene.seen().await;
        let seen = integration(&observed);
        assert_eq!(unreadable(&seen.service_principal), Reason::MalformedResponse, "{property} {value}");
        assert_eq!(seen.app_role_assignments.known().unwrap().len(), 7, "the lists are answers of their own");
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_properties_are_ignored() {
    let scene = with("agentIdentityBlueprintId", Some(json!({"a": [1, 2, {"b": null}]})));
    scene.item(INTEGRATION, Read::Roles, |item| item["body"]["value"][0]["newProperty"] = json!([]));
    scene.item(INTEGRATION, Read::Grants, |item| {
        item["body"]["@odata.context"] = "https://graph.microsoft.com/x".into();
    });
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn identifiers_in_upper_case_are_the_same_identifiers() {
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Principal, |item| {
        for (property, value) in [
            ("id", INTEGRATION_OBJECT.to_string()),
            ("appId", INTEGRATION.to_string()),
            ("appOwnerOrganizationId", OWNER.to_string()),
        ] {
            item["body"][property] = value.to_uppercase().into();
        }
    });
    scene.item(INTEGRATION, Read::Roles, |item| {
        let upper = item["body"].to_string().to_uppercase();
        let upper =
            upper.replace("VALUE", "value").replace("APPROLEID", "appRoleId").replace("RESOURCEID", "resourceId");
        item["body"] = serde_json::from_str(&upper).unwrap();
    });
    assert_eq!(scene.seen().await, all_in_order().await);
}

#[tokio::test(start_paused = true)]
async fn an_answer_about_another_application_is_no_answer() {
    for other in [IDENTITY.to_string(), GRAPH_OBJECT.to_string()] {
        let scene = with("appId", Some(other.into()));
        let observed = scene.seen().await;
        let obstacle = integration(&observed).service_principal.obstacle().unwrap();
        assert_eq!(obstacle.reason, Reason::MalformedResponse);
        assert!(obstacle.message.contains("another application"), "{}", obstacle.message);
    }
}

/// The delegated permissions that are read of these grants.
async fn granted(grants: Value) -> BTreeSet<OAuth2PermissionGrant> {
    let scene = Scene::healthy();
    scene.finds(INTEGRATION, Read::Grants, json!({"value": grants}));
    let observed = scene.seen().await;
    integration(&observed).oauth2_permission_grants.known().unwrap().clone()
}

fn values(grants: &BTreeSet<OAuth2PermissionGrant>) -> Vec<&str> {
    grants.iter().map(|grant| grant.scope.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn g32_a_scope_is_a_set_of_values_however_it_is_spaced() {
    for scope in [
        "User.Read Group.Read.All",
        " User.Read Group.Read.All",
        "Group.Read.All  User.Read ",
        "User.Read\tGroup.Read.All\r\n",
        "User.Read Group.Read.All User.Read",
    ] {
        assert_eq!(values(&granted(json!([grant(scope)])).await), ["Group.Read.All", "User.Read"], "{scope:?}");
    }
    let split = granted(json!([grant("User.Read"), grant(" Group.Read.All"), grant("User.Read")])).await;
    assert_eq!(values(&split), ["Group.Read.All", "User.Read"], "one grant or several");
    assert_eq!(values(&granted(json!([grant("user.read")])).await), ["user.read"], "case is kept");
    for scope in [json!(""), json!("   "), Value::Null] {
        let mut nothing = grant("");
        nothing["scope"] = scope;
        assert_eq!(values(&granted(json!([nothing])).await), Vec::<&str>::new());
    }
    let mut absent = grant("");
    absent.as_object_mut().unwrap().remove("scope");
    assert!(granted(json!([absent])).await.is_empty());
    assert!(granted(json!([])).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn g32_a_grant_of_one_person_is_not_a_grant_for_everyone() {
    let mut personal = grant("User.Read");
    personal["consentType"] = "Principal".into();
    personal["principalId"] = "00000000-0000-4000-8000-000000000051".into();
    let grants = granted(json!([personal, grant("Group.Read.All")])).await;
    let consents: Vec<_> = grants.iter().map(|grant| (grant.scope.as_str(), grant.consent)).collect();
    assert_eq!(consents, [("Group.Read.All", ConsentType::AllPrincipals), ("User.Read", ConsentType::OnePrincipal)]);
    for consent in [Value::Null, json!("")] {
        let mut unknown = grant("User.Read");
        unknown["consentType"] = consent;
        assert_eq!(granted(json!([unknown])).await.first().unwrap().consent, ConsentType::OnePrincipal);
    }
}

#[tokio::test(start_paused = true)]
async fn g35_an_item_of_a_list_without_its_identifiers_makes_the_list_unreadable() {
    for (property, value) in
        [("appRoleId", Value::Null), ("resourceId", Value::Null), ("appRoleId", json!("")), ("resourceId", json!("x"))]
    {
        let scene = Scene::healthy();
        let mut list = assignments();
        list[3][property] = value;
        scene.finds(INTEGRATION, Read::Roles, json!({"value": list}));
        let observed = scene.seen().await;
        assert_eq!(unreadable(&integration(&observed).app_role_assignments), Reason::MalformedResponse, "{property}");
    }
}

/// The deleted principals that are read of this list.
async fn deleted(list: Value) -> Reading<Vec<DeletedObject>> {
    let scene = Scene::healthy();
    scene.absent(INTEGRATION);
    scene.finds(INTEGRATION, Read::DeletedPrincipals, json!({"value": list}));
    integration(&scene.seen().await).deleted_service_principals.clone()
}

fn deleted_item(id: u128, date: &Value) -> Value {
    json!({
        "id": ObjectId::from_u128(id).to_string(), "appId": INTEGRATION.to_string(),
        "displayName": "Cisco Webex Identity Integration", "deletedDateTime": date,
    })
}

#[tokio::test(start_paused = true)]
async fn g35_a_deleted_object_without_a_readable_date_is_there_all_the_same() {
    for date in
        [Value::Null, json!(""), json!("2026-11-20T22:43:59"), json!("yesterday"), json!("0001-01-01T00:00:00Z")]
    {
        let read = deleted(json!([deleted_item(1, &date)])).await;
        let [object] = read.known().unwrap().as_slice() else { panic!("{read:?}") };
        assert_eq!((object.id, object.deleted), (ObjectId::from_u128(1), None), "{date}");
    }
    let mut absent = deleted_item(1, &Value::Null);
    absent.as_object_mut().unwrap().remove("deletedDateTime");
    assert_eq!(deleted(json!([absent])).await.known().unwrap()[0].deleted, None);
    for date in ["2026-11-20T22:43:59Z", "2026-11-20T22:43:59.0000000Z", "2026-11-21T00:43:59+02:00"] {
        let read = deleted(json!([deleted_item(1, &json!(date))])).await;
        assert_eq!(read.known().unwrap()[0].deleted, Some("2026-11-20T22:43:59Z".parse().unwrap()), "{date}");
    }
}

#[tokio::test(start_paused = true)]
async fn g29_several_deleted_copies_are_all_told_in_one_order() {
    let (one, two) = (deleted_item(1, &json!("2026-11-20T00:00:00Z")), deleted_item(2, &json!("2026-11-10T00:00:00Z")));
    let read = deleted(json!([one, two, one])).await;
    assert_eq!(read, deleted(json!([two, one])).await);
    let ids: Vec<ObjectId> = read.known().unwrap().iter().map(|object| object.id).collect();
    assert_eq!(ids, [ObjectId::from_u128(2), ObjectId::from_u128(1)], "oldest first");
}

#[tokio::test(start_paused = true)]
async fn deleted_objects_of_another_application_do_not_count_and_those_of_none_are_no_answer() {
    let mut other = deleted_item(1, &json!("2026-11-20T00:00:00Z"));
    other["appId"] = IDENTITY.to_string().into();
    assert_eq!(deleted(json!([other])).await, Reading::Known(Vec::new()));
    for app in [Value::Null, json!("")] {
        other["appId"] = app;
        assert_eq!(unreadable(&deleted(json!([other])).await), Reason::MalformedResponse);
    }
}

#[tokio::test(start_paused = true)]
async fn g26_a_deleted_principal_is_found_with_its_object_id_and_date() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.service_principals[0].0.insert("deletedDateTime".to_owned(), "2026-11-20T22:43:59Z".into());
    });
    let observed = scene.seen().await;
    let seen = integration(&observed);
    assert_eq!(seen.service_principal, Reading::Absent);
    let [object] = seen.deleted_service_principals.known().unwrap().as_slice() else { panic!("{seen:?}") };
    assert_eq!(object.deleted, Some("2026-11-20T22:43:59Z".parse().unwrap()));
    assert_eq!(object.display_name, "Cisco Webex Identity Integration");
    assert_eq!(seen.deleted_applications, Reading::Known(Vec::new()));
    assert_eq!(observed.obstacle(), None);
}

#[tokio::test(start_paused = true)]
async fn g28_a_deleted_registration_is_found_beside_a_deleted_principal() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.service_principals[1].0.insert("deletedDateTime".to_owned(), "2026-11-20T22:43:59Z".into());
        scenario.applications[0].0.insert("deletedDateTime".to_owned(), "2026-11-20T22:43:58Z".into());
    });
    let observed = scene.seen().await;
    let identity = scene.looker.desired.application("identity").unwrap().app_id;
    let seen = &observed.applications[&identity];
    assert_eq!(seen.service_principal, Reading::Absent);
    assert_eq!(seen.deleted_service_principals.known().unwrap().len(), 1);
    assert_eq!(seen.deleted_applications.known().unwrap().len(), 1, "{seen:?}");
    assert!(integration(&observed).service_principal.known().is_some());
}
