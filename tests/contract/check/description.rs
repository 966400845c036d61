//! The published description: its operations, and its schemas as JSON Schema after the [`correction`]s.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::correction::{self, CORRECTIONS, Correction};
use super::operation::{Body, Operation};
use super::outside;

/// As published.
const FILE: &str = include_str!("../../fixtures/graph/openapi-v1.0-subset.yaml");

const SCHEMAS: &str = "#/components/schemas/";

/// The description in use.
pub struct Description {
    /// Its operations, and those that are checked by type because it does not have them.
    pub operations: Vec<Operation>,
    schemas: Map<String, Value>,
    definitions: Map<String, Value>,
    /// How often each correction was needed.
    pub corrected: BTreeMap<Correction, usize>,
}

/// The description, read once.
pub fn description() -> &'static Description {
    static READ: OnceLock<Description> = OnceLock::new();
    READ.get_or_init(Description::read)
}

impl Description {
    fn read() -> Self {
        let file: Value = serde_saphyr::from_str(FILE).expect("the description is YAML");
        let member =
            |path: &str| file.pointer(path).and_then(Value::as_object).expect("the description has it").clone();
        let schemas = member("/components/schemas");
        let mut translation = Translation { schemas: &schemas, corrected: BTreeMap::new() };
        let mut definitions = Map::new();
        for (name, schema) in &schemas {
            translation.define(name, schema, &mut definitions);
        }
        let responses = member("/components/responses");
        let mut operations = Vec::new();
        for (path, item) in &member("/paths") {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if let Some(id) = operation.get("operationId").and_then(Value::as_str) {
                    let body = body(&schemas, &responses, operation);
                    if let Body::Json { schema, .. } = &body {
                        // Counts what is corrected in the answer itself.
                        translation.schema(schema);
                    }
                    operations.push(Operation::described(id, method, path, body));
                }
            }
        }
        operations.extend(outside::operations());
        let corrected = translation.corrected;
        assert!(
            CORRECTIONS.iter().all(|correction| corrected.contains_key(correction)),
            "a correction is needed no more"
        );
        Self { operations, schemas, definitions, corrected }
    }

    /// JSON Schema of an answer, in which these navigation properties are expanded.
    pub fn answer(&self, schema: &Value, entity: Option<&str>, is_list: bool, expanded: &BTreeSet<String>) -> Value {
        let mut translation = Translation { schemas: &self.schemas, corrected: BTreeMap::new() };
        let mut root = translation.schema(schema);
        if let (true, false, Some(list)) = (is_list, expanded.is_empty(), reference(schema)) {
            root = translation.object(list, &BTreeSet::new(), true);
        }
        if is_list && let Some(root) = root.as_object_mut() {
            root.insert("required".to_owned(), json!(["value"]));
        }
        if let (Some(entity), false) = (entity, expanded.is_empty()) {
            let whole = translation.object(entity, expanded, true);
            let place = if is_list { root.pointer_mut("/properties/value/items") } else { Some(&mut root) };
            if let Some(place) = place {
                *place = whole;
            }
        }
        let mut whole = Map::from_iter([("$defs".to_owned(), Value::Object(self.definitions.clone()))]);
        whole.extend(root.as_object().cloned().unwrap_or_default());
        Value::Object(whole)
    }

    /// The properties of a type, with those of its base types; of an entity, without navigation properties.
    pub fn structural(&self, entity: &str) -> BTreeSet<String> {
        let is_entity = self.is_a(entity, "microsoft.graph.entity");
        let all = properties(&self.schemas, entity).into_iter();
        all.filter(|(_, schema)| !is_entity || !is_navigation(schema)).map(|(name, _)| name).collect()
    }

    /// Whether a type is, or is derived from, another.
    pub fn is_a(&self, entity: &str, base: &str) -> bool {
        lineage(&self.schemas, entity).iter().any(|name| name == base)
    }
}

