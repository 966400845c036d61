//! The questions of one look and what their answers mean: which service principals there are, what they hold, and what of
//! them was deleted.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    batch::{BatchAnswer, BatchRequest, ITEMS_MAX, Item, ItemAnswer},
    call,
    list::Pages,
    look::{Graph, Question, Refused},
    token::Token,
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
        desired::DesiredApplication,
        observed::{
            AppRoleAssignment, DeletedObject, OAuth2PermissionGrant, ObservedApplication, ResourcePrincipal,
            ServicePrincipal,
        },
    },
};

/// One question on its way.
pub(super) struct Reader<'a, T> {
    /// Who asks.
    pub graph: &'a Graph<T>,
    /// What.
    pub question: Question<'a>,
}

/// What a read is for, and the permission that it needs.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    ServicePrincipals,
    AppRoleAssignments,
    Grants,
    DeletedItems,
}

impl Purpose {
    /// The least privileged application permission, and what it is needed for.
    /// <https://learn.microsoft.com/en-us/graph/permissions-reference>
    const fn permission(self) -> (&'static str, &'static str) {
        match self {
            Self::ServicePrincipals => ("Application.Read.All", "reading service principals"),
            Self::AppRoleAssignments => ("Application.Read.All", "reading app role assignments"),
            Self::Grants => ("Directory.Read.All", "reading delegated permission grants"),
            Self::DeletedItems => ("Application.Read.All", "reading deleted service principals"),
        }
    }
}

