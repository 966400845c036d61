//! The checks bite: ten answers of the emulator are spoiled leaf by leaf, and nearly all of it is found.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};

use super::check::batch;
use super::exercise::{Stage, Witnessed};

/// What is done to a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Bite {
    Rename,
    Retype,
    Drop,
}

/// What survives, and why nobody can tell: answer, bite, place.
const SURVIVORS: &[(&str, Bite, &str, &str)] = &[
    ("a batch", Bite::Drop, "/responses/*/body/@odata.nextLink", NO_END),
    ("a created assignment", Bite::Drop, "/deletedDateTime", NO_PAGE),
    ("a list of assignments", Bite::Drop, "/@odata.nextLink", NO_END),
    ("a list of assignments", Bite::Drop, "/value/*/deletedDateTime", NO_PAGE),
    ("audit records", Bite::Drop, "/@odata.nextLink", NO_END),
    ("a principal", Bite::Drop, "/appDescription", NO_PAGE),
    ("a principal", Bite::Drop, "/createdByAppId", NO_PAGE),
    ("a principal", Bite::Drop, "/description", NO_PAGE),
    ("a principal", Bite::Drop, "/isDisabled", NO_PAGE),
    ("a principal", Bite::Drop, "/notes", NO_PAGE),
    ("deleted principals", Bite::Drop, "/value/*/appDescription", NO_PAGE),
    ("deleted principals", Bite::Drop, "/value/*/createdByAppId", NO_PAGE),
    ("deleted principals", Bite::Drop, "/value/*/description", NO_PAGE),
    ("deleted principals", Bite::Drop, "/value/*/isDisabled", NO_PAGE),
    ("deleted principals", Bite::Drop, "/value/*/notes", NO_PAGE),
];

const NO_PAGE: &str = "no documented example shows this property, and the description requires none";
const NO_END: &str = "only the tenant knows whether there is another page";

/// Ten answers of different kinds, each with its name. The answer to a restore is not among them: it is documented for
/// a group alone, so that of a principal no more is asked than what both have.
fn answers() -> Vec<(&'static str, Witnessed)> {
    let integration = "/servicePrincipals/{integration}";
    let grant = json!({"clientId": "{identity}", "consentType": "AllPrincipals", "resourceId": "{graph}", "scope": "User.Read"});
    let role = json!({"principalId": "{identity}", "resourceId": "{graph}", "appRoleId": "b0afded3-3588-46d8-8b3d-9842eff778da"});
    let mut stage = Stage::new();
    let mut ask = |name, method: &str, path: &str, body: Option<&Value>| (name, stage.ask(method, path, body));
    let batch = json!({"requests": [
        {"id": "roles", "method": "GET", "url": "/servicePrincipals/00000000-0000-4000-8000-000000000021/appRoleAssignments?$top=1&$select=id,appRoleId,resourceId"},
        {"id": "nobody", "method": "GET", "url": "/servicePrincipals/00000000-0000-4000-8000-0000000000ff"},
    ]});
    vec![
        ask("a principal", "GET", integration, None),
        ask(
            "a principal, selected",
            "GET",
            &format!("{integration}?$select=id,appId,displayName,accountEnabled,info"),
            None,
        ),
        ask("a list of assignments", "GET", &format!("{integration}/appRoleAssignments?$top=2"), None),
        ask("a created assignment", "POST", "/servicePrincipals/{identity}/appRoleAssignments", Some(&role)),
        ask("a created grant", "POST", "/oauth2PermissionGrants", Some(&grant)),
        ask("a provisioning job", "GET", "/servicePrincipals/{identity}/synchronization/jobs", None),
        ask("a batch", "POST", "/$batch", Some(&batch)),
        ask("an error", "GET", "/servicePrincipals/00000000-0000-4000-8000-0000000000ff", None),
        {
            ask("", "DELETE", integration, None);
            ask("deleted principals", "GET", "/directory/deletedItems/microsoft.graph.servicePrincipal", None)
        },
        ask("audit records", "GET", "/auditLogs/directoryAudits?$top=2", None),
    ]
}

/// The places of all leaves: what holds nothing else.
fn leaves(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members {
                leaves(member, &format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")), found);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            for (index, element) in elements.iter().enumerate() {
                leaves(element, &format!("{place}/{index}"), found);
            }
        }
        Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(place.to_owned());
        }
    }
}

/// The body with this done to it at this place; nothing if that makes no sense there.
fn bitten(body: &Value, place: &str, bite: Bite) -> Option<Value> {
    let mut body = body.clone();
    let (parent, name) = place.rsplit_once('/')?;
    let name = name.replace("~1", "/").replace("~0", "~");
    match (body.pointer_mut(parent)?, bite) {
        (_, Bite::Retype) => {
            let leaf = body.pointer_mut(place)?;
            *leaf = match leaf {
                Value::String(_) | Value::Null => 7.into(),
                Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => "text".into(),
            };
        }
        (Value::Object(members), Bite::Drop) => drop(members.remove(&name)),
        (Value::Object(members), Bite::Rename) => {
            let value = members.remove(&name)?;
            members.insert(format!("{name}X"), value);
        }
        // A list may have fewer elements, and elements have no names.
        _ => return None,
    }
    Some(body)
}

/// A place without the numbers of its elements.
fn anywhere(place: &str) -> String {
    let parts = place.split('/').map(|part| if part.parse::<usize>().is_ok() { "*" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn a_spoiled_answer_is_found_out() {
    let (mut bites, mut caught) = (0_u32, 0_u32);
    let mut survivors = BTreeSet::new();
    let answers = answers();
    assert_eq!(answers.len(), 10);
    for (name, Witnessed { request, response }) in &answers {
        let whole = batch::judge(request, response);
        assert!(whole.findings.is_empty(), "{name}: {:#?}", whole.findings);
        let body: Value = serde_json::from_slice(response.body()).unwrap();
        let mut places = Vec::new();
        leaves(&body, "", &mut places);
        assert!(places.len() > 3, "{name}: {body}");
        for place in &places {
            for bite in [Bite::Rename, Bite::Retype, Bite::Drop] {
                let Some(body) = bitten(&body, place, bite) else { continue };
                let mut spoiled: Response<Bytes> = response.clone();
                *spoiled.body_mut() = Bytes::from(body.to_string());
                bites += 1;
                if batch::judge(request, &spoiled).findings.is_empty() {
                    survivors.insert((*name, bite, anywhere(place)));
                } else {
                    caught += 1;
                }
            }
        }
    }
    let percent = f64::from(caught) * 100.0 / f64::from(bites);
    super::tell(&format!("{caught} of {bites} bites are found: {percent:.1} %"));
    for (name, bite, place) in &survivors {
        let known = SURVIVORS.iter().find(|known| (known.0, known.1, known.2) == (*name, *bite, place.as_str()));
        let why = known.map_or("NOBODY KNOWS WHY", |known| known.3);
        super::tell(&format!("survives: {name}, {bite:?} {place}: {why}"));
    }
    let known: BTreeSet<_> = SURVIVORS.iter().map(|known| (known.0, known.1, known.2.to_owned())).collect();
    assert_eq!(survivors, known, "the table of survivors is not what survives");
    assert!(percent >= 95.0, "{percent:.1} %");
}