/// What an operation answers when it succeeds.
fn body(schemas: &Map<String, Value>, responses: &Map<String, Value>, operation: &Value) -> Body {
    let of_status = |status: &str| operation.get("responses")?.get(status);
    let Some(response) = of_status("2XX").or_else(|| of_status("204")) else { return Body::Nothing };
    let response = match response.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()) {
        Some(name) => responses.get(name).expect("the description has the response"),
        None => response,
    };
    if response.pointer("/content/text~1plain").is_some() {
        return Body::Count;
    }
    let Some(schema) = response.pointer("/content/application~1json/schema") else { return Body::Nothing };
    // An answer is never null.
    let reference = schema.pointer("/anyOf/0").filter(|branch| branch.get("$ref").is_some());
    Body::json(schemas, reference.unwrap_or(schema).clone())
}

impl Body {
    /// An answer with this schema: one object, or a list of them.
    pub fn json(schemas: &Map<String, Value>, schema: Value) -> Self {
        let named = reference(&schema).map(str::to_owned);
        let items = match &named {
            Some(name) => properties(schemas, name).get("value").cloned(),
            None => flat_properties(schemas, &schema).get("value").cloned(),
        };
        let item = items.as_ref().and_then(|value| value.get("items")).and_then(reference).map(str::to_owned);
        match item {
            Some(item) => Self::Json { schema, entity: Some(item), is_list: true },
            None => Self::Json { schema, entity: named, is_list: false },
        }
    }
}

/// The component a schema is a reference to, also if it may be null.
fn reference(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref").or_else(|| schema.get("anyOf")?.get(0)?.get("$ref"));
    direct?.as_str()?.strip_prefix(SCHEMAS)
}

/// The type and its base types, itself first.
fn lineage(schemas: &Map<String, Value>, name: &str) -> Vec<String> {
    let mut line = vec![name.to_owned()];
    let parts = schemas.get(name).and_then(|schema| schema.get("allOf")).and_then(Value::as_array);
    for base in parts.into_iter().flatten().filter_map(reference) {
        line.extend(lineage(schemas, base));
    }
    line
}

/// Declared properties with those of base types.
fn properties(schemas: &Map<String, Value>, name: &str) -> BTreeMap<String, Value> {
    schemas.get(name).map(|schema| flat_properties(schemas, schema)).unwrap_or_default()
}

fn flat_properties(schemas: &Map<String, Value>, schema: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        match reference(part) {
            Some(base) => all.extend(properties(schemas, base)),
            None => all.extend(flat_properties(schemas, part)),
        }
    }
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    all.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    all
}

fn is_navigation(schema: &Value) -> bool {
    schema.get("x-ms-navigationProperty").is_some_and(|flag| flag == true)
}

/// From OpenAPI 3.0 to JSON Schema 2020-12.
struct Translation<'a> {
    schemas: &'a Map<String, Value>,
    corrected: BTreeMap<Correction, usize>,
}

