//! Owners come and go by reference.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-post-owners>

use serde_json::{Value, json};

use super::cloud::{
    ALL_ROLES, IDENTITY, IDENTITY_REGISTRATION, INTEGRATION, OPERATOR, URL, calm, column, with_only_roles, with_roles,
};

const ADMINISTRATOR: &str = "00000000-0000-4000-8000-000000000051";

fn reference(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

#[test]
fn an_owner_is_added_once_listed_and_removed() {
    for (object, kind) in [
        (format!("/servicePrincipals/{IDENTITY}"), "service principal"),
        (format!("/applications/{IDENTITY_REGISTRATION}"), "application"),
    ] {
        let mut cloud = with_roles(&ALL_ROLES);
        let owners = format!("{object}/owners");
        let before = cloud.get(&owners).values().len();
        assert_eq!(cloud.post(&format!("{owners}/$ref"), &reference(OPERATOR)).status, 204);
        let again = cloud.post(&format!("{owners}/$ref"), &reference(OPERATOR));
        assert_eq!(again.status, 400);
        let message = again.body["error"]["message"].as_str().unwrap();
        assert!(message.starts_with("One or more added object references already exist"), "{message}");
        assert!(column(&cloud.get(&owners).values(), "id").contains(&OPERATOR.to_owned()));
        let references = cloud.get(&format!("{owners}/$ref"));
        assert_eq!(references.body["@odata.context"], format!("{URL}/v1.0/$metadata#Collection($ref)"));
        let address = format!("{URL}/v1.0/directoryObjects/{OPERATOR}");
        assert!(column(&references.values(), "@odata.id").contains(&address), "{}", references.text);
        let reference = format!("{owners}/{OPERATOR}/$ref");
        assert_eq!(cloud.delete(&reference).status, 204);
        assert_eq!(cloud.delete(&reference).status, 404);
        assert_eq!(cloud.get(&owners).values().len(), before);
        let activities = column(&cloud.audits(), "activityDisplayName");
        let expected = [format!("Remove owner from {kind}"), format!("Add owner to {kind}")];
        assert!(expected.iter().all(|activity| activities.contains(activity)), "{activities:?}");
        assert_eq!(activities.len(), 2);
    }
}

#[test]
fn a_person_can_own_and_is_listed_as_a_user() {
    let mut cloud = with_roles(&ALL_ROLES);
    let owners = format!("/servicePrincipals/{INTEGRATION}/owners");
    assert_eq!(cloud.post(&format!("{owners}/$ref"), &reference(ADMINISTRATOR)).status, 204);
    let listed = cloud.get(&owners).values();
    let person = listed.iter().find(|row| row["id"] == ADMINISTRATOR).unwrap();
    assert_eq!(person["@odata.type"], "#microsoft.graph.user");
}

#[test]
fn ownership_opens_the_object_to_whoever_may_write_what_it_owns_and_adds_no_more_owners() {
    let mut cloud = with_only_roles(&["Application.ReadWrite.OwnedBy"]);
    let path = format!("/servicePrincipals/{INTEGRATION}");
    let notes = json!({"notes": "mine"});
    assert_eq!(cloud.patch(&path, &notes).status, 403);
    let added = cloud.as_admin("POST", &format!("{path}/owners/$ref"), Some(&reference(OPERATOR)));
    assert_eq!(added.status, 204);
    assert_eq!(cloud.patch(&path, &notes).status, 204);
    assert_eq!(cloud.post(&format!("{path}/owners/$ref"), &reference(IDENTITY)).status, 403);
    assert_eq!(cloud.delete(&format!("{path}/owners/{OPERATOR}/$ref")).status, 204);
    assert_eq!(cloud.patch(&path, &notes).status, 403);
}

#[test]
fn what_is_no_reference_to_something_that_is_there_is_refused() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/{INTEGRATION}/owners/$ref");
    let missing = "11111111-2222-3333-4444-555555555555";
    for (body, status) in [
        (json!({}), 400),
        (json!({"@odata.id": INTEGRATION}), 400),
        (json!({"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/x"}), 400),
        (json!({"@odata.id": 7}), 400),
        (reference(missing), 404),
    ] {
        assert_eq!(cloud.post(&path, &body).status, status, "{body}");
    }
    assert_eq!(calm().post(&path, &reference(OPERATOR)).status, 403);
    assert!(cloud.audits().is_empty());
}
