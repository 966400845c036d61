//! What cargo knows of the packages that the program in the image is made of.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde_json::Value;

use super::{file, text};

/// What the bill is about. For arm64 two crates less are compiled, which find out what an x86-64 processor can do.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One package.
#[derive(Debug, Clone)]
pub struct Package {
    pub name: String,
    pub version: String,
    pub licence: String,
    pub description: String,
    pub is_proc_macro: bool,
    /// Identifiers of the packages that it names as dependencies other than for its own build or tests.
    pub needs: BTreeSet<String>,
    /// Of the archive in the registry; our own package has none.
    pub checksum: Option<String>,
}

/// All packages by cargo's identifier.
#[derive(Debug)]
pub struct Manifests {
    pub packages: BTreeMap<String, Package>,
    pub root: String,
}

impl Manifests {
    /// Asks cargo, and reads `Cargo.lock` for the checksums, which cargo does not tell.
    pub fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--no-default-features"])
            .args(["--filter-platform", TARGET])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checksums = checksums(&file("Cargo.lock"));
        let needs: BTreeMap<String, BTreeSet<String>> =
            metadata["resolve"]["nodes"].as_array().unwrap().iter().map(needs).collect();
        let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
            let id = text(package, "id").to_owned();
            let (name, version) = (text(package, "name").to_owned(), text(package, "version").to_owned());
            let mut kinds =
                package["targets"].as_array().unwrap().iter().flat_map(|one| one["kind"].as_array().unwrap());
            let made = Package {
                licence: text(package, "license").to_owned(),
                description: package["description"].as_str().unwrap_or_default().trim().replace('\n', " "),
                is_proc_macro: kinds.any(|kind| kind == "proc-macro"),
                needs: needs.get(&id).cloned().unwrap_or_default(),
                checksum: checksums.get(&(name.clone(), version.clone())).cloned(),
                name,
                version,
            };
            (id, made)
        });
        Self { packages: packages.collect(), root: text(&metadata["resolve"], "root").to_owned() }
    }

    /// Everything that the root leads to, with or without what only runs in the compiler.
    pub fn reached(&self, with_proc_macros: bool) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open = vec![self.root.as_str()];
        while let Some(id) = open.pop() {
            let package = &self.packages[id];
            if (with_proc_macros || !package.is_proc_macro) && reached.insert(id) {
                open.extend(package.needs.iter().map(String::as_str));
            }
        }
        reached
    }
}

/// What a node of the resolved graph needs to be compiled into something.
fn needs(node: &Value) -> (String, BTreeSet<String>) {
    let normal = |one: &&Value| one["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
    let dependencies = node["deps"].as_array().unwrap().iter().filter(normal);
    (text(node, "id").to_owned(), dependencies.map(|one| text(one, "pkg").to_owned()).collect())
}

/// Checksums by name and version.
fn checksums(lock: &str) -> BTreeMap<(String, String), String> {
    let blocks = lock.split("[[package]]").skip(1);
    let entries = blocks.filter_map(|block| {
        let value = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))?;
            Some(line.trim_matches('"').to_owned())
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    });
    entries.collect()
}
