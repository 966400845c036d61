//! The image: built from the Containerfile, looked into, and run as a container would run it, as nobody in particular on
//! a root that cannot be written.
//!
//! The program and the image are made first, by the commands of the Containerfile itself and with nothing pulled. Then
//! this program starts itself again in namespaces of its own: a network that is loopback alone, where Microsoft's names
//! lead to the emulator, and a place to mount things. Whoever lacks buildah fails; nothing is skipped.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod build;
mod container;
mod content;
mod microsoft;
mod names;
mod running;

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
};

use libtest_mimic::{Arguments, Trial};

use container::Image;
use microsoft::Microsoft;

/// The first argument of the second start.
const INSIDE: &str = "inside";

/// Where everything is that these tests make.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("image")
}

fn main() -> ExitCode {
    let mut words = env::args().skip(1).peekable();
    if words.next_if(|word| word == INSIDE).is_some() {
        return inside(&Arguments::from_iter(["image".to_owned()].into_iter().chain(words)));
    }
    let arguments = Arguments::from_args();
    if arguments.list {
        return perform(&arguments, None);
    }
    build::image();
    // Root of a user namespace may do all that is needed, and nothing outside of it.
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "--mount", "--"])
        .arg(env::current_exe().unwrap())
        .arg(INSIDE)
        .args(words)
        .status()
        .unwrap_or_else(|error| panic!("unshare, of util-linux, is needed: {error}"));
    ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1))
}

fn inside(arguments: &Arguments) -> ExitCode {
    // Nobody was first: this is the start of the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    build::run(Command::new("ip").args(["link", "set", "lo", "up"]), "ip, of iproute2,");
    let microsoft = Arc::new(Microsoft::start());
    perform(arguments, Some(&(Arc::new(Image::read(&folder().join("layout"))), microsoft)))
}

fn perform(arguments: &Arguments, stage: Option<&(Arc<Image>, Arc<Microsoft>)>) -> ExitCode {
    macro_rules! trials {
        ($($module:ident { $($name:ident,)+ })+) => {
            vec![$($({
                let stage = stage.cloned();
                Trial::test(stringify!($name), move || {
                    let (image, microsoft) = stage.expect("the tests run inside");
                    $module::$name(&image, &microsoft);
                    Ok(())
                })
            },)+)+]
        };
    }
    let trials = trials! {
        content {
            the_image_holds_the_program_the_authorities_and_what_is_said_of_it,
            the_image_names_its_user_its_program_and_nothing_else_to_run,
            the_program_does_not_grow_unseen,
            the_labels_are_those_of_this_version,
            the_builder_is_the_rust_that_is_declared,
        }
        running {
            it_runs_without_rights_on_a_root_that_cannot_be_written,
            no_pretend_tenant_is_shipped,
            without_a_cluster_it_says_so_in_one_sentence,
            microsoft_is_found_and_trusted_with_the_files_of_a_pod_alone,
            names_may_come_from_the_hosts_of_a_pod,
            the_authorities_of_the_image_are_the_only_ones,
            an_authority_of_ones_own_is_trusted_by_flag_and_by_variable,
        }
    };
    libtest_mimic::run(arguments, trials).exit_code()
}
