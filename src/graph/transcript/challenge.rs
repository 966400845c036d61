//! `WWW-Authenticate`: recorded by the names of its parameters, with the claims that it asks for.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use serde_json::Value;

use super::redaction::Redaction;
use crate::graph::challenge;

/// The header without what belongs to one tenant. It asks for claims exactly if the original does.
pub(super) fn redacted(original: &str, redaction: &mut Redaction) -> String {
    let mut told = vec![];
    for name in ["realm", "authorization_uri", "client_id"] {
        if let Some(value) = parameter(original, name) {
            let value = if name == "authorization_uri" { redaction.address(value) } else { redaction.text(value) };
            told.push(format!("{name}=\"{value}\""));
        }
    }
    match claims(original) {
        Some(claims) => {
            told.push("error=\"insufficient_claims\"".to_owned());
            told.push(format!("claims=\"{}\"", STANDARD.encode(redacted_claims(&claims, redaction))));
        }
        None => {
            if let Some(error) = parameter(original, "error") {
                told.push(format!("error=\"{}\"", redaction.code(error)));
            }
        }
    }
    format!("Bearer {}", told.join(", "))
}

/// Claims that are asked for, as JSON, without what belongs to one tenant.
pub(super) fn redacted_claims(claims: &str, redaction: &mut Redaction) -> String {
    match serde_json::from_str::<Value>(claims) {
        Ok(wanted @ Value::Object(_)) => redaction.value(Some("claims"), wanted).to_string(),
        Ok(_) | Err(_) => redaction.text(claims),
    }
}

fn claims(challenge: &str) -> Option<String> {
    let value = HeaderValue::try_from(challenge).ok()?;
    challenge::claims(&HeaderMap::from_iter([(WWW_AUTHENTICATE, value)]))
}

/// A quoted parameter; what is written otherwise is not told.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = challenge.split_once(&format!("{name}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}
