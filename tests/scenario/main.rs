//! Scenarios as data: a tenant, a declaration, a history of people's acts and of faults, and what has to be said.
//!
//! Each file in `data` is told through the passes of the operator and through `plan` on virtual time here, under every
//! setting of every open question, some through the built program, and a third by tests/cluster through a real API server.
//! `cargo test --test scenario -- --nocapture` prints the matrix of reasons and remedies that they reach;
//! `SCENARIO=name` tells only files whose name holds that, and `UPDATE=1` rewrites the outputs of `plan`.

#![cfg(feature = "demo")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test stops at the first surprise"
)]

#[path = "../gitops/case.rs"]
#[expect(dead_code, reason = "its table is printed by tests/gitops")]
mod case;
#[path = "../contract/check/witness.rs"]
mod contract;
mod expect;
#[path = "../support/flux.rs"]
mod flux;
#[path = "../support/go.rs"]
mod go;
#[path = "../gitops/judge.rs"]
#[expect(dead_code, reason = "the files that people install are held against it in tests/gitops")]
mod judge;
mod kubernetes;
mod matrix;
mod microsoft;
mod operator;
mod pipeline;
mod play;
mod program;
mod story;
mod tenant;
mod wire;

use std::sync::{
    LazyLock, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use expect::Expectation;
use play::{Told, play};
use story::{Step, Story};

/// The files that are told in this run.
#[expect(clippy::disallowed_methods, reason = "what narrows a run down is not an argument of the test runner")]
fn chosen() -> Vec<Story> {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    story::all().into_iter().filter(|story| story.name.contains(&wanted)).collect()
}

#[expect(clippy::disallowed_methods, reason = "what narrows a run down is not an argument of the test runner")]
fn is_whole() -> bool {
    std::env::var("SCENARIO").is_err()
}

/// Tells each of these stories under its setting, on as many threads as there are cores.
fn tell(runs: &[(&Story, Option<&str>)]) -> Told {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Told::default());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..std::thread::available_parallelism().unwrap().get())
            .map(|_| {
                scope.spawn(|| {
                    while let Some((story, setting)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let told = tell_one(story, *setting);
                        let mut all = all.lock().unwrap();
                        let under = setting.map(|setting| format!("under {setting}: ")).unwrap_or_default();
                        all.complaints.extend(told.complaints.iter().map(|complaint| format!("{under}{complaint}")));
                        all.matrix.join(told.matrix);
                        all.compared += told.compared;
                        all.planned += told.planned;
                        all.looks += told.looks;
                        all.states.extend(told.states);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    all.into_inner().unwrap()
}

fn tell_one(story: &Story, setting: Option<&str>) -> Told {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| runtime.block_on(play(story, setting))));
    told.unwrap_or_else(|_| {
        let complaints = vec![format!("{} could not be told; what was said is above", story.name)];
        Told { complaints, ..Told::default() }
    })
}

/// What came of telling each story once, under no setting; several tests look at it.
static TOLD: LazyLock<Told> = LazyLock::new(|| {
    let stories = chosen();
    let runs: Vec<_> = stories.iter().map(|story| (story, None)).collect();
    tell(&runs)
});

#[test]
fn every_scenario_is_told_as_its_file_says_and_every_reason_and_remedy_is_reached() {
    let told = &*TOLD;
    println!("{}", told.matrix.text());
    println!("{} files, {} statuses and {} outputs of plan compared", chosen().len(), told.compared, told.planned);
    assert!(told.complaints.is_empty(), "{}", told.complaints.join("\n\n"));
    if is_whole() {
        let unreached = told.matrix.unreached();
        assert!(unreached.is_empty(), "no file reaches: {unreached:#?}");
    }
}

#[test]
fn every_scenario_is_told_the_same_under_every_setting_of_every_open_question() {
    let (stories, settings) = (chosen(), microsoft::settings());
    let runs: Vec<_> =
        stories.iter().flat_map(|story| settings.iter().map(move |setting| (story, Some(setting.as_str())))).collect();
    let told = tell(&runs);
    println!(
        "{} runs: {} files under {} settings; {} batches of questions, {} statuses and {} outputs of plan compared",
        runs.len(),
        stories.len(),
        settings.len(),
        told.looks,
        told.compared,
        told.planned
    );
    assert!(told.complaints.is_empty(), "{}", told.complaints.join("\n\n"));
}

#[test]
fn files_speak_only_of_settings_that_exist() {
    let settings = microsoft::settings();
    for story in story::all() {
        for step in &story.history {
            let Step::Expect(raw) = step else { continue };
            for setting in Expectation::read(raw, &story.name).settings() {
                assert!(settings.iter().any(|known| known == setting), "{}: {setting}", story.name);
            }
        }
    }
}

#[test]
fn a_third_of_the_scenarios_goes_through_a_real_api_server_too() {
    let stories = story::all();
    let real = stories.iter().filter(|story| story.api_server).count();
    println!("{real} of {} files go through a real API server", stories.len());
    assert!(real * 3 >= stories.len(), "{real} of {}", stories.len());
}
