//! Whether an answer is as the description has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::description::description;
use super::example;
use super::operation::{self, Body, Operation};

/// A request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub method: String,
    /// Path and query after `/v1.0`.
    pub target: String,
    /// `ConsistencyLevel: eventual` was sent; only then directory objects are counted.
    pub eventual: bool,
    pub status: u16,
    pub body: Content,
}

/// What an answer carries.
#[derive(Debug, Clone)]
pub enum Content {
    Nothing,
    Json(Value),
    Text(String),
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `operationId` and request.
    pub operation: String,
    /// Where in the body.
    pub pointer: String,
    /// What it breaks.
    pub rule: String,
    /// The body.
    pub body: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, pointer, rule, body } = self;
        let place = if pointer.is_empty() { "the whole" } else { pointer };
        write!(formatter, "{operation}\n  at {place}: {rule}\n  of {body}")
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// Operations by `operationId`, each with the status of its answer.
    pub seen: Vec<(String, u16)>,
    pub findings: Vec<Finding>,
}

impl Judgement {
    /// Takes in another.
    pub fn extend(&mut self, other: Self) {
        self.seen.extend(other.seen);
        self.findings.extend(other.findings);
    }
}

/// The answer to one request that is no batch.
pub fn judge(exchange: &Exchange) -> Judgement {
    let (path, query) = exchange.target.split_once('?').unwrap_or((&exchange.target, ""));
    let operation = operation::find(&description().operations, &exchange.method, path);
    let name = operation.map_or("no operation of the description", |operation| &operation.id);
    let mut bench = Bench { exchange, name, query: Query::read(query), found: Vec::new() };
    match operation {
        _ if exchange.status >= 400 => bench.error(),
        None => bench.find(
            "",
            "it succeeds, and is neither in the description nor in tests/contract/check/outside.rs; if the reference has it, it needs a line there",
        ),
        Some(operation) => bench.success(operation),
    }
    let findings = bench.found;
    Judgement { seen: vec![(name.to_owned(), exchange.status)], findings }
}

struct Bench<'a> {
    exchange: &'a Exchange,
    name: &'a str,
    query: Query,
    found: Vec<Finding>,
}

