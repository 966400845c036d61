//! Access tokens: signed with a test key that everyone can read, and verified before every Graph call.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::directory::MICROSOFT_GRAPH_APP_ID;
use super::discovery;
use super::origin::Neighbours;

/// Not a secret: it lies open in the repository and signs tokens that only this emulator accepts.
const TEST_KEY_PEM: &str = include_str!("EMULATOR-TEST-KEY-NOT-A-SECRET.pem");

/// Reading the key checks it and costs about a millisecond, so it is read once per process.
static KEY: LazyLock<Option<RsaKeyPair>> =
    LazyLock::new(|| RsaKeyPair::from_pkcs8(&pem(TEST_KEY_PEM, "PRIVATE KEY")?).ok());

/// What stands in the first block of this kind; words around it do not matter.
pub(super) fn pem(text: &str, label: &str) -> Option<Vec<u8>> {
    let lines = text.lines().skip_while(|line| *line != format!("-----BEGIN {label}-----")).skip(1);
    let base64: String = lines.take_while(|line| !line.starts_with("-----END")).collect();
    STANDARD.decode(base64).ok()
}

/// The test key, without the words around it.
pub(super) fn key_pem() -> String {
    let lines = TEST_KEY_PEM.lines().skip_while(|line| !line.starts_with("-----BEGIN"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// What the emulator puts into a token. Names as in Entra's version 1 access tokens, which Microsoft Graph uses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) aud: String,
    pub(super) iss: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    pub(super) app_displayname: String,
    pub(super) appid: String,
    pub(super) appidacr: String,
    pub(super) idp: String,
    pub(super) idtyp: String,
    pub(super) oid: String,
    pub(super) sub: String,
    pub(super) tid: String,
    pub(super) uti: String,
    pub(super) ver: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) roles: Vec<String>,
    /// What the client said it understands; `cp1` stands for claims challenges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) xms_cc: Vec<String>,
}

/// Names the key in token headers, so that a token shows at a glance where it comes from.
const KEY_ID: &str = "EMULATOR-TEST-KEY-NOT-A-SECRET";

/// A signed token.
pub(super) fn sign(claims: &Claims) -> String {
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": KEY_ID, "x5t": KEY_ID});
    let payload = serde_json::to_vec(claims).unwrap_or_default();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let key = KEY.as_ref().expect("the committed test key is a PKCS#8 RSA key");
    let mut signature = vec![0; key.public().modulus_len()];
    // The random numbers blind the computation; the signature itself is the same each time (PKCS#1 v1.5).
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
        .expect("the buffer has the length of the modulus");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The claims of a token that this emulator signed for Microsoft Graph and this time. The error is Graph's message.
pub(super) fn verify(token: &str, now: Timestamp, public_url: &str) -> Result<Claims, String> {
    verify_for(token, now, |audience| is_graph(audience, public_url))
}

/// The same for another audience.
pub(super) fn verify_for(token: &str, now: Timestamp, is_own: impl Fn(&str) -> bool) -> Result<Claims, String> {
    let malformed = || "CompactToken parsing failed with error code: 80049217".to_owned();
    let (message, signature) = token.rsplit_once('.').ok_or_else(malformed)?;
    let (header, payload) = message.split_once('.').ok_or_else(malformed)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed());
    let header: Value = serde_json::from_slice(&decode(header)?).map_err(|_| malformed())?;
    let (payload, signature) = (decode(payload)?, decode(signature)?);
    let key = KEY.as_ref().expect("the committed test key is a PKCS#8 RSA key");
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    let is_rs256 = header.get("alg").and_then(Value::as_str) == Some("RS256");
    if !is_rs256 || public.verify(message.as_bytes(), &signature).is_err() {
        return Err("Access token validation failure. Signature is invalid.".to_owned());
    }
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| malformed())?;
    if !is_own(&claims.aud) {
        return Err("Access token validation failure. Invalid audience.".to_owned());
    }
    if now.as_second() >= claims.exp || now.as_second() < claims.nbf {
        return Err("Lifetime validation failed, the token is expired.".to_owned());
    }
    Ok(claims)
}

/// Whether this stands for Microsoft Graph in a scope or in `aud`: the emulator under the address in use, a name that
/// real tools are built with, or the application's id.
pub(super) fn is_graph(audience: &str, public_url: &str) -> bool {
    let host = audience.strip_prefix("https://").unwrap_or_default();
    audience.eq_ignore_ascii_case(public_url)
        || audience == MICROSOFT_GRAPH_APP_ID
        || Neighbours::of(public_url).cloud.graph.iter().any(|graph| graph.eq_ignore_ascii_case(host))
}

/// Whether this stands for Azure Resource Manager. Its older name is the one that `az` asks for.
pub(super) fn is_management(audience: &str, public_url: &str) -> bool {
    let cloud = Neighbours::of(public_url).cloud;
    let host = audience.strip_prefix("https://").unwrap_or_default().trim_end_matches('/');
    host.eq_ignore_ascii_case(cloud.management) || host.eq_ignore_ascii_case(&format!("management.{}", cloud.core))
}

/// The key that signs tokens, as key documents describe it.
/// <https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signature>
pub(super) fn public_key(public_url: &str) -> Value {
    let key = KEY.as_ref().expect("the committed test key is a PKCS#8 RSA key");
    let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(key.public());
    json!({
        "kty": "RSA",
        "use": "sig",
        "kid": KEY_ID,
        "x5t": KEY_ID,
        "n": URL_SAFE_NO_PAD.encode(n),
        "e": URL_SAFE_NO_PAD.encode(e),
        "cloud_instance_name": Neighbours::of(public_url).cloud.instance,
        "issuer": discovery::issuer(public_url, "{tenantid}"),
    })
}
