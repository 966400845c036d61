//! The other commands.

use crate::program::{golden, run};

#[tokio::test]
async fn consent_url_names_the_tenant_and_never_common() {
    let tenant = "00000000-0000-4000-8000-000000000001";
    let link = run(&["consent-url", "--tenant", tenant], "", &[]).await;
    assert_eq!(
        (link.code, link.out.as_str()),
        (
            0,
            "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000001/adminconsent?client_id=90db942a-c1eb-4e8d-82e4-eebf64a7e2ae\n"
        )
    );
    let other = run(&["consent-url", "--tenant", tenant, "--cloud", "china", "--app-id", tenant], "", &[]).await;
    assert!(other.out.starts_with("https://login.chinacloudapi.cn/"), "{}", other.out);
    let unknown = run(&["consent-url", "--tenant", tenant, "--cloud", "china"], "", &[]).await;
    assert_ne!(unknown.code, 0, "nobody published the application ID outside Global");
    let common = run(&["consent-url", "--tenant", "common"], "", &[]).await;
    assert_ne!(common.code, 0);
    assert!(common.err.contains("not a UUID"), "{}", common.err);
}

#[tokio::test]
async fn crd_prints_the_definition_that_the_repository_holds() {
    let crd = run(&["crd"], "", &[]).await;
    assert_eq!(crd.code, 0);
    assert_eq!(crd.out, include_str!("../../crds/webexazureintegrations.webexazure.dev.yaml"));
}

#[tokio::test]
async fn help_is_what_a_stranger_reads_first() {
    for (name, arguments) in [
        ("help.txt", vec!["--help"]),
        ("help-run.txt", vec!["run", "--help"]),
        ("help-plan.txt", vec!["plan", "--help"]),
        ("help-diagnose.txt", vec!["diagnose", "--help"]),
        ("help-demo.txt", vec!["demo", "--help"]),
        ("help-emulate.txt", vec!["emulate", "--help"]),
        ("help-consent-url.txt", vec!["consent-url", "--help"]),
        ("help-explain.txt", vec!["explain", "--help"]),
    ] {
        let help = run(&arguments, "", &[]).await;
        assert_eq!(help.code, 0);
        golden(name, &help.out);
    }
}

#[tokio::test]
async fn the_emulator_flag_takes_only_addresses_of_this_machine() {
    for url in [
        "https://graph.microsoft.com",
        "http://10.0.0.1:80",
        "http://127.0.0.1:80/path",
        "http://user@127.0.0.1:80",
        "ftp://127.0.0.1",
        "x",
    ] {
        let refused = run(&["run", "--emulator", url], "", &[]).await;
        assert_eq!(refused.code, 2, "{url}");
        assert!(refused.err.contains("--emulator"), "{}", refused.err);
    }
}

#[tokio::test]
async fn without_a_cluster_run_says_what_is_missing_in_one_sentence() {
    let none = run(&["run", "--log", "off"], "", &[("KUBECONFIG", "/nowhere/config")]).await;
    assert_eq!((none.code, none.err.lines().count()), (1, 1), "{}", none.err);
    assert!(
        none.err.starts_with("error: no Kubernetes cluster is configured: set KUBECONFIG, or run inside a cluster"),
        "{}",
        none.err
    );
}

#[tokio::test]
async fn in_a_pod_the_last_sentence_of_run_is_a_line_of_json_and_other_commands_speak_plainly() {
    let nowhere = [("KUBECONFIG", "/nowhere/config")];
    let none = run(&["run"], "", &nowhere).await;
    assert_eq!((none.code, none.out.as_str(), none.err.lines().count()), (1, "", 1), "{}", none.err);
    let line: serde_json::Value = serde_json::from_str(&none.err).unwrap();
    let message = line.get("message").and_then(|message| message.as_str()).unwrap();
    assert!(message.starts_with("no Kubernetes cluster is configured: set KUBECONFIG, or run inside a cluster"));
    assert!(message.contains("/nowhere/config") && !message.contains("in-cluster"), "{message}");
    assert_eq!(line.get("level").and_then(|level| level.as_str()), Some("ERROR"));
    let text = run(&["run", "--log-format", "text"], "", &nowhere).await;
    assert!(text.err.starts_with("error: no Kubernetes cluster is configured"), "{}", text.err);
    let plan = run(&["plan", "-f", "/nowhere/file"], "", &[]).await;
    assert!(plan.err.starts_with("error: "), "{}", plan.err);
}

#[tokio::test]
async fn a_pod_without_its_token_says_so() {
    let pod = [("KUBERNETES_SERVICE_HOST", "127.0.0.1"), ("KUBERNETES_SERVICE_PORT", "1")];
    let none = run(&["run", "--log-format", "text"], "", &pod).await;
    assert_eq!((none.code, none.err.lines().count()), (1, 1), "{}", none.err);
    assert!(none.err.contains("let its token be mounted (automountServiceAccountToken: true)"), "{}", none.err);
}

#[tokio::test]
async fn namespaces_are_told_one_by_one_or_as_a_list_and_a_wrong_name_is_refused() {
    for wrong in ["", "Webex", "-webex", "webex-", "a/b", "webex,", &"w".repeat(64)] {
        let by_flag = run(&["run", &format!("--namespace={wrong}")], "", &[]).await;
        let by_environment = run(&["run"], "", &[("WEBEX_AZURE_OPERATOR_NAMESPACE", wrong)]).await;
        for refused in [by_flag, by_environment] {
            assert_eq!(refused.code, 2, "{wrong:?}: {}", refused.err);
            assert!(
                refused.err.contains("'--namespace <NAMESPACE>': must be the name of a namespace"),
                "{}",
                refused.err
            );
        }
    }
    for good in [&["--namespace", "a", "--namespace", "b-1"][..], &["--namespace", "a,b,a"]] {
        let started = run(&[&["run"], good].concat(), "", &[("KUBECONFIG", "/nowhere/config")]).await;
        assert_eq!(started.code, 1, "the arguments are taken, and a cluster is missing: {}", started.err);
    }
}

#[tokio::test]
async fn the_emulator_refuses_to_listen_beyond_this_machine() {
    let refused = run(&["emulate", "--listen", "0.0.0.0:0"], "", &[]).await;
    assert_eq!(
        (refused.code, refused.err.as_str()),
        (1, "error: the emulator listens on loopback addresses only, not on 0.0.0.0:0\n")
    );
}

#[tokio::test]
async fn completions_are_printed_for_a_shell() {
    let script = run(&["completions", "bash"], "", &[]).await;
    assert_eq!(script.code, 0);
    assert!(script.out.contains("webex-azure-operator") && script.out.contains("consent-url"));
}
