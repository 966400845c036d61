//! `plan`: what it prints, and the exit status that a pipeline reads.

use serde_json::{Value, json};
use webex_azure_operator::emulator::Scenario;

use crate::program::{EXAMPLE, INTEGRATION, Run, Tenant, golden, run};

async fn plan(tenant: &Tenant, manifest: &str, more: &[&str]) -> Run {
    let url = tenant.url();
    let mut arguments = vec!["plan", "-f", "-", "--emulator", &url];
    arguments.extend(more);
    run(&arguments, manifest, &[]).await
}

#[tokio::test]
async fn a_tenant_in_order_is_in_sync_with_exit_0() {
    let tenant = Tenant::new();
    let run = plan(&tenant, EXAMPLE, &[]).await;
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    golden("plan-in-sync.txt", &tenant.plain(&run.out));
}

#[tokio::test]
async fn a_deletion_is_told_with_remedy_and_exit_2() {
    let tenant = Tenant::new();
    tenant.act("DELETE", &format!("/servicePrincipals(appId='{INTEGRATION}')"), Value::Null).await;
    let run = plan(&tenant, EXAMPLE, &[]).await;
    assert_eq!((run.code, run.err.as_str()), (2, ""));
    golden("plan-soft-deleted.txt", &tenant.plain(&run.out));
}

#[tokio::test]
async fn several_differences_are_all_told() {
    let tenant = Tenant::new();
    tenant
        .act("PATCH", &format!("/servicePrincipals(appId='{INTEGRATION}')"), json!({ "accountEnabled": false }))
        .await;
    tenant.act("DELETE", "/servicePrincipals(appId='00000000-0000-4000-8000-000000000012')", Value::Null).await;
    let run = plan(&tenant, EXAMPLE, &[]).await;
    assert_eq!(run.code, 2);
    golden("plan-two-differences.txt", &tenant.plain(&run.out));
}

#[tokio::test]
async fn json_holds_the_status_as_the_operator_would_write_it() {
    let tenant = Tenant::new();
    tenant.act("DELETE", &format!("/servicePrincipals(appId='{INTEGRATION}')"), Value::Null).await;
    let run = plan(&tenant, EXAMPLE, &["-o", "json"]).await;
    assert_eq!(run.code, 2);
    let planned: Value = serde_json::from_str(&tenant.plain(&run.out)).unwrap();
    assert_eq!(planned[0]["result"], "Drifted");
    assert_eq!(planned[0]["name"], "contoso");
    assert_eq!(planned[0]["status"]["drift"][0]["reason"], "ServicePrincipalSoftDeleted");
    assert_eq!(planned[0]["status"]["drift"][0]["remedy"]["action"], "Restore");
    assert_eq!(planned[0]["status"]["applications"][0]["restoreBefore"], "2026-12-23T08:00:00Z");

    let run = plan(&tenant, EXAMPLE, &["-o", "yaml"]).await;
    assert_eq!(run.code, 2);
    assert!(run.out.contains("reason: ServicePrincipalSoftDeleted"), "{}", run.out);
}

#[tokio::test]
async fn a_wrong_secret_is_an_error_that_says_what_to_do() {
    let tenant = Tenant::new();
    let run = plan(&tenant, &EXAMPLE.replace("emulator-only-secret", "mistyped"), &[]).await;
    assert_eq!(run.code, 1);
    golden("plan-wrong-secret.txt", &tenant.plain(&run.out));
}

#[tokio::test]
async fn the_secret_may_come_from_the_environment_and_is_asked_for_by_name() {
    let tenant = Tenant::new();
    let (url, integration) = (tenant.url(), EXAMPLE.split("---\n").nth(1).unwrap());
    let arguments = ["plan", "-f", "-", "--emulator", &url];
    let missing = run(&arguments, integration, &[]).await;
    assert_eq!(missing.code, 1);
    assert_eq!(
        missing.err,
        "error: -: the client secret of contoso is missing: set AZURE_CLIENT_SECRET, or put the Secret graph with the key \
         client-secret into a file\n"
    );
    let given = run(&arguments, integration, &[("AZURE_CLIENT_SECRET", "emulator-only-secret")]).await;
    assert_eq!(given.code, 0, "{}", given.err);
}

