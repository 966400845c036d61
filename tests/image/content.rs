//! What is in the image and what it says of itself.

use std::fs;

use super::{
    build::{containerfile, root},
    container::Image,
    microsoft::Microsoft,
};

/// What is pulled for each start on a new node; the program has 13.6 MB today.
const MOST_BYTES: u64 = 16_000_000;

pub fn the_image_holds_the_program_the_authorities_and_what_is_said_of_it(image: &Image, _: &Microsoft) {
    let expected = [
        "drwxr-xr-x 0/0 etc/",
        "drwxr-xr-x 0/0 etc/ssl/",
        "drwxr-xr-x 0/0 etc/ssl/certs/",
        "-rw-r--r-- 0/0 etc/ssl/certs/ca-certificates.crt",
        "drwxr-xr-x 0/0 usr/",
        "drwxr-xr-x 0/0 usr/share/",
        "drwxr-xr-x 0/0 usr/share/doc/",
        "drwxr-xr-x 0/0 usr/share/doc/webex-azure-operator/",
        "-rw-r--r-- 0/0 usr/share/doc/webex-azure-operator/LICENSE",
        "-rw-r--r-- 0/0 usr/share/doc/webex-azure-operator/sbom.cdx.json",
        "-rwxr-xr-x 0/0 webex-azure-operator",
    ];
    assert_eq!(image.entries(), expected);
    let shipped = image.root("content", &[]).path.join("usr/share/doc/webex-azure-operator/sbom.cdx.json");
    assert_eq!(fs::read(shipped).unwrap(), fs::read(root().join("sbom.cdx.json")).unwrap());
}

pub fn the_image_names_its_user_its_program_and_nothing_else_to_run(image: &Image, _: &Microsoft) {
    let config = &image.config;
    assert_eq!(config["User"], "65532:65532", "a number, so that Kubernetes can see that it is not root");
    assert_eq!(config["Entrypoint"], serde_json::json!(["/webex-azure-operator"]));
    for absent in ["Cmd", "Shell", "Volumes", "ExposedPorts"] {
        assert!(config[absent].is_null(), "{absent}: {}", config[absent]);
    }
    assert!(image.platform.starts_with("linux/"), "{}", image.platform);
}

pub fn the_program_does_not_grow_unseen(image: &Image, _: &Microsoft) {
    let bytes = fs::metadata(image.root("size", &[]).path.join("webex-azure-operator")).unwrap().len();
    eprintln!("image: the program has {bytes} bytes");
    assert!(bytes <= MOST_BYTES, "{bytes} bytes");
}

pub fn the_labels_are_those_of_this_version(image: &Image, _: &Microsoft) {
    let label = |name: &str| image.config["Labels"][format!("org.opencontainers.image.{name}")].clone();
    assert_eq!(label("title"), env!("CARGO_PKG_NAME"));
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(label("licenses"), env!("CARGO_PKG_LICENSE"));
    assert!(label("description").as_str().is_some_and(|text| text.contains("Webex")), "{}", label("description"));
}

pub fn the_builder_is_the_rust_that_is_declared(_: &Image, _: &Microsoft) {
    let expected = format!("FROM docker.io/library/rust:{}.", env!("CARGO_PKG_RUST_VERSION"));
    let text = containerfile();
    let bases: Vec<&str> = text.lines().filter(|line| line.starts_with("FROM ")).collect();
    assert_eq!(bases.len(), 2, "{bases:?}");
    assert!(bases[0].starts_with(&expected), "{}", bases[0]);
    assert_eq!(bases[1], "FROM scratch");
}
