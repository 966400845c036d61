//! Which fields of the status the installed definition declares. Server-side apply refuses a status as a whole if one
//! field of it is not declared, so an operator that is newer than the definition leaves those out, and says so.
//!
//! Where the definition can be read about without a right of its own: `/openapi/v3/apis/…`, which Kubernetes lets every
//! account read (the role `system:discovery`). Where a cluster does not, the fields that a refusal names are left out.

mod declared;

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kube::{Client, Resource as _};
use prometheus_client::{metrics::gauge::Gauge, registry::Registry};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use self::declared::{Declared, refused_fields};
use super::{publish::within_deadline, store::hash_of};
use crate::api::{GROUP, WebexAzureIntegration, WebexAzureIntegrationStatus, crd};

/// Which fields of the status are declared. Until it is known, all of them.
#[derive(Debug)]
pub struct StatusSchema {
    own: Declared,
    state: Mutex<State>,
    undeclared: Gauge,
}

#[derive(Debug, Default)]
struct State {
    /// What the definition declares, where that is less than this version may write.
    short: Option<Declared>,
    missing: BTreeSet<String>,
    /// When to ask again; only where something is missing.
    ask_again: Option<Instant>,
}

impl Default for StatusSchema {
    fn default() -> Self {
        let definition = serde_json::to_value(crd()).unwrap_or_default();
        let status = definition.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status");
        Self {
            own: status.map_or(Declared::Whole, Declared::by),
            state: Mutex::default(),
            undeclared: Gauge::default(),
        }
    }
}

impl StatusSchema {
    /// Makes the number of fields readable that are left out.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "undeclared_status_fields",
            "Fields of the status that the installed definition does not declare and that are therefore not written",
            self.undeclared.clone(),
        );
    }

    /// Asks the API server what the definition declares. That it does not tell changes nothing.
    pub async fn ask(&self, client: &Client) {
        if let Some(served) = asked(client).await {
            self.learn(served);
        }
    }

    /// The same where something is missing, at most once in this time, so that an upgrade of the definition is noticed.
    pub async fn ask_again(&self, client: &Client, now: Instant, pause: Duration) {
        let is_due = {
            let mut state = self.state();
            let is_due = state.ask_again.is_some_and(|due| now >= due);
            if state.short.is_some() && (is_due || state.ask_again.is_none()) {
                state.ask_again = Some(now + pause);
            }
            is_due
        };
        if is_due {
            self.ask(client).await;
        }
    }

    /// Takes in that the API server refused a status; whether it did so because of fields that are not declared, so that
    /// the same status without them may be taken.
    pub async fn was_refused(&self, client: &Client, message: &str) -> bool {
        let fields = refused_fields(message);
        if fields.is_empty() {
            return false;
        }
        // The description may be behind the definition for a moment, or not be readable; the refusal is certain.
        let agrees = |served: &Declared| fields.iter().all(|field| !served.clone().remove(field));
        let served = asked(client).await.filter(agrees);
        let mut declared = served.or_else(|| self.state().short.clone()).unwrap_or_else(|| self.own.clone());
        for field in &fields {
            declared.remove(field);
        }
        self.learn(declared);
        true
    }

    /// The status as far as it is declared; none if all of it is.
    pub fn shortened(&self, status: &WebexAzureIntegrationStatus) -> Option<Value> {
        let state = self.state();
        let short = state.short.as_ref()?;
        Some(short.prune(&serde_json::to_value(status).unwrap_or_default()))
    }

    /// A number that changes with what is declared.
    pub fn edition(&self) -> u64 {
        hash_of(&self.state().missing)
    }

    fn learn(&self, served: Declared) {
        let missing = self.own.missing_in(&served);
        let mut state = self.state();
        self.undeclared.set(i64::try_from(missing.len()).unwrap_or(i64::MAX));
        if missing != state.missing {
            tell(&missing);
        }
        if missing.is_empty() {
            state.ask_again = None;
        }
        state.short = (!missing.is_empty()).then_some(served);
        state.missing = missing;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(missing: &BTreeSet<String>) {
    if missing.is_empty() {
        info!("the installed CustomResourceDefinition declares the whole status again, which is written from now on");
        return;
    }
    let fields: Vec<String> = missing.iter().map(|field| format!("status.{field}")).collect();
    warn!(
        fields = missing.len(),
        "the installed CustomResourceDefinition is older than this operator: it does not declare {}, so that these are not written; verdicts still are; upgrade it with `webex-azure-operator crd | kubectl apply -f -`, or with the chart",
        fields.join(", ")
    );
}

async fn asked(client: &Client) -> Option<Declared> {
    match described(client).await {
        Ok(Some(served)) => return Some(served),
        Ok(None) => debug!("the API server's description of WebexAzureIntegration has no status"),
        Err(error) => {
            debug!(error = %crate::ops::chain(&error), "the API server does not describe WebexAzureIntegration");
        }
    }
    None
}

/// What the API server says that it declares of the status; none if it does not say.
async fn described(client: &Client) -> Result<Option<Declared>, super::pass::PassError> {
    let (version, kind) = (WebexAzureIntegration::version(&()), WebexAzureIntegration::kind(&()));
    let path = format!("/openapi/v3/apis/{GROUP}/{version}");
    let Ok(request) = http::Request::get(path).body(Vec::new()) else { return Ok(None) };
    let description: Value = within_deadline(client.request(request)).await?;
    let is_ours = |schema: &&Value| {
        let names = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array).into_iter().flatten();
        names.into_iter().any(|name| {
            let says = |field, value: &str| name.get(field).and_then(Value::as_str) == Some(value);
            says("group", GROUP) && says("version", &version) && says("kind", &kind)
        })
    };
    let schemas = description.pointer("/components/schemas").and_then(Value::as_object);
    let schema = schemas.into_iter().flat_map(|schemas| schemas.values()).find(is_ours);
    Ok(schema.and_then(|schema| schema.pointer("/properties/status")).map(Declared::by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn until_something_is_missing_the_status_is_written_as_it_is() {
        let schema = StatusSchema::default();
        let status = WebexAzureIntegrationStatus { drift_count: Some(1), ..WebexAzureIntegrationStatus::default() };
        assert_eq!(schema.shortened(&status), None);
        schema.learn(schema.own.clone());
        assert_eq!(schema.shortened(&status), None);
    }

    #[test]
    fn a_definition_that_catches_up_ends_the_shortening() {
        let schema = StatusSchema::default();
        let status = WebexAzureIntegrationStatus {
            drift_count: Some(1),
            observed_generation: Some(2),
            ..WebexAzureIntegrationStatus::default()
        };
        let before = schema.edition();
        let mut older = schema.own.clone();
        assert!(older.remove(&["driftCount".to_owned()]));
        schema.learn(older);
        assert_eq!(schema.shortened(&status), Some(serde_json::json!({ "observedGeneration": 2 })));
        assert_eq!(schema.undeclared.get(), 1);
        assert_ne!(schema.edition(), before);
        schema.learn(schema.own.clone());
        assert_eq!((schema.shortened(&status), schema.undeclared.get()), (None, 0));
        assert_eq!(schema.edition(), before);
    }
}
