//! The programs, where their sources are published and how they are linked. Versions come from the pinned module.

use std::fmt;

pub(super) const GO_MOD: &str = include_str!("../../tests/control-plane/go.mod");
pub(super) const GO_SUM: &str = include_str!("../../tests/control-plane/go.sum");

/// A program of the Kubernetes world that can be found or built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// The store under kube-apiserver.
    Etcd,
    /// The API server.
    KubeApiserver,
    /// The command line client.
    Kubectl,
    /// Controllers of the built-in kinds: garbage collection, `ServiceAccount` defaults, Deployments.
    KubeControllerManager,
    /// Places pods on nodes.
    KubeScheduler,
    /// Installs charts.
    Helm,
    /// Pretends to be nodes, so that pods turn ready.
    Kwok,
}

impl Tool {
    /// The file name of the program.
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::KubeApiserver => "kube-apiserver",
            Self::Kubectl => "kubectl",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::KubeScheduler => "kube-scheduler",
            Self::Helm => "helm",
            Self::Kwok => "kwok",
        }
    }

    /// The pinned version, without the leading v.
    pub fn version(self) -> &'static str {
        required_version(self.module()).unwrap_or("of an unknown version")
    }

    /// Whether the archives that `KUBEBUILDER_ASSETS` usually points to contain it.
    pub(super) fn is_in_kubebuilder_assets(self) -> bool {
        match self {
            Self::Etcd | Self::KubeApiserver | Self::Kubectl => true,
            Self::KubeControllerManager | Self::KubeScheduler | Self::Helm | Self::Kwok => false,
        }
    }

    /// The package that `go build` is given.
    pub(super) fn package(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver => "k8s.io/kubernetes/cmd/kube-apiserver",
            Self::Kubectl => "k8s.io/kubernetes/cmd/kubectl",
            Self::KubeControllerManager => "k8s.io/kubernetes/cmd/kube-controller-manager",
            Self::KubeScheduler => "k8s.io/kubernetes/cmd/kube-scheduler",
            Self::Helm => "helm.sh/helm/v4/cmd/helm",
            Self::Kwok => "sigs.k8s.io/kwok/cmd/kwok",
        }
    }

    fn module(self) -> &'static str {
        match self {
            Self::Etcd => "go.etcd.io/etcd/server/v3",
            Self::KubeApiserver | Self::Kubectl | Self::KubeControllerManager | Self::KubeScheduler => {
                "k8s.io/kubernetes"
            }
            Self::Helm => "helm.sh/helm/v4",
            Self::Kwok => "sigs.k8s.io/kwok",
        }
    }

    /// How long a first build takes on two cores, etcd and kube-apiserver first; measured.
    pub(super) fn build_time(self) -> &'static str {
        match self {
            Self::Etcd => "about 1 minute",
            Self::KubeApiserver => "about 5 minutes",
            Self::KubeControllerManager => "about 3 minutes",
            Self::Kubectl | Self::KubeScheduler | Self::Helm | Self::Kwok => "less than 1 minute",
        }
    }

    /// What `go build -ldflags` is given. Programs built outside a repository do not know their version,
    /// and kube-apiserver compares its own with those of its features.
    pub(super) fn link_flags(self) -> String {
        let kubernetes = Self::KubeApiserver.version();
        let mut parts = kubernetes.split('.');
        let major = parts.next().unwrap_or_default();
        let minor = parts.next().unwrap_or_default();
        let base = "k8s.io/component-base/version";
        let mut flags =
            format!("-s -w -X {base}.gitVersion=v{kubernetes} -X {base}.gitMajor={major} -X {base}.gitMinor={minor}");
        if self == Self::Helm {
            flags.push_str(" -X helm.sh/helm/v4/internal/version.version=v");
            flags.push_str(self.version());
        }
        flags
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The oldest Go that can build the module: its `go` line.
pub(super) fn needed_go() -> &'static str {
    GO_MOD.lines().find_map(|line| line.strip_prefix("go ")).unwrap_or("of an unknown version")
}

fn required_version(module: &str) -> Option<&'static str> {
    GO_MOD.lines().find_map(|line| {
        let version = line.trim_start().strip_prefix(module)?.strip_prefix(" v")?;
        version.split_whitespace().next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_the_pinned_module() {
        assert_eq!(Tool::KubeApiserver.version(), "1.36.3");
        assert_eq!(Tool::Etcd.version(), "3.6.8");
        assert_eq!(Tool::Helm.version(), "4.2.4");
        assert_eq!(Tool::Kwok.version(), "0.8.0");
        assert_eq!(needed_go(), "1.26.0");
    }

    #[test]
    fn the_module_lists_every_tool() {
        for tool in [
            Tool::Etcd,
            Tool::KubeApiserver,
            Tool::Kubectl,
            Tool::KubeControllerManager,
            Tool::KubeScheduler,
            Tool::Helm,
            Tool::Kwok,
        ] {
            let line = format!("\t{}", tool.package());
            assert!(GO_MOD.lines().any(|known| known == line), "{tool}");
        }
    }

    #[test]
    fn helm_learns_its_own_version_and_that_of_kubernetes() {
        let flags = Tool::Helm.link_flags();
        assert!(flags.contains("version.gitVersion=v1.36.3"));
        assert!(flags.contains("version.gitMinor=36"));
        assert!(flags.ends_with("version.version=v4.2.4"));
    }
}
