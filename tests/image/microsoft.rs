//! The emulator at Microsoft's own names and port, in a network where there is nobody else.

use std::{fs, net::SocketAddr, sync::Arc};

use jiff::Timestamp;
use tokio::runtime::Runtime;
use webex_azure_operator::{
    clock::Clock,
    emulator::{
        Emulator, Knobs, Scenario, Settings,
        server::{Authority, Running, serve_https},
    },
};

use super::{folder, names::Names};

/// Where the program signs in and asks.
pub const HOSTS: [&str; 2] = ["login.microsoftonline.com", "graph.microsoft.com"];

/// The pretend tenant of the incident, in order.
#[derive(Debug)]
pub struct Microsoft {
    /// The certificate of its authority, in PEM.
    pub authority: String,
    pub names: Names,
    _running: Running,
    _runtime: Runtime,
}

impl Microsoft {
    pub fn start() -> Self {
        // Cycles of the provisioning job begin every 40 minutes and take some seconds; none is under way in these tests.
        let now = Clock::system().now().as_second();
        let into_cycle = now % (40 * 60);
        let now = Timestamp::from_second(if into_cycle < 10 { now - into_cycle - 10 } else { now }).unwrap();
        let authority = Authority::new(now).unwrap();
        let file = folder().join("authority.pem");
        authority.write(&file).unwrap();
        let mut emulator = Emulator::new(Settings { seed: 1, public_url: String::new(), knobs: Knobs::calm() });
        emulator.load(now, &Scenario::incident()).unwrap();
        let runtime = Runtime::new().unwrap();
        let entered = runtime.enter();
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let running = serve_https(emulator, at(443), at(0), Arc::new(move || now), &authority).unwrap();
        drop(entered);
        Self {
            authority: fs::read_to_string(file).unwrap(),
            names: Names::serve(&HOSTS),
            _running: running,
            _runtime: runtime,
        }
    }
}
