//! One object and its tenant, for `diagnose`: looked at as `plan` does, or as the operator published it.

use jiff::Timestamp;
use kube::ResourceExt as _;
use serde::Serialize;

pub use super::credential::{CredentialArguments, Secrets};
use super::{Looked, Looker, Outcome, Planned, applications, outcome, sentences};
use crate::{
    api::{AppId, ConditionType, WebexAzureIntegration, WebexAzureIntegrationStatus},
    clock::Clock,
    domain::{Attribution, Desired, Observation, cloud::Endpoints, diagnosis::conclusion::State},
    graph::{Credential, Exchange, Graph, Transport},
};

/// One object and what is known of its tenant.
#[derive(Debug, Serialize)]
pub struct Examination {
    #[serde(flatten)]
    planned: Planned,
    /// What should be.
    #[serde(skip)]
    pub desired: Desired,
    /// When it was looked at; none if the operator told it.
    #[serde(skip)]
    pub looked: Option<Timestamp>,
    /// Whether not even the first question was answered.
    #[serde(skip)]
    pub is_blocked: bool,
    /// Requests of the look that were not answered as hoped.
    #[serde(skip)]
    pub failed: Vec<Exchange>,
}

/// What every look has in common.
#[derive(Debug)]
pub struct Examiner<'a, T> {
    /// Who asks.
    pub graph: &'a Graph<T>,
    /// The time.
    pub clock: &'a Clock,
    /// Whom to ask instead of Microsoft.
    pub server: Option<&'a str>,
    /// Applications for which consent links may be given, besides the catalog's.
    pub linkable: &'a [AppId],
    /// How it is told who made a difference.
    pub attribution: Attribution,
}

impl<T: Transport> Examiner<'_, T> {
    /// Looks at the tenant of this object.
    pub async fn look(
        &self,
        place: String,
        object: &WebexAzureIntegration,
        credential: &Credential,
    ) -> anyhow::Result<Examination> {
        let endpoints = self.endpoints(object);
        let looker = Looker {
            clock: self.clock,
            endpoints: &endpoints,
            linkable: self.linkable,
            attribution: self.attribution,
            explains: false,
        };
        let looked = looker.look_and_inquire(self.graph, place, object, credential).await?;
        let Looked { planned, look, desired, decided, memory: _ } = looked;
        // Later looks may know more of the applications than the declaration.
        let desired = planned.desired.clone().unwrap_or(desired);
        Ok(Examination {
            planned,
            desired,
            looked: Some(decided),
            is_blocked: matches!(look.observation, Observation::Blocked(_)),
            failed: look.trail.into_iter().filter(|exchange| !exchange.is_good()).collect(),
        })
    }

    /// Where this object's tenant is asked.
    pub fn endpoints(&self, object: &WebexAzureIntegration) -> Endpoints {
        let endpoints = Endpoints::of(object.spec.cloud);
        match self.server {
            Some(base) => endpoints.played_by(base),
            None => endpoints,
        }
    }
}

impl Examination {
    /// What the operator published.
    pub fn published(place: String, object: &WebexAzureIntegration) -> anyhow::Result<Self> {
        let desired = desired(object)?;
        let status = object.status.clone().unwrap_or_default();
        let planned = Planned {
            file: place,
            namespace: object.namespace(),
            name: object.name_any(),
            tenant_id: desired.tenant.to_string(),
            result: outcome(&status),
            status,
            explanation: None,
            desired: None,
        };
        Ok(Self { planned, desired, looked: None, is_blocked: false, failed: Vec::new() })
    }

    /// The status.
    pub const fn status(&self) -> &WebexAzureIntegrationStatus {
        &self.planned.status
    }

    /// What it comes to.
    pub const fn state(&self) -> State {
        match self.planned.result {
            Outcome::InSync => State::AsDeclared,
            Outcome::Drifted => State::Differs,
            Outcome::Failed => State::Unread,
        }
    }

    /// Whether a look of our own could read everything that was needed.
    pub fn is_complete(&self) -> bool {
        let observed = self.planned.status.condition(ConditionType::Observed.as_str());
        self.looked.is_some() && observed.is_some_and(|observed| observed.status == "True")
    }

    /// Why something could not be read, in one word.
    pub fn observed_reason(&self) -> &str {
        self.planned.status.condition(ConditionType::Observed.as_str()).map_or("", |observed| observed.reason.as_str())
    }

    /// Each application in a row.
    pub fn table(&self) -> String {
        applications(&self.planned.status)
    }
}

/// The objects in these files, each with its file, and the Secrets.
pub fn declared_in(files: &[String]) -> anyhow::Result<(Vec<(String, WebexAzureIntegration)>, Secrets)> {
    super::read_files(files)
}

/// What this object declares.
pub fn desired(object: &WebexAzureIntegration) -> anyhow::Result<Desired> {
    Desired::from_spec(&object.spec).map_err(|violations| anyhow::anyhow!("{}", sentences(&violations)))
}
