//! What a schema declares, as far as it decides which fields an object may have. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// What a schema declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declared {
    /// A value of its own, or anything at all.
    Whole,
    /// An object with these fields.
    Fields(BTreeMap<String, Declared>),
    /// A list or a map, each entry of which is like this.
    Each(Box<Declared>),
}

impl Declared {
    /// What this schema declares, in the form that a definition and the description of an API share.
    pub fn by(schema: &Value) -> Self {
        if schema.get("x-kubernetes-preserve-unknown-fields").and_then(Value::as_bool) == Some(true) {
            return Self::Whole;
        }
        if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
            return Self::Fields(fields.iter().map(|(name, schema)| (name.clone(), Self::by(schema))).collect());
        }
        match schema.get("items").or_else(|| schema.get("additionalProperties")) {
            Some(entry) => Self::Each(Box::new(Self::by(entry))),
            None if schema.get("type").and_then(Value::as_str) == Some("object") => Self::Fields(BTreeMap::new()),
            None => Self::Whole,
        }
    }

    /// The value without what is not declared.
    pub fn prune(&self, value: &Value) -> Value {
        match (self, value) {
            (Self::Fields(declared), Value::Object(fields)) => {
                let known = |(name, value): (&String, &Value)| Some((name.clone(), declared.get(name)?.prune(value)));
                Value::Object(fields.iter().filter_map(known).collect::<Map<_, _>>())
            }
            (Self::Each(declared), Value::Array(entries)) => {
                Value::Array(entries.iter().map(|entry| declared.prune(entry)).collect())
            }
            (Self::Each(declared), Value::Object(entries)) => {
                let entries = entries.iter().map(|(name, entry)| (name.clone(), declared.prune(entry)));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            _ => value.clone(),
        }
    }

    /// What of this is missing in the other one: the paths of the outermost fields, such as `drift[].attribution`.
    pub fn missing_in(&self, other: &Self) -> BTreeSet<String> {
        let mut missing = BTreeSet::new();
        self.compare(other, "", &mut missing);
        missing
    }

    fn compare(&self, other: &Self, path: &str, missing: &mut BTreeSet<String>) {
        match (self, other) {
            (Self::Fields(own), Self::Fields(others)) => {
                for (name, declared) in own {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match others.get(name) {
                        Some(other) => declared.compare(other, &path, missing),
                        None => {
                            missing.insert(path);
                        }
                    }
                }
            }
            (Self::Each(own), Self::Each(other)) => own.compare(other, &format!("{path}[]"), missing),
            (Self::Whole | Self::Fields(_) | Self::Each(_), _) => {}
        }
    }

    /// Takes the field at this path away; whether it was there.
    pub fn remove(&mut self, path: &[String]) -> bool {
        match (self, path) {
            (Self::Each(entry), path) => entry.remove(path),
            (Self::Fields(fields), [name]) => fields.remove(name).is_some(),
            (Self::Fields(fields), [name, rest @ ..]) => fields.get_mut(name).is_some_and(|field| field.remove(rest)),
            (Self::Whole, _) | (Self::Fields(_), []) => false,
        }
    }
}

/// What the API server says of a field that it does not know, behind the path.
const NOT_DECLARED: &str = ": field not declared in schema";

/// The fields of the status that a refusal of the API server names as not declared, such as
/// `.status.drift[0].attribution: field not declared in schema`; each as the names on the way to it.
pub fn refused_fields(message: &str) -> Vec<Vec<String>> {
    let named = message.lines().flat_map(|line| line.match_indices(NOT_DECLARED).map(move |(end, _)| line.get(..end)));
    let paths = named.flatten().filter_map(|text| {
        // Keys of entries stand in brackets and may hold anything.
        let start = text.rfind(" .status").map_or(0, |space| space + 1);
        text.get(start..)?.strip_prefix(".status.")
    });
    paths.map(names).collect()
}

fn names(path: &str) -> Vec<String> {
    let (mut names, mut depth) = (vec![String::new()], 0_u32);
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => names.push(String::new()),
            _ if depth > 0 => {}
            _ => {
                if let Some(name) = names.last_mut() {
                    name.push(c);
                }
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({ "type": "object", "properties": {
            "count": { "type": "integer" },
            "free": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            "closed": { "type": "object" },
            "labels": { "type": "object", "additionalProperties": { "type": "string" } },
            "drift": { "type": "array", "items": { "type": "object", "properties": {
                "reason": { "type": "string" },
                "remedy": { "type": "object", "properties": { "text": { "type": "string" } } },
            } } },
        } })
    }

    #[test]
    fn what_is_not_declared_goes_at_any_depth_and_the_rest_stays() {
        let value = json!({
            "count": 1, "unknown": 1, "free": { "any": [1] }, "closed": { "any": 1 }, "labels": { "a": "b" },
            "drift": [{ "reason": "r", "since": "s", "remedy": { "text": "t", "url": "u" } }, {}],
        });
        let expected = json!({
            "count": 1, "free": { "any": [1] }, "closed": {}, "labels": { "a": "b" },
            "drift": [{ "reason": "r", "remedy": { "text": "t" } }, {}],
        });
        let declared = Declared::by(&schema());
        assert_eq!(declared.prune(&value), expected);
        assert_eq!(declared.prune(&expected), expected);
    }

    #[test]
    fn a_value_of_another_shape_than_declared_is_left_to_the_server() {
        let value = json!({ "drift": "text", "count": { "a": 1 } });
        assert_eq!(Declared::by(&schema()).prune(&value), value);
    }

    #[test]
    fn what_is_missing_is_named_once_by_its_outermost_field() {
        let own = Declared::by(&schema());
        let mut older = schema();
        older["properties"]["drift"]["items"]["properties"].as_object_mut().unwrap().remove("remedy");
        older["properties"].as_object_mut().unwrap().remove("labels");
        let older = Declared::by(&older);
        assert_eq!(own.missing_in(&older).into_iter().collect::<Vec<_>>(), ["drift[].remedy", "labels"]);
        assert_eq!(older.missing_in(&own), BTreeSet::new());
        assert_eq!(own.missing_in(&Declared::Whole), BTreeSet::new());
    }

    #[test]
    fn a_refusal_names_the_fields_whatever_their_keys_are() {
        // As kube-apiserver 1.36 says it, for one field and for several.
        let one = "failed to create typed patch object (webex/contoso; webexazure.dev/v1alpha1, Kind=WebexAzureIntegration): .status.summary: field not declared in schema";
        assert_eq!(refused_fields(one), [["summary"]]);
        let several = "failed to create typed patch object (/c; webexazure.dev/v1alpha1, Kind=WebexAzureIntegration): errors:\n  .status.drift[0].attribution: field not declared in schema\n  .status.applications[name=\"a.b\"].consent.before: field not declared in schema";
        assert_eq!(refused_fields(several), [vec!["drift", "attribution"], vec!["applications", "consent", "before"]]);
        assert_eq!(refused_fields("Operation cannot be fulfilled"), Vec::<Vec<String>>::new());
        assert_eq!(refused_fields(".spec.tenant: field not declared in schema"), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_field_that_was_refused_is_no_longer_declared() {
        let own = Declared::by(&schema());
        let mut declared = own.clone();
        let path = ["drift", "remedy", "text"].map(str::to_owned);
        assert!(declared.remove(&path));
        assert!(!declared.remove(&path));
        assert!(!declared.remove(&["count".to_owned(), "any".to_owned()]));
        assert_eq!(own.missing_in(&declared).into_iter().collect::<Vec<_>>(), ["drift[].remedy.text"]);
    }
}
