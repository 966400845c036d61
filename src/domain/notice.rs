//! Things worth telling once that are no part of the verdict.

use jiff::{SignedDuration, Timestamp};

use crate::api::AppId;

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

fn warning(reason: &'static str, message: String) -> Notice {
    Notice { reason, is_warning: true, message }
}

/// The Secret holds a line break that is no part of the client secret.
pub fn secret_trimmed(namespace: &str, name: &str, key: &str) -> Notice {
    warning(
        "SecretTrimmed",
        format!(
            "The key {key} of the Secret {namespace}/{name} ends in a line break, which was left out. Write it without one \
             (printf, or echo -n)."
        ),
    )
}

/// The operator's own application holds more than this object needs.
pub fn excess_permissions(client: AppId, excess: &[String]) -> Notice {
    warning(
        "ExcessPermissions",
        super::text::capped(format!(
            "The operator's own application {client} holds application permissions of Microsoft Graph that this object does \
             not need: {}. Remove them under App registrations > {client} > API permissions, unless something else needs them.",
            super::text::listed(excess, 10)
        )),
    )
}

/// How long before its end a credential of the operator is told to be renewed.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The certificate that the operator signs in with ends soon, if it does.
pub fn expiring_soon(client: AppId, end: Timestamp, now: Timestamp) -> Option<Notice> {
    (end.duration_since(now) < RENEW_BEFORE).then(|| {
        warning(
            "ExpiringSoon",
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
    warning(
        "ClockSkew",
        format!(
            "The clock of the operator's node is about {minutes} minutes {direction} Microsoft's. Sign-in with certificates \
             fails from five minutes on; set up time synchronization on the node."
        ),
    )
}
