//! What a principal provisions into, and with which credentials. Knows no job.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::identifier::Identifiers;
use super::job::Job;
use super::shape;

/// Whether the system that a job provisions into accepts the saved credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetCredentials {
    /// It accepts them, and nothing else is wrong.
    Good,
    /// It refuses the ones that are saved at this moment; new ones are accepted.
    Broken,
}

/// Why a job is in quarantine, as the metadata declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "members of an enumeration of Graph")]
pub enum QuarantineReason {
    EncounteredBaseEscrowThreshold,
    EncounteredTotalEscrowThreshold,
    EncounteredEscrowProportionThreshold,
    EncounteredQuarantineException,
    Unknown,
    QuarantinedOnDemand,
    TooManyDeletes,
    IngestionInterrupted,
}

/// The health of what jobs provision into. What is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ProvisioningTarget {
    /// Whether the saved credentials are accepted. `Good` mends whatever else was broken as well.
    pub credentials: Option<TargetCredentials>,
    /// What each cycle runs into.
    pub quarantine: Option<QuarantineReason>,
    /// Nobody is in scope.
    pub scope_empty: Option<bool>,
}

/// Why a cycle fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Fault {
    pub(in super::super) reason: QuarantineReason,
    pub(in super::super) code: &'static str,
    pub(in super::super) message: &'static str,
}

/// The code is one that public reports show; the words are ours.
pub(super) const CREDENTIALS_REFUSED: Fault = Fault {
    reason: QuarantineReason::EncounteredQuarantineException,
    code: "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable",
    message: "The supplied credentials were not accepted by the application.",
};

/// "No authorization was provided." Code and words are ours.
pub(super) const CREDENTIALS_MISSING: Fault = Fault {
    reason: QuarantineReason::EncounteredQuarantineException,
    code: "CredentialsMissing",
    message: "No authorization was provided for this synchronization job.",
};

/// How one principal provisions.
#[derive(Debug, Default)]
pub(in super::super) struct Synchronization {
    pub(in super::super) jobs: Vec<Job>,
    /// Saved credentials by their names. They are never shown.
    pub(super) secrets: BTreeMap<String, String>,
    /// Jobs of a scenario have credentials that nobody knows.
    has_unknown_credentials: bool,
    /// The credentials that the target refuses.
    refused: Option<BTreeMap<String, String>>,
    quarantine: Option<QuarantineReason>,
    pub(super) scope_is_empty: bool,
    /// When something was last provisioned on demand, for the documented rate.
    pub(super) on_demand: Vec<Timestamp>,
    /// Object ids that were provisioned on demand.
    pub(super) provisioned: BTreeSet<String>,
}

impl Synchronization {
    /// Adds the jobs of a scenario.
    pub(in super::super) fn bring(&mut self, jobs: &[Value], now: Timestamp, identifiers: &mut Identifiers) {
        self.has_unknown_credentials = true;
        self.jobs.extend(jobs.iter().filter_map(Value::as_object).map(|job| Job::told(job, now, identifiers)));
    }

    /// Lets the jobs live as if they always had.
    pub(in super::super) fn live_on(&mut self, now: Timestamp) {
        for job in &mut self.jobs {
            job.live_on(now);
        }
    }

    /// The jobs as they are, each with the time at which its next cycle begins.
    pub(in super::super) fn shown(&self, now: Timestamp) -> Value {
        let has_credentials = self.has_credentials();
        let job = |job: &Job| {
            let mut shown = shape::shown(job, now, has_credentials);
            shown.insert("nextRun".to_owned(), json!(job.next_run.filter(|_| job.is_living())));
            Value::Object(shown)
        };
        self.jobs.iter().map(job).collect()
    }

    /// Breaks or mends the target.
    pub(in super::super) fn set_target(&mut self, target: &ProvisioningTarget) {
        let ProvisioningTarget { credentials, quarantine, scope_empty } = target;
        match credentials {
            Some(TargetCredentials::Good) => {
                self.refused = None;
                self.quarantine = None;
            }
            Some(TargetCredentials::Broken) => self.refused = Some(self.secrets.clone()),
            None => {}
        }
        self.quarantine = quarantine.or(self.quarantine);
        if let Some(is_empty) = *scope_empty {
            self.scope_is_empty = is_empty;
        }
    }

    /// Whether credentials were provided.
    pub(super) fn has_credentials(&self) -> bool {
        self.has_unknown_credentials || !self.secrets.is_empty()
    }

    /// What a cycle runs into, if anything.
    pub(super) fn fault(&self) -> Option<Fault> {
        if !self.has_credentials() {
            return Some(CREDENTIALS_MISSING);
        }
        if self.refuses(&self.secrets) {
            return Some(CREDENTIALS_REFUSED);
        }
        self.quarantine.map(|reason| Fault {
            reason,
            code: "QuarantineConditionEncountered",
            message: "The synchronization job met a condition that puts it into quarantine.",
        })
    }

    /// Whether the target refuses these credentials.
    pub(super) fn refuses(&self, credentials: &BTreeMap<String, String>) -> bool {
        self.refused.as_ref() == Some(credentials)
    }
}
