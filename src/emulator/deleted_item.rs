//! `/directory/deletedItems`: thirty days to think better of it.
//! <https://learn.microsoft.com/graph/api/resources/directory>

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::answer::Answer;
use super::context::{Caller, Context, GraphRequest};
use super::directory::{self, Properties, TenantState, text};
use super::directory_audit::{Event, Stamp, Target, set};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::identifier::{self, Identifiers};
use super::knob::Knobs;
use super::permission::{self, Access};
use super::replica::View;
use super::schema::EntityType;
use super::{collection, schema, synchronization};

/// The documented window; no tenant can change it.
const RESTORABLE_DAYS: i64 = 30;

/// What can be in the deleted items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ServicePrincipal,
    Application,
}

impl Kind {
    fn entity(self) -> &'static EntityType {
        match self {
            Self::ServicePrincipal => &schema::SERVICE_PRINCIPAL,
            Self::Application => &schema::APPLICATION,
        }
    }

    fn deleted(self, tenant: &TenantState, view: View) -> impl Iterator<Item = (&str, &Properties)> {
        match self {
            Self::ServicePrincipal => directory::soft_deleted(&tenant.service_principals, view),
            Self::Application => directory::soft_deleted(&tenant.applications, view),
        }
    }
}

/// The operations on deleted items.
pub(super) const ROUTES: &[Route] = &[
    Route::get("directory/deleteditems", |_, _, _| {
        Err(Refusal::unsupported_query(
            "Searches against this resource are not supported. Only specific instances can be queried.",
        ))
    }),
    Route::get("directory/deleteditems/serviceprincipal", |context, request, _| {
        list(context, request, Kind::ServicePrincipal)
    }),
    Route::get("directory/deleteditems/application", |context, request, _| list(context, request, Kind::Application)),
    Route::get("directory/deleteditems/{}", get),
    Route::delete("directory/deleteditems/{}", delete),
    Route::get("directory/deleteditems/{}/serviceprincipal", |context, request, named| {
        get_as(context, request, named, Kind::ServicePrincipal)
    }),
    Route::get("directory/deleteditems/{}/application", |context, request, named| {
        get_as(context, request, named, Kind::Application)
    }),
    Route::post("directory/deleteditems/{}/restore", restore),
];

fn list(context: &Context<'_>, request: &GraphRequest, kind: Kind) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let listed = |row: &Properties| {
        let deleted: Option<Timestamp> = text(row, "deletedDateTime").parse().ok();
        deleted
            .and_then(|deleted| deleted.checked_add(context.knobs.deleted_items_lag).ok())
            .is_none_or(|from| from <= context.now)
    };
    let rows = kind.deleted(context.tenant, context.view);
    let rows = rows.filter(|(_, row)| listed(row)).map(|(_, row)| row.clone()).collect();
    collection::page(context, request, kind.entity(), rows)
}

fn get(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let (kind, row) = find(context, named.key(0).value, context.view)?;
    Ok(directory_object(context, kind, row))
}

/// One deleted item whose type the address names.
fn get_as(context: &Context<'_>, request: &GraphRequest, named: &Named<'_>, kind: Kind) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let id = named.key(0).value;
    let (found, row) = find(context, id, context.view)?;
    if found != kind {
        return Err(Refusal::not_found(id));
    }
    collection::single(context, request, kind.entity(), row)
}

fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let id = named.key(0).value;
    permission::require(context, Access::WriteApplications)?;
    let (kind, row) = find(context, id, View::Truth)?;
    let stamp = Stamp {
        now: context.now,
        knobs: context.knobs,
        caller: context.caller,
        correlation_id: &context.correlation_id,
        user_agent: &context.user_agent,
    };
    erase(context.tenant, context.identifiers, stamp, kind, id, &row);
    Ok(Answer::no_content())
}

/// A soft-deleted object of any kind.
fn find(context: &Context<'_>, id: &str, view: View) -> Result<(Kind, Properties), Refusal> {
    if !identifier::is_guid(id) {
        return Err(Refusal::bad_request(format!("Invalid object identifier '{id}'.")));
    }
    [Kind::ServicePrincipal, Kind::Application]
        .into_iter()
        .find_map(|kind| {
            let found = kind.deleted(context.tenant, view).find(|(deleted, _)| deleted.eq_ignore_ascii_case(id));
            found.map(|(_, row)| (kind, row.clone()))
        })
        .ok_or_else(|| Refusal::not_found(id))
}

/// Brings an object back, with its object id and all its properties.
fn restore(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let id = named.key(0).value;
    let found = find(context, id, View::Truth);
    if found.is_err() {
        permission::require(context, Access::WriteApplications)?;
    }
    let (kind, row) = found?;
    permission::require_for(context, Access::WriteApplications, id, text(&row, "appId"))?;
    if context.knobs.restore_needs_directory_role && matches!(context.caller, Caller::Application { .. }) {
        return Err(Refusal::denied());
    }
    match kind {
        Kind::ServicePrincipal => restore_principal(context, &row)?,
        Kind::Application => restore_application(context, &row)?,
    }
    let mut row = row;
    undelete(&mut row);
    Ok(directory_object(context, kind, row))
}

