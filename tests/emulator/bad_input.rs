//! What is wrong with a request, one line each: status and code of the refusal, and a body of the documented shape.
//! <https://learn.microsoft.com/graph/errors>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::Request;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use super::cloud::{ALL_ROLES, Answer, Cloud, INTEGRATION, URL, calm, keys, with_roles};
use super::signer::pem;

const MINE: &str = "5d2c9a8e-0000-4000-8000-000000000001";

/// An error of Graph: code, message and the three members of `innerError`, of which two are in the headers as well.
fn is_refused(answer: &Answer, status: u16, code: &str, what: &str) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{what}: {}", answer.text);
    assert_eq!(keys(&answer.body), ["error"], "{what}");
    let error = &answer.body["error"];
    assert_eq!(keys(error), ["code", "innerError", "message"], "{what}");
    assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{what}");
    let inner = &error["innerError"];
    assert_eq!(keys(inner), ["client-request-id", "date", "request-id"], "{what}");
    assert_eq!(inner["client-request-id"], MINE, "{what}");
    assert_eq!(answer.header("client-request-id"), MINE, "{what}");
    assert_eq!(inner["request-id"], answer.header("request-id"), "{what}");
    assert_eq!(inner["date"], "2026-11-20T08:00:00", "{what}");
    assert!(answer.header("content-type").starts_with("application/json"), "{what}");
}

fn ask(cloud: &mut Cloud, method: &str, path: &str, body: Option<&Value>) -> Answer {
    cloud.send(method, &path.replace('"', "%22").replace('\\', "%5C"), body, &[("client-request-id", MINE)])
}

#[test]
fn bad_query_options_are_refused_with_the_code_of_the_layer_that_refuses_them() {
    let (bad, unsupported) = ("BadRequest", "Request_UnsupportedQuery");
    let long = format!("appId eq 'a'{}", " or appId eq 'a'".repeat(15));
    let mut cloud = calm();
    for (query, code) in [
        ("$filter=", bad),
        ("$filter=appId", bad),
        ("$filter=appId eq", bad),
        ("$filter=appId eq 'ab", bad),
        ("$filter=appId eq ab", bad),
        ("$filter=appId = 'ab'", bad),
        ("$filter=(appId eq 'ab'", bad),
        ("$filter=appId in ()", bad),
        ("$filter=not appId eq 'ab'", bad),
        ("$filter=tags/any(t:appId eq 'ab')", bad),
        ("$filter=substringof('a',displayName)", bad),
        ("$filter=colour eq 'blue'", bad),
        ("$filter=accountEnabled eq 'true'", bad),
        ("$filter=deletedDateTime ge 'yesterday'", bad),
        ("$filter=appOwnerOrganizationId eq '00000000-0000-4000-8000-000000000001'", bad),
        ("$filter=contains(displayName,'ebex')", unsupported),
        ("$filter=displayName gt 'a'", unsupported),
        ("$filter=displayName ne 'a'", unsupported),
        ("$filter=endswith(displayName,'a')", unsupported),
        ("$filter=notes eq 'a'", unsupported),
        ("$filter=loginUrl eq 'a'", unsupported),
        (&format!("$filter={long}"), unsupported),
        ("$filter=appId eq 'a'&$filter=appId eq 'b'", bad),
        ("$select=", bad),
        ("$select=id,,appId", bad),
        ("$select=id appId", bad),
        ("$select=(id)", bad),
        ("$select=colour", bad),
        ("$top=0", unsupported),
        ("$top=-1", unsupported),
        ("$top=1000", unsupported),
        ("$top=ten", unsupported),
        ("$top=99999999999999999999", unsupported),
        ("$orderby=", bad),
        ("$orderby=displayName upwards", bad),
        ("$orderby=displayName asc desc", bad),
        ("$orderby=colour", bad),
        ("$orderby=displayName", unsupported),
        ("$orderby=displayName,appId", unsupported),
        ("$count=maybe", bad),
        ("$expand=owners,ownedObjects", bad),
        ("$expand=owners($top=1)", bad),
        ("$expand=createdObjects", "ExpandNotSupported"),
        ("$search=webex", bad),
        ("$search=\"webex\"", bad),
        ("$search=\"displayName:webex\"", unsupported),
        ("$skip=1", bad),
        ("$format=xml", bad),
        ("$fitler=appId eq 'a'", bad),
        ("$skiptoken=abc", "Directory_ExpiredPageToken"),
        ("$skiptoken=", "Directory_ExpiredPageToken"),
        ("$skiptoken=%F0%9F", "Directory_ExpiredPageToken"),
    ] {
        let answer = ask(&mut cloud, "GET", &format!("/servicePrincipals?{query}"), None);
        is_refused(&answer, 400, code, query);
        let message = answer.body["error"]["message"].as_str().unwrap();
        if query.starts_with("$filter") && code == bad && !query.contains("&$filter") {
            assert!(message.starts_with("Invalid filter clause: "), "{query}: {message}");
        }
    }
}

