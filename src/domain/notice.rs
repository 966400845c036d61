//! What is told once, as an event: what a transition means, and what is worth telling beside the verdict.

use jiff::{SignedDuration, Timestamp};

use super::drift::Facet;
use crate::api::{AppId, ConditionType, Reason, reason::ConditionStatus};

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
        Self { reason: reason.as_str(), is_warning: reason.is_warning(), message: super::text::capped(message) }
    }
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
            super::text::listed(excess, 10)
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
