//! Client assertions: a JWT in place of a secret. What both kinds have in common, and which kind one is.
//!
//! A certificate assertion names the application itself as its issuer, by its id; a federated one names an address.
//! Numbers and words of refusals are those of the reference and, where it is silent, of public reports: 5002723,
//! 5002738, 700021, 700024 and 90014 stand in the tests of Microsoft's own client library
//! (<https://github.com/AzureAD/microsoft-authentication-library-for-dotnet>), 700023 in its issue 2746, 5002727 in
//! public code.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::super::directory::text;
use super::super::identifier;
use super::denial::Denial;
use super::{Attempt, certificate, federation};

/// The documented fixed value of `client_assertion_type`.
/// <https://learn.microsoft.com/entra/identity-platform/certificate-credentials#using-a-client-assertion>
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far clocks may be apart: the usual five minutes. Microsoft names no number for assertions.
const TOLERANCE_SECONDS: i64 = 300;

/// Where refusals of assertions send the reader.
pub(super) const DOCUMENTATION: &str =
    "Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";

/// An assertion, taken apart and not yet believed.
#[derive(Debug)]
pub(super) struct Assertion {
    pub(super) header: Map<String, Value>,
    claims: Map<String, Value>,
    /// What was signed.
    pub(super) message: String,
    pub(super) signature: Vec<u8>,
}

/// Checks an assertion of either kind.
pub(super) fn check(attempt: &Attempt<'_>, jwt: &str) -> Result<(), Denial> {
    let kind = attempt.form.get("client_assertion_type").filter(|kind| !kind.is_empty()).ok_or_else(|| {
        let text = "The request body must contain the following parameter: 'client_assertion_type'.";
        Denial::request(900_144, text)
    })?;
    if kind != JWT_BEARER {
        return Err(Denial::request(90_023, format!("The client_assertion_type '{kind}' is not supported.")));
    }
    let assertion = Assertion::read(jwt)?;
    let issuer = assertion.required("iss")?;
    if identifier::is_guid(issuer) {
        certificate::check(attempt, &assertion, issuer)
    } else {
        federation::check(attempt, &assertion, issuer)
    }
}

impl Assertion {
    fn read(jwt: &str) -> Result<Self, Denial> {
        Self::parse(jwt).ok_or_else(malformed).and_then(|assertion| match assertion.header.get("typ") {
            // Kubernetes leaves the type out.
            None => Ok(assertion),
            Some(Value::String(kind)) if kind.eq_ignore_ascii_case("JWT") => Ok(assertion),
            Some(Value::String(kind)) if kind == "http://openid.net/specs/jwt/1.0" => Ok(assertion),
            Some(_) => {
                let text = "Invalid JWT header type specified, must be 'JWT' or 'http://openid.net/specs/jwt/1.0'.";
                Err(Denial::request(5_002_727, text))
            }
        })
    }

    fn parse(jwt: &str) -> Option<Self> {
        let (message, signature) = jwt.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let object = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        Some(Self {
            header: object(header)?,
            claims: object(claims)?,
            message: message.to_owned(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    /// A claim that has to be there as text.
    pub(super) fn required(&self, name: &str) -> Result<&str, Denial> {
        let value = text(&self.claims, name);
        if value.is_empty() { Err(missing(name)) } else { Ok(value) }
    }

    /// Who it is for; a list with one element is as good as that element.
    pub(super) fn audiences(&self) -> Result<Vec<&str>, Denial> {
        match self.claims.get("aud") {
            Some(Value::String(audience)) => Ok(vec![audience]),
            Some(Value::Array(audiences)) => Ok(audiences.iter().filter_map(Value::as_str).collect()),
            _ => Err(missing("aud")),
        }
    }

    /// The algorithm, if it is one of these.
    pub(super) fn algorithm(&self, supported: [&'static str; 2]) -> Result<&'static str, Denial> {
        let given = text(&self.header, "alg");
        supported.into_iter().find(|name| *name == given).ok_or_else(|| {
            let supported = supported.join(",");
            let text = format!(
                "Invalid JWT token. '{given}' is not a supported signature algorithm. Supported signing algorithms are: '{supported}'"
            );
            Denial::client(5_002_738, text)
        })
    }

    /// Whether it is valid now. A time that is left out counts as 1970, which reports show for `nbf` and `exp` alike. A
    /// time may have a fraction, <https://www.rfc-editor.org/rfc/rfc7519#section-2>, as Microsoft's library for Python
    /// writes it.
    pub(super) fn is_current(&self, now: Timestamp) -> Result<(), Denial> {
        let second = |name: &str| match self.claims.get(name) {
            None => Some(0),
            Some(value) => value.as_i64().or_else(|| whole(value.as_f64()?)).or_else(|| value.as_str()?.parse().ok()),
        };
        let (from, until) = second("nbf").zip(second("exp")).ok_or_else(malformed)?;
        let moment = now.as_second();
        if moment >= from.saturating_sub(TOLERANCE_SECONDS) && moment < until.saturating_add(TOLERANCE_SECONDS) {
            return Ok(());
        }
        let shown = |second: i64| Timestamp::from_second(second).map(sevenths).map_err(|_| malformed());
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of assertion {}. {DOCUMENTATION}",
            sevenths(now),
            shown(from)?,
            shown(until)?,
        );
        Err(Denial::client(700_024, text))
    }
}

/// Seconds without their fraction.
fn whole(seconds: f64) -> Option<i64> {
    SignedDuration::try_from_secs_f64(seconds).ok().map(|duration| duration.as_secs())
}

/// No header says which key it was signed with.
pub(super) fn no_key_named() -> Denial {
    let text = "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor keyId specified in token header.";
    Denial::client(5_002_723, text)
}

fn malformed() -> Denial {
    Denial::request(50_027, "JWT token is invalid or malformed.")
}

fn missing(name: &str) -> Denial {
    let text = format!(
        "The required field '{name}' is missing from the credential. Ensure that you have all the necessary parameters for the login request."
    );
    Denial::request(90_014, text)
}

/// A time as these messages show it: `2023-12-11T23:52:19.6223401Z`.
fn sevenths(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}
