//! `$skiptoken`: where the next page begins, sealed together with the list it belongs to.
//! <https://learn.microsoft.com/graph/query-parameters#skiptoken>
//!
//! The place is a sort key and an id, not a number of rows: what comes or goes in between moves no other row. The seal
//! covers tenant, path, `$filter`, `$orderby`, `$search` and whether the index was asked, so that a token is of no use
//! for another list. Public reports show the refusal where the next page is asked for without `ConsistencyLevel`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use ring::hmac;
use serde_json::json;

use super::context::{Context, GraphRequest};
use super::error::Refusal;
use super::schema::EntityType;

/// How many bytes of the seal a token carries.
const SEAL_BYTES: usize = 16;

/// Sort key of a row and its id: the place in the list where the next page begins.
pub(super) type Place = (String, String);

/// The token of the page behind this place.
pub(super) fn write(context: &Context<'_>, request: &GraphRequest, place: &Place) -> String {
    let (key, id) = place;
    let payload = json!([context.now.as_second(), key, id]).to_string();
    let seal = hmac::sign(&secret(context), &sealed(context, request, payload.as_bytes()));
    let seal = seal.as_ref().iter().take(SEAL_BYTES).copied();
    URL_SAFE_NO_PAD.encode(seal.chain(payload.bytes()).collect::<Vec<u8>>())
}

/// The place a token of this list names.
pub(super) fn read(
    context: &Context<'_>,
    request: &GraphRequest,
    entity: &EntityType,
    token: &str,
) -> Result<Place, Refusal> {
    unseal(context, request, token).ok_or_else(|| refusal(entity))
}

fn unseal(context: &Context<'_>, request: &GraphRequest, token: &str) -> Option<Place> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (seal, payload) = bytes.split_at_checked(SEAL_BYTES)?;
    let expected = hmac::sign(&secret(context), &sealed(context, request, payload));
    if expected.as_ref().get(..SEAL_BYTES) != Some(seal) {
        return None;
    }
    let (issued, key, id): (i64, String, String) = serde_json::from_slice(payload).ok()?;
    let age = context.now.as_second().saturating_sub(issued);
    let is_old = context.knobs.page_token_lifetime_seconds.is_some_and(|lifetime| age > i64::from(lifetime));
    (!is_old).then_some((key, id))
}

/// The directory's words, and those of the reporting service behind `auditLogs`, as public reports have them.
/// <https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/2254>
/// <https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/451>
fn refusal(entity: &EntityType) -> Refusal {
    if entity.is_log() {
        return Refusal::odata("Token not found: token is either invalid or expired");
    }
    let message = "The specified page token value has expired and can no longer be included in your request.";
    Refusal::new(StatusCode::BAD_REQUEST, "Directory_ExpiredPageToken", message)
}

fn secret(context: &Context<'_>) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &[b"skiptoken", context.seed.to_le_bytes().as_slice()].concat())
}

/// What the seal covers: the list, as far as it decides which rows there are and in which order, and the place.
fn sealed(context: &Context<'_>, request: &GraphRequest, payload: &[u8]) -> Vec<u8> {
    let options: Vec<(String, &str)> = request
        .query
        .kept
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
        .filter(|(name, _)| matches!(name.as_str(), "$filter" | "$orderby" | "$search"))
        .collect();
    let path = request.path.trim_matches('/').to_ascii_lowercase();
    let list = json!([context.tenant.id, path, options, request.query.is_advanced()]).to_string();
    [list.as_bytes(), b"\n", payload].concat()
}
