//! What was built, and running it: the files of its layers below a root of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{build::run, folder};

/// Longer than any run takes on a busy machine; a program that goes on is ended.
const PATIENCE_SECONDS: &str = "60";

/// The devices that every container has and that a program may count on.
/// <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-devices>
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// An image as it lies in an OCI layout.
/// <https://github.com/opencontainers/image-spec/blob/main/image-layout.md>
#[derive(Debug)]
pub struct Image {
    /// The part named `config` of its configuration.
    pub config: Value,
    /// For which system and processor it is.
    pub platform: String,
    layers: Vec<PathBuf>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Image {
    pub fn read(layout: &Path) -> Self {
        let read = |path: &Path| -> Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
        let blob = |of: &Value| {
            let digest = of["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
            layout.join("blobs/sha256").join(digest)
        };
        let manifest = read(&blob(&read(&layout.join("index.json"))["manifests"][0]));
        let configuration = read(&blob(&manifest["config"]));
        Self {
            config: configuration["config"].clone(),
            platform: format!("{}/{}", configuration["os"], configuration["architecture"]).replace('"', ""),
            layers: manifest["layers"].as_array().unwrap().iter().map(blob).collect(),
        }
    }

    /// All entries of all layers, each as mode, owner and path.
    pub fn entries(&self) -> Vec<String> {
        let mut entries: Vec<String> = self.layers.iter().flat_map(|layer| listed(layer)).collect();
        entries.sort_by_key(|entry| entry.split(' ').nth(2).map(str::to_owned));
        entries
    }

    /// The files of the image below a root of this name, with those that Kubernetes or the pod would mount there; none
    /// of it can be written.
    pub fn root(&self, name: &str, mounted: &[(&str, &str)]) -> Root {
        let path = folder().join("roots").join(name);
        fs::create_dir_all(&path).unwrap();
        for layer in &self.layers {
            let mut tar = Command::new("tar");
            run(tar.args(["--extract", "--no-same-owner", "--file"]).arg(layer).current_dir(&path), "tar");
        }
        for (file, text) in mounted {
            let file = path.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        fs::create_dir_all(path.join("dev")).unwrap();
        for device in DEVICES {
            fs::write(path.join("dev").join(device), "").unwrap();
        }
        run(Command::new("mount").arg("--bind").args([&path, &path]), "mount");
        run(Command::new("mount").args(["--options", "remount,bind,ro"]).arg(&path), "mount");
        for device in DEVICES {
            let device = Path::new("dev").join(device);
            run(Command::new("mount").arg("--bind").args([Path::new("/").join(&device), path.join(&device)]), "mount");
        }
        Root { path }
    }
}

fn listed(layer: &Path) -> Vec<String> {
    let mut tar = Command::new("tar");
    let output = tar.args(["--list", "--verbose", "--numeric-owner", "--file"]).arg(layer).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        format!("{} {} {}", words[0], words[1], words[5..].join(" "))
    };
    listed.lines().map(entry).collect()
}

/// A root file system to run the program in.
#[derive(Debug)]
pub struct Root {
    pub path: PathBuf,
}

impl Root {
    /// Runs the image's program with these arguments and this environment alone, as the image's user and without any
    /// capability.
    pub fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let output = Command::new("/usr/bin/timeout")
            .args([PATIENCE_SECONDS, "/usr/bin/unshare", "--user", "--map-user=65532", "--map-group=65532", "--wd=/"])
            .arg(format!("--root={}", self.path.display()))
            .args(["--", "/webex-azure-operator"])
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
