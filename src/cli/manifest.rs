//! YAML files as people write them: several documents, and a line for everything that is wrong.

use std::{collections::BTreeMap, fmt};

use anyhow::Context as _;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use crate::api::{WebexAzureIntegration, schema, validation};

/// One document of a file.
#[derive(Debug)]
pub struct Document {
    /// Its content.
    pub value: Value,
    /// Line of each field, by its path.
    lines: BTreeMap<String, u64>,
}

impl Document {
    /// Value of `kind`.
    pub fn kind(&self) -> &str {
        self.value.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// The line of this field, or of the nearest one around it that is written.
    fn line(&self, path: &str) -> u64 {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return *line;
            }
            match path.rfind(['.', '[']).and_then(|end| path.get(..end)) {
                Some(outer) => path = outer,
                None => return self.lines.get("").copied().unwrap_or(1),
            }
        }
    }

    /// The object, if it keeps every rule; otherwise a sentence per broken rule, with file and line.
    pub fn integration(&self, file: &str) -> anyhow::Result<WebexAzureIntegration> {
        let mut violations = schema::check(&self.value);
        let mut object = None;
        if violations.is_empty() {
            let parsed: WebexAzureIntegration = serde_json::from_value(self.value.clone())
                .with_context(|| format!("{file}:{}: could not read the object", self.line("")))?;
            violations = validation::validate(&parsed.spec);
            object = Some(parsed);
        }
        match object {
            Some(object) if violations.is_empty() => Ok(object),
            _ => {
                let lines: Vec<String> = violations
                    .iter()
                    .map(|violation| format!("{file}:{}: {violation}", self.line(&violation.path)))
                    .collect();
                Err(anyhow::anyhow!("{}", lines.join("\n")))
            }
        }
    }
}

/// The documents of a file.
pub fn read(file: &str, text: &str) -> anyhow::Result<Vec<Document>> {
    let nodes: Vec<Spanned<Node>> = serde_saphyr::from_multiple(text).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let message = error.render_with_formatter(&serde_saphyr::UserMessageFormatter);
        let sentence = message.lines().next().unwrap_or("is not YAML").to_owned();
        anyhow::anyhow!("{file}:{line}: {sentence}")
    })?;
    let documents = nodes.into_iter().filter(|node| node.value != Node::Leaf(Value::Null)).map(|node| {
        let mut lines = BTreeMap::new();
        let value = flatten(node, "", &mut lines);
        Document { value, lines }
    });
    Ok(documents.collect())
}

/// A value that remembers where each part of it was written.
#[derive(Debug, PartialEq)]
enum Node {
    Leaf(Value),
    Fields(Vec<(String, Spanned<Node>)>),
    Items(Vec<Spanned<Node>>),
}

fn flatten(node: Spanned<Node>, path: &str, lines: &mut BTreeMap<String, u64>) -> Value {
    lines.insert(path.to_owned(), node.referenced.line());
    match node.value {
        Node::Leaf(value) => value,
        Node::Fields(fields) => {
            let inner = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            let fields = fields.into_iter().map(|(name, node)| {
                let value = flatten(node, &inner(&name), lines);
                (name, value)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Node::Items(items) => {
            let items = items.into_iter().enumerate();
            Value::Array(items.map(|(index, node)| flatten(node, &format!("{path}[{index}]"), lines)).collect())
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Leaf(Value::from(value)))
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Leaf(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            fields.push((name, map.next_value()?));
        }
        Ok(Node::Fields(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::Items(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
apiVersion: webexazure.dev/v1alpha1
kind: WebexAzureIntegration
metadata: { name: contoso }
spec:
  tenantId: 00000000-0000-4000-8000-000000000001
  credentials:
    clientId: 00000000-0000-4000-8000-000000000031
    clientSecret: { name: graph, key: client-secret }
  identity: { check: false }
";

    fn refusal(text: &str) -> String {
        match read("f.yaml", text) {
            Ok(documents) => documents[0].integration("f.yaml").unwrap_err().to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_good_object_is_read_with_its_defaults() {
        let documents = read("f.yaml", GOOD).unwrap();
        let object = documents[0].integration("f.yaml").unwrap();
        assert_eq!(object.spec.interval, "5m");
        assert!(object.spec.identity_integration.check);
    }

    #[test]
    fn each_broken_rule_is_told_with_its_line() {
        assert_eq!(
            refusal(&GOOD.replace("tenantId: 00000000-0000-4000-8000-000000000001", "tenantId: common")),
            "f.yaml:5: spec.tenantId: must be a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
        );
        assert_eq!(
            refusal(&GOOD.replace("    clientSecret:", "    clientPassword: { name: x, key: y }\n    clientSecret:")),
            "f.yaml:8: spec.credentials.clientPassword: unknown field"
        );
        assert_eq!(refusal(&format!("{GOOD}  suspend: 'yes'\n")), "f.yaml:10: spec.suspend: must be of type boolean");
        assert_eq!(
            refusal(&GOOD.replace("  tenantId: 00000000-0000-4000-8000-000000000001\n", "")),
            "f.yaml:5: spec.tenantId: is required"
        );
    }

    #[test]
    fn broken_yaml_is_told_with_its_line() {
        let sentence = refusal("apiVersion: v1\nkind: [\n");
        assert!(sentence.starts_with("f.yaml:"), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    }
}
