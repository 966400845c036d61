//! `plan`: one look at the tenants declared in files, without a cluster.

use std::{collections::BTreeMap, fmt::Write as _, io::Read as _, process::ExitCode};

use anyhow::{Context as _, bail};
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use jiff::SignedDuration;
use kube::ResourceExt as _;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;

use super::{EmulatorArgument, TrustArgument, manifest, output};
use crate::{
    api::{AppId, ConditionType, Reason, WebexAzureIntegration, WebexAzureIntegrationStatus, validation::Violation},
    clock::Clock,
    domain::{Desired, Input, Memory, Observation, Timing, cloud::Endpoints, decide, message},
    graph::{Credential, Graph, HttpTransport, Question, TokenKey},
};

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// File with WebexAzureIntegration objects, in YAML; - for standard input. May be repeated.
    #[arg(short = 'f', long = "file", required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value = "table", value_name = "FORM")]
    output: OutputForm,
    /// Give consent links for this application too. May be repeated.
    #[arg(long, value_name = "UUID")]
    consent_link_app_id: Vec<AppId>,
    /// Client secret for objects whose Secret is not in the files.
    #[arg(long, env = "AZURE_CLIENT_SECRET", hide_env_values = true, hide = true)]
    client_secret: Option<SecretString>,
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

/// Looks at every object in the files.
pub async fn plan(arguments: PlanArguments) -> anyhow::Result<ExitCode> {
    let (objects, secrets) = read_files(&arguments.files)?;
    let server = arguments.emulator.endpoints();
    let clock = Clock::system();
    let graph = Graph::new(HttpTransport::new(&arguments.trust.transport_options()?)?, clock.clone());
    let mut planned = Vec::new();
    for (file, object) in objects {
        let endpoints = server.clone().unwrap_or_else(|| Endpoints::of(object.spec.cloud));
        let secret = secret(&file, &object, &secrets, arguments.client_secret.as_ref())?;
        planned.push(look(&graph, &clock, &endpoints, &arguments.consent_link_app_id, file, object, secret).await?);
    }
    print(&planned, arguments.output)?;
    Ok(match planned.iter().map(|planned| planned.result).max() {
        Some(Outcome::InSync) | None => ExitCode::SUCCESS,
        Some(Outcome::Drifted) => ExitCode::from(2),
        Some(Outcome::Failed) => ExitCode::from(1),
    })
}

type Secrets = BTreeMap<(String, String), Value>;

fn read_files(files: &[String]) -> anyhow::Result<(Vec<(String, WebexAzureIntegration)>, Secrets)> {
    let (mut objects, mut secrets) = (Vec::new(), Secrets::new());
    for file in files {
        let text = read_file(file)?;
        for document in manifest::read(file, &text)? {
            match document.kind() {
                "WebexAzureIntegration" => objects.push((file.clone(), document.integration(file)?)),
                "Secret" => {
                    let field = |path: &str| {
                        document.value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
                    };
                    secrets.insert((field("/metadata/namespace"), field("/metadata/name")), document.value);
                }
                _ => {}
            }
        }
    }
    if objects.is_empty() {
        bail!("{}: no WebexAzureIntegration object in it", files.join(", "));
    }
    Ok((objects, secrets))
}

fn read_file(file: &str) -> anyhow::Result<String> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("could not read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("could not read {file}"))
}

fn secret(
    file: &str,
    object: &WebexAzureIntegration,
    secrets: &Secrets,
    given: Option<&SecretString>,
) -> anyhow::Result<SecretString> {
    let reference = &object.spec.credentials.client_secret;
    let key = (object.namespace().unwrap_or_default(), reference.name.clone());
    let text = secrets.get(&key).and_then(|secret| {
        let plain = secret
            .get("stringData")
            .and_then(|data| data.get(&reference.key))
            .and_then(Value::as_str)
            .map(str::to_owned);
        let encoded = || {
            use base64::Engine as _;
            let encoded = secret.get("data")?.get(&reference.key)?.as_str()?;
            String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()
        };
        plain.or_else(encoded)
    });
    match (text, given) {
        (Some(text), _) => Ok(SecretString::from(text.trim_end_matches(['\r', '\n']))),
        (None, Some(given)) => Ok(given.clone()),
        (None, None) => bail!(
            "{file}: the client secret of {} is missing: set AZURE_CLIENT_SECRET, or put the Secret {} with the key {} into a file",
            object.name_any(),
            reference.name,
            reference.key
        ),
    }
}

