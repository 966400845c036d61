//! `$expand`.
//! <https://learn.microsoft.com/graph/query-parameters#expand>

use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, Cloud, GRAPH, IDENTITY, INTEGRATION, OPERATOR, URL, calm, column, keys, with_roles};

/// A principal that owns as many applications as are told.
fn owner_of(count: usize) -> Cloud {
    let mut cloud = with_roles(&ALL_ROLES);
    for number in 0..count {
        let answer = cloud.post("/applications", &json!({"displayName": format!("Number {number}")}));
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    cloud
}

fn rows(of: &Value, name: &str) -> Vec<Value> {
    of[name].as_array().unwrap_or_else(|| panic!("{name} was expected: {of}")).clone()
}

#[test]
fn an_expanded_relationship_holds_what_its_own_path_answers() {
    let mut cloud = owner_of(2);
    for (id, name) in [
        (INTEGRATION, "appRoleAssignments"),
        (GRAPH, "appRoleAssignedTo"),
        (IDENTITY, "owners"),
        (OPERATOR, "ownedObjects"),
    ] {
        let expanded = cloud.get(&format!("/servicePrincipals/{id}?$expand={name}"));
        assert_eq!(expanded.status, 200, "{}", expanded.text);
        let context = format!("{URL}/v1.0/$metadata#servicePrincipals({name}())/$entity");
        assert_eq!(expanded.body["@odata.context"], context);
        assert_eq!(expanded.body["id"], id);
        let alone = cloud.get(&format!("/servicePrincipals/{id}/{name}?$top=20")).values();
        assert!(!alone.is_empty(), "{name}");
        assert_eq!(rows(&expanded.body, name), alone);
        assert_eq!(cloud.get(&format!("/servicePrincipals/{id}")).body.get(name), None, "{name} was not asked for");
    }
}

#[test]
fn each_row_of_a_list_has_its_own_expansion_and_select_keeps_it() {
    let mut cloud = owner_of(1);
    let list = cloud.get("/servicePrincipals?$select=id&$expand=appRoleAssignments").values();
    for row in &list {
        assert_eq!(keys(row), ["appRoleAssignments", "id"]);
        let of_row = rows(row, "appRoleAssignments");
        assert!(of_row.iter().all(|assignment| assignment["principalId"] == row["id"]));
    }
    assert!(list.iter().any(|row| !rows(row, "appRoleAssignments").is_empty()));
    let applications = cloud.get("/applications?$expand=owners&$filter=displayName eq 'Number 0'").values();
    assert_eq!(column(&rows(&applications[0], "owners"), "id"), [OPERATOR]);
}

#[test]
fn no_more_than_twenty_objects_are_expanded_and_no_link_leads_to_the_others() {
    let mut cloud = owner_of(21);
    let path = format!("/servicePrincipals/{OPERATOR}");
    assert!(cloud.get(&format!("{path}/ownedObjects")).values().len() > 20);
    let expanded = cloud.get(&format!("{path}?$expand=ownedObjects"));
    assert_eq!(rows(&expanded.body, "ownedObjects").len(), 20);
    assert!(!expanded.text.contains("nextLink"));
}

#[test]
fn a_select_inside_narrows_what_is_expanded() {
    let mut cloud = calm();
    let answer = cloud.get(&format!("/servicePrincipals/{IDENTITY}?$select=id&$expand=owners($select=id,displayName)"));
    let context = format!("{URL}/v1.0/$metadata#servicePrincipals(id,owners(id,displayName))/$entity");
    assert_eq!(answer.body["@odata.context"], context);
    let owners = rows(&answer.body, "owners");
    assert_eq!(keys(&owners[0]), ["@odata.type", "displayName", "id"]);
}

#[test]
fn what_cannot_be_expanded_is_refused_as_published() {
    let mut cloud = calm();
    for (expand, code, words) in [
        (
            "owners,appRoleAssignments",
            "BadRequest",
            "The result of parsing $expand contained at least 2 items, but the maximum allowed is 1.",
        ),
        (
            "oauth2PermissionGrants",
            "ExpandNotSupported",
            "Expand is not allowed for property 'oauth2PermissionGrants' according to the entity schema.",
        ),
        ("colours", "BadRequest", "Could not find a property named 'colours'"),
        ("displayName", "BadRequest", "Could not find a property named 'displayName'"),
        ("owners($expand=owners)", "BadRequest", "The query option '$expand' is not supported inside $expand."),
        ("owners($select=colour)", "BadRequest", "Could not find a property named 'colour'"),
        ("owners(", "BadRequest", "Term 'owners(' is not valid in a $select or $expand expression."),
        ("", "BadRequest", "Term '' is not valid in a $select or $expand expression."),
    ] {
        for path in ["/servicePrincipals".to_owned(), format!("/servicePrincipals/{IDENTITY}")] {
            let answer = cloud.get(&format!("{path}?$expand={expand}"));
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{expand}: {}", answer.text);
            let message = answer.body["error"]["message"].as_str().unwrap();
            assert!(message.contains(words), "{expand}: {message}");
        }
    }
}

#[test]
fn the_index_does_not_expand() {
    let path = "/servicePrincipals?$count=true&$expand=owners";
    let answer = calm().send("GET", path, None, &[("ConsistencyLevel", "eventual")]);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "Request_UnsupportedQuery"));
}

#[test]
fn what_is_wrong_inside_is_refused_where_there_is_no_row_as_well() {
    let answer = calm().get("/servicePrincipals?$filter=appId eq 'nobody'&$expand=owners($select=colour)");
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BadRequest"));
}
