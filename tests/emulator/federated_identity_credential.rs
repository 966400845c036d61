//! Federated identity credentials of registrations.
//! <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>

use serde_json::{Value, json};
use webex_azure_operator::emulator::Knobs;

use super::cloud::{
    ALL_ROLES, Answer, Cloud, IDENTITY_APP, IDENTITY_REGISTRATION, OPERATOR, TENANT, URL, calm, column,
    incident_with_roles, with, with_only_roles, with_roles,
};
use super::signer::{AUDIENCE, ISSUER, SUBJECT, by_issuer, form};

fn list() -> String {
    format!("/applications/{IDENTITY_REGISTRATION}/federatedIdentityCredentials")
}

fn named(name: &str) -> Value {
    json!({"name": name, "issuer": ISSUER, "subject": name, "audiences": [AUDIENCE]})
}

fn said(answer: &Answer) -> (u16, String, &str) {
    (answer.status.as_u16(), answer.code(), answer.body["error"]["message"].as_str().unwrap_or_default())
}

/// A sign-in as the provisioning application with the test issuer's token.
fn sign_in(cloud: &mut Cloud) -> Answer {
    let jwt = by_issuer().sign();
    let mut form = form(&jwt);
    form[1].1 = IDENTITY_APP;
    cloud.ask_token(TENANT, &form)
}

/// The incident with a trusted issuer and nobody who trusts it.
fn trusting() -> Cloud {
    let mut scenario = incident_with_roles(&ALL_ROLES);
    scenario.trusted_issuers = super::signer::scenario().trusted_issuers;
    with(Knobs::calm(), &scenario)
}

#[test]
fn a_credential_is_created_listed_found_by_id_and_name_changed_and_deleted() {
    let mut cloud = with_roles(&ALL_ROLES);
    let made = cloud.post(&list(), &named("testing02"));
    assert_eq!(made.status, 201, "{}", made.text);
    let context =
        format!("{URL}/v1.0/$metadata#applications('{IDENTITY_REGISTRATION}')/federatedIdentityCredentials/$entity");
    let id = made.body["id"].as_str().unwrap();
    let mut expected = named("testing02");
    expected["@odata.context"] = context.into();
    expected["id"] = id.into();
    expected["description"] = Value::Null;
    assert_eq!(made.body, expected);

    let by_app_id = format!("/applications(appId='{IDENTITY_APP}')/federatedIdentityCredentials");
    for key in [format!("/{id}"), "/testing02".to_owned(), "(name='testing02')".to_owned()] {
        assert_eq!(cloud.get(&format!("{by_app_id}{key}")).body, expected, "{key}");
    }
    assert_eq!(column(&cloud.get(&list()).values(), "id"), [id]);
    assert_eq!(column(&cloud.get(&format!("{}?$filter=name eq 'testing02'", list())).values(), "id"), [id]);
    assert!(cloud.get(&format!("{}?$filter=subject eq 'other'", list())).values().is_empty());

    let mut whole = expected.clone();
    whole["description"] = "changed".into();
    assert_eq!(cloud.patch(&format!("{}/{id}", list()), &whole).status, 204);
    assert_eq!(cloud.get(&format!("{}/{id}", list())).body["description"], "changed");
    let renamed = cloud.patch(&format!("{}/{id}", list()), &json!({"name": "other"}));
    assert_eq!(renamed.status, 400, "{}", renamed.text);

    assert_eq!(cloud.delete(&format!("{}/testing02", list())).status, 204);
    assert_eq!(cloud.delete(&format!("{}/{id}", list())).status, 404);
    assert!(cloud.get(&list()).values().is_empty());
    let changes = cloud.audits().iter().filter(|row| row["activityDisplayName"] == "Update application").count();
    assert_eq!(changes, 3);
}

#[test]
fn what_graph_created_signs_in_until_it_is_deleted() {
    let mut cloud = trusting();
    assert_eq!(sign_in(&mut cloud).body["error_codes"], json!([70_025]));
    let mut own = named("pod");
    own["subject"] = "another".into();
    assert_eq!(cloud.post(&list(), &own).status, 201);
    assert_eq!(sign_in(&mut cloud).body["error_codes"], json!([700_213]));
    assert_eq!(cloud.patch(&format!("{}/pod", list()), &json!({"subject": SUBJECT})).status, 204);
    assert_eq!(sign_in(&mut cloud).status, 200);
    assert_eq!(cloud.delete(&format!("{}/pod", list())).status, 204);
    assert_eq!(sign_in(&mut cloud).body["error_codes"], json!([70_025]));
}

