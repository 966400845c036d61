//! Seeded identifiers and the one hash that all seeded choices use. Knows nothing of tenants.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

/// A stream of identifiers; the same seed gives the same stream.
#[derive(Debug, Clone)]
pub(super) struct Identifiers {
    state: u64,
}

impl Identifiers {
    pub(super) fn new(seed: u64) -> Self {
        Self { state: mix(seed ^ 0x656d_756c_6174_6f72) }
    }

    /// The next number of the stream (`SplitMix64`).
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// A version 4 UUID.
    pub(super) fn guid(&mut self) -> String {
        let number = (u128::from(self.next()) << 64) | u128::from(self.next());
        uuid::Builder::from_random_bytes(number.to_be_bytes()).into_uuid().to_string()
    }

    /// The id of an app role assignment: the principal's id and random bytes, as in the documented examples.
    pub(super) fn assignment(&mut self, principal_id: &str) -> String {
        let random = (u128::from(self.next()) << 64) | u128::from(self.next());
        packed(&[principal_id], &random.to_be_bytes())
    }
}

/// The id of a delegated permission grant: client, resource and, for one person, that person, as in the documented examples.
pub(super) fn grant(client_id: &str, resource_id: &str, principal_id: Option<&str>) -> String {
    match principal_id {
        Some(principal_id) => packed(&[client_id, resource_id, principal_id], &[]),
        None => packed(&[client_id, resource_id], &[]),
    }
}

/// The id of the classification of a permission: the permission and how it is classified, as in the documented example.
pub(super) fn classification(permission_id: &str, classification: u8) -> String {
    packed(&[permission_id], &[classification])
}

/// Guids in their Windows byte order, then more bytes, in base64url.
fn packed(guids: &[&str], more: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(64);
    for guid in guids {
        bytes.extend_from_slice(&Uuid::parse_str(guid).unwrap_or_default().to_bytes_le());
    }
    bytes.extend_from_slice(more);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A number that depends on all parts and on nothing else.
pub(super) fn hash(seed: u64, parts: &[&[u8]]) -> u64 {
    let mut state = mix(seed);
    for part in parts {
        for chunk in part.chunks(8) {
            let mut word = [0_u8; 8];
            for (slot, byte) in word.iter_mut().zip(chunk) {
                *slot = *byte;
            }
            state = mix(state ^ u64::from_le_bytes(word)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        state = mix(state ^ part.len() as u64);
    }
    state
}

/// The finalizer of `SplitMix64`: every input bit reaches every output bit.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// Whether a text is a guid in its usual spelling.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_grants_and_assignments_are_packed_as_in_the_documented_examples() {
        let everyone = grant("263a5b01-03e5-408e-8557-bab681df104c", "1804a6f8-e623-4520-8f40-ba1b0c11c42d", None);
        assert_eq!(everyone, "AVs6JuUDjkCFV7q2gd8QTPimBBgj5iBFj0C6GwwRxC0");
        let one_person = grant(
            "22a3c970-8ad4-4120-8127-300837f87f2c",
            "98dc9d95-49b6-405a-b3c0-834e969a708b",
            Some("c2e8df37-c6a7-4d88-89b1-feb4f1fda7c5"),
        );
        assert_eq!(one_person, "cMmjItSKIEGBJzAIN_h_LJWd3Ji2SVpAs8CDTpaacIs33-jCp8aITYmx_rTx_afF");
        let low = classification("e1fe6dd8-ba31-4d61-89e7-88639da4683d", 1);
        assert_eq!(low, "2G3-4TG6YU2J54hjnaRoPQE");
        let assignment = Identifiers::new(1).assignment("8e881353-1735-45af-af21-ee1344582a4d");
        assert!(assignment.starts_with("UxOIjjUXr0WvIe4TRFgqT"), "{assignment}");
        assert_eq!(assignment.len(), "UxOIjjUXr0WvIe4TRFgqTY4z9Wu5KxpBtlEpoTGjw-A".len());
    }

    #[test]
    fn the_same_seed_gives_the_same_identifiers() {
        let (mut one, mut two, mut other) = (Identifiers::new(7), Identifiers::new(7), Identifiers::new(8));
        let first = one.guid();
        assert_eq!(first, two.guid());
        assert_ne!(first, one.guid());
        assert_ne!(first, other.guid());
        assert!(is_guid(&first));
    }
}
