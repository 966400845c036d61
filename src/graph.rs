//! HTTP to Microsoft Graph and to the token endpoint: turns answers into what `domain` calls observed.
//!
//! Everything that can go wrong on the way becomes an obstacle with a reason; nothing here decides what it means.
//! Deadlines, byte caps, content types, redirects and next links are checked above the seam `Transport`, so that tests
//! and simulations exercise them; below it are only DNS, TLS and the proxy.

pub mod assertion;
pub mod batch;
pub mod budget;
pub mod call;
pub mod certificate;
mod challenge;
mod kept;
mod line;
pub mod list;
pub mod look;
mod memory;
mod metric;
mod reader;
pub mod retry_after;
pub mod token;
pub mod trail;
pub mod transcript;
pub mod transport;
pub mod wire;

pub use assertion::{AssertionSource, TokenFile};
pub use certificate::{CertificateError, SigningCertificate};
pub use look::{Graph, Look, Priority, Question};
pub use token::{Credential, Proof, TokenKey};
pub use trail::{Exchange, Operation};
pub use transport::{HttpTransport, Transport, TransportError, TransportOptions};
