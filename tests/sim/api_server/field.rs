//! Sets of fields, as `metadata.managedFields` writes them, and the walks over objects that make them.
//!
//! A path is a list of elements: `f:name` for a field, `k:{"type":"Ready"}` for an item of a list with a key.
//! Every other list is one value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// A set of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    is_member: bool,
    children: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    /// Reads the `fieldsV1` of an entry.
    pub fn from_json(fields: &Value) -> Self {
        let mut set = Self::default();
        for (element, value) in fields.as_object().into_iter().flatten() {
            if element == "." {
                set.is_member = true;
            } else {
                let mut child = Self::from_json(value);
                child.is_member |= child.children.is_empty();
                set.children.insert(element.clone(), child);
            }
        }
        set
    }

    /// Writes the `fieldsV1` of an entry.
    pub fn to_json(&self) -> Value {
        let mut fields: Map<String, Value> =
            self.children.iter().map(|(element, child)| (element.clone(), child.to_json())).collect();
        if self.is_member && !fields.is_empty() {
            fields.insert(".".to_owned(), json!({}));
        }
        Value::Object(fields)
    }

    /// Whether there is no path in it.
    pub fn is_empty(&self) -> bool {
        !self.is_member && self.children.is_empty()
    }

    /// The paths that go on after an element; nothing if there is neither such a path nor a longer one.
    pub fn child(&self, element: &str) -> Option<&Self> {
        self.children.get(element)
    }

    /// Whether the path that led here is itself in the set.
    pub fn is_member(&self) -> bool {
        self.is_member
    }

    fn insert(&mut self, path: &[String]) {
        match path {
            [] => self.is_member = true,
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// The paths in either.
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        union.is_member |= other.is_member;
        for (element, child) in &other.children {
            let both = union.children.get(element).map_or_else(|| child.clone(), |own| own.union(child));
            union.children.insert(element.clone(), both);
        }
        union
    }

    /// The paths in both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |own, others| own && others, |_| Self::default())
    }

    /// The paths that are not in the other.
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |own, others| own && !others, Self::clone)
    }

    fn combine(&self, other: &Self, member: fn(bool, bool) -> bool, alone: fn(&Self) -> Self) -> Self {
        let children = self
            .children
            .iter()
            .map(|(element, child)| {
                let child = other
                    .children
                    .get(element)
                    .map_or_else(|| alone(child), |found| child.combine(found, member, alone));
                (element.clone(), child)
            })
            .filter(|(_, child)| !child.is_empty())
            .collect();
        Self { is_member: member(self.is_member, other.is_member), children }
    }

    /// The paths as messages show them: `.status.conditions[type="Ready"].message`.
    ///
    /// Shorter ones first, branch by branch.
    pub fn paths(&self) -> Vec<String> {
        let ends = self.children.iter().filter(|(_, child)| child.is_member).map(|(element, _)| shown(element));
        let deeper = self
            .children
            .iter()
            .flat_map(|(element, child)| child.paths().into_iter().map(|path| format!("{}{path}", shown(element))));
        ends.chain(deeper).collect()
    }
}

fn shown(element: &str) -> String {
    if let Some(keys) = element.strip_prefix("k:") {
        let keys: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap_or_default();
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return format!("[{}]", keys.join(","));
    }
    format!(".{}", element.strip_prefix("f:").unwrap_or(element))
}

/// The key of the list at a path, if it is a list with a key.
pub fn list_key(path: &[String]) -> Option<&'static str> {
    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["f:status", "f:conditions"] => Some("type"),
        ["f:status", "f:applications"] | ["f:spec", "f:additionalApplications"] => Some("name"),
        _ => None,
    }
}

/// The path element of an item of a list with a key; nothing if the item lacks the key.
pub fn item_element(key: &str, item: &Value) -> Option<String> {
    let value = item.get(key).filter(|value| !value.is_null())?;
    Some(format!("k:{}", json!({ key: value })))
}

/// The fields that an applied object names.
pub fn fields_of(object: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(object, &mut Vec::new(), &mut set);
    set
}

fn collect(value: &Value, path: &mut Vec<String>, set: &mut FieldSet) {
    let children = children(value, path);
    let is_leaf = children.as_ref().is_none_or(|children| children.is_empty() && value.is_object());
    let is_item = path.last().is_some_and(|element| element.starts_with("k:"));
    if !path.is_empty() && (is_leaf || is_item) {
        set.insert(path);
    }
    for (element, child) in children.unwrap_or_default() {
        path.push(element);
        collect(child, path, set);
        path.pop();
    }
}

/// What differs between two objects.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// Only in the new one.
    pub added: FieldSet,
    /// In both, with another value.
    pub modified: FieldSet,
    /// Only in the old one.
    pub removed: FieldSet,
}

impl Comparison {
    /// Compares two objects.
    pub fn between(old: &Value, new: &Value) -> Self {
        let mut comparison = Self::default();
        comparison.visit(Some(old), Some(new), &mut Vec::new());
        comparison
    }

    /// Added and modified fields.
    pub fn set(&self) -> FieldSet {
        self.added.union(&self.modified)
    }

    fn visit(&mut self, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<String>) {
        let old_children = old.and_then(|value| children(value, path));
        let new_children = new.and_then(|value| children(value, path));
        let is_leaf = match (&old_children, &new_children) {
            (Some(old), Some(new)) => old.is_empty() && new.is_empty(),
            (Some(only), None) => new.is_some() || only.is_empty(),
            (None, Some(only)) => old.is_some() || only.is_empty(),
            (None, None) => true,
        };
        match (old, new) {
            (Some(old), Some(new)) if is_leaf && old != new => self.modified.insert(path),
            (None, Some(_)) => self.added.insert(path),
            (Some(_), None) => self.removed.insert(path),
            _ => {}
        }
        if is_leaf {
            return;
        }
        let (old_children, new_children) = (old_children.unwrap_or_default(), new_children.unwrap_or_default());
        let elements: BTreeSet<&String> = old_children.keys().chain(new_children.keys()).collect();
        for element in elements {
            path.push(element.clone());
            self.visit(old_children.get(element).copied(), new_children.get(element).copied(), path);
            path.pop();
        }
    }
}

/// The children of a value by their path elements; nothing for a leaf.
fn children<'value>(value: &'value Value, path: &[String]) -> Option<BTreeMap<String, &'value Value>> {
    match (value, list_key(path)) {
        (Value::Object(fields), _) => Some(fields.iter().map(|(name, child)| (format!("f:{name}"), child)).collect()),
        (Value::Array(items), Some(key)) => {
            Some(items.iter().filter_map(|item| Some((item_element(key, item)?, item))).collect())
        }
        _ => None,
    }
}
