//! `/applications/{id}/federatedIdentityCredentials`: whose tokens a registration may sign in with.
//! <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::{Answer, Content};
use super::application;
use super::collection;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, TenantState, elements, text};
use super::directory_audit::{Event, Target, change, set};
use super::error::Refusal;
use super::graph::{Key, Named, Route};
use super::replica::{Moment, View};
use super::scenario::FederatedCredential;
use super::schema::FEDERATED_IDENTITY_CREDENTIAL as ENTITY;

/// "Maximum of 20 objects can be added to an application."
const MAX_OF_APPLICATION: usize = 20;

/// "It has a limit of 600 characters."
const MAX_CHARACTERS: usize = 600;

/// The limit of `name`, which is shorter.
const MAX_NAME_CHARACTERS: usize = 120;

/// Keeps beside the properties whose credential it is; never shown.
const OWNER: &str = "#appId";

const CREATABLE: &[&str] = &["audiences", "description", "issuer", "name", "subject"];

/// The operations on federated identity credentials.
pub(super) const ROUTES: &[Route] = &[
    Route::get("applications/{}/federatedidentitycredentials", list),
    Route::post("applications/{}/federatedidentitycredentials", post),
    Route::get("applications/{}/federatedidentitycredentials/{}", get),
    Route::patch("applications/{}/federatedidentitycredentials/{}", patch),
    Route::delete("applications/{}/federatedidentitycredentials/{}", delete),
];

/// Brings in a credential of a scenario, which has neither id nor name there.
pub(super) fn import(tenant: &mut TenantState, moment: Moment, id: &str, number: usize, given: &FederatedCredential) {
    let FederatedCredential { app_id, issuer, subject, audiences } = given;
    let row = json!({
        "name": format!("federated-{number}"),
        "issuer": issuer,
        "subject": subject,
        "description": null,
        "audiences": audiences,
    });
    if let Value::Object(row) = row {
        put(tenant, moment, id, app_id, row);
    }
}

/// The credentials of an application, by its appId.
pub(super) fn of(tenant: &TenantState, view: View, app_id: &str) -> Vec<Properties> {
    let own = tenant.federated_credentials.all(view).map(|(_, row)| row);
    let own = own.filter(|row| text(row, OWNER).eq_ignore_ascii_case(app_id));
    own.map(|row| row.iter().filter(|(name, _)| *name != OWNER).map(|(name, value)| (name.clone(), value.clone())))
        .map(Iterator::collect)
        .collect()
}

/// The credentials of a registration, by its object id.
pub(super) fn of_registration(context: &Context<'_>, id: &str) -> Vec<Properties> {
    let registration = context.tenant.applications.get(context.view, id);
    registration.map(|row| of(context.tenant, context.view, text(row, "appId"))).unwrap_or_default()
}

fn put(tenant: &mut TenantState, moment: Moment, id: &str, app_id: &str, mut row: Properties) {
    row.insert("id".to_owned(), id.into());
    row.insert(OWNER.to_owned(), app_id.to_ascii_lowercase().into());
    tenant.federated_credentials.put(moment, id, Some(row));
}

fn list(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, registration) = application::readable(context, named.key(0))?;
    let rows = of(context.tenant, context.view, text(&registration, "appId"));
    Ok(under(&id, collection::page(context, request, &ENTITY, rows)?))
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, registration) = application::readable(context, named.key(0))?;
    let row = find(context, context.view, &registration, named.key(1))?;
    Ok(under(&id, collection::single(context, request, &ENTITY, row)?))
}

/// <https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials>
fn post(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, registration) = application::writable(context, named.key(0))?;
    let wish = ENTITY.changes(request.object()?, CREATABLE)?.into_iter().collect();
    add(context, &id, &registration, wish)
}

/// Changes one; by name and with `Prefer: create-if-missing` it makes one.
/// <https://learn.microsoft.com/graph/api/federatedidentitycredential-upsert>
fn patch(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, registration) = application::writable(context, named.key(0))?;
    let (body, key) = (request.object()?, named.key(1));
    let found = find(context, View::Truth, &registration, key);
    let may_create = request.prefer.split(',').any(|wish| wish.trim().eq_ignore_ascii_case("create-if-missing"));
    if may_create && key.name.eq_ignore_ascii_case("name") && found.is_err() {
        let mut wish: Properties = ENTITY.changes(body, CREATABLE)?.into_iter().collect();
        if wish.get("name").is_some_and(|name| name != key.value) {
            return Err(immutable());
        }
        wish.insert("name".to_owned(), key.value.into());
        return add(context, &id, &registration, wish);
    }
    let before = found?;
    let own = text(&before, "id").to_owned();
    let changes = ENTITY.changes_to(&own, body, CREATABLE)?;
    // The example on the page of updates repeats the name.
    if changes.iter().any(|(name, value)| name == "name" && Some(value) != before.get("name")) {
        return Err(immutable());
    }
    let others = others(context, &registration, &own);
    let mut row = before;
    row.extend(changes);
    check(&row, &others)?;
    save(context, &id, &registration, &own, Some(row));
    Ok(Answer::no_content())
}

/// <https://learn.microsoft.com/graph/api/federatedidentitycredential-delete>
fn delete(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (id, registration) = application::writable(context, named.key(0))?;
    let row = find(context, View::Truth, &registration, named.key(1))?;
    save(context, &id, &registration, text(&row, "id"), None);
    Ok(Answer::no_content())
}

