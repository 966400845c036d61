//! `diagnose`: from what a person pastes to the verdict, and the exit status that goes with it.

mod cluster;

use serde_json::{Value, json};

use crate::program::{EXAMPLE, INTEGRATION, Run, Tenant, golden, run};

/// What people paste, with origin in the README beside it.
macro_rules! pasted {
    ($name:literal) => {
        include_str!(concat!("../fixtures/diagnosis/", $name))
    };
}

const ARTICLE: &str = pasted!("article-en.txt");
const ARTICLE_CHINESE: &str = pasted!("article-zh.txt");
const INCIDENT: &str = pasted!("incident-en.txt");
const JSON: &str = pasted!("incident.json");
const TOAST: &str = pasted!("toast-en.txt");
const TWO: &str = pasted!("two-incidents.txt");

const ORGANIZATION: &str = "2fdb923e-1d23-4e1b-a30f-e9cd88845744";
const TRACKING_ID: &str = "ATLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136";
const CLIENT_REQUEST_ID: &str = "9afc732a-2dcf-44e0-8bd8-49db92e483b7";

/// The example, without the provisioning job: the tenant's time stands still, so that its last cycle is long ago.
fn example() -> String {
    format!("{EXAMPLE}    provisioning: {{ required: false }}\n")
}

/// Writes the objects to a file and asks about the text on standard input.
async fn diagnose(tenant: &Tenant, text: &str, objects: &str, more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("objects.yaml");
    std::fs::write(&path, objects).unwrap();
    let (url, path) = (tenant.url(), path.to_str().unwrap().to_owned());
    let mut arguments = vec!["diagnose", "-f", &path, "--emulator", &url];
    arguments.extend(more);
    let run = run(&arguments, text, &[]).await;
    Run { out: run.out.replace(&path, "objects.yaml"), ..run }
}

/// The output without the port, and without the time of the look.
fn stable(tenant: &Tenant, out: &str) -> String {
    const LOOKED: &str = "  tenant              00000000-0000-4000-8000-000000000001 at ";
    let mut plain = tenant.plain(out);
    if let Some((before, after)) = plain.split_once(LOOKED) {
        let rest = after.get("2026-11-23T08:00:00Z".len()..).unwrap();
        plain = format!("{before}{LOOKED}TIME{rest}");
    }
    plain
}

