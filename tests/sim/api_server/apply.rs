//! Field managers: server-side apply, and who owns what after an ordinary write.
//!
//! Follows the structured merge of a real server for one version of one resource. Objects come here as views: only the
//! part that the request may change, without system metadata.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use super::{
    answer::Failure,
    field::{Comparison, FieldSet, fields_of, item_element, list_key},
    request::Resource,
};

/// Who wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    /// `Apply` or `Update`.
    pub operation: &'static str,
    /// The name.
    pub name: String,
    /// `status`, or nothing.
    pub subresource: String,
}

impl Manager {
    fn shown(&self) -> String {
        let mut shown = format!("\"{}\"", self.name);
        if !self.subresource.is_empty() {
            shown = format!("{shown} with subresource \"{}\"", self.subresource);
        }
        if self.operation == "Update" {
            shown = format!("{shown} using {}", Resource::Integrations.api_version());
        }
        shown
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Owned {
    fields: FieldSet,
    time: Option<String>,
}

/// Which manager owns which fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership(BTreeMap<Manager, Owned>);

impl Ownership {
    /// Reads `metadata.managedFields`.
    pub fn read(object: &Value) -> Self {
        let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
        let text = |entry: &Value, field| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let owned = entries.into_iter().flatten().map(|entry| {
            let operation = if text(entry, "operation") == "Apply" { "Apply" } else { "Update" };
            let manager = Manager { operation, name: text(entry, "manager"), subresource: text(entry, "subresource") };
            let fields = FieldSet::from_json(entry.get("fieldsV1").unwrap_or(&Value::Null));
            (manager, Owned { fields, time: entry.get("time").and_then(Value::as_str).map(str::to_owned) })
        });
        Self(owned.collect())
    }

    /// Writes `metadata.managedFields`.
    pub fn write(&self, object: &mut Value) {
        let mut entries: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        entries.sort_by_key(|(manager, owned)| (manager.operation, &owned.time, &manager.name, &manager.subresource));
        let entries: Vec<Value> = entries
            .into_iter()
            .map(|(manager, owned)| {
                let mut entry = json!({
                    "manager": manager.name,
                    "operation": manager.operation,
                    "apiVersion": Resource::Integrations.api_version(),
                    "fieldsType": "FieldsV1",
                    "fieldsV1": owned.fields.to_json(),
                });
                if let Some(time) = &owned.time {
                    entry["time"] = time.as_str().into();
                }
                if !manager.subresource.is_empty() {
                    entry["subresource"] = manager.subresource.as_str().into();
                }
                entry
            })
            .collect();
        object["metadata"]["managedFields"] = entries.into();
    }

    /// Records an ordinary write: the manager owns what it changed, nobody owns what is gone.
    pub fn update(&mut self, old: &Value, new: &Value, manager: Manager, now: &str) {
        let comparison = Comparison::between(old, new);
        let set = comparison.set();
        for owned in self.0.values_mut() {
            owned.fields = owned.fields.difference(&comparison.removed);
        }
        for (other, owned) in &mut self.0 {
            if *other != manager {
                owned.fields = owned.fields.difference(&set);
            }
        }
        if !set.is_empty() {
            let own = self.0.entry(manager).or_default();
            own.fields = own.fields.union(&set);
            own.time = Some(now.to_owned());
        }
        self.0.retain(|_, owned| !owned.fields.is_empty());
    }

    /// Applies a configuration and returns the merged object.
    ///
    /// What the manager applied before and leaves out now goes, unless somebody else owns it too.
    pub fn apply(
        &mut self,
        live: &Value,
        config: &Value,
        manager: &Manager,
        force: bool,
        now: &str,
    ) -> Result<Value, Failure> {
        check_keys(config, &mut Vec::new()).map_err(|refused| {
            let (version, kind) = (Resource::Integrations.api_version(), Resource::Integrations.kind());
            Failure::internal(format!("failed to create typed patch object (/; {version}, Kind={kind}): {refused}"))
        })?;
        let mut merged = merge(live, config, &mut Vec::new());
        let before = self.0.remove(manager).unwrap_or_default();
        let fields = fields_of(config);
        let kept = self.0.values().fold(fields.clone(), |kept, owned| kept.union(&owned.fields));
        prune(&mut merged, &before.fields, &kept, &mut Vec::new());
        let comparison = Comparison::between(live, &merged);
        let taken = comparison.set();
        if !force {
            self.check_conflicts(&taken)?;
        }
        for owned in self.0.values_mut() {
            owned.fields = owned.fields.difference(&taken).difference(&comparison.removed);
        }
        let time = if merged == *live { before.time } else { Some(now.to_owned()) };
        self.0.insert(manager.clone(), Owned { fields, time });
        self.0.retain(|_, owned| !owned.fields.is_empty());
        Ok(merged)
    }

    fn check_conflicts(&self, taken: &FieldSet) -> Result<(), Failure> {
        let conflicts: Vec<(String, Vec<String>)> = self
            .0
            .iter()
            .map(|(other, owned)| (other.shown(), owned.fields.intersection(taken).paths()))
            .filter(|(_, paths)| !paths.is_empty())
            .collect();
        if conflicts.is_empty() { Ok(()) } else { Err(Failure::apply_conflict(&conflicts)) }
    }
}

/// Items of a list with a key must have it, each another one.
fn check_keys(value: &Value, path: &mut Vec<String>) -> Result<(), String> {
    match (value, list_key(path)) {
        (Value::Object(fields), _) => {
            for (name, child) in fields {
                path.push(format!("f:{name}"));
                check_keys(child, path)?;
                path.pop();
            }
        }
        (Value::Array(items), Some(key)) => {
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                let refused = match item_element(key, item) {
                    None => {
                        format!(
                            "element {index}: associative list with keys has an element that omits all key fields \
                             [{key:?}] (and doesn't have default values for any key fields)"
                        )
                    }
                    Some(element) if seen.contains(&element) => {
                        format!("duplicate entries for key [{key}={}]", item.get(key).unwrap_or(&Value::Null))
                    }
                    Some(element) => {
                        seen.insert(element);
                        continue;
                    }
                };
                let place: String = path.iter().map(|element| element.replacen("f:", ".", 1)).collect();
                return Err(format!("{place}: {refused}"));
            }
        }
        _ => {}
    }
    Ok(())
}

fn merge(live: &Value, config: &Value, path: &mut Vec<String>) -> Value {
    match (live, config, list_key(path)) {
        (Value::Object(live), Value::Object(config), _) => {
            let mut merged = live.clone();
            for (name, value) in config {
                path.push(format!("f:{name}"));
                let value = live.get(name).map_or_else(|| value.clone(), |old| merge(old, value, path));
                path.pop();
                merged.insert(name.clone(), value);
            }
            Value::Object(merged)
        }
        (Value::Array(live), Value::Array(config), Some(key)) => merge_list(live, config, key, path),
        _ => config.clone(),
    }
}

/// Merges lists with a key. Applied items come in the order sent; items of others stay between the neighbours they had.
fn merge_list(live: &[Value], config: &[Value], key: &str, path: &mut Vec<String>) -> Value {
    let index = |items: &[Value]| -> Vec<(String, Value)> {
        items.iter().filter_map(|item| Some((item_element(key, item)?, item.clone()))).collect()
    };
    let (live, config) = (index(live), index(config));
    let old: BTreeMap<&String, &Value> = live.iter().map(|(element, item)| (element, item)).collect();
    let sent: BTreeSet<&String> = config.iter().map(|(element, _)| element).collect();
    let mut shared: VecDeque<&String> =
        config.iter().map(|(element, _)| element).filter(|element| old.contains_key(element)).collect();
    let mut merge_item = |element: &String, item: &Value| {
        path.push(element.clone());
        let merged = old.get(element).map_or_else(|| item.clone(), |old| merge(old, item, path));
        path.pop();
        merged
    };
    let (mut out, mut done) = (Vec::new(), BTreeSet::new());
    let (mut left, mut right) = (0, 0);
    while left < live.len() || right < config.len() {
        let next = config.get(right);
        if let Some((waiting, item)) = live.get(left) {
            if !sent.contains(waiting) {
                out.push(item.clone());
                left += 1;
                continue;
            }
            let is_next = next.is_some_and(|(element, _)| element == waiting);
            let is_out_of_turn = shared.front().is_some_and(|first| *first != waiting);
            if is_next || is_out_of_turn || done.contains(waiting) {
                left += 1;
            }
            if next.is_none() || (!is_next && is_out_of_turn) {
                continue;
            }
        }
        if let Some((element, item)) = next {
            out.push(merge_item(element, item));
            done.insert(element);
            right += 1;
            shared.pop_front_if(|first| *first == element);
        }
    }
    Value::Array(out)
}

/// Removes what is in `before` and not in `kept`.
fn prune(value: &mut Value, before: &FieldSet, kept: &FieldSet, path: &mut Vec<String>) {
    let key = list_key(path);
    match value {
        Value::Object(fields) => retain_fields(fields, before, kept, path),
        Value::Array(items) => {
            let Some(key) = key else { return };
            items.retain_mut(|item| match item_element(key, item) {
                Some(element) => stays(&element, item, before, kept, path),
                None => true,
            });
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn retain_fields(fields: &mut Map<String, Value>, before: &FieldSet, kept: &FieldSet, path: &mut Vec<String>) {
    let names: Vec<String> = fields.keys().cloned().collect();
    for name in names {
        let element = format!("f:{name}");
        if fields.get_mut(&name).is_some_and(|child| !stays(&element, child, before, kept, path)) {
            fields.remove(&name);
        }
    }
}

fn stays(element: &str, child: &mut Value, before: &FieldSet, kept: &FieldSet, path: &mut Vec<String>) -> bool {
    let Some(before) = before.child(element) else { return true };
    let Some(kept) = kept.child(element) else {
        return element.starts_with("k:") && !before.is_member();
    };
    path.push(element.to_owned());
    prune(child, before, kept, path);
    path.pop();
    true
}
