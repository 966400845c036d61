//! The control plane's folder: names, contents and modes of the files that others read.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;

use super::Error;

const TOKEN_BYTES: usize = 24;

/// Nobody else may enter: it holds tokens and keys, and the socket of an etcd that asks for no password.
pub(super) fn folder() -> Result<TempDir, Error> {
    tempfile::Builder::new()
        .prefix("control-plane-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(Error::CreateFolder)
}

pub(super) fn kubeconfig(folder: &Path) -> PathBuf {
    folder.join("kubeconfig")
}

pub(super) fn token_table(folder: &Path) -> PathBuf {
    folder.join("tokens.csv")
}

pub(super) fn etcd_data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// kube-apiserver writes its self-signed certificate and its key here.
pub(super) fn certificates(folder: &Path) -> PathBuf {
    folder.join("certificates")
}

pub(super) fn serving_certificate(folder: &Path) -> PathBuf {
    certificates(folder).join("apiserver.crt")
}

pub(super) fn serving_key(folder: &Path) -> PathBuf {
    certificates(folder).join("apiserver.key")
}

pub(super) fn audit_policy(folder: &Path) -> PathBuf {
    folder.join("audit-policy.yaml")
}

pub(super) fn audit_log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}

/// What kwok's nodes and pods do.
pub(super) fn stages(folder: &Path) -> PathBuf {
    folder.join("stages.yaml")
}

pub(super) fn url(port: u16) -> String {
    format!("https://127.0.0.1:{port}")
}

pub(super) fn token() -> Result<SecretString, Error> {
    let mut bytes = [0; TOKEN_BYTES];
    SysRng.try_fill_bytes(&mut bytes).map_err(|source| Error::MakeToken(io::Error::other(source)))?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
}

/// One administrator: the group `system:masters` passes RBAC whatever the roles say.
pub(super) fn token_table_text(token: &SecretString) -> String {
    format!("{},admin,admin,system:masters\n", token.expose_secret())
}

/// The path is quoted as JSON, which is YAML too.
pub(super) fn kubeconfig_text(folder: &Path, port: u16, token: &SecretString) -> String {
    let certificate = serde_json::Value::from(serving_certificate(folder).to_string_lossy().into_owned());
    format!(
        r#"apiVersion: v1
kind: Config
clusters:
  - name: control-plane
    cluster:
      server: {url}
      certificate-authority: {certificate}
users:
  - name: admin
    user:
      token: "{token}"
contexts:
  - name: control-plane
    context:
      cluster: control-plane
      user: admin
current-context: control-plane
"#,
        url = url(port),
        token = token.expose_secret(),
    )
}

pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let write = || {
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?.write_all(text.as_bytes())
    };
    write().map_err(|source| Error::WriteFile { path: path.to_owned(), source })
}
