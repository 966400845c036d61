//! The consent page, as a browser uses it.
//! <https://learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent>

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use webex_azure_operator::emulator::{Knobs, Scenario};

use super::cloud::{
    Answer, Cloud, IDENTITY_APP, IDENTITY_REGISTRATION, INTEGRATION, INTEGRATION_APP, TENANT, calm, column, with,
};

const REGISTERED: &str = "https://admin.webex.example/consent";

fn address(tenant: &str, more: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", INTEGRATION_APP)
        .extend_pairs(more)
        .finish();
    format!("/{tenant}/adminconsent?{query}")
}

fn open(cloud: &mut Cloud, address: &str) -> Answer {
    cloud.handle(Request::get(address).body(Bytes::new()).unwrap())
}

/// The hidden fields of the page's form.
fn fields(page: &str) -> Vec<(String, String)> {
    let inputs = page.split("<input type=\"hidden\" name=\"").skip(1);
    inputs
        .map(|input| {
            let (name, rest) = input.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split_once('"').unwrap().0.replace("&amp;", "&"))
        })
        .collect()
}

/// Opens the page and presses a button.
fn press(cloud: &mut Cloud, address: &str, decision: &str) -> Answer {
    let page = open(cloud, address).text;
    submit(cloud, &fields(&page), decision, "http://127.0.0.1:8080")
}

/// Gives consent for the integration.
pub fn accept(cloud: &mut Cloud) {
    let answer = press(cloud, &address(TENANT, &[]), "accept");
    assert!(answer.text.contains("Consent granted"), "{}", answer.text);
}

fn submit(cloud: &mut Cloud, fields: &[(String, String)], decision: &str, origin: &str) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .append_pair("decision", decision)
        .finish();
    let request = Request::post(format!("/{TENANT}/adminconsent"))
        .header("host", "127.0.0.1:8080")
        .header("origin", origin)
        .header("user-agent", "a browser")
        .body(Bytes::from(body))
        .unwrap();
    cloud.handle(request)
}

/// The tenant after the incident: the integration was deleted by the administrator.
fn after_the_incident() -> Cloud {
    let mut cloud = calm();
    cloud.as_admin("DELETE", &format!("/servicePrincipals/{INTEGRATION}"), None);
    cloud.wait(60);
    cloud
}

#[test]
fn the_page_lists_what_the_application_asks_for_in_the_words_of_the_dialog() {
    let page = open(&mut calm(), &address(TENANT, &[]));
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    for text in [
        "Emulated consent page – not Microsoft.",
        "Permissions requested <span class=\"sub\">Review for your organization</span>",
        "Cisco Webex Identity Integration",
        "admin@contoso.com",
        "RTP CloudCollab",
        "<button type=\"submit\" name=\"decision\" value=\"accept\"",
        "<button type=\"submit\" name=\"decision\" value=\"cancel\"",
    ] {
        assert!(page.text.contains(text), "{text}");
    }
    let seed: Value = serde_json::from_str(include_str!("../fixtures/incident/seed-incident.json")).unwrap();
    for permission in seed["consentDialog"]["permissions"].as_array().unwrap() {
        let value = permission["value"].as_str().unwrap();
        assert!(page.text.contains(&format!("<code>{value}</code>")), "{value}");
        let text = permission["textInSeed"].as_str().unwrap().replace('\'', "&#39;");
        assert!(page.text.contains(&text), "{text}");
    }
    assert_eq!(page.text.matches(">Application</span>").count(), 7);
    assert_eq!(page.text.matches(">Delegated</span>").count(), 1);
}

#[test]
fn the_page_loads_nothing_and_cannot_be_framed() {
    let page = open(&mut calm(), &address(TENANT, &[]));
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for part in ["<script", "src=", "href=", "@import", "url("] {
        assert!(!page.text.contains(part), "{part}");
    }
    assert!(page.text.contains("width=device-width") && page.text.contains("prefers-color-scheme: dark"));
}

