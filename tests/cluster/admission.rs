//! What the API server lets in: the definition itself, and one table of good and bad objects that must get the same
//! answer from the API server and from the checks in Rust.

use std::{collections::BTreeSet, fs, path::Path};

use bytes::Bytes;
use futures::StreamExt as _;
use http::Request;
use kube::{Api, Client, api::PostParams, core::Status};
use serde::Deserialize;
use serde_json::{Value, json};
use webex_azure_operator::{
    api::{WebexAzureIntegration, rule, schema, validation},
    cli::crd_yaml,
};

use crate::{
    object::{changed, integration, status},
    scene::Scene,
    stage::{DEFINITION, Stage},
};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/admission");

/// One object of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What is special about it.
    name: String,
    /// What is merged into the smallest object.
    change: Value,
    /// The fields that are refused; none if the object is accepted.
    #[serde(default)]
    refused: Vec<String>,
    /// For a rule in CEL: what a person is told.
    #[serde(default)]
    says: Option<String>,
}

/// What one side said about an object: the fields it refuses, and its sentences.
#[derive(Debug, Default)]
struct Verdict {
    fields: BTreeSet<String>,
    sentences: Vec<String>,
}

pub async fn the_definition_is_accepted_without_a_warning(stage: &Stage) {
    let _definition = stage.definition.read().await;
    let cluster = stage.cluster().await;
    let installation = &cluster.installation;
    assert_eq!(installation.err, "");
    assert_eq!(
        installation.out,
        "customresourcedefinition.apiextensions.k8s.io/webexazureintegrations.webexazure.dev created\n"
    );
    // Nothing is written: a definition that changed would interrupt the other tests.
    for text in [DEFINITION, &crd_yaml().unwrap()] {
        let again = cluster.fed(&["apply", "--dry-run=server", "-f", "-"], text).await;
        assert_eq!(again.err, "");
        assert_eq!(
            again.succeeded(),
            "customresourcedefinition.apiextensions.k8s.io/webexazureintegrations.webexazure.dev unchanged (server dry run)\n"
        );
    }
}

pub async fn api_server_and_rust_agree_on_every_object(stage: &Stage) {
    let scene = Scene::open(stage, "admission").await;
    let mut disagreements = Vec::new();
    let mut count = 0;
    for case in cases() {
        count += 1;
        let object = changed(integration("candidate"), &case.change);
        let expected: BTreeSet<String> = case.refused.iter().cloned().collect();
        let server = asked(&scene, &object).await;
        let rust = checked(&object);
        for (side, verdict) in [("API server", server), ("Rust", rust)] {
            let says =
                case.says.as_ref().is_none_or(|says| verdict.sentences.iter().any(|sentence| sentence.ends_with(says)));
            if verdict.fields != expected || verdict.is_refusal() == expected.is_empty() || !says {
                disagreements.push(format!(
                    "{}: the table says {expected:?} {:?}, {side} says {verdict:?}",
                    case.name, case.says
                ));
            }
        }
    }
    assert!(disagreements.is_empty(), "{} of {count}:\n{}", disagreements.len(), disagreements.join("\n"));
    assert!(count > 70, "only {count} objects were found");
    scene.close().await;
}

/// Pairs of entries of the table, merged into one object: the two judges may list the fields differently, because the
/// API server evaluates no rule in CEL on an object of the wrong shape, but both refuse it or neither.
pub async fn api_server_and_rust_agree_on_two_peculiarities_at_once(stage: &Stage) {
    const PAIRS: usize = 500;
    let scene = Scene::open(stage, "pairs").await;
    let cases: Vec<Case> = cases().collect();
    // A step that shares no factor with the number of pairs visits all of them in the end.
    let pairs = (0..PAIRS)
        .map(|n| n * 7919 % (cases.len() * cases.len()))
        .map(|n| (&cases[n / cases.len()], &cases[n % cases.len()]));
    let asked = pairs.map(async |(one, two)| {
        let object = changed(changed(integration("candidate"), &one.change), &two.change);
        let (server, rust) = (asked(&scene, &object).await, checked(&object));
        let agree = server.is_refusal() == rust.is_refusal()
            && (!rust.is_refusal() || !server.fields.is_disjoint(&rust.fields));
        (!agree).then(|| format!("{} + {}: API server says {server:?}, Rust says {rust:?}", one.name, two.name))
    });
    let disagreements: Vec<String> =
        futures::stream::iter(asked).buffered(8).filter_map(std::future::ready).collect().await;
    assert!(disagreements.is_empty(), "{} of {PAIRS}:\n{}", disagreements.len(), disagreements.join("\n"));
    scene.close().await;
}

