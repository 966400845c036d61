//! The health check for Argo CD: its own tests, in the form in which Argo CD runs them, and the `ConfigMap` made from it.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde::Deserialize;
use serde_json::Value;
use webex_azure_operator::{
    api::{ConditionType, Reason, WebexAzureIntegration, reason::ConditionStatus},
    domain::Desired,
};

use super::{
    case::{Case, broken_rules, complaints},
    file,
    judge::{HEALTH_SCRIPT, argo, judge},
};

/// The folder with the health check and its tests, laid out as in Argo CD's `resource_customizations`.
const FOLDER: &str = "gitops/argocd/webexazure.dev/WebexAzureIntegration";
const CONFIG_MAP: &str = "gitops/argocd/argocd-cm.yaml";
const KEY: &str = "resource.customizations.health.webexazure.dev_WebexAzureIntegration";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tests {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Test {
    input_path: String,
    health_status: HealthStatus,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthStatus {
    status: String,
    #[serde(default)]
    message: String,
}

fn tests() -> Vec<Test> {
    let Tests { tests } = serde_saphyr::from_str(&file::read(&format!("{FOLDER}/health_test.yaml"))).unwrap();
    tests
}

fn object(input: &str) -> Value {
    serde_saphyr::from_str(&file::read(&format!("{FOLDER}/{input}"))).unwrap_or_else(|error| panic!("{input}: {error}"))
}

#[test]
fn the_health_check_passes_its_own_tests_as_argo_cd_runs_them() {
    let tests = tests();
    let objects: Vec<Value> = tests.iter().map(|test| object(&test.input_path)).collect();
    for (test, said) in tests.iter().zip(argo(HEALTH_SCRIPT, &objects)) {
        assert_eq!(said.error, "", "{}", test.input_path);
        let found = HealthStatus { status: said.status, message: said.message };
        assert_eq!(found, test.health_status, "{}", test.input_path);
    }
}

#[test]
fn every_file_of_test_data_is_in_a_test_and_every_case_is_in_a_file() {
    let listed: BTreeSet<String> = tests().into_iter().map(|test| test.input_path).collect();
    let there: BTreeSet<String> = fs::read_dir(file::path(&format!("{FOLDER}/testdata")))
        .unwrap()
        .map(|entry| format!("testdata/{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    assert_eq!(listed, there);
    let objects = there.iter().map(|input| object(input)).filter(|object| !object["status"].is_null());
    let cases: BTreeSet<Case> = objects.map(|object| Case::of(&object)).collect();
    let missing: Vec<&Case> = Case::ALL.iter().filter(|case| !cases.contains(case)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn kstatus_and_flux_say_of_the_test_data_what_the_table_says() {
    let inputs: Vec<String> = tests().into_iter().map(|test| test.input_path).collect();
    let all: Vec<Value> = inputs.iter().map(|input| object(input)).collect();
    for ((input, object), judgement) in inputs.iter().zip(&all).zip(judge(&all)) {
        if !object["status"].is_null() {
            let complaints = [complaints(object, &judgement), broken_rules(object, &judgement)].concat();
            assert!(complaints.is_empty(), "{input}: {complaints:#?}");
        }
    }
}

#[test]
fn the_test_data_are_objects_and_statuses_that_the_operator_could_have_written() {
    for Test { input_path, .. } in tests() {
        let value = object(&input_path);
        let object: WebexAzureIntegration =
            serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{input_path}: {error}"));
        let status = object.status.unwrap_or_default();
        let is_broken = status.condition("Ready").is_some_and(|ready| ready.reason == Reason::InvalidSpec.as_str());
        assert_eq!(Desired::from_spec(&object.spec).is_err(), is_broken, "{input_path}");
        let known: Vec<ConditionType> = status
            .conditions
            .iter()
            .map(|condition| {
                let of = ConditionType::ALL.into_iter().find(|known| known.as_str() == condition.type_).unwrap();
                let reason = Reason::from_name(&condition.reason).unwrap();
                let repeats = [ConditionType::Ready, ConditionType::Stalled].contains(&of);
                let status = [ConditionStatus::True, ConditionStatus::False, ConditionStatus::Unknown]
                    .into_iter()
                    .find(|known| known.as_str() == condition.status)
                    .unwrap();
                assert!(repeats || reason.fits(of, status), "{input_path}: {of} {status} {reason}");
                of
            })
            .collect();
        assert!(known.is_sorted(), "{input_path}: {known:?}");
    }
}

/// The `ConfigMap` with the script in it, to be patched into the one that is there.
fn config_map(script: &str) -> String {
    let mut text = format!(
        "# Adds the health check to Argo CD's ConfigMap, and leaves what else it holds:\n# kubectl patch configmap argocd-cm --namespace argocd --patch-file {CONFIG_MAP}\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: argocd-cm\n  namespace: argocd\ndata:\n  {KEY}: |\n"
    );
    for line in script.lines() {
        let _ = writeln!(text, "{}", format!("    {line}").trim_end());
    }
    text
}

#[test]
fn the_config_map_holds_the_health_check_as_it_is() {
    let script = file::read(HEALTH_SCRIPT);
    file::check(CONFIG_MAP, &config_map(&script));
    let read: Value = serde_saphyr::from_str(&file::read(CONFIG_MAP)).unwrap();
    assert_eq!(read["data"][KEY], script, "YAML gives back what was put in");
}

#[test]
fn a_script_finds_nothing_that_argo_cd_keeps_from_it() {
    let objects = [serde_json::json!({ "metadata": {} })];
    let said = argo("tests/gitops/locked.lua", &objects);
    assert_eq!((said[0].status.as_str(), said[0].message.as_str()), ("Healthy", ""), "{said:?}");
}
