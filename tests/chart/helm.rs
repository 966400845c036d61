//! The real Helm, and the objects that it makes of the chart.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;
use webex_azure_operator::control_plane::{Assets, Tool};

pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/webex-azure-operator");
pub const EVERYTHING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chart/everything.yaml");

/// Helm with a home of its own, so that nobody's repositories and plugins matter.
pub struct Helm {
    program: PathBuf,
    home: TempDir,
}

impl Helm {
    pub async fn found() -> Self {
        Self { program: program(Tool::Helm).await, home: tempfile::tempdir().unwrap() }
    }

    pub fn run(&self, program: &Path, arguments: &[&str]) -> Output {
        let home = self.home.path();
        Command::new(program)
            .args(arguments)
            .env_clear()
            .env("HOME", home)
            .env("HELM_CACHE_HOME", home.join("cache"))
            .env("HELM_CONFIG_HOME", home.join("config"))
            .env("HELM_DATA_HOME", home.join("data"))
            .output()
            .unwrap()
    }

    pub fn succeeds(&self, arguments: &[&str]) -> String {
        self.run(&self.program, arguments).said().unwrap_or_else(|said| panic!("helm {arguments:?}: {said}"))
    }

    pub fn fails(&self, arguments: &[&str]) -> String {
        self.run(&self.program, arguments).said().err().unwrap_or_else(|| panic!("helm {arguments:?} succeeded"))
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The objects of a release `y` in the namespace `on` with these values.
    pub fn renders(&self, values: &Value) -> Objects {
        let file = self.file("values.json", &values.to_string());
        self.template(&["--values", &file])
    }

    /// The same with every value set, and these on top.
    pub fn renders_everything(&self, values: &Value) -> Objects {
        let file = self.file("values.json", &values.to_string());
        self.template(&["--values", EVERYTHING, "--values", &file])
    }

    fn template(&self, arguments: &[&str]) -> Objects {
        let text = self.succeeds(&[&["template", "y", CHART, "--namespace", "on"], arguments].concat());
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        Objects(objects.into_iter().filter(|object| !object.is_null()).collect())
    }
}

/// What a release consists of.
pub struct Objects(Vec<Value>);

impl Objects {
    pub fn all(&self) -> &[Value] {
        &self.0
    }

    pub fn of(&self, kind: &str) -> Vec<&Value> {
        self.0.iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The only one of its kind.
    pub fn one(&self, kind: &str) -> &Value {
        match self.of(kind).as_slice() {
            [one] => one,
            several => panic!("{} objects are a {kind}", several.len()),
        }
    }

    pub fn named(&self, kind: &str, name: &str) -> &Value {
        let found = self.of(kind).into_iter().find(|object| object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("no {kind} is called {name}"))
    }

    pub fn pod(&self) -> &Value {
        &self.one("Deployment")["spec"]["template"]
    }

    pub fn container(&self) -> &Value {
        &self.pod()["spec"]["containers"][0]
    }
}

pub trait Said {
    /// Standard output of a success, standard error of a failure.
    fn said(self) -> Result<String, String>;
}

impl Said for Output {
    fn said(self) -> Result<String, String> {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        if self.status.success() { Ok(text(&self.stdout)) } else { Err(text(&self.stderr)) }
    }
}

pub fn assets() -> Assets {
    let prebuilt = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    Assets::new(prebuilt, Assets::beside_target())
}

pub async fn program(tool: Tool) -> PathBuf {
    let path = assets().path(tool, &|_| ()).await;
    path.unwrap_or_else(|error| panic!("{error}"))
}
