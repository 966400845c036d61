//! `POST /$batch`.
//! <https://learn.microsoft.com/graph/json-batching>

use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, Cloud, IDENTITY_APP, INTEGRATION, INTEGRATION_APP, calm, with_roles};

fn get(id: &str, url: &str) -> Value {
    json!({"id": id, "method": "GET", "url": url})
}

fn batch(cloud: &mut Cloud, requests: &[Value]) -> Vec<Value> {
    let answer = cloud.post("/$batch", &json!({"requests": requests}));
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["responses"].as_array().unwrap().clone()
}

fn item<'a>(responses: &'a [Value], id: &str) -> &'a Value {
    responses.iter().find(|response| response["id"] == id).unwrap_or_else(|| panic!("no item {id}"))
}

#[test]
fn each_item_has_its_own_status_headers_and_body() {
    let mut cloud = calm();
    let responses = batch(
        &mut cloud,
        &[
            get("1", &format!("/servicePrincipals(appId='{INTEGRATION_APP}')?$select=id")),
            get("2", "servicePrincipals(appId='11111111-2222-3333-4444-555555555555')"),
            json!({"id": "3", "method": "DELETE", "url": format!("/servicePrincipals/{INTEGRATION}")}),
        ],
    );
    assert_eq!(responses.len(), 3);
    let found = item(&responses, "1");
    assert_eq!((&found["status"], &found["body"]["id"]), (&json!(200), &json!(INTEGRATION)));
    assert_eq!(found["headers"]["x-ms-resource-unit"], "1");
    assert!(found["headers"]["Content-Type"].as_str().unwrap().contains("odata.metadata=minimal"));
    let missing = item(&responses, "2");
    assert_eq!(
        (&missing["status"], &missing["body"]["error"]["code"]),
        (&json!(404), &json!("Request_ResourceNotFound"))
    );
    assert_eq!(item(&responses, "3")["status"], 403);
}

#[test]
fn an_item_equals_the_same_request_alone() {
    let mut cloud = calm();
    let url = format!("/servicePrincipals(appId='{INTEGRATION_APP}')/appRoleAssignments?$top=2");
    let alone = cloud.get(&url).body;
    assert_eq!(item(&batch(&mut cloud, &[get("a", &url)]), "a")["body"], alone);
    assert!(alone["@odata.nextLink"].is_string());
}

#[test]
fn ids_are_unique_without_regard_to_case() {
    let mut cloud = calm();
    for (one, two) in [("1", "1"), ("abc", "ABC")] {
        let requests = [get(one, "/servicePrincipals"), get(two, "/servicePrincipals")];
        let answer = cloud.post("/$batch", &json!({"requests": requests}));
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BadRequest"));
        let message = answer.body["error"]["message"].as_str().unwrap();
        assert!(message.ends_with("has to be unique in a batch."), "{message}");
    }
}

#[test]
fn a_batch_takes_twenty_requests_and_not_one_more() {
    let mut cloud = calm();
    let requests = |count: usize| -> Vec<Value> {
        (0..count).map(|id| get(&id.to_string(), "/servicePrincipals?$select=id&$top=1")).collect()
    };
    assert_eq!(batch(&mut cloud, &requests(20)).len(), 20);
    assert_eq!(cloud.post("/$batch", &json!({"requests": requests(21)})).status, 400);
    assert_eq!(cloud.post("/$batch", &json!({"wishes": []})).status, 400);
    assert_eq!(cloud.get("/$batch").status, 405);
}

#[test]
fn what_depends_on_a_failure_fails_with_424_and_is_not_done() {
    let mut cloud = with_roles(&ALL_ROLES);
    let responses = batch(
        &mut cloud,
        &[
            get("1", "/servicePrincipals/11111111-2222-3333-4444-555555555555"),
            json!({"id": "2", "method": "DELETE", "url": format!("/servicePrincipals/{INTEGRATION}"), "dependsOn": ["1"]}),
            json!({"id": "3", "method": "GET", "url": "/servicePrincipals?$top=1", "dependsOn": ["2"]}),
            get("4", &format!("/servicePrincipals/{INTEGRATION}")),
        ],
    );
    assert_eq!(item(&responses, "2")["status"], 424);
    assert_eq!(item(&responses, "3")["status"], 424);
    assert_eq!(item(&responses, "4")["status"], 200);
    let unknown = json!({"id": "1", "method": "GET", "url": "/servicePrincipals", "dependsOn": ["9"]});
    assert_eq!(cloud.post("/$batch", &json!({"requests": [unknown]})).status, 400);
}