#[test]
fn accepting_brings_the_integration_back_with_all_eight_permissions() {
    let mut cloud = after_the_incident();
    let answer = press(&mut cloud, &address(TENANT, &[]), "accept");
    assert_eq!(answer.status, 200);
    assert!(answer.text.contains("Consent granted"), "{}", answer.text);
    let principal = cloud.get(&format!("/servicePrincipals(appId='{INTEGRATION_APP}')"));
    assert_eq!(principal.status, 200);
    assert_ne!(principal.body["id"], INTEGRATION);
    assert_eq!(principal.body["tags"], json!(["WindowsAzureActiveDirectoryIntegratedApp"]));
    let path = format!("/servicePrincipals(appId='{INTEGRATION_APP}')");
    assert_eq!(cloud.get(&format!("{path}/appRoleAssignments")).values().len(), 7);
    let grants = cloud.get(&format!("{path}/oauth2PermissionGrants")).values();
    assert_eq!((&grants[0]["scope"], &grants[0]["consentType"]), (&json!("User.Read"), &json!("AllPrincipals")));
    // The old principal stays in the deleted items and can no longer be restored.
    let restore = format!("/directory/deletedItems/{INTEGRATION}/restore");
    assert_eq!(cloud.as_admin("POST", &restore, None).status, 409);
}

#[test]
fn accepting_leaves_the_records_of_a_consent() {
    let mut cloud = after_the_incident();
    press(&mut cloud, &address(TENANT, &[]), "accept");
    let path = "/auditLogs/directoryAudits?$filter=activityDateTime ge 2026-11-20T08:01:00Z";
    let records = cloud.get(path).values();
    let activities = column(&records, "activityDisplayName");
    let count = |name: &str| activities.iter().filter(|activity| *activity == name).count();
    assert_eq!(count("Add service principal"), 1);
    assert_eq!(count("Add app role assignment to service principal"), 7);
    assert_eq!(count("Add delegated permission grant"), 1);
    assert_eq!(count("Consent to application"), 1);
    assert_eq!(records.len(), 10);
    let consent = records.iter().find(|record| record["activityDisplayName"] == "Consent to application").unwrap();
    assert_eq!(consent["initiatedBy"]["user"]["userPrincipalName"], "admin@contoso.com");
    assert_eq!(consent["additionalDetails"][0]["value"], "a browser");
    assert!(consent.to_string().contains("ConsentType: AllPrincipals, Scope:  User.Read"), "{consent}");
}

#[test]
fn accepting_again_adds_only_what_is_missing_and_keeps_the_principal() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals/{INTEGRATION}/appRoleAssignments");
    let rows = cloud.get(&path).values();
    cloud.as_admin("DELETE", &format!("{path}/{}", rows[0]["id"].as_str().unwrap()), None);
    cloud.wait(1);
    let answer = press(&mut cloud, &address(TENANT, &[]), "accept");
    assert!(answer.text.contains("kept its object ID"), "{}", answer.text);
    assert_eq!(cloud.get(&path).values().len(), 7);
    let records = cloud.get("/auditLogs/directoryAudits?$filter=activityDateTime ge 2026-11-20T08:00:01Z").values();
    let mut activities = column(&records, "activityDisplayName");
    activities.sort();
    assert_eq!(activities, ["Add app role assignment to service principal", "Consent to application"]);
}

#[test]
fn permissions_outside_the_manifest_are_kept_or_revoked_as_the_knob_says() {
    for (revokes, roles, scope) in [(false, 8, "User.Read Group.Read.All"), (true, 7, "User.Read")] {
        let mut scenario = Scenario::incident();
        let extra = scenario.app_role_assignments[0].clone();
        scenario.app_role_assignments.push(webex_azure_operator::emulator::AppRoleAssignment {
            role: "Organization.Read.All".to_owned(),
            ..extra
        });
        scenario.oauth2_permission_grants[0].scope = "User.Read Group.Read.All".to_owned();
        let mut cloud = with(Knobs { consent_revokes_unlisted: revokes, ..Knobs::calm() }, &scenario);
        press(&mut cloud, &address(TENANT, &[]), "accept");
        let path = format!("/servicePrincipals/{INTEGRATION}");
        assert_eq!(cloud.get(&format!("{path}/appRoleAssignments")).values().len(), roles);
        assert_eq!(cloud.get(&format!("{path}/oauth2PermissionGrants")).values()[0]["scope"], scope);
    }
}

