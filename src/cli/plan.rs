//! `plan`: one look at the tenants declared in files, without a cluster.

mod credential;
pub mod examination;
mod explain;
mod over;
mod record;
mod replay;

use std::{fmt::Write as _, io::Read as _, path::PathBuf, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use serde::Serialize;
use serde_json::Value;

use super::{
    AttributionArgument, EmulatorArgument, TrustArgument,
    color::{ColorArgument, Style},
    manifest, output,
};
use crate::{
    api::{
        AppId, ConditionType, Reason, WebexAzureIntegration, WebexAzureIntegrationStatus,
        status::{CertificateStatus, DriftEntry},
        validation::Violation,
    },
    clock::Clock,
    domain::{Attribution, Desired, Input, Memory, Recall, Timing, cloud::Endpoints, decide, message, obstacle},
    graph::{
        Credential, Graph, HttpTransport, Look, Priority, Question, Transport,
        transcript::{Circumstances, Recorder, Transcript},
    },
};
use credential::Secrets;
use explain::Explanation;
pub use over::plan_over;
use record::Recordings;

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// File with WebexAzureIntegration objects, in YAML; - for standard input. May be repeated.
    #[arg(short = 'f', long = "file", required_unless_present = "replay", value_name = "FILE")]
    files: Vec<String>,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    output: OutputForm,
    /// Give consent links for this application too. May be repeated.
    #[arg(long, value_name = "UUID")]
    consent_link_app_id: Vec<AppId>,
    #[command(flatten)]
    color: ColorArgument,
    /// Show every request that was made, and which permissions the operator's application has, lacks and does not need.
    #[arg(long)]
    explain: bool,
    /// Keep what was asked and answered in this folder, which must be empty or not be there: one transcript for each object,
    /// without secrets, with ids, names and times replaced, for whoever mends this program. Read it before you send it.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Look at a transcript that was kept with --record instead of a tenant; asks nobody. May be repeated.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "record", "url", "consent_link_app_id"])]
    replay: Vec<PathBuf>,
    #[command(flatten)]
    attribution: AttributionArgument,
    #[command(flatten)]
    credential: credential::CredentialArguments,
    #[command(flatten)]
    trust: TrustArgument,
    #[command(flatten)]
    emulator: EmulatorArgument,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputForm {
    /// For people.
    Table,
    /// The status of each object, as the operator would write it.
    Json,
    /// The same in YAML.
    Yaml,
}

/// One object and what was found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    tenant_id: String,
    result: Outcome,
    status: WebexAzureIntegrationStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
    #[serde(skip)]
    desired: Option<Desired>,
}

/// What a look at one object came to; its place in the order is its weight for the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
enum Outcome {
    InSync,
    Drifted,
    Failed,
}

/// Looks at every object in the files, or at every transcript.
pub async fn plan(arguments: PlanArguments) -> anyhow::Result<ExitCode> {
    if !arguments.replay.is_empty() {
        return replay::replay(&arguments).await;
    }
    let (objects, secrets) = read_files(&arguments.files)?;
    let mut recordings = arguments.record.as_deref().map(Recordings::prepare).transpose()?;
    let server = arguments.emulator.base();
    let clock = Clock::system();
    let transport = HttpTransport::new(&arguments.trust.transport_options()?)?;
    let graph = Graph::new(transport.clone(), clock.clone());
    let mut planned = Vec::new();
    let total = objects.len();
    for (number, (file, object)) in (1..).zip(objects) {
        output::progress(number, total, &object.name_any());
        let mut endpoints = Endpoints::of(object.spec.cloud);
        if let Some(base) = &server {
            endpoints = endpoints.played_by(base);
        }
        let credential = arguments.credential.credential(&file, &object, &secrets)?;
        let looker = Looker {
            clock: &clock,
            endpoints: &endpoints,
            linkable: &arguments.consent_link_app_id,
            attribution: arguments.attribution.how(),
            explains: arguments.explain,
        };
        planned.push(match &mut recordings {
            None => looker.look_and_inquire(&graph, file, &object, &credential).await?.planned,
            Some(recordings) => looker.record(&transport, recordings, file, &object, &credential).await?,
        });
    }
    print(&planned, arguments.output, arguments.color.style())?;
    if let Some(recordings) = recordings {
        recordings.write()?;
    }
    Ok(exit_code(&planned))
}

