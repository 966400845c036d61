//! A certificate authority that lives as long as the emulator: clients that insist on https trust it by its file.

use std::fmt::{self, Debug, Formatter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use thiserror::Error;

use super::super::origin::CLOUDS;
use super::super::signing;

/// Stands in the name of the authority, so that nobody takes its certificates for real ones.
const NAME: &str = "EMULATOR of webex-azure-operator, not Microsoft";

/// Days for which the certificates are good.
const DAYS: i32 = 30;

/// Why there is no https.
#[derive(Debug, Error)]
pub enum AuthorityError {
    /// A certificate cannot be made.
    #[error("cannot make the emulator's certificates")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library does not take what was made.
    #[error("cannot serve the emulator's certificate")]
    Tls(#[from] rustls::Error),
    /// Something else lies where the certificate should go.
    #[error("{path} exists and is not an emulator's certificate, so it is left alone; name another file")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("cannot write the emulator's certificate to {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A fresh authority with one certificate for all names of the emulator: loopback, and the hosts of Microsoft for
/// clients that resolve those to loopback.
///
/// Its private keys never leave the process, so that nothing remains that could sign for these names afterwards.
pub struct Authority {
    pem: String,
    config: Arc<ServerConfig>,
}

impl Debug for Authority {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes the keys and certificates.
    pub fn new(now: Timestamp) -> Result<Self, AuthorityError> {
        let mut root = dated(CertificateParams::default(), now);
        root.distinguished_name.push(DnType::CommonName, NAME);
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
        let microsoft = CLOUDS.iter().flat_map(super::super::origin::NationalCloud::hosts);
        let names = ["localhost", "127.0.0.1", "::1"].into_iter().chain(microsoft);
        let mut leaf = dated(CertificateParams::new(names.map(str::to_owned).collect::<Vec<_>>())?, now);
        leaf.distinguished_name.push(DnType::CommonName, "localhost");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &root)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { pem: root.pem(), config: Arc::new(config) })
    }

    /// The certificate that clients have to trust.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// Writes [`Self::certificate_pem`]. The certificate of an earlier emulator is replaced, any other file is not.
    pub fn write(&self, path: &Path) -> Result<(), AuthorityError> {
        let failed = |source| AuthorityError::File { path: path.to_owned(), source };
        match std::fs::read_to_string(path) {
            Ok(found) if is_emulators(&found) => {}
            Ok(_) => return Err(AuthorityError::Foreign { path: path.to_owned() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                return Err(AuthorityError::Foreign { path: path.to_owned() });
            }
            Err(source) => return Err(failed(source)),
        }
        std::fs::write(path, &self.pem).map_err(failed)
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// Whether this is one certificate, and one whose name is [`NAME`].
fn is_emulators(pem: &str) -> bool {
    let is_one = pem.matches("-----BEGIN").count() == 1;
    let certificate = signing::pem(pem, "CERTIFICATE").unwrap_or_default();
    pem.trim().is_empty() || (is_one && certificate.windows(NAME.len()).any(|bytes| bytes == NAME.as_bytes()))
}

/// Good from the day before, because clocks differ, for [`DAYS`].
fn dated(mut params: CertificateParams, now: Timestamp) -> CertificateParams {
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |date: jiff::civil::Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = day(today.saturating_sub(1.day()));
    params.not_after = day(today.saturating_add(DAYS.days()));
    params
}
