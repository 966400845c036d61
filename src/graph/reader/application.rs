//! What is asked about one application: its service principal, what it holds, who is assigned to it, its provisioning jobs
//! and its credentials; and where it is not there, whether it was deleted.

use std::collections::BTreeSet;

use super::{
    super::{
        list::Pages,
        metric::Strange,
        trail::Operation,
        transport::Transport,
        wire::{
            Page, WireAppRoleAssignment, WireAssigned, WireCredentials, WireDeletedObject, WireOAuth2PermissionGrant,
            WireRegistration, WireServicePrincipal, WireSynchronizationJob, unrecognised,
        },
    },
    Answers, Reader, Refused, Round, Sight, by_app_id,
    reading::{Answered, map},
};
use crate::{
    api::{AppId, ObjectId, PermissionKind, SignIn},
    domain::{
        Desired, Obstacle, Reading,
        desired::DesiredApplication,
        observed::{
            AppRoleAssignment, Assigned, DeletedObject, OAuth2PermissionGrant, ObservedApplication,
            PrincipalCredential, ServicePrincipal, Switch, SynchronizationJob,
        },
        permission::{self, Need},
    },
};

/// Assignments that are read at once. In nearly every tenant the first few show a person or a group, and then no more are
/// asked for.
const ASSIGNED_AT_ONCE: u32 = 10;

/// Pages of assignments that are looked through for a person or a group. Where so many applications come first, nothing is
/// said of people.
const ASSIGNED_PAGES_MAX: usize = 20;