#[test]
fn a_registered_redirect_address_gets_the_result_and_the_state() {
    let mut cloud = after_the_incident();
    let more = [("redirect_uri", REGISTERED), ("state", "a&b")];
    let declined = press(&mut cloud, &address(TENANT, &more), "cancel");
    assert_eq!(declined.status, 302);
    let location = declined.header("location").to_owned();
    assert!(location.starts_with(&format!("{REGISTERED}?error=permission_denied&")), "{location}");
    assert!(location.ends_with("state=a%26b"), "{location}");
    let accepted = press(&mut cloud, &address(TENANT, &more), "accept");
    let location = accepted.header("location");
    assert_eq!(location, format!("{REGISTERED}?tenant={TENANT}&admin_consent=True&state=a%26b"));
}

#[test]
fn an_address_that_is_not_registered_is_never_followed() {
    let page = open(&mut calm(), &address(TENANT, &[("redirect_uri", "https://elsewhere.example/")]));
    assert_eq!(page.status, 400);
    assert!(page.text.contains("AADSTS50011"), "{}", page.text);
}

#[test]
fn cancelling_changes_nothing() {
    let mut cloud = after_the_incident();
    let before = cloud.truth();
    let answer = press(&mut cloud, &address(TENANT, &[]), "cancel");
    assert!(answer.text.contains("permission_denied"));
    assert_eq!(cloud.truth(), before);
}

#[test]
fn a_form_that_no_page_showed_changes_nothing() {
    let mut cloud = after_the_incident();
    let page = open(&mut cloud, &address(TENANT, &[])).text;
    let good = fields(&page);
    let without: Vec<_> = good.iter().filter(|(name, _)| name != "proof").cloned().collect();
    let mut changed = good.clone();
    changed.iter_mut().filter(|(name, _)| name == "client_id").for_each(|(_, value)| IDENTITY_APP.clone_into(value));
    let before = cloud.truth();
    let ours = "http://127.0.0.1:8080";
    for (fields, origin) in [(&without, ours), (&changed, ours), (&good, "https://elsewhere.example"), (&good, "null")]
    {
        let answer = submit(&mut cloud, fields, "accept", origin);
        assert_eq!(answer.status, 400, "{fields:?} {origin}");
    }
    assert_eq!(cloud.truth(), before);
    assert_eq!(submit(&mut cloud, &good, "accept", ours).status, 200);
}

#[test]
fn wrong_addresses_get_a_page_with_the_code() {
    let mut cloud = calm();
    let unknown = "/{tenant}/adminconsent?client_id=11111111-2222-3333-4444-555555555555".replace("{tenant}", TENANT);
    for (address, code) in [
        (address("nowhere.example", &[]), "AADSTS90002"),
        (unknown, "AADSTS700016"),
        (format!("/{TENANT}/adminconsent"), "AADSTS900144"),
    ] {
        let page = open(&mut cloud, &address);
        assert_eq!(page.status, 400);
        assert!(page.text.contains(code), "{code}: {}", page.text);
    }
    let off = json!({"accountEnabled": false});
    cloud.as_admin("PATCH", &format!("/servicePrincipals/{INTEGRATION}"), Some(&off));
    assert!(open(&mut cloud, &address(TENANT, &[])).text.contains("AADSTS7000112"));
}

#[test]
fn common_means_the_one_tenant_there_is_and_is_refused_with_several() {
    let mut cloud = calm();
    assert_eq!(open(&mut cloud, &address("common", &[])).status, 200);
    let other = json!({"tenantId": "00000000-0000-4000-8000-0000000000aa"});
    cloud.control("POST", "/scenarios/incident", Some(&other));
    assert!(open(&mut cloud, &address("common", &[])).text.contains("AADSTS50059"));
}

#[test]
fn names_from_the_tenant_do_not_become_markup() {
    let mut cloud = calm();
    let name = json!({"displayName": "<img src=x onerror=alert(1)>"});
    cloud.as_admin("PATCH", &format!("/applications/{IDENTITY_REGISTRATION}"), Some(&name));
    let page = open(&mut cloud, &format!("/{TENANT}/adminconsent?client_id={IDENTITY_APP}"));
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<img"), "{}", page.text);
    assert!(page.text.contains("&lt;img src=x onerror=alert(1)&gt;"));
}
