//! The life of a release: it is installed, works, hands over, is upgraded and goes, and needs each right that it has.

use std::collections::BTreeSet;

use http::Request;
use kube::ResourceExt as _;
use serde_json::{Value, json};

use crate::{
    audit::{Right, asked_by, refused, unused, writers},
    kubelet::{Running, only_container},
    object::{changed, conditions, integration, says, signing_in_with, status, with_secret},
    release::{ACCOUNT_NAME, HOME, RELEASE, Replicas, SECRET_NAME, TEAM, Values, account},
    sandbox::Way,
    site::{CHART, PATIENCE, Site, Team, eventually, is_ready},
    tenant::{INTEGRATION, OPERATOR, SECRET, TENANT, Tenants},
};

/// What tokens of Kubernetes are for when they are exchanged in the global cloud, by Microsoft's documentation.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// What the operator signs in with after the rotation.
const NEXT_SECRET: &str = "emulator-only-next";
/// Namespaces in which only pods of the strictest standard run.
const RESTRICTED: (&str, &str) = ("pod-security.kubernetes.io/enforce", "restricted");
/// The chart as it was before pods elected one of them.
const PREVIOUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/chart-0.1.0");
/// Objects that sign in with a Secret, with a ServiceAccount, and with the operator's own identity.
const LOOKED_AT: [&str; 3] = ["by-secret", "by-account", "by-operator"];

