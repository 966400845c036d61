//! The questions of one look and what their answers mean.
//!
//! A look goes in rounds. Each round asks, in one batch, everything that is open and can be asked with what is known by
//! then; in the steady state that is one round. What a round finds out may open further questions: a deletion is looked
//! for where something is missing, a provisioning job can only be asked for by an object ID. Every question is asked once.

mod application;
mod ask;
mod audit;
mod discovery;
mod reading;
mod resource;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    batch::Item,
    line::Line,
    look::{Graph, Priority, Question},
    token::Token,
    trail::Operation,
    transport::Transport,
};
use crate::{
    api::{AppId, ObjectId},
    domain::{Desired, Observed, Obstacle, Reading, observed::ObservedApplication},
};

use discovery::Discovery;
use resource::Holdings;

pub(super) use ask::{Answers, Refused, budget_key};

/// Most rounds of a look: the longest one, in which the application that was known is gone and another one is found by its
/// registration, has six.
const ROUNDS_MAX: u32 = 8;

/// One question on its way.
pub(super) struct Reader<'a, T> {
    /// Who asks.
    pub graph: &'a Graph<T>,
    /// What.
    pub question: Question<'a>,
    /// Through what.
    pub line: Line<'a>,
    /// With what.
    pub token: &'a Token,
}

/// What is known so far.
struct Sight<'a> {
    /// What should be; with "Cisco Webex Identity" in it once that is found.
    desired: Cow<'a, Desired>,
    observed: Observed,
    /// Names of the items that were asked.
    asked: BTreeSet<String>,
    /// Object IDs of service principals: as remembered, then as read.
    principals: BTreeMap<AppId, ObjectId>,
    holdings: Holdings,
    discovery: Discovery,
}

/// The items of one round.
struct Round<'a, T> {
    reader: &'a Reader<'a, T>,
    asked: &'a BTreeSet<String>,
    items: Vec<Item>,
}

impl<T: Transport> Round<'_, T> {
    /// Whether this was asked, in this round or in an earlier one.
    fn is_asked(&self, name: &str) -> bool {
        self.asked.contains(name) || self.items.iter().any(|item| item.id == name)
    }

    /// Asks this, unless it was asked.
    fn ask(&mut self, operation: Operation, name: String, url: impl FnOnce() -> String) {
        if self.is_asked(&name) {
            return;
        }
        let gives_way = self.reader.question.priority == Priority::Nobody;
        let client_request_id = self.reader.graph.clock.uuid().to_string();
        self.items.push(Item::get(operation, name, url(), client_request_id, gives_way));
    }
}

impl<T: Transport> Reader<'_, T> {
    /// The whole look with this token.
    pub async fn look(&self) -> Result<Observed, Refused> {
        let mut sight = self.begin();
        for round in 0..ROUNDS_MAX {
            let items = self.open(&mut sight);
            if items.is_empty() {
                break;
            }
            let mut answers = if round == 0 { self.batches(&items).await? } else { self.further(&items).await? };
            for item in items {
                let unanswered = || Err(Obstacle::malformed("$batch left a question unanswered"));
                answers.entry(item.id.clone()).or_insert_with(unanswered);
                sight.asked.insert(item.id);
            }
            self.take_in(&mut sight, &mut answers).await?;
        }
        let mut observed = finished(sight);
        observed.audits = self.audits().await;
        Ok(observed)
    }

    fn begin(&self) -> Sight<'_> {
        let desired = self.question.desired;
        let applications = desired.applications.iter().map(|application| (application.app_id, unread()));
        Sight {
            observed: Observed {
                resources: self.remembered_resources(),
                unnamed: BTreeSet::new(),
                identity: Reading::NotAsked,
                applications: applications.collect(),
                audits: BTreeMap::new(),
            },
            desired: Cow::Borrowed(desired),
            asked: BTreeSet::new(),
            principals: self.question.recall.principals.clone(),
            holdings: Holdings::default(),
            discovery: Discovery::default(),
        }
    }

    /// Everything that can be asked with what is known.
    fn open(&self, sight: &mut Sight<'_>) -> Vec<Item> {
        self.remembered_names(sight);
        let sight = &*sight;
        let mut round = Round { reader: self, asked: &sight.asked, items: Vec::new() };
        self.open_resources(&mut round, sight);
        for application in &sight.desired.applications {
            if let Some(seen) = sight.observed.applications.get(&application.app_id) {
                self.open_application(&mut round, sight, application, seen);
            }
        }
        self.open_names(&mut round, sight);
        discovery::open_discovery(&mut round, sight);
        round.items
    }

    async fn take_in(&self, sight: &mut Sight<'_>, answers: &mut Answers) -> Result<(), Refused> {
        self.take_resources(sight, answers);
        let desired = sight.desired.clone();
        for application in &desired.applications {
            let Some(mut seen) = sight.observed.applications.remove(&application.app_id) else { continue };
            let taken = self.take_application(sight, application, &mut seen, answers).await;
            sight.observed.applications.insert(application.app_id, seen);
            taken?;
        }
        self.take_names(sight, answers);
        self.take_discovery(sight, answers).await
    }

    /// A round after the first: what stands in its way takes nothing away from what is known.
    async fn further(&self, items: &[Item]) -> Result<Answers, Refused> {
        match self.batches(items).await {
            Err(Refused::Obstacle(obstacle)) => {
                Ok(items.iter().map(|item| (item.id.clone(), Err(obstacle.clone()))).collect())
            }
            answered => answered,
        }
    }
}

/// What could not be asked because a service principal could not be read is as unreadable as it.
fn finished(sight: Sight<'_>) -> Observed {
    let Sight { desired, mut observed, .. } = sight;
    for application in &desired.applications {
        if let Some(seen) = observed.applications.get_mut(&application.app_id)
            && let Reading::Unreadable(obstacle) = &seen.service_principal
        {
            if application::provisions(&desired, application) && seen.jobs == Reading::NotAsked {
                seen.jobs = Reading::Unreadable(obstacle.clone());
            }
            if application.warn_before.is_some() && seen.credentials == Reading::NotAsked {
                seen.credentials = Reading::Unreadable(obstacle.clone());
            }
        }
    }
    observed
}

/// An application of which nothing was asked yet.
const fn unread() -> ObservedApplication {
    ObservedApplication {
        service_principal: Reading::NotAsked,
        app_role_assignments: Reading::NotAsked,
        oauth2_permission_grants: Reading::NotAsked,
        deleted_service_principals: Reading::NotAsked,
        deleted_applications: Reading::NotAsked,
        assigned: Reading::NotAsked,
        jobs: Reading::NotAsked,
        credentials: Reading::NotAsked,
        registration: Reading::NotAsked,
    }
}

/// By the alternate key; the ID is a UUID, so nothing needs escaping.
/// <https://learn.microsoft.com/en-us/graph/api/serviceprincipal-get>
fn by_app_id(id: AppId) -> String {
    format!("/servicePrincipals(appId='{id}')")
}
