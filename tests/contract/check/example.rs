//! The keys of documented examples: an answer of the same operation has at least these.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;

use super::description::description;
use super::operation::{self, Body};

/// Keys of documented examples that no answer is asked for.
pub const NOT_ASKED: [(&str, &str); 9] = [
    ("Type", "one page spells `targetResource.type` so; the other pages and the description do not"),
    ("creationTimestamp", "one page calls `appRoleAssignment.createdDateTime` so"),
    ("endpoints", "a navigation property of servicePrincipal, shown by one page as if it were expanded"),
    ("publisherName", "v1.0 does not declare it; servicePrincipal is an open type"),
    ("errorUrl", "the same"),
    ("preferredTokenSigningKeyEndDateTime", "the same"),
    ("samlMetadataUrl", "the same, for servicePrincipal"),
    ("api", "the same, for servicePrincipal; of applications it is shown by no example with a single meaning"),
    ("publishedPermissionScopes", "an older name of `oauth2PermissionScopes`"),
];

/// Keys that an answer has, and what the values under them have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys(BTreeMap<String, Keys>);

/// One documented example.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its file, without `.json`.
    pub name: String,
    /// `documented`, `observed` or `constructed`.
    pub kind: String,
    /// Method and target after `/v1.0` of its request, if it is one to Graph.
    pub request: Option<(String, String)>,
    /// Status of its answer.
    pub status: u16,
    /// Body of its answer.
    pub body: Value,
}

/// All examples, by name.
pub fn examples() -> &'static [Example] {
    static READ: OnceLock<Vec<Example>> = OnceLock::new();
    READ.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/graph");
        let files = std::fs::read_dir(folder).expect("the examples are there");
        let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        paths.sort();
        paths.iter().map(|path| read(path)).collect()
    })
}

fn read(path: &Path) -> Example {
    let text = std::fs::read_to_string(path).expect("a file");
    let file: Value = serde_json::from_str(&text).expect("an example is JSON");
    let text = |pointer: &str| file.pointer(pointer).and_then(Value::as_str);
    let target = text("/request/url").and_then(|url| Some(url.split_once("/v1.0")?.1.to_owned()));
    let status = file.pointer("/response/status").and_then(Value::as_u64).unwrap_or_default();
    Example {
        name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        kind: text("/kind").unwrap_or_default().to_owned(),
        request: text("/request/method").map(str::to_owned).zip(target),
        status: u16::try_from(status).unwrap_or_default(),
        body: file.pointer("/response/body").cloned().unwrap_or_default(),
    }
}

/// What answers of an operation have, by the documented examples of it and of the operations that show the same
/// object: a service principal is the same in a list, by id, by appId and when it is made.
pub fn expected(operation: &operation::Operation) -> &'static Keys {
    static READ: OnceLock<BTreeMap<String, Keys>> = OnceLock::new();
    static NONE: Keys = Keys(BTreeMap::new());
    let read = READ.get_or_init(|| {
        let mut read: BTreeMap<String, Keys> = BTreeMap::new();
        let is_model = |example: &&Example| example.kind == "documented" && (200..300).contains(&example.status);
        for example in examples().iter().filter(is_model) {
            let Some((method, target)) = &example.request else { continue };
            let path = target.split('?').next().unwrap_or_default();
            let Some(of) = operation::find(&description().operations, method, path) else { continue };
            let Body::Json { is_list, .. } = &of.body else { continue };
            let rows = example.body.get("value").filter(|_| *is_list).unwrap_or(&example.body);
            read.entry(subject(of)).or_default().unite(Keys::of(rows));
        }
        read
    });
    read.get(&subject(operation)).unwrap_or(&NONE)
}

/// What an operation shows: objects of a type. Changes show less of them, and the answer of an operation that shows
/// any kind of directory object is its own.
fn subject(operation: &operation::Operation) -> String {
    match &operation.body {
        Body::Json { entity: Some(entity), .. } if !operation.is_delta() && !entity.ends_with(".directoryObject") => {
            entity.clone()
        }
        Body::Json { .. } | Body::Count | Body::Nothing => operation.id.clone(),
    }
}

/// What an error has: the documented one of the directory has the most.
pub fn expected_of_error() -> &'static Keys {
    static READ: OnceLock<Keys> = OnceLock::new();
    READ.get_or_init(|| {
        let documented = examples().iter().find(|example| example.name == "error-403-insufficient-privileges");
        Keys::of(&documented.expect("the example is there").body)
    })
}

impl Keys {
    /// The keys of a value; of a list, those that all its elements have.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Object(members) => {
                let is_asked = |name: &str| !name.starts_with('@') && NOT_ASKED.iter().all(|(not, _)| *not != name);
                let plain = members.iter().filter(|(name, _)| is_asked(name));
                Self(plain.map(|(name, value)| (name.clone(), Self::of(value))).collect())
            }
            Value::Array(elements) => elements.iter().map(Self::of).reduce(Self::common).unwrap_or_default(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::default(),
        }
    }

    fn common(self, mut other: Self) -> Self {
        let both =
            self.0.into_iter().filter_map(|(name, keys)| Some((name.clone(), keys.common(other.0.remove(&name)?))));
        Self(both.collect())
    }

    fn unite(&mut self, other: Self) {
        for (name, keys) in other.0 {
            self.0.entry(name).or_default().unite(keys);
        }
    }

    /// Where a value lacks keys: pointers to what is missing. `is_asked` says which keys of the outermost object are
    /// of interest.
    pub fn missing(&self, value: &Value, is_asked: &dyn Fn(&str) -> bool) -> BTreeSet<String> {
        let mut missing = BTreeSet::new();
        self.look(value, "", is_asked, &mut missing);
        missing
    }

    fn look(&self, value: &Value, place: &str, is_asked: &dyn Fn(&str) -> bool, missing: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, keys) in self.0.iter().filter(|(name, _)| is_asked(name)) {
                    match members.get(name) {
                        None => drop(missing.insert(format!("{place}/{name}"))),
                        Some(member) => keys.look(member, &format!("{place}/{name}"), &|_| true, missing),
                    }
                }
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    self.look(element, &format!("{place}/{index}"), is_asked, missing);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