impl Bench<'_> {
    fn find(&mut self, pointer: &str, rule: impl Into<String>) {
        let Exchange { method, target, status, body, .. } = self.exchange;
        let body = match body {
            Content::Nothing => "no body".to_owned(),
            Content::Json(value) => value.to_string(),
            Content::Text(text) => text.clone(),
        };
        let operation = format!("{}: {method} {target} was answered with {status}", self.name);
        self.found.push(Finding {
            operation,
            pointer: pointer.to_owned(),
            rule: rule.into(),
            body: body.chars().take(4000).collect(),
        });
    }

    fn error(&mut self) {
        let Content::Json(body) = &self.exchange.body else {
            return self.find("", "an error has a body in JSON");
        };
        let validator = validator("error", || {
            let schema = serde_json::json!({"$ref": "#/components/schemas/microsoft.graph.ODataErrors.ODataError"});
            description().answer(&schema, None, false, &BTreeSet::new())
        });
        self.hold(&validator, body);
        for pointer in example::expected_of_error().missing(body, &|_| true) {
            self.find(&pointer, "the documented error has this key");
        }
    }

    fn success(&mut self, operation: &Operation) {
        let Exchange { method, status, body, .. } = self.exchange;
        let allowed: &[u16] = match (method.to_ascii_uppercase().as_str(), &operation.body) {
            ("GET" | "HEAD", _) => &[200],
            (_, Body::Nothing) => &[204],
            // PATCH is described with a body, and documented with 204 and none; PUT too.
            ("PATCH", _) => &[200, 201, 204],
            ("PUT", _) => &[200, 204],
            _ => &[200, 201],
        };
        if !allowed.contains(status) {
            self.find("", format!("such a success is {allowed:?}"));
        }
        match (&operation.body, body) {
            (_, Content::Nothing) if *status == 204 || method.eq_ignore_ascii_case("HEAD") => {}
            (_, Content::Json(_) | Content::Text(_)) if *status == 204 => self.find("", "204 has no body"),
            (Body::Nothing, Content::Nothing) => {}
            (Body::Nothing, _) => self.find("", "this operation answers without a body"),
            (Body::Count, Content::Text(text)) if is_number(text) => {}
            // An item of a batch is JSON as a whole.
            (Body::Count, Content::Json(value)) if value.is_u64() => {}
            (Body::Count, _) => self.find("", "a count is a number as text/plain"),
            (Body::Json { schema, entity, is_list }, Content::Json(body)) => {
                self.entity(operation, schema, entity.as_deref(), *is_list, body);
            }
            (Body::Json { .. }, _) => self.find("", "this operation answers with JSON"),
        }
    }

    fn entity(&mut self, operation: &Operation, schema: &Value, entity: Option<&str>, is_list: bool, body: &Value) {
        let Some(members) = body.as_object() else { return self.find("", "an answer is an object") };
        let mut members = members.clone();
        self.context(&mut members);
        if is_list {
            self.control(operation, &members);
        }
        let mut removed = BTreeSet::new();
        if operation.is_delta() {
            removed = self.changes(&mut members);
        }
        let expanded = self.query.expand.iter().cloned().collect::<Vec<_>>().join(",");
        let validator = validator(&format!("{} {expanded}", operation.id), || {
            description().answer(schema, entity, is_list, &self.query.expand)
        });
        let body = Value::Object(members);
        self.hold(&validator, &body);
        let rows: Vec<(String, &Value)> = match body.get("value").and_then(Value::as_array).filter(|_| is_list) {
            Some(rows) => rows.iter().enumerate().map(|(index, row)| (format!("/value/{index}"), row)).collect(),
            None if is_list => Vec::new(),
            None => vec![(String::new(), &body)],
        };
        for (place, row) in rows.into_iter().filter(|(place, _)| !removed.contains(place)) {
            self.selected(operation, entity, &place, row);
            if operation.is_delta() && self.query.skips {
                // The token has the `$select` in it, and a later round may show only what changed.
                continue;
            }
            let declared = declared(entity, row);
            let is_asked = |name: &str| self.query.asks_for(name) && declared.contains(name);
            for pointer in example::expected(operation).missing(row, &is_asked) {
                self.find(&format!("{place}{pointer}"), "the documented example has this key");
            }
        }
    }

    /// The context, which every answer in JSON has: OData JSON Format 4.01, 4.6.1.
    fn context(&mut self, members: &mut Map<String, Value>) {
        let context = members.remove("@odata.context");
        let is_context = |text: &str| {
            let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
            rest.and_then(|rest| rest.split_once("/v1.0/$metadata#"))
                .is_some_and(|(host, of)| !host.is_empty() && !of.is_empty() && !host.contains('/'))
        };
        if !context.as_ref().and_then(Value::as_str).is_some_and(is_context) {
            self.find("/@odata.context", "an answer says its context: https://…/v1.0/$metadata#…");
        }
    }

    /// Count and links of a list.
    fn control(&mut self, operation: &Operation, members: &Map<String, Value>) {
        let has_count = members.contains_key("@odata.count");
        // Later pages do not repeat it: https://learn.microsoft.com/graph/aad-advanced-queries
        // Without the header it is silently ignored: the same page.
        let is_wanted = self.query.count && self.exchange.eventual;
        let is_right = if has_count { is_wanted } else { !is_wanted || self.query.skips };
        if !is_right {
            self.find(
                "/@odata.count",
                "the count is there if `$count=true` asks for it with the header, and only then",
            );
        }
        for name in ["@odata.nextLink", "@odata.deltaLink"] {
            let is_link = |link: &Value| {
                link.as_str()
                    .is_some_and(|link| link.starts_with("http") && link.contains("/v1.0/") && link.contains('?'))
            };
            if members.get(name).is_some_and(|link| !is_link(link)) {
                self.find(&format!("/{name}"), "a link is a whole address with a token in its query");
            }
        }
        // https://learn.microsoft.com/graph/delta-query-overview#use-delta-query-to-track-changes-in-a-resource-collection
        let links = ["@odata.nextLink", "@odata.deltaLink"].iter().filter(|name| members.contains_key(**name)).count();
        if operation.is_delta() && links != 1 {
            self.find("", "changes end with either a nextLink or a deltaLink");
        }
        if !operation.is_delta() && members.contains_key("@odata.deltaLink") {
            self.find("/@odata.deltaLink", "only changes have it");
        }
    }

    /// Objects that are gone: <https://learn.microsoft.com/graph/delta-query-overview#resource-representation-in-the-delta-query-response>
    fn changes(&mut self, members: &mut Map<String, Value>) -> BTreeSet<String> {
        let mut gone = BTreeSet::new();
        let rows = members.get_mut("value").and_then(Value::as_array_mut).into_iter().flatten();
        for (index, row) in rows.enumerate() {
            let Some(removed) = row.as_object_mut().and_then(|row| row.remove("@removed")) else { continue };
            gone.insert(format!("/value/{index}"));
            let reason = removed.get("reason").and_then(Value::as_str);
            let is_alone = removed.as_object().is_some_and(|removed| removed.len() == 1);
            if !is_alone || !matches!(reason, Some("changed" | "deleted")) {
                self.find(&format!("/value/{index}/@removed"), "its only key is `reason`: changed or deleted");
            }
            if row.get("id").is_none() {
                self.find(&format!("/value/{index}"), "what is removed is named by its id");
            }
        }
        gone
    }

    /// `$select`: what is asked for and nothing else, but for the id and what is expanded.
    fn selected(&mut self, operation: &Operation, entity: Option<&str>, place: &str, row: &Value) {
        if self.query.select.is_empty() {
            return;
        }
        let (Some(members), Some(entity)) = (row.as_object(), entity) else { return };
        let declared = declared(Some(entity), row);
        for name in members.keys().filter(|name| !name.contains('@') && *name != "id") {
            if !self.query.asks_for(name) {
                self.find(&format!("{place}/{name}"), "it is not selected");
            }
        }
        // Other workloads do not promise `$select`, and changes show what changed.
        let is_directory = description().is_a(entity, "microsoft.graph.directoryObject")
            || entity == "microsoft.graph.oAuth2PermissionGrant";
        if !is_directory || operation.is_delta() {
            return;
        }
        let wanted = declared.iter().filter(|name| !name.starts_with('@') && self.query.selects(name));
        let lacking: Vec<&String> = wanted.filter(|name| !members.contains_key(*name)).collect();
        for name in lacking {
            self.find(&format!("{place}/{name}"), "it is selected and not answered");
        }
    }

    fn hold(&mut self, validator: &Validator, body: &Value) {
        let errors: Vec<(String, String)> = validator
            .iter_errors(body)
            .map(|error| (error.instance_path().to_string(), error.masked_with("this").to_string()))
            .collect();
        for (pointer, rule) in errors {
            let value = body.pointer(&pointer).map(Value::to_string).unwrap_or_default();
            let value: String = value.chars().take(120).collect();
            self.find(&pointer, format!("{rule} (this is {value})"));
        }
    }
}