#[test]
fn the_index_refuses_what_it_does_not_know_either() {
    let mut cloud = calm();
    for query in [
        "$filter=endswith(displayName,'a')",
        "$filter=contains(displayName,'a')",
        "$filter=loginUrl eq 'a'",
        "$orderby=appId",
        "$search=\"loginUrl:a\"",
    ] {
        let path = format!("/servicePrincipals?$count=true&{query}").replace('"', "%22");
        let headers = [("client-request-id", MINE), ("ConsistencyLevel", "eventual")];
        let answer = cloud.send("GET", &path, None, &headers);
        is_refused(&answer, 400, "Request_UnsupportedQuery", query);
    }
}

#[test]
fn paths_methods_and_bodies_that_graph_does_not_take_are_refused() {
    let mut cloud = with_roles(&ALL_ROLES);
    let one = format!("/servicePrincipals/{INTEGRATION}");
    let nobody = "/servicePrincipals/11111111-2222-3333-4444-555555555555".to_owned();
    for (method, path, status, code) in [
        ("GET", "/servicePrincipal", 400, "BadRequest"),
        ("GET", "/servicePrincipals/abc", 400, "Request_BadRequest"),
        ("GET", "/servicePrincipals(colour='blue')", 400, "BadRequest"),
        ("GET", &format!("{one}?$top=1"), 400, "BadRequest"),
        ("GET", &format!("{one}?$filter=appId eq 'a'"), 400, "BadRequest"),
        ("GET", &format!("{one}?$search=\"displayName:a\""), 400, "BadRequest"),
        ("GET", &nobody, 404, "Request_ResourceNotFound"),
        ("PUT", &one, 405, "Request_BadRequest"),
        ("PATCH", "/servicePrincipals", 405, "Request_BadRequest"),
        ("POST", &one, 405, "Request_BadRequest"),
        ("DELETE", "/oauth2PermissionGrants", 405, "Request_BadRequest"),
        ("BREW", "/servicePrincipals", 405, "Request_BadRequest"),
        ("POST", "/servicePrincipals", 400, "BadRequest"),
    ] {
        is_refused(&ask(&mut cloud, method, path, None), status, code, &format!("{method} {path}"));
    }
    for body in [json!([]), json!("a"), json!(1), json!(null)] {
        is_refused(&ask(&mut cloud, "POST", "/servicePrincipals", Some(&body)), 400, "BadRequest", &body.to_string());
    }
    for (body, code) in [
        (json!({"colour": "blue"}), "BadRequest"),
        (json!({"accountEnabled": "yes"}), "Request_BadRequest"),
        (json!({"appId": "00000000-0000-4000-8000-000000000012"}), "Request_BadRequest"),
    ] {
        is_refused(&ask(&mut cloud, "PATCH", &one, Some(&body)), 400, code, &body.to_string());
    }
}

/// A body that is no value of JSON.
fn raw(cloud: &mut Cloud, path: &str, body: impl Into<Bytes>) -> Answer {
    let request = Request::post(format!("/v1.0{path}"))
        .header("authorization", format!("Bearer {}", cloud.token))
        .header("content-type", "application/json")
        .header("client-request-id", MINE);
    cloud.handle(request.body(body.into()).unwrap())
}

#[test]
fn a_body_that_is_no_json_or_too_large_is_refused() {
    let mut cloud = with_roles(&ALL_ROLES);
    let deep = "[".repeat(100_000);
    for body in ["{", "nonsense", "\u{feff}{}", "{\"appId\": \"a\"} x", &deep] {
        for path in ["/servicePrincipals", "/$batch"] {
            let answer = raw(&mut cloud, path, body.to_owned());
            is_refused(&answer, 400, "BadRequest", &body.chars().take(20).collect::<String>());
        }
    }
    is_refused(&raw(&mut cloud, "/servicePrincipals", vec![b'{', 0xff, 0xfe]), 400, "BadRequest", "no UTF-8");
    let filler = format!("{{\"appId\": \"{}\"}}", "a".repeat(4 * 1024 * 1024));
    for path in ["/servicePrincipals", "/$batch"] {
        is_refused(&raw(&mut cloud, path, filler.clone()), 413, "RequestEntityTooLarge", path);
    }
}

