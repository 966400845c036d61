//! The questions of one look and what their answers mean: which service principals there are, what they hold, and what of
//! them was deleted.

mod ask;

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    batch::{Item, ItemAnswer},
    budget::Cost,
    call,
    line::Line,
    list::Pages,
    look::{Graph, Priority, Question},
    metric::Strange,
    token::Token,
    trail::Operation,
    transport::Transport,
    wire::{
        ErrorAnswer, Page, WireAppRoleAssignment, WireDeletedObject, WireOAuth2PermissionGrant, WireResourcePrincipal,
        WireServicePrincipal,
    },
};
use crate::{
    api::{AppId, PermissionKind},
    domain::{
        Observed, Obstacle, Reading,
        catalog::MICROSOFT_GRAPH_APP_ID,
        desired::{DesiredApplication, PermissionName},
        observed::{
            AppRoleAssignment, DeletedObject, OAuth2PermissionGrant, ObservedApplication, ResourcePrincipal,
            ServicePrincipal, Switch,
        },
        permission::{self, Need},
    },
};

pub(super) use ask::{Answers, Refused, budget_key};

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

impl<T: Transport> Reader<'_, T> {
    /// The whole look with this token.
    pub async fn look(&self) -> Result<Observed, Refused> {
        let mut observed = self.first().await?;
        self.deleted(&mut observed).await?;
        Ok(observed)
    }

    /// Everything that is asked in the steady state.
    async fn first(&self) -> Result<Observed, Refused> {
        let applications = &self.question.desired.applications;
        let resource_wanted = applications.iter().any(|application| !application.required.is_empty());
        let remembered = self.graph.remembered_resource(&self.question.credential.key, &self.unknown_values());
        let mut items = Vec::new();
        if resource_wanted && remembered.is_none() {
            let select = if self.unknown_values().is_empty() { "id" } else { "id,appRoles" };
            let url = format!("{}?$select={select}", by_app_id(MICROSOFT_GRAPH_APP_ID));
            items.push(self.item(Operation::ResourcePrincipal, "graph".to_owned(), url));
        }
        for application in applications {
            let id = application.app_id;
            let base = by_app_id(id);
            let url = format!("{base}?$select={}", WireServicePrincipal::SELECT);
            items.push(self.item(Operation::ServicePrincipal, format!("principal {id}"), url));
            if needs(application, PermissionKind::Application) {
                let url = format!("{base}/appRoleAssignments?$select=appRoleId,resourceId");
                items.push(self.item(Operation::AppRoleAssignments, format!("roles {id}"), url));
            }
            if needs(application, PermissionKind::Delegated) {
                let url = format!("{base}/oauth2PermissionGrants?$select=resourceId,consentType,scope");
                items.push(self.item(Operation::OAuth2PermissionGrants, format!("grants {id}"), url));
            }
        }
        let mut answers = self.batches(&items).await?;
        let resources = match remembered {
            Some(resource) => BTreeMap::from([(MICROSOFT_GRAPH_APP_ID, Reading::Known(resource))]),
            None if !resource_wanted => BTreeMap::new(),
            None => BTreeMap::from([(MICROSOFT_GRAPH_APP_ID, self.resource(answers.remove("graph")))]),
        };
        let mut observed = BTreeMap::new();
        for application in applications {
            observed.insert(application.app_id, self.application(application, &mut answers).await?);
        }
        Ok(Observed { resources, identity: Reading::NotAsked, applications: observed, audits: BTreeMap::new() })
    }

    fn item(&self, operation: Operation, id: String, url: String) -> Item {
        let gives_way = self.question.priority == Priority::Nobody;
        Item::get(operation, id, url, self.graph.clock.uuid().to_string(), gives_way)
    }

    /// Values of required application permissions whose IDs are not compiled in.
    fn unknown_values(&self) -> BTreeSet<&str> {
        let required = self.question.desired.applications.iter().flat_map(|application| &application.required);
        required
            .filter(|permission| permission.app_role.is_none() && permission.kind != PermissionKind::Delegated)
            .filter_map(|permission| match &permission.name {
                PermissionName::Value(value) => Some(value.as_str()),
                PermissionName::Id(_) => None,
            })
            .collect()
    }

    fn resource(&self, answer: Option<Result<ItemAnswer, Obstacle>>) -> Reading<ResourcePrincipal> {
        let reading = self.read::<WireResourcePrincipal>(answer, Need::ServicePrincipals);
        let wanted = self.unknown_values();
        map(reading, |wire| {
            let resource = ResourcePrincipal {
                id: wire.id,
                display_name: String::new(),
                app_roles: wire.app_roles(|value| wanted.contains(value)),
                scopes: BTreeMap::new(),
            };
            self.graph.remember_resource(&self.question.credential.key, &resource, &wanted);
            Reading::Known(resource)
        })
    }

    async fn application(
        &self,
        application: &DesiredApplication,
        answers: &mut Answers,
    ) -> Result<ObservedApplication, Refused> {
        let id = application.app_id;
        let mut answer = |what: &str| answers.remove(&format!("{what} {id}"));
        let service_principal: Reading<ServicePrincipal> =
            map(self.read::<WireServicePrincipal>(answer("principal"), Need::ServicePrincipals), |wire| {
                wire.observed(id).map_or_else(
                    || Reading::Unreadable(Obstacle::malformed("it was about another application")),
                    |seen| {
                        let switches = [seen.account_enabled, seen.is_disabled, seen.disabled_by_microsoft];
                        let unknown = switches.iter().filter(|switch| **switch == Switch::Unrecognised).count();
                        self.line.metrics.strange(Strange::UnrecognisedValue, unknown);
                        Reading::Known(seen)
                    },
                )
            });
        let (roles, grants) = (answer("roles"), answer("grants"));
        // Without a principal the lists are answered 404 too; that is no trouble of its own.
        let is_absent = service_principal == Reading::Absent;
        let app_role_assignments = if needs(application, PermissionKind::Application) && !is_absent {
            let list = self.list::<WireAppRoleAssignment>(roles, Need::AppRoleAssignments).await?;
            map(list, |list| {
                let assignments = list
                    .into_iter()
                    .map(|wire| AppRoleAssignment { resource: wire.resource_id, app_role: wire.app_role_id });
                Reading::Known(assignments.collect())
            })
        } else {
            Reading::NotAsked
        };
        let oauth2_permission_grants = if needs(application, PermissionKind::Delegated) && !is_absent {
            let list = self.list::<WireOAuth2PermissionGrant>(grants, Need::OAuth2PermissionGrants).await?;
            map(list, |list| Reading::Known(list.iter().flat_map(scopes).collect()))
        } else {
            Reading::NotAsked
        };
        Ok(ObservedApplication {
            service_principal,
            app_role_assignments,
            oauth2_permission_grants,
            deleted_service_principals: Reading::NotAsked,
            deleted_applications: Reading::NotAsked,
            assigned: Reading::NotAsked,
            jobs: Reading::NotAsked,
            credentials: Reading::NotAsked,
        })
    }

    /// What is asked only of applications whose service principal is not there.
    async fn deleted(&self, observed: &mut Observed) -> Result<(), Refused> {
        let absent: Vec<AppId> = observed
            .applications
            .iter()
            .filter(|(_, seen)| seen.service_principal == Reading::Absent)
            .map(|(id, _)| *id)
            .collect();
        if absent.is_empty() {
            return Ok(());
        }
        let mut items = Vec::new();
        for id in &absent {
            for kind in ["servicePrincipal", "application"] {
                let url = format!(
                    "/directory/deletedItems/microsoft.graph.{kind}?$filter=appId%20eq%20%27{id}%27&$select=id,appId,displayName,deletedDateTime"
                );
                items.push(self.item(Operation::DeletedItems, format!("{kind} {id}"), url));
            }
        }
        let mut answers = match self.batches(&items).await {
            Ok(answers) => answers,
            Err(Refused::Token { claims }) => return Err(Refused::Token { claims }),
            Err(Refused::Obstacle(obstacle)) => {
                for id in &absent {
                    if let Some(seen) = observed.applications.get_mut(id) {
                        seen.deleted_service_principals = Reading::Unreadable(obstacle.clone());
                        seen.deleted_applications = Reading::Unreadable(obstacle.clone());
                    }
                }
                return Ok(());
            }
        };
        for id in absent {
            let principals = self.deleted_list(id, answers.remove(&format!("servicePrincipal {id}"))).await?;
            let applications = self.deleted_list(id, answers.remove(&format!("application {id}"))).await?;
            if let Some(seen) = observed.applications.get_mut(&id) {
                seen.deleted_service_principals = principals;
                seen.deleted_applications = applications;
            }
        }
        Ok(())
    }

    async fn deleted_list(
        &self,
        id: AppId,
        answer: Option<Result<ItemAnswer, Obstacle>>,
    ) -> Result<Reading<Vec<DeletedObject>>, Refused> {
        let list = self.list::<WireDeletedObject>(answer, Need::DeletedItems).await?;
        Ok(map(list, |list| {
            let mut objects: Vec<DeletedObject> = list.into_iter().filter_map(|wire| wire.observed(id)).collect();
            objects.sort();
            objects.dedup();
            Reading::Known(objects)
        }))
    }

    /// The reading behind the answer to one item.
    fn read<W: DeserializeOwned>(&self, answer: Option<Result<ItemAnswer, Obstacle>>, need: Need) -> Reading<W> {
        let answer = match answer {
            Some(Ok(answer)) => answer,
            Some(Err(obstacle)) => return Reading::Unreadable(obstacle),
            None => return Reading::Unreadable(Obstacle::malformed("$batch left a question unanswered")),
        };
        if answer.status == StatusCode::OK {
            return match answer.body.map(serde_json::from_value::<W>) {
                Some(Ok(wire)) => Reading::Known(wire),
                Some(Err(_)) | None => {
                    Reading::Unreadable(Obstacle::malformed("it was not the JSON that is documented"))
                }
            };
        }
        self.refused(&answer, need)
    }

    fn refused<W>(&self, answer: &ItemAnswer, need: Need) -> Reading<W> {
        if let Some(obstacle) = call::general_obstacle(answer.status, &answer.headers, &self.graph.clock) {
            return Reading::Unreadable(obstacle);
        }
        let code = answer.body.as_ref().and_then(error_code).unwrap_or_default();
        match (answer.status, code.as_str()) {
            (StatusCode::NOT_FOUND, "Request_ResourceNotFound" | "Directory_ObjectNotFound") => Reading::Absent,
            (StatusCode::FORBIDDEN, _) => {
                let desired = self.question.desired;
                let lacking = permission::lacking(desired, Some(need), &self.token.roles);
                Reading::Unreadable(Obstacle::permission_missing(desired.client, &lacking))
            }
            (StatusCode::NOT_IMPLEMENTED, _) => Reading::Unreadable(Obstacle::not_offered(need.purpose())),
            (status, _) => {
                let sentence = format!("a question was answered with status {}", status.as_u16());
                Reading::Unreadable(Obstacle::malformed(&sentence))
            }
        }
    }

    /// A whole list: its first page from the batch, the others by their links. A list that is not read to its end is not
    /// read at all.
    async fn list<W: DeserializeOwned>(
        &self,
        first: Option<Result<ItemAnswer, Obstacle>>,
        need: Need,
    ) -> Result<Reading<Vec<W>>, Refused> {
        let mut page = match self.read::<Page<W>>(first, need) {
            Reading::Known(page) => page,
            // A tenant and a service principal always have their lists, if only empty ones.
            Reading::Absent => {
                let sentence = "a list that is always there was not found";
                return Ok(Reading::Unreadable(Obstacle::malformed(sentence)));
            }
            Reading::Unreadable(obstacle) => return Ok(Reading::Unreadable(obstacle)),
            Reading::NotAsked => return Ok(Reading::NotAsked),
        };
        let mut pages = Pages::new(self.question.endpoints.graph.clone());
        loop {
            let link = match pages.take(page) {
                Ok(Some(link)) => link,
                Ok(None) => return Ok(Reading::Known(pages.into_items())),
                Err(obstacle) => {
                    self.line.metrics.strange(Strange::RefusedLink, 1);
                    return Ok(Reading::Unreadable(obstacle));
                }
            };
            page = match self.page(&link, need).await {
                Ok(page) => page,
                Err(Refused::Token { claims }) => return Err(Refused::Token { claims }),
                Err(Refused::Obstacle(obstacle)) => return Ok(Reading::Unreadable(obstacle)),
            };
        }
    }

    async fn page<W: DeserializeOwned>(&self, link: &str, need: Need) -> Result<Page<W>, Refused> {
        let cost = Cost { units: 1, audits: 0 };
        let answer = self.send(Operation::Page, Method::GET, link, Bytes::new(), cost).await?;
        if answer.status == StatusCode::OK {
            return answer.json().map_err(|error| Refused::Obstacle(error.obstacle()));
        }
        let body = answer.json().ok();
        let answer = ItemAnswer { status: answer.status, headers: answer.headers, body };
        Err(Refused::Obstacle(match self.refused::<Page<W>>(&answer, need) {
            Reading::Unreadable(obstacle) => obstacle,
            Reading::Absent | Reading::Known(_) | Reading::NotAsked => {
                Obstacle::malformed("a list ended at a link that leads nowhere")
            }
        }))
    }
}

fn error_code(body: &Value) -> Option<String> {
    serde_json::from_value::<ErrorAnswer>(body.clone()).ok().map(|answer| answer.error.code)
}

fn map<W, V>(reading: Reading<W>, known: impl FnOnce(W) -> Reading<V>) -> Reading<V> {
    match reading {
        Reading::Known(wire) => known(wire),
        Reading::Absent => Reading::Absent,
        Reading::Unreadable(obstacle) => Reading::Unreadable(obstacle),
        Reading::NotAsked => Reading::NotAsked,
    }
}

fn needs(application: &DesiredApplication, kind: PermissionKind) -> bool {
    application.required.iter().any(|permission| permission.kind == kind || permission.kind == PermissionKind::Either)
}

/// By the alternate key; the ID is a UUID, so nothing needs escaping.
/// <https://learn.microsoft.com/en-us/graph/api/serviceprincipal-get>
fn by_app_id(id: AppId) -> String {
    format!("/servicePrincipals(appId='{id}')")
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
