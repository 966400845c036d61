//! Tells a story on virtual time: through the passes of the operator, and at its end through `plan`.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use webex_azure_operator::{api::AppId, cli::plan::plan_over, clock::Clock};

use super::{
    expect::{Expectation, listed},
    kubernetes::{Kubernetes, NAME, NAMESPACE},
    matrix::Matrix,
    microsoft::{CLIENT_SECRET, Microsoft, Place},
    operator::Operator,
    story::{Secret, Step, Story, duration, folder},
};

/// When every story begins.
const START: &str = "2026-11-23T08:00:00Z";

/// What came of telling a story.
#[derive(Debug, Default)]
pub struct Told {
    /// Everything that is not as the file says.
    pub complaints: Vec<String>,
    /// What was reached.
    pub matrix: Matrix,
    /// How many statuses were compared.
    pub compared: usize,
    /// How many outputs of `plan` were.
    pub planned: usize,
    /// How many batches went to the emulator.
    pub looks: usize,
    /// All that a pipeline could see of the object, with the name of the file.
    pub states: Vec<(String, Value)>,
}

/// Tells the story under this setting.
pub async fn play(story: &Story, setting: Option<&str>) -> Told {
    let clock = Clock::seeded(START.parse::<Timestamp>().unwrap(), 7);
    let microsoft = Microsoft::of(story, setting, Place { tenant: None, namespace: NAMESPACE }, clock);
    let spec = microsoft.spec(story);
    let kubernetes = Kubernetes::new(&spec, CLIENT_SECRET);
    let mut operator = Operator::start(story, &microsoft, &kubernetes, &spec);
    let mut told = Told::default();
    let mut secret = Secret::Good;
    for (number, step) in story.history.iter().enumerate() {
        match step {
            Step::Look => operator.look().await,
            Step::After(passes) => operator.pass_time(duration(passes)).await,
            Step::Away(passes) => operator.be_away(duration(passes)).await,
            Step::Restart => operator.restart(),
            Step::Edit(change) => {
                kubernetes.edit(&microsoft.told(change));
                operator.take_in();
            }
            Step::Request(value) => {
                kubernetes.request(value);
                operator.take_in();
            }
            Step::Secret(now) => {
                secret = now.clone();
                kubernetes.set_secret(now);
            }
            Step::ServiceAccount(account) => kubernetes.set_account(*account),
            Step::Expect(raw) => {
                let place = format!("{} ({}), step {}", story.name, story.title, number + 1);
                let (events, writes) = kubernetes.take_told();
                let meant = microsoft.told(&Expectation::under(raw, setting));
                let expectation = Expectation::read(&meant, &story.name);
                let status = kubernetes.status();
                let mut complaints = expectation.complaints(&status);
                complaints.extend(
                    expectation
                        .events
                        .iter()
                        .filter(|expected| **expected != events)
                        .map(|expected| format!("the events were {events:?}, not {expected:?}")),
                );
                complaints.extend(
                    expectation
                        .written
                        .iter()
                        .filter(|written| **written != (writes > 0))
                        .map(|_| format!("the status was written {writes} times")),
                );
                told.compared += 1;
                told.matrix.note(&story.name, &status);
                if !complaints.is_empty() {
                    told.complaints.push(format!("{place}:{}\n{}", listed(&complaints), shown(&status)));
                }
                let is_last = number + 1 == story.history.len();
                if (is_last || expectation.plan) && story.no_plan.is_none() {
                    let part = if is_last { String::new() } else { format!(".{}", number + 1) };
                    let differs =
                        raw["under"].as_object().filter(|under| setting.is_some_and(|name| under.contains_key(name)));
                    let under = differs.map_or_else(String::new, |_| format!(".{}", setting.unwrap_or_default()));
                    let found = plan(story, &microsoft, &kubernetes.object()["spec"], &secret).await;
                    let name = format!("{}{part}{under}.plan.txt", story.name);
                    told.complaints.extend(compare(&name, &found, &microsoft, setting.is_none() || differs.is_some()));
                    told.planned += 1;
                }
            }
            Step::Administrator(_)
            | Step::Script(_)
            | Step::Consent(_)
            | Step::Publisher(_)
            | Step::Provisioning(_)
            | Step::Control(_)
            | Step::Faults(_)
            | Step::Knobs(_) => {
                microsoft.perform(step);
            }
        }
    }
    microsoft.check();
    told.looks = microsoft.looks();
    told.states = kubernetes.take_states().into_iter().map(|state| (story.name.clone(), state)).collect();
    told
}

fn shown(status: &Value) -> String {
    serde_json::to_string_pretty(status).unwrap()
}

/// What `plan` prints now, with its exit status.
pub async fn plan(story: &Story, microsoft: &Microsoft, spec: &Value, secret: &Secret) -> String {
    let manifest = manifest(spec, secret);
    let linkable: Vec<AppId> = story.process.consent_link_app_ids.iter().map(|id| id.parse().unwrap()).collect();
    match plan_over(microsoft.clone(), microsoft.clock().clone(), &manifest, &linkable, story.process.attribution())
        .await
    {
        Ok((text, code)) => format!("{text}\nexit status {code}\n"),
        Err(error) => format!("error: {error:#}\n\nexit status 1\n"),
    }
}

/// The object and its Secret, as `plan` reads them.
pub fn manifest(spec: &Value, secret: &Secret) -> String {
    let metadata = json!({ "name": NAME, "namespace": NAMESPACE });
    let object = json!({
        "apiVersion": "webexazure.dev/v1alpha1", "kind": "WebexAzureIntegration", "metadata": metadata, "spec": spec,
    });
    let content = match secret {
        Secret::Holds(content) => json!(content),
        Secret::Absent | Secret::Forbidden | Secret::Unlabelled | Secret::Good => {
            json!({ "client-secret": CLIENT_SECRET })
        }
    };
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "graph", "namespace": NAMESPACE },
        "stringData": content,
    });
    format!("{secret}\n---\n{object}\n")
}

/// Compares with a golden file; `UPDATE=1` rewrites it, where this setting is the one that it speaks of.
#[expect(clippy::disallowed_methods, reason = "the switch that rewrites files is not an argument of the test runner")]
fn compare(name: &str, found: &str, microsoft: &Microsoft, may_update: bool) -> Option<String> {
    let path: PathBuf = folder().join(name);
    if may_update && std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        let new = microsoft.new_ids();
        let text = new.iter().fold(found.to_owned(), |text, (id, placeholder)| text.replace(id, placeholder));
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let expected = microsoft.say(&expected);
    (found != expected).then(|| format!("{name}: plan prints\n{found}\nand should print\n{expected}"))
}
