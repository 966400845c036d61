//! Values that are wrong, and what Helm says of them: the name of the field, or what does not fit together.

use serde_json::{Value, json};

use crate::helm::{CHART, EVERYTHING, Helm};

const TENANT: &str = "00000000-0000-4000-8000-000000000001";

fn said_of(helm: &Helm, values: &Value, further: &[&str]) -> String {
    let file = helm.file("wrong.json", &values.to_string());
    helm.fails(&[&["template", "y", CHART, "--namespace", "on", "--values", &file], further].concat())
}

#[tokio::test]
async fn the_chart_lints_with_no_values_and_with_all_of_them() {
    let helm = Helm::found().await;
    helm.succeeds(&["lint", "--strict", CHART]);
    helm.succeeds(&["lint", "--strict", CHART, "--values", EVERYTHING]);
}

#[tokio::test]
async fn a_wrong_value_is_refused_by_the_name_of_its_field() {
    let helm = Helm::found().await;
    for (values, field) in [
        (json!({"credentails": []}), "credentails"),
        (json!({"replicas": "two"}), "/replicas"),
        (json!({"replicas": 1000}), "/replicas"),
        (json!({"image": {"repository": ""}}), "/image/repository"),
        (json!({"image": {"repository": "https://registry.example/operator"}}), "/image/repository"),
        (json!({"image": {"tag": "a b"}}), "/image/tag"),
        (json!({"image": {"digest": "sha256:1"}}), "/image/digest"),
        (json!({"image": {"pullPolicy": "always"}}), "/image/pullPolicy"),
        (json!({"imagePullSecrets": [{"name": "x"}]}), "/imagePullSecrets/0"),
        (json!({"fullnameOverride": "Upper"}), "/fullnameOverride"),
        (json!({"commonLabels": {"team": true}}), "/commonLabels/team"),
        (json!({"namespaces": "webex"}), "/namespaces"),
        (json!({"namespaces": ["Webex"]}), "/namespaces/0"),
        (json!({"credentials": [{"namespace": "webex"}]}), "/credentials/0"),
        (json!({"credentials": [{"namespace": "webex", "secrets": []}]}), "/credentials/0/secrets"),
        (json!({"credentials": [{"namespace": "webex", "secrets": ["*"]}]}), "/credentials/0/secrets/0"),
        (json!({"operatorIdentity": {"clientId": "me"}}), "/operatorIdentity/clientId"),
        (json!({"operatorIdentity": {"allow": [{"namespace": "webex"}]}}), "tenantId"),
        (json!({"operatorIdentity": {"cloud": "global"}}), "/operatorIdentity/cloud"),
        (json!({"settings": {"heartbeat": "1 hour"}}), "/settings/heartbeat"),
        (json!({"settings": {"maxLooks": 0}}), "/settings/maxLooks"),
        (json!({"settings": {"objectMetrics": "yes"}}), "/settings/objectMetrics"),
        (json!({"settings": {"exchangeAudience": "https://kubernetes.default.svc"}}), "/settings/exchangeAudience"),
        (json!({"settings": {"logFormat": "yaml"}}), "/settings/logFormat"),
        (json!({"tokenPolicy": {"audiences": ["https://kubernetes.default.svc"]}}), "/tokenPolicy/audiences/0"),
        (json!({"metrics": {"port": 80}}), "/metrics/port"),
        (json!({"health": {"port": "http"}}), "/health/port"),
        (json!({"leaderElection": true}), "/leaderElection"),
        (json!({"networkPolicy": {"flavor": "calico"}}), "/networkPolicy/flavor"),
        (json!({"networkPolicy": {"clouds": ["Mars"]}}), "/networkPolicy/clouds/0"),
        (json!({"networkPolicy": {"apiServer": {"cidrs": ["10.0.0.1"]}}}), "/networkPolicy/apiServer/cidrs/0"),
        (json!({"networkPolicy": {"metricsFrom": [{}]}}), "/networkPolicy/metricsFrom/0"),
        (json!({"podDisruptionBudget": {"maxUnavailable": 0}}), "/podDisruptionBudget/maxUnavailable"),
        (json!({"runAsUser": 0}), "/runAsUser"),
        (json!({"resources": {"limits": {"memory": "lots"}}}), "/resources/limits/memory"),
        (json!({"tolerations": [{"efect": "NoSchedule"}]}), "efect"),
        (json!({"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone"}]}), "whenUnsatisfiable"),
        (json!({"env": [{"name": "A", "valuefrom": {}}]}), "valuefrom"),
        (json!({"proxy": {"url": "http://me:secret@proxy.example"}}), "/proxy/url"),
        (json!({"trust": {"caBundle": "MII="}}), "/trust/caBundle"),
        (json!({"serviceMonitor": {"interval": "often"}}), "/serviceMonitor/interval"),
        (json!({"prometheusRule": {"runbookBaseUrl": "docs/"}}), "/prometheusRule/runbookBaseUrl"),
    ] {
        let said = said_of(&helm, &values, &[]);
        assert!(said.contains(field) && said.contains("values don't meet the specifications"), "{values}: {said}");
    }
}

