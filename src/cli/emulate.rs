//! `emulate`: the pretend tenant on its own.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use clap::Args;

use super::output;
use crate::{
    clock::Clock,
    emulator::{
        Emulator, Knobs, Scenario, Settings,
        server::{self, Authority},
    },
};

/// Arguments of `emulate`.
#[derive(Debug, Args)]
pub struct EmulateArguments {
    /// Where Microsoft would be: a loopback address; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8085", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Where scenarios are set up, the clock is moved and the truth is shown: a loopback address.
    #[arg(long, default_value = "127.0.0.1:8086", value_name = "ADDRESS")]
    control: SocketAddr,
    /// Serve the public surface over https, and write the certificate that clients have to trust to this file. The
    /// authority is made anew at each start and good for 30 days; its key is nowhere but in this process.
    #[arg(long, value_name = "FILE")]
    tls_ca_file: Option<PathBuf>,
    /// Same seed, same identifiers and delays.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Do not load the scenario of the incident.
    #[arg(long)]
    empty: bool,
}

/// Serves until Ctrl-C.
pub async fn emulate(arguments: EmulateArguments) -> anyhow::Result<ExitCode> {
    let clock = Clock::system();
    let knobs = Knobs { limit_percentage: Some(100), ..Knobs::default() };
    let settings = Settings { seed: arguments.seed, public_url: String::new(), knobs };
    let mut emulator = Emulator::new(settings);
    let loaded = if arguments.empty { None } else { Some(emulator.load(clock.now(), &Scenario::incident())?) };
    let EmulateArguments { listen, control, tls_ca_file, .. } = arguments;
    let now: server::Now = Arc::new(move || clock.now());
    let running = match &tls_ca_file {
        None => server::serve(emulator, listen, control, now)?,
        Some(file) => {
            let authority = Authority::new(now())?;
            authority.write(file)?;
            server::serve_https(emulator, listen, control, now, &authority)?
        }
    };
    output::say(
        "EMULATOR: a pretend tenant in memory. It is not Microsoft, keeps nothing, and takes no real credentials.",
    );
    output::line(&format!("Microsoft Graph and sign-in  {}", running.public_url()))?;
    output::line(&format!("Control surface              {}", running.control_url()))?;
    if let Some(file) = &tls_ca_file {
        output::line(&format!("Certificate to trust         {}", file.display()))?;
    }
    if let Some(loaded) = loaded {
        output::line(&format!("Tenant                       {}", loaded.tenant_id))?;
        if let Some(operator) = loaded.operator {
            output::line(&format!("Client ID and secret         {} {}", operator.client_id, operator.client_secret))?;
        }
    }
    tokio::signal::ctrl_c().await?;
    running.stop().await;
    Ok(ExitCode::SUCCESS)
}
