//! Where programs are found, and when one is built instead.

use std::path::{Path, PathBuf};

use super::{Error, Progress, Tool, build};

/// Where the programs are: in a folder the caller named, else in a folder where they are built once.
#[derive(Clone, Debug)]
pub struct Assets {
    prebuilt: Option<PathBuf>,
    dir: PathBuf,
    go: PathBuf,
}

impl Assets {
    /// `prebuilt` is the value of `KUBEBUILDER_ASSETS`, `dir` the folder to build into.
    pub fn new(prebuilt: Option<PathBuf>, dir: PathBuf) -> Self {
        Self { prebuilt, dir, go: PathBuf::from("go") }
    }

    /// Builds with this go command instead of the one in the search path.
    #[must_use]
    pub fn with_go(self, go: PathBuf) -> Self {
        Self { go, ..self }
    }

    /// `target/control-plane` for a program that cargo built, else a folder among the caches of the user.
    pub fn beside_target() -> PathBuf {
        if let Some(target) = std::env::current_exe().ok().as_deref().and_then(target_folder) {
            return target.join("control-plane");
        }
        let home = std::env::home_dir().unwrap_or_default();
        home.join(".cache").join(env!("CARGO_PKG_NAME")).join("control-plane")
    }

    /// The program's file, built if it is absent or older than the pins of this crate.
    ///
    /// A prebuilt folder must hold etcd, kube-apiserver and kubectl. The others are taken from there if
    /// present and built if not, because the usual archives do not contain them.
    pub async fn path(&self, tool: Tool, progress: Progress<'_>) -> Result<PathBuf, Error> {
        if let Some(folder) = &self.prebuilt {
            let path = folder.join(tool.name());
            if path.is_file() {
                return Ok(path);
            }
            if tool.is_in_kubebuilder_assets() {
                return Err(Error::MissingPrebuilt { tool, path });
            }
        }
        build::built(tool, &self.dir, &self.go, progress).await
    }
}

/// `target` of `target/debug/program` and of `target/debug/deps/test`, also below a target triple.
fn target_folder(program: &Path) -> Option<&Path> {
    let folder = program.parent()?;
    let profile = if folder.ends_with("deps") || folder.ends_with("examples") { folder.parent()? } else { folder };
    let is_profile = profile.ends_with("debug") || profile.ends_with("release");
    if is_profile { profile.parent() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_cargo_share_the_folder_beside_their_profile() {
        for program in ["/w/target/debug/p", "/w/target/release/p", "/w/target/debug/deps/t-1"] {
            assert_eq!(target_folder(Path::new(program)), Some(Path::new("/w/target")), "{program}");
        }
    }

    #[test]
    fn installed_programs_are_not_taken_for_those_of_cargo() {
        assert_eq!(target_folder(Path::new("/usr/local/bin/p")), None);
        assert_eq!(target_folder(Path::new("/srv/release/bin/p")), None);
    }
}
