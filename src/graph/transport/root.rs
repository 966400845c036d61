//! Authorities that are trusted besides those of the platform.

use rustls::{
    RootCertStore,
    pki_types::{
        CertificateDer,
        pem::{Error as PemError, PemObject as _},
    },
};

/// A bundle is none.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// It is not PEM.
    #[error("it is not PEM")]
    NotPem(#[source] PemError),
    /// It holds no certificate.
    #[error("there is no certificate in it")]
    Empty,
    /// Something in it is called a certificate and is none.
    #[error("certificate {number} in it cannot be used")]
    Unusable {
        /// Its place in the bundle, from 1.
        number: usize,
        /// The cause.
        #[source]
        source: rustls::Error,
    },
}

/// All certificates of a bundle in PEM; what else is in it is passed over.
pub fn roots_from_pem(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let roots: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(RootsError::NotPem)?;
    if roots.is_empty() {
        return Err(RootsError::Empty);
    }
    let mut store = RootCertStore::empty();
    for (index, root) in roots.iter().enumerate() {
        store.add(root.clone()).map_err(|source| RootsError::Unusable { number: index + 1, source })?;
    }
    Ok(roots)
}
