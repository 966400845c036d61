//! What is told once, as an event: what a transition means, and what is worth telling beside the verdict.

use jiff::{SignedDuration, Timestamp};

use super::{
    desired::Desired,
    drift::{Facet, reason_of},
    message,
    remedy::title,
    text,
};
use crate::api::{
    AppId, ConditionType, ExtraPermissions, Reason, WebexAzureIntegrationStatus,
    reason::ConditionStatus,
    status::{CertificateStatus, DriftEntry},
};

/// Something to tell once, as a Kubernetes event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notice {
    /// Reason of the event.
    pub reason: &'static str,
    /// Whether it is bad news.
    pub is_warning: bool,
    /// The sentences.
    pub message: String,
}

/// Reason of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventReason {
    /// A difference.
    DriftDetected,
    /// A difference in what is granted.
    ConsentMissing,
    /// No difference any more.
    DriftResolved,
    /// The tenant could not be read.
    ObservationFailed,
    /// A certificate or client secret ends soon.
    ExpiringSoon,
    /// An application holds more than it needs.
    ExtraPermissionsFound,
    /// The operator holds more than it needs.
    ExcessPermissions,
    /// A Secret with a line break at its end.
    SecretTrimmed,
    /// A clock that is wrong.
    ClockSkew,
}

impl EventReason {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::DriftDetected,
        Self::ConsentMissing,
        Self::DriftResolved,
        Self::ObservationFailed,
        Self::ExpiringSoon,
        Self::ExtraPermissionsFound,
        Self::ExcessPermissions,
        Self::SecretTrimmed,
        Self::ClockSkew,
    ];

    /// Its name in the event.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DriftDetected => "DriftDetected",
            Self::ConsentMissing => "ConsentMissing",
            Self::DriftResolved => "DriftResolved",
            Self::ObservationFailed => "ObservationFailed",
            Self::ExpiringSoon => "ExpiringSoon",
            Self::ExtraPermissionsFound => "ExtraPermissionsFound",
            Self::ExcessPermissions => "ExcessPermissions",
            Self::SecretTrimmed => "SecretTrimmed",
            Self::ClockSkew => "ClockSkew",
        }
    }

    /// Whether it is bad news.
    pub const fn is_warning(self) -> bool {
        match self {
            Self::DriftResolved => false,
            Self::DriftDetected
            | Self::ConsentMissing
            | Self::ObservationFailed
            | Self::ExpiringSoon
            | Self::ExtraPermissionsFound
            | Self::ExcessPermissions
            | Self::SecretTrimmed
            | Self::ClockSkew => true,
        }
    }

    /// When it is told, for the documents.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::DriftDetected => {
                "A difference is believed that was not there before: in full, with what it breaks and its remedy. One event for each difference."
            }
            Self::ConsentMissing => "The same, where permissions are lacking.",
            Self::DriftResolved => "No difference is left.",
            Self::ObservationFailed => {
                "The tenant could not be read, or not completely, for another reason than before; with Microsoft's error code and the request ID for its support. Throttling is no event, but a metric."
            }
            Self::ExpiringSoon => {
                "A certificate or client secret of an application, or the certificate that the operator signs in with, ends soon. Once for each."
            }
            Self::ExtraPermissionsFound => {
                "An application whose `extraPermissions` is Report holds permissions that the declaration does not list. Once for each permission."
            }
            Self::ExcessPermissions => "The operator's own application holds more than the object needs.",
            Self::SecretTrimmed => "The client secret ends in a line break, which was left out.",
            Self::ClockSkew => "The clock of the operator's node is minutes off Microsoft's.",
        }
    }
}

/// The event that tells of a condition that gives this reason, where one does.
pub fn event_of(condition: ConditionType, status: ConditionStatus, reason: Reason) -> Option<EventReason> {
    let is_lacking = matches!(reason, Reason::ConsentMissing | Reason::ConsentIncomplete);
    match (condition, status) {
        (ConditionType::Observed, ConditionStatus::False | ConditionStatus::Unknown) => {
            (reason != Reason::Throttled && reason != Reason::NotObserved).then_some(EventReason::ObservationFailed)
        }
        (ConditionType::Drifted, ConditionStatus::False) => Some(EventReason::DriftResolved),
        (_, ConditionStatus::False) if Facet::of(reason).is_some() => {
            Some(if is_lacking { EventReason::ConsentMissing } else { EventReason::DriftDetected })
        }
        (_, ConditionStatus::True) if reason == Reason::ExpiringSoon => Some(EventReason::ExpiringSoon),
        (_, ConditionStatus::True | ConditionStatus::False | ConditionStatus::Unknown) => None,
    }
}

impl Notice {
    /// A notice with this reason.
    pub fn new(reason: EventReason, message: String) -> Self {
        Self { reason: reason.as_str(), is_warning: reason.is_warning(), message: text::capped(message) }
    }
}

/// A difference that was not there before.
pub fn drift_detected(desired: &Desired, entry: &DriftEntry) -> Notice {
    let told = reason_of(entry).and_then(|reason| {
        let condition = Facet::of(reason)?.condition();
        event_of(condition, ConditionStatus::False, reason)
    });
    Notice::new(told.unwrap_or(EventReason::DriftDetected), message::in_full(desired, entry))
}

/// No difference is left.
pub fn drift_resolved(desired: &Desired) -> Notice {
    Notice::new(EventReason::DriftResolved, message::in_sync(desired))
}

