//! The form of a scenario file: a tenant, a declaration, and a history of what people, applications and the way to
//! Microsoft do, with what the operator has to say in between.
//!
//! What a file does not mention is in order: see `expect`.

use std::{collections::BTreeMap, fs, path::PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::Value;
use webex_azure_operator::domain::Attribution;

use super::expect::Expectation;

/// One file.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Story {
    /// Name of the file without its end.
    #[serde(skip)]
    pub name: String,
    /// What it is about, as a claim.
    pub title: String,
    /// Whether it is also told through a real API server. Such a history needs no time of its own between its acts.
    #[serde(default)]
    pub api_server: bool,
    /// Why `plan` has nothing to say about it, if so.
    #[serde(default)]
    pub no_plan: Option<String>,
    /// Merged into the declaration of the incident.
    #[serde(default)]
    pub spec: Value,
    /// Changes to the tenant of the incident.
    #[serde(default)]
    pub tenant: Value,
    /// Knobs of the emulator that differ from the calm service.
    #[serde(default)]
    pub knobs: BTreeMap<String, Value>,
    /// Names for further applications of the tenant.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// What the process was told.
    #[serde(default)]
    pub process: Process,
    /// What happens.
    pub history: Vec<Step>,
}

/// Arguments of the process.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Process {
    /// `--consent-link-app-id`
    #[serde(default)]
    pub consent_link_app_ids: Vec<String>,
    /// Whether objects of the namespace may use the operator's own identity for the tenant.
    #[serde(default)]
    pub allow_operator_identity: bool,
    /// `--attribution`: names, ids or off; names if left out.
    #[serde(default)]
    attribution: Option<String>,
}

impl Process {
    /// How people and applications that made a difference are told.
    pub fn attribution(&self) -> Attribution {
        match self.attribution.as_deref() {
            None | Some("names") => Attribution::Names,
            Some("ids") => Attribution::Ids,
            Some("off") => Attribution::Off,
            Some(other) => panic!("{other} is no attribution"),
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Step {
    /// The operator looks once, now.
    Look,
    /// Time passes, and the operator looks whenever it wants to.
    After(String),
    /// Time passes while the operator does not run; then it starts anew.
    Away(String),
    /// The operator starts anew.
    Restart,
    /// The author merges this into the spec.
    Edit(Value),
    /// Someone asks for a look by annotation, with this value.
    Request(String),
    /// The Secret with the credential becomes this.
    Secret(Secret),
    /// The ServiceAccount becomes this.
    ServiceAccount(ServiceAccount),
    /// A person of the tenant asks something of Microsoft Graph.
    Administrator(Act),
    /// An application that may write, such as a clean-up script.
    Script(Act),
    /// The administrator opens the consent page of this application and accepts.
    Consent(String),
    /// The publisher changes its application.
    Publisher(Publisher),
    /// Something happens to what the provisioning job of this application provisions into.
    Provisioning(Value),
    /// The control surface of the emulator is asked for something else.
    Control(Control),
    /// The way to Microsoft is so from now on; an empty list is a good way.
    Faults(Vec<Fault>),
    /// Knobs of the emulator are turned.
    Knobs(Value),
    /// What the operator has to have said by now.
    Expect(Value),
}

/// A request by someone: `METHOD path`, and a body where there is one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Act {
    /// By the administrator, without a body.
    Short(String),
    /// In full.
    Full {
        request: String,
        #[serde(default)]
        body: Option<Value>,
        #[serde(default, rename = "as")]
        user: Option<String>,
    },
}

impl Act {
    /// Method, path, body, user.
    pub fn parts(&self) -> (&str, &str, Option<&Value>, Option<&str>) {
        let (request, body, user) = match self {
            Self::Short(request) => (request, None, None),
            Self::Full { request, body, user } => (request, body.as_ref(), user.as_deref()),
        };
        let (method, path) = request.split_once(' ').expect("an act is METHOD and path");
        (method, path, body, user)
    }
}

/// What a publisher does to its application.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// Which.
    pub of: String,
    /// New values of its properties.
    #[serde(default)]
    pub sets: Value,
    /// It is deleted instead.
    #[serde(default)]
    pub deletes: bool,
}

/// A request to the control surface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `POST /throttle`
    pub request: String,
    /// Its body.
    #[serde(default)]
    pub body: Value,
}