#[test]
fn a_write_in_a_batch_is_a_write() {
    let mut cloud = with_roles(&ALL_ROLES);
    let patch = json!({
        "id": "1", "method": "PATCH", "url": format!("/servicePrincipals/{INTEGRATION}"),
        "headers": {"Content-Type": "application/json"}, "body": {"accountEnabled": false},
    });
    let responses = batch(&mut cloud, &[patch]);
    assert_eq!(responses[0]["status"], 204);
    assert_eq!(responses[0].get("body"), None);
    assert_eq!(cloud.get(&format!("/servicePrincipals/{INTEGRATION}")).body["accountEnabled"], false);
}

#[test]
fn throttling_is_per_item_inside_a_successful_batch() {
    let mut cloud = calm();
    cloud.knob("throttleEvery", 2);
    cloud.knob("retryAfterSeconds", 7);
    let requests: Vec<Value> =
        (0..4).map(|id| get(&id.to_string(), &format!("/servicePrincipals(appId='{IDENTITY_APP}')"))).collect();
    let responses = batch(&mut cloud, &requests);
    let throttled: Vec<&Value> = responses.iter().filter(|response| response["status"] == 429).collect();
    assert_eq!(throttled.len(), 2);
    assert_eq!(throttled[0]["headers"]["Retry-After"], "7");
    assert_eq!(throttled[0]["body"]["error"]["code"], "TooManyRequests");
}

#[test]
fn answers_may_come_in_another_order_and_the_same_one_for_the_same_seed() {
    let order = || {
        let mut cloud = calm();
        cloud.knob("shuffleBatch", true);
        let requests: Vec<Value> = (0..8).map(|id| get(&id.to_string(), "/servicePrincipals?$top=1")).collect();
        super::cloud::column(&batch(&mut cloud, &requests), "id")
    };
    let first = order();
    assert_eq!(first, order());
    let mut sorted = first.clone();
    sorted.sort();
    assert_ne!(first, sorted);
}

#[test]
fn an_items_own_request_id_is_echoed_in_its_error() {
    let mut cloud = calm();
    let request = json!({
        "id": "1", "method": "GET", "url": "/servicePrincipals/11111111-2222-3333-4444-555555555555",
        "headers": {"client-request-id": "5d2c9a8e-0000-4000-8000-000000000001"},
    });
    let responses = batch(&mut cloud, &[request]);
    assert_eq!(
        responses[0]["body"]["error"]["innerError"]["client-request-id"],
        "5d2c9a8e-0000-4000-8000-000000000001"
    );
}

#[test]
fn addresses_of_items_are_relative_and_batches_do_not_nest() {
    let mut cloud = calm();
    let nested = json!({
        "id": "2", "method": "POST", "url": "/$batch",
        "headers": {"content-type": "application/json"}, "body": {"requests": []},
    });
    let responses = batch(&mut cloud, &[get("1", "https://graph.microsoft.com/v1.0/servicePrincipals"), nested]);
    assert_eq!(item(&responses, "1")["status"], 400);
    assert_eq!(item(&responses, "2")["status"], 400);
}

#[test]
fn a_write_without_body_or_content_type_spoils_the_whole_batch() {
    let mut cloud = with_roles(&ALL_ROLES);
    let url = format!("/servicePrincipals/{INTEGRATION}");
    let json_headers = json!({"Content-Type": "application/json"});
    let written =
        json!({"id": "1", "method": "PATCH", "url": url, "headers": json_headers, "body": {"notes": "written"}});
    for spoiled in [
        json!({"id": "2", "method": "PATCH", "url": url, "body": {"notes": "x"}}),
        json!({"id": "2", "method": "post", "url": url, "headers": json_headers}),
    ] {
        let answer = cloud.post("/$batch", &json!({"requests": [written, spoiled]}));
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "BadRequest"));
        assert_eq!(
            answer.body["error"]["message"],
            "Write request id : 2 does not contain Content-Type header or body."
        );
    }
    assert!(cloud.audits().is_empty());
    let delete = json!({"id": "2", "method": "DELETE", "url": url});
    assert_eq!(item(&batch(&mut cloud, &[written, delete]), "2")["status"], 204);
}
