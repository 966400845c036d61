//! `@odata.nextLink`: every row once, whatever comes and goes, and tokens that are good for one list.
//! <https://learn.microsoft.com/graph/paging>

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;
use webex_azure_operator::emulator::{Knobs, Scenario};

use super::cloud::{ALL_ROLES, Answer, Cloud, TENANT, calm, column, incident_with_roles, with, with_roles};

const EVENTUAL: [(&str, &str); 1] = [("ConsistencyLevel", "eventual")];

fn next(answer: &Answer) -> Option<String> {
    answer.body["@odata.nextLink"].as_str().map(str::to_owned)
}

/// The ids on all pages, and how long each page was.
fn walk(cloud: &mut Cloud, path: &str, headers: &[(&str, &str)]) -> (Vec<String>, Vec<usize>) {
    let (mut link, mut ids, mut sizes) = (Some(path.to_owned()), Vec::new(), Vec::new());
    while let Some(path) = link {
        let page = cloud.send("GET", &path, None, headers);
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        ids.extend(column(&page.values(), "id"));
        sizes.push(page.values().len());
        link = next(&page);
        assert!(sizes.len() < 100, "{path} has no end");
    }
    (ids, sizes)
}

fn add(cloud: &mut Cloud, name: &str) -> String {
    let answer = cloud.post("/applications", &json!({"displayName": name}));
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.body["id"].as_str().unwrap().to_owned()
}

#[test]
fn what_comes_and_goes_between_two_pages_moves_no_other_row() {
    let mut cloud = with_roles(&ALL_ROLES);
    let first_ids: Vec<String> = (0..12).map(|number| add(&mut cloud, &format!("Number {number}"))).collect();
    let page = cloud.get("/applications?$top=4");
    let seen = column(&page.values(), "id");
    // One that was shown goes, one that is still to come goes, and some come.
    cloud.delete(&format!("/applications/{}", seen[0]));
    let later = first_ids.iter().find(|id| !seen.contains(id)).unwrap().clone();
    cloud.delete(&format!("/applications/{later}"));
    let new: Vec<String> = (0..5).map(|number| add(&mut cloud, &format!("Later {number}"))).collect();
    let (rest, _) = walk(&mut cloud, &next(&page).unwrap(), &[]);
    let all: Vec<&String> = seen.iter().chain(&rest).collect();
    let unique: BTreeSet<&String> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "a row came twice");
    for id in first_ids.iter().filter(|id| **id != later) {
        assert!(unique.contains(id), "{id} was there all the time and is on no page");
    }
    assert!(!rest.contains(&later));
    assert!(all.iter().all(|id| first_ids.contains(id) || new.contains(id) || seen.contains(id) || rest.contains(id)));
}

#[test]
fn the_index_counts_on_the_first_page_alone_and_wants_its_header_on_each() {
    let mut cloud = calm();
    let path = "/servicePrincipals?$count=true&$top=2&$orderby=displayName desc";
    let page = cloud.send("GET", path, None, &EVENTUAL);
    assert_eq!(page.body["@odata.count"], 4);
    let link = next(&page).unwrap();
    let second = cloud.send("GET", &link, None, &EVENTUAL);
    assert_eq!((second.values().len(), second.body.get("@odata.count")), (2, None));
    let refused = cloud.get(&link.replace("$orderby=displayName%20desc&", ""));
    assert_eq!(refused.code(), "Directory_ExpiredPageToken", "{}", refused.text);
    let (ids, sizes) = walk(&mut cloud, path, &EVENTUAL);
    assert_eq!((ids.iter().collect::<BTreeSet<_>>().len(), sizes), (4, vec![2, 2]));
}

#[test]
fn without_the_header_the_next_page_of_an_advanced_query_is_refused() {
    let mut cloud = calm();
    let page = cloud.send("GET", "/servicePrincipals?$count=true&$top=2", None, &EVENTUAL);
    let refused = cloud.get(&next(&page).unwrap());
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "Directory_ExpiredPageToken"));
    let words = "The specified page token value has expired and can no longer be included in your request.";
    assert_eq!(refused.body["error"]["message"], words);
}

