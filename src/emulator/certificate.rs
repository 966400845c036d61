//! X.509 certificates, as far as a client assertion needs them: thumbprints, period, RSA key.
//! Knows nothing of who may use them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ring::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use super::signing;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// The version stands first, and only if it is not the first version.
const VERSION: u8 = 0xa0;

/// 1.2.840.113549.1.1.1, `rsaEncryption`.
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// A certificate with an RSA key.
#[derive(Debug, Clone)]
pub(super) struct Certificate {
    /// All of it.
    pub(super) der: Vec<u8>,
    /// SHA-1 of the DER encoding: `x5t`.
    pub(super) sha1: Vec<u8>,
    /// SHA-256 of the DER encoding: `x5t#S256`.
    pub(super) sha256: Vec<u8>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// The key as PKCS#1 has it.
    pub(super) public_key: Vec<u8>,
}

impl Certificate {
    /// Reads a PEM file; nothing if it is no certificate or its key is not an RSA key.
    pub(super) fn from_pem(text: &str) -> Option<Self> {
        Self::from_der(&signing::pem(text, "CERTIFICATE")?)
    }

    /// The same in DER. Neither its own signature nor its issuer is looked at: Entra trusts what was registered.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let (certificate, _) = expect(SEQUENCE, der)?;
        let (body, _) = expect(SEQUENCE, certificate)?;
        let body = match element(body)? {
            (VERSION, _, rest) => rest,
            _ => body,
        };
        let (_serial, body) = expect(INTEGER, body)?;
        let (_signature, body) = expect(SEQUENCE, body)?;
        let (_issuer, body) = expect(SEQUENCE, body)?;
        let (validity, body) = expect(SEQUENCE, body)?;
        let (_subject, body) = expect(SEQUENCE, body)?;
        let (key, _) = expect(SEQUENCE, body)?;
        let (not_before, validity) = time(validity)?;
        let (not_after, _) = time(validity)?;
        let (algorithm, key) = expect(SEQUENCE, key)?;
        let (algorithm, _) = expect(OBJECT_IDENTIFIER, algorithm)?;
        let (key, _) = expect(BIT_STRING, key)?;
        // The first byte of a bit string counts the unused bits of the last one.
        let public_key = key.strip_prefix(&[0]).filter(|_| algorithm == RSA_ENCRYPTION)?.to_vec();
        let sha1 = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref().to_vec();
        let sha256 = digest::digest(&SHA256, der).as_ref().to_vec();
        Some(Self { der: der.to_vec(), sha1, sha256, not_before, not_after, public_key })
    }
}

/// Bytes as thumbprints are shown: `DA20FC…`.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).map(|digit| digit.to_ascii_uppercase()).collect()
}

/// The first DER element: tag, content, and what follows it.
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    /// Four bytes of length are more than any certificate has.
    const MAX_LENGTH_BYTES: usize = 4;
    let (&tag, rest) = input.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        let (bytes, rest) = rest.split_at_checked(count).filter(|_| count <= MAX_LENGTH_BYTES)?;
        (bytes.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The content of the first element, which has to have this tag, and what follows it.
fn expect(tag: u8, input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = element(input)?;
    (found == tag).then_some((content, rest))
}

/// A time of the validity period: two digits for the year until 2049, four from then on (RFC 5280, section 4.1.2.5).
fn time(input: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (tag, content, rest) = element(input)?;
    let text = std::str::from_utf8(content).ok()?;
    let text = match tag {
        UTC_TIME if text < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some((time.to_zoned(TimeZone::UTC).ok()?.timestamp(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEM: &str = include_str!("../../tests/fixtures/sign-in/client-certificate.pem");

    fn bytes(hex: &str) -> Vec<u8> {
        let digit = |digit: &u8| char::from(*digit).to_digit(16).unwrap();
        hex.as_bytes().chunks(2).map(|pair| u8::try_from(digit(&pair[0]) * 16 + digit(&pair[1])).unwrap()).collect()
    }

    #[test]
    fn a_certificate_is_read_as_openssl_reads_it() {
        let certificate = Certificate::from_pem(PEM).unwrap();
        assert_eq!(certificate.not_before.to_string(), "2023-01-01T00:00:00Z");
        assert_eq!(certificate.not_after.to_string(), "2126-12-31T23:59:59Z");
        assert_eq!(certificate.sha1, bytes("EA4E7EC20566B76A328EAF6F0B4E95FC93249C0D"));
        assert_eq!(certificate.sha256, bytes("8C0EEC85EAD517D65D26421B4F15B9998C21138F72606B419BC1D7A29CC4854C"));
        assert_eq!(certificate.public_key.len(), 270);
    }

    #[test]
    fn what_is_no_certificate_is_not_read() {
        let cut = PEM.replace("MII", "");
        let key = include_str!("../../tests/fixtures/sign-in/PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem");
        for text in ["", "-----BEGIN CERTIFICATE-----", cut.as_str(), key] {
            assert!(Certificate::from_pem(text).is_none(), "{text}");
        }
        let short = [&[SEQUENCE, 0x85, 1, 1, 1, 1, 1][..], &[SEQUENCE, 0x82, 1], &[SEQUENCE, 5, 0], &[SEQUENCE], &[]];
        for bytes in short {
            assert_eq!(element(bytes), None, "{bytes:?}");
        }
    }
}
