//! The bill of materials in the form of CycloneDX 1.5.
//!
//! It holds neither a time nor a serial number, so that it changes only when what it lists changes.

use serde_json::{Value, json};

use super::manifest::{Manifests, Package};

/// The system of the image that the program is compiled in, and the version of its C library, which never changes
/// within a release of Debian but for corrections.
const SYSTEM: (&str, &str) = ("bookworm", "2.36");

/// The bill, as the manifests and the Containerfile make it.
pub fn bill(manifests: &Manifests, containerfile: &str) -> Value {
    let rust = rust(containerfile);
    let linked = manifests.reached(false);
    let compiled = manifests.reached(true);
    let root = &manifests.packages[&manifests.root];
    let packages = || compiled.iter().filter(|id| **id != manifests.root).map(|id| (*id, &manifests.packages[*id]));
    let mut components: Vec<Value> =
        packages().map(|(id, package)| described(package, !linked.contains(id))).chain(runtime(&rust)).collect();
    components.sort_by_key(sorting);
    let mut dependencies: Vec<Value> = packages()
        .map(|(_, package)| json!({ "ref": reference(package), "dependsOn": needs(manifests, package) }))
        .chain(runtime(&rust).map(|one| json!({ "ref": one["bom-ref"], "dependsOn": [] })))
        .collect();
    let mut first = needs(manifests, root);
    first.extend(runtime(&rust).iter().filter_map(|one| one["bom-ref"].as_str().map(str::to_owned)));
    first.sort();
    dependencies.push(json!({ "ref": own(root), "dependsOn": first }));
    dependencies.sort_by_key(|one| one["ref"].to_string());
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "lifecycles": [{ "phase": "pre-build" }],
            "component": {
                "type": "application",
                "bom-ref": own(root),
                "name": root.name,
                "version": root.version,
                "description": root.description,
                "licenses": [{ "expression": root.licence }],
                "purl": own(root),
            },
        },
        "components": components,
        "dependencies": dependencies,
    })
}

/// A crate of the registry; one that only runs in the compiler is not part of the program.
pub fn component(name: &str, version: &str, licence: &str, checksum: &str, is_tool: bool) -> Value {
    let purl = purl(name, version);
    json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "scope": if is_tool { "excluded" } else { "required" },
        "hashes": [{ "alg": "SHA-256", "content": checksum }],
        "licenses": [{ "expression": expression(licence) }],
        "purl": purl,
    })
}

fn described(package: &Package, is_tool: bool) -> Value {
    let checksum = package.checksum.as_deref().expect("everything but ourselves comes from the registry");
    component(&package.name, &package.version, &package.licence, checksum, is_tool)
}

/// What the compiler links besides crates.
fn runtime(rust: &str) -> [Value; 2] {
    let (release, libc) = SYSTEM;
    let part = |name: &str, version: &str, licence: &str, purl: String, description: &str| {
        json!({
            "type": "library",
            "bom-ref": purl,
            "name": name,
            "version": version,
            "description": description,
            "scope": "required",
            "licenses": [{ "expression": licence }],
            "purl": purl,
        })
    };
    [
        part(
            "glibc",
            libc,
            "LGPL-2.1-or-later",
            format!("pkg:deb/debian/glibc?distro={release}"),
            "Parts of Debian's C library, linked statically; which of Debian's corrections it has, the builder's image says",
        ),
        part(
            "std",
            rust,
            "MIT OR Apache-2.0",
            format!("pkg:generic/rust@{rust}"),
            "Rust's standard library as the compiler brings it, with the crates inside it",
        ),
    ]
}

/// The version of Rust in the name of the image that the program is compiled in.
fn rust(containerfile: &str) -> String {
    let (release, _) = SYSTEM;
    let mut bases = containerfile.lines().filter_map(|line| line.strip_prefix("FROM docker.io/library/rust:"));
    let tag = bases.next().and_then(|rest| rest.split_whitespace().next()).expect("the builder is Rust's own image");
    let (version, system) = tag.split_once('-').expect("the tag names a system");
    assert!(system.ends_with(release), "the builder's system is {system}; adapt the version of its C library");
    version.to_owned()
}

fn needs(manifests: &Manifests, package: &Package) -> Vec<String> {
    let mut needs: Vec<String> = package.needs.iter().map(|id| reference(&manifests.packages[id])).collect();
    needs.sort();
    needs
}

fn reference(package: &Package) -> String {
    purl(&package.name, &package.version)
}

/// Our own name: no registry has us.
fn own(root: &Package) -> String {
    format!("pkg:generic/{}@{}", root.name, root.version)
}

fn purl(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

/// Older crates part alternatives by a slash, which SPDX does not know.
fn expression(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

fn sorting(component: &Value) -> (String, String) {
    (component["name"].to_string(), component["version"].to_string())
}