fn add(context: &mut Context<'_>, id: &str, registration: &Properties, wish: Properties) -> Result<Answer, Refusal> {
    let mut row = ENTITY.blank(&["audiences"]);
    row.extend(wish);
    let own = context.identifiers.guid();
    let others = others(context, registration, &own);
    check(&row, &others)?;
    if others.len() >= MAX_OF_APPLICATION {
        return Err(invalid(&format!(
            "An application can have {MAX_OF_APPLICATION} federated identity credentials at most."
        )));
    }
    row.insert("id".to_owned(), own.as_str().into());
    save(context, id, registration, &own, Some(row.clone()));
    let answer = collection::created(context, &ENTITY, row);
    Ok(under(id, Answer { status: StatusCode::CREATED, ..answer }))
}

fn others(context: &Context<'_>, registration: &Properties, own: &str) -> Vec<Properties> {
    let all = of(context.tenant, View::Truth, text(registration, "appId"));
    all.into_iter().filter(|row| text(row, "id") != own).collect()
}

/// The page addresses a credential by its id, by its name in the place of the id, and by `(name='…')`.
fn find(context: &Context<'_>, view: View, registration: &Properties, key: Key<'_>) -> Result<Properties, Refusal> {
    let properties: &[&str] = match key.name.to_ascii_lowercase().as_str() {
        "id" => &["id", "name"],
        "name" => &["name"],
        other => {
            return Err(Refusal::odata(format!("'{other}' is no key of type '{}'.", ENTITY.name)));
        }
    };
    let own = of(context.tenant, view, text(registration, "appId"));
    let found = own.into_iter().find(|row| properties.iter().any(|name| is_same(text(row, name), key.value)));
    found.ok_or_else(|| Refusal::not_found(key.value))
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Writes a credential, or removes it, and says so in the audit log: as a change of its application.
fn save(context: &mut Context<'_>, id: &str, registration: &Properties, own: &str, row: Option<Properties>) {
    let app_id = text(registration, "appId").to_owned();
    let shown = |rows: Vec<Properties>| Value::Array(rows.into_iter().map(Value::Object).collect());
    let before = shown(of(context.tenant, View::Truth, &app_id));
    let moment = context.moment();
    match row {
        Some(row) => put(context.tenant, moment, own, &app_id, row),
        None => context.tenant.federated_credentials.put(moment, own, None),
    }
    let after = shown(of(context.tenant, View::Truth, &app_id));
    let name = "FederatedIdentityCredentials";
    let changes = vec![change(name, Some(&before), Some(&after)), set("Included Updated Properties", name)];
    let target = Target::of(id, registration);
    let target_type = "Application";
    context.record(Event { activity: "Update application", operation: "Update", target_type, target, changes });
}

/// Refuses what the page forbids. The two sentences about what is there already are those of public reports:
/// <https://github.com/Azure/azure-dev/issues/1482>, <https://github.com/Azure/azure-workload-identity/issues/434>.
fn check(row: &Properties, others: &[Properties]) -> Result<(), Refusal> {
    for name in ["name", "issuer", "subject"] {
        if text(row, name).is_empty() {
            return Err(required(name));
        }
    }
    let audience = match elements(row, "audiences") {
        [] => return Err(required("audiences")),
        [Value::String(audience)] if !audience.is_empty() => audience,
        _ => return Err(invalid("The property 'audiences' takes a single value.")),
    };
    let limited = [
        ("name", text(row, "name"), MAX_NAME_CHARACTERS),
        ("issuer", text(row, "issuer"), MAX_CHARACTERS),
        ("subject", text(row, "subject"), MAX_CHARACTERS),
        ("description", text(row, "description"), MAX_CHARACTERS),
        ("audiences", audience, MAX_CHARACTERS),
    ];
    if let Some((name, _, limit)) = limited.iter().find(|(_, value, limit)| value.chars().count() > *limit) {
        return Err(invalid(&format!("The property '{name}' has a limit of {limit} characters.")));
    }
    let name = text(row, "name");
    let is_url_friendly = name.chars().all(|char| char.is_ascii_alphanumeric() || "-_.~".contains(char));
    if !is_url_friendly {
        return Err(invalid("The property 'name' must be URL friendly."));
    }
    if others.iter().any(|other| is_same(text(other, "name"), name)) {
        let message = format!("FederatedIdentityCredential with name {name} already exists.");
        return Err(Refusal::new(StatusCode::CONFLICT, "Request_MultipleObjectsWithSameKeyValue", message));
    }
    let (issuer, subject) = (text(row, "issuer"), text(row, "subject"));
    if others.iter().any(|other| text(other, "issuer") == issuer && text(other, "subject") == subject) {
        return Err(invalid(&format!(
            "The combination of issuer and subject must be unique for the application. Issuer {issuer} and Subject: {subject} already exist. paramName: FederatedIdentityCredential.Subject, paramValue: {subject}, objectType: Microsoft.Online.DirectoryServices.Application"
        )));
    }
    Ok(())
}

fn required(name: &str) -> Refusal {
    Refusal::bad_request(format!("A value is required for property '{name}' of resource '{}'.", ENTITY.resource))
}

fn immutable() -> Refusal {
    invalid("The property 'name' is immutable once created.")
}

fn invalid(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "InvalidFederatedIdentityCredentialValue", message)
}

/// The context with the application before the list, as in the examples: `…#applications('{id}')/federated…`.
fn under(id: &str, mut answer: Answer) -> Answer {
    if let Content::Json(body) = &mut answer.body
        && let Some(Value::String(context)) = body.get_mut("@odata.context")
    {
        *context = context.replacen("#federated", &format!("#applications('{id}')/federated"), 1);
    }
    answer
}
