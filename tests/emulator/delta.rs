//! Tracking changes with state tokens.
//! <https://learn.microsoft.com/graph/delta-query-overview>

use serde_json::{Value, json};

use super::cloud::{
    ALL_ROLES, Answer, Cloud, GRAPH, IDENTITY, IDENTITY_REGISTRATION, INTEGRATION, OPERATOR, URL, calm, column,
    with_only_roles, with_roles,
};

fn link(answer: &Answer, name: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let link = answer.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", answer.text));
    link.strip_prefix(&format!("{URL}/v1.0")).unwrap().to_owned()
}

/// Every page from here on, and the address of the next round.
fn round(cloud: &mut Cloud, start: &str) -> (Vec<Value>, String) {
    let (mut path, mut rows) = (start.to_owned(), Vec::new());
    loop {
        let answer = cloud.get(&path);
        rows.extend(answer.values());
        if answer.body.get("@odata.nextLink").is_none() {
            return (rows, link(&answer, "@odata.deltaLink"));
        }
        assert_eq!(answer.body.get("@odata.deltaLink"), None);
        path = link(&answer, "@odata.nextLink");
        assert!(path.contains("/delta?$skiptoken="), "{path}");
    }
}

fn disabled(cloud: &mut Cloud, id: &str) {
    assert_eq!(cloud.patch(&format!("/servicePrincipals/{id}"), &json!({"accountEnabled": false})).status, 204);
}

#[test]
fn the_first_round_tells_everything_and_the_next_only_what_changed() {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.knob("pageSize", 2);
    let (rows, next) = round(&mut cloud, "/servicePrincipals/delta");
    let mut listed = column(&round_of_list(&mut cloud), "id");
    listed.sort();
    assert_eq!(column(&rows, "id"), listed);
    assert!(next.contains("/delta?$deltatoken="), "{next}");
    assert_eq!(round(&mut cloud, &next).0, Vec::<Value>::new());
    disabled(&mut cloud, INTEGRATION);
    let (rows, later) = round(&mut cloud, &next);
    assert_eq!(column(&rows, "id"), [INTEGRATION]);
    assert_eq!(rows[0]["accountEnabled"], false);
    assert_eq!(rows[0]["appId"], cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).body["appId"]);
    assert_eq!(round(&mut cloud, &later).0, Vec::<Value>::new());
    // A token may be used again.
    assert_eq!(column(&round(&mut cloud, &next).0, "id"), [INTEGRATION]);
}

fn round_of_list(cloud: &mut Cloud) -> Vec<Value> {
    cloud.get("/servicePrincipals?$top=999").values()
}

#[test]
fn what_was_deleted_is_removed_as_changed_while_it_can_be_restored_and_as_deleted_afterwards() {
    let mut cloud = with_roles(&ALL_ROLES);
    let (_, next) = round(&mut cloud, "/servicePrincipals/delta?$deltatoken=latest");
    let (_, grants) = round(&mut cloud, "/oauth2PermissionGrants/delta?$deltatoken=latest");
    let held = cloud.get(&format!("/servicePrincipals/{INTEGRATION}/oauth2PermissionGrants")).values();
    assert!(!held.is_empty());
    assert_eq!(cloud.delete(&format!("/servicePrincipals/{INTEGRATION}")).status, 204);
    let removed = |id: &str, reason: &str| json!({"id": id, "@removed": {"reason": reason}});
    let (rows, later) = round(&mut cloud, &next);
    assert_eq!(rows, [removed(INTEGRATION, "changed")]);
    let gone = round(&mut cloud, &grants).0;
    assert_eq!(column(&gone, "id"), column(&held, "id"));
    assert_eq!(gone[0]["@removed"]["reason"], "changed");
    assert_eq!(cloud.delete(&format!("/directory/deletedItems/{INTEGRATION}")).status, 204);
    assert_eq!(round(&mut cloud, &later).0, [removed(INTEGRATION, "deleted")]);
    assert_eq!(round(&mut cloud, &grants).0[0]["@removed"]["reason"], "deleted");
}

#[test]
fn what_was_restored_comes_back_whole() {
    let mut cloud = with_roles(&ALL_ROLES);
    assert_eq!(cloud.delete(&format!("/servicePrincipals/{INTEGRATION}")).status, 204);
    let (rows, next) = round(&mut cloud, "/servicePrincipals/delta");
    assert!(!column(&rows, "id").contains(&INTEGRATION.to_owned()));
    assert_eq!(cloud.post(&format!("/directory/deletedItems/{INTEGRATION}/restore"), &json!({})).status, 200);
    let answer = cloud.send("GET", &next, None, &[("prefer", "return=minimal")]);
    assert_eq!(answer.values()[0]["id"], INTEGRATION);
    assert!(answer.values()[0]["displayName"].is_string());
}

