//! `diagnose`: from what Control Hub said to the tenant, and to one verdict.

mod cluster;
mod examine;
mod report;

use std::{
    fs::File,
    io::{IsTerminal as _, Read, stdin},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::Args;

use super::{
    AttributionArgument, EmulatorArgument, TrustArgument, output,
    plan::examination::{self, CredentialArguments, Examiner},
};
use crate::{
    api::AppId,
    clock::Clock,
    domain::diagnosis::{
        self, Complaint,
        matching::{Candidate, choose},
    },
    graph::{Graph, HttpTransport},
};
use examine::Declared;
use report::Report;

/// Arguments of `diagnose`.
#[derive(Debug, Args)]
pub struct DiagnoseArguments {
    /// File with what Control Hub shows: the debug information, its JSON, or the message with the tracking ID, whatever is
    /// around it; - or nothing for standard input.
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    text: String,
    /// File with WebexAzureIntegration objects, in YAML, and the Secrets that they name; - for standard input. May be repeated.
    /// Without it the cluster of the kubeconfig is asked.
    #[arg(short = 'f', long = "file", value_name = "OBJECTS")]
    files: Vec<String>,
    /// Ask the cluster about this namespace only.
    #[arg(short, long, value_name = "NAMESPACE", conflicts_with = "files")]
    namespace: Option<String>,
    /// Form of the output.
    #[arg(short, long, value_enum, default_value = "text", value_name = "FORM")]
    output: OutputForm,
    /// Give consent links for this application too. May be repeated.
    #[arg(long, value_name = "UUID")]
    consent_link_app_id: Vec<AppId>,
    #[command(flatten)]
    attribution: AttributionArgument,
    #[command(flatten)]
    credential: CredentialArguments,
    #[command(flatten)]
    trust: TrustArgument,
    #[command(flatten)]
    emulator: EmulatorArgument,
}

/// Form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputForm {
    /// For people.
    Text,
    /// For programs: what the text told, what was found, and the verdict.
    Json,
}

/// Explains the text, and looks at the tenant that it is about.
pub async fn diagnose(arguments: DiagnoseArguments) -> anyhow::Result<ExitCode> {
    if arguments.text == "-" && arguments.files.iter().any(|file| file == "-") {
        bail!("standard input can be given once: as the text, or with -f");
    }
    let complaint = diagnosis::read(&read_text(&arguments.text)?)?;
    let server = arguments.emulator.base();
    let clock = Clock::system();
    let mut report = Report::of(&complaint, clock.now());
    let (mut declared, client) = if arguments.files.is_empty() {
        let found = cluster::list(arguments.namespace.as_deref()).await;
        report.notes.extend(found.notes);
        (found.declared, found.client)
    } else {
        (declared_in(&arguments.files)?, None)
    };
    if let Some(chosen) = chosen(&complaint, &declared, &mut report, client.is_some() || !arguments.files.is_empty()) {
        let transport = HttpTransport::new(&arguments.trust.transport_options()?)?;
        let graph = Graph::new(transport, clock.clone());
        let examiner = Examiner {
            graph: &graph,
            clock: &clock,
            server: server.as_deref(),
            linkable: &arguments.consent_link_app_id,
            attribution: arguments.attribution.how(),
        };
        for index in chosen {
            let Some(declared) = declared.get_mut(index) else { continue };
            match examine::examine(&examiner, client.as_ref(), &arguments.credential, declared).await {
                Ok((source, examination)) => report.add(declared.title(), source, examination),
                Err(error) => report.add_untried(&declared.title(), &error),
            }
        }
    }
    match arguments.output {
        OutputForm::Text => output::text(&report.text())?,
        OutputForm::Json => output::line(&report.json()?)?,
    }
    Ok(ExitCode::from(report.exit_status()))
}

/// The objects that are meant; none if there was nowhere to look for any.
fn chosen(complaint: &Complaint, declared: &[Declared], report: &mut Report, was_asked: bool) -> Option<Vec<usize>> {
    if !was_asked {
        return None;
    }
    let candidates: Vec<Candidate> =
        declared.iter().map(|declared| Candidate::new(&declared.title(), &declared.object.spec)).collect();
    let choice = choose(complaint, &candidates);
    report.notes.extend(choice.sentence);
    Some(choice.chosen)
}

fn declared_in(files: &[String]) -> anyhow::Result<Vec<Declared>> {
    let (objects, secrets) = examination::declared_in(files)?;
    let secrets = std::rc::Rc::new(secrets);
    Ok(objects.into_iter().map(|(place, object)| Declared { place, object, secrets: Some(secrets.clone()) }).collect())
}

/// The text, and one byte more than is read of it if it is longer.
fn read_text(file: &str) -> anyhow::Result<Vec<u8>> {
    let failed =
        || if file == "-" { "could not read standard input".to_owned() } else { format!("could not read {file}") };
    if file == "-" {
        if stdin().is_terminal() {
            output::say("Paste what Control Hub shows, then press Ctrl-D on a line of its own.");
        }
        return head(stdin().lock()).with_context(failed);
    }
    head(File::open(file).with_context(failed)?).with_context(failed)
}

fn head(reader: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = u64::try_from(diagnosis::TEXT_MAX).unwrap_or(u64::MAX);
    reader.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
