//! Templates: what kinds of jobs a principal can have, and the schema a job begins with.
//! <https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationtemplate>

use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::collection;
use super::super::context::{Context, GraphRequest};
use super::super::directory::{Properties, text};
use super::super::error::Refusal;
use super::super::graph::Named;
use super::super::permission::Access;
use super::super::schema::{EntityType, Kind};
use super::{number, principal, schema, shape};

/// synchronizationTemplate.
const SYNCHRONIZATION_TEMPLATE: EntityType = EntityType {
    name: "microsoft.graph.synchronizationTemplate",
    set: "servicePrincipals/synchronization/templates",
    resource: "SynchronizationTemplate",
    properties: &[
        ("id", Kind::Text),
        ("applicationId", Kind::Guid),
        ("default", Kind::Flag),
        ("description", Kind::Text),
        ("discoverable", Kind::Flag),
        ("factoryTag", Kind::Text),
        ("metadata", Kind::Other),
    ],
    filterable: &["id", "factoryTag"],
    index_only: &[],
};

/// Id, factory tag and description. `scim` is what applications outside the gallery have.
const TEMPLATES: [(&str, &str, &str); 2] = [
    ("scim", "customappsso", "SCIM 2.0 provisioning"),
    ("CiscoWebex", "CiscoWebex", "Cisco Webex Identity provisioning (example data)"),
];

/// Whether a job can be made from it.
pub(super) fn exists(id: &str) -> bool {
    TEMPLATES.iter().any(|(known, ..)| *known == id)
}

/// What the target directory is called in schemas.
fn directory_name(template_id: &str) -> &'static str {
    let template = TEMPLATES.iter().find(|(known, ..)| *known == template_id);
    template.map_or("customappsso", |(_, tag, _)| tag)
}

fn rows(principal: &Properties) -> Vec<Properties> {
    let row = |(id, tag, description): &(&str, &str, &str)| {
        shape::object(json!({
            "id": id,
            "applicationId": text(principal, "appId"),
            "default": *id == "scim",
            "description": description,
            "discoverable": true,
            "factoryTag": tag,
            "metadata": [],
        }))
    };
    TEMPLATES.iter().map(row).collect()
}

/// All templates.
pub(super) fn list(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let (_, row) = principal(context, named, Access::ReadSynchronization)?;
    collection::page(context, request, &SYNCHRONIZATION_TEMPLATE, rows(&row))
}

/// How many there are.
pub(super) fn count(context: &mut Context<'_>, _: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    principal(context, named, Access::ReadSynchronization)?;
    Ok(number(TEMPLATES.len()))
}

/// One template.
pub(super) fn get(context: &mut Context<'_>, request: &GraphRequest, named: &Named<'_>) -> Result<Answer, Refusal> {
    let row = find(context, named)?;
    collection::single(context, request, &SYNCHRONIZATION_TEMPLATE, row)
}

/// The schema of one template.
pub(super) fn get_schema(
    context: &mut Context<'_>,
    request: &GraphRequest,
    named: &Named<'_>,
) -> Result<Answer, Refusal> {
    let row = find(context, named)?;
    let schema = default_schema(text(&row, "id"));
    collection::single(context, request, &schema::SYNCHRONIZATION_SCHEMA, schema)
}

fn find(context: &Context<'_>, named: &Named<'_>) -> Result<Properties, Refusal> {
    let (_, row) = principal(context, named, Access::ReadSynchronization)?;
    let id = named.key(1).value;
    rows(&row).into_iter().find(|row| text(row, "id") == id).ok_or_else(|| Refusal::not_found(id))
}

/// What jobs of a template map: an excerpt of what real schemas hold. Identifiers are invented.
pub(super) fn default_schema(template_id: &str) -> Properties {
    let target = directory_name(template_id);
    let user = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let group = "urn:ietf:params:scim:schemas:core:2.0:Group";
    shape::object(json!({
        "id": template_id,
        "version": "Date:2023-04-12T00:00:00.0000000Z",
        "directories": [
            directory("Microsoft Entra ID", &[
                ("User", &["objectId", "userPrincipalName", "displayName", "IsSoftDeleted"]),
                ("Group", &["objectId", "displayName", "members"]),
            ]),
            directory(target, &[
                (user, &["id", "userName", "displayName", "active"]),
                (group, &["id", "displayName", "members"]),
            ]),
        ],
        "synchronizationRules": [{
            "editable": true,
            "id": super::schema::RULE_ID,
            "name": "USER_AND_GROUP_OUTBOUND",
            "priority": 1,
            "sourceDirectoryName": "Microsoft Entra ID",
            "targetDirectoryName": target,
            "metadata": [],
            "objectMappings": [
                mapping("User", user, &[("userPrincipalName", "userName"), ("displayName", "displayName")]),
                mapping("Group", group, &[("displayName", "displayName"), ("members", "members")]),
            ],
        }],
    }))
}

fn directory(name: &str, objects: &[(&str, &[&str])]) -> Value {
    let attribute = |(place, name): (usize, &&str)| {
        json!({
            "anchor": place == 0,
            "caseExact": false,
            "defaultValue": null,
            "flowNullValues": false,
            "multivalued": *name == "members",
            "mutability": if place == 0 { "ReadOnly" } else { "ReadWrite" },
            "name": name,
            "required": place < 2,
            "type": if *name == "members" { "Reference" } else { "String" },
            "apiExpressions": [],
            "metadata": [],
            "referencedObjects": [],
        })
    };
    let object = |(name, attributes): &(&str, &[&str])| {
        json!({
            "name": name,
            "supportedApis": [],
            "metadata": [],
            "attributes": attributes.iter().enumerate().map(attribute).collect::<Vec<_>>(),
        })
    };
    json!({
        "id": name,
        "name": name,
        "readOnly": false,
        "discoverabilities": "None",
        "discoveryDateTime": null,
        "version": null,
        "objects": objects.iter().map(object).collect::<Vec<_>>(),
    })
}

fn mapping(source: &str, target: &str, attributes: &[(&str, &str)]) -> Value {
    let attribute = |(source, target): &(&str, &str)| {
        json!({
            "defaultValue": null,
            "exportMissingReferences": false,
            "flowBehavior": "FlowWhenChanged",
            "flowType": "Always",
            "matchingPriority": i32::from(*target == "userName"),
            "targetAttributeName": target,
            "source": {"expression": format!("[{source}]"), "name": source, "type": "Attribute", "parameters": []},
        })
    };
    json!({
        "enabled": true,
        "flowTypes": "Add, Update, Delete",
        "name": format!("Provision {source}s"),
        "sourceObjectName": source,
        "targetObjectName": target,
        "metadata": [],
        "scope": null,
        "attributeMappings": attributes.iter().map(attribute).collect::<Vec<_>>(),
    })
}
