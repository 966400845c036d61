//! Finding "Cisco Webex Identity", whose application ID differs in each tenant: asked only while it is not known, or when
//! the one that was known is gone for good.
//!
//! A name proves nothing, since anyone may give it to anything. It is proved that the integration made an application if
//! the application says so, or if it is among what the integration's service principal owns or created.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{trail::Operation, transport::Transport, wire::WireCandidate},
    Answers, Cow, Reader, Refused, Round, Sight, by_app_id,
    reading::{Answered, map},
    unread,
};
use crate::{
    api::AppId,
    domain::{
        Obstacle, Reading,
        desired::Role,
        observed::{Candidate, Candidates},
        permission::Need,
    },
};

/// What Cisco's wizard calls the application.
const NAME: &str = "Cisco%20Webex%20Identity";

/// What the search has found so far.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    candidates: Candidates,
    /// Applications that are proved and whose service principal was not met yet.
    registrations: BTreeSet<AppId>,
    obstacle: Option<Obstacle>,
    is_done: bool,
}

impl<T: Transport> Reader<'_, T> {
    pub(super) async fn take_discovery(&self, sight: &mut Sight<'_>, answers: &mut Answers) -> Result<(), Refused> {
        let Some(maker) = is_sought(sight) else { return Ok(()) };
        if let Some(answer) = answers.remove("named") {
            let named = self.candidates(answer).await?;
            for (app, wire) in sight.discovery.noted(named).into_iter().filter(|(app, _)| *app != maker) {
                let is_proved = wire.created_by_app_id == Some(maker);
                sight.discovery.found(app, wire, is_proved);
            }
            for list in ["owned", "created"] {
                let Some(answer) = answers.remove(list) else { continue };
                let made = match self.candidates(answer).await? {
                    // The integration itself is gone; what it made says so, or nothing does.
                    Reading::Absent => Reading::Known(Vec::new()),
                    made @ (Reading::Known(_) | Reading::Unreadable(_) | Reading::NotAsked) => made,
                };
                for (app, wire) in sight.discovery.noted(made).into_iter().filter(|(app, _)| *app != maker) {
                    if wire.is_principal() {
                        sight.discovery.found(app, wire, true);
                    } else {
                        sight.discovery.registrations.insert(app);
                    }
                }
            }
            sight.discovery.forget_registrations_of_the_found();
        }
        for app in sight.discovery.registrations.clone() {
            let Some(answer) = answers.remove(&format!("candidate {app}")) else { continue };
            sight.discovery.registrations.remove(&app);
            let one = map(self.read::<WireCandidate>(answer, Need::ServicePrincipals), |one| Reading::Known(vec![one]));
            for (own, wire) in sight.discovery.noted(one) {
                sight.discovery.found(own, wire, own == app);
            }
        }
        if sight.asked.contains("named") {
            sight.conclude();
        }
        Ok(())
    }

    /// A list of candidates; absent if whose it is is not there.
    async fn candidates(&self, answer: Answered) -> Result<Reading<Vec<WireCandidate>>, Refused> {
        if let Ok(answer) = &answer
            && self.refused::<()>(answer, Need::ServicePrincipals) == Reading::Absent
        {
            return Ok(Reading::Absent);
        }
        self.list(answer, Need::ServicePrincipals).await
    }
}

/// The lists that may name it; then the service principals of registrations among them.
pub(super) fn open_discovery<T: Transport>(round: &mut Round<'_, T>, sight: &Sight<'_>) {
    let Some(maker) = is_sought(sight) else { return };
    let (select, made) = (WireCandidate::SELECT, by_app_id(maker));
    round.ask(Operation::Candidates, "named".to_owned(), || {
        format!("/servicePrincipals?$filter=startswith(displayName,%27{NAME}%27)&$select={select}")
    });
    for list in ["owned", "created"] {
        round.ask(Operation::Candidates, list.to_owned(), || format!("{made}/{list}Objects?$select={select}"));
    }
    for app in &sight.discovery.registrations {
        let url = || format!("{}?$select={select}", by_app_id(*app));
        round.ask(Operation::Candidates, format!("candidate {app}"), url);
    }
}

impl Discovery {
    /// Live objects of the list that are about an application. What could not be read leaves the search without a result.
    fn noted(&mut self, list: Reading<Vec<WireCandidate>>) -> Vec<(AppId, WireCandidate)> {
        match list {
            Reading::Known(list) => {
                list.into_iter().filter(WireCandidate::is_live).filter_map(|wire| Some((wire.app_id?, wire))).collect()
            }
            Reading::Absent | Reading::NotAsked => Vec::new(),
            // Not there in this cloud, so that no repetition tells more.
            Reading::Unreadable(obstacle) if obstacle.is_not_offered() => Vec::new(),
            Reading::Unreadable(obstacle) => {
                self.obstacle.get_or_insert(obstacle);
                Vec::new()
            }
        }
    }

    fn found(&mut self, app: AppId, wire: WireCandidate, is_proved: bool) {
        let Some(candidate) = wire.observed() else { return };
        let Candidates { proved, suggested } = &mut self.candidates;
        if is_proved || proved.contains_key(&app) {
            suggested.remove(&app);
            proved.insert(app, candidate);
        } else {
            suggested.insert(app, candidate);
        }
    }

    /// Of a registration that is proved, the service principal may be among what only has the name.
    fn forget_registrations_of_the_found(&mut self) {
        let Self { candidates: Candidates { proved, suggested }, registrations, .. } = self;
        let met: BTreeMap<AppId, Candidate> =
            registrations.iter().filter_map(|app| suggested.remove_entry(app)).collect();
        proved.extend(met);
        registrations.retain(|app| !proved.contains_key(app));
    }
}

impl Sight<'_> {
    /// Ends the search, once nothing of it is open; the one application that is proved is looked at from then on.
    fn conclude(&mut self) {
        let discovery = &mut self.discovery;
        if !discovery.registrations.is_empty() {
            return;
        }
        discovery.is_done = true;
        let candidates = std::mem::take(&mut discovery.candidates);
        self.observed.identity = match discovery.obstacle.take() {
            Some(obstacle) => Reading::Unreadable(obstacle),
            None => Reading::Known(candidates.clone()),
        };
        let Some(app) = self.observed.identity.known().and_then(Candidates::only_proved) else { return };
        let known = self.desired.applications.iter().filter(|application| application.role == Role::Identity);
        for gone in known.filter(|known| known.app_id != app) {
            self.observed.applications.remove(&gone.app_id);
        }
        self.desired = Cow::Owned(self.desired.with_identity(app));
        self.observed.applications.entry(app).or_insert_with(unread);
        self.principals.extend(candidates.proved.get(&app).map(|candidate| (app, candidate.id)));
    }
}

/// The application that made it, while it has to be found: none is known, or the one that was is neither there nor among
/// what can be restored.
fn is_sought(sight: &Sight<'_>) -> Option<AppId> {
    let maker = sight.desired.sought.as_ref()?.maker;
    if sight.discovery.is_done {
        return None;
    }
    let known = sight.desired.applications.iter().find(|application| application.role == Role::Identity);
    let Some(known) = known else { return Some(maker) };
    let seen = sight.observed.applications.get(&known.app_id)?;
    let is_gone = seen.service_principal == Reading::Absent
        && seen.deleted_service_principals.known().is_some_and(Vec::is_empty)
        && seen.deleted_applications.known().is_some_and(Vec::is_empty);
    is_gone.then_some(maker)
}
