//! The commands: arguments in, tables and sentences out. The only place that prints.

mod color;
#[cfg(feature = "demo")]
mod demo;
mod diagnose;
#[cfg(feature = "demo")]
mod emulate;
mod explain;
mod manifest;
mod output;
pub mod plan;
mod reference;
mod run;

pub use reference::reference_markdown;

use std::{net::IpAddr, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use url::{Host, Url};

use crate::{
    api::{AppId, Cloud, TenantId, validation::IDENTITY_INTEGRATION_APP_ID},
    domain::{Attribution, cloud::Endpoints},
    graph::{TransportOptions, transport::roots_from_pem},
    ops::{self, LogFormat},
};

/// Watches the Microsoft Entra applications that Cisco Webex Control Hub depends on, and tells what drifted, until when
/// it can be undone, and the one thing to do.
#[derive(Debug, Parser)]
#[command(name = "webex-azure-operator", version, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    log: LogArguments,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct LogArguments {
    /// Form of the log on standard error: text on a terminal and JSON elsewhere, unless said otherwise.
    #[arg(
        long,
        global = true,
        env = "WEBEX_AZURE_OPERATOR_LOG_FORMAT",
        value_enum,
        default_value = "auto",
        value_name = "FORMAT",
        help_heading = "Log"
    )]
    log_format: LogFormat,
    /// What the log holds, by target and level, such as info or debug.
    #[arg(long, global = true, env = "WEBEX_AZURE_OPERATOR_LOG", value_name = "FILTER", help_heading = "Log")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the operator: watch WebexAzureIntegration objects and keep their status true.
    Run(run::RunArguments),
    /// Look once at the tenants declared in files and print what drifted; needs no cluster and changes nothing.
    ///
    /// A file holds WebexAzureIntegration objects and, if you like, the Secrets that they name; without the Secret the
    /// client secret is taken from AZURE_CLIENT_SECRET. Exit status: 0 in sync, 2 drift, 1 the tenant or the file could
    /// not be read. One look is believed as it is; a change of the last minute may not be visible to it yet.
    Plan(plan::PlanArguments),
    /// Explain an error that Control Hub shows, look at the tenant that it is about, and say what to do or what to give to
    /// Cisco support.
    ///
    /// Paste what Control Hub shows as it is: the debug information in English or Chinese, its JSON, or only the message with
    /// the tracking ID. The object with the same spec.organizationId is taken from the files of -f, else from the cluster of
    /// the kubeconfig. Exit status: 0 the tenant is fine, 2 it differs from its declaration, 1 nothing is known of it.
    Diagnose(diagnose::DiagnoseArguments),
    /// Print the link on which an administrator grants consent for one tenant.
    ConsentUrl(ConsentUrlArguments),
    /// Print what a reason of a condition means: what happened, what it breaks, what to do, who can, until when.
    Explain(explain::ExplainArguments),
    /// Print the CustomResourceDefinition as YAML, for kubectl apply -f -.
    Crd,
    /// Show the operator at work on this machine: a real Kubernetes API server, a pretend tenant, and the incident that
    /// the operator was made for.
    #[cfg(feature = "demo")]
    Demo(demo::DemoArguments),
    /// Serve a pretend tenant that answers like Microsoft Graph and Microsoft Entra, on this machine only.
    #[cfg(feature = "demo")]
    Emulate(emulate::EmulateArguments),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
struct ConsentUrlArguments {
    /// Tenant (directory) ID.
    #[arg(long, value_name = "UUID")]
    tenant: TenantId,
    /// Application (client) ID; "Cisco Webex Identity Integration" if left out.
    #[arg(long, value_name = "UUID", required_if_eq_any = [("cloud", "us-government"), ("cloud", "us-government-do-d"), ("cloud", "china")])]
    app_id: Option<AppId>,
    /// Microsoft cloud of the tenant.
    #[arg(long, value_enum, default_value = "global")]
    cloud: CloudArgument,
}

/// A Microsoft cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CloudArgument {
    /// The worldwide cloud and GCC.
    Global,
    /// US Government L4 (GCC High).
    UsGovernment,
    /// US Government L5 (DoD).
    UsGovernmentDoD,
    /// Operated by 21Vianet.
    China,
}

impl From<CloudArgument> for Cloud {
    fn from(argument: CloudArgument) -> Self {
        match argument {
            CloudArgument::Global => Self::Global,
            CloudArgument::UsGovernment => Self::USGovernment,
            CloudArgument::UsGovernmentDoD => Self::USGovernmentDoD,
            CloudArgument::China => Self::China,
        }
    }
}

/// How whoever made a difference is told.
#[derive(Debug, Clone, Args)]
struct AttributionArgument {
    /// Tell who made a difference, from the tenant's audit log: by sign-in and display name, by ID, or not at all. Everyone
    /// who may read the object reads it.
    #[arg(long, env = "WEBEX_AZURE_OPERATOR_ATTRIBUTION", value_enum, default_value = "names", value_name = "HOW")]
    attribution: AttributionForm,
}

