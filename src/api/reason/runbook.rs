//! What a person does when a condition gives a reason: the words of `docs/reference.md` and of `explain`, ready for a ticket.
//!
//! Words only; how they are laid out is the business of `cli`. A reason without an arm in `of` does not compile.

mod certificate;
mod connection;
mod consent;
mod credential;
mod identity;
mod object;
mod page;
mod presence;
mod provisioning;
mod sign_in;

pub use page::Page;

use super::Reason;

/// What there is to know about a reason for whoever has to deal with it. Full sentences; commands stand in backticks.
/// `NAMESPACE`, `NAME`, `APP-ID`, `OBJECT-ID`, `TENANT-ID` and `CLIENT-ID` stand for what the object says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runbook {
    /// What happened.
    pub happened: &'static str,
    /// What it breaks for the people who use Webex.
    pub breaks: &'static str,
    /// How to see it for oneself.
    pub tell: &'static str,
    /// Commands that only read, to see it for oneself.
    pub reads: &'static [&'static str],
    /// What to do, step by step.
    pub steps: &'static [&'static str],
    /// Who can do it: the Microsoft Entra role that suffices, or who else.
    pub role: &'static str,
    /// Until when.
    pub deadline: &'static str,
    /// What not to do.
    pub avoid: &'static str,
    /// How the object shows that it is over.
    pub heals: &'static str,
    /// What else it can be.
    pub otherwise: &'static str,
    /// Where Microsoft, Cisco or Kubernetes write about it.
    pub pages: &'static [Page],
}

/// The runbook of this reason; none where all is well and nobody has to do anything.
pub const fn of(reason: Reason) -> Option<&'static Runbook> {
    Some(match reason {
        Reason::InvalidSpec => &object::INVALID_SPEC,
        Reason::InternalError => &object::INTERNAL_ERROR,
        Reason::ServicePrincipalSoftDeleted => &presence::SERVICE_PRINCIPAL_SOFT_DELETED,
        Reason::ApplicationSoftDeleted => &presence::APPLICATION_SOFT_DELETED,
        Reason::ServicePrincipalMissing => &presence::SERVICE_PRINCIPAL_MISSING,
        Reason::AmbiguousServicePrincipal => &presence::AMBIGUOUS_SERVICE_PRINCIPAL,
        Reason::ServicePrincipalDisabled => &sign_in::SERVICE_PRINCIPAL_DISABLED,
        Reason::ApplicationDeactivated => &sign_in::APPLICATION_DEACTIVATED,
        Reason::DisabledByMicrosoft => &sign_in::DISABLED_BY_MICROSOFT,
        Reason::AssignmentMissing => &sign_in::ASSIGNMENT_MISSING,
        Reason::ConsentMissing => &consent::CONSENT_MISSING,
        Reason::ConsentIncomplete => &consent::CONSENT_INCOMPLETE,
        Reason::ExtraPermissions => &consent::EXTRA_PERMISSIONS,
        Reason::ProvisioningJobMissing => &provisioning::JOB_MISSING,
        Reason::ProvisioningPaused => &provisioning::PAUSED,
        Reason::ProvisioningQuarantined => &provisioning::QUARANTINED,
        Reason::ProvisioningDisabled => &provisioning::DISABLED,
        Reason::ProvisioningScopeEmpty => &provisioning::SCOPE_EMPTY,
        Reason::ProvisioningOverdue => &provisioning::OVERDUE,
        Reason::Expired => &certificate::EXPIRED,
        Reason::IdentityNotProved => &presence::IDENTITY_NOT_PROVED,
        Reason::SecretNotFound => &credential::SECRET_NOT_FOUND,
        Reason::SecretKeyMissing => &credential::SECRET_KEY_MISSING,
        Reason::SecretNotLabelled => &credential::SECRET_NOT_LABELLED,
        Reason::SecretForbidden => &credential::SECRET_FORBIDDEN,
        Reason::ServiceAccountNotBound => &credential::SERVICE_ACCOUNT_NOT_BOUND,
        Reason::CredentialInvalid => &credential::CREDENTIAL_INVALID,
        Reason::CredentialExpired => &credential::CREDENTIAL_EXPIRED,
        Reason::CredentialUnavailable => &credential::CREDENTIAL_UNAVAILABLE,
        Reason::OperatorAppNotConsented => &identity::OPERATOR_APP_NOT_CONSENTED,
        Reason::TenantNotFound => &identity::TENANT_NOT_FOUND,
        Reason::TenantNotAllowed => &identity::TENANT_NOT_ALLOWED,
        Reason::WrongCloud => &identity::WRONG_CLOUD,
        Reason::ConditionalAccessBlocked => &identity::CONDITIONAL_ACCESS_BLOCKED,
        Reason::ClaimsChallenge => &identity::CLAIMS_CHALLENGE,
        Reason::PermissionMissing => &identity::PERMISSION_MISSING,
        Reason::Throttled => &connection::THROTTLED,
        Reason::GraphUnavailable => &connection::GRAPH_UNAVAILABLE,
        Reason::GraphTimeout => &connection::GRAPH_TIMEOUT,
        Reason::TokenEndpointUnavailable => &connection::TOKEN_ENDPOINT_UNAVAILABLE,
        Reason::MalformedResponse => &connection::MALFORMED_RESPONSE,
        Reason::NetworkUnavailable => &connection::NETWORK_UNAVAILABLE,
        Reason::TLSFailure => &connection::TLS_FAILURE,
        Reason::NotObserved => &connection::NOT_OBSERVED,
        Reason::DriftDetected => &object::DRIFT_DETECTED,
        Reason::ConsentDiffersFromPublished => &consent::CONSENT_DIFFERS_FROM_PUBLISHED,
        Reason::Settling => &provisioning::SETTLING,
        Reason::NotSupportedInCloud => &provisioning::NOT_SUPPORTED_IN_CLOUD,
        Reason::ExpiringSoon => &certificate::EXPIRING_SOON,
        Reason::Confirming => &object::CONFIRMING,
        Reason::ProgressingWithRetry => &connection::PROGRESSING_WITH_RETRY,
        Reason::ObservationStale => &connection::OBSERVATION_STALE,
        Reason::SuspendedByUser => &object::SUSPENDED_BY_USER,
        Reason::InSync
        | Reason::ObservationComplete
        | Reason::NoDriftDetected
        | Reason::Present
        | Reason::Enabled
        | Reason::Granted
        | Reason::Healthy
        | Reason::Current
        | Reason::NewGeneration
        | Reason::Progressing => return None,
    })
}