#[tokio::test]
async fn a_broken_file_is_an_error_with_file_line_and_sentence() {
    let broken =
        EXAMPLE.replace("tenantId: 00000000-0000-4000-8000-000000000001", "tenantId: contoso.com\n  intervall: 5m");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wai.yaml");
    std::fs::write(&path, broken).unwrap();
    let path = path.to_str().unwrap();
    let run = run(&["plan", "-f", path], "", &[]).await;
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert_eq!(run.err, format!("error: {path}:22: spec.intervall: unknown field\n"));
}

#[tokio::test]
async fn every_broken_rule_is_told_at_once() {
    let broken = EXAMPLE
        .replace("00000000-0000-4000-8000-000000000001", "contoso.com")
        .replace("appId: 00000000-0000-4000-8000-000000000012", "appId: 90db942a-c1eb-4e8d-82e4-eebf64a7e2ae");
    let run = run(&["plan", "-f", "-"], &broken, &[]).await;
    assert_eq!(run.code, 1);
    let lines: Vec<&str> = run.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", run.err);
    assert!(lines[0].starts_with("error: -:21: spec.tenantId: must be a UUID"), "{}", lines[0]);
    assert!(lines[1].starts_with("-:30: spec.identity.appId: identity.appId is the application ID of"), "{}", lines[1]);
}

#[tokio::test]
async fn yaml_that_is_none_and_a_file_that_is_not_there_get_one_sentence() {
    let not_yaml = run(&["plan", "-f", "-"], "a: [\n", &[]).await;
    assert_eq!((not_yaml.code, not_yaml.err.lines().count()), (1, 1), "{}", not_yaml.err);
    assert!(not_yaml.err.starts_with("error: -:"), "{}", not_yaml.err);
    let absent = run(&["plan", "-f", "/nowhere/wai.yaml"], "", &[]).await;
    assert_eq!(
        (absent.code, absent.err.as_str()),
        (1, "error: could not read /nowhere/wai.yaml: No such file or directory (os error 2)\n")
    );
    let other = run(&["plan", "-f", "-"], "kind: ConfigMap\n", &[]).await;
    assert_eq!((other.code, other.err.as_str()), (1, "error: -: no WebexAzureIntegration object in it\n"));
}

#[tokio::test]
async fn the_secret_appears_nowhere_even_at_trace_level() {
    let tenant = Tenant::new();
    for secret in ["emulator-only-secret", "wrong-canary-secret"] {
        let manifest = EXAMPLE.replace("emulator-only-secret", secret);
        let run = plan(&tenant, &manifest, &["--log", "trace", "-o", "yaml"]).await;
        assert!(run.err.contains("TRACE") || run.err.contains("DEBUG"), "the log was on");
        assert!(!run.err.contains(secret) && !run.out.contains(secret));
        assert!(!run.err.contains("eyJ") && !run.out.contains("eyJ"), "no token either");
    }
}

