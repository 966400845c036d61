//! Assertions signed with a certificate that was registered for the application.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>
//!
//! The words of 700027 are those of public reports of 2021 to 2026, such as
//! <https://learn.microsoft.com/answers/questions/5915574/aadsts700027-error>.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};

use super::super::certificate::{Certificate, hex};
use super::super::key_credential;
use super::super::origin::Neighbours;
use super::Attempt;
use super::assertion::{Assertion, DOCUMENTATION, no_key_named};
use super::denial::Denial;

/// Checks an assertion whose issuer is an application.
pub(super) fn check(attempt: &Attempt<'_>, assertion: &Assertion, issuer: &str) -> Result<(), Denial> {
    let Attempt { now, tenant, client_id, .. } = attempt;
    let algorithm = assertion.algorithm(["PS256", "RS256"])?;
    let thumbprint = Thumbprint::of(assertion)?;
    let subject = assertion.required("sub")?;
    assertion.required("jti")?;
    if !issuer.eq_ignore_ascii_case(client_id) {
        let text =
            format!("Client assertion application identifier doesn't match 'client_id' parameter. {DOCUMENTATION}");
        return Err(Denial::client(700_021, text));
    }
    if subject != issuer {
        return Err(Denial::client(50_048, "Subject mismatches Issuer claim in the client assertion."));
    }
    is_for_this_tenant(attempt, assertion)?;
    assertion.is_current(*now)?;
    let own = key_credential::certificates(tenant, client_id);
    let refused = |what: &str, why: &str, found: Option<&Certificate>| {
        Denial::client(700_027, reason(client_id, what, why, &thumbprint, found))
    };
    let Some(certificate) = own.iter().find(|certificate| thumbprint.is_of(certificate)) else {
        let what = "The certificate with identifier used to sign the client assertion is not registered on application";
        return Err(refused(what, "The key was not found.", None));
    };
    if *now > certificate.not_after {
        let what = "The certificate with identifier used to sign the client assertion is expired on application";
        return Err(refused(what, "The key used is expired.", Some(certificate)));
    }
    if *now < certificate.not_before {
        let what = "The certificate with identifier used to sign the client assertion is not yet valid on application";
        return Err(refused(what, "The key used is not yet valid.", Some(certificate)));
    }
    let algorithm = if algorithm == "PS256" { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
    let key = UnparsedPublicKey::new(algorithm, &certificate.public_key);
    key.verify(assertion.message.as_bytes(), &assertion.signature).map_err(|_| {
        let why = "The provided signature value did not match the expected signature value.";
        refused("Client assertion contains an invalid signature", why, Some(certificate))
    })
}

/// The audience is this tenant's token endpoint. The documentation names version 2; the encoded example on the same
/// page is for version 1. The tenant may be named by its id or by a verified domain, as in the examples.
fn is_for_this_tenant(attempt: &Attempt<'_>, assertion: &Assertion) -> Result<(), Denial> {
    let Attempt { public_url, tenant, .. } = attempt;
    let names = || [&tenant.id].into_iter().chain(&tenant.domains);
    let real = Neighbours::of(public_url).cloud.login.iter().map(|host| format!("https://{host}"));
    let hosts: Vec<String> = real.chain([(*public_url).to_owned()]).collect();
    let is_endpoint = |audience: &str| {
        hosts.iter().any(|host| {
            names().any(|name| {
                ["oauth2/v2.0/token", "oauth2/token"]
                    .into_iter()
                    .any(|path| audience.eq_ignore_ascii_case(&format!("{host}/{name}/{path}")))
            })
        })
    };
    match assertion.audiences()?.as_slice() {
        [audience] if is_endpoint(audience) => Ok(()),
        _ => {
            let text = format!("Client assertion audience claim does not match Realm issuer. {DOCUMENTATION}");
            Err(Denial::client(700_023, text))
        }
    }
}

/// A thumbprint in base64url, as documented, or with the letters and the padding of plain base64, as Microsoft's own
/// libraries write it:
/// <https://github.com/AzureAD/microsoft-authentication-library-for-go/blob/main/apps/internal/oauth/ops/accesstokens/accesstokens.go>.
fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(letters).ok()
}

/// Which certificate a header names, if what it has can be read.
enum Thumbprint {
    Sha1(Option<Vec<u8>>),
    Sha256(Option<Vec<u8>>),
    /// A key id. The documentation has nothing of it; Terraform's providers sign in with the SHA-1 thumbprint there:
    /// <https://github.com/hashicorp/go-azure-sdk/blob/main/sdk/auth/client_credentials.go>.
    KeyId(Option<Vec<u8>>),
}

impl Thumbprint {
    fn of(assertion: &Assertion) -> Result<Self, Denial> {
        let text = |name: &str| assertion.header.get(name).map(|value| value.as_str().unwrap_or_default());
        match (text("x5t#S256"), text("x5t"), text("kid")) {
            (Some(sha256), _, _) => Ok(Self::Sha256(decode(sha256))),
            (None, Some(sha1), _) => Ok(Self::Sha1(decode(sha1))),
            (None, None, Some(id)) => Ok(Self::KeyId(decode(id))),
            (None, None, None) => Err(no_key_named()),
        }
    }

    fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Sha1(bytes) | Self::KeyId(bytes) => bytes.as_ref() == Some(&certificate.sha1),
            Self::Sha256(bytes) => bytes.as_ref() == Some(&certificate.sha256),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Sha1(bytes) | Self::Sha256(bytes) => bytes.as_deref(),
            Self::KeyId(_) => None,
        }
    }
}

/// The long text of 700027. A thumbprint that cannot be read is left out, as it is in reports.
fn reason(client_id: &str, what: &str, why: &str, thumbprint: &Thumbprint, found: Option<&Certificate>) -> String {
    let used = thumbprint.bytes().map(|bytes| format!("Thumbprint of key used by client: '{}', ", hex(bytes)));
    let found = found.map(|Certificate { not_before, not_after, .. }| {
        format!("Found key 'Start={}, End={}', ", american(*not_before), american(*not_after))
    });
    let (used, found) = (used.unwrap_or_default(), found.unwrap_or_default());
    format!(
        "{what}. [Reason - {why}, {used}{found}Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'. Review the documentation at https://docs.microsoft.com/en-us/graph/deployments to determine the corresponding service endpoint and https://docs.microsoft.com/en-us/graph/api/application-get?view=graph-rest-1.0&tabs=http to build a query request URL, such as 'https://graph.microsoft.com/beta/applications/{client_id}']."
    )
}

/// A time as this message shows it: `01/23/2024 13:33:28`.
fn american(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%m/%d/%Y %H:%M:%S").to_string()
}