impl Translation<'_> {
    fn note(&mut self, correction: Correction) {
        *self.corrected.entry(correction).or_default() += 1;
    }

    /// Defines a component: as itself (`exact.…`), and as what its derived types make of it.
    fn define(&mut self, name: &str, schema: &Value, definitions: &mut Map<String, Value>) {
        if !is_object(schema) {
            let translated = self.schema(schema);
            definitions.insert(name.to_owned(), translated);
            return;
        }
        let exact = self.object(name, &BTreeSet::new(), true);
        definitions.insert(format!("exact.{name}"), exact);
        let derived: Vec<String> = self.schemas.keys().filter(|other| *other != name).cloned().collect();
        let derived: Vec<String> =
            derived.into_iter().filter(|other| lineage(self.schemas, other).iter().any(|base| base == name)).collect();
        let mut choice = json!({"$ref": format!("#/$defs/exact.{name}")});
        if !derived.is_empty() && name != "microsoft.graph.entity" && name.starts_with("microsoft.graph.") {
            self.note(correction::TYPES_OUTSIDE);
            let open = self.object(name, &BTreeSet::new(), false);
            let is_outside = json!({"properties": {"@odata.type": {"enum": correction::OUTSIDE_TYPES}}, "required": ["@odata.type"]});
            choice = json!({"if": is_outside, "then": open, "else": choice});
        }
        for other in derived {
            let is_other =
                json!({"properties": {"@odata.type": {"const": format!("#{other}")}}, "required": ["@odata.type"]});
            choice = json!({"if": is_other, "then": {"$ref": format!("#/$defs/exact.{other}")}, "else": choice});
        }
        definitions.insert(name.to_owned(), choice);
    }

    /// An object of a type, closed or not.
    fn object(&mut self, name: &str, expanded: &BTreeSet<String>, is_closed: bool) -> Value {
        let is_entity = lineage(self.schemas, name).iter().any(|base| base == "microsoft.graph.entity");
        let mut declared = properties(self.schemas, name);
        declared.retain(|property, schema| {
            let is_shown = !is_entity || !is_navigation(schema) || expanded.contains(&property.to_ascii_lowercase());
            if !is_shown && (name, property.as_str()) == ("microsoft.graph.synchronizationSchema", "directories") {
                *self.corrected.entry(correction::CONTAINED).or_default() += 1;
                return true;
            }
            if !is_shown {
                *self.corrected.entry(correction::NAVIGATION).or_default() += 1;
            }
            is_shown
        });
        let mut shown = Map::new();
        for (property, schema) in &declared {
            shown.insert(property.clone(), self.schema(schema));
        }
        if is_closed && shown.contains_key("@odata.type") {
            self.note(correction::TYPE_IS_ITS_OWN);
            shown.insert("@odata.type".to_owned(), json!({"const": format!("#{name}")}));
        }
        if name == "microsoft.graph.ODataErrors.InnerError" {
            self.note(correction::ZONELESS_DATE);
            let pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,12})?(Z|[+-]\d{2}:\d{2})?$";
            shown.insert("date".to_owned(), json!({"type": ["string", "null"], "pattern": pattern}));
        }
        for (_, names) in correction::OPEN.iter().filter(|(open, _)| *open == name) {
            self.note(correction::OPEN_NAMES);
            shown.extend(names.iter().map(|open| ((*open).to_owned(), json!(true))));
        }
        let mut own = self.schemas.get(name).map(|schema| self.required(schema)).unwrap_or_default();
        if correction::COMPLETE.contains(&name) {
            self.note(correction::WHOLE);
            own.extend(
                declared.keys().filter(|property| *property != "@odata.type").map(|property| property.as_str().into()),
            );
        }
        self.closed(&shown, &own, is_closed)
    }

    /// Names that have to be there, without `@odata.type`.
    fn required(&mut self, schema: &Value) -> Vec<Value> {
        let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
        let mut names: Vec<Value> =
            parts.chain([schema]).filter_map(|part| part.get("required")?.as_array()).flatten().cloned().collect();
        if names.iter().any(|name| name == "@odata.type") {
            self.note(correction::TYPE_NOT_REQUIRED);
            names.retain(|name| name != "@odata.type");
        }
        names
    }

    fn closed(&mut self, properties: &Map<String, Value>, required: &[Value], is_closed: bool) -> Value {
        let mut object = json!({"type": "object", "properties": properties, "required": required});
        if is_closed && let Some(object) = object.as_object_mut() {
            self.note(correction::CLOSED);
            // Control information with minimal metadata: OData JSON Format 4.01, 4.6.
            let control = json!({
                r"^@odata\.(id|etag|editLink)$": {"type": "string"},
                r"^[^@]+@odata\.(type|nextLink|context|navigationLink|associationLink)$": {"type": "string"},
                r"^[^@]+@odata\.count$": {"type": "integer", "minimum": 0},
            });
            object.insert("patternProperties".to_owned(), control);
            object.insert("additionalProperties".to_owned(), false.into());
        }
        object
    }

    /// Any schema.
    fn schema(&mut self, schema: &Value) -> Value {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return json!({"$ref": name.replace(SCHEMAS, "#/$defs/")});
        }
        if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
            return self.either(branches);
        }
        if is_object(schema) {
            let mut shown = Map::new();
            for (name, property) in flat_properties(self.schemas, schema) {
                let translated = self.schema(&property);
                shown.insert(name, translated);
            }
            if schema.get("additionalProperties").is_some() {
                self.note(correction::NO_BAG);
            }
            if shown.contains_key("value") {
                self.note(correction::LIST_HAS_VALUE);
            }
            let required = self.required(schema);
            return self.closed(&shown, &required, true);
        }
        if schema.get("type").is_some_and(|kind| kind == "array") {
            let items = schema.get("items").map(|items| self.schema(items)).unwrap_or(json!(true));
            return nullable(schema, json!({"type": "array", "items": items}));
        }
        let scalar = self.scalar(schema);
        nullable(schema, scalar)
    }

    /// A reference that may be null, or any of these.
    fn either(&mut self, branches: &[Value]) -> Value {
        let is_null = |branch: &&Value| {
            let is_bare = branch.get("properties").is_none() && branch.get("$ref").is_none();
            is_bare && branch.get("nullable").is_some_and(|flag| flag == true)
        };
        let (null, kept): (Vec<&Value>, Vec<&Value>) = branches.iter().partition(is_null);
        let kept: Vec<Value> = kept.into_iter().map(|branch| self.schema(branch)).collect();
        let kept = match <[Value; 1]>::try_from(kept) {
            Ok([only]) => only,
            Err(kept) => json!({ "anyOf": kept }),
        };
        if null.is_empty() {
            return kept;
        }
        self.note(correction::NULLABLE_IS_NULL);
        or_null(&kept)
    }

    fn scalar(&mut self, schema: &Value) -> Value {
        let kept = ["type", "enum", "pattern", "format", "minimum", "maximum"];
        let mut scalar: Map<String, Value> =
            kept.iter().filter_map(|name| Some(((*name).to_owned(), schema.get(*name)?.clone()))).collect();
        if schema.pointer("/x-ms-enum-flags/isFlags").is_some_and(|flag| flag == true) {
            self.note(correction::FLAGS);
            let members: Vec<&str> =
                schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            let members = members.join("|");
            return json!({"type": "string", "pattern": format!("^({members})(, ?({members}))*$")});
        }
        match schema.get("format").and_then(Value::as_str) {
            Some(format @ ("int32" | "int64")) => {
                self.note(correction::INTEGERS);
                let most = if format == "int32" { i64::from(i32::MAX) } else { i64::MAX };
                return json!({"type": "integer", "minimum": -most - 1, "maximum": most});
            }
            Some("duration") => {
                self.note(correction::DURATION);
                scalar.remove("format");
            }
            Some("base64url") => {
                self.note(correction::BINARY);
                scalar.remove("format");
                scalar.insert("pattern".to_owned(), "^[A-Za-z0-9_+/-]*={0,2}$".into());
            }
            _ => {}
        }
        Value::Object(scalar)
    }
}

fn is_object(schema: &Value) -> bool {
    schema.get("allOf").is_some() || schema.get("properties").is_some()
}

/// The same or null, if the schema says so.
fn nullable(schema: &Value, translated: Value) -> Value {
    if schema.get("nullable").is_none_or(|flag| flag != true) {
        return translated;
    }
    or_null(&translated)
}

/// This or null, so that what is wrong with this is told by its place and not as "neither".
fn or_null(schema: &Value) -> Value {
    json!({"if": {"type": "null"}, "else": schema})
}