impl<T: Transport> Reader<'_, T> {
    /// Everything of this application that can be asked with what is known.
    pub(super) fn open_application(
        &self,
        round: &mut Round<'_, T>,
        sight: &Sight<'_>,
        application: &DesiredApplication,
        seen: &ObservedApplication,
    ) {
        let id = application.app_id;
        let base = by_app_id(id);
        self.open_principal(round, application, seen);
        if application.reads(PermissionKind::Application) {
            let url = || format!("{base}/appRoleAssignments?$select=appRoleId,resourceId");
            round.ask(Operation::AppRoleAssignments, format!("roles {id}"), url);
        }
        if application.reads(PermissionKind::Delegated) {
            let url = || format!("{base}/oauth2PermissionGrants?$select=resourceId,consentType,scope");
            round.ask(Operation::OAuth2PermissionGrants, format!("grants {id}"), url);
        }
        if seen.service_principal == Reading::Absent {
            open_deleted(round, id);
            return;
        }
        let provisions = provisions(&sight.desired, application);
        // Documented by object ID only.
        if provisions && let Some(object) = sight.principals.get(&id) {
            let url = || format!("/servicePrincipals/{object}/synchronization/jobs");
            round.ask(Operation::SynchronizationJobs, format!("jobs {object}"), url);
        }
        let is_closed = seen.service_principal.known().is_some_and(|principal| principal.assignment_required);
        if provisions || (is_closed && application.sign_in == SignIn::Enabled) {
            let url = || format!("{base}/appRoleAssignedTo?$select=principalType&$top={ASSIGNED_AT_ONCE}");
            round.ask(Operation::AppRoleAssignedTo, format!("assigned {id}"), url);
        }
        if seen.registration == Reading::NotAsked && self.is_deactivated_here(application, seen) {
            let url = || format!("/applications(appId='{id}')?$select={}", WireRegistration::SELECT);
            round.ask(Operation::Registration, format!("registration {id}"), url);
        }
    }

    /// Whether somebody of this tenant deactivated it. Of an application of another tenant's neither the registration nor
    /// the record of it can be seen here.
    fn is_deactivated_here(&self, application: &DesiredApplication, seen: &ObservedApplication) -> bool {
        let here = Some(self.question.desired.tenant);
        let principal = seen.service_principal.known().filter(|_| application.sign_in == SignIn::Enabled);
        principal.is_some_and(|principal| principal.is_disabled == Switch::On && principal.owner == here)
    }

    /// The service principal, as a whole where its credentials are not remembered: they are among what cannot be selected
    /// often.
    fn open_principal(&self, round: &mut Round<'_, T>, application: &DesiredApplication, seen: &ObservedApplication) {
        let id = application.app_id;
        let (part, whole) = (format!("principal {id}"), format!("whole {id}"));
        let is_first = !round.is_asked(&part) && !round.is_asked(&whole);
        let is_wanted = application.warn_before.is_some();
        let must_be_whole = if is_first {
            is_wanted && self.remembered_credentials(id).is_none()
        } else {
            is_wanted && seen.service_principal.known().is_some() && seen.credentials == Reading::NotAsked
        };
        if must_be_whole {
            round.ask(Operation::ServicePrincipal, whole, || by_app_id(id));
        } else if is_first {
            let url = || format!("{}?$select={}", by_app_id(id), WireServicePrincipal::SELECT);
            round.ask(Operation::ServicePrincipal, part, url);
        }
    }

    /// What a round tells of this application.
    pub(super) async fn take_application(
        &self,
        sight: &mut Sight<'_>,
        application: &DesiredApplication,
        seen: &mut ObservedApplication,
        answers: &mut Answers,
    ) -> Result<(), Refused> {
        let id = application.app_id;
        let jobs_of = sight.principals.get(&id).copied();
        self.take_principal(sight, application, seen, answers);
        let is_absent = seen.service_principal == Reading::Absent;
        // Without a principal the lists are answered 404 too; that is no trouble of its own.
        let roles = answers.remove(&format!("roles {id}")).filter(|_| !is_absent);
        let grants = answers.remove(&format!("grants {id}")).filter(|_| !is_absent);
        let assigned = answers.remove(&format!("assigned {id}")).filter(|_| !is_absent);
        if let Some(answer) = roles {
            let list = self.list::<WireAppRoleAssignment>(answer, Need::AppRoleAssignments).await?;
            seen.app_role_assignments = map(list, |list| {
                for wire in &list {
                    sight.holdings.role(wire.resource_id, wire.app_role_id);
                }
                let held = |wire: WireAppRoleAssignment| AppRoleAssignment {
                    resource: wire.resource_id,
                    app_role: wire.app_role_id,
                };
                Reading::Known(list.into_iter().map(held).collect())
            });
        }
        if let Some(answer) = grants {
            let list = self.list::<WireOAuth2PermissionGrant>(answer, Need::OAuth2PermissionGrants).await?;
            seen.oauth2_permission_grants = map(list, |list| {
                for wire in &list {
                    sight.holdings.resource(wire.resource_id);
                }
                Reading::Known(list.iter().flat_map(scopes).collect())
            });
        }
        if let Some(answer) = assigned {
            seen.assigned = self.assigned(answer, application.provisioning).await?;
        }
        if let Some(object) = jobs_of
            && let Some(answer) = answers.remove(&format!("jobs {object}"))
        {
            self.take_jobs(object, seen, answer).await?;
        }
        self.take_registration(application, seen, answers.remove(&format!("registration {id}")));
        self.take_deleted(id, seen, answers).await
    }

    fn take_principal(
        &self,
        sight: &mut Sight<'_>,
        application: &DesiredApplication,
        seen: &mut ObservedApplication,
        answers: &mut Answers,
    ) {
        let id = application.app_id;
        let earlier = seen.service_principal.known().map(|principal| principal.id);
        if let Some(answer) = answers.remove(&format!("principal {id}")) {
            seen.service_principal = self.principal(id, answer);
            let remembered = self.remembered_credentials(id).filter(|_| application.warn_before.is_some());
            if let (Some((of, list)), Some(principal)) = (remembered, seen.service_principal.known())
                && of == principal.id
            {
                seen.credentials = Reading::Known(list);
            }
        }
        if let Some(answer) = answers.remove(&format!("whole {id}")) {
            (seen.service_principal, seen.credentials) = self.whole(id, answer);
        }
        if let Some(principal) = seen.service_principal.known() {
            sight.principals.insert(id, principal.id);
            if earlier.is_some_and(|earlier| earlier != principal.id) {
                seen.jobs = Reading::NotAsked;
            }
        }
    }

    fn principal(&self, id: AppId, answer: Answered) -> Reading<ServicePrincipal> {
        map(self.read::<WireServicePrincipal>(answer, Need::ServicePrincipals), |wire| {
            wire.observed(id).map_or_else(
                || Reading::Unreadable(Obstacle::malformed("it was about another application")),
                |seen| {
                    let switches = [seen.account_enabled, seen.is_disabled, seen.disabled_by_microsoft];
                    let unknown = switches.iter().filter(|switch| **switch == Switch::Unrecognised).count();
                    self.line.metrics.strange(Strange::UnrecognisedValue, unknown);
                    Reading::Known(seen)
                },
            )
        })
    }

    /// A service principal with its credentials, which are remembered.
    fn whole(&self, id: AppId, answer: Answered) -> (Reading<ServicePrincipal>, Reading<Vec<PrincipalCredential>>) {
        let credentials = match &answer {
            Ok(answer) => answer.body.as_ref().and_then(WireCredentials::of),
            Err(_) => None,
        };
        let principal = self.principal(id, answer);
        let credentials = map(principal.clone(), |principal| match credentials {
            Some(list) => {
                let (key, now) = (&self.question.credential.key, self.graph.clock.instant());
                self.graph.memory.keep_credentials(key, id, principal.id, list.clone(), now);
                Reading::Known(list)
            }
            None => Reading::Unreadable(Obstacle::malformed("a service principal came without its credentials")),
        });
        // Nobody has the credentials of what is not there.
        let credentials = if credentials == Reading::Absent { Reading::NotAsked } else { credentials };
        (principal, credentials)
    }

    fn remembered_credentials(&self, id: AppId) -> Option<(ObjectId, Vec<PrincipalCredential>)> {
        self.graph.memory.credentials(&self.question.credential.key, id, self.graph.clock.instant())
    }

    /// Whether anyone is assigned. For people the list is read on until there is one; where too many others come first, it
    /// is not said that there are none. So for a type of assignment that this version does not know.
    async fn assigned(&self, first: Answered, for_people: bool) -> Result<Reading<Assigned>, Refused> {
        let mut page = match self.read::<Page<WireAssigned>>(first, Need::AppRoleAssignments) {
            Reading::Known(page) => page,
            Reading::Absent => {
                let sentence = "a list that is always there was not found";
                return Ok(Reading::Unreadable(Obstacle::malformed(sentence)));
            }
            Reading::Unreadable(obstacle) => return Ok(Reading::Unreadable(obstacle)),
            Reading::NotAsked => return Ok(Reading::NotAsked),
        };
        let mut pages: Pages<WireAssigned> = Pages::new(self.question.endpoints.graph.clone());
        let mut any = false;
        for _ in 0..ASSIGNED_PAGES_MAX {
            any |= !page.value.is_empty();
            let unknown = page.value.iter().filter(|one| one.is_person().is_none()).count();
            self.line.metrics.strange(Strange::UnrecognisedValue, unknown);
            let people = page.value.iter().any(|one| one.is_person() != Some(false));
            let link = match pages.take(page) {
                Ok(link) => link.filter(|_| !(people || (any && !for_people))),
                Err(obstacle) => {
                    self.line.metrics.strange(Strange::RefusedLink, 1);
                    return Ok(if people {
                        Reading::Known(Assigned { any, people })
                    } else {
                        Reading::Unreadable(obstacle)
                    });
                }
            };
            let Some(link) = link else { return Ok(Reading::Known(Assigned { any, people })) };
            page = match self.page(&link, Need::AppRoleAssignments).await {
                Ok(page) => page,
                Err(Refused::Token { claims }) => return Err(Refused::Token { claims }),
                Err(Refused::Obstacle(obstacle)) => return Ok(Reading::Unreadable(obstacle)),
            };
        }
        Ok(Reading::Known(Assigned { any, people: true }))
    }

    /// Jobs of the service principal with this object ID count if it is the one that is there.
    async fn take_jobs(
        &self,
        object: ObjectId,
        seen: &mut ObservedApplication,
        answer: Answered,
    ) -> Result<(), Refused> {
        let is_other = seen.service_principal.known().is_some_and(|principal| principal.id != object);
        if is_other || seen.service_principal == Reading::Absent {
            return Ok(());
        }
        let list = self.list::<WireSynchronizationJob>(answer, Need::SynchronizationJobs).await?;
        seen.jobs = map(list, |list| {
            let jobs: Vec<SynchronizationJob> = list.into_iter().map(WireSynchronizationJob::observed).collect();
            self.line.metrics.strange(Strange::UnrecognisedValue, jobs.iter().map(unrecognised).sum());
            Reading::Known(jobs)
        });
        Ok(())
    }

    /// An application keeps its registration for as long as it lives, so that one that was read once is not asked for
    /// again.
    fn take_registration(
        &self,
        application: &DesiredApplication,
        seen: &mut ObservedApplication,
        answer: Option<Answered>,
    ) {
        let id = application.app_id;
        if let Some(answer) = answer {
            seen.registration = map(self.read::<WireRegistration>(answer, Need::ServicePrincipals), |wire| {
                wire.observed(id).map_or_else(
                    || Reading::Unreadable(Obstacle::malformed("it was about another application")),
                    Reading::Known,
                )
            });
        } else if let Some(remembered) = self.question.recall.registrations.get(&id)
            && self.is_deactivated_here(application, seen)
        {
            seen.registration = Reading::Known(*remembered);
        }
    }

    async fn take_deleted(
        &self,
        id: AppId,
        seen: &mut ObservedApplication,
        answers: &mut Answers,
    ) -> Result<(), Refused> {
        if let Some(answer) = answers.remove(&format!("servicePrincipal {id}")) {
            seen.deleted_service_principals = self.deleted(id, answer).await?;
        }
        if let Some(answer) = answers.remove(&format!("application {id}")) {
            seen.deleted_applications = self.deleted(id, answer).await?;
        }
        Ok(())
    }

    async fn deleted(&self, id: AppId, answer: Answered) -> Result<Reading<Vec<DeletedObject>>, Refused> {
        let list = self.list::<WireDeletedObject>(answer, Need::DeletedItems).await?;
        Ok(map(list, |list| {
            let objects: BTreeSet<DeletedObject> = list.into_iter().filter_map(|wire| wire.observed(id)).collect();
            Reading::Known(objects.into_iter().collect())
        }))
    }
}

/// What is asked only of applications whose service principal is not there.
fn open_deleted<T: Transport>(round: &mut Round<'_, T>, id: AppId) {
    for kind in ["servicePrincipal", "application"] {
        let url = || {
            format!(
                "/directory/deletedItems/microsoft.graph.{kind}?$filter=appId%20eq%20%27{id}%27\
                 &$select=id,appId,displayName,deletedDateTime"
            )
        };
        round.ask(Operation::DeletedItems, format!("{kind} {id}"), url);
    }
}

/// Whether provisioning is looked at.
pub(super) fn provisions(desired: &Desired, application: &DesiredApplication) -> bool {
    application.provisioning && permission::offers_jobs(desired.cloud)
}

/// The values of a grant's scope: separated by spaces, with spaces in front, twice or not at all.
fn scopes(wire: &WireOAuth2PermissionGrant) -> Vec<OAuth2PermissionGrant> {
    let scope = wire.scope.as_deref().unwrap_or_default();
    scope
        .split_whitespace()
        .map(|value| OAuth2PermissionGrant {
            resource: wire.resource_id,
            consent: wire.consent(),
            scope: value.to_owned(),
        })
        .collect()
}
