//! Whom the pods may reach and who may reach them, and Microsoft's hosts and audiences in the chart.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use webex_azure_operator::{api::Cloud, domain::cloud::Endpoints};

use crate::helm::{Helm, Objects};

const CLOUDS: [(Cloud, &str); 4] = [
    (Cloud::Global, "Global"),
    (Cloud::USGovernment, "USGovernment"),
    (Cloud::USGovernmentDoD, "USGovernmentDoD"),
    (Cloud::China, "China"),
];

fn of_cilium(values: &Value) -> Value {
    json!({"networkPolicy": {"flavor": "cilium", "clouds": values}})
}

/// The hosts by name that a `CiliumNetworkPolicy` lets through.
fn hosts(objects: &Objects) -> BTreeSet<String> {
    let egress = objects.one("CiliumNetworkPolicy")["spec"]["egress"].as_array().unwrap();
    let named = egress.iter().filter_map(|rule| rule["toFQDNs"].as_array()).flatten();
    named.map(|host| host["matchName"].as_str().unwrap().to_owned()).collect()
}

fn expected_hosts(cloud: Cloud) -> [String; 2] {
    let Endpoints { login, graph, exchange_audience: _ } = Endpoints::of(cloud);
    [login, graph].map(|url| url.strip_prefix("https://").unwrap().to_owned())
}

#[tokio::test]
async fn the_hosts_of_each_cloud_are_those_that_the_operator_asks() {
    let helm = Helm::found().await;
    for (cloud, name) in CLOUDS {
        let objects = helm.renders(&of_cilium(&json!([name])));
        assert_eq!(hosts(&objects), BTreeSet::from(expected_hosts(cloud)), "{name}");
    }
    let all = helm.renders(&of_cilium(&json!(CLOUDS.map(|(_, name)| name))));
    assert_eq!(hosts(&all), CLOUDS.iter().flat_map(|(cloud, _)| expected_hosts(*cloud)).collect());
}

#[tokio::test]
async fn the_audiences_of_the_token_policy_are_those_that_the_operator_asks_for() {
    let helm = Helm::found().await;
    let audiences = |objects: &Objects| -> BTreeSet<String> {
        let policy = objects.one("ValidatingAdmissionPolicy");
        let expression = policy["spec"]["validations"][0]["expression"].as_str().unwrap();
        expression.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    };
    let of_clouds: BTreeSet<String> = CLOUDS.iter().map(|(cloud, _)| Endpoints::of(*cloud).exchange_audience).collect();
    assert_eq!(audiences(&helm.renders(&json!({}))), of_clouds);
    let further = helm.renders_everything(&json!({}));
    let expected = ["api://another", "api://third"].map(str::to_owned).into_iter().chain(of_clouds).collect();
    assert_eq!(audiences(&further), expected);
    let asked_by = &further.one("ValidatingAdmissionPolicy")["spec"]["matchConditions"][0]["expression"];
    assert_eq!(*asked_by, "request.userInfo.username == 'system:serviceaccount:on:true'");
    let identity = |cloud: &str| {
        json!({"enabled": true, "clientId": "00000000-0000-4000-8000-000000000031", "cloud": cloud,
            "allow": [{"namespace": "webex", "tenantId": "00000000-0000-4000-8000-000000000001"}]})
    };
    for (cloud, name) in CLOUDS {
        let pod = helm.renders(&json!({"operatorIdentity": identity(name)})).pod().to_string();
        let Endpoints { login, exchange_audience, .. } = Endpoints::of(cloud);
        assert!(pod.contains(&format!("\"audience\":\"{exchange_audience}\"")), "{name}: {pod}");
        assert!(pod.contains(&format!("\"value\":\"{login}/\"")), "{name}: {pod}");
    }
}