/// The explanation without what differs from run to run: names of requests and milliseconds.
fn stable(output: &str) -> String {
    let is_name = |word: &str| word.len() == 36 && word.parse::<uuid::Uuid>().is_ok();
    let stable_word = |word: &str| if is_name(word) { "REQUEST-ID".to_owned() } else { word.to_owned() };
    let mut lines = Vec::new();
    for line in output.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A row of the table of requests has seven columns and a method before its target.
        match words.as_slice() {
            [operation, status, code, units, _, id, method @ ("GET" | "POST"), target] => {
                let id = stable_word(id);
                lines.push(format!("{operation} {status} {code} {units} MS {id} {method} {target}"));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

#[tokio::test]
async fn explain_shows_every_request_and_what_the_operators_application_may_do() {
    let tenant = Tenant::new();
    let operator = "/servicePrincipals(appId='00000000-0000-4000-8000-000000000031')";
    let grant = json!({
        "principalId": "00000000-0000-4000-8000-000000000032",
        "resourceId": "00000000-0000-4000-8000-000000000041",
        "appRoleId": "df021288-bdef-4463-88db-98f22de89214",
    });
    tenant.act("POST", &format!("{operator}/appRoleAssignments"), grant).await;
    tenant.revoke_directory_read_all().await;
    let run = plan(&tenant, EXAMPLE, &["--explain"]).await;
    assert_eq!(run.code, 1, "{}", run.out);
    golden("plan-explain.txt", &stable(&tenant.plain(&run.out)));

    let run = plan(&tenant, EXAMPLE, &["--explain", "-o", "json"]).await;
    let planned: Value = serde_json::from_str(&run.out).unwrap();
    let explanation = &planned[0]["explanation"];
    assert_eq!(explanation["permissions"]["lacks"][0]["permission"], "Directory.Read.All");
    assert_eq!(explanation["permissions"]["doesNotNeed"], json!(["User.Read.All"]));
    let requests = explanation["requests"].as_array().unwrap();
    assert_eq!(requests[0]["operation"], "token");
    assert!(requests.iter().all(|request| request["clientRequestId"].as_str().is_some_and(|id| id.len() == 36)));
    let refused = requests.iter().find(|request| request["status"] == 403).unwrap();
    assert_eq!(refused["code"], "Authorization_RequestDenied");
    assert!(refused["requestId"].is_string());
}

#[tokio::test]
async fn a_certificate_or_a_token_file_that_is_missing_is_asked_for_by_name() {
    let tenant = Tenant::new();
    let integration = EXAMPLE.split("---\n").nth(1).unwrap();
    let secret = "clientSecret: { name: graph, key: client-secret }";
    assert!(integration.contains(secret));
    for (instead, expected) in [
        (
            "clientCertificate: { name: graph }",
            "error: -: the certificate of contoso is missing: set AZURE_CLIENT_CERTIFICATE_PATH, or put the Secret graph with \
             tls.crt and tls.key into a file\n",
        ),
        (
            "workloadIdentity: { serviceAccountName: reader }",
            "error: -: contoso signs in with a token of Kubernetes, which a file cannot hold: set AZURE_FEDERATED_TOKEN_FILE, \
             for example to the output of kubectl create token --audience api://AzureADTokenExchange\n",
        ),
    ] {
        let run = plan(&tenant, &integration.replace(secret, instead), &[]).await;
        assert_eq!((run.code, run.err.as_str()), (1, expected));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sign-in/client-certificate.pem");
    let manifest = integration.replace(secret, "clientCertificate: { name: graph }");
    let url = tenant.url();
    let run =
        run(&["plan", "-f", "-", "--emulator", &url], &manifest, &[("AZURE_CLIENT_CERTIFICATE_PATH", path)]).await;
    assert_eq!(run.code, 1);
    assert!(run.err.contains("client-certificate.pem cannot be used: it holds no private key"), "{}", run.err);
}

/// The example without the line that says which application "Cisco Webex Identity" is.
fn unpinned() -> String {
    EXAMPLE.replace("    appId: 00000000-0000-4000-8000-000000000012", "    check: true")
}

#[tokio::test]
async fn an_identity_that_was_found_is_told_with_the_lines_that_pin_it() {
    let tenant = Tenant::new();
    let run = plan(&tenant, &unpinned(), &[]).await;
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
    assert!(run.out.contains("\n  identity:\n    appId: 00000000-0000-4000-8000-000000000012\n"), "{}", run.out);
    let pinned = plan(&tenant, EXAMPLE, &[]).await;
    assert!(!pinned.out.contains("To pin it"), "{}", pinned.out);
}

#[tokio::test]
async fn an_identity_that_nothing_proves_is_asked_for_by_name() {
    let mut scenario = Scenario::incident();
    scenario.owners.clear();
    for principal in &mut scenario.service_principals {
        principal.0.remove("createdByAppId");
    }
    for application in &mut scenario.applications {
        application.0.remove("createdByAppId");
    }
    let run = plan(&Tenant::of(&scenario), &unpinned(), &[]).await;
    assert_eq!(run.code, 1, "{}", run.out);
    let words = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("IdentityNotProved Nothing proves which application"), "{}", run.out);
    assert!(words.contains("such as appId: 00000000-0000-4000-8000-000000000012."), "{}", run.out);
    assert!(run.out.ends_with("It is not clear which application is meant.\n"), "{}", run.out);
}

#[tokio::test]
async fn colors_are_used_where_they_are_asked_for_and_never_in_a_pipe_by_themselves() {
    let tenant = Tenant::new();
    let colored = plan(&tenant, EXAMPLE, &["--color", "always"]).await;
    assert!(colored.out.contains("\u{1b}[32mIn sync.\u{1b}[0m"), "{}", colored.out);
    let plain = plan(&tenant, EXAMPLE, &[]).await;
    assert!(!plain.out.contains('\u{1b}'), "{}", plain.out);
    let json = plan(&tenant, EXAMPLE, &["--color", "always", "-o", "json"]).await;
    assert!(!json.out.contains("\\u001b") && !json.out.contains('\u{1b}'), "{}", json.out);
}