async fn look(
    graph: &Graph<HttpTransport>,
    clock: &Clock,
    endpoints: &Endpoints,
    linkable: &[AppId],
    file: String,
    object: WebexAzureIntegration,
    secret: SecretString,
) -> anyhow::Result<Planned> {
    let desired =
        Desired::from_spec(&object.spec).map_err(|violations| anyhow::anyhow!("{file}: {}", sentences(&violations)))?;
    let credential = Credential {
        key: TokenKey {
            cloud: desired.cloud,
            tenant: desired.tenant,
            client: desired.client,
            namespace: object.namespace().unwrap_or_default(),
            secret_uid: object.spec.credentials.client_secret.name.clone(),
            secret_version: String::new(),
            secret_key: object.spec.credentials.client_secret.key.clone(),
        },
        secret,
    };
    let observation: Observation = graph.look(Question { desired: &desired, endpoints, credential: &credential }).await;
    let now = clock.now();
    // One look has to do here; there is no second one that could confirm it.
    let timing = Timing { confirmation: SignedDuration::ZERO, ..Timing::PRODUCTION };
    let looked_at = Desired { suspend: false, ..desired };
    let decision = decide(&Input {
        now,
        generation: object.metadata.generation.unwrap_or(1),
        requested_at: None,
        desired: Ok(&looked_at),
        previous: &WebexAzureIntegrationStatus::default(),
        observation: Some(&observation),
        memory: &Memory::new(now),
        timing: &timing,
        endpoints,
        linkable,
    });
    Ok(Planned {
        file,
        namespace: object.namespace(),
        name: object.name_any(),
        tenant_id: looked_at.tenant.to_string(),
        result: outcome(&decision.status),
        status: decision.status,
        desired: Some(looked_at),
    })
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

fn print(planned: &[Planned], form: OutputForm) -> anyhow::Result<()> {
    match form {
        OutputForm::Json => output::line(&serde_json::to_string_pretty(planned)?)?,
        OutputForm::Yaml => output::text(&serde_saphyr::to_string(&planned)?)?,
        OutputForm::Table => {
            for (index, planned) in planned.iter().enumerate() {
                if index > 0 {
                    output::line("")?;
                }
                output::text(&table(planned))?;
            }
        }
    }
    Ok(())
}

fn table(planned: &Planned) -> String {
    let Planned { namespace, name, tenant_id, status, desired, .. } = planned;
    let namespace = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
    let mut text = format!("{namespace}{name}, tenant {tenant_id}\n\n");
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["APPLICATION", "STATE", "PERMISSIONS", "OBJECT ID"]);
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
            application.service_principal_id.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    text.push_str(&table.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>());
    text.push('\n');
    for entry in &status.drift {
        let sentence =
            desired.as_ref().map_or_else(|| entry.actual.clone(), |desired| message::in_full(desired, entry));
        let _ = write!(text, "{} ({})\n{}\n\n", entry.reason, entry.application, output::wrapped(&sentence));
    }
    let observed = status.condition(ConditionType::Observed.as_str());
    if let Some(obstacle) = observed.filter(|observed| observed.reason != Reason::ObservationComplete.as_str()) {
        let _ = write!(text, "{}\n{}\n\n", obstacle.reason, output::wrapped(&obstacle.message));
    }
    if let Some(differs) =
        status.conditions.iter().find(|condition| condition.reason == Reason::ConsentDiffersFromPublished.as_str())
    {
        let _ = write!(text, "{}\n{}\n\n", differs.reason, output::wrapped(&differs.message));
    }
    let result = match planned.result {
        Outcome::InSync => "In sync.".to_owned(),
        Outcome::Drifted if status.drift.len() == 1 => "1 difference.".to_owned(),
        Outcome::Drifted => format!("{} differences.", status.drift.len()),
        Outcome::Failed => "The tenant could not be read completely.".to_owned(),
    };
    text.push_str(&result);
    text.push('\n');
    text
}
