//! Transcripts: a look that is recorded and looked at again comes to the same verdict; and every transcript of
//! `tests/fixtures/transcripts`, recorded here or sent by somebody, comes to the verdict that is kept beside it.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::{Value, json};
use webex_azure_operator::{
    api::WebexAzureIntegrationStatus,
    clock::Clock,
    domain::{Attribution, Desired, Input, Memory, Observation, Recall, Timing, cloud::Endpoints, decide},
    emulator::{Knobs, Scenario},
    graph::{
        Graph, Priority, Question,
        transcript::{Circumstances, NotAsRecorded, Recorder, Replaced, Replay, Transcript, Verdict},
    },
};

use super::{
    fixture::{INTEGRATION, Looker, Read, SECRET, Scene},
    seam::{Kind, Trouble},
};

/// What follows from one look that is believed as it is.
fn judged(
    desired: &Desired,
    endpoints: &Endpoints,
    observation: &Observation,
    now: jiff::Timestamp,
) -> WebexAzureIntegrationStatus {
    let timing = Timing {
        confirmation: jiff::SignedDuration::ZERO,
        disappearance: jiff::SignedDuration::ZERO,
        ..Timing::PRODUCTION
    };
    let input = Input {
        now,
        generation: 1,
        requested_at: None,
        desired: Ok(desired),
        previous: &WebexAzureIntegrationStatus::default(),
        observation: Some(observation),
        advice: &[],
        memory: &Memory::new(now),
        timing: &timing,
        endpoints,
        linkable: &[],
        attribution: Attribution::Off,
    };
    decide(&input).status
}

/// Looks at the scene for the first time, and records it.
pub async fn recorded(scene: &Scene, spec: &Value) -> (Transcript, Replaced) {
    recorded_knowing(scene, spec, &Recall::default()).await
}

/// The same with what earlier looks found out. Such a look cannot be repeated from its transcript.
pub async fn recorded_knowing(scene: &Scene, spec: &Value, recall: &Recall) -> (Transcript, Replaced) {
    let Looker { desired, endpoints, credential } = &scene.looker;
    let recorder = Recorder::new(scene.seam(), scene.clock().clone());
    let graph = Graph::new(recorder.clone(), scene.clock().clone());
    let began = scene.now();
    let question = Question { desired, endpoints, credential, priority: Priority::Asked, recall };
    let observation = graph.look(question).await.observation;
    let decided = scene.now();
    let circumstances = Circumstances {
        spec: &serde_json::from_value(spec.clone()).unwrap(),
        desired,
        endpoints,
        linkable: &[],
        began,
        decided,
        observation: &observation,
        status: &judged(desired, endpoints, &observation, decided),
    };
    Transcript::of(circumstances, recorder.take())
}

/// Looks at the transcript.
pub async fn replayed(transcript: &Transcript) -> Result<WebexAzureIntegrationStatus, NotAsRecorded> {
    let desired = Desired::from_spec(&transcript.spec).expect("a declaration stays one that keeps every rule");
    let endpoints = Endpoints::of(desired.cloud);
    let replay = Replay::new(transcript);
    let graph = Graph::new(replay.clone(), Clock::seeded(transcript.began, 7));
    let credential = transcript.credential(&desired);
    let question = Question {
        desired: &desired,
        endpoints: &endpoints,
        credential: &credential,
        priority: Priority::Asked,
        recall: &Recall::default(),
    };
    let observation = graph.look(question).await.observation;
    replay.finish()?;
    Ok(judged(&desired, &endpoints, &observation, transcript.decided))
}

/// The transcript as it is sent, read again, comes to the verdict of the look that was recorded.
pub async fn comes_to_the_same(transcript: &Transcript) {
    let text = serde_json::to_string_pretty(transcript).unwrap();
    let sent: Transcript = serde_json::from_str(&text).unwrap();
    assert_eq!(&sent, transcript, "nothing is lost on the way");
    let status = replayed(&sent).await.unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(Verdict::of(&status, str::to_owned), transcript.verdict, "{text}");
}

/// The declaration that the emulated scenes are looked at with.
fn declared(scene: &Scene) -> Value {
    super::fixture::spec_with(|spec| {
        spec["tenantId"] = scene.looker.desired.tenant.to_string().into();
        spec["credentials"]["clientId"] = scene.looker.desired.client.to_string().into();
        spec["identity"]["appId"] = scene.looker.desired.applications[1].app_id.to_string().into();
    })
}

fn without(scenario: &mut Scenario, client: &str, role: Option<&str>) {
    scenario
        .app_role_assignments
        .retain(|assignment| assignment.client != client || role.is_some_and(|role| assignment.role != role));
}