/// The Secret `graph`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Secret {
    /// It is not there.
    Absent,
    /// The operator may not read it.
    Forbidden,
    /// It lacks the label.
    Unlabelled,
    /// It is as it should be, with the credential of the tenant.
    Good,
    /// It holds this.
    Holds(BTreeMap<String, String>),
}

/// The ServiceAccount `reader`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum ServiceAccount {
    /// It is not there.
    Absent,
    /// The operator may not read it.
    Forbidden,
    /// It names no application.
    Unbound,
    /// It names the operator's application, and Kubernetes issues no token.
    Tokenless,
}

/// A fault on the way.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// What is hit.
    pub on: Target,
    /// Of requests and items, only those whose address holds this.
    #[serde(default)]
    pub address: Option<String>,
    /// How it shows.
    pub is: How,
}

/// What a fault hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// Requests to the token endpoint.
    Token,
    /// Requests to Microsoft Graph.
    Graph,
    /// Single answers inside of batches.
    Items,
}

/// How a fault shows.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// No connection.
    Connection,
    /// The proxy opens no way.
    Proxy,
    /// The other side does not prove who it is.
    Tls,
    /// No answer.
    Silence,
    /// A page in HTML.
    Html,
    /// The answer ends in its middle.
    CutShort,
    /// It leads elsewhere.
    Redirect,
    /// The operator itself fails.
    Panic,
    /// A refusal: status, and the code in its body.
    Refusal(u16, String),
    /// The token is not enough; a new one should have these claims.
    Challenge(Value),
    /// A refusal of the token endpoint by its number.
    Aadsts(u32),
    /// The token has these claims.
    Claims(Value),
    /// The body has these properties instead.
    Shows(Value),
}

/// A duration as people write it: `31d`, `90s`, `5m`, `2h`.
pub fn duration(text: &str) -> SignedDuration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: i64 = number.trim().parse().unwrap_or_else(|_| panic!("{text:?} is no duration"));
    match unit {
        "s" => SignedDuration::from_secs(number),
        "m" => SignedDuration::from_mins(number),
        "h" => SignedDuration::from_hours(number),
        "d" => SignedDuration::from_hours(24 * number),
        _ => panic!("{text:?} is no duration"),
    }
}

/// The folder with the files.
pub fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenario/data"))
}

/// All files in the order of their names, but for those that await something.
pub fn all() -> Vec<Story> {
    let awaiting = fs::read_to_string(folder().join("awaiting.txt")).unwrap_or_default();
    let awaiting: Vec<&str> = awaiting.lines().map(str::trim).filter(|line| !line.starts_with('#')).collect();
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().unwrap().strip_suffix(".yaml").map(str::to_owned))
        .collect();
    names.sort();
    names.iter().filter(|name| !awaiting.contains(&name.as_str())).map(|name| read(name)).collect()
}

fn read(name: &str) -> Story {
    let text = fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
    let value: Value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut story: Story = serde_json::from_value(value).unwrap_or_else(|error| panic!("{name}: {error}"));
    name.clone_into(&mut story.name);
    for step in &story.history {
        if let Step::Expect(raw) = step {
            // A file with a mistake ends the run before anything is told.
            for setting in Expectation::read(raw, name).settings() {
                drop(Expectation::read(&Expectation::under(raw, Some(setting)), name));
            }
        }
    }
    assert!(matches!(story.history.last(), Some(Step::Expect(_))), "{name}: a history ends with what is expected");
    story
}

/// Merges a JSON merge patch.
pub fn merge(target: &mut Value, change: &Value) {
    let Value::Object(fields) = change else {
        target.clone_from(change);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    for (name, value) in fields {
        let target = target.as_object_mut().unwrap();
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}
