//! What pipelines make of every state that they could see of the object in any scenario: as it was created,
//! edited, and written. The tools are real, the expectations are those of tests/gitops.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use webex_azure_operator::api::WebexAzureIntegrationStatus;

use super::{
    TOLD,
    case::{Case, broken_rules, complaints},
    flux::{Phase, broken},
    is_whole,
    judge::judge,
};

/// The state as it is, and the same one a moment after somebody edits it, suspends it, or deletes it.
fn with_neighbours(state: &Value) -> [Value; 4] {
    let edited = |change: &dyn Fn(&mut Value)| {
        let mut object = state.clone();
        let generation = object["metadata"]["generation"].as_i64().unwrap();
        object["metadata"]["generation"] = (generation + 1).into();
        change(&mut object);
        object
    };
    let mut deleted = state.clone();
    deleted["metadata"]["deletionTimestamp"] = "2026-11-23T08:00:00Z".into();
    deleted["metadata"]["finalizers"] = json!(["example.com/keep"]);
    [
        state.clone(),
        edited(&|object| object["spec"]["interval"] = "7m".into()),
        edited(&|object| object["spec"]["suspend"] = true.into()),
        deleted,
    ]
}

#[test]
fn pipelines_go_on_wait_and_fail_as_the_table_says_in_every_state_of_every_scenario() {
    let named: Vec<(&str, Value)> = TOLD
        .states
        .iter()
        .flat_map(|(name, state)| with_neighbours(state).map(|state| (name.as_str(), state)))
        .collect();
    let objects: Vec<Value> = named.iter().map(|(_, object)| object.clone()).collect();
    let mut counted: BTreeMap<Case, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for ((name, object), judgement) in named.iter().zip(judge(&objects)) {
        *counted.entry(Case::of(object)).or_default() += 1;
        let found = complaints(object, &judgement).into_iter().chain(broken_rules(object, &judgement));
        wrong.extend(found.map(|complaint| format!("{name}: {complaint}\n{}", object["status"]["conditions"])));
    }
    println!("{} states of {} scenarios: {counted:#?}", objects.len(), super::chosen().len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), objects.len(), wrong.join("\n"));
    if is_whole() {
        let missing: Vec<&Case> = Case::ALL.iter().filter(|case| !counted.contains_key(case)).collect();
        assert!(missing.is_empty(), "no file reaches {missing:?}");
    }
}

#[test]
fn every_status_of_every_scenario_keeps_the_rules_of_flux() {
    for (name, state) in &TOLD.states {
        let status: WebexAzureIntegrationStatus = serde_json::from_value(state["status"].clone()).unwrap();
        let generation = state["metadata"]["generation"].as_i64().unwrap();
        if status.observed_generation == Some(generation) {
            let broken = broken(generation, &status, Phase::of(&status));
            assert!(broken.is_empty(), "{name}: {broken:?} of {:#}", state["status"]["conditions"]);
        }
    }
}
