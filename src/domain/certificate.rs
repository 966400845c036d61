//! Whether the certificates and client secrets of a service principal are current.

use jiff::Timestamp;

use super::{belief::Finding, observed::ObservedApplication, ready::Note, remedy::Context};
use crate::api::status::CertificateStatus;

/// What a look tells about the certificates and client secrets of one application.
#[derive(Debug, Clone, PartialEq)]
pub struct Certificates {
    /// The finding.
    pub finding: Finding,
    /// How they are written to the status; none if there are none.
    pub status: Vec<CertificateStatus>,
    /// When time alone will change the finding or what is told.
    pub changes_at: Option<Timestamp>,
}

/// Judges the certificates and client secrets of a live service principal.
pub fn judge(_ctx: Context<'_>, _now: Timestamp, _seen: &ObservedApplication) -> Certificates {
    Certificates { finding: Finding::Unknown, status: Vec::new(), changes_at: None }
}

/// What is told of certificates and client secrets that are in order.
pub fn note(_ctx: Context<'_>, _status: &[CertificateStatus], _now: Timestamp) -> Option<Note> {
    None
}