/// The anchor of this reason in `docs/reference.md`. Lower case, because that is what GitHub makes of headings, and alerts
/// and messages may link to it: it never changes.
pub fn anchor(reason: Reason) -> String {
    format!("reason-{}", reason.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::reason::TABLE;

    fn sentences(runbook: &Runbook) -> Vec<&'static str> {
        let Runbook { happened, breaks, tell, reads: _, steps, role, deadline, avoid, heals, otherwise, pages: _ } =
            runbook;
        let mut all = vec![*happened, *breaks, *tell, *role, *deadline, *avoid, *heals, *otherwise];
        all.extend(*steps);
        all
    }

    #[test]
    fn every_reason_for_which_a_person_is_needed_tells_what_to_do() {
        for row in TABLE.iter().filter(|row| row.person_needed) {
            let runbook = of(row.reason).unwrap_or_else(|| panic!("{} has no words", row.reason));
            assert!(!runbook.steps.is_empty() && !runbook.reads.is_empty(), "{}", row.reason);
        }
    }

    #[test]
    fn every_reason_that_is_not_good_news_has_words() {
        use crate::api::reason::{ConditionStatus, ConditionType as C};
        for row in TABLE {
            let is_good = match row.condition {
                C::Reconciling | C::Stalled | C::Suspended | C::Drifted => row.status == ConditionStatus::False,
                C::Ready
                | C::Observed
                | C::ServicePrincipalsPresent
                | C::SignInEnabled
                | C::ConsentGranted
                | C::ProvisioningHealthy
                | C::CertificatesCurrent => row.status == ConditionStatus::True,
            };
            let is_beginning = matches!(row.reason, Reason::NewGeneration | Reason::Progressing);
            assert!(is_good || is_beginning || of(row.reason).is_some(), "{} has no words", row.reason);
        }
    }

    #[test]
    fn words_are_whole_sentences_that_can_be_pasted_into_a_ticket() {
        for reason in Reason::ALL {
            let Some(runbook) = of(*reason) else { continue };
            for sentence in sentences(runbook) {
                assert!(sentence.len() > 4 && sentence.ends_with('.'), "{reason}: {sentence}");
                assert!(!sentence.contains("  ") && !sentence.contains('\n'), "{reason}: {sentence}");
                assert_eq!(sentence.matches('`').count() % 2, 0, "{reason}: {sentence}");
            }
        }
    }

    #[test]
    fn what_is_shown_for_reading_changes_nothing() {
        let readers = [
            "kubectl get ",
            "kubectl events ",
            "kubectl logs ",
            "kubectl auth can-i ",
            "az rest --method GET ",
            "az ad app show ",
            "GET https://",
            "curl -s https://",
            "openssl s_client ",
        ];
        for reason in Reason::ALL {
            for read in of(*reason).map_or(&[][..], |runbook| runbook.reads) {
                assert!(readers.iter().any(|reader| read.starts_with(reader)), "{reason}: {read}");
            }
        }
    }

    #[test]
    fn restoring_comes_before_consent_wherever_something_was_deleted() {
        for reason in
            [Reason::ServicePrincipalSoftDeleted, Reason::ApplicationSoftDeleted, Reason::AmbiguousServicePrincipal]
        {
            let runbook = of(reason).unwrap();
            assert!(runbook.avoid.contains("Do not grant consent before"), "{reason}");
            assert!(!runbook.steps.iter().any(|step| step.contains("adminconsent")), "{reason}");
            assert!(runbook.role.starts_with("Cloud Application Administrator"), "{reason}");
        }
        for reason in [Reason::ConsentMissing, Reason::ConsentIncomplete] {
            assert!(of(reason).unwrap().role.starts_with("Privileged Role Administrator"), "{reason}");
        }
    }
}