fn get(id: &str) -> Value {
    json!({"id": id, "method": "GET", "url": "/servicePrincipals?$top=1"})
}

#[test]
fn a_batch_of_bad_form_is_refused_as_a_whole() {
    let mut cloud = calm();
    let many: Vec<Value> = (0..21).map(|id| get(&id.to_string())).collect();
    let depends =
        |id: &str, on: Value| json!({"id": id, "method": "GET", "url": "/servicePrincipals", "dependsOn": on});
    for (batch, code) in [
        (json!({}), "BadRequest"),
        (json!([]), "BadRequest"),
        (json!({"requests": {}}), "BadRequest"),
        (json!({"requests": ["a"]}), "BadRequest"),
        (json!({"requests": [{"id": "1", "url": "/servicePrincipals"}]}), "BadRequest"),
        (json!({"requests": [{"method": "GET", "url": "/servicePrincipals"}]}), "BadRequest"),
        (json!({"requests": [{"id": "1", "method": "GET"}]}), "BadRequest"),
        (json!({"requests": many}), "MaximumValueExceeded"),
        (json!({"requests": [get("1"), get("1")]}), "BadRequest"),
        (json!({"requests": [get("a"), get("A")]}), "BadRequest"),
        (json!({"requests": [get("1"), depends("2", json!(["9"]))]}), "BadRequest"),
        (json!({"requests": [depends("1", json!(["1"]))]}), "BadRequest"),
        (json!({"requests": [depends("1", json!(["2"])), get("2")]}), "BadRequest"),
        (json!({"requests": [get("1"), depends("2", json!("1"))]}), "BadRequest"),
    ] {
        is_refused(&ask(&mut cloud, "POST", "/$batch", Some(&batch)), 400, code, &batch.to_string());
    }
    is_refused(&ask(&mut cloud, "GET", "/$batch", None), 405, "Request_BadRequest", "GET /$batch");
}

#[test]
fn an_item_of_bad_form_is_refused_alone() {
    let mut cloud = calm();
    for (item, status, code) in [
        (json!({"method": "GET", "url": "https://graph.microsoft.com/v1.0/servicePrincipals"}), 400, "BadRequest"),
        (json!({"method": "POST", "url": "/$batch", "body": {"requests": []}}), 400, "BadRequest"),
        (json!({"method": "GET", "url": "/servicePrincipals?$filter=appId eq"}), 400, "BadRequest"),
        (json!({"method": "GET", "url": "/servicePrincipals?$top=0"}), 400, "Request_UnsupportedQuery"),
        (json!({"method": "GET", "url": "/colours"}), 400, "BadRequest"),
        (json!({"method": "PUT", "url": "/servicePrincipals", "body": {}}), 405, "Request_BadRequest"),
        (json!({"method": "", "url": "/servicePrincipals"}), 405, "Request_BadRequest"),
        (json!({"method": "G T", "url": "/servicePrincipals"}), 405, "Request_BadRequest"),
        (json!({"method": "POST", "url": "/servicePrincipals", "body": "a"}), 400, "BadRequest"),
    ] {
        let mut item = item;
        item["id"] = "1".into();
        item["headers"] = json!({"Content-Type": "application/json"});
        let answer = ask(&mut cloud, "POST", "/$batch", Some(&json!({"requests": [item, get("2")]})));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let responses = &answer.body["responses"];
        assert_eq!(responses[0]["status"], status, "{item}: {}", answer.text);
        let error = &responses[0]["body"]["error"];
        assert_eq!((keys(error), &error["code"]), (vec!["code", "innerError", "message"], &code.into()), "{item}");
        assert_eq!(keys(&error["innerError"]), ["client-request-id", "date", "request-id"], "{item}");
        assert_eq!(responses[1]["status"], 200, "{item}");
    }
}

