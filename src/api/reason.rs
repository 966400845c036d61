//! The conditions and every reason they can give, in one table.
//!
//! Documents and tests are made from `TABLE`; a reason that is not in it does not exist. Within the drift reasons the
//! order of the enum is the order of gravity: presence, then sign-in, then consent.

pub mod condition;
pub mod runbook;

use std::fmt;

/// Type of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// Something is still going on. Present only when True.
    Reconciling,
    /// A person is needed. Present only when True.
    Stalled,
    /// Everything required is as declared.
    Ready,
    /// `spec.suspend` is set. Present only when True.
    Suspended,
    /// The tenant could be read.
    Observed,
    /// The tenant differs from the declaration. Informational, as in Flux's `HelmRelease`.
    Drifted,
    /// Each checked application has its service principal.
    ServicePrincipalsPresent,
    /// Each checked application may sign in.
    SignInEnabled,
    /// Each required permission is granted.
    ConsentGranted,
    /// Each required provisioning job runs. Present only where one is required.
    ProvisioningHealthy,
    /// No certificate or client secret of an application has expired. Present only where there are any.
    CertificatesCurrent,
}

impl ConditionType {
    /// All types in the order in which they are written; Stalled and Reconciling first, because kstatus reads in order.
    pub const ALL: [Self; 11] = [
        Self::Reconciling,
        Self::Stalled,
        Self::Ready,
        Self::Suspended,
        Self::Observed,
        Self::Drifted,
        Self::ServicePrincipalsPresent,
        Self::SignInEnabled,
        Self::ConsentGranted,
        Self::ProvisioningHealthy,
        Self::CertificatesCurrent,
    ];

    /// The name in `status.conditions[].type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
            Self::Ready => "Ready",
            Self::Suspended => "Suspended",
            Self::Observed => "Observed",
            Self::Drifted => "Drifted",
            Self::ServicePrincipalsPresent => "ServicePrincipalsPresent",
            Self::SignInEnabled => "SignInEnabled",
            Self::ConsentGranted => "ConsentGranted",
            Self::ProvisioningHealthy => "ProvisioningHealthy",
            Self::CertificatesCurrent => "CertificatesCurrent",
        }
    }
}

impl fmt::Display for ConditionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Not known.
    Unknown,
}