fn exit_code(planned: &[Planned]) -> ExitCode {
    ExitCode::from(exit_status(planned))
}

fn exit_status(planned: &[Planned]) -> u8 {
    match planned.iter().map(|planned| planned.result).max() {
        Some(Outcome::InSync) | None => 0,
        Some(Outcome::Drifted) => 2,
        Some(Outcome::Failed) => 1,
    }
}

fn read_files(files: &[String]) -> anyhow::Result<(Vec<(String, WebexAzureIntegration)>, Secrets)> {
    let (mut objects, mut secrets) = (Vec::new(), Secrets::new());
    for file in files {
        take_in(file, &read_file(file)?, &mut objects, &mut secrets)?;
    }
    if objects.is_empty() {
        bail!("{}: no WebexAzureIntegration object in it", files.join(", "));
    }
    Ok((objects, secrets))
}

/// The objects and the Secrets in the text of a file.
fn take_in(
    file: &str,
    text: &str,
    objects: &mut Vec<(String, WebexAzureIntegration)>,
    secrets: &mut Secrets,
) -> anyhow::Result<()> {
    for document in manifest::read(file, text)? {
        match document.kind() {
            "WebexAzureIntegration" => objects.push((file.to_owned(), document.integration(file)?)),
            "Secret" => {
                let field =
                    |path: &str| document.value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
                secrets.insert((field("/metadata/namespace"), field("/metadata/name")), document.value);
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_file(file: &str) -> anyhow::Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("could not read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))
}

/// What every look has in common.
struct Looker<'a> {
    clock: &'a Clock,
    endpoints: &'a Endpoints,
    linkable: &'a [AppId],
    attribution: Attribution,
    explains: bool,
}

/// One look: what is printed of it, and what it was made of.
struct Looked {
    planned: Planned,
    look: Look,
    desired: Desired,
    decided: Timestamp,
    memory: Memory,
}

/// What a look knows of an earlier one.
#[derive(Clone, Copy)]
struct Before<'a> {
    status: &'a WebexAzureIntegrationStatus,
    memory: &'a Memory,
}

impl Looker<'_> {
    /// One look over this transport.
    async fn look<T: Transport>(
        &self,
        graph: &Graph<T>,
        file: String,
        object: &WebexAzureIntegration,
        credential: &Credential,
    ) -> anyhow::Result<Looked> {
        let desired = Desired::from_spec(&object.spec)
            .map_err(|violations| anyhow::anyhow!("{file}: {}", sentences(&violations)))?;
        let look = self.ask(graph, &desired, credential, &Recall::default()).await;
        Ok(self.judged(file, object, desired, look, self.clock.now(), None))
    }

    /// One look, and another one for what only the first tells to ask: who made the differences.
    async fn look_and_inquire<T: Transport>(
        &self,
        graph: &Graph<T>,
        file: String,
        object: &WebexAzureIntegration,
        credential: &Credential,
    ) -> anyhow::Result<Looked> {
        let Looked { planned, look, desired, decided, memory } = self.look(graph, file, object, credential).await?;
        if memory.recall.audits.is_empty() {
            return Ok(Looked { planned, look, desired, decided, memory });
        }
        let again = self.ask(graph, &desired, credential, &memory.recall).await;
        let before = Before { status: &planned.status, memory: &memory };
        let trail = look.trail.into_iter().chain(again.trail).collect();
        let look = Look { trail, ..again };
        Ok(self.judged(planned.file, object, desired, look, self.clock.now(), Some(before)))
    }

    async fn ask<T: Transport>(
        &self,
        graph: &Graph<T>,
        desired: &Desired,
        credential: &Credential,
        recall: &Recall,
    ) -> Look {
        let completed = recall.identity.map(|app_id| desired.with_identity(app_id));
        let desired = completed.as_ref().unwrap_or(desired);
        graph.look(Question { desired, endpoints: self.endpoints, credential, priority: Priority::Asked, recall }).await
    }

    /// What follows from a look.
    fn judged(
        &self,
        file: String,
        object: &WebexAzureIntegration,
        desired: Desired,
        look: Look,
        now: Timestamp,
        before: Option<Before<'_>>,
    ) -> Looked {
        // One look has to do here; there is no second one that could confirm it.
        let timing =
            Timing { confirmation: SignedDuration::ZERO, disappearance: SignedDuration::ZERO, ..Timing::PRODUCTION };
        let desired = Desired { suspend: false, ..desired };
        let (nothing, new) = (WebexAzureIntegrationStatus::default(), Memory::new(now));
        let before = before.unwrap_or(Before { status: &nothing, memory: &new });
        let decision = decide(&Input {
            now,
            generation: object.metadata.generation.unwrap_or(1),
            requested_at: None,
            desired: Ok(&desired),
            previous: before.status,
            observation: Some(&look.observation),
            advice: &[],
            memory: before.memory,
            timing: &timing,
            endpoints: self.endpoints,
            linkable: self.linkable,
            attribution: self.attribution,
        });
        let planned = Planned {
            file,
            namespace: object.namespace(),
            name: object.name_any(),
            tenant_id: desired.tenant.to_string(),
            result: outcome(&decision.status),
            status: decision.status,
            explanation: self.explains.then(|| Explanation::of(&desired, &look)),
            desired: Some(
                decision.memory.recall.identity.map_or_else(|| desired.clone(), |app_id| desired.with_identity(app_id)),
            ),
        };
        Looked { planned, look, desired, decided: now, memory: decision.memory }
    }

    /// One look, of which a transcript is kept. It shares nothing with other looks, so that the transcript is whole.
    async fn record(
        &self,
        transport: &HttpTransport,
        recordings: &mut Recordings,
        file: String,
        object: &WebexAzureIntegration,
        credential: &Credential,
    ) -> anyhow::Result<Planned> {
        let recorder = Recorder::new(transport.clone(), self.clock.clone());
        let graph = Graph::new(recorder.clone(), self.clock.clone());
        let began = self.clock.now();
        let Looked { planned, look, desired, decided, memory: _ } = self.look(&graph, file, object, credential).await?;
        let circumstances = Circumstances {
            spec: &object.spec,
            desired: &desired,
            endpoints: self.endpoints,
            linkable: self.linkable,
            began,
            decided,
            observation: &look.observation,
            status: &planned.status,
        };
        let (transcript, replaced) = Transcript::of(circumstances, recorder.take());
        recordings.add(&planned.name, &transcript, replaced)?;
        Ok(planned)
    }
}

fn sentences(violations: &[Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn outcome(status: &WebexAzureIntegrationStatus) -> Outcome {
    let is = |condition: ConditionType, expected: &str| {
        status.condition(condition.as_str()).is_some_and(|condition| condition.status == expected)
    };
    if is(ConditionType::Drifted, "True") {
        Outcome::Drifted
    } else if is(ConditionType::Observed, "True") && is(ConditionType::Drifted, "False") {
        Outcome::InSync
    } else {
        Outcome::Failed
    }
}

fn print(planned: &[Planned], form: OutputForm, style: Style) -> anyhow::Result<()> {
    match form {
        OutputForm::Json => output::line(&serde_json::to_string_pretty(planned)?)?,
        OutputForm::Yaml => output::text(&serde_saphyr::to_string(&planned)?)?,
        OutputForm::Table => {
            for (index, planned) in planned.iter().enumerate() {
                if index > 0 {
                    output::line("")?;
                }
                output::text(&table(planned, style))?;
            }
        }
    }
    Ok(())
}

/// Reasons that are no difference and still worth telling.
const TOLD: [Reason; 5] = [
    Reason::IdentityNotProved,
    Reason::ConsentDiffersFromPublished,
    Reason::Settling,
    Reason::ExpiringSoon,
    Reason::NotSupportedInCloud,
];

fn table(planned: &Planned, style: Style) -> String {
    let Planned { namespace, name, tenant_id, status, .. } = planned;
    let namespace = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let mut text = format!("{}, tenant {tenant_id}\n\n", style.strong(&format!("{namespace}{name}")));
    text.push_str(&applications(status));
    text.push('\n');
    for entry in &status.drift {
        let head = style.bad(&format!("{} ({})", entry.reason, entry.application));
        let _ = write!(text, "{head}\n{}\n\n", output::wrapped(&difference(planned, entry)));
    }
    let observed = status.condition(ConditionType::Observed.as_str());
    if let Some(obstacle) = observed.filter(|observed| observed.reason != Reason::ObservationComplete.as_str()) {
        let _ =
            write!(text, "{}\n{}\n\n", style.bad(&obstacle.reason), output::wrapped(&in_the_way(&obstacle.message)));
    }
    for reason in TOLD {
        if let Some(told) = status.conditions.iter().find(|condition| condition.reason == reason.as_str()) {
            let _ = write!(text, "{}\n{}\n\n", style.worth_a_look(&told.reason), output::wrapped(&told.message));
        }
    }
    text.push_str(&result(planned, style));
    if let Some(app_id) = planned.desired.as_ref().and_then(Desired::found_identity) {
        let _ = write!(
            text,
            "\n\"Cisco Webex Identity\" was found by what \"Cisco Webex Identity Integration\" created or owns. To pin it:\n\n  \
             identity:\n    appId: {app_id}\n"
        );
    }
    if let Some(explanation) = &planned.explanation {
        text.push('\n');
        text.push_str(&explanation.text());
    }
    text
}

/// What stood in the way. The operator looks again by itself; this command does not.
fn in_the_way(message: &str) -> String {
    obstacle::without_promise(message)
        .map_or_else(|| message.to_owned(), |told| format!("{told} Nothing repeats this look; run plan again."))
}

/// A difference in full, and why it is not known who made it where that is so.
fn difference(planned: &Planned, entry: &DriftEntry) -> String {
    let sentence =
        planned.desired.as_ref().map_or_else(|| entry.actual.clone(), |desired| message::in_full(desired, entry));
    match entry.attribution.as_ref().filter(|attribution| attribution.time.is_none()) {
        Some(attribution) => format!("{sentence} {}", attribution.text),
        None => sentence,
    }
}

fn result(planned: &Planned, style: Style) -> String {
    let is_not_proved = |condition: &Condition| condition.reason == Reason::IdentityNotProved.as_str();
    let sentence = match planned.result {
        Outcome::InSync => style.good("In sync."),
        Outcome::Drifted if planned.status.drift.len() == 1 => style.bad("1 difference."),
        Outcome::Drifted => style.bad(&format!("{} differences.", planned.status.drift.len())),
        Outcome::Failed if planned.status.conditions.iter().any(is_not_proved) => {
            style.bad("It is not clear which application is meant.")
        }
        Outcome::Failed => style.bad("The tenant could not be read completely."),
    };
    sentence + "\n"
}

/// The day on which it ends.
fn until(certificate: &CertificateStatus) -> String {
    let end = certificate.not_after.0.to_string();
    format!("until {}", end.split('T').next().unwrap_or_default())
}

/// Each application in a row.
fn applications(status: &WebexAzureIntegrationStatus) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header([
        "APPLICATION",
        "STATE",
        "PERMISSIONS",
        "PROVISIONING",
        "CERTIFICATES",
        "OBJECT ID",
    ]);
    for application in &status.applications {
        let permissions = application.consent.as_ref().map_or_else(
            || "-".to_owned(),
            |consent| {
                format!(
                    "{}/{}",
                    consent.granted.map_or_else(|| "?".to_owned(), |granted| granted.to_string()),
                    consent.required
                )
            },
        );
        table.add_row([
            application.name.clone(),
            application.state.clone().unwrap_or_default(),
            permissions,
            application.provisioning.as_ref().map_or_else(|| "-".to_owned(), |provisioning| provisioning.state.clone()),
            application.certificates.first().map_or_else(|| "-".to_owned(), until),
            application.service_principal_id.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}
