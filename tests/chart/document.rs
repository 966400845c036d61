//! Each value is described once, in the schema; the comments of values.yaml and the chart's README repeat it.
//! `UPDATE=1 cargo test --test chart` rewrites the table of the README.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use serde_json::Value;

use crate::helm::{CHART, EVERYTHING};

/// Kinds of Kubernetes and Prometheus that are handed on as they are, and what charts around this one share.
const FOREIGN: [&str; 9] = [
    "/properties/global",
    "/properties/affinity/properties/nodeAffinity",
    "/properties/affinity/properties/podAffinity",
    "/properties/affinity/properties/podAntiAffinity",
    "/properties/env/items/properties/valueFrom/properties/configMapKeyRef",
    "/properties/env/items/properties/valueFrom/properties/fieldRef",
    "/properties/env/items/properties/valueFrom/properties/resourceFieldRef",
    "/properties/env/items/properties/valueFrom/properties/secretKeyRef",
    "/definitions/relabelings/items",
];
const BEGIN: &str = "<!-- values: written by `UPDATE=1 cargo test --test chart` -->\n";
const END: &str = "<!-- end of values -->\n";

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn schema() -> Value {
    serde_json::from_str(&read(&format!("{CHART}/values.schema.json"))).unwrap()
}

fn defaults() -> Value {
    serde_saphyr::from_str(&read(&format!("{CHART}/values.yaml"))).unwrap()
}

/// Dotted names of the values that values.yaml has a comment for, in its order, with the comment.
fn comments() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let (mut path, mut comment): (Vec<String>, Option<String>) = (Vec::new(), None);
    for line in read(&format!("{CHART}/values.yaml")).lines() {
        let text = line.trim_start();
        if let Some(said) = text.strip_prefix("# ") {
            assert!(comment.is_none(), "a value has one line of comment: {line}");
            comment = Some(said.to_owned());
        } else if let (Some(said), Some((key, _))) = (comment.take(), text.split_once(':')) {
            path.truncate((line.len() - text.len()) / 2);
            path.push(key.to_owned());
            found.push((path.join("."), said));
        }
    }
    found
}

/// Dotted names of the values of the schema, those of Kubernetes' own kinds left out, with what it says of each.
fn described() -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![(String::new(), schema())];
    while let Some((path, node)) = open.pop() {
        let below = node["properties"].as_object().into_iter().flatten();
        for (name, child) in below.filter(|(name, _)| *name != "global") {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if !["resources", "affinity"].contains(&path.as_str()) {
                open.push((path.clone(), child.clone()));
            }
            found.insert(path, child.clone());
        }
    }
    found
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, name| value.get(name))
}

#[test]
fn every_value_has_a_comment_which_is_the_schemas_description() {
    let comments: BTreeMap<_, _> = comments().into_iter().collect();
    let described = described();
    let said: BTreeMap<_, _> = described
        .iter()
        .map(|(path, node)| (path.clone(), node["description"].as_str().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(comments, said);
    let defaults = defaults();
    for path in described.keys() {
        assert!(at(&defaults, path).is_some(), "{path} has no default in values.yaml");
    }
}

#[test]
fn the_file_with_every_value_leaves_none_out() {
    let everything: Value = serde_saphyr::from_str(&read(EVERYTHING)).unwrap();
    let described = described();
    let left_out: Vec<_> = described.keys().filter(|path| at(&everything, path).is_none()).collect();
    assert!(left_out.is_empty(), "{left_out:?}");
}

#[test]
fn the_schema_describes_everything_and_takes_nothing_that_it_does_not_describe() {
    let mut foreign = BTreeSet::new();
    let mut open = vec![(String::new(), schema())];
    while let Some((path, node)) = open.pop() {
        if node["type"] == "object" && node["additionalProperties"] == Value::Null {
            foreign.insert(path.clone());
        }
        if node.get("properties").is_some() {
            assert_eq!(node["additionalProperties"], false, "{path}");
        }
        for group in ["properties", "definitions"] {
            for (name, child) in node[group].as_object().into_iter().flatten() {
                assert!(child["description"].is_string(), "{path}/{group}/{name} has no description");
                open.push((format!("{path}/{group}/{name}"), child.clone()));
            }
        }
        if let Some(items) = node.get("items") {
            open.push((format!("{path}/items"), items.clone()));
        }
    }
    assert_eq!(foreign, FOREIGN.map(str::to_owned).into());
}

/// The table: a row for each value that is no group of others, and for each field of a list's items.
fn table() -> String {
    let (described, defaults) = (described(), defaults());
    let mut table = "| value | default | meaning |\n| --- | --- | --- |\n".to_owned();
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    for (path, comment) in comments() {
        let node = described.get(&path).unwrap();
        let is_group = node.get("properties").is_some() && !["resources", "affinity"].contains(&path.as_str());
        let default = if is_group { String::new() } else { format!("`{}`", at(&defaults, &path).unwrap()) };
        let name = if is_group { format!("**`{path}`**") } else { format!("`{path}`") };
        writeln!(table, "| {name} | {} | {} |", cell(&default), cell(&comment)).unwrap();
        for (field, child) in node["items"]["properties"].as_object().into_iter().flatten() {
            let said = child["description"].as_str().unwrap();
            writeln!(table, "| `{path}[].{field}` | | {} |", cell(said)).unwrap();
        }
    }
    table
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
fn the_readme_has_every_value() {
    let path = format!("{CHART}/README.md");
    let text = read(&path);
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}\n{}\n{END}{after}", table());
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        fs::write(&path, &expected).unwrap();
    }
    assert!(read(&path) == expected, "{path} is stale: run UPDATE=1 cargo test --test chart and commit it");
}
