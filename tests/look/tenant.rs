//! Tenants that answer: one written here, in order in every respect, and the emulator.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::Request;
use serde_json::{Value, json};
use webex_azure_operator::{
    clock::Clock,
    domain::catalog,
    emulator::{Emulator, Knobs, Scenario, Settings},
};

use super::{
    contract::{self, Contract},
    fixture::{GRAPH_OBJECT, IDENTITY, IDENTITY_OBJECT, INTEGRATION, INTEGRATION_OBJECT, OWNER, REGISTRATION},
    seam::{Asked, Kind, Reply, Tenant},
};

/// An error as Microsoft Graph words it.
pub fn error(code: &str) -> Value {
    json!({"error": {
        "code": code,
        "message": "Words for people.",
        "innerError": {"date": "2026-11-23T08:00:00", "request-id": "r", "client-request-id": "c"},
    }})
}

/// A refusal of the token endpoint.
pub fn token_error(error: &str, number: u32) -> Value {
    json!({"error": error, "error_description": format!("AADSTS{number}: Words for people."), "error_codes": [number]})
}

/// A token with these claims; `serial` makes it different from all others.
pub fn token(claims: &Value, serial: usize) -> String {
    format!("e30.{}.serial-{serial}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A claim of a token made by [`token`].
pub fn claim(token: &str, name: &str) -> String {
    let payload = token.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    claims[name].as_str().unwrap_or_default().to_owned()
}

/// The answer with a token for whoever asks, for the tenant in the address.
fn token_reply(asked: &Asked, serial: usize) -> Reply {
    let form = asked.form();
    let client = form.iter().find(|(name, _)| name == "client_id").map(|(_, value)| value.clone());
    let tenant = asked.uri.path().split('/').nth(1);
    let roles = ["Application.Read.All", "Directory.Read.All", "Synchronization.Read.All"];
    let access_token = token(&json!({"tid": tenant, "appid": client, "roles": roles}), serial);
    Reply::json(200, &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": access_token}))
}

/// A batch in which each item is answered by this function of its address.
fn batch_reply(asked: &Asked, answer: impl Fn(&str) -> (u16, Value)) -> Reply {
    let responses: Vec<Value> = asked
        .items()
        .iter()
        .map(|item| {
            let (status, body) = answer(item["url"].as_str().unwrap());
            let headers = json!({"Content-Type": "application/json", "x-ms-resource-unit": "1"});
            json!({"id": item["id"], "status": status, "headers": headers, "body": body})
        })
        .collect();
    Reply::json(200, &json!({"responses": responses}))
}

/// Everything granted; the three permissions whose kind is not published are application permissions.
pub fn assignments() -> Vec<Value> {
    let permissions = catalog::identity_integration_permissions();
    let roles = permissions.iter().filter_map(|permission| catalog::app_role(permission.value.as_ref()?));
    roles.map(|role| json!({"appRoleId": role.to_string(), "resourceId": GRAPH_OBJECT.to_string()})).collect()
}

/// A delegated permission for everyone.
pub fn grant(scope: &str) -> Value {
    json!({"resourceId": GRAPH_OBJECT.to_string(), "consentType": "AllPrincipals", "scope": scope})
}

/// A provisioning job that runs well.
pub fn job() -> Value {
    let cycle = json!({"state": "Succeeded", "timeBegan": "2026-11-23T07:40:00Z", "timeEnded": "2026-11-23T07:40:30Z"});
    json!({
        "id": "CiscoWebex.0123456789abcdef.00000000-0000-4000-8000-000000000062",
        "templateId": "CiscoWebex",
        "schedule": {"expiration": null, "interval": "PT40M", "state": "Active"},
        "status": {
            "code": "Active", "countSuccessiveCompleteFailures": 0, "lastExecution": cycle, "lastSuccessfulExecution": cycle,
            "quarantine": null, "synchronizedEntryCountByType": [{"key": "User", "value": 10}],
        },
    })
}

/// The tenant in which everything is in order: both presets, and any other application without permissions.
fn healthy(url: &str) -> (u16, Value) {
    let principal = |id: String, app: &str, name: &str| {
        json!({
            "id": id, "appId": app, "displayName": name, "accountEnabled": true, "isDisabled": null,
            "disabledByMicrosoftStatus": null, "appOwnerOrganizationId": OWNER.to_string(),
            "appRoleAssignmentRequired": false, "keyCredentials": [], "passwordCredentials": [],
        })
    };
    let app = url.split('\'').nth(1).unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let named = |id: String, app: &str, name: &str, maker: Value| json!({"id": id, "appId": app, "displayName": name, "createdByAppId": maker, "deletedDateTime": null});
    let body = if path == "/servicePrincipals" {
        let (integration, identity) = (INTEGRATION.to_string(), IDENTITY.to_string());
        json!({"value": [
            named(INTEGRATION_OBJECT.to_string(), &integration, "Cisco Webex Identity Integration", Value::Null),
            named(IDENTITY_OBJECT.to_string(), &identity, "Cisco Webex Identity", integration.as_str().into()),
        ]})
    } else if ["/ownedObjects", "/createdObjects", "/directoryAudits"].iter().any(|list| path.ends_with(list)) {
        json!({"value": []})
    } else if path.starts_with("/servicePrincipals/") && !path.contains("/synchronization/") {
        return (404, error("Request_ResourceNotFound"));
    } else if path.starts_with("/applications(") {
        json!({"id": REGISTRATION.to_string(), "appId": app})
    } else if path.ends_with("/synchronization/jobs") {
        json!({"value": [job()]})
    } else if path.ends_with("/appRoleAssignedTo") {
        json!({"value": [{"principalType": "Group"}]})
    } else if path.starts_with("/directory/deletedItems/") || path.ends_with("/oauth2PermissionGrants") {
        let is_integration = app == INTEGRATION.to_string();
        json!({"value": if is_integration { vec![grant("User.Read")] } else { Vec::new() }})
    } else if path.ends_with("/appRoleAssignments") {
        json!({"value": if app == INTEGRATION.to_string() { assignments() } else { Vec::new() }})
    } else if app == catalog::MICROSOFT_GRAPH_APP_ID.to_string() {
        let roles = json!([{"id": "00000000-0000-4000-8000-0000000000a1", "value": "Calendars.ReadWrite"}]);
        let mut body = json!({"id": GRAPH_OBJECT.to_string()});
        if query.contains("appRoles") {
            body["appRoles"] = roles;
        }
        body
    } else if app == INTEGRATION.to_string() {
        principal(INTEGRATION_OBJECT.to_string(), app, "Cisco Webex Identity Integration")
    } else if app == IDENTITY.to_string() {
        principal(IDENTITY_OBJECT.to_string(), app, "Cisco Webex Identity")
    } else {
        principal("00000000-0000-4000-8000-0000000000b1".to_owned(), app, "Another")
    };
    (200, body)
}

/// A tenant that is in order and takes every credential.
pub fn script() -> Tenant {
    let mut serial = 0;
    Box::new(move |asked| match asked.kind() {
        Kind::Token => {
            serial += 1;
            token_reply(asked, serial)
        }
        Kind::Batch => batch_reply(asked, healthy),
        Kind::Link => Reply::json(404, &error("Request_ResourceNotFound")),
    })
}

/// An emulator that a test may speak to beside the looks.
pub type Shared = Arc<Mutex<Emulator>>;

/// The emulator with this tenant, reached at the names of the worldwide cloud, and what is found in its answers.
pub fn emulated(clock: Clock, knobs: Knobs, scenario: &Scenario) -> (Tenant, Shared, Contract) {
    let settings = Settings { seed: 7, public_url: "https://graph.microsoft.com".to_owned(), knobs };
    let mut emulator = Emulator::new(settings);
    emulator.load(clock.now(), scenario).unwrap();
    let contract = contract::watch(&mut emulator);
    let shared = Arc::new(Mutex::new(emulator));
    let emulator = Arc::clone(&shared);
    let tenant: Tenant = Box::new(move |asked| {
        let mut request = Request::new(asked.body.clone());
        *request.method_mut() = asked.method.clone();
        *request.uri_mut() = asked.uri.clone();
        *request.headers_mut() = asked.headers.clone();
        let (head, body) = emulator.lock().unwrap().handle(clock.now(), request).into_parts();
        let mut reply = Reply::json(head.status.as_u16(), &Value::Null);
        reply.headers = head.headers;
        reply.body = body;
        reply
    });
    (tenant, shared, contract)
}