/// Certificates and client secrets that the condition names as ending soon, and did not name before: once for each,
/// whichever process looks.
pub fn certificates_expiring(
    desired: &Desired,
    previous: &WebexAzureIntegrationStatus,
    status: &WebexAzureIntegrationStatus,
) -> Vec<Notice> {
    let said = |status: &WebexAzureIntegrationStatus| {
        let condition = status.condition(ConditionType::CertificatesCurrent.as_str())?;
        (condition.reason == Reason::ExpiringSoon.as_str()).then(|| condition.message.clone())
    };
    let Some(now) = said(status) else { return Vec::new() };
    let before = said(previous).unwrap_or_default();
    let certificates = status.applications.iter().flat_map(|entry| {
        let name = desired
            .application(&entry.name)
            .map_or_else(|| format!("\"{}\"", entry.name), |application| title(application.role, &application.name));
        entry.certificates.iter().map(move |certificate| (name.clone(), certificate))
    });
    let news = certificates.filter_map(|(name, certificate)| {
        let id = certificate.thumbprint.as_deref().or(certificate.key_id.as_deref())?;
        (now.contains(id) && !before.contains(id)).then(|| certificate_expiring(&name, certificate, id))
    });
    news.collect()
}

fn certificate_expiring(name: &str, certificate: &CertificateStatus, id: &str) -> Notice {
    let CertificateStatus { kind, thumbprint: _, key_id: _, not_after, active } = certificate;
    let what = if kind == "Certificate" { "certificate" } else { "client secret" };
    let effect = match active {
        Some(true) => "Sign-in answers are signed with it: when it ends, nobody can sign in to Webex.",
        Some(false) | None => "Whatever still uses it fails when it ends.",
    };
    Notice::new(
        EventReason::ExpiringSoon,
        format!("The {what} {id} of {name} ends at {}. {effect} Replace it on both sides before that.", not_after.0),
    )
}

/// Permissions beyond the list that were not there before, of applications that are to report them.
pub fn extra_permissions_found(
    desired: &Desired,
    previous: &WebexAzureIntegrationStatus,
    status: &WebexAzureIntegrationStatus,
) -> Vec<Notice> {
    let reporting = desired.applications.iter().filter(|application| application.extra == ExtraPermissions::Report);
    let news = reporting.filter_map(|application| {
        let consent = |status: &WebexAzureIntegrationStatus| status.application(&application.name)?.consent.clone();
        let known = consent(previous).map(|consent| consent.extra).unwrap_or_default();
        let new: Vec<String> =
            consent(status)?.extra.into_iter().filter(|permission| !known.contains(permission)).collect();
        let name = title(application.role, &application.name);
        (!new.is_empty()).then(|| {
            Notice::new(
                EventReason::ExtraPermissionsFound,
                format!(
                    "{name} (appId {}) holds permissions in tenant {} that the declaration does not list: {}. If they are \
                     needed, add them to its permissions; else revoke them under Enterprise applications > {} > Permissions.",
                    application.app_id,
                    desired.tenant,
                    text::listed(&new, 10),
                    application.app_id
                ),
            )
        })
    });
    news.collect()
}

/// The tenant could not be read. Microsoft's code and its name for the request stand in front, where no cap reaches them.
pub fn observation_failed(message: &str, code: Option<&str>, request_id: Option<&str>) -> Notice {
    let answer = match (code, request_id) {
        (Some(code), Some(request_id)) => format!("Microsoft answered {code} (request ID {request_id}). "),
        (Some(code), None) => format!("Microsoft answered {code}. "),
        (None, Some(request_id)) => format!("Microsoft's request ID is {request_id}. "),
        (None, None) => String::new(),
    };
    Notice::new(EventReason::ObservationFailed, format!("{answer}{message}"))
}

/// The Secret holds a line break that is no part of the client secret.
pub fn secret_trimmed(namespace: &str, name: &str, key: &str) -> Notice {
    Notice::new(
        EventReason::SecretTrimmed,
        format!(
            "The key {key} of the Secret {namespace}/{name} ends in a line break, which was left out. Write it without one \
             (printf, or echo -n)."
        ),
    )
}

/// The operator's own application holds more than this object needs.
pub fn excess_permissions(client: AppId, excess: &[String]) -> Notice {
    Notice::new(
        EventReason::ExcessPermissions,
        format!(
            "The operator's own application {client} holds application permissions of Microsoft Graph that this object does \
             not need: {}. Remove them under App registrations > {client} > API permissions, unless something else needs them.",
            text::listed(excess, 10)
        ),
    )
}

/// How long before its end a credential of the operator is told to be renewed.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The certificate that the operator signs in with ends soon, if it does.
pub fn expiring_soon(client: AppId, end: Timestamp, now: Timestamp) -> Option<Notice> {
    (end.duration_since(now) < RENEW_BEFORE).then(|| {
        Notice::new(
            EventReason::ExpiringSoon,
            format!(
                "The certificate that the operator signs in with as application {client} ends at {end}. Register a new one \
                 under App registrations > {client} > Certificates & secrets and put it with its key into the Secret."
            ),
        )
    })
}

/// This machine's clock is wrong.
pub fn clock_skew(ahead: SignedDuration) -> Notice {
    let minutes = ahead.abs().as_mins();
    let direction = if ahead.is_negative() { "ahead of" } else { "behind" };
    Notice::new(
        EventReason::ClockSkew,
        format!(
            "The clock of the operator's node is about {minutes} minutes {direction} Microsoft's. Sign-in with certificates \
             fails from five minutes on; set up time synchronization on the node."
        ),
    )
}
