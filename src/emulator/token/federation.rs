//! Assertions that a trusted issuer signed: workload identity federation.
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>
//!
//! The reference of error codes has none of the numbers below; they and their words come from public reports: 700211,
//! 700212, 700213 and 70021 in <https://github.com/Azure/azure-workload-identity/issues/1200> and issue 340 there,
//! 7002138 in <https://github.com/Azure/login/issues/517>, 7000272 in issue 1232 of the first repository, 501661 in
//! <https://docs.gitlab.com/ci/cloud_services/azure/#troubleshooting>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;

use super::super::directory::{elements, text, text_of};
use super::super::federated_identity_credential;
use super::super::replica::View;
use super::Attempt;
use super::assertion::{Assertion, no_key_named};
use super::denial::Denial;

/// Checks an assertion whose issuer is not an application.
pub(super) fn check(attempt: &Attempt<'_>, assertion: &Assertion, issuer: &str) -> Result<(), Denial> {
    let Attempt { now, tenant, knobs, .. } = attempt;
    let subject = assertion.required("sub")?;
    let audiences = assertion.audiences()?;
    matching(attempt, issuer, subject, &audiences).map_err(|mismatch| {
        if knobs.federation_mismatch_is_one_error { one_for_all(issuer, subject, &audiences) } else { mismatch }
    })?;
    assertion.is_current(*now)?;
    // The documentation supports RS256 alone and says that others may work.
    let algorithm = assertion.algorithm(["RS256", "ES256"])?;
    let keys = tenant
        .issuers
        .get(issuer)
        .ok_or_else(|| Denial::request(501_661, "Request to External OIDC endpoint failed."))?;
    let key_id = assertion.header.get("kid").and_then(Value::as_str).ok_or_else(no_key_named)?;
    let key = keys.iter().find(|key| text_of(key, "kid") == key_id).ok_or_else(|| {
        let text = format!(
            "The certificate with identifier {key_id} used to sign the federated credential could not be found in the metadata of identity provider {issuer}. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token."
        );
        Denial::client(7_000_272, text)
    })?;
    if is_signed_with(assertion, algorithm, key) {
        return Ok(());
    }
    // The reference lists this cause under 50027; the sentence is its own.
    Err(Denial::request(50_027, "Invalid JWT token. External ID token from issuer failed signature verification."))
}

/// Looks for a credential with this issuer, this subject and this one audience, each to the letter.
fn matching(attempt: &Attempt<'_>, issuer: &str, subject: &str, audiences: &[&str]) -> Result<(), Denial> {
    let Attempt { tenant, client_id, .. } = attempt;
    let own = federated_identity_credential::of(tenant, View::Truth, client_id);
    if own.is_empty() {
        let principal = tenant.principal_of(View::Truth, client_id).map(|(_, principal)| principal);
        let name = principal.map(|principal| text(principal, "displayName")).unwrap_or_default();
        let text = format!("The client '{client_id}'({name}) has no configured federated identity credentials.");
        return Err(Denial::client(70_025, text));
    }
    let of_issuer: Vec<_> = own.into_iter().filter(|own| text(own, "issuer") == issuer).collect();
    if of_issuer.is_empty() {
        return Err(mismatch(700_211, "issuer", issuer, CHECK));
    }
    let of_subject: Vec<_> = of_issuer.iter().filter(|own| text(own, "subject") == subject).collect();
    if of_subject.is_empty() {
        let differs_in_case = of_issuer.iter().any(|own| text(own, "subject").eq_ignore_ascii_case(subject));
        return Err(if differs_in_case {
            mismatch(7_002_138, "subject", subject, CASE)
        } else {
            mismatch(700_213, "subject", subject, CHECK)
        });
    }
    let is_listed =
        |audience: &str| of_subject.iter().any(|own| elements(own, "audiences").iter().any(|one| one == audience));
    match audiences {
        [audience] if is_listed(audience) => Ok(()),
        _ => Err(mismatch(700_212, "audience", &audiences.join(", "), CHECK)),
    }
}

const CHECK: &str = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation";
const CASE: &str = "The subject matches with case-insensitive comparison, but not with case-sensitive comparison.";

fn mismatch(code: u32, part: &str, presented: &str, advice: &str) -> Denial {
    let text =
        format!("No matching federated identity record found for presented assertion {part} '{presented}'. {advice}");
    Denial::client(code, text)
}

/// The same before there were numbers for each part.
fn one_for_all(issuer: &str, subject: &str, audiences: &[&str]) -> Denial {
    let audience = audiences.join(", ");
    let text = format!(
        "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'."
    );
    Denial::request(70_021, text)
}

/// Verifies with a JSON Web Key (RFC 7517); a key of another kind than the algorithm needs verifies nothing.
fn is_signed_with(assertion: &Assertion, algorithm: &str, key: &Value) -> bool {
    let Assertion { message, signature, .. } = assertion;
    let member = |name: &str| URL_SAFE_NO_PAD.decode(text_of(key, name)).unwrap_or_default();
    match (algorithm, text_of(key, "kty"), text_of(key, "crv")) {
        ("RS256", "RSA", _) => {
            let components = RsaPublicKeyComponents { n: member("n"), e: member("e") };
            components.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), signature).is_ok()
        }
        ("ES256", "EC", "P-256") => {
            // An uncompressed point: 4, x, y.
            let point = [vec![4], member("x"), member("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message.as_bytes(), signature).is_ok()
        }
        _ => false,
    }
}