fn restore_principal(context: &mut Context<'_>, row: &Properties) -> Result<(), Refusal> {
    let (id, app_id) = (text(row, "id").to_owned(), text(row, "appId").to_owned());
    if context.tenant.principal_of(View::Truth, &app_id).is_some() {
        return Err(Refusal::name_in_use(&app_id));
    }
    if context.backing_application(&app_id).is_none() {
        return Err(Refusal::no_backing_application(&app_id));
    }
    let moment = context.moment();
    context.tenant.service_principals.update(moment, &id, undelete);
    synchronization::restored(context, &id);
    if !context.knobs.grants_survive_restore {
        context.tenant.drop_permissions_of(moment, &id);
    }
    let event = Event {
        activity: context.knobs.restore_activity.name(),
        operation: "Update",
        target_type: "ServicePrincipal",
        target: Target::of(&id, row),
        changes: vec![set("TargetId.ServicePrincipalNames", &app_id)],
    };
    context.record(event);
    Ok(())
}

fn restore_application(context: &mut Context<'_>, row: &Properties) -> Result<(), Refusal> {
    let (id, app_id) = (text(row, "id").to_owned(), text(row, "appId").to_owned());
    let moment = context.moment();
    context.tenant.applications.update(moment, &id, undelete);
    let target = Target::of(&id, row);
    context.record(Event {
        activity: "Restore application",
        operation: "Update",
        target_type: "Application",
        target,
        changes: Vec::new(),
    });
    if context.knobs.application_restore_restores_principal
        && context.tenant.principal_of(View::Truth, &app_id).is_none()
    {
        let mut principals = directory::soft_deleted(&context.tenant.service_principals, View::Truth);
        let principal =
            principals.find(|(_, principal)| text(principal, "appId") == app_id).map(|(_, row)| row.clone());
        drop(principals);
        if let Some(principal) = principal {
            restore_principal(context, &principal)?;
        }
    }
    Ok(())
}

fn undelete(properties: &mut Properties) {
    properties.insert("deletedDateTime".to_owned(), Value::Null);
}

/// An object that the address does not give a type says which one it has.
fn directory_object(context: &Context<'_>, kind: Kind, row: Properties) -> Answer {
    let context_url = format!("{}/v1.0/$metadata#directoryObjects/$entity", context.public_url);
    let mut body = row;
    body.insert("@odata.context".to_owned(), context_url.into());
    body.insert("@odata.type".to_owned(), format!("#{}", kind.entity().name).into());
    body.remove("customSecurityAttributes");
    Answer::graph(StatusCode::OK, Value::Object(body))
}

/// Ends an object for good, together with every permission that hung on it.
fn erase(
    tenant: &mut TenantState,
    identifiers: &mut Identifiers,
    stamp: Stamp<'_>,
    kind: Kind,
    id: &str,
    row: &Properties,
) {
    let moment = directory::moment(stamp.now, stamp.knobs);
    let (activity, target_type) = match kind {
        Kind::ServicePrincipal => {
            tenant.drop_permissions_of(moment, id);
            tenant.service_principals.put(moment, id, None);
            tenant.owners.remove(id);
            tenant.synchronization.remove(id);
            ("Hard delete service principal", "ServicePrincipal")
        }
        Kind::Application => {
            tenant.applications.put(moment, id, None);
            ("Hard Delete application", "Application")
        }
    };
    let changes = vec![set("TargetId.ServicePrincipalNames", text(row, "appId"))];
    let event = Event { activity, operation: "Delete", target_type, target: Target::of(id, row), changes };
    tenant.audit.append(stamp, identifiers, event);
}

/// Ends what was soft-deleted more than thirty days ago.
pub(super) fn purge(tenant: &mut TenantState, now: Timestamp, knobs: &Knobs, identifiers: &mut Identifiers) {
    let window = SignedDuration::from_hours(24 * RESTORABLE_DAYS);
    for kind in [Kind::ServicePrincipal, Kind::Application] {
        let due: Vec<(String, Properties)> = kind
            .deleted(tenant, View::Truth)
            .filter(|(_, row)| {
                let deleted: Option<Timestamp> = text(row, "deletedDateTime").parse().ok();
                deleted.and_then(|deleted| deleted.checked_add(window).ok()).is_some_and(|end| end <= now)
            })
            .map(|(id, row)| (id.to_owned(), row.clone()))
            .collect();
        for (id, row) in due {
            let correlation_id = identifiers.guid();
            let stamp = Stamp { now, knobs, caller: &Caller::Service, correlation_id: &correlation_id, user_agent: "" };
            erase(tenant, identifiers, stamp, kind, &id, &row);
        }
    }
}
