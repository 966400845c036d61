//! The pods: how they run, with which arguments, identity and rights over the machine.

use serde_json::{Value, json};

use crate::helm::{Helm, Objects};

const CLIENT: &str = "00000000-0000-4000-8000-000000000031";
const TENANT: &str = "00000000-0000-4000-8000-000000000001";

fn volume<'a>(objects: &'a Objects, name: &str) -> Option<&'a Value> {
    objects.pod()["spec"]["volumes"].as_array().unwrap().iter().find(|volume| volume["name"] == name)
}

fn mount<'a>(objects: &'a Objects, name: &str) -> Option<&'a Value> {
    objects.container()["volumeMounts"].as_array().unwrap().iter().find(|mount| mount["name"] == name)
}

#[tokio::test]
async fn two_pods_elect_one_and_answer_probes() {
    let objects = Helm::found().await.renders(&json!({}));
    let spec = &objects.one("Deployment")["spec"];
    assert_eq!(spec["replicas"], 2);
    assert_eq!(spec["strategy"]["type"], "RollingUpdate");
    assert_eq!(objects.pod()["spec"]["terminationGracePeriodSeconds"], 30);
    let container = objects.container();
    let expected =
        ["run", "--lease=on/y-webex-azure-operator", "--health-address=0.0.0.0:8081", "--metrics-address=0.0.0.0:8080"];
    assert_eq!(container["args"], json!(expected));
    assert_eq!(container["ports"][0], json!({"name": "health", "containerPort": 8081, "protocol": "TCP"}));
    assert_eq!(container["ports"][1], json!({"name": "metrics", "containerPort": 8080, "protocol": "TCP"}));
    for (probe, path) in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"], json!({"path": path, "port": "health"}), "{probe}");
    }
    let budget = objects.one("PodDisruptionBudget");
    assert_eq!(budget["spec"]["maxUnavailable"], 1);
    assert_eq!(budget["spec"]["selector"], spec["selector"]);
    let spread = &objects.pod()["spec"]["topologySpreadConstraints"][0];
    assert_eq!(spread["whenUnsatisfiable"], "ScheduleAnyway");
    assert_eq!(spread["labelSelector"], spec["selector"]);
}

#[tokio::test]
async fn without_election_nothing_runs_side_by_side() {
    let alone = json!({"leaderElection": {"enabled": false}, "replicas": 1});
    let objects = Helm::found().await.renders(&alone);
    assert_eq!(objects.one("Deployment")["spec"]["strategy"], json!({"type": "Recreate"}));
    let args = objects.container()["args"].to_string();
    assert!(!args.contains("--lease"), "{args}");
    assert!(objects.of("PodDisruptionBudget").is_empty());
    assert!(objects.of("Role").is_empty(), "no right on a Lease is left");
}

#[tokio::test]
async fn pod_and_container_are_restricted_each_by_itself() {
    let helm = Helm::found().await;
    for objects in [helm.renders(&json!({})), helm.renders_everything(&json!({}))] {
        let pod = &objects.pod()["spec"];
        let container = &objects.container()["securityContext"];
        for context in [&pod["securityContext"], container] {
            assert_eq!(context["runAsNonRoot"], true);
            assert_ne!(context["runAsUser"], Value::Null);
            assert_ne!(context["runAsGroup"], Value::Null);
            assert_eq!(context["seccompProfile"], json!({"type": "RuntimeDefault"}));
        }
        assert_eq!(container["privileged"], false);
        assert_eq!(container["allowPrivilegeEscalation"], false);
        assert_eq!(container["readOnlyRootFilesystem"], true);
        assert_eq!(container["capabilities"], json!({"drop": ["ALL"]}));
        assert_eq!(pod["enableServiceLinks"], false);
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_eq!(pod[host], Value::Null, "{host}");
        }
        let kinds = |volume: &Value| volume.get("projected").or(volume.get("configMap")).is_some();
        assert!(pod["volumes"].as_array().unwrap().iter().all(kinds), "{}", pod["volumes"]);
        let mounts = objects.container()["volumeMounts"].as_array().unwrap();
        assert!(mounts.iter().all(|mount| mount["readOnly"] == true), "{mounts:?}");
    }
    let openshift = helm.renders(&json!({"runAsUser": null, "runAsGroup": null}));
    let context = &openshift.container()["securityContext"];
    assert_eq!((&context["runAsUser"], &context["runAsNonRoot"]), (&Value::Null, &json!(true)));
}

#[tokio::test]
async fn the_api_servers_token_is_mounted_into_the_one_container_that_needs_it() {
    let objects = Helm::found().await.renders(&json!({}));
    assert_eq!(objects.one("ServiceAccount")["automountServiceAccountToken"], false);
    assert_eq!(objects.pod()["spec"]["automountServiceAccountToken"], false);
    // What a client finds in a cluster by convention: token, ca.crt and namespace in this folder.
    let mount = mount(&objects, "kube-api-access").unwrap();
    assert_eq!(mount["mountPath"], "/var/run/secrets/kubernetes.io/serviceaccount");
    let sources = &volume(&objects, "kube-api-access").unwrap()["projected"]["sources"];
    assert_eq!(sources[0]["serviceAccountToken"], json!({"path": "token", "expirationSeconds": 3607}));
    assert_eq!(sources[1]["configMap"]["items"][0]["path"], "ca.crt");
    assert_eq!(sources[2]["downwardAPI"]["items"][0]["path"], "namespace");
}

