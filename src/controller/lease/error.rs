//! What goes wrong between a candidate and the Kubernetes API.

use super::LeaseName;

/// The Lease could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// This process has not the right to.
    #[error(
        "may not {verb} the lease {lease}: the Role with get, create and update on leases of coordination.k8s.io is \
         missing or not bound to this process's ServiceAccount"
    )]
    Forbidden {
        /// What was tried.
        verb: &'static str,
        /// On what.
        lease: LeaseName,
        /// The cause.
        #[source]
        source: Box<kube::Error>,
    },
    /// The Kubernetes API refused or broke off.
    #[error("could not {verb} the lease {lease}")]
    Api {
        /// What was tried.
        verb: &'static str,
        /// On what.
        lease: LeaseName,
        /// The cause.
        #[source]
        source: Box<kube::Error>,
    },
    /// It did not answer in time.
    #[error("could not {verb} the lease {lease} in time")]
    Deadline {
        /// What was tried.
        verb: &'static str,
        /// On what.
        lease: LeaseName,
    },
}

impl LeaseError {
    /// What this operation met with.
    pub fn met(verb: &'static str, lease: LeaseName, source: kube::Error) -> Self {
        let is_forbidden = matches!(&source, kube::Error::Api(status) if status.code == 403);
        let source = Box::new(source);
        if is_forbidden { Self::Forbidden { verb, lease, source } } else { Self::Api { verb, lease, source } }
    }

    /// Whether the Kubernetes API refused with this code.
    pub fn has_code(&self, code: u16) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(source.as_ref(), kube::Error::Api(status) if status.code == code))
    }
}
