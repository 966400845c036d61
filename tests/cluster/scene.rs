//! One test's surroundings: a namespace, an emulator and an operator, all its own.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    core::v1::{Namespace, Secret, ServiceAccount},
    events::v1::Event,
};
use kube::{
    Api, Client,
    api::{ListParams, Patch, PatchParams, PostParams},
    runtime::wait,
};
use serde_json::{Value, json};
use tokio::{sync::RwLockReadGuard, task::JoinSet};
use tokio_util::sync::CancellationToken;
use webex_azure_operator::{
    api::{CLIENT_ID_ANNOTATION, CREDENTIALS_LABEL, REQUESTED_AT_ANNOTATION, WebexAzureIntegration},
    clock::Clock,
    controller::{Area, Controller, RunError, Settings, credential::OperatorIdentity, queue::Limits},
    domain::Timing,
};

use crate::{
    object::{IN_SYNC, conditions, in_vain, message, says, status},
    stage::{Cluster, Stage},
    tenant::{SECRET, Tenants},
    wire::Wire,
};

/// The operator's windows and paces: 60 seconds become 2.
const SPEED: i32 = 30;

/// Longest wait for one thing.
const PATIENCE: Duration = Duration::from_secs(40);

/// Pause between two questions whether something has come true.
const TICK: Duration = Duration::from_millis(50);

/// One test's surroundings.
pub struct Scene<'a> {
    /// The control plane.
    pub cluster: &'a Cluster,
    /// The test's namespace.
    pub namespace: &'static str,
    /// Its objects.
    pub objects: Api<WebexAzureIntegration>,
    /// The emulator.
    pub tenants: Tenants,
    /// The way from the operator to the emulator.
    pub wire: Arc<Wire>,
    /// The identity of the operator itself.
    pub operator_identity: OperatorIdentity,
    stop: CancellationToken,
    operator: JoinSet<Result<(), RunError>>,
    _definition: Option<RwLockReadGuard<'a, ()>>,
}

impl<'a> Scene<'a> {
    /// A namespace with a Secret that opens the incident's tenant; the operator does not run yet.
    pub async fn open(stage: &'a Stage, namespace: &'static str) -> Self {
        let definition = stage.definition.read().await;
        Self { _definition: Some(definition), ..Self::open_alone(stage, namespace).await }
    }