impl<T: Transport> Reader<'_, T> {
    /// The whole look with this token.
    pub async fn look(&self, token: &Token) -> Result<Observed, Refused> {
        let mut observed = self.first(token).await?;
        self.deleted(token, &mut observed).await?;
        Ok(observed)
    }

    /// Everything that is asked in the steady state.
    async fn first(&self, token: &Token) -> Result<Observed, Refused> {
        let applications = &self.question.desired.applications;
        let resource_wanted = applications.iter().any(|application| !application.required.is_empty());
        let remembered = self.graph.remembered_resource(&self.question.credential.key, &self.unknown_values());
        let mut items = Vec::new();
        if resource_wanted && remembered.is_none() {
            let select = if self.unknown_values().is_empty() { "id" } else { "id,appRoles" };
            items.push(self.item("graph", format!("{}?$select={select}", by_app_id(MICROSOFT_GRAPH_APP_ID))));
        }
        for application in applications {
            let id = application.app_id;
            let base = by_app_id(id);
            items.push(
                self.item(&format!("principal {id}"), format!("{base}?$select={}", WireServicePrincipal::SELECT)),
            );
            if needs(application, PermissionKind::Application) {
                items.push(
                    self.item(
                        &format!("roles {id}"),
                        format!("{base}/appRoleAssignments?$select=appRoleId,resourceId"),
                    ),
                );
            }
            if needs(application, PermissionKind::Delegated) {
                items.push(self.item(
                    &format!("grants {id}"),
                    format!("{base}/oauth2PermissionGrants?$select=resourceId,consentType,scope"),
                ));
            }
        }
        let mut answers = self.batches(token, &items).await?;
        let microsoft_graph = match remembered {
            Some(resource) => Reading::Known(resource),
            None if !resource_wanted => Reading::NotAsked,
            None => self.resource(answers.remove("graph")),
        };
        let mut observed = BTreeMap::new();
        for application in applications {
            observed.insert(application.app_id, self.application(token, application, &mut answers).await?);
        }
        Ok(Observed { microsoft_graph, applications: observed })
    }

    fn item(&self, id: &str, url: String) -> Item {
        Item::get(id.to_owned(), url, self.graph.clock.uuid().to_string())
    }

    /// Values of required application permissions whose IDs are not compiled in.
    fn unknown_values(&self) -> BTreeSet<&str> {
        let required = self.question.desired.applications.iter().flat_map(|application| &application.required);
        required
            .filter(|permission| permission.app_role.is_none() && permission.kind != PermissionKind::Delegated)
            .map(|permission| permission.value.as_str())
            .collect()
    }

    fn resource(&self, answer: Option<ItemAnswer>) -> Reading<ResourcePrincipal> {
        let reading = self.read::<WireResourcePrincipal>(answer, Purpose::ServicePrincipals);
        let wanted = self.unknown_values();
        map(reading, |wire| {
            let resource = ResourcePrincipal { id: wire.id, app_roles: wire.app_roles(|value| wanted.contains(value)) };
            self.graph.remember_resource(&self.question.credential.key, &resource, &wanted);
            Reading::Known(resource)
        })
    }

    async fn application(
        &self,
        token: &Token,
        application: &DesiredApplication,
        answers: &mut BTreeMap<String, ItemAnswer>,
    ) -> Result<ObservedApplication, Refused> {
        let id = application.app_id;
        let mut answer = |what: &str| answers.remove(&format!("{what} {id}"));
        let service_principal: Reading<ServicePrincipal> =
            map(self.read::<WireServicePrincipal>(answer("principal"), Purpose::ServicePrincipals), |wire| {
                wire.observed(id).map_or_else(
                    || Reading::Unreadable(Obstacle::malformed("it was about another application")),
                    Reading::Known,
                )
            });
        let (roles, grants) = (answer("roles"), answer("grants"));
        // Without a principal the lists are answered 404 too; that is no trouble of its own.
        let is_absent = service_principal == Reading::Absent;
        let app_role_assignments = if needs(application, PermissionKind::Application) && !is_absent {
            let list = self.list::<WireAppRoleAssignment>(token, roles, Purpose::AppRoleAssignments).await?;
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
            let list = self.list::<WireOAuth2PermissionGrant>(token, grants, Purpose::Grants).await?;
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
        })
    }

    /// What is asked only of applications whose service principal is not there.
    async fn deleted(&self, token: &Token, observed: &mut Observed) -> Result<(), Refused> {
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
                items.push(self.item(&format!("{kind} {id}"), url));
            }
        }
        let mut answers = match self.batches(token, &items).await {
            Ok(answers) => answers,
            Err(Refused::Token) => return Err(Refused::Token),
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
            let principals = self.deleted_list(token, id, answers.remove(&format!("servicePrincipal {id}"))).await?;
            let applications = self.deleted_list(token, id, answers.remove(&format!("application {id}"))).await?;
            if let Some(seen) = observed.applications.get_mut(&id) {
                seen.deleted_service_principals = principals;
                seen.deleted_applications = applications;
            }
        }
        Ok(())
    }

    async fn deleted_list(
        &self,
        token: &Token,
        id: AppId,
        answer: Option<ItemAnswer>,
    ) -> Result<Reading<Vec<DeletedObject>>, Refused> {
        let list = self.list::<WireDeletedObject>(token, answer, Purpose::DeletedItems).await?;
        Ok(map(list, |list| {
            let mut objects: Vec<DeletedObject> = list.into_iter().filter_map(|wire| wire.observed(id)).collect();
            objects.sort();
            objects.dedup();
            Reading::Known(objects)
        }))
    }

    /// All items, in as many requests as they need.
    async fn batches(&self, token: &Token, items: &[Item]) -> Result<BTreeMap<String, ItemAnswer>, Refused> {
        let mut answers = BTreeMap::new();
        for requests in items.chunks(ITEMS_MAX) {
            let body = serde_json::to_vec(&BatchRequest { requests }).expect("strings and maps of strings become JSON");
            let url = format!("{}/v1.0/$batch", self.question.endpoints.graph);
            let answer = self.graph.send(token, Method::POST, &url, Bytes::from(body)).await?;
            if answer.status != StatusCode::OK {
                let sentence = format!("$batch was answered with status {}", answer.status.as_u16());
                return Err(Refused::Obstacle(Obstacle::malformed(&sentence)));
            }
            let batch: BatchAnswer = answer.json().map_err(|error| Refused::Obstacle(error.obstacle()))?;
            answers.extend(batch.by_id());
        }
        if answers.values().any(|answer| answer.status == StatusCode::UNAUTHORIZED) {
            return Err(Refused::Token);
        }
        Ok(answers)
    }

    /// The reading behind the answer to one item.
    fn read<W: DeserializeOwned>(&self, answer: Option<ItemAnswer>, purpose: Purpose) -> Reading<W> {
        let Some(answer) = answer else {
            return Reading::Unreadable(Obstacle::malformed("$batch left a question unanswered"));
        };
        if answer.status == StatusCode::OK {
            return match answer.body.map(serde_json::from_value::<W>) {
                Some(Ok(wire)) => Reading::Known(wire),
                Some(Err(_)) | None => {
                    Reading::Unreadable(Obstacle::malformed("it was not the JSON that is documented"))
                }
            };
        }
        self.refused(&answer, purpose)
    }

    fn refused<W>(&self, answer: &ItemAnswer, purpose: Purpose) -> Reading<W> {
        if let Some(obstacle) = call::general_obstacle(answer.status, &answer.headers, &self.graph.clock) {
            return Reading::Unreadable(obstacle);
        }
        let code = answer.body.as_ref().and_then(error_code).unwrap_or_default();
        match (answer.status, code.as_str()) {
            (StatusCode::NOT_FOUND, "Request_ResourceNotFound" | "Directory_ObjectNotFound") => Reading::Absent,
            (StatusCode::FORBIDDEN, _) => {
                let (permission, what_for) = purpose.permission();
                Reading::Unreadable(Obstacle::permission_missing(self.question.desired.client, permission, what_for))
            }
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
        token: &Token,
        first: Option<ItemAnswer>,
        purpose: Purpose,
    ) -> Result<Reading<Vec<W>>, Refused> {
        let mut page = match self.read::<Page<W>>(first, purpose) {
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
                Err(obstacle) => return Ok(Reading::Unreadable(obstacle)),
            };
            page = match self.page(token, &link, purpose).await {
                Ok(page) => page,
                Err(Refused::Token) => return Err(Refused::Token),
                Err(Refused::Obstacle(obstacle)) => return Ok(Reading::Unreadable(obstacle)),
            };
        }
    }

    async fn page<W: DeserializeOwned>(&self, token: &Token, link: &str, purpose: Purpose) -> Result<Page<W>, Refused> {
        let answer = self.graph.send(token, Method::GET, link, Bytes::new()).await?;
        if answer.status == StatusCode::OK {
            return answer.json().map_err(|error| Refused::Obstacle(error.obstacle()));
        }
        let body = answer.json().ok();
        let answer = ItemAnswer { status: answer.status, headers: answer.headers, body };
        Err(Refused::Obstacle(match self.refused::<Page<W>>(&answer, purpose) {
            Reading::Unreadable(obstacle) => obstacle,
            Reading::Absent | Reading::Known(_) | Reading::NotAsked => {
                Obstacle::malformed("a list ended at a link that leads nowhere")
            }
        }))
    }
}

/// The obstacle that asks for the longest wait, whatever else was met.
pub(super) fn longest_wait(observed: &Observed) -> Option<&Obstacle> {
    let of_applications = observed.applications.values().flat_map(|seen| {
        let ObservedApplication {
            service_principal,
            app_role_assignments,
            oauth2_permission_grants,
            deleted_service_principals,
            deleted_applications,
        } = seen;
        [
            service_principal.obstacle(),
            app_role_assignments.obstacle(),
            oauth2_permission_grants.obstacle(),
            deleted_service_principals.obstacle(),
            deleted_applications.obstacle(),
        ]
    });
    let all = of_applications.chain([observed.microsoft_graph.obstacle()]).flatten();
    all.filter(|obstacle| obstacle.wait_seconds.is_some()).max_by_key(|obstacle| obstacle.wait_seconds)
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