#[tokio::test(flavor = "multi_thread")]
async fn an_installed_release_works_with_the_charts_rights_and_needs_each_of_them() {
    let site = Site::start().await;
    let tenants = Tenants::start();
    let keys = Keys::of(&site).await;
    tenants.reload(|scenario| keys.are_trusted(scenario)).await;
    site.namespace(HOME, &[RESTRICTED]).await;
    site.namespace(TEAM, &[]).await;
    let values = Values::for_all_namespaces();
    let pods = values.helm(&site, "install").await;
    let mut rights = account().rights(&site.client).await;

    let mut replicas = Replicas::none(&site, &tenants.url()).await;
    replicas.run(&pods).await;
    replicas.leader().await;
    let team = site.team(TEAM);
    objects_are_judged(&team).await;
    the_incident_is_told(&team, &tenants).await;
    a_secret_is_rotated(&team, &tenants, &keys).await;
    work_is_handed_over(&team, &mut replicas).await;
    replicas.all().iter().for_each(is_confined);

    // The pods of the old ReplicaSet end with the upgrade, and their tokens with them.
    replicas.stop_all().await;
    let pods = values.for_one_namespace().helm(&site, "upgrade").await;
    rights.append(&mut account().rights(&site.client).await);
    replicas.run(&pods).await;
    replicas.leader().await;
    team.until_asked("by-secret", "after the upgrade").await;
    the_incident_is_told(&team, &tenants).await;
    replicas.are_alive().await;
    replicas.stop_all().await;

    nothing_was_refused_and_each_right_was_used(&site, &rights);
    assert_eq!(writers(&asked_by(&account(), &site.cluster.audit_log())), replicas.leaders, "only who leads writes");
    site.helm(&["uninstall", RELEASE, "--namespace", HOME, "--wait"]).await;
    assert!(
        says(&team.objects.get("by-secret").await.unwrap(), "Ready=True InSync"),
        "an uninstall leaves the objects"
    );
    tenants.stop().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_from_the_previous_chart_brings_new_pods_and_keeps_the_objects() {
    let site = Site::start().await;
    site.namespace(HOME, &[RESTRICTED]).await;
    site.namespace(TEAM, &[]).await;
    let release = ["--namespace", HOME, "--wait", "--timeout", "60s"];
    site.helm(&[&["install", RELEASE, PREVIOUS], &release[..]].concat()).await;
    let before = site.pods(HOME, RELEASE).await;
    assert_eq!((before.len(), before.iter().all(is_ready)), (1, true));
    let team = site.team(TEAM);
    team.create(&integration("contoso")).await;
    let uid = team.objects.get("contoso").await.unwrap().uid();

    site.helm(&[&["upgrade", RELEASE, CHART], &release[..]].concat()).await;
    let after = site.pods(HOME, RELEASE).await;
    assert_eq!((after.len(), after.iter().all(is_ready)), (2, true));
    assert!(after.iter().all(|pod| pod.uid() != before[0].uid()));
    assert_eq!(team.objects.get("contoso").await.unwrap().uid(), uid);

    site.helm(&["uninstall", RELEASE, "--namespace", HOME, "--wait"]).await;
    eventually("the pods go", PATIENCE, async || site.pods(HOME, RELEASE).await.is_empty()).await;
    assert_eq!(team.objects.get("contoso").await.unwrap().uid(), uid);
    // Installed again, the chart takes over the definition that it left.
    site.helm(&[&["install", RELEASE, CHART], &release[..]].concat()).await;
    assert_eq!(team.objects.get("contoso").await.unwrap().uid(), uid);
    site.stop().await;
}

/// Who signs the tokens of this cluster, as its own discovery documents tell.
struct Keys {
    issuer: Value,
    jwks: Value,
}

impl Keys {
    async fn of(site: &Site) -> Self {
        let read = async |path: &str| -> Value {
            site.client.request(Request::get(path).body(Vec::new()).unwrap()).await.unwrap()
        };
        let discovery = read("/.well-known/openid-configuration").await;
        Self { issuer: discovery["issuer"].clone(), jwks: read("/openid/v1/jwks").await }
    }

    /// Makes the operator's application take tokens of the objects' ServiceAccount and of the operator itself.
    fn are_trusted(&self, scenario: &mut Value) {
        let Self { issuer, jwks } = self;
        scenario["trustedIssuers"] = json!([{ "issuer": issuer, "jwks": jwks }]);
        let subjects = [format!("system:serviceaccount:{TEAM}:{ACCOUNT_NAME}"), account().user()];
        let credentials = subjects
            .map(|subject| json!({ "appId": OPERATOR, "issuer": issuer, "subject": subject, "audiences": [AUDIENCE] }));
        scenario["federatedCredentials"] = credentials.to_vec().into();
    }
}

async fn objects_are_judged(team: &Team) {
    team.secret(SECRET_NAME, SECRET).await;
    team.service_account(ACCOUNT_NAME, OPERATOR).await;
    let own = json!({ "workloadIdentity": { "serviceAccountName": ACCOUNT_NAME } });
    let [by_secret, by_account, by_operator] = LOOKED_AT;
    team.create(&with_secret(by_secret, SECRET_NAME)).await;
    team.create(&signing_in_with(by_account, &own)).await;
    team.create(&signing_in_with(by_operator, &json!({ "operatorIdentity": {} }))).await;
    let suspended = changed(with_secret("suspended", SECRET_NAME), &json!({ "spec": { "suspend": true } }));
    team.create(&suspended).await;
    for name in LOOKED_AT {
        team.until_says(name, "Ready=True InSync").await;
    }
    let object = team.until_says("suspended", "Suspended=True SuspendedByUser").await;
    assert_eq!(status(&object).last_observed_time, None, "{:?}", conditions(&object));
}

/// From the deletion to the restore, by events too.
async fn the_incident_is_told(team: &Team, tenants: &Tenants) {
    let told = team.events("by-secret").await.len();
    let object = team.until_says("by-secret", "Ready=True InSync").await;
    let principal = status(&object).application("identity-integration").unwrap().service_principal_id.clone().unwrap();
    tenants.delete(TENANT, INTEGRATION).await;
    for name in LOOKED_AT {
        team.until_says(name, "Ready=False ServicePrincipalSoftDeleted").await;
    }
    tenants.restore(TENANT, &principal).await;
    for name in LOOKED_AT {
        team.until_says(name, "Ready=True InSync").await;
    }
    // An event follows the status, so the last one may still be on its way.
    eventually("both are told", PATIENCE, async || {
        team.events("by-secret").await.get(told..) == Some(&["DriftDetected".to_owned(), "DriftResolved".to_owned()])
    })
    .await;
}

/// Whoever owns the application removes its secret before the new one is in the cluster.
async fn a_secret_is_rotated(team: &Team, tenants: &Tenants, keys: &Keys) {
    let rotate = |scenario: &mut Value| {
        keys.are_trusted(scenario);
        for secret in scenario["clientSecrets"].as_array_mut().unwrap() {
            if secret["appId"] == OPERATOR {
                secret["secret"] = NEXT_SECRET.into();
            }
        }
    };
    tenants.reload(rotate).await;
    tenants.revoke_tokens(TENANT).await;
    let object = team.until_says("by-secret", "Observed=False CredentialInvalid").await;
    assert!(says(&object, "Ready=True InSync"), "what was last seen holds for a while: {:?}", conditions(&object));
    team.secret(SECRET_NAME, NEXT_SECRET).await;
    team.until_says("by-secret", "Observed=True ObservationComplete").await;
}

/// The leader is told to stop and the other goes on; the container that is started again stands by.
async fn work_is_handed_over(team: &Team, replicas: &mut Replicas) {
    let leader = replicas.leader().await;
    let pod = replicas.stop(leader).await;
    replicas.leader().await;
    for name in LOOKED_AT {
        team.until_asked(name, "after the hand-over").await;
        team.until_says(name, "Ready=True InSync").await;
    }
    replicas.are_alive().await;
    replicas.run(&[pod]).await;
    assert_eq!(replicas.leader().await, 0, "who leads is not disturbed by a newcomer");
}

/// What the pod's security context and its limits ask for, as the kernel tells it of the running process.
fn is_confined(replica: &Running) {
    let container = &replica.container;
    let about = container.about("status");
    let line = |name: &str| {
        let line = about.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {about}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    match replica.way {
        Way::Root => assert_eq!([line("Uid:"), line("Gid:")], [["65532"; 4], ["65532"; 4]]),
        Way::Mapped => assert!(container.about("uid_map").trim_start().starts_with("65532 ")),
    }
    assert_eq!((line("CapPrm:"), line("CapEff:")), (vec!["0".repeat(16)], vec!["0".repeat(16)]));
    assert_eq!(line("NoNewPrivs:"), ["1"]);
    for mount in container.about("mountinfo").lines() {
        let fields: Vec<&str> = mount.split(' ').collect();
        let is_read_only = fields[5].split(',').any(|option| option == "ro");
        assert!(is_read_only || fields[4].starts_with("/proc"), "it could write: {mount}");
    }
    let root = container.root();
    let expected = BTreeSet::from(["etc", "lib", "lib64", "proc", "usr", "var", "webex-azure-operator"]);
    assert!(root.iter().all(|name| expected.contains(name.as_str())), "{root:?}");
    let resources = only_container(&replica.pod).resources.clone().unwrap();
    let limit = resources.limits.unwrap()["memory"].0.clone();
    let limit: u64 = limit.strip_suffix("Mi").unwrap().parse().unwrap();
    let peak: u64 = line("VmHWM:")[0].parse().unwrap();
    assert!(peak < limit * 1024, "the kernel would have killed it: {peak} KiB of {limit} MiB");
}

fn nothing_was_refused_and_each_right_was_used(site: &Site, rights: &BTreeSet<Right>) {
    let events = asked_by(&account(), &site.cluster.audit_log());
    assert!(!events.is_empty() && !rights.is_empty());
    assert_eq!(refused(&events), Vec::<String>::new(), "the chart's roles lack what the program asks for");
    let unused: Vec<String> = unused(rights, &events).iter().map(ToString::to_string).collect();
    assert_eq!(unused, Vec::<String>::new(), "the chart's roles give what the program never asks for");
}