#[test]
fn latest_skips_what_is_and_select_restricts_what_counts() {
    let mut cloud = with_roles(&ALL_ROLES);
    let (rows, all) = round(&mut cloud, "/servicePrincipals/delta?$deltatoken=latest");
    assert!(rows.is_empty());
    let (rows, names) = round(&mut cloud, "/servicePrincipals/delta?$select=displayName");
    assert!(rows.iter().all(|row| row.as_object().unwrap().keys().all(|name| name == "id" || name == "displayName")));
    disabled(&mut cloud, IDENTITY);
    assert!(round(&mut cloud, &names).0.is_empty());
    assert_eq!(round(&mut cloud, &all).0.len(), 1);
    let minimal = cloud.send("GET", &all, None, &[("prefer", "return=minimal")]).values();
    assert_eq!(minimal, [json!({"id": IDENTITY, "accountEnabled": false})]);
}

#[test]
fn a_filter_names_objects_or_in_directory_objects_types_and_nothing_else() {
    let mut cloud = with_roles(&ALL_ROLES);
    let path = format!("/servicePrincipals/delta?$filter=id eq '{IDENTITY}' or id eq '{GRAPH}'");
    let (rows, next) = round(&mut cloud, &path);
    assert_eq!(column(&rows, "id"), [IDENTITY, GRAPH]);
    disabled(&mut cloud, INTEGRATION);
    assert!(round(&mut cloud, &next).0.is_empty());
    let path = "/directoryObjects/delta?$filter=isof('microsoft.graph.application')";
    let rows = round(&mut cloud, path).0;
    assert!(column(&rows, "id").contains(&IDENTITY_REGISTRATION.to_owned()));
    assert_eq!(column(&rows, "@odata.type"), vec!["#microsoft.graph.application"; rows.len()]);
    assert_eq!(rows[0]["@odata.type"], "#microsoft.graph.application");
    for refused in [
        "servicePrincipals/delta?$filter=displayName eq 'x'",
        "servicePrincipals/delta?$filter=isof('microsoft.graph.application')",
        "directoryObjects/delta?$filter=isof(application)",
        "servicePrincipals?$filter=isof('microsoft.graph.application')",
        "servicePrincipals/delta?$top=5",
        "servicePrincipals/delta?$expand=owners",
    ] {
        assert_eq!(cloud.get(&format!("/{refused}")).status, 400, "{refused}");
    }
}

#[test]
fn a_token_that_was_touched_is_refused_and_one_older_than_seven_days_sends_back_to_the_start() {
    let mut cloud = calm();
    let (_, next) = round(&mut cloud, "/servicePrincipals/delta?$deltatoken=latest");
    for place in [next.len() - 1, next.len() - 30, next.find("token=").unwrap() + 8] {
        let mut touched = next.clone();
        let other = if touched.as_bytes()[place] == b'A' { "B" } else { "A" };
        touched.replace_range(place..=place, other);
        assert_eq!(cloud.get(&touched).status, 400, "{place}");
    }
    let elsewhere = next.replace("/servicePrincipals/", "/directoryObjects/");
    assert_eq!(cloud.get(&elsewhere).status, 400);
    cloud.wait_days(6);
    cloud.sign_in();
    assert_eq!(cloud.get(&next).status, 200);
    cloud.wait_days(2);
    cloud.sign_in();
    let answer = cloud.get(&next);
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (410, "syncStateNotFound"));
    let location = answer.header("location").strip_prefix(&format!("{URL}/v1.0")).unwrap().to_owned();
    assert!(location.ends_with("/servicePrincipals/delta?$deltatoken="), "{location}");
    assert!(!round(&mut cloud, &location).0.is_empty());
}

#[test]
fn a_change_that_some_copies_lack_is_told_in_a_later_round_and_not_lost() {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.knob("replicationLag", "PT10S");
    let (_, next) = round(&mut cloud, "/servicePrincipals/delta?$deltatoken=latest");
    disabled(&mut cloud, IDENTITY);
    let (rows, next) = round(&mut cloud, &next);
    assert!(rows.is_empty());
    cloud.wait(11);
    let rows = round(&mut cloud, &next).0;
    assert_eq!((rows[0]["id"].as_str(), rows[0]["accountEnabled"].as_bool()), (Some(IDENTITY), Some(false)));
}

#[test]
fn grants_are_tracked_with_the_permission_to_read_grants() {
    assert_eq!(with_only_roles(&["Application.Read.All"]).get("/oauth2PermissionGrants/delta").status, 403);
    assert_eq!(with_only_roles(&[]).get("/servicePrincipals/delta").status, 403);
    let mut cloud = with_roles(&ALL_ROLES);
    let (rows, next) = round(&mut cloud, "/oauth2PermissionGrants/delta");
    let listed = cloud.get("/oauth2PermissionGrants").values();
    assert_eq!(rows.len(), listed.len());
    let grant =
        json!({"clientId": OPERATOR, "consentType": "AllPrincipals", "resourceId": GRAPH, "scope": "User.Read"});
    let made = cloud.post("/oauth2PermissionGrants", &grant);
    let id = made.body["id"].as_str().unwrap();
    let (rows, next) = round(&mut cloud, &next);
    assert_eq!((column(&rows, "id"), column(&rows, "scope")), (vec![id.to_owned()], vec!["User.Read".to_owned()]));
    assert_eq!(cloud.delete(&format!("/oauth2PermissionGrants/{id}")).status, 204);
    assert_eq!(round(&mut cloud, &next).0, [json!({"id": id, "@removed": {"reason": "deleted"}})]);
}
