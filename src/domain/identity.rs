//! Which application of the tenant is "Cisco Webex Identity", where the declaration does not say. A name proves nothing:
//! whoever may register applications may choose it.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    desired::{Desired, IDENTITY_NAME},
    observed::{Candidate, Candidates, Observed},
    text,
};
use crate::api::{AppId, WebexAzureIntegrationStatus, status::ApplicationStatus};

/// Most candidates that are named.
const NAMED_MAX: usize = 3;

/// What a declaration asks for once it is as clear as it can be which application is meant.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// The declaration, with the application in it if it is known.
    pub desired: Cow<'a, Desired>,
    /// Why it is not known, if it is not.
    pub unsettled: Option<Unsettled>,
}

/// Why it is not known which application is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// What could tell was not read.
    NotRead,
    /// Nothing proves it, and a person has to say which one it is.
    NotProved {
        /// The sentences for that person.
        message: String,
    },
}

impl Unsettled {
    /// The entry in the status of an application that is not known.
    pub fn entry(&self) -> ApplicationStatus {
        let state = match self {
            Self::NotRead => "Unknown",
            Self::NotProved { .. } => "NotProved",
        };
        ApplicationStatus {
            name: IDENTITY_NAME.to_owned(),
            state: Some(state.to_owned()),
            ..ApplicationStatus::default()
        }
    }
}

/// Finds out which application is meant: the one that a look proved, else the one that was found earlier.
pub fn resolve<'a>(
    desired: &'a Desired,
    observed: Option<&Observed>,
    previous: &WebexAzureIntegrationStatus,
) -> Resolved<'a> {
    if desired.sought.is_none() {
        return Resolved { desired: Cow::Borrowed(desired), unsettled: None };
    }
    let read = observed.and_then(|observed| observed.identity.known());
    if let Some(app_id) = read.and_then(Candidates::only_proved).or_else(|| found_earlier(previous)) {
        return Resolved { desired: Cow::Owned(desired.with_identity(app_id)), unsettled: None };
    }
    let unsettled = read.map_or(Unsettled::NotRead, |candidates| not_proved(desired, candidates));
    Resolved { desired: Cow::Borrowed(desired), unsettled: Some(unsettled) }
}

/// The application that the status remembers.
pub fn found_earlier(previous: &WebexAzureIntegrationStatus) -> Option<AppId> {
    previous.application(IDENTITY_NAME)?.app_id.as_deref()?.parse().ok()
}

fn not_proved(desired: &Desired, candidates: &Candidates) -> Unsettled {
    let Candidates { proved, suggested } = candidates;
    let tenant = desired.tenant;
    let pin = "Write its Application ID into the declaration: spec.identity.appId";
    let message = if !proved.is_empty() {
        format!(
            "Several applications of tenant {tenant} were created or are owned by \"Cisco Webex Identity Integration\", so that it \
             is not clear which of them is \"Cisco Webex Identity\": {}. {pin}, such as appId: {}.",
            named(proved),
            first(proved)
        )
    } else if !suggested.is_empty() {
        format!(
            "Nothing proves which application of tenant {tenant} is \"Cisco Webex Identity\". By its name it may be {}; a name \
             proves nothing, so look at it under Entra admin center > Enterprise applications. {pin}, such as appId: {}.",
            named(suggested),
            first(suggested)
        )
    } else {
        format!(
            "No application of tenant {tenant} is named \"Cisco Webex Identity\", and \"Cisco Webex Identity Integration\" neither \
             created nor owns one. If it is there under another name (Entra admin center > Enterprise applications), write its Application ID into the \
             declaration: spec.identity.appId. If it was never set up: Control Hub > Organization Settings > Directory Synchronization, as full administrator; \
             or set spec.identity.check to false."
        )
    };
    Unsettled::NotProved { message: text::capped(message) }
}

fn named(candidates: &BTreeMap<AppId, Candidate>) -> String {
    let names: Vec<String> = candidates
        .iter()
        .map(|(app_id, candidate)| format!("\"{}\" (appId {app_id})", text::safe(&candidate.display_name)))
        .collect();
    text::listed(&names, NAMED_MAX)
}

fn first(candidates: &BTreeMap<AppId, Candidate>) -> String {
    candidates.keys().next().map(ToString::to_string).unwrap_or_default()
}
