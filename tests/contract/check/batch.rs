//! Taking requests apart: a batch into its items, and what is not Graph out of the way.
//! <https://learn.microsoft.com/graph/json-batching>

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Request, Response, header};
use serde_json::Value;

use super::answer::{self, Content, Exchange, Finding, Judgement};

/// The answer to any request.
pub fn judge(request: &Request<Bytes>, response: &Response<Bytes>) -> Judgement {
    let path = request.uri().path();
    let Some(target) = graph_target(request) else { return sign_in(path, response) };
    let exchange = match exchange(request.method().as_str(), &target, response) {
        Ok(exchange) => Exchange { eventual: is_eventual(request), ..exchange },
        Err(finding) => return Judgement { seen: Vec::new(), findings: vec![finding] },
    };
    let is_batch = is_batch(&target) && exchange.status == 200;
    if is_batch { batch(request.body(), &exchange) } else { answer::judge(&exchange) }
}

/// Path and query after `/v1.0`, if it is a request to Graph. A tenant that stands between does not count: no collection
/// is named by a guid or has a dot in its name, except for functions and types, which do not come first.
pub fn graph_target(request: &Request<Bytes>) -> Option<String> {
    let whole = request.uri().path_and_query()?.as_str().trim_start_matches('/');
    let (version, rest) = whole.split_at_checked(4)?;
    if !version.eq_ignore_ascii_case("v1.0") || !(rest.is_empty() || rest.starts_with(['/', '?'])) {
        return None;
    }
    let first = rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or_default();
    let is_tenant = first.parse::<uuid::Uuid>().is_ok() || (first.contains('.') && !first.contains('('));
    let rest = if is_tenant { rest.trim_start_matches('/').split_at(first.len()).1 } else { rest };
    Some(rest.to_owned())
}

/// Whether a target is that of batches.
pub fn is_batch(target: &str) -> bool {
    target.split('?').next().unwrap_or_default().trim_matches('/').eq_ignore_ascii_case("$batch")
}

/// Whether a request asks for the index.
pub fn is_eventual(request: &Request<Bytes>) -> bool {
    request.headers().get("consistencylevel").is_some_and(|level| level.as_bytes().eq_ignore_ascii_case(b"eventual"))
}

/// An answer over HTTP, with the type that its body says it has.
fn exchange(method: &str, target: &str, response: &Response<Bytes>) -> Result<Exchange, Finding> {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = String::from_utf8_lossy(response.body()).into_owned();
    let status = response.status().as_u16();
    let refuse = |rule: &str| Finding {
        operation: format!("{method} {target} was answered with {status}"),
        pointer: String::new(),
        rule: rule.to_owned(),
        body: text.chars().take(4000).collect(),
    };
    let body = if text.is_empty() {
        if !kind.is_empty() && method != "HEAD" {
            return Err(refuse("no body has no content type"));
        }
        Content::Nothing
    } else if kind.starts_with("application/json") {
        Content::Json(serde_json::from_str(&text).map_err(|_| refuse("application/json is JSON"))?)
    } else if kind.starts_with("text/plain") {
        Content::Text(text)
    } else {
        return Err(refuse(&format!("Graph does not answer with {kind:?}")));
    };
    Ok(Exchange { method: method.to_owned(), target: target.to_owned(), eventual: false, status, body })
}

/// A batch: its envelope, and each item as the answer to its own request.
pub fn batch(request: &[u8], exchange: &Exchange) -> Judgement {
    let mut judgement = Judgement { seen: vec![("$batch".to_owned(), exchange.status)], findings: Vec::new() };
    let Content::Json(body) = &exchange.body else {
        judgement.findings.push(wrong(exchange, "", "a batch is answered with JSON", &Value::Null));
        return judgement;
    };
    let requests: Value = serde_json::from_slice(request).unwrap_or_default();
    let requests = requests.get("requests").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut open: BTreeMap<&str, &Value> =
        requests.iter().filter_map(|item| Some((item.get("id")?.as_str()?, item))).collect();
    let responses = body.get("responses").and_then(Value::as_array);
    if responses.is_none() || body.as_object().is_none_or(|members| members.len() != 1) {
        judgement.findings.push(wrong(exchange, "", "its only key is `responses`, a list", body));
    }
    for (index, response) in responses.into_iter().flatten().enumerate() {
        let place = format!("/responses/{index}");
        let id = response.get("id").and_then(Value::as_str).unwrap_or_default();
        let Some(request) = open.remove(id) else {
            judgement.findings.push(wrong(
                exchange,
                &format!("{place}/id"),
                "each request is answered once, by its id",
                response,
            ));
            continue;
        };
        match item(request, response) {
            Ok(exchange) => {
                let mut of_item = answer::judge(&exchange);
                for finding in &mut of_item.findings {
                    finding.pointer = format!("{place}/body{}", finding.pointer);
                }
                judgement.extend(of_item);
            }
            Err((pointer, rule)) => {
                judgement.findings.push(wrong(exchange, &format!("{place}{pointer}"), rule, response));
            }
        }
    }
    for id in open.keys() {
        judgement.findings.push(wrong(exchange, "/responses", &format!("request {id} is not answered"), body));
    }
    judgement
}

