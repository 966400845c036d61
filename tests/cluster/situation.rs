//! Twelve situations as a person meets them who has nothing but kubectl: get, get -o wide, describe and wait, kept as
//! golden files.

use std::fmt::Write as _;

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use webex_azure_operator::{api::WebexAzureIntegration, clock::Clock};

use crate::{
    golden::{Mask, check},
    object::{about, changed, integration, message, says, status},
    scene::{Scene, eventually},
    stage::Stage,
    tenant::{INTEGRATION, numbered},
};

/// Application ID of "Cisco Webex Identity".
const IDENTITY: &str = "00000000-0000-4000-8000-000000000012";

/// Object ID of its service principal.
const IDENTITY_PRINCIPAL: &str = "00000000-0000-4000-8000-000000000011";

/// Lines of `kubectl get` are at most this long, so that they fit an ordinary terminal.
const TERMINAL: usize = 120;

/// What somebody does to a tenant or an object that is in order.
enum Act {
    Nothing,
    Delete(&'static str),
    DeleteRegistration,
    Revoke(&'static str),
    SwitchOff,
    Pause,
    Quarantine(&'static str),
    Suspend,
}

/// One situation.
struct Situation {
    /// Name of the object and of the golden file.
    name: &'static str,
    /// What is different about its tenant from the start.
    tenant: fn(&mut Value),
    /// What is different about the object.
    spec: Value,
    /// What somebody does when all is in order; if nothing, the situation is there from the start.
    act: Act,
    /// What the object then says.
    says: &'static [&'static str],
    /// Events, in order.
    events: &'static [&'static str],
}

impl Situation {
    /// All is in order, and somebody does this.
    fn acted(name: &'static str, act: Act, says: &'static [&'static str], events: &'static [&'static str]) -> Self {
        Self { name, tenant: |_| {}, spec: json!({}), act, says, events }
    }
}

fn situations() -> Vec<Situation> {
    const DRIFTED: &[&str] = &["DriftDetected"];
    vec![
        Situation::acted("in-sync", Act::Nothing, &["Ready=True InSync"], &[]),
        Situation::acted("deleted", Act::Delete(INTEGRATION), &["Ready=False ServicePrincipalSoftDeleted"], DRIFTED),
        Situation::acted("identity-deleted", Act::DeleteRegistration, &["Ready=False ApplicationSoftDeleted"], DRIFTED),
        Situation {
            tenant: without_proof,
            spec: json!({ "identity": { "appId": null } }),
            ..Situation::acted("not-proved", Act::Nothing, &["Ready=False IdentityNotProved"], &[])
        },
        Situation::acted(
            "consent-incomplete",
            Act::Revoke("Domain.Read.All"),
            &["Ready=False ConsentIncomplete"],
            &["ConsentMissing"],
        ),
        Situation::acted("disabled", Act::SwitchOff, &["Ready=False ServicePrincipalDisabled"], DRIFTED),
        Situation::acted("paused", Act::Pause, &["Ready=False ProvisioningPaused"], DRIFTED),
        Situation::acted(
            "quarantined",
            Act::Quarantine("TooManyDeletes"),
            &["Ready=False ProvisioningQuarantined"],
            DRIFTED,
        ),
        Situation {
            tenant: with_old_certificate,
            ..Situation::acted(
                "certificate-expiring",
                Act::Nothing,
                &["Ready=True InSync", "CertificatesCurrent=True ExpiringSoon"],
                &["ExpiringSoon"],
            )
        },
        Situation {
            spec: json!({ "credentials": { "clientSecret": { "name": "mistaken" } } }),
            ..Situation::acted(
                "credential-refused",
                Act::Nothing,
                &["Ready=False CredentialInvalid"],
                &["ObservationFailed"],
            )
        },
        Situation::acted("suspended", Act::Suspend, &["Ready=True InSync", "Suspended=True SuspendedByUser"], &[]),
        Situation {
            spec: json!({ "driftPolicy": "Warn" }),
            ..Situation::acted(
                "drift-tolerated",
                Act::SwitchOff,
                &["Ready=True InSync", "Drifted=True DriftDetected"],
                DRIFTED,
            )
        },
    ]
}

/// Nothing leads from the integration to "Cisco Webex Identity" but its name.
fn without_proof(scenario: &mut Value) {
    scenario["owners"] = json!([]);
    for list in ["applications", "servicePrincipals"] {
        for entry in scenario[list].as_array_mut().unwrap() {
            entry.as_object_mut().unwrap().remove("createdByAppId");
        }
    }
}

fn with_old_certificate(scenario: &mut Value) {
    let principals = scenario["servicePrincipals"].as_array_mut().unwrap();
    let identity = principals.iter_mut().find(|principal| principal["appId"] == IDENTITY).unwrap();
    identity["keyCredentials"][0]["endDateTime"] = in_days(10).into();
}

fn in_days(days: i64) -> String {
    let at: Timestamp = Clock::system().now() + SignedDuration::from_hours(24 * days);
    format!("{at:.0}")
}

pub async fn twelve_situations_read_well_in_kubectl(stage: &Stage) {
    let scene = Scene::operated(stage, "situations").await;
    scene.secret("mistaken", &json!({ "client-secret": "emulator-only-mistake" })).await;
    let situations = situations();
    assert_eq!(situations.len(), 12);
    let staged = situations.iter().zip(100..).map(|(situation, number)| staged(&scene, situation, numbered(number)));
    let objects = join_all(staged).await;
    join_all(situations.iter().zip(&objects).map(|(situation, object)| shown(&scene, situation, object))).await;
    let all = scene.cluster.kubectl(&["get", "wai", "-n", "situations"]).await.succeeded();
    let mask = Mask::of(&objects[0], &scene.tenants.url());
    check("situations.txt", &format!("$ kubectl get wai -n situations\n{}", mask.applied(&all)));
    for line in all.lines() {
        assert!(line.chars().count() <= TERMINAL, "too wide for a terminal: {line}");
    }
    scene.close().await;
}

/// Brings one situation about.
async fn staged(scene: &Scene<'_>, situation: &Situation, tenant: String) -> WebexAzureIntegration {
    let Situation { name, tenant: change, spec, act, says: expected, events } = situation;
    scene.tenants.load(&tenant, change).await;
    scene.create(&changed(about(&tenant, integration(name)), &json!({ "spec": spec }))).await;
    if !matches!(act, Act::Nothing) {
        scene.until_says(name, "Ready=True InSync").await;
    }
    perform(scene, name, &tenant, act).await;
    scene.until(name, &expected.join(", "), |object| expected.iter().all(|one| says(object, one))).await;
    // Two looks later everything has been told that arrives late.
    scene.until_asked(name, "once").await;
    let object = scene.until_asked(name, "again").await;
    eventually("the events are written", async || scene.events(name).await.len() >= events.len()).await;
    assert_eq!(scene.events(name).await, *events, "{name}");
    object
}

async fn perform(scene: &Scene<'_>, name: &str, tenant: &str, act: &Act) {
    let principal = |path: &str| format!("/servicePrincipals/{IDENTITY_PRINCIPAL}{path}");
    match act {
        Act::Nothing => {}
        Act::Delete(app_id) => scene.tenants.delete(tenant, app_id).await,
        Act::DeleteRegistration => {
            scene.tenants.act(tenant, "DELETE", &format!("/applications(appId='{IDENTITY}')"), None).await;
        }
        Act::Revoke(role) => scene.tenants.revoke(tenant, role).await,
        Act::SwitchOff => {
            let off = json!({ "accountEnabled": false });
            scene.tenants.act(tenant, "PATCH", &principal(""), Some(off)).await;
        }
        Act::Pause => {
            let jobs = scene.tenants.act(tenant, "GET", &principal("/synchronization/jobs"), None).await;
            let job = jobs["value"][0]["id"].as_str().unwrap();
            let pause = principal(&format!("/synchronization/jobs/{job}/pause"));
            scene.tenants.act(tenant, "POST", &pause, None).await;
        }
        Act::Quarantine(reason) => scene.tenants.quarantine(tenant, IDENTITY, reason).await,
        Act::Suspend => {
            scene.edit(name, &json!({ "spec": { "suspend": true } })).await;
        }
    }
}

/// Compares what kubectl shows of an object with its golden file.
async fn shown(scene: &Scene<'_>, situation: &Situation, object: &WebexAzureIntegration) {
    let name = situation.name;
    let mask = Mask::of(object, &scene.tenants.url());
    let namespace = ["-n", "situations"];
    let mut text = String::new();
    for arguments in [
        [&["get", "wai"], &namespace[..], &[name]].concat(),
        [&["get", "wai"], &namespace[..], &[name, "-o", "wide"]].concat(),
        [&["describe", "wai"], &namespace[..], &[name]].concat(),
        [&["wait", "wai"], &namespace[..], &[name, "--for=condition=Ready", "--timeout=1s"]].concat(),
    ] {
        let said = scene.cluster.kubectl(&arguments).await;
        let (code, out) = (said.code.unwrap(), format!("{}{}", said.out, said.err));
        let (command, shown) = (arguments.join(" "), mask.applied(&out));
        writeln!(text, "$ kubectl {command}\n{shown}[exit status {code}]\n").unwrap();
        let is_ready = says(object, "Ready=True InSync");
        assert_eq!(code == 0, arguments[0] != "wait" || is_ready, "{name}: {out}");
    }
    check(&format!("situation-{name}.txt"), &text);
    let (ready, stalled) = (message(object, "Ready"), message(object, "Stalled"));
    if !status(object).drift.is_empty() && !stalled.is_empty() {
        assert!(stalled.len() < ready.len(), "{name} says all of it twice: {stalled}");
    }
}