/// The tenants of which a transcript is kept.
fn emulated() -> Vec<(&'static str, Scene)> {
    let calm = Knobs::calm;
    let deleted = Scene::emulated(calm(), |_| {});
    deleted.as_administrator("DELETE", &format!("/servicePrincipals(appId='{INTEGRATION}')"), &Value::Null);
    let deactivated = Scene::emulated(calm(), |_| {});
    let registration = format!("/applications(appId='{}')", deactivated.looker.desired.applications[1].app_id);
    deactivated.as_administrator("PATCH", &registration, &json!({"isDisabled": true}));
    let mut refused = Scene::emulated(calm(), |_| {});
    refused.looker = Looker::new(declared(&refused), "mistyped");
    vec![
        ("emulator-in-sync", Scene::emulated(calm(), |_| {})),
        ("emulator-soft-deleted", deleted),
        ("emulator-deactivated", deactivated),
        (
            "emulator-consent-missing",
            Scene::emulated(calm(), |scenario| {
                without(scenario, &INTEGRATION.to_string(), None);
                scenario.oauth2_permission_grants.clear();
            }),
        ),
        (
            "emulator-permission-missing",
            Scene::emulated(calm(), |scenario| {
                let operator = scenario.operator_app_id.clone().unwrap();
                without(scenario, &operator, Some("Directory.Read.All"));
            }),
        ),
        (
            "emulator-throttled-item",
            Scene::emulated(Knobs { throttle_every: Some(4), retry_after_seconds: 2, page_size: 3, ..calm() }, |_| {}),
        ),
        ("emulator-secret-refused", refused),
    ]
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
fn updates() -> bool {
    std::env::var("UPDATE").is_ok_and(|value| value == "1")
}

#[tokio::test(start_paused = true)]
async fn a_recorded_look_at_the_emulator_comes_to_the_same_verdict_and_names_nobody() {
    for (name, scene) in emulated() {
        let (transcript, replaced) = recorded(&scene, &declared(&scene)).await;
        comes_to_the_same(&transcript).await;
        assert!(replaced.ids > 3 && replaced.texts > 2 && replaced.times > 0, "{name}: {replaced:?}");
        let text = serde_json::to_string_pretty(&transcript).unwrap() + "\n";
        for private in ["contoso", "Contoso", "eyJ", "emulator-only-secret", "mistyped", "2023", "2026-11"] {
            assert!(!text.contains(private), "{name} tells {private}:\n{text}");
        }
        if updates() {
            fs::create_dir_all(folder("fixtures/transcripts")).unwrap();
            fs::write(folder("fixtures/transcripts").join(format!("{name}.json")), text).unwrap();
        }
    }
}

/// What a person reads before an expectation is accepted.
fn shown(status: &WebexAzureIntegrationStatus) -> String {
    let mut shown = String::new();
    for application in &status.applications {
        let consent = application.consent.as_ref();
        writeln!(
            shown,
            "{}: {}, {}/{} permissions",
            application.name,
            application.state.as_deref().unwrap_or("?"),
            consent.and_then(|consent| consent.granted).map_or_else(|| "?".to_owned(), |granted| granted.to_string()),
            consent.map_or(0, |consent| consent.required)
        )
        .unwrap();
    }
    for condition in &status.conditions {
        writeln!(shown, "{}={} {}: {}", condition.type_, condition.status, condition.reason, condition.message)
            .unwrap();
    }
    for entry in &status.drift {
        let action = entry.remedy.as_ref().map_or("-", |remedy| remedy.action.as_str());
        writeln!(shown, "drift {} {} -> {action}: {}", entry.application, entry.reason, entry.actual).unwrap();
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn every_transcript_comes_to_the_verdict_that_is_kept_beside_it() {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder("fixtures/transcripts")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let transcript: Transcript = serde_json::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let status = replayed(&transcript).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = shown(&status);
        let expectation = folder("golden/transcripts").join(format!("{name}.txt"));
        if updates() {
            fs::create_dir_all(expectation.parent().unwrap()).unwrap();
            fs::write(&expectation, &found).unwrap();
        }
        let expected = fs::read_to_string(&expectation).unwrap_or_default();
        assert_eq!(found, expected, "{name}; if it is better: UPDATE=1 cargo test --test look transcript");
        names.push(name);
    }
    for (name, _) in emulated() {
        assert!(
            names.iter().any(|kept| kept == name),
            "{name} is kept: UPDATE=1 cargo test --test look transcript, twice"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_on_the_way_goes_wrong_again() {
    type Arrange = fn(&Scene);
    let arranged: [(&str, Arrange); 11] = [
        ("connection", |scene| scene.alter(Kind::Batch, .., |reply| reply.trouble = Some(Trouble::Connection))),
        ("proxy", |scene| scene.alter(Kind::Token, .., |reply| reply.trouble = Some(Trouble::Proxy))),
        ("tls", |scene| scene.alter(Kind::Token, .., |reply| reply.trouble = Some(Trouble::Tls))),
        ("silence", |scene| scene.alter(Kind::Batch, .., |reply| reply.trouble = Some(Trouble::Silence))),
        ("brokeOff", |scene| {
            scene.alter(Kind::Batch, .., |reply| reply.flow = super::seam::Flow::BreaksAfter(10));
        }),
        ("late", |scene| scene.alter(Kind::Batch, .., |reply| reply.flow = super::seam::Flow::Drip)),
        ("tooLarge", |scene| scene.alter(Kind::Batch, .., |reply| reply.flow = super::seam::Flow::Endless)),
        ("shorterThanAnnounced", |scene| {
            scene.alter(Kind::Batch, .., |reply| {
                reply.header("content-length", "7");
            });
        }),
        ("notRead", |scene| {
            scene.alter(Kind::Batch, .., |reply| {
                reply.header("content-encoding", "gzip");
            });
        }),
        ("notJson", |scene| {
            scene.alter(Kind::Batch, .., |reply| {
                reply.html(502);
            });
        }),
        ("notRead", |scene| scene.alter(Kind::Batch, .., |reply| reply.status = 302)),
    ];
    for (name, arrange) in arranged {
        let scene = Scene::healthy();
        arrange(&scene);
        let (transcript, _) = recorded(&scene, &super::fixture::spec()).await;
        let text = serde_json::to_string(&transcript).unwrap();
        assert!(text.contains(&format!("\"{name}\"")), "{name} is told: {text}");
        comes_to_the_same(&transcript).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_ended_is_told_though_nothing_was_asked() {
    let mut scene = Scene::healthy();
    let pem = |name: &str| fs::read(folder("fixtures/sign-in").join(name)).unwrap();
    let parts = [pem("client-certificate-expired.pem"), pem("PUBLIC-TEST-KEY-NOT-A-SECRET-client.pem")];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let certificate = webex_azure_operator::graph::SigningCertificate::from_pem(&parts).unwrap();
    scene.looker.credential.proof = webex_azure_operator::graph::Proof::Certificate(certificate.into());
    let (transcript, _) = recorded(&scene, &super::fixture::spec()).await;
    assert_eq!((transcript.stopped_before.as_deref(), transcript.exchanges.len()), (Some("CredentialExpired"), 0));
    comes_to_the_same(&transcript).await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_asks_something_else_is_told_what() {
    let (transcript, _) = recorded(&Scene::healthy(), &super::fixture::spec()).await;
    let mut fewer = transcript.clone();
    fewer.exchanges.pop();
    assert!(matches!(replayed(&fewer).await, Err(NotAsRecorded::More { number: 3, .. })));
    let mut more = transcript.clone();
    more.exchanges.push(transcript.exchanges[0].clone());
    assert_eq!(replayed(&more).await, Err(NotAsRecorded::Fewer { left: 1 }));
    let mut other = transcript.clone();
    other.exchanges[1].request.body.as_mut().unwrap()["requests"][0]["url"] = "/me".into();
    assert!(matches!(replayed(&other).await, Err(NotAsRecorded::Differs { number: 2, .. })));
}

#[tokio::test(start_paused = true)]
async fn times_keep_their_distance_and_their_form() {
    let scene = Scene::healthy();
    scene.absent(INTEGRATION);
    scene.finds(
        INTEGRATION,
        Read::DeletedPrincipals,
        json!({"value": [{
            "id": "00000000-0000-0000-0000-000000000021", "appId": INTEGRATION.to_string(),
            "displayName": SECRET, "deletedDateTime": "2026-11-22T08:00:00.1234567Z",
            "createdDateTime": "2026-11-22T10:00:00+02:00", "startDateTime": "0001-01-01T00:00:00Z",
        }]}),
    );
    let (transcript, _) = recorded(&scene, &super::fixture::spec()).await;
    let text = serde_json::to_string(&transcript).unwrap();
    assert_eq!(transcript.began.to_string(), "2020-01-01T00:00:00Z");
    for expected in ["\"2019-12-31T00:00:00.1234567Z\"", "\"2019-12-31T02:00:00+02:00\"", "\"0001-01-01T00:00:00Z\""] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let status = replayed(&transcript).await.unwrap();
    let deadline = status.applications[0].restore_before.as_ref().unwrap().0.to_string();
    assert_eq!(deadline, "2020-01-30T00:00:00.1234567Z", "30 days less one from the beginning");
    comes_to_the_same(&transcript).await;
}