#[tokio::test]
async fn values_that_do_not_fit_together_are_refused_with_a_sentence() {
    let helm = Helm::found().await;
    let allow = json!([{"namespace": "webex", "tenantId": TENANT}]);
    let secrets = |namespace: &str| json!({"namespace": namespace, "secrets": ["graph"]});
    for (values, sentence) in [
        (
            json!({"leaderElection": {"enabled": false}}),
            "replicas is 2, but leaderElection.enabled is false: two pods would look at every tenant and write every \
             status; set replicas to 1 or leaderElection.enabled to true",
        ),
        (json!({"health": {"port": 8080}}), "metrics.port and health.port are both 8080"),
        (
            json!({"trust": {"caBundle": "-----BEGIN CERTIFICATE-----", "configMap": {"name": "a"}}}),
            "trust.caBundle and trust.configMap.name are both set",
        ),
        (
            json!({"serviceAccount": {"create": false}}),
            "serviceAccount.create is false, but serviceAccount.name is empty",
        ),
        (
            json!({"metrics": {"enabled": false}, "serviceMonitor": {"enabled": true}}),
            "serviceMonitor.enabled is true, but metrics.enabled is false",
        ),
        (
            json!({"metrics": {"enabled": false}, "prometheusRule": {"enabled": true}}),
            "prometheusRule.enabled is true, but metrics.enabled is false",
        ),
        (
            json!({"operatorIdentity": {"enabled": true, "allow": allow}}),
            "operatorIdentity.enabled is true, but operatorIdentity.clientId is empty",
        ),
        (
            json!({"operatorIdentity": {"enabled": true, "clientId": TENANT}}),
            "operatorIdentity.enabled is true, but operatorIdentity.allow is empty",
        ),
        (json!({"operatorIdentity": {"allow": allow}}), "but operatorIdentity.enabled is false"),
        (
            json!({"namespaces": ["a"], "operatorIdentity": {"enabled": true, "clientId": TENANT, "allow": allow}}),
            "operatorIdentity.allow[0] is for the namespace \"webex\", which is not in namespaces",
        ),
        (
            json!({"namespaces": ["a"], "credentials": [secrets("webex")]}),
            "credentials names the namespace \"webex\", which is not in namespaces",
        ),
        (
            json!({"credentials": [secrets("webex"), secrets("webex")]}),
            "credentials names the namespace \"webex\" twice",
        ),
    ] {
        let said = said_of(&helm, &values, &[]);
        assert!(said.contains(sentence), "{values}: {said}");
    }
}

#[tokio::test]
async fn values_that_would_open_every_secret_are_refused_even_without_the_schema() {
    let helm = Helm::found().await;
    let values = json!({"credentials": [{"namespace": "webex", "secrets": []}]});
    let said = said_of(&helm, &values, &["--skip-schema-validation"]);
    assert!(said.contains("names no secrets and no serviceAccounts"), "{said}");
}