/// A token with other claims, signed by the emulator's own key: what another tenant, service or hour would bring.
fn with_claims(token: &str, change: impl Fn(&mut Value)) -> String {
    let (header, rest) = token.split_once('.').unwrap();
    let payload = URL_SAFE_NO_PAD.decode(rest.split('.').next().unwrap()).unwrap();
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    change(&mut claims);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = include_str!("../../src/emulator/EMULATOR-TEST-KEY-NOT-A-SECRET.pem");
    let pair = RsaKeyPair::from_pkcs8(&pem(key)).unwrap();
    let mut signature = vec![0; pair.public_key().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn with_token(cloud: &mut Cloud, authorization: Option<&str>) -> Answer {
    let request = Request::get("/v1.0/servicePrincipals").header("client-request-id", MINE);
    let request = match authorization {
        Some(authorization) => request.header("authorization", authorization),
        None => request,
    };
    cloud.handle(request.body(Bytes::new()).unwrap())
}

#[test]
fn a_token_that_is_not_for_this_moment_tenant_or_service_is_refused() {
    let mut cloud = calm();
    let good = cloud.token.clone();
    let code = "InvalidAuthenticationToken";
    let forged = good.rsplit_once('.').map(|(message, _)| format!("Bearer {message}.AAAA")).unwrap();
    let unsigned = format!("Bearer eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    for (authorization, words) in [
        (None, "Access token is empty."),
        (Some(""), "Access token is empty."),
        (Some("Bearer "), "Access token is empty."),
        (Some("Basic YTpi"), "Access token is empty."),
        (Some("Bearer abc"), "CompactToken parsing failed with error code: 80049217"),
        (Some("Bearer a.b.c"), "CompactToken parsing failed with error code: 80049217"),
        (Some(forged.as_str()), "Access token validation failure. Signature is invalid."),
        (Some(unsigned.as_str()), "Access token validation failure. Signature is invalid."),
    ] {
        let answer = with_token(&mut cloud, authorization);
        is_refused(&answer, 401, code, &format!("{authorization:?}"));
        assert_eq!(answer.body["error"]["message"], words, "{authorization:?}");
        assert!(answer.header("www-authenticate").starts_with("Bearer "), "{authorization:?}");
    }

    let nobody = "11111111-2222-3333-4444-555555555555";
    let now = cloud.now.as_second();
    assert_eq!(with_token(&mut cloud, Some(&format!("Bearer {}", with_claims(&good, |_| {})))).status, 200);
    for (name, value, code, words) in [
        ("exp", json!(now), code, "Lifetime validation failed, the token is expired."),
        ("nbf", json!(now + 60), code, "Lifetime validation failed, the token is expired."),
        ("aud", json!("https://management.azure.com"), code, "Access token validation failure. Invalid audience."),
        ("aud", json!("https://graph.microsoft.us"), code, "Access token validation failure. Invalid audience."),
        ("tid", json!(nobody), code, "The tenant of the token is not in this emulator."),
        (
            "oid",
            json!(nobody),
            "Authorization_IdentityNotFound",
            "The identity of the calling application could not be established.",
        ),
    ] {
        let token = with_claims(&good, |claims| claims[name] = value.clone());
        let answer = with_token(&mut cloud, Some(&format!("Bearer {token}")));
        is_refused(&answer, 401, code, name);
        assert_eq!(answer.body["error"]["message"], words, "{name} {value}");
    }
    let altered = with_claims(&good, |claims| claims["roles"] = json!(ALL_ROLES));
    let (message, _) = altered.rsplit_once('.').unwrap();
    let answer = with_token(&mut cloud, Some(&format!("Bearer {message}.{}", good.rsplit('.').next().unwrap())));
    is_refused(&answer, 401, code, "more roles under the old signature");
}

#[test]
fn a_next_link_is_good_for_its_own_list_alone() {
    let mut cloud = with_roles(&ALL_ROLES);
    let first = ask(&mut cloud, "GET", "/servicePrincipals?$top=2&$filter=accountEnabled eq true", None);
    let link = first.body["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(ask(&mut cloud, "GET", &link, None).status, 200);
    let (list, token) = link.split_once("$skiptoken=").unwrap();
    let (head, tail) = token.split_at(token.len() / 2);
    let tail: String =
        if tail.starts_with('A') { tail.replacen('A', "B", 1) } else { format!("A{}", tail.get(1..).unwrap()) };
    let path = format!("{URL}/v1.0/applications?$skiptoken={token}");
    for (what, link) in [
        ("a letter changed", format!("{list}$skiptoken={head}{tail}")),
        ("cut short", format!("{list}$skiptoken={head}")),
        ("lengthened", format!("{list}$skiptoken={token}AAAA")),
        ("another filter", link.replace("true", "false")),
        ("no filter", format!("{URL}/v1.0/servicePrincipals?$skiptoken={token}")),
        ("another path", path),
    ] {
        is_refused(&ask(&mut cloud, "GET", &link, None), 400, "Directory_ExpiredPageToken", what);
    }
}