/// The output without its line ends.
fn words(out: &str) -> String {
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The incident's details and JSON without the line that tells when.
fn timeless() -> String {
    let lines: Vec<&str> = INCIDENT.lines().filter(|line| !line.contains("Clock")).collect();
    format!("{}\n\n{JSON}", lines.join("\n"))
}

#[tokio::test]
async fn the_incident_is_explained_by_the_deletion_and_ends_with_the_remedy() {
    let tenant = Tenant::new();
    tenant.act("DELETE", &format!("/servicePrincipals(appId='{INTEGRATION}')"), Value::Null).await;
    let run = diagnose(&tenant, &timeless(), &example(), &[]).await;
    assert_eq!((run.code, run.err.as_str()), (2, ""));
    golden("diagnose-deleted.txt", &stable(&tenant, &run.out));
}

#[tokio::test]
async fn a_tenant_in_order_ends_with_what_to_give_to_cisco() {
    let tenant = Tenant::new();
    let run = diagnose(&tenant, ARTICLE, &example(), &[]).await;
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    golden("diagnose-tenant-fine.txt", &stable(&tenant, &run.out));
}

#[tokio::test]
async fn the_chinese_edition_leads_to_the_same() {
    let tenant = Tenant::new();
    let chinese = diagnose(&tenant, ARTICLE_CHINESE, &example(), &[]).await;
    let english = diagnose(&tenant, ARTICLE, &example(), &[]).await;
    // The Chinese edition cuts the address.
    let same = |out: &str| stable(&tenant, out).replace("WebexApplications/status", "Web");
    assert_eq!((chinese.code, same(&chinese.out)), (english.code, same(&english.out)));
}

#[tokio::test]
async fn what_differs_elsewhere_is_no_explanation() {
    let tenant = Tenant::new();
    tenant.act("DELETE", "/servicePrincipals(appId='00000000-0000-4000-8000-000000000012')", Value::Null).await;
    let run = diagnose(&tenant, &timeless(), &example(), &[]).await;
    assert_eq!(run.code, 2);
    golden("diagnose-unrelated.txt", &stable(&tenant, &run.out));
}

#[tokio::test]
async fn an_error_older_than_the_deletion_is_not_explained_by_it() {
    let tenant = Tenant::new();
    tenant.act("DELETE", &format!("/servicePrincipals(appId='{INTEGRATION}')"), Value::Null).await;
    let run = diagnose(&tenant, ARTICLE, &example(), &["-o", "json"]).await;
    assert_eq!(run.code, 2);
    let printed: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(printed["objects"][0]["verdict"], "Possible");
    assert!(printed["objects"][0]["conclusion"].to_string().contains("after the error of 2023-05-21T22:44:59Z"));
}

#[tokio::test]
async fn json_holds_the_text_its_meaning_the_status_and_the_verdict() {
    let tenant = Tenant::new();
    tenant
        .act("PATCH", &format!("/servicePrincipals(appId='{INTEGRATION}')"), json!({ "accountEnabled": false }))
        .await;
    let run = diagnose(&tenant, ARTICLE, &example(), &["-o", "json"]).await;
    assert_eq!(run.code, 2);
    let printed: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        printed["complaint"],
        json!({
            "fault": "DirectoryRefused",
            "status": 401,
            "code": "701018",
            "organizationId": ORGANIZATION,
            "consentedTenantId": null,
            "trackingId": TRACKING_ID,
            "clientRequestId": CLIENT_REQUEST_ID,
            "request": format!("identity-b-us.webex.com/extIntegration/azureAD/{ORGANIZATION}/v1/WebexApplications/status"),
            "time": "2023-05-21T22:44:59Z",
            "controlHubBuild": "20230519-182b260",
            "remarks": [],
        })
    );
    assert!(printed["meaning"]["doesNotTell"][0].as_str().unwrap().contains("does not prove"));
    let object = &printed["objects"][0];
    assert_eq!((&object["result"], &object["verdict"]), (&json!("Drifted"), &json!("Explained")));
    assert_eq!(object["status"]["drift"][0]["remedy"]["action"], "EnableSignIn");
}

#[tokio::test]
async fn a_text_alone_is_explained_and_tells_how_to_go_on() {
    let nowhere = [("KUBECONFIG", "/nowhere/config")];
    let toast = run(&["diagnose"], TOAST, &nowhere).await;
    assert_eq!((toast.code, toast.err.as_str()), (1, ""));
    golden("diagnose-toast.txt", &toast.out);

    let id = run(&["diagnose", "-"], TRACKING_ID, &nowhere).await;
    assert_eq!(id.code, 1);
    assert!(id.out.contains(TRACKING_ID) && id.out.contains("only Cisco can look it up"), "{}", id.out);

    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/diagnosis/article.html");
    let page = run(&["diagnose", path, "-o", "json"], "", &nowhere).await;
    let printed: Value = serde_json::from_str(&page.out).unwrap();
    assert_eq!((page.code, &printed["complaint"]["code"]), (1, &json!("701018")));
    assert_eq!(printed["objects"], json!([]));
    assert!(printed["advice"][1].as_str().unwrap().contains(ORGANIZATION));
}

#[tokio::test]
async fn a_look_that_is_refused_names_microsofts_request() {
    let tenant = Tenant::new();
    let run = diagnose(&tenant, JSON, &example().replace("emulator-only-secret", "mistyped"), &[]).await;
    assert_eq!(run.code, 1);
    assert!(run.out.contains("does not accept the client secret"), "{}", run.out);
    let (_, failed) = run.out.split_once("For Microsoft support").expect("a request failed");
    assert!(failed.contains("AADSTS7000215, request-id ") && failed.contains("client-request-id"), "{failed}");
    assert!(!run.out.contains("mistyped"), "{}", run.out);
}

#[tokio::test]
async fn a_missing_secret_does_not_keep_the_explanation_back() {
    let tenant = Tenant::new();
    let run = diagnose(&tenant, JSON, example().split("---\n").nth(1).unwrap(), &[]).await;
    assert_eq!(run.code, 1);
    let told = words(&run.out);
    assert!(told.contains("came back as unauthorized"), "{told}");
    assert!(told.contains("webex/contoso was not looked at: ") && told.contains("AZURE_CLIENT_SECRET"), "{told}");
    assert!(!run.out.contains("What to do"), "{}", run.out);
}

