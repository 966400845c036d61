//! What a refusal of the token endpoint means. `error` is the contract; the numbers are hints that make the sentence more
//! exact and may change.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>

use http::StatusCode;

use super::{
    super::{call::Answer, retry_after, wire::TokenRefusal},
    TokenKey,
};
use crate::{
    api::CredentialKind,
    clock::Clock,
    domain::{
        Obstacle,
        obstacle::{Presented, SignIn},
    },
};

/// The obstacle behind this answer, which is not a token.
pub(super) fn obstacle(answer: &Answer, key: &TokenKey, presented: &Presented, clock: &Clock) -> Obstacle {
    let wait = retry_after::seconds(&answer.headers, clock.now());
    if answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error() {
        return Obstacle::token_endpoint_unavailable(wait);
    }
    let Ok(refusal) = answer.json::<TokenRefusal>() else {
        return Obstacle::token_endpoint_unavailable(wait);
    };
    let number = refusal.number();
    let code = number.map(|number| format!(" (AADSTS{number})")).unwrap_or_default();
    let sign_in = SignIn { client: key.client, tenant: key.tenant, kind: key.kind, code: &code };
    of_number(number, &sign_in, presented, wait).unwrap_or_else(|| match refusal.error.as_str() {
        "temporarily_unavailable" | "server_error" => Obstacle::token_endpoint_unavailable(wait),
        "unauthorized_client" => Obstacle::operator_app_unknown(&sign_in),
        _ => Obstacle::credential_invalid(&sign_in),
    })
}

/// The families of numbers that say more than `error` does.
fn of_number(number: Option<u64>, sign_in: &SignIn<'_>, presented: &Presented, wait: Option<u32>) -> Option<Obstacle> {
    let is_federated = matches!(sign_in.kind, CredentialKind::WorkloadIdentity | CredentialKind::OperatorIdentity);
    Some(match number? {
        7_000_222 => Obstacle::credential_expired(sign_in),
        70_021 | 70_025 | 700_211..=700_213 | 7_002_111..=7_002_139 if is_federated => {
            Obstacle::federation_mismatch(sign_in, presented)
        }
        700_024 | 50_013 => Obstacle::assertion_out_of_time(sign_in),
        7_000_215 | 700_027 | 50_012 | 50_027 => Obstacle::credential_invalid(sign_in),
        90_002 => Obstacle::tenant_not_found(sign_in),
        90_038 | 900_382 | 500_011 => Obstacle::wrong_cloud(sign_in),
        700_016 | 700_011 | 7_000_229 => Obstacle::operator_app_unknown(sign_in),
        7_000_112 | 70_001 => Obstacle::operator_app_disabled(sign_in),
        65_001 | 65_004 | 90_094 | 90_095 => Obstacle::operator_app_without_consent(sign_in),
        650_052 | 650_056 | 650_057 => Obstacle::operator_app_misconfigured(sign_in),
        50_105 => Obstacle::operator_app_not_assigned(sign_in),
        53_000..=53_011 | 530_000..=530_039 => Obstacle::conditional_access(sign_in),
        90_033 | 90_006 | 90_024 | 50_196 | 90_055 => Obstacle::token_endpoint_unavailable(wait),
        _ => return None,
    })
}
