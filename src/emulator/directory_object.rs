//! `/directoryObjects` and every list whose rows may be of several types, which is why each row says its own.
//! <https://learn.microsoft.com/graph/api/resources/directoryobject>

use http::StatusCode;
use serde_json::Value;

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{self, Properties, text};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::permission::{self, Access};
use super::replica::View;
use super::scenario::Person;
use super::schema::{EntityType, Kind};
use super::{application, collection, identifier, schema, service_principal};

/// What rows of several types have in common.
pub(super) const DIRECTORY_OBJECT: EntityType = EntityType {
    name: "microsoft.graph.directoryObject",
    set: "directoryObjects",
    resource: "DirectoryObject",
    properties: &[
        ("id", Kind::Text),
        ("deletedDateTime", Kind::Moment),
        ("appId", Kind::Text),
        ("displayName", Kind::Text),
        ("createdByAppId", Kind::Text),
    ],
    filterable: &["id"],
    index_only: &[],
};

/// The longest list of ids that `getByIds` takes.
/// <https://learn.microsoft.com/graph/api/directoryobject-getbyids>
const MAX_IDS: usize = 1000;

/// The operations on objects of any type.
pub(super) const ROUTES: &[Route] = &[
    Route::get("directoryobjects/{}", get),
    Route::delete("directoryobjects/{}", delete),
    Route::post("directoryobjects/getbyids", get_by_ids),
    Route::post("serviceprincipals/getbyids", get_by_ids),
    Route::get("serviceprincipals/{}/owners", owners_of_principal),
    Route::get("serviceprincipals/{}/ownedobjects", owned_objects),
    Route::get("serviceprincipals/{}/createdobjects", created_objects),
    Route::get("serviceprincipals/{}/memberof", no_groups),
    Route::get("serviceprincipals/{}/transitivememberof", no_groups),
    Route::get("applications/{}/owners", owners_of_application),
];

/// An object with its type.
pub(super) fn typed(entity: &EntityType, row: &Properties) -> Properties {
    let mut row = row.clone();
    row.insert("@odata.type".to_owned(), format!("#{}", entity.name).into());
    row
}

/// The one person that a tenant of the emulator has.
fn person(person: &Person) -> Properties {
    let Person { id, display_name, user_principal_name } = person;
    Properties::from_iter([
        ("@odata.type".to_owned(), "#microsoft.graph.user".into()),
        ("id".to_owned(), id.as_str().into()),
        ("displayName".to_owned(), display_name.as_str().into()),
        ("userPrincipalName".to_owned(), user_principal_name.as_str().into()),
    ])
}

/// All objects this view shows, live and soft-deleted.
fn objects<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'static EntityType, &'a str, &'a Properties)> {
    let principals = context.tenant.service_principals.all(context.view);
    let applications = context.tenant.applications.all(context.view);
    principals
        .map(|(id, row)| (&schema::SERVICE_PRINCIPAL, id, row))
        .chain(applications.map(|(id, row)| (&schema::APPLICATION, id, row)))
}

fn live<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'static EntityType, &'a str, &'a Properties)> {
    objects(context).filter(|(.., row)| directory::is_live(row))
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let id = checked(named)?;
    let found = live(context).find(|(_, own, _)| *own == id).map(|(entity, _, row)| typed(entity, row));
    let row = found.ok_or_else(|| Refusal::not_found(&id))?;
    collection::single(context, request, &DIRECTORY_OBJECT, row)
}

/// Deletes whatever has this id, as the path of its own type does.
fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let id = checked(named)?;
    let found = context.tenant.live_principal(View::Truth, &id).cloned();
    if let Some(row) = found {
        permission::require_for(context, Access::WriteApplications, &id, text(&row, "appId"))?;
        service_principal::remove(context, &id, &row);
        return Ok(Answer::no_content());
    }
    let found = context.tenant.applications.get(View::Truth, &id).filter(|row| directory::is_live(row)).cloned();
    if found.is_none() {
        permission::require(context, Access::WriteApplications)?;
    }
    let row = found.ok_or_else(|| Refusal::not_found(&id))?;
    permission::require_for(context, Access::WriteApplications, &id, text(&row, "appId"))?;
    application::remove(context, &id, &row);
    Ok(Answer::no_content())
}