#[tokio::test]
async fn the_operators_identity_comes_from_the_chart_or_from_microsofts_webhook() {
    let helm = Helm::found().await;
    let allow = json!([{"namespace": "webex", "tenantId": TENANT}]);
    let identity = json!({"enabled": true, "clientId": CLIENT, "allow": allow});
    let by_chart = helm.renders(&json!({"operatorIdentity": identity}));
    let expected = json!([
        {"name": "AZURE_CLIENT_ID", "value": CLIENT},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/tokens/azure-identity-token"},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/"},
    ]);
    assert_eq!(by_chart.container()["env"], expected);
    let token = &volume(&by_chart, "azure-identity-token").unwrap()["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["audience"], "api://AzureADTokenExchange");
    assert_eq!(token["path"], "azure-identity-token");
    assert_eq!(mount(&by_chart, "azure-identity-token").unwrap()["mountPath"], "/var/run/secrets/azure/tokens");
    let allowed = format!("--allow-operator-identity=webex={TENANT}");
    assert!(by_chart.container()["args"].as_array().unwrap().contains(&json!(allowed)));
    assert_eq!(by_chart.pod()["metadata"]["labels"]["azure.workload.identity/use"], Value::Null);

    let china = json!({"enabled": true, "clientId": CLIENT, "allow": allow, "cloud": "China"});
    let china = helm.renders(&json!({"operatorIdentity": china}));
    let token = &volume(&china, "azure-identity-token").unwrap()["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["audience"], "api://AzureADTokenExchangeChina");
    assert_eq!(china.container()["env"][2]["value"], "https://login.chinacloudapi.cn/");

    let webhook = json!({"enabled": true, "clientId": CLIENT, "allow": allow, "webhook": true});
    let by_webhook = helm.renders(&json!({"operatorIdentity": webhook}));
    assert_eq!(by_webhook.pod()["metadata"]["labels"]["azure.workload.identity/use"], "true");
    let annotations = &by_webhook.one("ServiceAccount")["metadata"]["annotations"];
    assert_eq!(annotations["azure.workload.identity/client-id"], CLIENT);
    assert_eq!(by_webhook.container()["env"], Value::Null);
    assert!(volume(&by_webhook, "azure-identity-token").is_none());
    assert!(by_webhook.container()["args"].as_array().unwrap().contains(&json!(allowed)));
}

#[tokio::test]
async fn further_authorities_are_mounted_and_named() {
    let helm = Helm::found().await;
    let bundle = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
    let inline = helm.renders(&json!({"trust": {"caBundle": bundle}}));
    let config_map = inline.named("ConfigMap", "y-webex-azure-operator-trust");
    assert_eq!(config_map["data"]["ca.crt"], bundle);
    assert_eq!(volume(&inline, "trust").unwrap()["configMap"]["name"], "y-webex-azure-operator-trust");
    let own = helm.renders(&json!({"trust": {"configMap": {"name": "on", "key": "y"}}}));
    let expected = json!({"name": "on", "items": [{"key": "y", "path": "ca.crt"}]});
    assert_eq!(volume(&own, "trust").unwrap()["configMap"], expected);
    for objects in [&inline, &own] {
        let folder = mount(objects, "trust").unwrap()["mountPath"].as_str().unwrap();
        let argument = format!("--trust-ca-file={folder}/ca.crt");
        assert!(objects.container()["args"].as_array().unwrap().contains(&json!(argument)));
    }
    let other = helm.renders(&json!({"trust": {"caBundle": bundle.replace("MII", "MIJ")}}));
    assert_ne!(inline.pod()["metadata"]["annotations"], other.pod()["metadata"]["annotations"]);
}

#[tokio::test]
async fn every_value_of_the_pod_arrives_there() {
    let objects = Helm::found().await.renders_everything(&json!({}));
    let deployment = objects.named("Deployment", "null");
    assert_eq!(deployment["spec"]["replicas"], 3);
    let pod = &objects.pod()["spec"];
    assert_eq!(pod["serviceAccountName"], "true");
    assert_eq!(pod["imagePullSecrets"], json!([{"name": "yes"}]));
    assert_eq!(pod["priorityClassName"], "system-cluster-critical");
    assert_eq!(pod["nodeSelector"], json!({"kubernetes.io/os": "linux", "disk": "on"}));
    assert_eq!(pod["affinity"], json!({"podAntiAffinity": {}}));
    assert_eq!(pod["tolerations"], json!([{"key": "dedicated", "operator": "Exists"}]));
    let spread = json!([{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"a": "1"}}}]);
    assert_eq!(pod["topologySpreadConstraints"], spread);
    assert_eq!(pod["securityContext"]["runAsUser"], 1000);
    let container = objects.container();
    let digest = "0".repeat(64);
    assert_eq!(container["image"], format!("registry.example/operator@sha256:{digest}"));
    let expected = json!([
        "run",
        "--lease=on/null",
        "--health-address=0.0.0.0:9091",
        "--metrics-address=0.0.0.0:9090",
        "--namespace=off",
        "--namespace=webex",
        format!("--allow-operator-identity=webex={TENANT}"),
        "--trust-ca-file=/etc/webex-azure-operator/trust/ca.crt",
        "--flag=true",
        "0x10",
    ]);
    assert_eq!(container["args"], expected);
    assert_eq!(container["env"][3], json!({"name": "RUST_LOG", "value": "true"}));
    assert_eq!(container["resources"], json!({"requests": {"cpu": 1, "memory": "32Mi"}, "limits": {"memory": "64Mi"}}));
    let metadata = &objects.pod()["metadata"];
    assert_eq!(metadata["labels"]["example.com/number"], "1");
    assert_eq!(metadata["annotations"]["example.com/number"], "1");
    for object in objects.all() {
        assert_eq!(object["metadata"]["labels"]["team"], "on", "{}", object["kind"]);
    }
    assert_eq!(objects.one("PodDisruptionBudget")["spec"]["maxUnavailable"], "50%");
}
