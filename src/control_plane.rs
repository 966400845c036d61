//! A real Kubernetes control plane for one process: etcd and kube-apiserver, started, handed out and ended.
//!
//! There is nothing behind it: no controller manager, no scheduler, no nodes. Namespaces come without a
//! `default` `ServiceAccount`, owners do not collect their dependents, pods never run. What the API server
//! does by itself is all there: validation, CEL, server-side apply, watches, RBAC, admission. A [`Cluster`] has the rest.
//!
//! This module must not know anything else of this crate, and it does not read the environment.

mod assets;
mod build;
mod cluster;
mod error;
mod files;
mod process;
mod server;
mod tool;

use std::path::{Path, PathBuf};

use secrecy::SecretString;
use tempfile::TempDir;

pub use assets::Assets;
pub use cluster::Cluster;
pub use error::Error;
pub use tool::Tool;

use process::Process;
use server::Audit;

/// Where sentences about slow work go; the caller decides whether anybody reads them.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// A running etcd and kube-apiserver in a folder of their own.
///
/// Both end and the folder goes when the value is dropped, also by a panic, and when this process is
/// killed without a chance to drop anything. Ctrl-C in a terminal does not reach them.
#[derive(Debug)]
pub struct ControlPlane {
    // Fields are dropped in this order: a kube-apiserver that lost its etcd takes seconds to give up.
    kube_apiserver: Process,
    etcd: Process,
    folder: TempDir,
    kubeconfig: PathBuf,
    url: String,
    token: SecretString,
}

impl ControlPlane {
    /// Starts both and returns once the API server is ready and its `default` namespace exists.
    ///
    /// The process must have a default crypto provider of rustls.
    pub async fn start(assets: &Assets, progress: Progress<'_>) -> Result<Self, Error> {
        Self::start_with(assets, Audit::None, progress).await
    }

    async fn start_with(assets: &Assets, audit: Audit, progress: Progress<'_>) -> Result<Self, Error> {
        let etcd_binary = assets.path(Tool::Etcd, progress).await?;
        let kube_apiserver_binary = assets.path(Tool::KubeApiserver, progress).await?;
        let folder = files::folder()?;
        let token = files::token()?;
        files::write_private(&files::token_table(folder.path()), &files::token_table_text(&token))?;

        let mut etcd = server::start_etcd(&etcd_binary, folder.path())?;
        let (kube_apiserver, port) =
            server::start_kube_apiserver(&kube_apiserver_binary, folder.path(), &token, audit, &mut etcd).await?;

        Ok(Self {
            kube_apiserver,
            etcd,
            kubeconfig: files::kubeconfig(folder.path()),
            folder,
            url: files::url(port),
            token,
        })
    }

    /// A kubeconfig for an administrator: every verb on everything.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `https://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The administrator's bearer token, the one in the kubeconfig.
    pub fn token(&self) -> &SecretString {
        &self.token
    }

    /// Data, certificates and logs of the two processes; nobody but the user can read it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A client for the administrator, without the retries that a client usually has.
    pub async fn client(&self) -> Result<kube::Client, Error> {
        server::client(&self.kubeconfig).await
    }

    /// Ends kube-apiserver, then etcd, and removes the folder; unlike a drop it says what went wrong.
    pub async fn stop(self) -> Result<(), Error> {
        let Self { mut kube_apiserver, mut etcd, folder, kubeconfig: _, url: _, token: _ } = self;
        let ended = tokio::task::spawn_blocking(move || {
            kube_apiserver.end()?;
            etcd.end()?;
            let path = folder.path().to_owned();
            folder.close().map_err(|source| Error::RemoveFolder { path, source })
        });
        // The blocking part has no panic of its own; a runtime that shuts down drops it, and that ends all three.
        ended.await.unwrap_or(Ok(()))
    }
}
