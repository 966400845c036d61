//! Throttling of one tenant, and the headers that announce it.
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>

use serde_json::{Value, json};

use super::cloud::{Answer, Cloud, OPERATOR_APP, TENANT, calm, sign_in_form};

const OTHER_TENANT: &str = "00000000-0000-4000-8000-0000000000aa";

fn list(cloud: &mut Cloud) -> Answer {
    cloud.get("/servicePrincipals?$top=1")
}

fn batch(cloud: &mut Cloud) -> Answer {
    let get = |id: &str| json!({"id": id, "method": "GET", "url": "/servicePrincipals?$top=1"});
    cloud.post("/$batch", &json!({"requests": [get("1"), get("2")]}))
}

fn throttle(cloud: &mut Cloud, wish: &Value) {
    let answer = cloud.control("POST", "/throttle", Some(wish));
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[test]
fn each_answer_says_how_much_of_the_limit_is_used_if_the_knob_does() {
    let mut cloud = calm();
    assert_eq!(list(&mut cloud).header("x-ms-throttle-limit-percentage"), "");
    cloud.knob("throttlePercentage", 1.2);
    assert_eq!(list(&mut cloud).header("x-ms-throttle-limit-percentage"), "1.2");
    assert_eq!(cloud.get("/servicePrincipals/x").header("x-ms-throttle-limit-percentage"), "1.2");
    let answer = batch(&mut cloud);
    assert_eq!(answer.header("x-ms-throttle-limit-percentage"), "1.2");
    for item in answer.body["responses"].as_array().unwrap() {
        assert_eq!(item["headers"]["x-ms-throttle-limit-percentage"], "1.2");
    }
    cloud.knob("throttlePercentage", Value::Null);
    assert_eq!(list(&mut cloud).header("x-ms-throttle-limit-percentage"), "");
}

#[test]
fn a_throttled_answer_says_whose_limit_and_why() {
    let mut cloud = calm();
    cloud.knob("throttleEvery", 1);
    let scope = format!("Tenant_Application/ReadWrite/{OPERATOR_APP}/{TENANT}");
    let answer = list(&mut cloud);
    assert_eq!((answer.status.as_u16(), answer.header("x-ms-throttle-scope")), (429, scope.as_str()));
    assert_eq!(answer.header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
    let item = &batch(&mut cloud).body["responses"][0];
    assert_eq!((&item["status"], &item["headers"]["x-ms-throttle-scope"]), (&json!(429), &json!(scope)));
}

#[test]
fn one_tenant_is_throttled_and_the_others_are_not() {
    let mut cloud = calm();
    cloud.control("POST", "/scenarios/incident", Some(&json!({"tenantId": OTHER_TENANT})));
    throttle(&mut cloud, &json!({"tenantId": OTHER_TENANT, "retryAfterSeconds": 7}));
    assert_eq!(list(&mut cloud).status, 200);
    let own = std::mem::take(&mut cloud.token);
    // The token endpoint is another service.
    cloud.token = cloud.ask_token(OTHER_TENANT, &sign_in_form()).body["access_token"].as_str().unwrap().to_owned();
    for answer in [list(&mut cloud), batch(&mut cloud)] {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "TooManyRequests"));
        assert_eq!(answer.header("retry-after"), "7");
        assert_eq!(
            answer.header("x-ms-throttle-scope"),
            format!("Tenant_Application/ReadWrite/{OPERATOR_APP}/{OTHER_TENANT}")
        );
    }
    let path = format!("/throttle/{OTHER_TENANT}");
    assert_eq!(cloud.control("DELETE", &path, None).status, 204);
    assert_eq!(cloud.control("DELETE", &path, None).status, 404);
    assert_eq!(list(&mut cloud).status, 200);
    cloud.token = own;
    assert_eq!(list(&mut cloud).status, 200);
}

#[test]
fn the_items_of_a_batch_are_throttled_one_by_one_if_that_is_asked() {
    let mut cloud = calm();
    throttle(&mut cloud, &json!({"tenantId": TENANT, "retryAfterSeconds": null, "for": "items"}));
    let answer = batch(&mut cloud);
    assert_eq!(answer.status, 200);
    let responses = answer.body["responses"].as_array().unwrap();
    assert_eq!(responses.len(), 2);
    for item in responses {
        assert_eq!(item["status"], 429);
        assert_eq!(item["headers"].get("Retry-After"), None);
    }
    let alone = list(&mut cloud);
    assert_eq!((alone.status.as_u16(), alone.headers.get("retry-after")), (429, None));
    throttle(&mut cloud, &json!({"tenantId": TENANT, "retryAfterSeconds": 3, "for": "all"}));
    assert_eq!(batch(&mut cloud).status, 429);
}

#[test]
fn a_tenant_that_is_not_there_is_not_throttled() {
    let mut cloud = calm();
    let wish = json!({"tenantId": OTHER_TENANT, "retryAfterSeconds": 1});
    assert_eq!(cloud.control("POST", "/throttle", Some(&wish)).status, 404);
    let wish = json!({"tenantId": TENANT, "for": "some"});
    assert_eq!(cloud.control("POST", "/throttle", Some(&wish)).status, 400);
}
