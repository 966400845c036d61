//! The token in an answer of the token endpoint: recorded as what it says of itself, replayed as a token that says so.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::redaction::Redaction;
use crate::graph::assertion::payload;

/// Name of the property that holds the token.
pub(super) const ACCESS_TOKEN: &str = "access_token";

/// Name of what stands in its place; no property of an answer is recorded under this name.
const CLAIMS_OF_TOKEN: &str = "claimsOfToken";

/// Claims that are read here or tell how tokens are made; no other is recorded.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference>
const CLAIMS: [&str; 12] =
    ["aud", "iss", "tid", "appid", "azp", "roles", "ver", "idtyp", "iat", "nbf", "exp", "xms_cc"];

/// What stands in a transcript in place of a token.
pub(super) fn facts(token: &str, redaction: &mut Redaction) -> Value {
    let Some(Value::Object(payload)) = payload(token) else {
        return json!({CLAIMS_OF_TOKEN: null});
    };
    let told = payload.into_iter().filter(|(name, _)| CLAIMS.contains(&name.as_str()));
    let claims: Map<String, Value> = told
        .map(|(name, value)| {
            let value = match (name.as_str(), &value) {
                ("iat" | "nbf" | "exp", Value::Number(seconds)) => redaction.seconds(seconds),
                ("iss" | "aud", Value::String(url)) => redaction.address(url).into(),
                _ => redaction.value(Some(&name), value),
            };
            (name, value)
        })
        .collect();
    json!({CLAIMS_OF_TOKEN: claims})
}

/// The answer with a token in it again.
pub(super) fn restored(mut body: Value) -> Value {
    if let Some(token) = body.get_mut(ACCESS_TOKEN)
        && let Some(claims) = token.get(CLAIMS_OF_TOKEN)
    {
        *token = if claims.is_null() {
            "opaque".into()
        } else {
            format!("e30.{}.replayed", URL_SAFE_NO_PAD.encode(claims.to_string())).into()
        };
    }
    body
}
