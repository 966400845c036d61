//! Events: what is told once, in which words, and what is not told.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::json;
use webex_azure_operator::{
    api::{
        ConditionType as C, WebexAzureIntegrationStatus,
        reason::{ConditionStatus, Reason, TABLE},
        status::{ApplicationStatus, CertificateStatus, ConsentStatus},
    },
    domain::{
        Desired,
        notice::{self, EventReason, event_of},
    },
};

use crate::fixture::{World, grants_forbidden, healthy, spec, start};

fn desired(change: impl Fn(&mut serde_json::Value)) -> Desired {
    let mut spec = spec();
    change(&mut spec);
    Desired::from_spec(&serde_json::from_value(spec).unwrap()).unwrap()
}

fn ends(thumbprint: &str, at: &str, active: bool) -> CertificateStatus {
    CertificateStatus {
        kind: "Certificate".to_owned(),
        thumbprint: Some(thumbprint.to_owned()),
        key_id: None,
        not_after: Time(at.parse::<Timestamp>().unwrap()),
        active: active.then_some(true),
    }
}

fn with_certificates(message: &str, certificates: &[CertificateStatus]) -> WebexAzureIntegrationStatus {
    let condition = Condition {
        type_: "CertificatesCurrent".to_owned(),
        status: "True".to_owned(),
        reason: if message.is_empty() { "Current" } else { "ExpiringSoon" }.to_owned(),
        message: message.to_owned(),
        observed_generation: Some(1),
        last_transition_time: Time(start()),
    };
    WebexAzureIntegrationStatus {
        conditions: vec![condition],
        applications: vec![ApplicationStatus {
            name: "identity".to_owned(),
            certificates: certificates.to_vec(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

#[test]
fn each_certificate_that_ends_soon_is_told_once_with_what_it_breaks() {
    let desired = desired(|_| {});
    let certificates = [ends("AB12", "2026-12-01T00:00:00Z", true), ends("CD34", "2027-12-01T00:00:00Z", false)];
    let fine = with_certificates("", &certificates);
    let soon = with_certificates("The certificate AB12 ends at 2026-12-01T00:00:00Z.", &certificates);
    let told = notice::certificates_expiring(&desired, &fine, &soon);
    assert_eq!(
        told.iter().map(|notice| (notice.reason, notice.message.as_str())).collect::<Vec<_>>(),
        [(
            "ExpiringSoon",
            "The certificate AB12 of \"Cisco Webex Identity\" ends at 2026-12-01T00:00:00Z. Sign-in answers are signed with \
             it: when it ends, nobody can sign in to Webex. Replace it on both sides before that."
        )]
    );
    assert!(notice::certificates_expiring(&desired, &soon, &soon).is_empty(), "told already");
    assert!(notice::certificates_expiring(&desired, &soon, &fine).is_empty());
    let both = with_certificates("AB12 ends soon. CD34 ends soon.", &certificates);
    let told = notice::certificates_expiring(&desired, &soon, &both);
    assert!(told.len() == 1 && told[0].message.starts_with("The certificate CD34"), "{told:?}");
}

#[test]
fn permissions_beyond_the_list_are_told_once_where_they_are_to_be_reported() {
    let holding = |extra: &[&str]| WebexAzureIntegrationStatus {
        applications: vec![ApplicationStatus {
            name: "identity-integration".to_owned(),
            consent: Some(ConsentStatus {
                extra: extra.iter().map(|name| (*name).to_owned()).collect(),
                ..Default::default()
            }),
            ..Default::default()
        }],
        ..Default::default()
    };
    let report = desired(|spec| spec["identityIntegration"] = json!({ "extraPermissions": "Report" }));
    let told =
        |before: &[&str], after: &[&str]| notice::extra_permissions_found(&report, &holding(before), &holding(after));
    let first = told(&[], &["Mail.Read (application)"]);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].reason, first[0].is_warning), ("ExtraPermissionsFound", true));
    assert!(first[0].message.contains("that the declaration does not list: Mail.Read (application)."), "{first:?}");
    assert!(told(&["Mail.Read (application)"], &["Mail.Read (application)"]).is_empty());
    let more = told(&["Mail.Read (application)"], &["Mail.Read (application)", "Mail.Send (application)"]);
    assert!(more[0].message.contains("not list: Mail.Send (application)."), "{more:?}");
    let ignore = desired(|_| {});
    let told = notice::extra_permissions_found(&ignore, &holding(&[]), &holding(&["Mail.Read (application)"]));
    assert!(told.is_empty(), "nobody asked for them");
}

#[test]
fn a_failed_look_names_microsofts_code_and_request_where_no_cap_reaches_them() {
    let told = notice::observation_failed(&"x".repeat(2000), Some("Authorization_RequestDenied"), Some("req-1"));
    assert!(told.message.starts_with("Microsoft answered Authorization_RequestDenied (request ID req-1). xxx"));
    assert!(told.message.len() <= 1024);
    assert_eq!(notice::observation_failed("No Secret.", None, None).message, "No Secret.");
}

#[test]
fn request_ids_stay_out_of_conditions() {
    let mut world = World::in_sync();
    world.look(healthy().grants_unreadable(grants_forbidden()));
    for condition in &world.status.conditions {
        assert!(!condition.message.contains("request ID"), "{condition:?}");
    }
}

#[test]
fn throttling_is_a_metric_and_no_event() {
    for row in TABLE.iter().filter(|row| row.condition == C::Observed) {
        let told = event_of(row.condition, row.status, row.reason);
        let is_silent =
            row.status == ConditionStatus::True || matches!(row.reason, Reason::Throttled | Reason::NotObserved);
        assert_eq!(told, (!is_silent).then_some(EventReason::ObservationFailed), "{}", row.reason);
    }
}

#[test]
fn every_difference_has_an_event_and_good_news_has_none() {
    for row in TABLE {
        let told = event_of(row.condition, row.status, row.reason);
        match (row.condition, row.status) {
            (
                C::ServicePrincipalsPresent | C::SignInEnabled | C::ProvisioningHealthy | C::CertificatesCurrent,
                ConditionStatus::False,
            ) => assert_eq!(told, Some(EventReason::DriftDetected), "{}", row.reason),
            (C::Ready | C::Stalled | C::Reconciling | C::Suspended, _) => assert_eq!(told, None, "{}", row.reason),
            (_, ConditionStatus::True) if row.reason != Reason::ExpiringSoon => {
                assert_eq!(told, None, "{}", row.reason);
            }
            _ => {}
        }
    }
    let consent = |reason| event_of(C::ConsentGranted, ConditionStatus::False, reason);
    assert_eq!(consent(Reason::ConsentIncomplete), Some(EventReason::ConsentMissing));
    assert_eq!(consent(Reason::ExtraPermissions), Some(EventReason::DriftDetected), "nothing is missing");
}
