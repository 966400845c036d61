//! What is read of Microsoft Graph's and the token endpoint's answers: only what is used; unknown fields, unknown
//! values and nulls are tolerated, because the service adds them at any time.

mod audit;
mod credential;
mod job;
mod object;
mod permission;
mod principal;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

pub use audit::WireDirectoryAudit;
pub use credential::{WireCredentials, thumbprint};
pub use job::{WireSynchronizationJob, unrecognised};
pub use object::{from_slice, from_value};
pub use permission::{WireAppRoleAssignment, WireAssigned, WireOAuth2PermissionGrant, WireResourcePrincipal};
pub use principal::{WireCandidate, WireDeletedObject, WireRegistration, WireServicePrincipal};

/// How Microsoft Graph writes that something never happened: 0001-01-01T00:00:00Z.
const NEVER: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// The time in a text, if it is one at which something happened.
fn moment(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok().filter(|at| *at != NEVER)
}

/// A part of an answer that must not take the rest of it away: what is not of its type is as if it were not there.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(from_value(Value::deserialize(deserializer)?).ok())
}

/// Answer of the token endpoint.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow>
#[derive(Deserialize)]
pub struct TokenAnswer {
    /// The token.
    pub access_token: String,
    expires_in: Value,
}

impl TokenAnswer {
    /// Its lifetime in seconds. The endpoint writes a number; its relatives write the same in quotes.
    pub fn lifetime_seconds(&self) -> Option<u64> {
        self.expires_in.as_u64().or_else(|| self.expires_in.as_str()?.parse().ok())
    }
}

/// Refusal of the token endpoint.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>
#[derive(Debug, Deserialize)]
pub struct TokenRefusal {
    /// The contract: `invalid_client`, `unauthorized_client`, …
    pub error: String,
    /// Hints: the numbers behind AADSTS.
    error_codes: Option<Value>,
}

impl TokenRefusal {
    /// The first number behind AADSTS.
    pub fn number(&self) -> Option<u64> {
        self.error_codes.as_ref()?.get(0)?.as_u64()
    }
}

/// A page of a list.
/// <https://learn.microsoft.com/en-us/graph/paging>
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    /// Its items.
    pub value: Vec<T>,
    /// Where the list goes on; may follow an empty page.
    #[serde(rename = "@odata.nextLink")]
    pub next_link: Option<String>,
}

/// An error of Microsoft Graph.
/// <https://learn.microsoft.com/en-us/graph/errors>
#[derive(Debug, Deserialize)]
pub struct ErrorAnswer {
    /// Its content.
    pub error: ErrorBody,
}

/// Content of an error.
#[derive(Debug, Deserialize)]
pub struct ErrorBody {
    /// The contract; the message beside it is for people and changes.
    pub code: String,
}
