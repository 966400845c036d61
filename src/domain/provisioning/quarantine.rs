//! Quarantine of a provisioning job: Microsoft's reasons in words, and when it switches the job off.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::super::{
    observed::{Quarantine, SynchronizationCode, SynchronizationJob},
    text,
    timing::{later, whole_second},
};
use crate::api::status::QuarantineStatus;

/// A job that stays in quarantine for this long is switched off.
/// <https://learn.microsoft.com/en-us/entra/identity/app-provisioning/application-provisioning-quarantine-status>
pub const SWITCHED_OFF_AFTER: SignedDuration = SignedDuration::from_hours(28 * 24);

/// Why a job was put into quarantine.
/// <https://learn.microsoft.com/en-us/graph/api/resources/synchronization-synchronizationquarantine>
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Too many objects failed.
    BaseEscrowThreshold,
    /// Too many objects failed, references counted too.
    TotalEscrowThreshold,
    /// Too large a part of the objects failed.
    EscrowProportionThreshold,
    /// What is provisioned into does not take the credential.
    RefusedCredential,
    /// It was about to delete more than it may.
    TooManyDeletes,
    /// Somebody asked for it.
    OnDemand,
    /// Reading the directory broke off.
    IngestionInterrupted,
    /// Microsoft does not tell.
    NotTold,
    /// A value that this version does not know, safe to print.
    Unrecognised(String),
}

impl Cause {
    /// The cause behind Microsoft's word for it.
    pub fn of(reason: &str) -> Self {
        match reason {
            "EncounteredBaseEscrowThreshold" => Self::BaseEscrowThreshold,
            "EncounteredTotalEscrowThreshold" => Self::TotalEscrowThreshold,
            "EncounteredEscrowProportionThreshold" => Self::EscrowProportionThreshold,
            "EncounteredQuarantineException" => Self::RefusedCredential,
            "TooManyDeletes" => Self::TooManyDeletes,
            // The metadata has the first spelling, the pages have had the second.
            "QuarantinedOnDemand" | "QuarantineOnDemand" => Self::OnDemand,
            "IngestionInterrupted" => Self::IngestionInterrupted,
            "" | "Unknown" => Self::NotTold,
            other => Self::Unrecognised(text::brief(other)),
        }
    }

    /// The cause as a part of a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::BaseEscrowThreshold => "too many people and groups could not be provisioned".to_owned(),
            Self::TotalEscrowThreshold => "too many people, groups and memberships could not be provisioned".to_owned(),
            Self::EscrowProportionThreshold => {
                "too large a part of the people and groups could not be provisioned".to_owned()
            }
            Self::RefusedCredential => "Webex does not accept its credential or is not found at its address".to_owned(),
            Self::TooManyDeletes => "it was about to remove more people than is allowed at once".to_owned(),
            Self::OnDemand => "somebody asked for it".to_owned(),
            Self::IngestionInterrupted => "reading the directory broke off".to_owned(),
            Self::NotTold => "Microsoft does not tell why".to_owned(),
            Self::Unrecognised(reason) => {
                format!("Microsoft's reason is one that this version does not know, '{reason}'")
            }
        }
    }
}

/// The quarantine that a job is in. A documented answer has a quarantine of empty fields on a paused job, which is none.
pub fn of(job: &SynchronizationJob) -> Option<&Quarantine> {
    let is_told = |quarantine: &&Quarantine| !quarantine.reason.is_empty() || quarantine.since.is_some();
    job.quarantine.as_ref().filter(|quarantine| job.code == SynchronizationCode::Quarantine || is_told(quarantine))
}

/// When Microsoft switches the job off, if nothing changes.
pub fn switched_off_at(quarantine: &Quarantine) -> Option<Timestamp> {
    quarantine.since.map(|since| whole_second(later(since, SWITCHED_OFF_AFTER)))
}

/// As it is written to the status.
pub fn status(quarantine: &Quarantine) -> QuarantineStatus {
    let time = |at: Timestamp| Time(whole_second(at));
    QuarantineStatus {
        reason: text::safe(&quarantine.reason),
        since: quarantine.since.map(time),
        next_attempt: quarantine.next_attempt.map(time),
        disabled_at: switched_off_at(quarantine).map(Time),
    }
}
