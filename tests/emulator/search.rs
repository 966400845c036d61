//! `$search` and numbers of related objects: what the index alone knows.
//! <https://learn.microsoft.com/graph/search-query-parameter#using-search-on-directory-object-collections>

use serde_json::json;

use super::cloud::{ALL_ROLES, Answer, Cloud, IDENTITY, INTEGRATION, calm, column, with_roles};

fn indexed(cloud: &mut Cloud, path: &str) -> Answer {
    let path = path.replace('"', "%22");
    cloud.send("GET", &path, None, &[("ConsistencyLevel", "eventual")])
}

fn found(cloud: &mut Cloud, search: &str) -> Vec<String> {
    let answer = indexed(cloud, &format!("/servicePrincipals?$select=displayName&$search={search}"));
    assert_eq!(answer.status, 200, "{search}: {}", answer.text);
    column(&answer.values(), "displayName")
}

#[test]
fn names_are_found_by_their_words() {
    let mut cloud = calm();
    let both = ["Cisco Webex Identity - Azure AD", "Cisco Webex Identity Integration"];
    assert_eq!(found(&mut cloud, "\"displayName:webex\""), [both[0], both[1], "Webex operator (read only)"]);
    assert_eq!(found(&mut cloud, "\"displayName:identity cisco\""), both);
    assert_eq!(found(&mut cloud, "\"displayName:Integr\""), [both[1]]);
    assert!(found(&mut cloud, "\"displayName:ebex\"").is_empty(), "a search is no substring");
    assert_eq!(found(&mut cloud, "\"appId:00000003-\""), ["Microsoft Graph"]);
    assert_eq!(found(&mut cloud, "\"displayname:Graph\" OR \"displayName:Integration\"").len(), 2);
    assert!(found(&mut cloud, "\"displayName:Graph\" AND \"displayName:Integration\"").is_empty());
}

#[test]
fn a_search_goes_together_with_a_filter_and_is_counted() {
    let mut cloud = calm();
    let path = format!("/servicePrincipals?$search=\"displayName:webex\"&$filter=id eq '{IDENTITY}'&$count=true");
    let answer = indexed(&mut cloud, &path);
    assert_eq!((answer.values().len(), &answer.body["@odata.count"]), (1, &1.into()));
    let number = indexed(&mut cloud, "/servicePrincipals/$count?$search=\"displayName:cisco\"");
    assert_eq!((number.header("content-type"), number.text.as_str()), ("text/plain", "2"));
}

#[test]
fn a_search_without_the_header_is_refused_as_published() {
    let answer = calm().get("/applications?$search=%22displayName:Browser%22");
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "Request_UnsupportedQuery"));
    let words = "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'";
    assert_eq!(answer.body["error"]["message"], words);
}

#[test]
fn a_filtered_list_is_counted_by_its_segment() {
    let mut cloud = calm();
    let path = "/servicePrincipals/$count?$filter=startswith(displayName,'Cisco')";
    assert_eq!(indexed(&mut cloud, path).text, "2");
    let refused = cloud.get(path);
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "Request_BadRequest"));
    assert_eq!(refused.body["error"]["message"], "$count is not currently supported.");
}

/// "These properties are now indexed in a separate store": what one of them knows already, the other may not.
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
#[test]
fn the_index_learns_of_a_write_at_its_own_time() {
    let mut cloud = with_roles(&ALL_ROLES);
    cloud.knob("replicationLag", "PT60S");
    let path = "/applications?$filter=displayName eq 'New'";
    cloud.post("/applications", &json!({"displayName": "New"}));
    let mut seen = Vec::new();
    for _ in 0..=60 {
        let is_listed = !cloud.get(path).values().is_empty();
        let is_indexed = !indexed(&mut cloud, &format!("{path}&$count=true")).values().is_empty();
        seen.push((is_listed, is_indexed));
        cloud.wait(1);
    }
    assert_eq!((seen.first(), seen.last()), (Some(&(false, false)), Some(&(true, true))));
    assert!(seen.iter().any(|(listed, indexed)| listed != indexed), "{seen:?}");
    assert!(seen.is_sorted(), "{seen:?}");
}

#[test]
fn the_count_is_silently_ignored_without_the_header() {
    let mut cloud = calm();
    let answer = cloud.get("/servicePrincipals?$count=true");
    assert_eq!((answer.status.as_u16(), answer.body.get("@odata.count")), (200, None));
}

#[test]
fn an_item_of_a_batch_brings_the_header_itself() {
    let mut cloud = calm();
    let url = "/servicePrincipals?$count=true&$filter=accountEnabled ne false";
    let with = json!({"id": "1", "method": "GET", "url": url, "headers": {"ConsistencyLevel": "eventual"}});
    let without = json!({"id": "2", "method": "GET", "url": url});
    let body = json!({"requests": [with, without]});
    let answer = cloud.send("POST", "/$batch", Some(&body), &[("ConsistencyLevel", "eventual")]);
    let responses = &answer.body["responses"];
    assert_eq!((&responses[0]["status"], &responses[0]["body"]["@odata.count"]), (&json!(200), &json!(4)));
    assert_eq!(responses[1]["body"]["error"]["code"], "Request_UnsupportedQuery", "the outer header is not theirs");
}

#[test]
fn owners_are_counted_in_a_filter_with_the_index_alone() {
    let mut cloud = calm();
    let ids = |answer: &Answer| column(&answer.values(), "id");
    let owned = indexed(&mut cloud, "/servicePrincipals?$filter=owners/$count eq 1&$count=true");
    assert_eq!(ids(&owned), [IDENTITY], "{}", owned.text);
    let owner = indexed(&mut cloud, "/servicePrincipals?$filter=ownedObjects/$count ne 0&$count=true");
    assert_eq!(ids(&owner), [INTEGRATION], "{}", owner.text);
    let path = "/servicePrincipals?$filter=owners/$count eq 0";
    assert_eq!(cloud.get(path).code(), "Request_UnsupportedQuery");
    for unsupported in ["owners/$count eq 2", "owners/$count gt 0", "tags/$count eq 0"] {
        let answer = indexed(&mut cloud, &format!("/servicePrincipals?$count=true&$filter={unsupported}"));
        assert_eq!(answer.code(), "Request_UnsupportedQuery", "{unsupported}");
    }
}
