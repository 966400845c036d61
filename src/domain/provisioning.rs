//! Whether people are provisioned to Webex: the provisioning job of a service principal.

use jiff::Timestamp;

use super::{
    belief::{Belief, Finding},
    observed::ObservedApplication,
    ready::Note,
    remedy::Context,
};
use crate::api::status::{ApplicationStatus, ProvisioningStatus};

/// What is absent where there is no provisioning job.
pub const JOB: &str = "provisioning job";

/// What a look tells about the provisioning of one application.
#[derive(Debug, Clone, PartialEq)]
pub struct Provisioning {
    /// The finding.
    pub finding: Finding,
    /// How it is written to the status.
    pub status: ProvisioningStatus,
    /// When time alone will change the finding.
    pub changes_at: Option<Timestamp>,
}

/// Judges the provisioning jobs of a live service principal. `settling` is the time until which a job that does not run
/// yet is no drift.
pub fn judge(
    _ctx: Context<'_>,
    _now: Timestamp,
    previous: Option<&ProvisioningStatus>,
    settling: Option<Timestamp>,
    _seen: &ObservedApplication,
) -> Provisioning {
    Provisioning { finding: Finding::Unknown, status: kept(previous, settling, &Belief::Unknown), changes_at: None }
}

/// Until when a service principal that came back is given time to provision again; none if it did not come back.
pub fn settling_until(
    _earlier: Option<&ApplicationStatus>,
    _status: &ApplicationStatus,
    _now: Timestamp,
) -> Option<Timestamp> {
    None
}

/// The fields as they were, where this look could not tell.
pub fn kept(
    previous: Option<&ProvisioningStatus>,
    _settling: Option<Timestamp>,
    _belief: &Belief,
) -> ProvisioningStatus {
    previous.cloned().unwrap_or_else(|| ProvisioningStatus { state: "Unknown".to_owned(), ..Default::default() })
}

/// Whether this tells anything.
pub fn is_known(status: &ProvisioningStatus) -> bool {
    status.state != "Unknown"
}

/// What is told of provisioning that is in order.
pub fn note(_ctx: Context<'_>, _status: &ProvisioningStatus) -> Option<Note> {
    None
}
