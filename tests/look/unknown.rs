//! The stories of the incident under every answer that the open questions may have: `docs/unknowns.md`.

use serde_json::{Value, json};
use webex_azure_operator::{
    api::WebexAzureIntegrationStatus,
    domain::{Attribution, Input, Memory, Timing, decide},
    emulator::{Knobs, Scenario, UNKNOWNS},
    graph::Priority,
};

use super::fixture::{INTEGRATION, Scene, pass};

/// What people do to the tenant, one chapter after the other.
#[derive(Debug, Clone, Copy)]
enum Act {
    Delete,
    Restore,
    DeleteRegistration,
    RestoreRegistration,
    RevokeRole,
    RevokeGrant,
    SwitchOff,
    SwitchOn,
    PublisherDeactivates,
}

/// One object that is watched for as long as the story lasts.
struct Watch {
    scene: Scene,
    knobs: Knobs,
    integration: String,
    registration: String,
    status: WebexAzureIntegrationStatus,
    memory: Memory,
}

impl Watch {
    fn new(knobs: &Knobs) -> Self {
        let scene = Scene::emulated(knobs.clone(), |_| {});
        let incident = Scenario::incident();
        let id = |object: &serde_json::Map<String, Value>| object["id"].as_str().unwrap().to_owned();
        let memory = Memory::new(scene.now());
        Self {
            integration: id(&incident.service_principals[0].0),
            registration: id(&incident.applications[0].0),
            status: WebexAzureIntegrationStatus::default(),
            knobs: knobs.clone(),
            scene,
            memory,
        }
    }

    fn act(&self, act: Act) {
        let principal = format!("/servicePrincipals/{}", self.integration);
        let restore = |id: &str| format!("/directory/deletedItems/{id}/restore");
        let first = |path: &str| {
            self.scene.as_administrator("GET", path, &Value::Null)["value"][0]["id"].as_str().unwrap().to_owned()
        };
        let scene = &self.scene;
        match act {
            Act::Delete => scene.as_administrator("DELETE", &principal, &Value::Null),
            Act::Restore => scene.as_administrator("POST", &restore(&self.integration), &Value::Null),
            Act::DeleteRegistration => {
                scene.as_administrator("DELETE", &format!("/applications/{}", self.registration), &Value::Null)
            }
            Act::RestoreRegistration => scene.as_administrator("POST", &restore(&self.registration), &Value::Null),
            Act::RevokeRole => {
                let path = format!("{principal}/appRoleAssignments");
                let id = first(&path);
                scene.as_administrator("DELETE", &format!("{path}/{id}"), &Value::Null)
            }
            Act::RevokeGrant => {
                let id = first(&format!("{principal}/oauth2PermissionGrants"));
                scene.as_administrator("DELETE", &format!("/oauth2PermissionGrants/{id}"), &Value::Null)
            }
            Act::SwitchOff => scene.as_administrator("PATCH", &principal, &json!({"accountEnabled": false})),
            Act::SwitchOn => scene.as_administrator("PATCH", &principal, &json!({"accountEnabled": true})),
            Act::PublisherDeactivates => {
                scene.publisher(INTEGRATION, &json!({"isDisabled": true}));
                Value::Null
            }
        };
    }

    /// Looks as often as the decisions ask for it, until ten minutes have passed.
    async fn settle(&mut self) {
        let mut left = 600;
        while left > 0 {
            let looker = &self.scene.looker;
            let recall = self.memory.recall.clone();
            let looked = self.scene.graph.look(webex_azure_operator::graph::Question {
                desired: &looker.desired,
                endpoints: &looker.endpoints,
                credential: &looker.credential,
                priority: Priority::Nobody,
                recall: &recall,
            });
            let looked = looked.await;
            let decision = decide(&Input {
                now: self.scene.now(),
                generation: 1,
                requested_at: None,
                desired: Ok(&looker.desired),
                previous: &self.status,
                observation: Some(&looked.observation),
                advice: &[],
                memory: &self.memory,
                timing: &Timing::PRODUCTION,
                endpoints: &looker.endpoints,
                linkable: &[],
                attribution: Attribution::Names,
            });
            self.status = decision.status;
            self.memory = decision.memory;
            let pause = decision.next_look.expect("the object is watched").as_secs().clamp(1, 600);
            pass(u64::try_from(pause).unwrap()).await;
            left -= pause;
        }
    }

    fn ready(&self) -> (String, String) {
        let ready = self.status.condition("Ready").expect("Ready is always there");
        (ready.status.clone(), ready.reason.clone())
    }
}

/// What has to be said after each act, given the answers to the open questions.
fn expected(act: Act, knobs: &Knobs) -> &'static str {
    match act {
        Act::Restore if !knobs.grants_survive_restore => "ConsentMissing",
        Act::PublisherDeactivates if knobs.foreign_principals_show_is_disabled => "ApplicationDeactivated",
        Act::DeleteRegistration => "ApplicationSoftDeleted",
        Act::RestoreRegistration if knobs.application_restore_restores_principal => "InSync",
        Act::Delete | Act::RestoreRegistration => "ServicePrincipalSoftDeleted",
        Act::RevokeRole | Act::RevokeGrant => "ConsentIncomplete",
        Act::SwitchOff => "ServicePrincipalDisabled",
        Act::Restore | Act::SwitchOn | Act::PublisherDeactivates => "InSync",
    }
}

const STORIES: [&[Act]; 5] = [
    &[Act::Delete, Act::Restore],
    &[Act::DeleteRegistration, Act::RestoreRegistration],
    &[Act::RevokeRole, Act::RevokeGrant],
    &[Act::SwitchOff, Act::SwitchOn, Act::PublisherDeactivates],
    &[Act::Delete],
];

async fn tell(story: &[Act], knobs: &Knobs, under: &str) {
    let mut watch = Watch::new(knobs);
    watch.settle().await;
    assert_eq!(watch.ready(), ("True".to_owned(), "InSync".to_owned()), "{under}: before {story:?}");
    for act in story {
        watch.act(*act);
        watch.settle().await;
        let reason = expected(*act, &watch.knobs);
        let status = if reason == "InSync" { "True" } else { "False" };
        assert_eq!(watch.ready(), (status.to_owned(), reason.to_owned()), "{under}: {act:?} of {story:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_story_ends_in_the_truth_under_every_setting() {
    let mut told = 0;
    for unknown in UNKNOWNS {
        for setting in unknown.settings {
            let knobs = unknown.turned(&Knobs::calm(), setting).unwrap();
            for story in STORIES {
                tell(story, &knobs, &format!("{} = {}", unknown.knob, setting.value)).await;
                told += 1;
            }
        }
    }
    println!("{told} stories under {} open questions", UNKNOWNS.len());
}
