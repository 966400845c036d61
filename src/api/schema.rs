//! The shape of an object against our own schema: unknown fields, missing fields, wrong types, values that are not on
//! the list. The API server checks the same with `--validate=strict`, kubectl's default.

use serde_json::Value;

use super::{crd, validation::Violation};

/// Everything about the shape of this object that the schema does not allow; `metadata` is Kubernetes' affair.
pub fn check(object: &Value) -> Vec<Violation> {
    let crd = serde_json::to_value(crd()).unwrap_or_default();
    let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default();
    let mut violations = Vec::new();
    for field in object.as_object().into_iter().flatten().map(|(name, _)| name) {
        if !["apiVersion", "kind", "metadata", "spec", "status"].contains(&field.as_str()) {
            add(&mut violations, field, "unknown field");
        }
    }
    match (object.get("spec"), schema.pointer("/properties/spec")) {
        (Some(spec), Some(schema)) => walk(spec, schema, "spec", &mut violations),
        _ => add(&mut violations, "spec", "is required"),
    }
    violations
}

fn add(violations: &mut Vec<Violation>, path: &str, message: &str) {
    violations.push(Violation { path: path.to_owned(), message: message.to_owned() });
}

fn walk(value: &Value, schema: &Value, path: &str, violations: &mut Vec<Violation>) {
    let expected = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    if !has_type(value, expected) {
        return add(violations, path, &format!("must be of type {expected}"));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        add(violations, path, &format!("must be one of {}", names.join(", ")));
    }
    match value {
        Value::Object(fields) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match properties.and_then(|properties| properties.get(name)) {
                    Some(schema) => walk(value, schema, &path, violations),
                    None => add(violations, &path, "unknown field"),
                }
            }
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str).filter(|name| !fields.contains_key(*name)) {
                add(violations, &format!("{path}.{name}"), "is required");
            }
        }
        Value::Array(items) => {
            let schema = schema.get("items").cloned().unwrap_or_default();
            for (index, item) in items.iter().enumerate() {
                walk(item, &schema, &format!("{path}[{index}]"), violations);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn has_type(value: &Value, expected: &str) -> bool {
    match expected {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        _ => false,
    }
}