#[tokio::test]
async fn several_objects_and_none_are_said_plainly() {
    let tenant = Tenant::new();
    let second = example().replace("name: contoso", "name: again").split("---\n").nth(1).unwrap().to_owned();
    let both = format!("{}\n---\n{second}", example());
    let run = diagnose(&tenant, &timeless(), &both, &[]).await;
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("2 objects declare organization"), "{}", run.out);
    assert!(run.out.contains("Verdict on webex/contoso") && run.out.contains("Verdict on webex/again"), "{}", run.out);

    let toast = diagnose(&tenant, TOAST, &both, &[]).await;
    assert_eq!(toast.code, 1);
    assert!(toast.out.contains("The text names no organization, and there are 2 objects"), "{}", toast.out);

    let other = example().replace(ORGANIZATION, "00000000-0000-4000-8000-0000000000aa");
    let none = diagnose(&tenant, &timeless(), &other, &[]).await;
    assert_eq!(none.code, 1);
    assert!(none.out.contains("No object declares organization"), "{}", none.out);
    assert!(!none.out.contains("Verdict"), "{}", none.out);
}

#[tokio::test]
async fn of_two_incidents_one_is_chosen_and_that_is_said() {
    let run = run(&["diagnose"], TWO, &[("KUBECONFIG", "/nowhere/config")]).await;
    let told = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        told.contains("The text holds 2 incidents; this is about the one with tracking ID ATLAS_00000000-"),
        "{told}"
    );
    assert!(told.contains(&format!("give it alone: {TRACKING_ID}.")), "{told}");
}

#[tokio::test]
async fn garbage_and_nothing_get_one_sentence_and_exit_1() {
    for (text, begin) in [
        ("", "error: the text is empty"),
        (" \n", "error: the text is empty"),
        ("lorem ipsum\n401", "error: nothing in the text"),
    ] {
        let run = run(&["diagnose"], text, &[]).await;
        assert_eq!((run.code, run.out.as_str(), run.err.lines().count()), (1, "", 1), "{}", run.err);
        assert!(run.err.starts_with(begin), "{}", run.err);
    }
    let absent = run(&["diagnose", "/nowhere/text"], "", &[]).await;
    assert_eq!(
        (absent.code, absent.err.as_str()),
        (1, "error: could not read /nowhere/text: No such file or directory (os error 2)\n")
    );
    let twice = run(&["diagnose", "-f", "-"], TOAST, &[]).await;
    assert_eq!((twice.code, twice.err.lines().count()), (1, 1));
    assert!(twice.err.starts_with("error: standard input can be given once"), "{}", twice.err);
}

#[tokio::test]
async fn a_hostile_text_neither_controls_the_terminal_nor_is_followed() {
    let nowhere = [("KUBECONFIG", "/nowhere/config")];
    let text = format!(
        "\u{1b}]0;owned\u{7}\u{1b}[2J{INCIDENT}\u{202e}\u{0}\u{8}\n$(touch /tmp/x) `id`\nURL: \
         https://evil.example/extIntegration/azureAD/{ORGANIZATION}/v1/Domains\nStatus Text: \u{1b}[31mred"
    );
    let hostile = run(&["diagnose"], &text, &nowhere).await;
    assert_eq!(hostile.code, 1);
    assert!(!hostile.out.chars().any(|c| c.is_control() && c != '\n'), "{:?}", hostile.out);
    assert!(!hostile.out.contains("evil.example") && hostile.out.contains("evil[.]example"), "{}", hostile.out);
    assert!(!hostile.out.contains("touch") && !hostile.out.contains("\u{202e}"), "{}", hostile.out);

    let long = format!("{INCIDENT}{}", "x".repeat(10 * 1024 * 1024));
    let capped = run(&["diagnose"], &long, &nowhere).await;
    assert_eq!(capped.code, 1);
    assert!(
        capped.out.contains(TRACKING_ID) && capped.out.contains("only its first 1024 KiB were read"),
        "{}",
        capped.out
    );
}
