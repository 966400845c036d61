//! What holds for every status there could be, and not only for those that scenarios reach.

use serde_json::{Value, json};
use webex_azure_operator::api::WebexAzureIntegrationStatus;

use super::{
    case::{Case, harm},
    file,
    flux::{Phase, broken},
    judge::judge,
};

const GENERATION: i64 = 3;

/// Objects with every combination of what pipelines read.
fn every_combination() -> Vec<Value> {
    let statuses = |names: &[&str]| -> Vec<Option<String>> {
        names.iter().map(|name| (!name.is_empty()).then(|| (*name).to_owned())).collect()
    };
    let mut objects = Vec::new();
    for ready in statuses(&["", "True", "False", "Unknown"]) {
        for stalled in statuses(&["", "True", "False"]) {
            for reconciling in statuses(&["", "True", "False"]) {
                for root in [-1, GENERATION - 1, GENERATION, GENERATION + 1] {
                    for each in [None, Some(GENERATION - 1), Some(GENERATION)] {
                        let of = [("Reconciling", &reconciling), ("Stalled", &stalled), ("Ready", &ready)];
                        let informs = Some("True".to_owned());
                        let conditions: Vec<Value> = of
                            .into_iter()
                            .chain([("Drifted", &informs)])
                            .filter_map(|(name, status)| Some(condition(name, status.as_deref()?, each)))
                            .collect();
                        let status = json!({ "observedGeneration": root, "conditions": conditions });
                        objects.push(object(&json!({}), &status));
                    }
                }
            }
        }
    }
    objects
}

fn condition(name: &str, status: &str, generation: Option<i64>) -> Value {
    let mut condition = json!({
        "type": name, "status": status, "reason": "Because", "message": "A sentence.",
        "lastTransitionTime": "2026-11-23T08:00:00Z",
    });
    if let Some(generation) = generation {
        condition["observedGeneration"] = generation.into();
    }
    condition
}

fn object(spec: &Value, status: &Value) -> Value {
    json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration",
        "metadata": { "name": "contoso", "namespace": "webex", "generation": GENERATION }, "spec": spec, "status": status,
    })
}

fn status(object: &Value) -> WebexAzureIntegrationStatus {
    serde_json::from_value(object["status"].clone()).unwrap()
}

#[test]
fn the_rules_that_histories_are_held_to_are_those_of_flux() {
    let objects = every_combination();
    for (object, judgement) in objects.iter().zip(judge(&objects)) {
        for (phase, original) in [(Phase::Settled, &judgement.settled), (Phase::Midway, &judgement.midway)] {
            let ported = broken(GENERATION, &status(object), phase);
            assert_eq!(ported.len(), original.fail.len(), "{phase:?} {ported:?}, Flux: {original:#?} of {object}");
        }
    }
}

#[test]
fn no_two_pipelines_disagree_on_any_status_that_keeps_the_rules_of_flux() {
    let kept: Vec<Value> = every_combination()
        .into_iter()
        .filter(|object| {
            let status = status(object);
            broken(GENERATION, &status, Phase::of(&status)).is_empty()
        })
        .collect();
    let mut objects = Vec::new();
    for object in kept {
        for spec in [json!({}), json!({ "suspend": true })] {
            let mut of_spec = object.clone();
            of_spec["spec"] = spec;
            let mut deleted = of_spec.clone();
            deleted["metadata"]["deletionTimestamp"] = "2026-11-23T08:00:00Z".into();
            deleted["metadata"]["finalizers"] = json!(["example.com/keep"]);
            let mut edited = of_spec.clone();
            edited["metadata"]["generation"] = (GENERATION + 1).into();
            objects.extend([of_spec, deleted, edited]);
        }
    }
    assert!(objects.len() > 100, "{}", objects.len());
    for (object, judgement) in objects.iter().zip(judge(&objects)) {
        assert_eq!(harm(&judgement), None, "{object:#}");
    }
}

/// Why the definition gives each new object a status: the trap that everyone falls into who does not.
#[test]
fn an_object_without_a_status_would_be_current_for_kstatus_and_has_one_from_the_definition() {
    let mut bare = object(&json!({}), &Value::Null);
    bare.as_object_mut().unwrap().remove("status");
    let definition: Value =
        serde_saphyr::from_str(&file::read("crds/webexazureintegrations.webexazure.dev.yaml")).unwrap();
    let default = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]["default"];
    let fresh = object(&json!({}), default);
    assert_eq!(Case::of(&fresh), Case::Fresh);
    let said = judge(&[bare, fresh]);
    assert_eq!((said[0].kstatus.status.as_str(), said[0].argo.status.as_str()), ("Current", "Progressing"));
    assert!(said[0].exprs.error.contains("status"), "Flux goes on waiting: {:?}", said[0].exprs);
    assert_eq!((said[1].kstatus.status.as_str(), said[1].argo.status.as_str()), ("InProgress", "Progressing"));
    assert_eq!(said[1].exprs.status, "InProgress");
}
