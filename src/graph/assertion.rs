//! Tokens of Kubernetes that prove to Microsoft Entra who asks (workload identity federation).
//!
//! Where they come from is not known here: `controller` asks the Kubernetes API for one, and a pod finds one in a file.
//!
//! <https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation>

use std::{fmt, path::PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::domain::{Obstacle, obstacle::Presented, text};

/// Gives a token that is fresh enough to be sent at once, or says what is in the way.
pub trait AssertionSource: Send + Sync + fmt::Debug {
    /// A token; asked for each time one is sent.
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, Obstacle>>;
}

/// A projected ServiceAccount token. The kubelet replaces the file, so that it is read anew each time.
#[derive(Debug, Clone)]
pub struct TokenFile(pub PathBuf);

/// Longest file that is read, in bytes; a token has one or two thousand.
const FILE_MAX: u64 = 64 * 1024;

impl AssertionSource for TokenFile {
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, Obstacle>> {
        Box::pin(async {
            let unreadable = || Obstacle::token_file_unreadable(&text::safe(&self.0.display().to_string()));
            let meta = tokio::fs::metadata(&self.0).await.map_err(|_| unreadable())?;
            if !meta.is_file() || meta.len() > FILE_MAX {
                return Err(unreadable());
            }
            let content = tokio::fs::read_to_string(&self.0).await.map_err(|_| unreadable())?;
            match content.trim() {
                "" => Err(unreadable()),
                token => Ok(SecretString::from(token)),
            }
        })
    }
}

/// What the token says of itself, for whoever has to compare it with what is registered.
pub fn presented(assertion: &SecretString) -> Presented {
    let claims = payload(assertion.expose_secret()).unwrap_or_default();
    let shown = |value: Option<&Value>| match value {
        Some(Value::String(text)) => line(text),
        Some(Value::Array(several)) => {
            several.iter().filter_map(Value::as_str).map(line).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    Presented {
        issuer: shown(claims.get("iss")),
        subject: shown(claims.get("sub")),
        audience: shown(claims.get("aud")),
    }
}

/// The content of a JSON web token, unverified.
pub(super) fn payload(token: &str) -> Option<Value> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Made safe, but not cut at the length of a display name: who compares needs all of it.
fn line(foreign: &str) -> String {
    let parts: Vec<char> = foreign.chars().take(300).collect();
    parts.chunks(text::FOREIGN_MAX).map(|part| text::safe(&part.iter().collect::<String>())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> SecretString {
        SecretString::from(format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn what_was_presented_is_shown_whole_and_safe() {
        let long = format!("https://oidc.example/{}", "a".repeat(100));
        let shown = presented(&token(&format!(r#"{{"iss":"{long}","sub":"s\u202e","aud":["a","b"]}}"#)));
        assert_eq!(shown.issuer, long);
        assert_eq!(shown.subject, "s\\u{202e}");
        assert_eq!(shown.audience, "a, b");
        assert_eq!(presented(&SecretString::from("opaque")), Presented::default());
        assert_eq!(presented(&token("[]")), Presented::default());
    }
}
