//! Certificates and client secrets of a service principal: when they end and how to tell them apart. Their contents are
//! not among what is read.

use std::collections::BTreeSet;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Deserialize;
use serde_json::Value;

use super::{from_value, lenient, moment};
use crate::domain::observed::{PrincipalCredential, PrincipalCredentialKind};

/// A registration may have this many entries in its lists together, and its service principal no more: a longer list is
/// none of Microsoft's.
/// <https://learn.microsoft.com/en-us/entra/identity/users/directory-service-limits-restrictions>
const CREDENTIALS_MAX: usize = 1200;

/// Binary values are written in base64, with the letters of either kind and with or without what fills them up.
const STANDARD: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, ANY_PADDING);
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The credentials of a service principal that was read as a whole.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WireCredentials {
    #[serde(default, deserialize_with = "lenient")]
    key_credentials: Option<Vec<WireKeyCredential>>,
    #[serde(default, deserialize_with = "lenient")]
    password_credentials: Option<Vec<WirePasswordCredential>>,
}

/// <https://learn.microsoft.com/en-us/graph/api/resources/keycredential>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKeyCredential {
    #[serde(default, deserialize_with = "lenient")]
    custom_key_identifier: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    end_date_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    key_id: Option<String>,
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<String>,
}

/// <https://learn.microsoft.com/en-us/graph/api/resources/passwordcredential>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePasswordCredential {
    #[serde(default, deserialize_with = "lenient")]
    custom_key_identifier: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    end_date_time: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    key_id: Option<String>,
}

impl WireCredentials {
    /// The credentials in the answer with a whole service principal; none if the lists are not there, which is not the
    /// same as empty.
    pub fn of(principal: &Value) -> Option<Vec<PrincipalCredential>> {
        from_value::<Self>(principal.clone()).ok()?.observed()
    }

    /// As `domain` sees them, sorted.
    fn observed(self) -> Option<Vec<PrincipalCredential>> {
        let (mut keys, passwords) = (self.key_credentials?, self.password_credentials?);
        if keys.len() + passwords.len() > CREDENTIALS_MAX {
            return None;
        }
        // A certificate that signs is there twice, to sign and to verify, and its password stands among the secrets, all
        // three under the certificate's own name.
        // <https://learn.microsoft.com/en-us/graph/api/serviceprincipal-addtokensigningcertificate>
        keys.sort_by_key(|key| (key.usage.as_deref() != Some("Verify"), key.key_id.clone()));
        let mut seen = BTreeSet::new();
        let mut credentials = Vec::new();
        for key in &keys {
            let not_after = moment(key.end_date_time.as_deref());
            let name = name(key.custom_key_identifier.as_deref());
            if let Some(name) = &name
                && !seen.insert((name.clone(), not_after))
            {
                continue;
            }
            credentials.push(PrincipalCredential {
                not_after,
                kind: match key.kind.as_deref() {
                    Some("Symmetric") => PrincipalCredentialKind::ClientSecret,
                    Some(_) | None => PrincipalCredentialKind::Certificate,
                },
                thumbprint: key.custom_key_identifier.as_deref().and_then(thumbprint),
                key_id: key.key_id.clone().unwrap_or_default(),
            });
        }
        let is_of_certificate = |password: &&WirePasswordCredential| {
            name(password.custom_key_identifier.as_deref())
                .is_some_and(|name| seen.iter().any(|(certificate, _)| *certificate == name))
        };
        let secrets = passwords.iter().filter(|password| !is_of_certificate(password));
        credentials.extend(secrets.map(|password| PrincipalCredential {
            not_after: moment(password.end_date_time.as_deref()),
            kind: PrincipalCredentialKind::ClientSecret,
            thumbprint: None,
            key_id: password.key_id.clone().unwrap_or_default(),
        }));
        credentials.sort();
        Some(credentials)
    }
}

/// By what a credential is told from others: its thumbprint however it is written, else the text as it is.
fn name(identifier: Option<&str>) -> Option<String> {
    let identifier = identifier.filter(|text| !text.is_empty())?;
    Some(thumbprint(identifier).unwrap_or_else(|| identifier.to_owned()))
}

/// A thumbprint in upper-case hexadecimal digits, whether it is written in those or in base64; SHA-1 or SHA-256.
pub fn thumbprint(text: &str) -> Option<String> {
    let text = text.trim();
    if is_thumbprint(text) {
        return Some(text.to_ascii_uppercase());
    }
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()?;
    if matches!(bytes.len(), 20 | 32) {
        return Some(bytes.iter().fold(String::new(), |digits, byte| digits + &format!("{byte:02X}")));
    }
    // The digits themselves as bytes.
    let digits = String::from_utf8(bytes).ok()?;
    is_thumbprint(&digits).then(|| digits.to_ascii_uppercase())
}

fn is_thumbprint(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.chars().all(|c| c.is_ascii_hexdigit())
}