/// The properties of a row: those of the type it says it has, or of the type that was expected. Of answers without a
/// type of their own, and of what holds others, every key is one.
fn declared(entity: Option<&str>, row: &Value) -> BTreeSet<String> {
    let of_row = row.get("@odata.type").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    description().structural(of_row.or(entity).unwrap_or_default())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The validator of this name, made when it is first wanted.
fn validator(name: &str, schema: impl FnOnce() -> Value) -> Arc<Validator> {
    static MADE: OnceLock<Mutex<BTreeMap<String, Arc<Validator>>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(validator) = made.get(name) {
        return Arc::clone(validator);
    }
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft202012).should_validate_formats(true);
    let validator = Arc::new(options.build(&schema()).expect("the translated description is JSON Schema"));
    made.insert(name.to_owned(), Arc::clone(&validator));
    validator
}

/// The query options that an answer depends on.
#[derive(Debug, Clone, Default)]
struct Query {
    /// In lower case.
    select: BTreeSet<String>,
    /// In lower case, without their own options.
    expand: BTreeSet<String>,
    count: bool,
    skips: bool,
}

impl Query {
    fn read(text: &str) -> Self {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            let name = name.to_ascii_lowercase();
            match name.trim_start_matches('$') {
                "select" => query.select = names(&value),
                "expand" => query.expand = names(&value),
                "count" => query.count = value.eq_ignore_ascii_case("true"),
                "skiptoken" | "skip" | "deltatoken" => query.skips = true,
                _ => {}
            }
        }
        if query.select.contains("*") {
            query.select.clear();
        }
        query
    }

    fn selects(&self, name: &str) -> bool {
        self.select.contains(&name.to_ascii_lowercase())
    }

    /// Whether an answer shows this property.
    fn asks_for(&self, name: &str) -> bool {
        self.select.is_empty() || self.selects(name) || self.expand.contains(&name.to_ascii_lowercase())
    }
}

/// Names in a list with commas, without what stands in parentheses or behind a slash.
fn names(value: &str) -> BTreeSet<String> {
    let mut depth = 0_u32;
    let mut plain = String::new();
    for letter in value.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let names = plain.split(',').filter_map(|name| name.trim().split('/').next()).filter(|name| !name.is_empty());
    names.map(str::to_ascii_lowercase).collect()
}
