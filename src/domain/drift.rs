//! A difference between the tenant and the declaration, and the facet of the integration that it belongs to.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::remedy::Remedy;
use crate::api::{
    ConditionType, Reason,
    reason::{ConditionStatus, TABLE},
    status::DriftEntry,
};

/// One side of an application that is judged by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facet {
    /// Whether its service principal exists.
    Presence,
    /// Whether it may sign in.
    SignIn,
    /// Whether it holds its permissions.
    Consent,
    /// Whether it provisions people to Webex.
    Provisioning,
    /// Whether its certificates and client secrets are current.
    Certificates,
}

impl Facet {
    /// All facets, in the order of gravity.
    pub const ALL: [Self; 5] = [Self::Presence, Self::SignIn, Self::Consent, Self::Provisioning, Self::Certificates];

    /// The condition that tells about it.
    pub const fn condition(self) -> ConditionType {
        match self {
            Self::Presence => ConditionType::ServicePrincipalsPresent,
            Self::SignIn => ConditionType::SignInEnabled,
            Self::Consent => ConditionType::ConsentGranted,
            Self::Provisioning => ConditionType::ProvisioningHealthy,
            Self::Certificates => ConditionType::CertificatesCurrent,
        }
    }

    /// The facet that this reason is about.
    pub fn of(reason: Reason) -> Option<Self> {
        Self::ALL.into_iter().find(|facet| {
            TABLE.iter().any(|row| {
                row.reason == reason && row.condition == facet.condition() && row.status == ConditionStatus::False
            })
        })
    }
}

/// A difference between the tenant and the declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Name of the application in the object.
    pub application: String,
    /// What kind of difference.
    pub reason: Reason,
    /// What was declared, in a few words.
    pub expected: &'static str,
    /// What was found, in one full sentence.
    pub actual: String,
    /// Since when, where Microsoft Graph tells.
    pub since: Option<Timestamp>,
    /// What a person does about it.
    pub remedy: Remedy,
}

impl Drift {
    /// As it is written to the status. Without a time from Microsoft Graph it counts since `believed`.
    pub fn entry(&self, believed: Timestamp) -> DriftEntry {
        DriftEntry {
            application: self.application.clone(),
            reason: self.reason.as_str().to_owned(),
            expected: self.expected.to_owned(),
            actual: self.actual.clone(),
            since: Some(Time(self.since.unwrap_or(believed))),
            attribution: None,
            remedy: Some(self.remedy.status()),
        }
    }
}

/// The reason of an entry in the status, if this version knows it.
pub fn reason_of(entry: &DriftEntry) -> Option<Reason> {
    Reason::from_name(&entry.reason)
}
