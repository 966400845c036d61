//! Some scenarios through the built program: `plan` as a process, beside an emulator that listens. What it prints is what the
//! same command prints in process, but for the address of the emulator and where lines break.

use std::{io::Write as _, net::SocketAddr, process::Stdio, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use webex_azure_operator::{
    clock::Clock,
    emulator::{Emulator, server},
};

use super::{
    kubernetes::NAMESPACE,
    microsoft::{Microsoft, Place},
    play,
    story::{self, Secret, Step, Story, duration},
};

/// Deleted and deactivated by somebody, a permission lost, a registration deleted, a job that needs a person, in order,
/// deactivated by the publisher, and an operator that is not let in.
const STORIES: [&str; 8] = [
    "attribution-by-name",
    "attribution-of-a-deactivation",
    "consent-of-another-resource",
    "presence-registration-deleted",
    "provisioning-too-many-deletes",
    "ready-quiet",
    "sign-in-publisher-deactivates",
    "observed-operator-unknown",
];

/// The tenant of the story as it is at its end, which is now, and what `plan` says of it in process.
fn told(story: &Story) -> (Emulator, Timestamp, String, String) {
    let passing_times = story.history.iter().filter_map(passing).map(|passes| duration(passes));
    let lasts = passing_times.fold(SignedDuration::ZERO, |sum, one| sum + one);
    // Deadlines pass by the clock of the machine, which the program goes by.
    let start = Timestamp::from_second((Clock::system().now() - lasts).as_second()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = Clock::seeded(start, 7);
        let microsoft = Microsoft::of(story, None, Place { tenant: None, namespace: NAMESPACE }, clock);
        for step in &story.history {
            if let Some(passes) = passing(step) {
                tokio::time::advance(duration(passes).try_into().unwrap()).await;
            } else {
                let is_left_out = matches!(step, Step::Expect(_) | Step::Look);
                assert!(microsoft.perform(step) || is_left_out, "{}: {step:?} is none of plan's business", story.name);
            }
        }
        let spec = microsoft.spec(story);
        let text = play::plan(story, &microsoft, &spec, &Secret::Good).await;
        let now = microsoft.clock().now();
        microsoft.check();
        (microsoft.into_emulator(), now, text, play::manifest(&spec, &Secret::Good))
    })
}

const fn passing(step: &Step) -> Option<&String> {
    if let Step::After(passes) | Step::Away(passes) = step { Some(passes) } else { None }
}

/// What the program prints, with its exit status.
fn printed(story: &Story, manifest: &str, url: &str) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"));
    command.args(["plan", "-f", "-", "--emulator", url]);
    for id in &story.process.consent_link_app_ids {
        command.args(["--consent-link-app-id", id]);
    }
    let mut child =
        command.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(manifest.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!text.is_empty(), "{}: it printed nothing and said {said}", story.name);
    format!("{text}\nexit status {}\n", output.status.code().unwrap())
}

#[test]
fn the_built_program_prints_what_the_command_prints_in_process() {
    let all = story::all();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for name in STORIES {
        let story = all.iter().find(|story| story.name == name).unwrap();
        let (emulator, now, expected, manifest) = told(story);
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let running = {
            let _inside = runtime.enter();
            server::serve(emulator, loopback, loopback, Arc::new(move || now)).unwrap()
        };
        let url = running.public_url();
        let found = printed(story, &manifest, &url);
        let expected =
            expected.replace("https://login.microsoftonline.com", &url).replace("https://graph.microsoft.com", &url);
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&found), words(&expected), "{name}: it printed\n{found}\nand not\n{expected}");
        runtime.block_on(running.stop());
    }
}
