//! Which rows of the table of reasons and which remedies the scenarios reach.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::Value;
use webex_azure_operator::{
    api::reason::{Row, TABLE},
    domain::remedy::Action,
};

/// Files by what they reach.
#[derive(Debug, Default)]
pub struct Matrix {
    rows: BTreeMap<String, BTreeSet<String>>,
    actions: BTreeMap<String, BTreeSet<String>>,
}

/// How a row is called.
fn label(row: Row) -> String {
    format!("{} {} {}", row.condition, row.status, row.reason)
}

impl Matrix {
    /// Notes what this status says; the file has it compared in full.
    pub fn note(&mut self, file: &str, status: &Value) {
        for condition in status["conditions"].as_array().into_iter().flatten() {
            let text = |name: &str| condition[name].as_str().unwrap_or_default();
            let label = format!("{} {} {}", text("type"), text("status"), text("reason"));
            self.rows.entry(label).or_default().insert(file.to_owned());
        }
        for entry in status["drift"].as_array().into_iter().flatten() {
            let action = entry["remedy"]["action"].as_str().unwrap_or_default();
            self.actions.entry(action.to_owned()).or_default().insert(file.to_owned());
        }
    }

    /// Takes in what another one has.
    pub fn join(&mut self, other: Self) {
        for (label, files) in other.rows {
            self.rows.entry(label).or_default().extend(files);
        }
        for (action, files) in other.actions {
            self.actions.entry(action).or_default().extend(files);
        }
    }

    /// Rows and remedies that no file reaches.
    pub fn unreached(&self) -> Vec<String> {
        let rows = TABLE.iter().copied().map(label).filter(|label| !self.rows.contains_key(label));
        let actions = Action::ALL.into_iter().map(Action::as_str).filter(|action| !self.actions.contains_key(*action));
        rows.chain(actions.map(|action| format!("remedy {action}"))).collect()
    }

    /// The table that is printed.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |what: &str, files: Option<&BTreeSet<String>>| {
            let none = BTreeSet::new();
            let files = files.unwrap_or(&none);
            let named: Vec<&str> = files.iter().take(3).map(String::as_str).collect();
            let _ = writeln!(text, "{what:<64} {:>3}  {}", files.len(), named.join(", "));
        };
        for row in TABLE {
            line(&label(*row), self.rows.get(&label(*row)));
        }
        for action in Action::ALL {
            line(&format!("remedy {}", action.as_str()), self.actions.get(action.as_str()));
        }
        text
    }
}
