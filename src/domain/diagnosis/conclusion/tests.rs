//! Verdicts for what a look may find, with the incident's error and with others.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::{
    super::{advice::for_support, read},
    *,
};
use crate::api::{
    WebexAzureIntegrationSpec,
    status::{AttributionStatus, RemedyStatus},
};

const CODE: &str = "401/701018";
const TENANT: &str = "00000000-0000-4000-8000-000000000001";

/// An error of this kind, shown a minute after what the entries below tell.
fn error(what: &str) -> Complaint {
    let text = format!(
        "View Org ID: 2fdb923e-1d23-4e1b-a30f-e9cd88845744\nLogged-in User Clock UTC: Mon, 23 Nov 2026 08:01:00 GMT\n\
         TrackingID: ATLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136\n{what}"
    );
    read(text.as_bytes()).unwrap()
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn entry(application: &str, reason: Reason) -> DriftEntry {
    DriftEntry {
        application: application.to_owned(),
        reason: reason.as_str().to_owned(),
        expected: String::new(),
        actual: format!("What is wrong with {application}."),
        since: Some(Time(time("2026-11-23T08:00:00Z"))),
        remedy: Some(RemedyStatus { text: format!("Mend {application}."), ..RemedyStatus::default() }),
        ..DriftEntry::default()
    }
}

fn observed(status: &str, message: &str) -> Condition {
    Condition {
        type_: ConditionType::Observed.as_str().to_owned(),
        status: status.to_owned(),
        reason: String::new(),
        message: message.to_owned(),
        observed_generation: None,
        last_transition_time: Time(time("2026-11-23T08:00:00Z")),
    }
}

/// What follows from an object with these exceptions, whose status has these entries.
fn conclusion_of(complaint: &Complaint, more: serde_json::Value, drift: Vec<DriftEntry>, state: State) -> Conclusion {
    let mut spec = json!({
        "tenantId": TENANT,
        "organizationId": "2fdb923e-1d23-4e1b-a30f-e9cd88845744",
        "credentials": {
            "clientId": "00000000-0000-4000-8000-000000000031",
            "clientSecret": { "name": "graph", "key": "client-secret" },
        },
        "identity": { "appId": "00000000-0000-4000-8000-000000000012" },
    });
    if let (Some(spec), serde_json::Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
    }
    let spec: WebexAzureIntegrationSpec = serde_json::from_value(spec).unwrap();
    let desired = Desired::from_spec(&spec).unwrap();
    let conditions = vec![observed(if state == State::Unread { "False" } else { "True" }, "Why it could not be read.")];
    let status = WebexAzureIntegrationStatus { drift, conditions, ..WebexAzureIntegrationStatus::default() };
    let examined = Examined { name: "webex/contoso", desired: &desired, status: &status, state, is_published: false };
    conclude(complaint, examined, time("2026-11-23T08:05:00Z"))
}

fn drifted(complaint: &Complaint, drift: Vec<DriftEntry>) -> Conclusion {
    conclusion_of(complaint, json!({}), drift, State::Differs)
}

#[test]
fn a_deletion_before_the_error_explains_it_and_the_remedy_ends_the_verdict() {
    let entry = entry("identity-integration", Reason::ServicePrincipalSoftDeleted);
    let Conclusion { verdict, paragraphs } = drifted(&error(CODE), vec![entry]);
    assert_eq!(verdict, Verdict::Explained);
    assert!(paragraphs[0].contains("explains the error"), "{paragraphs:?}");
    assert!(paragraphs[0].contains("deleted at 2026-11-23T08:00:00Z"), "{paragraphs:?}");
    assert!(paragraphs[1].ends_with("Mend identity-integration."), "{paragraphs:?}");
    assert!(paragraphs[2].starts_with("When it is mended, sign out of Control Hub"), "{paragraphs:?}");
}

#[test]
fn a_deletion_after_the_error_cannot_have_caused_it() {
    let mut late = entry("identity-integration", Reason::ServicePrincipalSoftDeleted);
    late.since = Some(Time(time("2026-11-23T09:00:00Z")));
    let Conclusion { verdict, paragraphs } = drifted(&error(CODE), vec![late]);
    assert_eq!(verdict, Verdict::Possible);
    assert!(paragraphs[0].contains("after the error"), "{paragraphs:?}");
    assert!(verdict.is_for_support());
}

#[test]
fn a_difference_elsewhere_is_told_and_does_not_pass_for_the_cause() {
    for (what, application) in [
        (CODE, "identity"),
        ("100013", "identity-integration"),
        ("The request is unauthenticated. The user's credentials are missing or incorrect.", "identity-integration"),
    ] {
        let Conclusion { verdict, paragraphs } =
            drifted(&error(what), vec![entry(application, Reason::ServicePrincipalMissing)]);
        assert_eq!(verdict, Verdict::Unrelated, "{what}");
        assert!(paragraphs[0].contains("does not explain the error"), "{paragraphs:?}");
        assert!(paragraphs[1].contains(&format!("Mend {application}.")), "{paragraphs:?}");
        assert!(paragraphs.last().unwrap().contains("give this to Cisco support"), "{paragraphs:?}");
    }
}

#[test]
fn what_explains_comes_before_what_is_graver() {
    let drift = vec![
        entry("identity", Reason::ServicePrincipalMissing),
        entry("identity-integration", Reason::ServicePrincipalDisabled),
    ];
    let Conclusion { verdict, paragraphs } = drifted(&error(CODE), drift);
    assert_eq!(verdict, Verdict::Explained);
    assert!(paragraphs[0].starts_with("ServicePrincipalDisabled (identity-integration) explains"), "{paragraphs:?}");
    assert!(paragraphs[2].starts_with("ServicePrincipalMissing (identity) does not explain"), "{paragraphs:?}");
}

#[test]
fn with_a_part_of_its_permissions_webex_may_be_let_in() {
    let conclusion = drifted(&error(CODE), vec![entry("identity-integration", Reason::ConsentIncomplete)]);
    assert_eq!(conclusion.verdict, Verdict::Possible);
    let conclusion = drifted(&error(CODE), vec![entry("identity-integration", Reason::ConsentMissing)]);
    assert_eq!(conclusion.verdict, Verdict::Explained);
}

#[test]
fn a_certificate_and_a_permission_too_many_do_not_pass_for_the_cause() {
    let expired = drifted(&error(CODE), vec![entry("identity-integration", Reason::Expired)]);
    assert_eq!(expired.verdict, Verdict::Possible);
    let extra = drifted(&error(CODE), vec![entry("identity-integration", Reason::ExtraPermissions)]);
    assert_eq!(extra.verdict, Verdict::Unrelated);
    let scim = error("The request is unauthenticated. The user's credentials are missing or incorrect.");
    let quarantined = drifted(&scim, vec![entry("identity", Reason::ProvisioningQuarantined)]);
    assert_eq!(quarantined.verdict, Verdict::Explained);
}

#[test]
fn who_did_it_is_told_also_where_a_message_has_no_room_for_it() {
    let mut entry = entry("identity-integration", Reason::ServicePrincipalSoftDeleted);
    let text = "Who did it is not known: the audit log has no record.".to_owned();
    entry.attribution = Some(AttributionStatus { text: text.clone(), ..AttributionStatus::default() });
    let Conclusion { paragraphs, .. } = drifted(&error(CODE), vec![entry]);
    assert_eq!(paragraphs.iter().filter(|paragraph| paragraph.contains(&text)).count(), 1, "{paragraphs:?}");
}

#[test]
fn a_tenant_in_order_leads_to_what_is_left_to_do_and_to_support() {
    for (what, says) in [
        (CODE, "Sign out of Control Hub"),
        ("Azure AD integration error. The request was unauthorized.", "Sign out of Control Hub"),
        ("100013", "Connect the organization with its tenant first"),
        ("The request is unauthenticated. The user's credentials are missing or incorrect.", "Renew the token"),
        ("Received error 'Unauthorized' from O365.", "has a mailbox"),
        ("Error Code: 4711", "Sign out of Control Hub"),
    ] {
        let Conclusion { verdict, paragraphs } = conclusion_of(&error(what), json!({}), vec![], State::AsDeclared);
        assert_eq!(verdict, Verdict::TenantFine, "{what}");
        let last = paragraphs.last().unwrap();
        assert!(last.starts_with("The tenant is fine: ") && last.contains(says), "{last}");
        assert!(last.ends_with("give this to Cisco support."), "{last}");
    }
}

#[test]
fn what_is_not_declared_is_not_called_fine() {
    let without_integration = json!({ "identityIntegration": { "check": false } });
    let conclusion = conclusion_of(&error(CODE), without_integration, vec![], State::AsDeclared);
    assert_eq!(conclusion.verdict, Verdict::NotCovered);
    let scim = error("The request is unauthenticated. The user's credentials are missing or incorrect.");
    let conclusion = conclusion_of(&scim, json!({ "identity": { "check": false } }), vec![], State::AsDeclared);
    assert_eq!(conclusion.verdict, Verdict::NotCovered);
}

#[test]
fn a_tenant_that_could_not_be_read_is_not_judged() {
    let Conclusion { verdict, paragraphs } = conclusion_of(&error(CODE), json!({}), vec![], State::Unread);
    assert_eq!(verdict, Verdict::TenantUnread);
    assert!(paragraphs[0].contains("Why it could not be read."), "{paragraphs:?}");
}

#[test]
fn consent_that_came_back_from_another_tenant_is_told_first() {
    let address = "https://admin.webex.com/settings?admin_consent=True&tenant=00000000-0000-4000-8000-0000000000ff";
    let complaint = error(&format!("{CODE} {address}"));
    let Conclusion { paragraphs, .. } = conclusion_of(&complaint, json!({}), vec![], State::AsDeclared);
    assert!(paragraphs[0].contains("tenant 00000000-0000-4000-8000-0000000000ff"), "{paragraphs:?}");
    assert!(paragraphs[0].contains(TENANT), "{paragraphs:?}");
}

#[test]
fn an_old_error_and_a_wrong_clock_are_told() {
    let told = |clock: &str| {
        let complaint = error(CODE);
        let complaint = Complaint { time: Some(time(clock)), ..complaint };
        conclusion_of(&complaint, json!({}), vec![], State::AsDeclared).paragraphs[0].clone()
    };
    assert!(told("2023-05-21T22:44:59Z").contains("more than a day old"));
    assert!(told("2026-11-24T08:01:00Z").contains("ahead of this machine's clock"));
    assert!(told("2026-11-23T08:06:00Z").starts_with("The tenant is fine"));
}

#[test]
fn a_published_status_from_before_the_error_asks_for_a_new_look() {
    let complaint = error(CODE);
    let spec = json!({
        "tenantId": TENANT,
        "credentials": {
            "clientId": "00000000-0000-4000-8000-000000000031",
            "clientSecret": { "name": "graph", "key": "client-secret" },
        },
        "identity": { "check": false },
    });
    let spec: WebexAzureIntegrationSpec = serde_json::from_value(spec).unwrap();
    let desired = Desired::from_spec(&spec).unwrap();
    let last_observed_time = Some(Time(time("2026-11-23T07:30:00Z")));
    let status = WebexAzureIntegrationStatus { last_observed_time, ..WebexAzureIntegrationStatus::default() };
    let state = State::AsDeclared;
    let examined = Examined { name: "webex/contoso", desired: &desired, status: &status, state, is_published: true };
    let paragraphs = conclude(&complaint, examined, time("2026-11-23T08:05:00Z")).paragraphs;
    assert!(paragraphs[0].contains("before the error"), "{paragraphs:?}");
    assert!(
        paragraphs[0].contains("kubectl annotate --overwrite -n webex wai/contoso reconcile.fluxcd.io/requestedAt=")
    );
}

#[test]
fn support_is_told_what_the_text_does_not_hold() {
    let lines = for_support(&error(CODE));
    assert_eq!(lines[0].1.as_deref(), Some("ATLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136"));
    assert_eq!(lines[1].1.as_deref(), Some("2026-11-23T08:01:00Z"));
    assert_eq!(lines[2].1.as_deref(), Some("2fdb923e-1d23-4e1b-a30f-e9cd88845744"));
    assert_eq!(lines[3], ("client-request-id", None));
}
