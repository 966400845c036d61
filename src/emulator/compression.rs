//! Compressed request bodies, which Microsoft's own Graph clients send unless they are told not to.
//! <https://github.com/microsoftgraph/msgraph-sdk-design/blob/master/middleware/CompressionHandler.md>

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::HeaderMap;

use super::graph::{MAX_BODY_BYTES, header};

/// The body as it was before its client compressed it; nothing if it cannot be expanded. Only gzip is known. Whatever
/// else a header names is left for the reader of the body to stumble over, who says what Graph says. A body that grows
/// too large is cut where that is certain.
pub(super) fn expanded(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    let encoding = header(headers, "content-encoding").unwrap_or_default();
    if !encoding.trim().eq_ignore_ascii_case("gzip") {
        return Some(body.clone());
    }
    let limit = u64::try_from(MAX_BODY_BYTES).ok()?.saturating_add(1);
    let mut plain = Vec::new();
    MultiGzDecoder::new(body.as_ref()).take(limit).read_to_end(&mut plain).ok()?;
    Some(plain.into())
}