/// An item as an exchange of its own, if its envelope is that of the documented example.
fn item(request: &Value, response: &Value) -> Result<Exchange, (&'static str, &'static str)> {
    let members = response.as_object().ok_or(("", "an item is an object"))?;
    if members.keys().any(|name| !["id", "status", "headers", "body"].contains(&name.as_str())) {
        return Err(("", "an item has id, status, headers and body"));
    }
    let status = members.get("status").and_then(Value::as_u64).filter(|status| (100..600).contains(status));
    let status = status.and_then(|status| u16::try_from(status).ok()).ok_or(("/status", "a status is a number"))?;
    let headers = members.get("headers").and_then(Value::as_object).ok_or(("/headers", "headers are an object"))?;
    if headers.values().any(|value| !value.is_string()) {
        return Err(("/headers", "a header is text"));
    }
    // As the documented items have them.
    let expected: &[&str] = if status < 300 && members.contains_key("body") {
        &["Cache-Control", "OData-Version", "x-ms-resource-unit"]
    } else {
        &["Cache-Control", "x-ms-resource-unit"]
    };
    if expected.iter().any(|name| !headers.contains_key(*name)) {
        return Err((
            "/headers",
            "the documented items have Cache-Control and x-ms-resource-unit, and with a body OData-Version",
        ));
    }
    let kind = headers.get("Content-Type").and_then(Value::as_str);
    let body = match (members.get("body"), kind) {
        (None, None) => Content::Nothing,
        (None, Some(_)) => return Err(("/headers/Content-Type", "no body has no content type")),
        (Some(Value::String(text)), Some(kind)) if kind.starts_with("text/plain") => Content::Text(text.clone()),
        (Some(body), Some(kind)) if kind.starts_with("application/json") || body.is_number() => {
            Content::Json(body.clone())
        }
        (Some(_), _) => return Err(("/headers/Content-Type", "a body has its content type")),
    };
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    let target = format!("/{}", text("url").trim_start_matches('/'));
    let own = request.get("headers").and_then(Value::as_object);
    let eventual = own.into_iter().flatten().any(|(name, value)| {
        name.eq_ignore_ascii_case("consistencylevel")
            && value.as_str().is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
    });
    Ok(Exchange { method: text("method").to_ascii_uppercase(), target, eventual, status, body })
}

fn wrong(exchange: &Exchange, pointer: &str, rule: &str, body: &Value) -> Finding {
    Finding {
        operation: format!("$batch: {} {} was answered with {}", exchange.method, exchange.target, exchange.status),
        pointer: pointer.to_owned(),
        rule: rule.to_owned(),
        body: body.to_string().chars().take(4000).collect(),
    }
}

/// Keys of the token endpoint's answers.
/// <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#get-a-token>
const TOKEN: [&str; 3] = ["access_token", "expires_in", "token_type"];
/// And those of its refusals, to which `error_uri` comes where there is one, and `claims` and `suberror` where a policy wants more.
/// <https://learn.microsoft.com/entra/identity-platform/v2-conditional-access-dev-guide>
const TOKEN_ERROR: [&str; 6] = ["correlation_id", "error", "error_codes", "error_description", "timestamp", "trace_id"];

/// What belongs to the sign-in service and is outside of the description: only the token endpoint is looked at.
fn sign_in(path: &str, response: &Response<Bytes>) -> Judgement {
    let status = response.status().as_u16();
    if !path.ends_with("/oauth2/v2.0/token") {
        return Judgement { seen: vec![("outside: the sign-in service".to_owned(), status)], findings: Vec::new() };
    }
    let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let at = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    let has = |names: &[&str]| names.iter().all(|name| body.get(name).is_some());
    let known = |names: &[&str], more: &[&str]| {
        let is_known = |name: &String| names.contains(&name.as_str()) || more.contains(&name.as_str());
        body.as_object().is_some_and(|members| members.keys().all(is_known))
    };
    let (is_documented, rule) = if status == 200 {
        let types = at("/access_token").is_string() && at("/expires_in").is_u64() && at("/token_type") == "Bearer";
        (has(&TOKEN) && known(&TOKEN, &["ext_expires_in"]) && types, "a token comes as documented")
    } else {
        let types = at("/error").is_string() && at("/error_codes/0").is_u64() && at("/error_description").is_string();
        (
            has(&TOKEN_ERROR) && known(&TOKEN_ERROR, &["claims", "error_uri", "suberror"]) && types,
            "a refusal comes as documented",
        )
    };
    let mut judgement =
        Judgement { seen: vec![("outside: the token endpoint".to_owned(), status)], findings: Vec::new() };
    if !is_documented {
        judgement.findings.push(Finding {
            operation: format!("the token endpoint: {path} was answered with {status}"),
            pointer: String::new(),
            rule: rule.to_owned(),
            body: body.to_string(),
        });
    }
    judgement
}