    /// The same for a test that has the definition to itself.
    pub async fn open_alone(stage: &'a Stage, namespace: &'static str) -> Self {
        let cluster = stage.cluster().await;
        let client = cluster.client.clone();
        let mut own = Namespace::default();
        own.metadata.name = Some(namespace.to_owned());
        Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &own).await.unwrap();
        let scene = Self {
            cluster,
            namespace,
            objects: Api::namespaced(client, namespace),
            tenants: Tenants::start(),
            wire: Arc::new(Wire::new()),
            operator_identity: OperatorIdentity::default(),
            stop: CancellationToken::new(),
            operator: JoinSet::new(),
            _definition: None,
        };
        scene.secret("graph", &json!({ "client-secret": SECRET })).await;
        scene
    }

    /// The same, and the operator runs as the administrator.
    pub async fn operated(stage: &'a Stage, namespace: &'static str) -> Self {
        let mut scene = Self::open(stage, namespace).await;
        scene.operate(scene.cluster.client.clone());
        scene
    }

    /// Starts the operator with this client.
    pub fn operate(&mut self, client: Client) {
        self.operate_with(client, |_| {});
    }

    /// The same with settings changed by this.
    pub fn operate_with(&mut self, client: Client, change: impl FnOnce(&mut Settings)) {
        let mut settings = Settings {
            areas: Area::of([self.namespace]),
            limits: Limits { total: 8, per_tenant: 4 },
            timing: Timing::PRODUCTION.shortened_by(SPEED),
            server: Some(self.tenants.url()),
            exchange_audience: None,
            operator: self.operator_identity.clone(),
            linkable: Vec::new(),
            attribution: webex_azure_operator::domain::Attribution::Names,
            instance: "test".to_owned(),
        };
        change(&mut settings);
        let controller = Controller::new(client, Arc::clone(&self.wire), Clock::system(), settings);
        self.operator.spawn(controller.run(self.stop.clone()));
    }

    /// Ends the operator, which must have run until now; it can be started again.
    pub async fn rest(&mut self) {
        std::mem::take(&mut self.stop).cancel();
        while let Some(ended) = self.operator.join_next().await {
            ended.unwrap().unwrap();
        }
    }

    /// Ends the operator and the emulator; the operator must have run until now.
    pub async fn close(mut self) {
        self.rest().await;
        self.tenants.stop().await;
    }

    /// Writes a Secret that the operator may use.
    pub async fn secret(&self, name: &str, data: &Value) {
        self.labelled_secret(name, data, &json!({ CREDENTIALS_LABEL: "true" })).await;
    }

    /// Writes a Secret with these labels.
    pub async fn labelled_secret(&self, name: &str, data: &Value, labels: &Value) {
        let data: serde_json::Map<String, Value> =
            data.as_object().unwrap().iter().map(|(key, value)| (key.clone(), encoded(value))).collect();
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name, "labels": labels }, "data": data });
        let api: Api<Secret> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&secret)).await.unwrap();
    }

    /// Writes a ServiceAccount, bound to this application if one is given.
    pub async fn service_account(&self, name: &str, application: Option<&str>) {
        let annotations = application.map(|application| json!({ CLIENT_ID_ANNOTATION: application }));
        let metadata = json!({ "name": name, "annotations": annotations });
        let account = json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata });
        let api: Api<ServiceAccount> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&account)).await.unwrap();
    }

    /// Writes to a Secret without changing what is in it.
    pub async fn touch_secret(&self, name: &str, value: &str) {
        let change = json!({ "metadata": { "annotations": { "example.com/touched": value } } });
        let api: Api<Secret> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        api.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    }

    /// Creates this object.
    pub async fn create(&self, object: &Value) -> WebexAzureIntegration {
        let object = serde_json::from_value(object.clone()).unwrap();
        self.objects.create(&PostParams::default(), &object).await.unwrap()
    }

    /// Merges this into the object.
    pub async fn edit(&self, name: &str, change: &Value) -> WebexAzureIntegration {
        self.objects.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap()
    }

    /// Asks for a look, as `flux reconcile` does.
    pub async fn ask(&self, name: &str, value: &str) {
        self.edit(name, &json!({ "metadata": { "annotations": { REQUESTED_AT_ANNOTATION: value } } })).await;
    }

    /// The object as it stands.
    pub async fn get(&self, name: &str) -> WebexAzureIntegration {
        self.objects.get(name).await.unwrap()
    }

    /// Waits until the object is so.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&WebexAzureIntegration) -> bool + Send,
    ) -> WebexAzureIntegration {
        let condition = |object: Option<&WebexAzureIntegration>| object.is_some_and(&is_so);
        let met = tokio::time::timeout(PATIENCE, wait::await_condition(self.objects.clone(), name, condition)).await;
        let Ok(object) = met else {
            panic!("{name}: waited {PATIENCE:?} in vain until {what}: {:#?}", self.objects.get_opt(name).await);
        };
        object.unwrap().unwrap()
    }

    /// Waits until the object has this condition, written as `Type=Status Reason`.
    pub async fn until_says(&self, name: &str, condition: &str) -> WebexAzureIntegration {
        self.until(name, condition, |object| says(object, condition)).await
    }

    /// Waits until the look that this value asks for was made.
    pub async fn until_asked(&self, name: &str, value: &str) -> WebexAzureIntegration {
        self.ask(name, value).await;
        let is_answered =
            |object: &WebexAzureIntegration| status(object).last_handled_reconcile_at.as_deref() == Some(value);
        self.until(name, &format!("the look {value} was made"), is_answered).await
    }

    /// Waits until the object is in order.
    pub async fn until_in_sync(&self, name: &str) -> WebexAzureIntegration {
        let is_in_sync = |object: &WebexAzureIntegration| conditions(object) == IN_SYNC;
        self.until(name, "it is in order", is_in_sync).await
    }

    /// Asks for looks, as whoever mended something does, until the object is in order. A refused credential is not shown
    /// again at every one of them.
    pub async fn until_mended(&self, name: &str) {
        for number in 0..30 {
            let value = format!("mended {number}");
            self.ask(name, &value).await;
            let is_handled = |object: &WebexAzureIntegration| {
                crate::object::status(object).last_handled_reconcile_at.as_deref() == Some(value.as_str())
            };
            if conditions(&self.until(name, "the request was handled", is_handled).await) == IN_SYNC {
                return;
            }
        }
        panic!("{name} is not in order after 30 looks");
    }

    /// Waits until the first look at the object was in vain for this reason, and tells the message, which says all this.
    pub async fn until_in_vain(&self, name: &str, reason: &str, says: &[&str]) -> String {
        let object = self.until_says(name, &format!("Ready=False {reason}")).await;
        assert_eq!(conditions(&object), in_vain(reason), "{name}");
        let told = message(&object, "Observed");
        for part in says {
            assert!(told.contains(part), "{name}: {part:?} is missing in: {told}");
        }
        assert_eq!(message(&object, "Ready"), told, "{name}");
        told
    }

    /// Waits for this many more looks at a tenant.
    pub async fn until_looked(&self, tenant: &str, more: usize) {
        let before = self.tenants.looks(tenant).await;
        eventually("looked at", async || self.tenants.looks(tenant).await >= before + more).await;
    }

    /// Reasons of all events about this object, in order of time.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let api: Api<Event> = Api::namespaced(self.cluster.client.clone(), self.namespace);
        let mut events = api.list(&ListParams::default()).await.unwrap().items;
        events
            .retain(|event| event.regarding.as_ref().is_some_and(|regarding| regarding.name.as_deref() == Some(name)));
        events.sort_by_key(|event| event.event_time.as_ref().map(|time| time.0));
        events.into_iter().filter_map(|event| event.reason).collect()
    }
}

/// Asks again and again until it is so.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let asked = async {
        let mut ticks = tokio::time::interval(TICK);
        while !is_so().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, asked).await.is_ok(), "waited {PATIENCE:?} in vain until {what}");
}

fn encoded(value: &Value) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(value.as_str().unwrap()).into()
}