impl ConditionStatus {
    /// The name in `status.conditions[].status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl fmt::Display for ConditionStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Reason of a condition.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name in `status.conditions[].reason`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What it means, in one sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

reasons! {
    /// The spec breaks a rule; nothing is looked at until it is mended.
    InvalidSpec,
    /// The operator failed on this object because of its own mistake; other objects are not affected.
    InternalError,

    // Presence, gravest first.
    /// The service principal was deleted and can still be restored.
    ServicePrincipalSoftDeleted,
    /// The registration of the application in this tenant was deleted and can still be restored.
    ApplicationSoftDeleted,
    /// There is no service principal of this application, and none that could be restored.
    ServicePrincipalMissing,
    /// Several deleted service principals could be the right one; a person has to choose.
    AmbiguousServicePrincipal,
    // Sign-in.
    /// Sign-in of the service principal is switched off in this tenant.
    ServicePrincipalDisabled,
    /// The application was deactivated by its owner and gets no tokens.
    ApplicationDeactivated,
    /// Microsoft disabled the application.
    DisabledByMicrosoft,
    /// The application gets tokens only for whoever is assigned to it, and nobody is.
    AssignmentMissing,
    // Consent.
    /// None of the required permissions is granted.
    ConsentMissing,
    /// Some of the required permissions are not granted.
    ConsentIncomplete,
    /// Permissions are granted that the declaration does not list and does not tolerate.
    ExtraPermissions,
    // Provisioning.
    /// The service principal has no provisioning job.
    ProvisioningJobMissing,
    /// A person stopped the provisioning job.
    ProvisioningPaused,
    /// Microsoft put the provisioning job into quarantine, because what it provisions into refuses it.
    ProvisioningQuarantined,
    /// The provisioning job is switched off, or was never started.
    ProvisioningDisabled,
    /// Nobody is in scope of the provisioning job.
    ProvisioningScopeEmpty,
    /// The provisioning job has not succeeded for far longer than its schedule.
    ProvisioningOverdue,
    // Certificates.
    /// A certificate or client secret of the application has expired.
    Expired,
    // Presence, where a person has to tell which application is meant.
    /// Nothing proves which application is "Cisco Webex Identity".
    IdentityNotProved,

    // Why the tenant could not be read: a person is needed.
    /// The Secret with the credential does not exist.
    SecretNotFound,
    /// The Secret has no such key, or nothing in it.
    SecretKeyMissing,
    /// The Secret does not carry the label that allows the operator to use it.
    SecretNotLabelled,
    /// The operator may not read the Secret.
    SecretForbidden,
    /// The ServiceAccount does not exist, or does not name the application that it may sign in as.
    ServiceAccountNotBound,
    /// The token endpoint does not accept the credential.
    CredentialInvalid,
    /// The credential has expired.
    CredentialExpired,
    /// The token that the operator would sign in with is not there.
    CredentialUnavailable,
    /// The operator's own application is unknown or disabled in the tenant.
    OperatorAppNotConsented,
    /// The token endpoint does not know the tenant.
    TenantNotFound,
    /// The token is for another tenant or another application; it was not used.
    TenantNotAllowed,
    /// The tenant is in another cloud than the object declares; nothing was asked.
    WrongCloud,
    /// A Conditional Access policy of the tenant keeps the operator's application out.
    ConditionalAccessBlocked,
    /// The tenant asks the operator's application to prove itself anew, and does not take the proof.
    ClaimsChallenge,
    /// The operator's application lacks a permission that reading this tenant needs.
    PermissionMissing,
    // Why the tenant could not be read: it may pass by itself.
    /// Microsoft Graph asked to slow down.
    Throttled,
    /// Microsoft Graph answered with a server error.
    GraphUnavailable,
    /// Microsoft Graph did not answer in time.
    GraphTimeout,
    /// The token endpoint did not answer as it should.
    TokenEndpointUnavailable,
    /// The answer was not what Microsoft Graph sends: another content type, a redirect, or cut short.
    MalformedResponse,
    /// No connection to Microsoft could be made.
    NetworkUnavailable,
    /// The other side's certificate was not accepted.
    TLSFailure,
    /// Not read yet, or not readable at present.
    NotObserved,

    // Good news.
    /// Everything required is as declared.
    InSync,
    /// Everything that was asked could be read.
    ObservationComplete,
    /// The tenant differs from the declaration.
    DriftDetected,
    /// The tenant does not differ from the declaration.
    NoDriftDetected,
    /// Every checked application has its service principal.
    Present,
    /// Every checked application may sign in.
    Enabled,
    /// Every required permission is granted.
    Granted,
    /// Permissions of the published list were never seen granted here; Cisco may have changed the list.
    ConsentDiffersFromPublished,
    /// Every required provisioning job runs.
    Healthy,
    /// The service principal came back not long ago, and its provisioning needs up to a day to run again.
    Settling,
    /// The cloud of this tenant does not let provisioning jobs be read.
    NotSupportedInCloud,
    /// No certificate or client secret ends soon.
    Current,
    /// A certificate or client secret of the application ends soon.
    ExpiringSoon,

    // Going on.
    /// The first look at this generation of the spec has not ended yet.
    NewGeneration,
    /// The first verdict is being formed.
    Progressing,
    /// Something seems to be missing; a second look will tell whether it is.
    Confirming,
    /// Trying again after a failed look.
    ProgressingWithRetry,
    /// The last complete look is too old to rely on.
    ObservationStale,
    /// `spec.suspend` is set.
    SuspendedByUser,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Reason {
    /// The reason with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
    }

    /// Whether a condition of this type may give this reason with this status.
    pub fn fits(self, condition: ConditionType, status: ConditionStatus) -> bool {
        TABLE.iter().any(|row| row.reason == self && row.condition == condition && row.status == status)
    }
}

/// One row of the table: a condition, its status, the reason, and whether a person is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The condition that gives the reason.
    pub condition: ConditionType,
    /// With which status.
    pub status: ConditionStatus,
    /// The reason.
    pub reason: Reason,
    /// Whether nothing gets better until a person acts.
    pub person_needed: bool,
}

const fn row(condition: ConditionType, status: ConditionStatus, reason: Reason, person_needed: bool) -> Row {
    Row { condition, status, reason, person_needed }
}

use ConditionStatus::{False, True, Unknown};
use ConditionType as C;
use Reason as R;