/// How whoever made a difference is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum AttributionForm {
    /// By sign-in and display name.
    Names,
    /// By object ID and application ID.
    Ids,
    /// Not at all; the audit log is not read.
    Off,
}

impl AttributionArgument {
    const fn how(&self) -> Attribution {
        match self.attribution {
            AttributionForm::Names => Attribution::Names,
            AttributionForm::Ids => Attribution::Ids,
            AttributionForm::Off => Attribution::Off,
        }
    }
}

/// One server on this machine in place of Microsoft's.
#[derive(Debug, Clone, Args)]
struct EmulatorArgument {
    /// Ask the emulator at this address instead of Microsoft; loopback addresses only. Never use it with real credentials.
    #[arg(long = "emulator", value_name = "URL", value_parser = loopback)]
    url: Option<Url>,
}

impl EmulatorArgument {
    fn base(&self) -> Option<String> {
        self.url.as_ref().map(|url| url.as_str().trim_end_matches('/').to_owned())
    }
}

/// Whom to trust besides the authorities of the platform.
#[derive(Debug, Clone, Args)]
struct TrustArgument {
    /// Trust the authorities in this file too, certificates in PEM, such as that of a proxy that opens connections. It counts for
    /// Microsoft's hosts, not for the Kubernetes API server.
    #[arg(long = "trust-ca-file", env = "WEBEX_AZURE_OPERATOR_TRUST_CA_FILE", value_name = "FILE")]
    file: Option<PathBuf>,
}

impl TrustArgument {
    fn transport_options(&self) -> anyhow::Result<TransportOptions> {
        let mut options = TransportOptions::from_environment();
        if let Some(file) = &self.file {
            let failed = || format!("could not read the authorities to trust from {}", file.display());
            let pem = std::fs::read(file).with_context(failed)?;
            options.extra_roots = roots_from_pem(&pem).with_context(failed)?;
        }
        Ok(options)
    }
}

fn loopback(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    let is_plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    match (is_loopback && is_plain, url.scheme()) {
        (true, "http" | "https") => Ok(url),
        _ => Err("must be http://127.0.0.1:PORT or another address of this machine".to_owned()),
    }
}

/// Runs the command and tells how it ended.
pub async fn main(arguments: Arguments) -> ExitCode {
    let Arguments { log, command } = arguments;
    let is_logged = matches!(command, Command::Run(_)) && log.log_format.is_json();
    let filter = log.log.unwrap_or_else(|| default_filter(&command).to_owned());
    if let Err(error) = ops::start_log(log.log_format, &filter) {
        return output::failed(&anyhow::Error::new(error).context("could not read --log"));
    }
    match perform(command).await {
        Ok(code) => code,
        // In a pod the last sentence is a line of the log like all others, unless there is none.
        Err(error) if is_logged && tracing::enabled!(tracing::Level::ERROR) => {
            tracing::error!("{}", ops::chain(error.as_ref()));
            ExitCode::FAILURE
        }
        Err(error) => output::failed(&error),
    }
}

const fn default_filter(command: &Command) -> &'static str {
    match command {
        // What the Kubernetes client says by itself, and repeats, our own log says once and in a sentence.
        Command::Run(_) => "info,kube_client=off,kube_runtime=off",
        #[cfg(feature = "demo")]
        Command::Demo(_) | Command::Emulate(_) => "off",
        // What a cluster refuses is told on standard output, once.
        Command::Diagnose(_) => "warn,kube_client=off",
        Command::Plan(_)
        | Command::ConsentUrl(_)
        | Command::Explain(_)
        | Command::Crd
        | Command::Completions { .. } => "warn",
    }
}

async fn perform(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run(arguments) => run::run(arguments).await,
        Command::Plan(arguments) => plan::plan(arguments).await,
        Command::Diagnose(arguments) => diagnose::diagnose(arguments).await,
        Command::ConsentUrl(arguments) => {
            let app_id = arguments.app_id.unwrap_or(IDENTITY_INTEGRATION_APP_ID);
            let endpoints = Endpoints::of(arguments.cloud.into());
            output::line(&endpoints.consent_url(arguments.tenant, app_id))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Crd => {
            output::text(&crd_yaml()?)?;
            Ok(ExitCode::SUCCESS)
        }
        #[cfg(feature = "demo")]
        Command::Demo(arguments) => demo::demo(arguments).await,
        #[cfg(feature = "demo")]
        Command::Emulate(arguments) => emulate::emulate(arguments).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "webex-azure-operator", &mut script);
            output::text(&String::from_utf8(script).context("the completion script is not text")?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// The CustomResourceDefinition as it is installed and kept in the repository.
pub fn crd_yaml() -> anyhow::Result<String> {
    let value = serde_json::to_value(crate::api::crd()).context("could not serialize the CustomResourceDefinition")?;
    let yaml = serde_saphyr::to_string(&value).context("could not write the CustomResourceDefinition as YAML")?;
    Ok(format!("# Generated by `webex-azure-operator crd`; do not edit.\n---\n{yaml}"))
}
