//! A control plane of one's own, definitions for it, and the program beside it.

use std::{path::PathBuf, time::Duration};

use k8s_openapi::{
    api::{
        core::v1::{Namespace, Secret},
        events::v1::Event,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{CREDENTIALS_LABEL, REQUESTED_AT_ANNOTATION, WebexAzureIntegration, crd},
    control_plane::{Assets, ControlPlane},
};

use crate::{
    object::{says, status},
    program::Program,
    tenant::{SECRET, Tenants},
};

/// Namespace of the objects.
pub const NAMESPACE: &str = "webex";

/// Longest wait for one thing.
const PATIENCE: Duration = Duration::from_mins(1);

/// Pause between two questions whether something has come true.
const TICK: Duration = Duration::from_millis(50);

/// Name of the definition.
const DEFINITION: &str = "webexazureintegrations.webexazure.dev";

/// A cluster without a definition, and a namespace in it.
pub struct Scene {
    pub control_plane: ControlPlane,
    pub client: Client,
    pub objects: Api<WebexAzureIntegration>,
}

impl Scene {
    pub async fn open() -> Self {
        // Fails when another test of this process was first, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let prebuilt = std::env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let assets = Assets::new(prebuilt, Assets::beside_target());
        let control_plane = ControlPlane::start(&assets, &|_| ()).await.unwrap_or_else(|error| panic!("{error}"));
        let client = control_plane.client().await.unwrap();
        let mut namespace = Namespace::default();
        namespace.metadata.name = Some(NAMESPACE.to_owned());
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        let scene = Self { control_plane, objects: Api::namespaced(client.clone(), NAMESPACE), client };
        scene.secret().await;
        scene
    }

    pub async fn close(self) {
        self.control_plane.stop().await.unwrap();
    }

    /// The kubeconfig of the administrator.
    pub fn kubeconfig(&self) -> &str {
        self.control_plane.kubeconfig().to_str().unwrap()
    }

    /// Installs the definition, or changes the installed one, and waits until the API server tells everyone so.
    pub async fn define(&self, definition: &Value) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let parameters = PatchParams::apply("test").force();
        api.patch(DEFINITION, &parameters, &Patch::Apply(definition)).await.unwrap();
        await_condition(api, DEFINITION, is_crd_established()).await.unwrap();
        let version = definition["spec"]["versions"][0]["name"].as_str().unwrap();
        let path = format!("/openapi/v3/apis/webexazure.dev/{version}");
        let expected = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
        eventually("the definition is published", async || {
            let request = http::Request::get(&path).body(Vec::new()).unwrap();
            let Ok(description) = self.client.request::<Value>(request).await else { return false };
            let schema =
                &description["components"]["schemas"][format!("dev.webexazure.{version}.WebexAzureIntegration")];
            schema["properties"]["status"]["properties"] == expected["properties"]
        })
        .await;
    }

    /// Takes the definition away, and with it all objects.
    pub async fn undefine(&self) {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        api.delete(DEFINITION, &DeleteParams::default()).await.unwrap();
        eventually("the definition is gone", async || api.get_opt(DEFINITION).await.unwrap().is_none()).await;
    }

    async fn secret(&self) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "stringData": { "client-secret": SECRET },
            "metadata": { "name": "graph", "labels": { CREDENTIALS_LABEL: "true" } },
        });
        let api: Api<Secret> = Api::namespaced(self.client.clone(), NAMESPACE);
        api.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    }

    /// Starts the operator for the objects of the namespace; a minute is two seconds for it.
    pub fn operate(&self, tenants: &Tenants) -> Program {
        self.operate_with(tenants, &[])
    }

    /// The same with further arguments.
    pub fn operate_with(&self, tenants: &Tenants, further: &[&str]) -> Program {
        let url = tenants.url();
        let arguments = [
            ["--namespace", NAMESPACE],
            ["--emulator", &url],
            ["--metrics-address", "127.0.0.1:0"],
            ["--timing-divisor", "30"],
        ];
        let arguments = [&["run"], arguments.as_flattened(), further].concat();
        Program::start(&arguments, &[("KUBECONFIG", self.kubeconfig())])
    }

    pub async fn create(&self, object: &Value) {
        let parameters = PatchParams::apply("author").force();
        let name = object["metadata"]["name"].as_str().unwrap();
        let objects = Api::<kube::api::DynamicObject>::namespaced_with(
            self.client.clone(),
            NAMESPACE,
            &kube::api::ApiResource::erase::<WebexAzureIntegration>(&()),
        );
        objects.patch(name, &parameters, &Patch::Apply(object)).await.unwrap();
    }

    /// Waits until the object is so.
    pub async fn until(
        &self,
        name: &str,
        what: &str,
        is_so: impl Fn(&WebexAzureIntegration) -> bool,
    ) -> WebexAzureIntegration {
        let mut last = None;
        eventually(&format!("{name}: {what}"), async || {
            last = self.objects.get_opt(name).await.unwrap();
            last.as_ref().is_some_and(&is_so)
        })
        .await;
        last.unwrap()
    }

    /// Waits until the object has this condition, written as `Type=Status Reason`.
    pub async fn until_says(&self, name: &str, condition: &str) -> WebexAzureIntegration {
        self.until(name, condition, |object| says(object, condition)).await
    }

    /// Asks for a look and waits until it was made.
    pub async fn until_asked(&self, name: &str, value: &str) -> WebexAzureIntegration {
        let change = json!({ "metadata": { "annotations": { REQUESTED_AT_ANNOTATION: value } } });
        self.objects.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
        let is_echoed =
            |object: &WebexAzureIntegration| status(object).last_handled_reconcile_at.as_deref() == Some(value);
        self.until(name, &format!("the look {value} was made"), is_echoed).await
    }

    /// How many events there are for this reason.
    pub async fn events(&self, reason: &str) -> usize {
        let api: Api<Event> = Api::namespaced(self.client.clone(), NAMESPACE);
        let events = api.list(&ListParams::default()).await.unwrap();
        events.items.iter().filter(|event| event.reason.as_deref() == Some(reason)).count()
    }

    /// The object's status as it stands in the cluster, whatever this version makes of it.
    pub async fn raw_status(&self, name: &str) -> Value {
        let request = http::Request::get(format!(
            "/apis/webexazure.dev/v1alpha1/namespaces/{NAMESPACE}/webexazureintegrations/{name}"
        ));
        let object: Value = self.client.request(request.body(Vec::new()).unwrap()).await.unwrap();
        object["status"].clone()
    }
}

/// The definition as this version has it.
pub fn definition() -> Value {
    let mut definition = serde_json::to_value(crd()).unwrap();
    definition["metadata"] = json!({ "name": DEFINITION });
    definition
}

/// Its schema.
pub fn schema(definition: &mut Value) -> &mut Value {
    &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

/// The definition without this field of the status, such as `drift[].attribution`.
pub fn without(mut definition: Value, path: &str) -> Value {
    let (outer, field) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = &mut schema(&mut definition)["properties"]["status"];
    for name in outer.split('.').filter(|name| !name.is_empty()) {
        place = match name.strip_suffix("[]") {
            Some(list) => &mut place["properties"][list]["items"],
            None => &mut place["properties"][name],
        };
    }
    place["properties"].as_object_mut().unwrap().remove(field).unwrap();
    definition
}

/// The lines of a log, each of which is JSON and nothing else.
pub fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The messages of this level.
pub fn said(log: &str, level: &str) -> Vec<String> {
    let of_level = lines(log).into_iter().filter(|line| line["level"] == level);
    of_level.map(|line| line["message"].as_str().unwrap().to_owned()).collect()
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
