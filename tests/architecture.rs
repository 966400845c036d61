//! The arrows between the modules, the first line of each file, and what `domain` must not know.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a source tree that looks different ends the test"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Modules in the order of the arrows: each may name those before it.
const LAYERS: [&str; 5] = ["api", "domain", "graph", "controller", "cli"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(below)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no Rust files below {below}");
    found
}

/// The top module that a file belongs to: `graph` for `src/graph.rs` and everything in `src/graph/`.
fn module(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// Top modules that a source text names, through `crate::name` or in `use crate::{name, other::…}`.
fn named(text: &str, modules: &[String]) -> Vec<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for (position, _) in code.match_indices("crate::") {
        let rest = &code[position + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            // Names at the first level of the braces.
            let mut depth = 0_i32;
            let mut name = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            found.push(name);
        } else {
            found.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    let head = |name: &String| name.trim().split("::").next().unwrap_or_default().to_owned();
    let mut found: Vec<String> = found.iter().map(head).filter(|name| modules.contains(name)).collect();
    found.sort();
    found.dedup();
    found
}

/// What each top module may name besides itself.
fn allowed() -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut allowed: BTreeMap<&str, Vec<&str>> =
        LAYERS.iter().enumerate().map(|(index, layer)| (*layer, LAYERS[..index].to_vec())).collect();
    for layer in ["graph", "controller", "cli"] {
        allowed.get_mut(layer).unwrap().push("clock");
    }
    for layer in ["controller", "cli"] {
        allowed.get_mut(layer).unwrap().push("ops");
    }
    allowed.insert("clock", vec![]);
    allowed.insert("ops", vec![]);
    allowed.insert("emulator", vec![]);
    allowed.insert("control_plane", vec![]);
    allowed.insert("lib", vec![]);
    allowed.insert("main", vec!["cli"]);
    allowed
}

/// The two commands that may name what stands beside the layers.
fn is_demo_command(path: &Path) -> bool {
    let inside = path.strip_prefix(root().join("src/cli")).unwrap_or(path);
    let first = inside.iter().next().and_then(|part| part.to_str()).unwrap_or_default();
    ["demo", "demo.rs", "emulate.rs"].contains(&first)
}

fn violations(files: &[(PathBuf, String)]) -> Vec<String> {
    let allowed = allowed();
    let modules: Vec<String> = allowed.keys().map(|name| (*name).to_owned()).collect();
    let mut violations = Vec::new();
    for (path, text) in files {
        let own = module(path);
        let may = allowed.get(own.as_str()).unwrap_or_else(|| panic!("{own} is a new top module: give it its place"));
        for name in named(text, &modules) {
            let beside = ["emulator", "control_plane"].contains(&name.as_str());
            let is_fine = name == own || may.contains(&name.as_str()) || (beside && is_demo_command(path));
            if !is_fine {
                violations.push(format!("{} names {name}", path.display()));
            }
        }
    }
    violations
}

#[test]
fn modules_name_only_what_is_before_them() {
    let violations = violations(&sources("src"));
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn an_arrow_in_the_wrong_direction_is_found() {
    let backwards = |file: &str, text: &str| violations(&[(root().join("src").join(file), text.to_owned())]);
    assert_eq!(backwards("domain/x.rs", "use crate::graph::Graph;").len(), 1);
    assert_eq!(backwards("graph.rs", "use crate::{api::AppId, controller::{a, b}, domain::X};").len(), 1);
    assert_eq!(backwards("emulator/x.rs", "fn f() { crate::api::crd(); }").len(), 1);
    assert_eq!(backwards("cli/plan.rs", "use crate::emulator::Emulator;").len(), 1);
    assert_eq!(backwards("cli/demo/x.rs", "use crate::emulator::Emulator;").len(), 0);
    assert_eq!(backwards("controller/x.rs", "// crate::cli is not named in comments").len(), 0);
}

#[test]
fn every_file_says_what_it_owns() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(text.starts_with("//! "), "{} does not begin with //!", path.display());
    }
}

#[test]
fn the_core_is_pure() {
    let forbidden =
        ["async ", ".await", "tokio", "kube::", "reqwest", "tracing::", "Timestamp::now", "SystemTime", "println!"];
    for (path, text) in sources("src/domain") {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in forbidden {
                assert!(!line.contains(word), "{}: {line}", path.display());
            }
        }
    }
}

#[test]
fn only_one_place_writes_status_and_only_cli_prints() {
    for (path, text) in sources("src") {
        let name = path.display().to_string();
        if text.contains("patch_status(") || text.contains("replace_status(") {
            assert!(name.ends_with("controller/publish.rs"), "{name} writes status");
        }
        if text.contains("io::stdout()") {
            assert!(name.contains("/cli"), "{name} prints");
        }
    }
}

#[test]
fn no_module_file_is_called_mod() {
    for (path, _) in sources("src") {
        assert_ne!(path.file_name().unwrap(), "mod.rs");
    }
}
