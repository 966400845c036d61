//! Whoever watches the public surface: sees each request with its answer and changes neither.

use std::fmt;

use bytes::Bytes;
use http::{Request, Response};

/// Called with each request and its answer.
type Look = dyn FnMut(&Request<Bytes>, &Response<Bytes>) + Send;

/// Someone who looks, or nobody.
#[derive(Default)]
pub(super) struct Witness(Option<Box<Look>>);

impl Witness {
    pub(super) fn new(look: Box<Look>) -> Self {
        Self(Some(look))
    }

    /// Whether there is anyone to show something to.
    pub(super) fn is_present(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn see(&mut self, request: &Request<Bytes>, response: &Response<Bytes>) {
        if let Some(look) = &mut self.0 {
            look(request, response);
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_present() { "Witness" } else { "Nobody" })
    }
}
