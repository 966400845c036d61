//! What a look came to, without the sentences: they name what the look was about.

use serde::{Deserialize, Serialize};

use crate::api::WebexAzureIntegrationStatus;

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Verdict {
    /// Conditions, in the order of the status.
    pub conditions: Vec<JudgedCondition>,
    /// Differences, in the order of the status.
    pub drift: Vec<JudgedDrift>,
    /// Applications, in the order of the status.
    pub applications: Vec<JudgedApplication>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedCondition {
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// True, False or Unknown.
    pub status: String,
    /// Its reason.
    pub reason: String,
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedDrift {
    /// The application.
    pub application: String,
    /// What kind of difference.
    pub reason: String,
    /// What a person does about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
}

/// An application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgedApplication {
    /// Its name.
    pub name: String,
    /// How it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How many permissions it holds, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<i64>,
    /// How many it lacks.
    pub missing: usize,
}

impl Verdict {
    /// The verdict of this status, with the applications named so.
    pub fn of(status: &WebexAzureIntegrationStatus, mut named: impl FnMut(&str) -> String) -> Self {
        let conditions = status.conditions.iter().map(|condition| JudgedCondition {
            type_: condition.type_.clone(),
            status: condition.status.clone(),
            reason: condition.reason.clone(),
        });
        let drift = status.drift.iter().map(|entry| JudgedDrift {
            application: named(&entry.application),
            reason: entry.reason.clone(),
            action: entry.remedy.as_ref().map(|remedy| remedy.action.clone()),
        });
        let (conditions, drift) = (conditions.collect(), drift.collect());
        let applications = status.applications.iter().map(|application| JudgedApplication {
            name: named(&application.name),
            state: application.state.clone(),
            granted: application.consent.as_ref().and_then(|consent| consent.granted),
            missing: application.consent.as_ref().map_or(0, |consent| consent.missing.len()),
        });
        Self { conditions, drift, applications: applications.collect() }
    }
}