#[tokio::test]
async fn the_pods_reach_dns_the_api_server_and_port_443_and_are_reached_by_scrapes() {
    let objects = Helm::found().await.renders(&json!({}));
    let policy = &objects.one("NetworkPolicy")["spec"];
    assert_eq!(policy["podSelector"], objects.one("Deployment")["spec"]["selector"]);
    assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]));
    let scrapes = json!([{"from": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": "metrics"}]}]);
    assert_eq!(policy["ingress"], scrapes);
    let ports = |rule: &Value| -> Vec<String> {
        let ports = rule["ports"].as_array().unwrap();
        ports.iter().map(|port| format!("{}/{}", port["protocol"].as_str().unwrap(), port["port"])).collect()
    };
    let egress: Vec<_> = policy["egress"].as_array().unwrap().iter().map(ports).collect();
    let dns = ["UDP/53", "TCP/53", "UDP/5353", "TCP/5353"].map(str::to_owned).to_vec();
    let api_server = ["TCP/443", "TCP/6443"].map(str::to_owned).to_vec();
    assert_eq!(egress, [dns, api_server, vec!["TCP/443".to_owned()]]);
}

#[tokio::test]
async fn peers_narrow_what_is_reached_and_an_empty_list_of_them_opens_nothing() {
    let helm = Helm::found().await;
    let narrow = helm.renders_everything(&json!({"networkPolicy": {"flavor": "kubernetes"}}));
    let policy = &narrow.one("NetworkPolicy")["spec"];
    let to = |address: &str| json!([{"ipBlock": {"cidr": address}}]);
    assert_eq!(policy["egress"][0]["to"][0]["namespaceSelector"]["matchLabels"].as_object().unwrap().len(), 1);
    assert_eq!(policy["egress"][1], json!({"ports": [{"protocol": "TCP", "port": 6443}], "to": to("10.0.0.1/32")}));
    assert_eq!(policy["egress"][2], json!({"ports": [{"protocol": "TCP", "port": 443}], "to": to("20.0.0.0/8")}));
    assert_eq!(policy["egress"][3], json!({"ports": [{"protocol": "TCP", "port": 3128}], "to": to("10.1.0.0/16")}));
    assert_eq!(policy["ingress"][1]["from"], to("10.0.0.0/8"));
    assert_eq!(policy["ingress"][1]["ports"], json!([{"protocol": "TCP", "port": "health"}]));
    assert!(narrow.of("CiliumNetworkPolicy").is_empty());

    let nobody = helm.renders(&json!({"networkPolicy": {"metricsFrom": []}}));
    assert_eq!(nobody.one("NetworkPolicy")["spec"]["ingress"], Value::Null);
    let none = helm.renders(&json!({"networkPolicy": {"enabled": false}}));
    assert!(none.of("NetworkPolicy").is_empty());
}

#[tokio::test]
async fn cilium_opens_port_443_for_names_only() {
    let objects = Helm::found().await.renders_everything(&json!({}));
    // Policies add up: what the plain one would open could not be narrowed by the other.
    let plain = &objects.one("NetworkPolicy")["spec"]["egress"];
    assert_eq!(plain.as_array().unwrap().len(), 1, "{plain}");
    assert_eq!(plain[0]["ports"][0]["port"], 3128);
    let policy = &objects.one("CiliumNetworkPolicy")["spec"];
    assert_eq!(policy["endpointSelector"], objects.one("Deployment")["spec"]["selector"]);
    let egress = &policy["egress"];
    let endpoints = json!({"k8s:io.kubernetes.pod.namespace": "kube-system", "k8s:k8s-app": "node-local-dns"});
    assert_eq!(egress[0]["toEndpoints"][0]["matchLabels"], endpoints);
    assert_eq!(egress[0]["toPorts"][0]["rules"], json!({"dns": [{"matchPattern": "*"}]}));
    assert_eq!(egress[1]["toEntities"], json!(["kube-apiserver"]));
    assert_eq!(egress[1]["toPorts"], json!([{"ports": [{"port": "6443", "protocol": "TCP"}]}]));
    assert_eq!(egress[2]["toPorts"], json!([{"ports": [{"port": "443", "protocol": "TCP"}]}]));
    assert_eq!(egress.as_array().unwrap().len(), 3);
}
