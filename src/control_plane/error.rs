//! What can go wrong with a local control plane, one variant per operation, in sentences for the person who started it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::Tool;

/// Why there is no control plane.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder the caller named lacks a program that belongs there.
    #[error("{path} is missing: the folder given for prebuilt Kubernetes programs must hold {tool}")]
    MissingPrebuilt {
        /// The program.
        tool: Tool,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is no Go to build with.
    #[error(
        "{go:?} cannot be run, and building {tool} {version} needs Go {needed} or newer: install it from https://go.dev/dl, or set KUBEBUILDER_ASSETS to a folder that holds etcd, kube-apiserver and kubectl",
        version = tool.version()
    )]
    FindGo {
        /// The go command that was tried.
        go: PathBuf,
        /// What was to be built.
        tool: Tool,
        /// The oldest version that would do.
        needed: &'static str,
        /// Why it does not run.
        #[source]
        source: io::Error,
    },
    /// The installed Go cannot build the module.
    #[error("Go {found} is too old to build {tool} {version}: it needs {needed} or newer", version = tool.version())]
    OldGo {
        /// What was to be built.
        tool: Tool,
        /// The installed version.
        found: String,
        /// The oldest version that would do.
        needed: &'static str,
    },
    /// The folder for binaries cannot be written.
    #[error("the build of {tool} cannot write {path}")]
    PrepareBuild {
        /// What was to be built.
        tool: Tool,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The lock that keeps processes from building the same program at the same time.
    #[error("{path} cannot be locked to build {tool}")]
    LockBuilds {
        /// What was to be built.
        tool: Tool,
        /// The lock file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `go build` was not successful.
    #[error("{tool} {version} could not be built; the last lines of go build:\n{output}", version = tool.version())]
    Build {
        /// What was to be built.
        tool: Tool,
        /// The end of what Go said.
        output: String,
    },
    /// The temporary folder of the control plane.
    #[error("a temporary folder for the control plane cannot be created")]
    CreateFolder(#[source] io::Error),
    /// The system has no randomness for the token.
    #[error("no token can be made for the administrator of the control plane")]
    MakeToken(#[source] io::Error),
    /// A file in the temporary folder.
    #[error("{path} cannot be written")]
    WriteFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The system gives out no port on the loopback address.
    #[error("no free port can be found on 127.0.0.1")]
    FindPort(#[source] io::Error),
    /// A program does not start at all.
    #[error("{tool} cannot be started")]
    StartProcess {
        /// The program.
        tool: Tool,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process took each port between our look and the start of the server.
    #[error("{tool} found its port on 127.0.0.1 taken {attempts} times in a row, the last time port {port}")]
    PortTaken {
        /// The program.
        tool: Tool,
        /// The last port.
        port: u16,
        /// How many ports were tried.
        attempts: usize,
    },
    /// A program ended while it was waited for.
    #[error("{tool} ended before it was ready ({status}); the last lines of its log:\n{log}")]
    EndedEarly {
        /// The program.
        tool: Tool,
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        log: String,
    },
    /// The API server does not take a node.
    #[error("the node {name} cannot be registered")]
    RegisterNode {
        /// The node.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A program does not do its part in time.
    #[error("{tool} was not ready after {seconds} s; the last lines of its log:\n{log}")]
    NotReady {
        /// The program.
        tool: Tool,
        /// How long it was waited for.
        seconds: u64,
        /// The end of its log.
        log: String,
    },
    /// The kubeconfig is written by us, so this is rare.
    #[error("no client can be made from {path}")]
    MakeClient {
        /// The kubeconfig.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A program cannot be ended.
    #[error("{tool} cannot be ended")]
    EndProcess {
        /// The program.
        tool: Tool,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The temporary folder cannot be removed.
    #[error("{path} cannot be removed")]
    RemoveFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}
