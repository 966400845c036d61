//! Authorities and certificates, made for one test.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, SupportedProtocolVersion,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
        version::{TLS12, TLS13},
    },
};

/// Someone who signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one with the name that they all have.
    pub fn new() -> Self {
        Self::called("An authority of the tests")
    }

    /// A new one with this name.
    pub fn called(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate.
    pub fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// The same, as in a file.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a host.
    pub fn certify(&self, host: &str) -> Identity {
        self.sign(&params(host))
    }

    /// A certificate for a host that has ended.
    pub fn certify_expired(&self, host: &str) -> Identity {
        let mut params = params(host);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(&params)
    }

    /// A certificate for a host that will be good one day.
    pub fn certify_early(&self, host: &str) -> Identity {
        let mut params = params(host);
        params.not_before = date_time_ymd(2400, 1, 1);
        params.not_after = date_time_ymd(2401, 1, 1);
        self.sign(&params)
    }

    /// A certificate for a host that is meant for something else than a server.
    pub fn certify_client(&self, host: &str) -> Identity {
        let mut params = params(host);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity { certificate: certificate.der().clone(), key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }
}

fn params(host: &str) -> CertificateParams {
    let mut params = CertificateParams::new([host.to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

/// A certificate and its key.
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// Versions of TLS that a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Tls12,
    Tls13,
}

impl Version {
    pub const ALL: [Self; 2] = [Self::Tls12, Self::Tls13];

    const fn offered(self) -> &'static SupportedProtocolVersion {
        match self {
            Self::Tls12 => &TLS12,
            Self::Tls13 => &TLS13,
        }
    }
}

impl Identity {
    /// Someone who signed for himself.
    pub fn self_signed(host: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = params(host).self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), key: PrivateKeyDer::try_from(key.serialize_der()).unwrap() }
    }

    /// Accepts connections in one version of TLS, and over it the first of these protocols that the other side speaks too.
    pub fn acceptor(&self, version: Version, protocols: &[&str]) -> TlsAcceptor {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version.offered()])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.clone()], self.key.clone_key())
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}