#[test]
fn a_page_token_is_good_in_its_own_tenant_alone() {
    let mut cloud = calm();
    let link = next(&cloud.get("/servicePrincipals?$top=2")).unwrap();
    let other = "00000000-0000-4000-8000-0000000000ff";
    let mut scenario = serde_json::to_value(Scenario::incident()).unwrap();
    scenario["tenant"]["id"] = other.into();
    scenario["tenant"]["domains"] = json!(["fabrikam.com"]);
    let scenario: Scenario = serde_json::from_value(scenario).unwrap();
    cloud.emulator.load(cloud.now, &scenario).unwrap();
    let mine = cloud.token.clone();
    let answer = cloud.ask_token(other, &super::cloud::sign_in_form());
    answer.body["access_token"].as_str().unwrap().clone_into(&mut cloud.token);
    assert_eq!(cloud.get("/servicePrincipals?$top=2").status, 200);
    assert_eq!(cloud.get(&link).code(), "Directory_ExpiredPageToken", "{TENANT} is another one");
    cloud.token = mine;
    assert_eq!(cloud.get(&link).status, 200);
}

#[test]
fn a_page_token_lives_as_long_as_the_knob_says() {
    let mut cloud = calm();
    let link = next(&cloud.get("/servicePrincipals?$top=2")).unwrap();
    cloud.wait(600);
    assert_eq!(cloud.get(&link).status, 200);
    cloud.knob("pageTokenLifetimeSeconds", 599);
    assert_eq!(cloud.get(&link).code(), "Directory_ExpiredPageToken");
}

#[test]
fn the_reporting_service_has_its_own_words_and_longer_pages() {
    let mut cloud = calm();
    let refused = cloud.get("/auditLogs/directoryAudits?$skiptoken=abc");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "BadRequest"));
    assert_eq!(refused.body["error"]["message"], "Token not found: token is either invalid or expired");
    assert_eq!(cloud.get("/auditLogs/directoryAudits?$top=1000").status, 200);
    let refused = cloud.get("/auditLogs/directoryAudits?$top=1001");
    assert!(refused.text.contains("Must be between 1 and 1000 inclusive."), "{}", refused.text);
    assert_eq!(cloud.get("/servicePrincipals?$top=999").status, 200);
}

#[test]
fn a_page_has_a_hundred_rows_unless_asked_otherwise() {
    let mut cloud = with_roles(&ALL_ROLES);
    for number in 0..101 {
        add(&mut cloud, &format!("Number {number}"));
    }
    let total = walk(&mut cloud, "/applications?$top=999", &[]).0.len();
    assert_eq!(walk(&mut cloud, "/applications", &[]).1, [100, total - 100]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_is_on_exactly_one_page_whatever_the_size(
        top in prop::option::of(1..8_u32),
        page_size in 1..6_u32,
        trailing in any::<bool>(),
        names in prop::collection::vec("[a-cA-C]{0,2}é?", 0..12),
        order in prop::sample::select(vec!["", "displayName", "displayName desc", "createdDateTime", "createdDateTime desc"]),
    ) {
        let knobs = Knobs { page_size, trailing_empty_page: trailing, ..Knobs::calm() };
        let mut cloud = with(knobs, &incident_with_roles(&ALL_ROLES));
        let mut expected: BTreeSet<String> = column(&cloud.get("/applications?$top=999").values(), "id").into_iter().collect();
        for name in &names {
            expected.insert(add(&mut cloud, &format!("{name}x")));
            cloud.wait(1);
        }
        let size = top.map(|top| format!("&$top={top}")).unwrap_or_default();
        let order = if order.is_empty() { String::new() } else { format!("&$count=true&$orderby={order}") };
        let path = format!("/applications?$select=id,displayName{size}{order}");
        let (ids, sizes) = walk(&mut cloud, &path, &EVENTUAL);
        let longest = top.unwrap_or(page_size) as usize;
        prop_assert!(sizes.iter().all(|size| *size <= longest), "{:?}", sizes);
        prop_assert_eq!(ids.len(), expected.len());
        prop_assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}
