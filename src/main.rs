//! The program: reads its arguments and hands over to `cli`.

use std::process::ExitCode;

use clap::Parser as _;
use webex_azure_operator::cli;

#[tokio::main]
async fn main() -> ExitCode {
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        // Somebody was first; there is one provider either way.
    }
    cli::main(cli::Arguments::parse()).await
}