#[test]
fn credentials_of_the_scenario_are_listed_and_expanded() {
    let mut scenario = super::signer::scenario();
    IDENTITY_APP.clone_into(&mut scenario.federated_credentials[0].app_id);
    let mut cloud = with(Knobs::calm(), &scenario);
    assert_eq!(sign_in(&mut cloud).status, 200);
    let listed = cloud.get(&list()).values();
    assert_eq!((&listed[0]["issuer"], &listed[0]["subject"]), (&json!(ISSUER), &json!(SUBJECT)));
    let expand = format!("/applications/{IDENTITY_REGISTRATION}?$expand=federatedIdentityCredentials($select=subject)");
    assert_eq!(cloud.get(&expand).body["federatedIdentityCredentials"], json!([{"subject": SUBJECT}]));
}

#[test]
fn a_patch_by_name_creates_what_is_missing_only_when_asked_to() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("{}(name='fic01')", list());
    let mut wish = named("fic01");
    wish.as_object_mut().unwrap().remove("name");
    assert_eq!(cloud.patch(&path, &wish).status, 404);
    let prefer = [("prefer", "create-if-missing")];
    let made = cloud.send("PATCH", &path, Some(&wish), &prefer);
    assert_eq!((made.status.as_u16(), &made.body["name"]), (201, &json!("fic01")), "{}", made.text);
    assert_eq!(cloud.send("PATCH", &path, Some(&wish), &prefer).status, 204);
    assert_eq!(cloud.get(&list()).values().len(), 1);
}

#[test]
fn a_name_or_a_pair_of_issuer_and_subject_is_taken_once() {
    let mut cloud = with_roles(&ALL_ROLES);
    assert_eq!(cloud.post(&list(), &named("main")).status, 201);
    let mut same_name = named("main");
    same_name["subject"] = "another".into();
    let answer = cloud.post(&list(), &same_name);
    let message = "FederatedIdentityCredential with name main already exists.";
    assert_eq!(said(&answer), (409, "Request_MultipleObjectsWithSameKeyValue".to_owned(), message));
    let mut same_pair = named("second");
    same_pair["subject"] = "main".into();
    let answer = cloud.post(&list(), &same_pair);
    let message = format!(
        "The combination of issuer and subject must be unique for the application. Issuer {ISSUER} and Subject: main already exist. paramName: FederatedIdentityCredential.Subject, paramValue: main, objectType: Microsoft.Online.DirectoryServices.Application"
    );
    assert_eq!(said(&answer), (400, "InvalidFederatedIdentityCredentialValue".to_owned(), message.as_str()));
}

#[test]
fn what_lacks_something_or_is_too_long_or_too_many_is_refused() {
    let mut cloud = with_roles(&ALL_ROLES);
    let long = "x".repeat(601);
    for (name, value) in [
        ("name", json!(null)),
        ("name", json!("with space")),
        ("name", json!("x".repeat(121))),
        ("issuer", json!(null)),
        ("issuer", json!(long)),
        ("subject", json!("")),
        ("subject", json!(long)),
        ("description", json!(long)),
        ("audiences", json!([])),
        ("audiences", json!({})),
        ("audiences", json!([1])),
        ("audiences", json!([long])),
        ("audiences", json!([AUDIENCE, "api://other"])),
        ("id", json!("00000000-0000-4000-8000-000000000099")),
        ("colour", json!("blue")),
    ] {
        let mut wish = named("wish");
        wish[name] = value.clone();
        assert_eq!(cloud.post(&list(), &wish).status, 400, "{name}: {value}");
    }
    for number in 0..20 {
        assert_eq!(cloud.post(&list(), &named(&format!("fic{number}"))).status, 201);
    }
    assert_eq!(cloud.post(&list(), &named("one-more")).status, 400);
    assert_eq!(cloud.get(&list()).values().len(), 20);
}

#[test]
fn readers_read_and_owners_write() {
    let mut cloud = calm();
    assert_eq!(cloud.get(&list()).status, 200);
    assert_eq!(cloud.post(&list(), &named("own")).status, 403);
    let mut cloud = with_only_roles(&["Application.ReadWrite.OwnedBy"]);
    assert_eq!(cloud.post(&list(), &named("own")).status, 403);
    let owner = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{OPERATOR}")});
    let owners = format!("/applications/{IDENTITY_REGISTRATION}/owners/$ref");
    assert_eq!(cloud.as_admin("POST", &owners, Some(&owner)).status, 204);
    assert_eq!(cloud.post(&list(), &named("own")).status, 201);
}
