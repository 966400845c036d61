//! The operator against a real kube-apiserver and, over loopback, the emulator of a tenant.
//!
//! All tests share one control plane, which starts with the first test that needs it and ends with the last. Each test
//! has a namespace, an emulator and an operator of its own. Whoever has no control plane fails; nothing is skipped.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod access;
mod admission;
mod areas;
mod canary;
mod certificate;
#[path = "../contract/check/witness.rs"]
mod contract;
mod credential;
mod door;
mod fairness;
mod federation;
mod front;
mod golden;
mod incident;
mod isolation;
mod kubectl;
mod lease;
mod lease_rights;
mod lifecycle;
mod object;
mod operator_identity;
mod privilege;
mod program;
mod recorder;
mod scenario;
mod scene;
mod sign_in;
mod situation;
mod stage;
mod tenant;
mod trouble;
mod unreadable;
mod wire;

use std::{process::ExitCode, sync::Arc, time::Duration};

use futures::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;
use webex_azure_operator::ops::{LogFormat, start_log};

use stage::Stage;

/// Longest time for one test. Building etcd and kube-apiserver, which the first may have to do, does not count.
const PATIENCE: Duration = Duration::from_mins(3);

/// The tests wait most of the time, so there may be more of them than cores.
const SIDE_BY_SIDE: usize = 8;

type Body = fn(Arc<Stage>) -> LocalBoxFuture<'static, ()>;

macro_rules! bodies {
    ($($module:ident { $($name:ident,)+ })+) => {
        [$($((stringify!($name), (|stage| Box::pin(async move { $module::$name(&stage).await })) as Body),)+)+]
    };
}

fn main() -> ExitCode {
    // What the operator warns of explains a test that fails.
    start_log(LogFormat::Text, "webex_azure_operator=warn").unwrap();
    // Nobody was first: this is the start of the process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(SIDE_BY_SIDE));
    let runtime = Arc::new(Runtime::new().unwrap());
    let stage = Arc::new(Stage::default());
    let bodies = bodies! {
        admission {
            the_definition_is_accepted_without_a_warning,
            api_server_and_rust_agree_on_every_object,
            api_server_and_rust_agree_on_two_peculiarities_at_once,
            tenant_and_cloud_cannot_be_changed,
            a_new_object_says_that_it_was_never_observed,
        }
        incident {
            the_incident_is_told_until_it_is_mended,
        }
        credential {
            an_unusable_secret_is_named_and_heals_when_it_is_corrected,
            an_unknown_tenant_or_client_is_named,
            i20_a_token_of_another_tenant_is_not_used,
        }
        certificate {
            a_certificate_signs_in_and_its_loss_is_told_until_it_is_back,
            a_secret_without_a_usable_certificate_is_named_and_heals_when_it_is_corrected,
        }
        federation {
            a_service_account_signs_in_and_each_mismatch_is_told_until_it_is_mended,
            i18_a_service_account_is_used_only_if_it_names_the_application_and_heals_when_it_does,
            the_chart_gives_the_rights_to_a_service_account_by_name,
            a_service_account_signs_in_to_each_cloud_with_that_clouds_audience,
        }
        operator_identity {
            the_operators_identity_is_lent_only_where_that_was_allowed,
            g48_what_the_operators_identity_lacks_is_named_and_heals_when_it_is_there,
        }
        privilege {
            k13_excess_and_a_trimmed_secret_are_told_once_and_in_no_condition,
            everything_that_the_operators_application_lacks_is_named_at_once_and_heals_when_granted,
        }
        canary {
            no_secret_and_no_token_gets_out,
        }
        fairness {
            slow_and_throttled_tenants_cost_the_others_nothing,
        }
        trouble {
            trouble_at_microsoft_graph_leaves_the_verdict_as_it_was,
        }
        isolation {
            a_panic_is_one_objects_internal_error,
            i17_a_neighbour_with_a_wrong_secret_gets_nothing_of_who_is_signed_in,
        }
        lifecycle {
            a_suspended_object_is_left_alone_until_it_is_resumed,
            a_quiet_object_is_not_written,
            an_annotation_asks_for_a_look_at_once,
            a_deleted_object_is_released,
            a_recreated_object_gets_a_verdict_of_its_own,
            a_display_name_cannot_deceive_a_terminal,
        }
        lease {
            k24_a_killed_leader_is_followed_when_its_lease_has_run_out,
            k25_a_leader_that_is_told_to_stop_ends_its_writes_and_hands_over_at_once,
            k25_a_write_without_an_answer_is_given_up_within_the_pods_grace,
            k16_a_leader_that_was_frozen_writes_nothing_when_it_wakes,
            k15_a_leader_that_is_cut_off_stops_before_the_other_begins_and_comes_back,
            without_a_lease_a_process_acts_alone_and_says_so,
        }
        lease_rights {
            k23_three_verbs_on_one_lease_are_enough_and_their_lack_is_told_and_survived,
        }
        kubectl {
            what_kubectl_shows_reads_well,
        }
        situation {
            twelve_situations_read_well_in_kubectl,
        }
        areas {
            two_of_three_namespaces_are_watched_with_roles_in_them_only,
        }
        access {
            the_charts_permissions_are_enough_and_name_each_secret,
        }
        // Last, because it has the definition to itself and waits for all others.
        unreadable {
            an_object_that_cannot_be_read_suffers_alone,
        }
    };
    let trials = bodies.map(|(name, body)| {
        let (runtime, stage) = (Arc::clone(&runtime), Arc::clone(&stage));
        Trial::test(name, move || {
            let performed = async {
                stage.cluster().await;
                tokio::time::timeout(PATIENCE, body(Arc::clone(&stage))).await
            };
            runtime.block_on(performed).map_err(|_| format!("not done in {PATIENCE:?}").into())
        })
    });
    let trials = scenario::trials(&runtime, &stage).into_iter().chain(trials);
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let stage = Arc::into_inner(stage).expect("the tests are over, and nobody else holds it");
    runtime.block_on(stage.end());
    conclusion.exit_code()
}