fn checked(named: &Named<'_>) -> Result<String, Refusal> {
    let id = named.key(0).value;
    if identifier::is_guid(id) {
        return Ok(id.to_ascii_lowercase());
    }
    Err(Refusal::bad_request(format!("Invalid object identifier '{id}'.")))
}

/// Objects by their ids; what is not there, or of another type, is left out.
fn get_by_ids(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    permission::require(context, Access::ReadApplications)?;
    let body = request.object()?;
    let list = |name: &str| body.get(name).and_then(Value::as_array);
    let ids = list("ids").ok_or_else(|| Refusal::bad_request("A value is required for the parameter 'ids'."))?;
    if ids.len() > MAX_IDS {
        return Err(Refusal::bad_request(format!("The number of ids exceeds the limit of {MAX_IDS}.")));
    }
    let ids: Vec<String> = ids
        .iter()
        .map(|id| id.as_str().filter(|id| identifier::is_guid(id)).map(str::to_ascii_lowercase))
        .collect::<Option<_>>()
        .ok_or_else(|| Refusal::bad_request("Invalid object identifier in the parameter 'ids'."))?;
    let types: Option<Vec<&str>> = list("types").map(|types| types.iter().filter_map(Value::as_str).collect());
    let is_wanted = |entity: &EntityType| {
        let name = entity.name.trim_start_matches("microsoft.graph.");
        types.as_ref().is_none_or(|types| {
            types.is_empty()
                || types.iter().any(|wanted| wanted.eq_ignore_ascii_case(name) || *wanted == "directoryObject")
        })
    };
    let found = live(context).filter(|(entity, id, _)| is_wanted(entity) && ids.iter().any(|wanted| wanted == id));
    let values: Vec<Value> = found.map(|(entity, _, row)| Value::Object(typed(entity, row))).collect();
    let context_url = format!("{}/v1.0/$metadata#directoryObjects", context.public_url);
    Ok(Answer::graph(StatusCode::OK, serde_json::json!({"@odata.context": context_url, "value": values})))
}

fn owners_of_principal(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, _) = service_principal::readable(context, named.key(0))?;
    owners(context, request, &id)
}

fn owners_of_application(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let (id, _) = application::readable(context, named.key(0))?;
    owners(context, request, &id)
}

fn owners(context: &Context<'_>, request: &GraphRequest, id: &str) -> Result<Answer, Refusal> {
    collection::page(context, request, &DIRECTORY_OBJECT, owners_of(context, id))
}

/// Who owns an object.
pub(super) fn owners_of(context: &Context<'_>, id: &str) -> Vec<Properties> {
    let is_owner = |owner: &str| context.tenant.is_owned(id, owner);
    let rows = live(context).filter(|(_, owner, _)| is_owner(owner)).map(|(entity, _, row)| typed(entity, row));
    let administrator = &context.tenant.administrator;
    let person = is_owner(&administrator.id).then(|| person(administrator));
    rows.chain(person).collect()
}

fn owned_objects(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (owner, _) = service_principal::readable(context, named.key(0))?;
    collection::page(context, request, &DIRECTORY_OBJECT, owned_by(context, &owner))
}

/// What a principal owns.
pub(super) fn owned_by(context: &Context<'_>, owner: &str) -> Vec<Properties> {
    let is_shown = |row: &Properties| directory::is_live(row) || context.knobs.owned_objects_show_deleted;
    let owned = objects(context).filter(|(_, id, row)| context.tenant.is_owned(id, owner) && is_shown(row));
    owned.map(|(entity, _, row)| typed(entity, row)).collect()
}

/// "Directory objects created by this service principal": those that name its application as their maker.
fn created_objects(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (_, maker) = service_principal::readable(context, named.key(0))?;
    let app_id = text(&maker, "appId");
    let made = live(context).filter(|(.., row)| text(row, "createdByAppId").eq_ignore_ascii_case(app_id));
    let rows = made.map(|(entity, _, row)| typed(entity, row)).collect();
    collection::page(context, request, &DIRECTORY_OBJECT, rows)
}

/// What a principal is a member of: the emulator has neither groups nor directory roles.
/// <https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof>
fn no_groups(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    service_principal::readable(context, named.key(0))?;
    collection::page(context, request, &DIRECTORY_OBJECT, Vec::new())
}
