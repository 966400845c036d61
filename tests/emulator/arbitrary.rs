//! Whatever is sent, the answer is one: no panic, no 5xx, and each refusal has the documented shape. That the shape is
//! right is checked by the description that watches every answer.

use bytes::Bytes;
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, IDENTITY, INTEGRATION, with_roles};

fn words(of: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(of), 0..most).prop_map(|parts| parts.concat())
}

/// Pieces of addresses, in any order.
fn target() -> impl Strategy<Value = String> {
    const PATH: &[&str] = &[
        "/",
        "/servicePrincipals",
        "/applications",
        "/oauth2PermissionGrants",
        "/auditLogs",
        "/directoryAudits",
        "/directory",
        "/deletedItems",
        "/microsoft.graph.servicePrincipal",
        "/owners",
        "/appRoleAssignments",
        "/$count",
        "/synchronization",
        "/jobs",
        "(appId='",
        "')",
        "()",
        "(",
        "%",
        "%00",
        "%C3",
        "$batch",
        "$metadata",
        "delta",
        "é",
        "/00000000-0000-4000-8000-000000000021",
        "/organization",
        "/domains",
        "/getByIds",
    ];
    const QUERY: &[&str] = &[
        "?",
        "&",
        "=",
        "$filter",
        "$select",
        "$top",
        "$orderby",
        "$count",
        "$expand",
        "$search",
        "$skiptoken",
        "true",
        "1",
        "displayName",
        "appId",
        " eq ",
        " and ",
        "not ",
        "'",
        "(",
        ")",
        "owners",
        "\"",
        ":",
        ",",
        "/",
        "any",
        "a",
        "deletedDateTime",
        " desc",
        "+",
        "%25",
        "é",
    ];
    (words(PATH, 5), words(QUERY, 12)).prop_map(|(path, query)| format!("/{path}{query}"))
}

fn value() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        Just(json!(INTEGRATION)),
        Just(json!(IDENTITY)),
    ];
    let name = prop::sample::select(vec![
        "id",
        "method",
        "url",
        "headers",
        "body",
        "dependsOn",
        "requests",
        "appId",
        "displayName",
        "scope",
        "tags",
        "accountEnabled",
        "principalId",
        "resourceId",
        "appRoleId",
        "ids",
        "types",
        "clientId",
        "consentType",
    ]);
    plain.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "get", "BREW"])
}

fn step() -> impl Strategy<Value = Value> {
    let of = prop::collection::vec("[0-3]", 0..2);
    ("[0-3]", method(), target(), prop::option::of(value()), of, prop::option::of(value())).prop_map(
        |(id, method, url, body, depends_on, headers)| {
            let mut step = json!({"id": id, "method": method, "url": url, "dependsOn": depends_on});
            if let Some(body) = body {
                step["body"] = body;
            }
            if let Some(headers) = headers {
                step["headers"] = headers;
            }
            step
        },
    )
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        value().prop_map(|value| value.to_string().into_bytes()),
        prop::collection::vec(step(), 0..5).prop_map(|steps| json!({"requests": steps}).to_string().into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_batch_of_anything_is_answered(bodies in prop::collection::vec(body(), 1..6)) {
        let mut cloud = with_roles(&ALL_ROLES);
        for body in bodies {
            let request = Request::post("/v1.0/$batch").header("authorization", format!("Bearer {}", cloud.token));
            let answer = cloud.handle(request.body(Bytes::from(body)).unwrap());
            prop_assert!(answer.status == 200 || answer.status == 400, "{}", answer.text);
            for item in answer.body["responses"].as_array().into_iter().flatten() {
                let status = item["status"].as_u64().unwrap();
                prop_assert!(status < 500 || status == 501, "{}", item);
            }
        }
    }

    #[test]
    fn a_request_for_anything_is_answered(requests in prop::collection::vec((method(), target(), value(), any::<bool>()), 1..8)) {
        let mut cloud = with_roles(&ALL_ROLES);
        for (method, target, body, eventual) in requests {
            let target = target.replace(' ', "%20").replace('"', "%22");
            let mut request = Request::builder().method(method).uri(format!("/v1.0{target}"));
            request = request.header("authorization", format!("Bearer {}", cloud.token));
            if eventual {
                request = request.header("ConsistencyLevel", "eventual");
            }
            // What is no address at all never reaches a server.
            let Ok(request) = request.body(Bytes::from(body.to_string())) else { continue };
            let answer = cloud.handle(request);
            let status = answer.status.as_u16();
            prop_assert!(status < 500 || status == 501, "{} {}: {}", method, target, answer.text);
        }
    }
}