pub async fn tenant_and_cloud_cannot_be_changed(stage: &Stage) {
    let scene = Scene::open(stage, "immutable").await;
    let integration_app =
        json!({ "spec": { "identityIntegration": { "appId": "00000000-0000-4000-8000-0000000000aa" } } });
    scene.create(&changed(integration("fixed"), &integration_app)).await;
    for (field, value, sentence) in [
        ("tenantId", "00000000-0000-4000-8000-000000000002", rule::TENANT_IMMUTABLE.message),
        ("cloud", "China", rule::CLOUD_IMMUTABLE.message),
    ] {
        let change = json!({ "spec": { field: value } });
        let refused =
            scene.objects.patch("fixed", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(change)).await;
        let verdict = refusal(refused.unwrap_err());
        assert_eq!(verdict.fields, BTreeSet::from([format!("spec.{field}")]));
        assert!(verdict.sentences.iter().any(|said| said.ends_with(sentence)), "{verdict:?}");
    }
    scene.close().await;
}

pub async fn a_new_object_says_that_it_was_never_observed(stage: &Stage) {
    let scene = Scene::open(stage, "unseen").await;
    let lied = changed(integration("new"), &json!({ "status": { "observedGeneration": 1, "conditions": [] } }));
    let api: Api<WebexAzureIntegration> = scene.objects.clone();
    let created = api.create(&PostParams::default(), &serde_json::from_value(lied).unwrap()).await.unwrap();
    assert_eq!(status(&created).observed_generation, Some(-1));
    assert_eq!(serde_json::to_value(status(&scene.get("new").await)).unwrap(), json!({ "observedGeneration": -1 }));
    scene.close().await;
}

impl Verdict {
    fn is_refusal(&self) -> bool {
        !self.fields.is_empty() || !self.sentences.is_empty()
    }
}

/// All objects of the table, by file.
fn cases() -> impl Iterator<Item = Case> {
    let mut files: Vec<_> = fs::read_dir(Path::new(TABLE)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files.into_iter().flat_map(|file| {
        let text = fs::read_to_string(&file).unwrap();
        let cases: Vec<Case> =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        cases
    })
}

/// The API server's verdict, asked as kubectl asks: strictly.
async fn asked(scene: &Scene<'_>, object: &Value) -> Verdict {
    let url = format!(
        "/apis/webexazure.dev/v1alpha1/namespaces/{}/webexazureintegrations?dryRun=All&fieldValidation=Strict",
        scene.namespace
    );
    let request = Request::post(url)
        .header("content-type", "application/json")
        .body(Bytes::from(object.to_string()).to_vec())
        .unwrap();
    let client: &Client = &scene.cluster.client;
    match client.request::<Value>(request).await {
        Ok(_) => Verdict::default(),
        Err(error) => refusal(error),
    }
}

fn refusal(error: kube::Error) -> Verdict {
    let kube::Error::Api(status) = error else { panic!("{error}") };
    let Status { message, details, .. } = *status;
    let mut verdict = Verdict::default();
    // Unknown fields are found by the decoder, which knows no causes.
    for part in message.split("unknown field \"").skip(1) {
        verdict.fields.insert(part.split_once('"').unwrap().0.to_owned());
    }
    for cause in details.into_iter().flat_map(|details| details.causes) {
        // The API server notes so that it did not evaluate rules on an object of the wrong shape.
        if cause.field != "<nil>" {
            verdict.fields.insert(cause.field);
            verdict.sentences.push(cause.message);
        }
    }
    if verdict.fields.is_empty() {
        verdict.sentences.push(message);
    }
    verdict
}

/// The verdict of the checks in Rust, in the order of `plan`.
fn checked(object: &Value) -> Verdict {
    let mut violations = schema::check(object);
    if violations.is_empty() {
        let parsed: WebexAzureIntegration = serde_json::from_value(object.clone()).unwrap();
        violations = validation::validate(&parsed.spec);
    }
    Verdict {
        fields: violations.iter().map(|violation| violation.path.clone()).collect(),
        sentences: violations.into_iter().map(|violation| violation.message).collect(),
    }
}
