//! Why something could not be read, as a reason and the sentences that say what to do.

mod credential;
mod refusal;

pub use refusal::{Presented, SignIn};

use crate::api::{
    AppId, ConditionType, Reason,
    reason::{ConditionStatus, TABLE},
};

/// What tells this obstacle from others of the same reason.
const REPEATED: &str = "the look is repeated";

const NOT_OFFERED: &str = "Microsoft Graph does not offer";

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Obstacle {
    /// Reason of the condition `Observed`.
    pub reason: Reason,
    /// What is wrong and what to do; nothing in it changes from look to look.
    pub message: String,
    /// How long the other side asked to wait, in seconds.
    pub wait_seconds: Option<u32>,
}

impl Obstacle {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), wait_seconds: None }
    }

    /// Whether a person is needed: `Observed` is then False, else Unknown.
    pub fn needs_person(&self) -> bool {
        TABLE.iter().any(|row| {
            row.condition == ConditionType::Observed
                && row.status == ConditionStatus::False
                && row.reason == self.reason
        })
    }

    /// Order in which obstacles are reported: those that need a person first, then as in the table of reasons.
    pub fn gravity(&self) -> (bool, Reason) {
        (!self.needs_person(), self.reason)
    }

    /// A permission of the operator's own application is lacking; each with what needs it.
    pub fn permission_missing(client: AppId, lacking: &[(&str, String)]) -> Self {
        let named: Vec<String> =
            lacking.iter().map(|(permission, purpose)| format!("{permission} ({purpose})")).collect();
        let (permissions, them) = match lacking.len() {
            1 => ("permission", "it"),
            _ => ("permissions", "them"),
        };
        Self::new(
            Reason::PermissionMissing,
            format!(
                "The operator's own application {client} lacks the application {permissions} {} of Microsoft Graph. Grant \
                 {them} under App registrations > {client} > API permissions, then grant admin consent.",
                named.join(", ")
            ),
        )
    }

    /// Something that the service does not have, there or at all.
    pub fn not_offered(what_for: &str) -> Self {
        Self::new(
            Reason::NotObserved,
            format!("{NOT_OFFERED} {what_for} in this cloud, so that this part stays unknown."),
        )
    }

    /// Whether the service does not have it, so that looking again will not help.
    pub fn is_not_offered(&self) -> bool {
        self.reason == Reason::NotObserved && self.message.starts_with(NOT_OFFERED)
    }

    /// Something that the tenant's licence does not cover. No permission of the operator's changes that.
    pub fn not_licensed(what_for: &str) -> Self {
        Self::new(
            Reason::NotObserved,
            format!("The licence of this tenant does not cover {what_for}, so that this part stays unknown."),
        )
    }

    /// Asked to slow down.
    pub fn throttled(wait_seconds: Option<u32>) -> Self {
        Self {
            wait_seconds,
            ..Self::new(Reason::Throttled, format!("Microsoft Graph asked to slow down; {REPEATED} when it allows."))
        }
    }

    /// A server error.
    pub fn graph_unavailable(status: u16, wait_seconds: Option<u32>) -> Self {
        Self {
            wait_seconds,
            ..Self::new(Reason::GraphUnavailable, format!("Microsoft Graph answered with status {status}; {REPEATED}."))
        }
    }

    /// No answer in time.
    pub fn timeout(what: &str) -> Self {
        Self::new(Reason::GraphTimeout, format!("{what} did not answer in time; {REPEATED}."))
    }

    /// The token endpoint did not do its part.
    pub fn token_endpoint_unavailable(wait_seconds: Option<u32>) -> Self {
        Self {
            wait_seconds,
            ..Self::new(
                Reason::TokenEndpointUnavailable,
                format!("The token endpoint of Microsoft Entra did not answer as it should; {REPEATED}."),
            )
        }
    }

    /// Not an answer that Microsoft Graph gives.
    pub fn malformed(what: &str) -> Self {
        Self::new(
            Reason::MalformedResponse,
            format!(
                "An answer was not what Microsoft Graph sends: {what}. A proxy in between may have sent it; {REPEATED}."
            ),
        )
    }

    /// No connection.
    pub fn network(host: &str) -> Self {
        Self::new(
            Reason::NetworkUnavailable,
            format!(
                "No connection to {host} could be made; {REPEATED}. Check DNS, network policies and proxy settings."
            ),
        )
    }

    /// The proxy does not let the operator through.
    pub fn proxy(host: &str) -> Self {
        Self::new(
            Reason::NetworkUnavailable,
            format!(
                "The proxy that is set for {host} refused to connect to it, or could not be reached, so nothing was sent; \
                 {REPEATED}. Check HTTPS_PROXY and the credentials in it, NO_PROXY, and whether the proxy allows {host}."
            ),
        )
    }

    /// The other side could not prove who it is.
    pub fn tls(host: &str) -> Self {
        Self::new(
            Reason::TLSFailure,
            format!(
                "Whoever answered for {host} did not prove over TLS to be it, so nothing was sent. Check whether a proxy opens the \
                 connection, and whether its authority is in the operator's trust store or in the file of --trust-ca-file."
            ),
        )
    }
}

/// The message of an obstacle without the promise that the look is repeated, if it makes that: for whoever looks once.
pub fn without_promise(message: &str) -> Option<String> {
    let (before, after) = message.split_once(&format!("; {REPEATED}"))?;
    let (_, rest) = after.split_once('.')?;
    Some(format!("{before}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_passes_by_itself_is_told_without_the_promise_to_whoever_looks_once() {
        let passing = [
            (Obstacle::throttled(None), "Microsoft Graph asked to slow down."),
            (Obstacle::graph_unavailable(503, None), "Microsoft Graph answered with status 503."),
            (
                Obstacle::network("example.com"),
                "No connection to example.com could be made. Check DNS, network policies and proxy settings.",
            ),
            (
                Obstacle::malformed("a list had no end"),
                "An answer was not what Microsoft Graph sends: a list had no end. A proxy in between may have sent it.",
            ),
        ];
        for (obstacle, told) in passing {
            assert_eq!(without_promise(&obstacle.message).as_deref(), Some(told));
        }
        for obstacle in [
            Obstacle::timeout("Microsoft Graph"),
            Obstacle::token_endpoint_unavailable(None),
            Obstacle::proxy("example.com"),
        ] {
            let told = without_promise(&obstacle.message).unwrap();
            assert!(!told.contains("repeated") && !told.contains(';'), "{told}");
        }
        assert_eq!(without_promise(&Obstacle::tls("example.com").message), None, "a person is needed");
    }
}
