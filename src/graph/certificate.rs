//! A certificate with its private key, as an application signs in with it.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials>

use std::{fmt, fmt::Write as _};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{digest, rand::SystemRandom, rsa::KeyPair, signature::RSA_PSS_SHA256};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use secrecy::SecretString;
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::api::AppId;

/// How long an assertion holds. It is sent at once; the documentation allows up to ten minutes.
const ASSERTION_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// A certificate and the key that belongs to it.
pub struct SigningCertificate {
    key: KeyPair,
    /// SHA-256 of the certificate.
    thumbprint: [u8; digest::SHA256_OUTPUT_LEN],
    not_before: Timestamp,
    not_after: Timestamp,
}

/// Why what was given is no certificate that can be signed in with. The sentences go into messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No certificate in it.
    #[error("it holds no certificate")]
    NoCertificate,
    /// No key in it.
    #[error("it holds no private key")]
    NoKey,
    /// More keys than one.
    #[error("it holds {0} private keys, and which one is meant is not told")]
    SeveralKeys(usize),
    /// The key has a passphrase.
    #[error("its private key is encrypted, and there is no place for a passphrase")]
    Encrypted,
    /// The key is none of RSA.
    #[error("its private key is an elliptic-curve key, which Microsoft Entra does not take for client assertions")]
    NotRsa,
    /// The key has too few bits, too many, or is broken.
    #[error("its private key is no RSA key of 2048 to 4096 bits")]
    UnusableKey,
    /// The armour is broken.
    #[error("it is not well-formed PEM")]
    NotPem,
    /// A certificate that cannot be read.
    #[error("its certificate cannot be read")]
    UnreadableCertificate,
    /// No certificate fits the key.
    #[error("its private key does not belong to its certificate")]
    NoMatch,
}

impl SigningCertificate {
    /// Reads certificate and key from PEM; the two may stand in different parts. Of a chain the certificate counts that
    /// the key belongs to.
    pub fn from_pem(parts: &[&[u8]]) -> Result<Self, CertificateError> {
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for part in parts {
            if is_encrypted(part) {
                return Err(CertificateError::Encrypted);
            }
            for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(part) {
                match section.map_err(|_| CertificateError::NotPem)? {
                    (SectionKind::Certificate, der) => certificates.push(der),
                    (
                        kind @ (SectionKind::PrivateKey | SectionKind::RsaPrivateKey | SectionKind::EcPrivateKey),
                        der,
                    ) => {
                        keys.push((kind, der));
                    }
                    _ => {}
                }
            }
        }
        let key = match keys.as_slice() {
            [] => return Err(CertificateError::NoKey),
            [(kind, der)] => rsa(*kind, der)?,
            several => return Err(CertificateError::SeveralKeys(several.len())),
        };
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        for der in &certificates {
            let (_, certificate) =
                X509Certificate::from_der(der).map_err(|_| CertificateError::UnreadableCertificate)?;
            if certificate.public_key().subject_public_key.data.as_ref() != key.public().as_ref() {
                continue;
            }
            let mut thumbprint = [0; digest::SHA256_OUTPUT_LEN];
            thumbprint.copy_from_slice(digest::digest(&digest::SHA256, der).as_ref());
            let at =
                |seconds: i64| Timestamp::from_second(seconds).map_err(|_| CertificateError::UnreadableCertificate);
            let validity = certificate.validity();
            return Ok(Self {
                thumbprint,
                not_before: at(validity.not_before.timestamp())?,
                not_after: at(validity.not_after.timestamp())?,
                key,
            });
        }
        Err(CertificateError::NoMatch)
    }

    /// SHA-256 of the certificate in hexadecimal digits, as people compare it.
    pub fn thumbprint(&self) -> String {
        self.thumbprint.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02X}");
            text
        })
    }

    /// When its time begins.
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// When its time ends.
    pub const fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// A proof, good at this endpoint only, that this application holds the key.
    pub fn assertion(&self, client: AppId, audience: &str, id: &str, now: Timestamp) -> SecretString {
        let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(self.thumbprint)});
        let issued = now.as_second();
        let claims = json!({
            "aud": audience,
            "iss": client.to_string(),
            "sub": client.to_string(),
            "jti": id,
            "nbf": issued,
            "iat": issued,
            "exp": issued + ASSERTION_LIFETIME.as_secs(),
        });
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .expect("the buffer has the length of the modulus, and the key was checked when it was read");
        SecretString::from(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for SigningCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningCertificate")
            .field("thumbprint", &self.thumbprint())
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// Both ways in which PEM says that a passphrase is needed.
fn is_encrypted(part: &[u8]) -> bool {
    let has = |mark: &[u8]| part.windows(mark.len()).any(|window| window == mark);
    has(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || has(b"Proc-Type: 4,ENCRYPTED")
}

fn rsa(kind: SectionKind, der: &[u8]) -> Result<KeyPair, CertificateError> {
    /// The object identifier of elliptic-curve public keys, 1.2.840.10045.2.1, as it stands in PKCS#8.
    const EC_PUBLIC_KEY: [u8; 9] = [0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    if matches!(kind, SectionKind::EcPrivateKey) {
        return Err(CertificateError::NotRsa);
    }
    let is_traditional = matches!(kind, SectionKind::RsaPrivateKey);
    let read = if is_traditional { KeyPair::from_der(der) } else { KeyPair::from_pkcs8(der) };
    read.map_err(|_| {
        // The identifier stands within the first bytes, before the key itself.
        let head = der.get(..40).unwrap_or(der);
        let is_elliptic = head.windows(EC_PUBLIC_KEY.len()).any(|window| window == EC_PUBLIC_KEY);
        if is_elliptic { CertificateError::NotRsa } else { CertificateError::UnusableKey }
    })
}
