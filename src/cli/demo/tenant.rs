//! The administrator of the story: acts on the pretend tenant over HTTP, as a person would with a browser.

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::emulator::server::Running;

/// The administrator, as the incident names them.
const ADMINISTRATOR: &str = "admin@contoso.com";

/// Tenant of the incident.
pub const TENANT: &str = "00000000-0000-4000-8000-000000000001";

/// The tenant's two doors.
#[derive(Debug)]
pub struct Tenant {
    http: reqwest::Client,
    control: String,
}

impl Tenant {
    /// Stands before the doors of this emulator.
    pub fn new(emulator: &Running) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { http, control: emulator.control_url() })
    }

    /// Deletes the service principal of this application.
    pub async fn delete_principal(&self, app_id: &str) -> anyhow::Result<()> {
        self.act("DELETE", &format!("/servicePrincipals(appId='{app_id}')")).await.map(drop)
    }

    /// Restores this deleted object.
    pub async fn restore(&self, object_id: &str) -> anyhow::Result<()> {
        self.act("POST", &format!("/directory/deletedItems/{object_id}/restore")).await.map(drop)
    }

    /// Takes this application permission away from the application.
    pub async fn revoke(&self, app_id: &str, app_role_id: &str) -> anyhow::Result<()> {
        let base = format!("/servicePrincipals(appId='{app_id}')/appRoleAssignments");
        let list = self.act("GET", &base).await?;
        let assignments = list.get("value").and_then(Value::as_array).cloned().unwrap_or_default();
        let assignment = assignments.iter().find(|assignment| text(assignment, "appRoleId") == Some(app_role_id));
        let id = assignment.and_then(|assignment| text(assignment, "id")).context("the permission is not granted")?;
        let principal = assignment.and_then(|assignment| text(assignment, "principalId")).unwrap_or_default();
        self.act("DELETE", &format!("/servicePrincipals/{principal}/appRoleAssignments/{id}")).await.map(drop)
    }

    /// Opens the consent page and presses Accept.
    pub async fn accept_consent(&self, url: &str) -> anyhow::Result<()> {
        let page = self.http.get(url).send().await?.error_for_status()?.text().await?;
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in hidden_fields(&page) {
            form.append_pair(&name, &value);
        }
        form.append_pair("decision", "accept");
        let request =
            self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form.finish());
        let answer = request.send().await?;
        ensure!(
            answer.status().is_success() || answer.status().is_redirection(),
            "the consent page answered {}",
            answer.status()
        );
        Ok(())
    }

    async fn act(&self, method: &str, path: &str) -> anyhow::Result<Value> {
        let body = json!({ "tenantId": TENANT, "user": ADMINISTRATOR, "method": method, "path": path });
        let request = self
            .http
            .post(format!("{}/as", self.control))
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("{method} {path} was answered with {status}: {text}");
        }
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

/// Names and values of the hidden fields of a form.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let attribute = |tag: &str, name: &str| {
        let rest = tag.split_once(&format!("{name}=\""))?.1;
        Some(rest.split_once('"')?.0.to_owned())
    };
    page.split("<input ")
        .skip(1)
        .filter_map(|rest| rest.split_once('>').map(|(tag, _)| tag))
        .filter(|tag| tag.contains("type=\"hidden\""))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}
