//! The tenant of a file: the incident's, with changes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use webex_azure_operator::{api::validation::IDENTITY_INTEGRATION_APP_ID, emulator::Scenario};

use jiff::{SignedDuration, Timestamp};

use super::{
    microsoft::{SCRIPT, SCRIPT_SECRET},
    story::merge,
};

/// Names of the applications that every tenant has.
pub fn names() -> BTreeMap<String, String> {
    let name = |name: &str, app_id: &str| (name.to_owned(), app_id.to_owned());
    [
        name("integration", &IDENTITY_INTEGRATION_APP_ID.to_string()),
        name("identity", "00000000-0000-4000-8000-000000000012"),
        name("operator", "00000000-0000-4000-8000-000000000031"),
        name("script", SCRIPT),
    ]
    .into()
}

/// The tenant of the incident with these changes: whatever is no list is merged; of a list of objects, each is named by
/// the name of its application, merged into, taken away by null, or added; permissions and the like are added and removed.
pub fn scenario(changes: &Value, more: &BTreeMap<String, String>, start: Timestamp) -> Scenario {
    let mut names = names();
    names.extend(more.clone());
    let mut whole = json!(Scenario::incident());
    let job = &mut whole["synchronizationJobs"][names["identity"].as_str()][0];
    *job = working(job, start);
    for (field, change) in changes.as_object().into_iter().flatten() {
        match (field.as_str(), change) {
            ("publishedApplications" | "applications" | "servicePrincipals", Value::Object(changes)) => {
                for (name, change) in changes {
                    change_object(whole[field].as_array_mut().unwrap(), &names[name], change);
                }
            }
            ("appRoleAssignments" | "oauth2PermissionGrants" | "clientSecrets" | "owners", Value::Object(lists)) => {
                let list = whole[field].as_array_mut().unwrap();
                for row in lists.get("remove").and_then(Value::as_array).into_iter().flatten() {
                    let row = with_app_ids(row, &names);
                    let before = list.len();
                    list.retain(|known| !row.as_object().unwrap().iter().all(|(name, value)| known[name] == *value));
                    assert!(list.len() < before, "there is no {row} in {field}");
                }
                let added = lists.get("add").and_then(Value::as_array).into_iter().flatten();
                list.extend(added.map(|row| with_app_ids(row, &names)));
            }
            ("synchronizationJobs" | "provisioningTargets", Value::Object(changes)) => {
                for (name, change) in changes {
                    if change.is_null() {
                        whole[field].as_object_mut().unwrap().remove(&names[name]);
                        continue;
                    }
                    let target =
                        whole[field].as_object_mut().unwrap().entry(names[name].clone()).or_insert(Value::Null);
                    merge(target, change);
                }
            }
            _ => merge(&mut whole[field], change),
        }
    }
    add_script(&mut whole);
    serde_json::from_value(whole).unwrap_or_else(|error| panic!("{error} in the tenant {changes}"))
}

/// The job of the incident, whose last cycle ended shortly before the story begins.
fn working(job: &Value, start: Timestamp) -> Value {
    let began = start - SignedDuration::from_mins(30);
    let ended = (began + SignedDuration::from_secs(5)).to_string();
    let mut job = job.clone();
    for execution in ["lastExecution", "lastSuccessfulExecution"] {
        job["status"][execution]["timeBegan"] = began.to_string().into();
        job["status"][execution]["timeEnded"] = ended.as_str().into();
    }
    job["status"]["steadyStateLastAchievedTime"] = ended.into();
    job
}

fn change_object(list: &mut Vec<Value>, app_id: &str, change: &Value) {
    let known = list.iter().position(|object| object["appId"] == *app_id);
    match (known, change) {
        (Some(place), Value::Null) => {
            list.remove(place);
        }
        (Some(place), change) => merge(&mut list[place], change),
        (None, change) => {
            let mut object = json!({ "appId": app_id });
            merge(&mut object, change);
            list.push(object);
        }
    }
}

/// The same row with appIds in place of names.
fn with_app_ids(row: &Value, names: &BTreeMap<String, String>) -> Value {
    let mut row = row.clone();
    for field in ["client", "resource", "appId", "owner"] {
        if let Some(app_id) = row[field].as_str().and_then(|name| names.get(name)) {
            row[field] = app_id.clone().into();
        }
    }
    // Asking for a field of an object makes it, if it is not there.
    row.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    row
}

/// An application that may write, and that people let loose on the tenant.
fn add_script(whole: &mut Value) {
    let push = |whole: &mut Value, list: &str, object: Value| whole[list].as_array_mut().unwrap().push(object);
    push(
        whole,
        "applications",
        json!({
            "id": "00000000-0000-4000-8000-0000000000e3", "appId": SCRIPT, "displayName": "Clean-up script",
            "signInAudience": "AzureADMyOrg",
        }),
    );
    push(whole, "servicePrincipals", json!({ "id": "00000000-0000-4000-8000-0000000000e2", "appId": SCRIPT }));
    push(whole, "clientSecrets", json!({ "appId": SCRIPT, "secret": SCRIPT_SECRET }));
    for role in
        ["Application.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]
    {
        push(whole, "appRoleAssignments", json!({ "client": SCRIPT, "role": role }));
    }
}
