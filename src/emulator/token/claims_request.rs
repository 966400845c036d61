//! The `claims` parameter: what the client wants in its token, above all in answer to a claims challenge.
//! <https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-request>

use serde_json::Value;

use super::denial::Denial;

/// The only capability Microsoft names: the client understands claims challenges. Case does not matter.
const CLAIMS_CHALLENGES: &str = "cp1";

/// A claims request, as far as the emulator has the claims it may ask for.
#[derive(Debug, Default)]
pub(super) struct ClaimsRequest {
    not_before: Option<i64>,
    /// Known ones among the values of `xms_cc`.
    pub(super) capabilities: Vec<String>,
}

impl ClaimsRequest {
    /// Reads the parameter; without one, nothing is asked for.
    pub(super) fn read(parameter: Option<&String>) -> Result<Self, Denial> {
        let Some(text) = parameter.filter(|text| !text.is_empty()) else {
            return Ok(Self::default());
        };
        let request: Value = serde_json::from_str(text)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Denial::request(90_023, "The claims request parameter is not a JSON object."))?;
        let wanted = |claim: &str, member: &str| request.get("access_token")?.get(claim)?.get(member);
        // Challenges have the second as text; client libraries were also seen to expect a number.
        let second = wanted("nbf", "value");
        let not_before = second.and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()));
        let values = wanted("xms_cc", "values").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_known = |value: &&Value| value.as_str().is_some_and(|it| it.eq_ignore_ascii_case(CLAIMS_CHALLENGES));
        let capabilities = values.iter().find(is_known).map(|_| CLAIMS_CHALLENGES.to_owned());
        Ok(Self { not_before, capabilities: capabilities.into_iter().collect() })
    }

    /// What `nbf` of a token becomes: as usual a while ago, or as late as was asked for, but never in the future.
    pub(super) fn not_before(&self, now: i64, backdate_seconds: i64) -> i64 {
        let usual = now - backdate_seconds;
        self.not_before.map_or(usual, |wanted| usual.max(wanted.min(now)))
    }
}
