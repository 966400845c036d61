//! `/applicationTemplates`: the gallery, of which the emulator has two entries, and how an entry becomes an application.
//! <https://learn.microsoft.com/graph/api/resources/applicationtemplate>

use http::StatusCode;
use serde_json::{Value, json};

use super::answer::Answer;
use super::context::{Context, GraphRequest};
use super::directory::{Properties, text};
use super::error::Refusal;
use super::graph::{Named, Route};
use super::schema::{EntityType, Kind};
use super::service_principal::INTEGRATED_APP_TAG;
use super::{application, collection, service_principal};

/// applicationTemplate.
const APPLICATION_TEMPLATE: EntityType = EntityType {
    name: "microsoft.graph.applicationTemplate",
    set: "applicationTemplates",
    resource: "ApplicationTemplate",
    properties: &[
        ("id", Kind::Text),
        ("categories", Kind::Other),
        ("description", Kind::Text),
        ("displayName", Kind::Text),
        ("homePageUrl", Kind::Text),
        ("logoUrl", Kind::Text),
        ("publisher", Kind::Text),
        ("supportedProvisioningTypes", Kind::Other),
        ("supportedSingleSignOnModes", Kind::Other),
    ],
    filterable: &["displayName", "categories"],
    index_only: &[],
};

/// What applications outside the gallery are made of; the same in every tenant of the global service.
/// <https://learn.microsoft.com/graph/api/applicationtemplate-instantiate>
const CUSTOM: &str = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621";

/// Made up: nobody has published the id of Webex's entry.
const WEBEX: &str = "00000000-0000-4000-8000-000000000071";

/// The role people get who are assigned to an application of the gallery.
/// <https://learn.microsoft.com/graph/application-saml-sso-configure-api>
const USER_ROLE: &str = "18d14569-c3bd-439b-9a66-3a2aee01d14f";

/// The role that stands for access without a role of the application's own.
const ACCESS_ROLE: &str = "b9632174-c057-4f7e-951b-be3adc52bfe6";

/// The operations on the gallery.
pub(super) const ROUTES: &[Route] = &[
    Route::get("applicationtemplates", list),
    Route::get("applicationtemplates/{}", get),
    Route::post("applicationtemplates/{}/instantiate", instantiate),
];

/// "Additional permissions aren't required to call this API, as long as your application has a valid access token."
/// <https://learn.microsoft.com/graph/api/applicationtemplate-list>
fn list(context: &mut Context<'_>, request: &GraphRequest, _: &Named<'_>) -> Result<Answer, Refusal> {
    collection::page(context, request, &APPLICATION_TEMPLATE, rows())
}

fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let row = find(named)?;
    collection::single(context, request, &APPLICATION_TEMPLATE, row)
}

fn find(named: &Named<'_>) -> Result<Properties, Refusal> {
    let id = named.key(0).value;
    let found = rows().into_iter().find(|row| text(row, "id").eq_ignore_ascii_case(id));
    found.ok_or_else(|| Refusal::not_found(id))
}

/// Makes a registration and its principal in one step.
fn instantiate(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    application::may_register(context)?;
    let template = find(named)?;
    let display_name = text(request.object()?, "displayName");
    if display_name.is_empty() {
        return Err(Refusal::bad_request("A value is required for the parameter 'displayName'."));
    }
    let registration = application::register(context, registration(&template, display_name));
    let own = [("appRoleAssignmentRequired".to_owned(), true.into()), ("tags".to_owned(), json!([INTEGRATED_APP_TAG]))];
    let mut principal = service_principal::create(context, text(&registration, "appId"), own.into())?;
    principal.remove("customSecurityAttributes");
    let kind = format!("{}/v1.0/$metadata#microsoft.graph.applicationServicePrincipal", context.public_url);
    let body = json!({
        "@odata.context": kind,
        "application": registration,
        "servicePrincipal": principal,
    });
    Ok(Answer::graph(StatusCode::CREATED, body))
}

/// What a registration takes over from its template.
fn registration(template: &Properties, display_name: &str) -> Properties {
    let role = |id: &str, name: &str| {
        json!({
            "allowedMemberTypes": ["User"],
            "description": name,
            "displayName": name,
            "id": id,
            "isEnabled": true,
            "origin": "Application",
            "value": null,
        })
    };
    object(json!({
        "displayName": display_name,
        "applicationTemplateId": text(template, "id"),
        "signInAudience": "AzureADMyOrg",
        "appRoles": [role(USER_ROLE, "User"), role(ACCESS_ROLE, "msiam_access")],
    }))
}

fn rows() -> Vec<Properties> {
    let row = |id: &str, name: &str, publisher: Option<&str>, categories: &[&str], sync: &[&str], modes: &[&str]| {
        object(json!({
            "id": id,
            "categories": categories,
            "description": null,
            "displayName": name,
            "homePageUrl": null,
            "logoUrl": null,
            "publisher": publisher,
            "supportedProvisioningTypes": sync,
            "supportedSingleSignOnModes": modes,
        }))
    };
    vec![
        row(WEBEX, "Cisco Webex", Some("Cisco"), &["collaboration"], &["sync"], &["saml", "password"]),
        row(CUSTOM, "Custom", None, &[], &["sync"], &["saml", "password"]),
    ]
}

fn object(value: Value) -> Properties {
    if let Value::Object(object) = value { object } else { Properties::new() }
}
