//! `plan --explain`: every request that a look made, and what the operator's application may and may not do.

use std::{collections::BTreeSet, fmt::Write as _};

use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;

use crate::{
    cli::output,
    domain::{Desired, permission},
    graph::{Exchange, Look},
};

/// What a look asked, and with which permissions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    requests: Vec<Asked>,
    /// None if there was no token.
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Permissions>,
}

/// One request, or one item of a batch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    operation: &'static str,
    method: String,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    client_request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_units: Option<u32>,
    milliseconds: u64,
    #[serde(skip)]
    is_item: bool,
}

/// Application permissions of the operator's own application, as its token tells them.
#[derive(Debug, Serialize)]
struct Permissions {
    has: BTreeSet<String>,
    lacks: Vec<Lacking>,
    #[serde(rename = "doesNotNeed")]
    does_not_need: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Lacking {
    permission: &'static str,
    purpose: String,
}

impl Explanation {
    /// The explanation of this look.
    pub fn of(desired: &Desired, look: &Look) -> Self {
        let permissions = look.roles.as_ref().map(|roles| Permissions {
            lacks: permission::lacking(desired, None, roles)
                .into_iter()
                .map(|(permission, purpose)| Lacking { permission, purpose })
                .collect(),
            does_not_need: permission::excess(desired, roles),
            has: roles.as_ref().clone(),
        });
        Self { requests: look.trail.iter().cloned().map(Asked::from).collect(), permissions }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["REQUEST", "STATUS", "CODE", "UNITS", "MS", "REQUEST ID", "TARGET"]);
        for asked in &self.requests {
            let dash = || "-".to_owned();
            table.add_row([
                format!("{}{}", if asked.is_item { "  " } else { "" }, asked.operation),
                asked.status.map_or_else(dash, |status| status.to_string()),
                asked.code.clone().unwrap_or_else(dash),
                asked.resource_units.map_or_else(dash, |units| units.to_string()),
                asked.milliseconds.to_string(),
                asked.request_id.clone().unwrap_or_else(dash),
                format!("{} {}", asked.method, asked.target),
            ]);
        }
        let mut text: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
        text.push('\n');
        match &self.permissions {
            None => text.push_str("The operator's application got no token, so that its permissions are not known.\n"),
            Some(permissions) => text.push_str(&permissions.text()),
        }
        text
    }
}

impl Permissions {
    fn text(&self) -> String {
        let Self { has, lacks, does_not_need } = self;
        let listed = |items: Vec<String>| if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
        let lacks = lacks.iter().map(|Lacking { permission, purpose }| format!("{permission} ({purpose})")).collect();
        let mut text = String::from("Application permissions of Microsoft Graph, as the token tells them\n");
        for (what, items) in
            [("has", has.iter().cloned().collect()), ("lacks", lacks), ("does not need", does_not_need.clone())]
        {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", output::wrapped(&format!("{what}: {}", listed(items))));
        }
        text
    }
}

impl From<Exchange> for Asked {
    fn from(exchange: Exchange) -> Self {
        let Exchange { operation, method, target, status, code, request_id, client_request_id, resource_units, took } =
            exchange;
        Self {
            operation: operation.as_str(),
            method,
            target,
            status,
            code,
            request_id,
            client_request_id,
            resource_units,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            is_item: operation.is_item(),
        }
    }
}
