//! What kstatus, Argo CD and Flux say of objects, asked of their own code: many objects in one process of each.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::go;

/// The health check that Argo CD is given, below the root of the repository.
pub const HEALTH_SCRIPT: &str = "gitops/argocd/webexazure.dev/WebexAzureIntegration/health.lua";
/// The Kustomization with `healthCheckExprs`.
pub const KUSTOMIZATION: &str = "gitops/flux/kustomization.yaml";

static FLUX: LazyLock<PathBuf> = LazyLock::new(|| go::built("gitops/flux", ".", ""));
static ARGO: LazyLock<PathBuf> = LazyLock::new(|| go::built("gitops/argohealth", ".", ""));

/// What one of them says of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Said {
    /// Its word, such as Current or Healthy; empty if it failed.
    #[serde(default)]
    pub status: String,
    /// What it shows beside it.
    #[serde(default)]
    pub message: String,
    /// Why it failed.
    #[serde(default)]
    pub error: String,
}

/// Rules of Flux for conditions that an object breaks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Broken {
    /// Those that fail a test of Flux's own controllers.
    pub fail: Vec<String>,
    /// Those that warn.
    pub warn: Vec<String>,
}

/// What all of them say.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// kstatus, which Flux asks unless it is told otherwise, and Helm too.
    pub kstatus: Said,
    /// Argo CD with our health check.
    pub argo: Said,
    /// Flux with our `healthCheckExprs`.
    pub exprs: Said,
    /// Flux's rules for an object that is done.
    pub settled: Broken,
    /// Flux's rules for an object that something is going on with.
    pub midway: Broken,
}

#[derive(Deserialize)]
struct Flux {
    kstatus: Said,
    exprs: Said,
    settled: Broken,
    midway: Broken,
}

/// What all of them say of each of these objects.
pub fn judge(objects: &[Value]) -> Vec<Judgement> {
    let (of_flux, of_argo): (Vec<Flux>, Vec<Said>) =
        (ask(&FLUX, KUSTOMIZATION, objects), ask(&ARGO, HEALTH_SCRIPT, objects));
    let together = of_flux.into_iter().zip(of_argo);
    together
        .map(|(flux, argo)| {
            let Flux { kstatus, exprs, settled, midway } = flux;
            Judgement { kstatus, argo, exprs, settled, midway }
        })
        .collect()
}

/// What Argo CD says with the health check in this file.
pub fn argo(script: &str, objects: &[Value]) -> Vec<Said> {
    ask(&ARGO, script, objects)
}

/// One line of JSON in, one out.
fn ask<T: DeserializeOwned>(program: &Path, file: &str, objects: &[Value]) -> Vec<T> {
    let mut child = Command::new(program)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut into = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            for object in objects {
                // One that ended early says why on its standard error.
                if writeln!(into, "{object}").is_err() {
                    return;
                }
            }
        });
        child.wait_with_output().unwrap()
    });
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {talk}", program.display());
    let answers: Vec<T> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert_eq!(answers.len(), objects.len(), "{} answers each object: {talk}", program.display());
    answers
}
