//! The gallery, and how an application comes out of it.
//! <https://learn.microsoft.com/graph/api/resources/applicationtemplate>

use serde_json::json;

use super::cloud::{OPERATOR, calm, column, with_only_roles, with_roles};

const CUSTOM: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";

#[test]
fn the_gallery_is_open_to_every_caller_and_has_the_documented_id_for_applications_outside_it() {
    let mut cloud = with_only_roles(&[]);
    let listed = cloud.get("/applicationTemplates").values();
    assert!(column(&listed, "id").contains(&CUSTOM.to_owned()));
    assert_eq!(cloud.get(&format!("/applicationTemplates/{CUSTOM}")).body["displayName"], "Custom");
    let named = cloud.get("/applicationTemplates?$filter=displayName eq 'Cisco Webex'").values();
    assert_eq!(column(&named, "displayName"), ["Cisco Webex"]);
    assert_eq!(cloud.get(&format!("/applicationTemplates/{OPERATOR}")).status, 404);
}

#[test]
fn an_instance_is_a_registration_and_its_principal_and_belongs_to_who_made_it() {
    let mut cloud = with_roles(&["Application.ReadWrite.OwnedBy"]);
    let path = format!("/applicationTemplates/{CUSTOM}/instantiate");
    let made = cloud.post(&path, &json!({"displayName": "Webex directory"}));
    assert_eq!(made.status, 201, "{}", made.text);
    let (application, principal) = (&made.body["application"], &made.body["servicePrincipal"]);
    assert_eq!(application["appId"], principal["appId"]);
    assert_eq!(principal["applicationTemplateId"], CUSTOM);
    assert_eq!(principal["displayName"], "Webex directory");
    for (set, object) in [("applications", application), ("servicePrincipals", principal)] {
        let path = format!("/{set}/{}", object["id"].as_str().unwrap());
        assert_eq!(cloud.get(&path).body["displayName"], "Webex directory");
        assert_eq!(column(&cloud.get(&format!("{path}/owners")).values(), "id"), [OPERATOR]);
    }
    let mut activities = column(&cloud.audits(), "activityDisplayName");
    activities.sort();
    assert_eq!(activities, ["Add application", "Add service principal"]);
}

#[test]
fn who_may_only_read_makes_no_instance_and_an_instance_has_a_name() {
    let path = format!("/applicationTemplates/{CUSTOM}/instantiate");
    assert_eq!(calm().post(&path, &json!({"displayName": "Webex"})).status, 403);
    let mut cloud = with_roles(&["Application.ReadWrite.All"]);
    assert_eq!(cloud.post(&path, &json!({})).status, 400);
    assert_eq!(cloud.post(&path, &json!({"displayName": 7})).status, 400);
    assert!(cloud.audits().is_empty());
}
