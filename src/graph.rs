//! HTTP to Microsoft Graph and to the token endpoint: turns answers into what `domain` calls observed.
//!
//! Everything that can go wrong on the way becomes an obstacle with a reason; nothing here decides what it means.
//! Deadlines, byte caps, content types, redirects and next links are checked above the seam `Transport`, so that tests
//! and simulations exercise them; below it are only DNS, TLS and the proxy.

pub mod batch;
pub mod call;
pub mod list;
pub mod look;
mod reader;
pub mod retry_after;
pub mod token;
pub mod transport;
pub mod wire;

pub use look::{Graph, Question};
pub use token::{Credential, TokenKey};
pub use transport::{HttpTransport, Transport, TransportError, TransportOptions};