/// Every (condition, status, reason) that can be written, apart from Ready and Stalled, which repeat the reason of the
/// condition that decided.
pub const TABLE: &[Row] = &[
    row(C::Reconciling, True, R::NewGeneration, false),
    row(C::Reconciling, True, R::Confirming, false),
    row(C::Reconciling, True, R::ProgressingWithRetry, false),
    row(C::Ready, True, R::InSync, false),
    row(C::Ready, Unknown, R::Progressing, false),
    row(C::Ready, Unknown, R::Confirming, false),
    row(C::Ready, Unknown, R::ObservationStale, false),
    row(C::Ready, False, R::InvalidSpec, true),
    row(C::Ready, False, R::InternalError, true),
    row(C::Suspended, True, R::SuspendedByUser, false),
    row(C::Observed, True, R::ObservationComplete, false),
    row(C::Observed, False, R::SecretNotFound, true),
    row(C::Observed, False, R::SecretKeyMissing, true),
    row(C::Observed, False, R::SecretNotLabelled, true),
    row(C::Observed, False, R::SecretForbidden, true),
    row(C::Observed, False, R::ServiceAccountNotBound, true),
    row(C::Observed, False, R::CredentialInvalid, true),
    row(C::Observed, False, R::CredentialExpired, true),
    row(C::Observed, False, R::CredentialUnavailable, true),
    row(C::Observed, False, R::OperatorAppNotConsented, true),
    row(C::Observed, False, R::TenantNotFound, true),
    row(C::Observed, False, R::TenantNotAllowed, true),
    row(C::Observed, False, R::WrongCloud, true),
    row(C::Observed, False, R::ConditionalAccessBlocked, true),
    row(C::Observed, False, R::ClaimsChallenge, true),
    row(C::Observed, False, R::PermissionMissing, true),
    row(C::Observed, Unknown, R::NotObserved, false),
    row(C::Observed, Unknown, R::Throttled, false),
    row(C::Observed, Unknown, R::GraphUnavailable, false),
    row(C::Observed, Unknown, R::GraphTimeout, false),
    row(C::Observed, Unknown, R::TokenEndpointUnavailable, false),
    row(C::Observed, Unknown, R::MalformedResponse, false),
    row(C::Observed, Unknown, R::NetworkUnavailable, false),
    row(C::Observed, Unknown, R::TLSFailure, false),
    row(C::Drifted, True, R::DriftDetected, false),
    row(C::Drifted, False, R::NoDriftDetected, false),
    row(C::Drifted, Unknown, R::NotObserved, false),
    row(C::ServicePrincipalsPresent, True, R::Present, false),
    row(C::ServicePrincipalsPresent, False, R::ServicePrincipalSoftDeleted, true),
    row(C::ServicePrincipalsPresent, False, R::ApplicationSoftDeleted, true),
    row(C::ServicePrincipalsPresent, False, R::ServicePrincipalMissing, true),
    row(C::ServicePrincipalsPresent, False, R::AmbiguousServicePrincipal, true),
    row(C::ServicePrincipalsPresent, Unknown, R::NotObserved, false),
    row(C::ServicePrincipalsPresent, Unknown, R::IdentityNotProved, true),
    row(C::SignInEnabled, True, R::Enabled, false),
    row(C::SignInEnabled, False, R::ServicePrincipalDisabled, true),
    row(C::SignInEnabled, False, R::ApplicationDeactivated, true),
    row(C::SignInEnabled, False, R::DisabledByMicrosoft, true),
    row(C::SignInEnabled, False, R::AssignmentMissing, true),
    row(C::SignInEnabled, Unknown, R::NotObserved, false),
    row(C::ConsentGranted, True, R::Granted, false),
    row(C::ConsentGranted, True, R::ConsentDiffersFromPublished, false),
    row(C::ConsentGranted, False, R::ConsentMissing, true),
    row(C::ConsentGranted, False, R::ConsentIncomplete, true),
    row(C::ConsentGranted, False, R::ExtraPermissions, true),
    row(C::ConsentGranted, Unknown, R::NotObserved, false),
    row(C::ProvisioningHealthy, True, R::Healthy, false),
    row(C::ProvisioningHealthy, True, R::Settling, false),
    row(C::ProvisioningHealthy, False, R::ProvisioningJobMissing, true),
    row(C::ProvisioningHealthy, False, R::ProvisioningPaused, true),
    row(C::ProvisioningHealthy, False, R::ProvisioningQuarantined, true),
    row(C::ProvisioningHealthy, False, R::ProvisioningDisabled, true),
    row(C::ProvisioningHealthy, False, R::ProvisioningScopeEmpty, true),
    row(C::ProvisioningHealthy, False, R::ProvisioningOverdue, true),
    row(C::ProvisioningHealthy, Unknown, R::NotObserved, false),
    row(C::ProvisioningHealthy, Unknown, R::NotSupportedInCloud, false),
    row(C::CertificatesCurrent, True, R::Current, false),
    row(C::CertificatesCurrent, True, R::ExpiringSoon, false),
    row(C::CertificatesCurrent, False, R::Expired, true),
    row(C::CertificatesCurrent, Unknown, R::NotObserved, false),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_in_the_table() {
        for reason in Reason::ALL {
            assert!(TABLE.iter().any(|row| row.reason == *reason), "{reason}");
        }
    }

    #[test]
    fn every_reason_means_something_in_a_full_sentence() {
        for reason in Reason::ALL {
            let meaning = reason.meaning();
            assert!(meaning.ends_with('.') && meaning.len() > 10, "{reason}: {meaning}");
        }
    }

    #[test]
    fn names_lead_back_to_the_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_name(reason.as_str()), Some(*reason));
        }
        assert_eq!(Reason::from_name("Nonsense"), None);
    }
}
