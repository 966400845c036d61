//! `owners/$ref`: who may change an object with `Application.ReadWrite.OwnedBy`, added and removed one by one.
//! <https://learn.microsoft.com/graph/api/serviceprincipal-post-owners>

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::directory_audit::{Event, Target, set, unset};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::replica::View;
use super::{application, directory_object, identifier, service_principal};

/// The operations on the references to owners.
pub(super) const ROUTES: &[Route] = &[
    Route::get("serviceprincipals/{}/owners/$ref", |context, _, named| list(context, named, Owned::Principal)),
    Route::get("applications/{}/owners/$ref", |context, _, named| list(context, named, Owned::Application)),
    Route::post("serviceprincipals/{}/owners/$ref", |context, request, named| {
        add(context, request, named, Owned::Principal)
    }),
    Route::delete("serviceprincipals/{}/owners/{}/$ref", |context, _, named| remove(context, named, Owned::Principal)),
    Route::post("applications/{}/owners/$ref", |context, request, named| {
        add(context, request, named, Owned::Application)
    }),
    Route::delete("applications/{}/owners/{}/$ref", |context, _, named| remove(context, named, Owned::Application)),
];

/// What is owned.
#[derive(Debug, Clone, Copy)]
enum Owned {
    Principal,
    Application,
}

impl Owned {
    fn writable(self, context: &Context<'_>, named: &Named<'_>) -> Result<(String, Properties), Refusal> {
        match self {
            Self::Principal => service_principal::writable(context, named.key(0)),
            Self::Application => application::writable(context, named.key(0)),
        }
    }

    fn readable(self, context: &Context<'_>, named: &Named<'_>) -> Result<(String, Properties), Refusal> {
        match self {
            Self::Principal => service_principal::readable(context, named.key(0)),
            Self::Application => application::readable(context, named.key(0)),
        }
    }

    /// As the audit activity reference has it.
    /// <https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities>
    fn activities(self) -> [&'static str; 2] {
        match self {
            Self::Principal => ["Add owner to service principal", "Remove owner from service principal"],
            Self::Application => ["Add owner to application", "Remove owner from application"],
        }
    }

    fn target_type(self) -> &'static str {
        match self {
            Self::Principal => "ServicePrincipal",
            Self::Application => "Application",
        }
    }
}

/// The addresses of the owners, as OData has lists of references. The service shows addresses of its own inside.
/// <https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_EntityReference>
fn list(context: &mut Context<'_>, named: &Named<'_>, on: Owned) -> Result<Answer, Refusal> {
    let (id, _) = on.readable(context, named)?;
    let address = |owner: &Properties| json!({"@odata.id": format!("{}/v1.0/directoryObjects/{}", context.public_url, text(owner, "id"))});
    let references: Vec<Value> = directory_object::owners_of(context, &id).iter().map(address).collect();
    let kind = format!("{}/v1.0/$metadata#Collection($ref)", context.public_url);
    Ok(Answer::graph(StatusCode::OK, json!({"@odata.context": kind, "value": references})))
}

/// "Application.ReadWrite.OwnedBy will not be sufficient to add another owner."
/// <https://learn.microsoft.com/graph/api/application-post-owners>
fn add(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>, on: Owned) -> Result<Answer, Refusal> {
    permission::require(context, Access::WriteApplications)?;
    let (id, row) = on.writable(context, named)?;
    let owner = referred(text(request.object()?, "@odata.id")).ok_or_else(|| {
        Refusal::bad_request("A value is required for '@odata.id', such as https://…/v1.0/directoryObjects/{id}.")
    })?;
    let is_person = context.tenant.administrator.id.eq_ignore_ascii_case(&owner);
    if !is_person && context.tenant.live_principal(View::Truth, &owner).is_none() {
        return Err(Refusal::not_found(&owner));
    }
    if !context.tenant.owners.entry(id.clone()).or_default().insert(owner.clone()) {
        let message =
            "One or more added object references already exist for the following modified properties: 'owners'.";
        return Err(Refusal::bad_request(message));
    }
    let [activity, _] = on.activities();
    let changes = vec![set("Owner.ObjectID", &owner)];
    let target = Target::of(&id, &row);
    context.record(Event { activity, operation: "Assign", target_type: on.target_type(), target, changes });
    Ok(Answer::no_content())
}

/// The last owner goes as well: the pages recommend two and demand none.
/// <https://learn.microsoft.com/graph/api/application-delete-owners>
fn remove(context: &mut Context<'_>, named: &Named<'_>, on: Owned) -> Result<Answer, Refusal> {
    let (id, row) = on.writable(context, named)?;
    let owner = named.key(1).value.to_ascii_lowercase();
    let is_gone = context.tenant.owners.get_mut(&id).is_some_and(|owners| owners.remove(&owner));
    if !is_gone {
        return Err(Refusal::not_found(&owner));
    }
    let [_, activity] = on.activities();
    let changes = vec![unset("Owner.ObjectID", &owner)];
    let target = Target::of(&id, &row);
    context.record(Event { activity, operation: "Unassign", target_type: on.target_type(), target, changes });
    Ok(Answer::no_content())
}

/// The id in `https://graph.microsoft.com/v1.0/directoryObjects/{id}`; the type's own set names it as well.
fn referred(address: &str) -> Option<String> {
    let mut parts = address.rsplit('/');
    let (id, set) = (parts.next()?, parts.next()?.to_ascii_lowercase());
    let is_known = matches!(set.as_str(), "directoryobjects" | "serviceprincipals" | "users");
    (is_known && identifier::is_guid(id)).then(|| id.to_ascii_lowercase())
}
