//! Claims challenges: Microsoft Graph refuses a token and says what a new one has to prove.
//!
//! They come when sessions of the application were revoked or its risk was raised; each is answered once. The operator
//! does not declare the capability for them (`cp1`), so that by the documentation they are rare.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge>

use base64::{
    Engine as _,
    engine::{GeneralPurpose, GeneralPurposeConfig},
};
use http::{HeaderMap, header::WWW_AUTHENTICATE};
use serde_json::Value;

/// Longest challenge that is answered, in bytes.
const LONGEST: usize = 8 * 1024;

/// The claims, as JSON to be sent to the token endpoint, that these headers ask for.
pub fn claims(headers: &HeaderMap) -> Option<String> {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges.filter(|value| value.len() <= LONGEST).find_map(of_challenge)
}

fn of_challenge(challenge: &str) -> Option<String> {
    if parameter(challenge, "error") != Some("insufficient_claims") {
        return None;
    }
    let claims = decoded(parameter(challenge, "claims")?)?;
    // Only what is an object is a claims request; anything else is not sent anywhere.
    match serde_json::from_str(&claims) {
        Ok(Value::Object(_)) => Some(claims),
        _ => None,
    }
}

/// The value of a parameter, with or without quotes.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge;
    while let Some((before, after)) = rest.split_once('=') {
        let is_meant = before.rsplit([' ', ',', '\t']).next().is_some_and(|own| own.eq_ignore_ascii_case(name));
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if is_meant {
            return Some(value.trim());
        }
        rest = left;
    }
    None
}

/// Base64 in either alphabet, padded or not.
fn decoded(text: &str) -> Option<String> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let bytes = engine.decode(text.replace('-', "+").replace('_', "/")).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(challenge: &str) -> Option<String> {
        claims(&HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::try_from(challenge).ok()?)]))
    }

    #[test]
    fn the_documented_challenge_is_read() {
        let documented = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ==\"";
        let expected = r#"{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}"#;
        assert_eq!(of(documented).as_deref(), Some(expected));
        assert_eq!(of(&documented.replace("==", "")).as_deref(), Some(expected));
        assert_eq!(of(&documented.replace(", ", ",")).as_deref(), Some(expected));
        assert_eq!(
            of(&documented.replace("error=\"insufficient_claims\"", "error=insufficient_claims")).as_deref(),
            Some(expected)
        );
    }

    #[test]
    fn anything_else_is_no_challenge() {
        for other in [
            "Bearer realm=\"\", error=\"invalid_token\", claims=\"e30=\"",
            "Bearer realm=\"\", claims=\"e30=\"",
            "Bearer error=\"insufficient_claims\"",
            "Bearer error=\"insufficient_claims\", claims=\"W10=\"",
            "Bearer error=\"insufficient_claims\", claims=\"not base64 !\"",
            "Bearer error=\"insufficient_claims\", claims=\"",
            "Bearer claims=\"error=\"insufficient_claims\"\"",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics_and_only_objects_come_out(challenge in "(Bearer )?(error=\"insufficient_claims\")?[ -~]{0,120}") {
            if let Some(claims) = of(&challenge) {
                prop_assert!(serde_json::from_str::<Value>(&claims).unwrap().is_object());
            }
        }
    }
}
