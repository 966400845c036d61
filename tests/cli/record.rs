//! `plan --record` and `plan --replay`: what is written, for whom, and what can be made of it.

#![expect(clippy::indexing_slicing, reason = "JSON that looks different ends the test")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::{Value, json};
use webex_azure_operator::emulator::{Scenario, UNKNOWNS};

use crate::program::{EXAMPLE, INTEGRATION, Run, Tenant, run};

async fn record(tenant: &Tenant, manifest: &str, folder: &Path) -> Run {
    let url = tenant.url();
    let arguments = ["plan", "-f", "-", "--emulator", &url, "-o", "json", "--record", folder.to_str().unwrap()];
    run(&arguments, manifest, &[]).await
}

async fn replay(file: &Path) -> Run {
    run(&["plan", "-o", "json", "--replay", file.to_str().unwrap()], "", &[]).await
}

/// Conditions with their reasons, and differences with what to do.
fn verdict(output: &str) -> Value {
    let planned: Value = serde_json::from_str(output).unwrap();
    let status = &planned[0]["status"];
    let all = |list: &str, names: &[&str]| -> Value {
        let entries = status[list].as_array().into_iter().flatten();
        entries
            .map(|entry| names.iter().map(|name| entry.pointer(name).cloned()).collect::<Vec<_>>())
            .map(|entry| json!(entry))
            .collect()
    };
    json!({
        "result": planned[0]["result"],
        "conditions": all("conditions", &["/type", "/status", "/reason"]),
        "drift": all("drift", &["/reason", "/remedy/action"]),
        "applications": all("applications", &["/state", "/consent/granted", "/consent/required"]),
    })
}

/// Everything that was written: names of files and their bytes.
fn written(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// The tenant of the incident, in which everything that belongs to somebody is unmistakable.
fn canaries() -> (Scenario, String) {
    let marked = |text: &str| {
        text.replace("00000000-0000-4000-8000-", "dec0de00-0000-4000-8000-")
            .replace("2fdb923e-1d23-4e1b-a30f-e9cd88845744", "dec0de00-0000-4000-8000-0000000000aa")
            .replace("contoso", "kqzcorp")
            .replace("Contoso", "Kqzcorp")
            .replace("Example Administrator", "Alice Kqz")
            .replace("emulator-only-secret", "kqz~secret.0123")
    };
    let mut scenario = serde_json::to_value(Scenario::incident()).unwrap();
    scenario["tenant"]["displayName"] = "Contoso Holding".into();
    for principal in scenario["servicePrincipals"].as_array_mut().unwrap() {
        principal["tags"] = json!(["Contoso"]);
        principal["notes"] = "ask alice@contoso.com, +49 151 23456789".into();
    }
    let assignments = scenario["appRoleAssignments"].as_array_mut().unwrap();
    assignments
        .retain(|assignment| assignment["role"] != "Directory.Read.All" || assignment["client"] == json!(INTEGRATION));
    let manifest = EXAMPLE.to_owned()
        + "  additionalApplications:\n  - name: contoso-calendar\n    appId: 00000000-0000-4000-8000-0000000000bb\n    \
           permissions:\n    - { value: Contoso.Read.All, kind: Application }\n";
    (serde_json::from_str(&marked(&scenario.to_string())).unwrap(), marked(&manifest))
}

/// No byte of it tells whose tenant it is, or when it was looked at.
fn tells_nobody(files: &[(String, String)]) {
    let today = webex_azure_operator::clock::Clock::system().now().to_string();
    let today = today.split('T').next().unwrap();
    for (name, text) in files {
        let small = format!("{name}\n{text}").to_lowercase();
        for mark in [
            "kqz",
            "dec0de",
            "contoso",
            "alice",
            "holding",
            "calendar",
            "secret.0123",
            "151 2345",
            "127.0.0.1",
            "eyj",
            today,
            "2023",
        ] {
            assert!(!small.contains(mark), "{mark} is in {name}:\n{text}");
        }
    }
}

#[tokio::test]
async fn a_recording_tells_nobody_whose_it_is_and_replays_to_the_same_verdict() {
    let (scenario, manifest) = canaries();
    let wrong = manifest.replace("kqz~secret.0123", "kqz~mistyped");
    for (manifest, act) in [(&manifest, None), (&manifest, Some("DELETE")), (&wrong, None)] {
        let tenant = Tenant::of(&scenario);
        if let Some(method) = act {
            let path = format!("/servicePrincipals(appId='{INTEGRATION}')");
            tenant.act_in(&scenario.tenant.id, method, &path, Value::Null).await;
        }
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/recording");
        let live = record(&tenant, manifest, &folder).await;
        let files = written(&folder);
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["README.md", "transcript-1.json"], "{}", live.err);
        tells_nobody(&files);
        let again = replay(&folder.join("transcript-1.json")).await;
        assert_eq!((again.code, again.err.as_str()), (live.code, ""));
        assert_eq!(verdict(&again.out), verdict(&live.out));
    }
}

#[tokio::test]
async fn only_the_owner_may_read_a_recording() {
    let tenant = Tenant::new();
    let place = tempfile::tempdir().unwrap();
    let (new, there) = (place.path().join("new"), place.path().join("there"));
    fs::create_dir(&there).unwrap();
    fs::set_permissions(&there, fs::Permissions::from_mode(0o755)).unwrap();
    for folder in [new, there] {
        let run = record(&tenant, EXAMPLE, &folder).await;
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(run.err.contains("Read what was recorded before you send it"), "{}", run.err);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        for (name, _) in written(&folder) {
            assert_eq!(mode(&folder.join(&name)), 0o600, "{name}");
        }
    }
}

#[tokio::test]
async fn a_folder_with_something_in_it_is_left_alone_and_nobody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().display();
    fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let refused = run(
        &["plan", "-f", "-", "--emulator", "http://127.0.0.1:9", "--record", folder.path().to_str().unwrap()],
        EXAMPLE,
        &[],
    )
    .await;
    let sentence = format!("error: {shown} is not empty: --record writes into a folder that is empty or not there\n");
    assert_eq!((refused.code, refused.out.as_str(), refused.err), (1, "", sentence));
    assert_eq!(written(folder.path()), [("letter.txt".to_owned(), "dear".to_owned())]);
    let file = folder.path().join("letter.txt");
    let refused = run(&["plan", "-f", "-", "--record", file.to_str().unwrap()], EXAMPLE, &[]).await;
    assert_eq!((refused.code, refused.err.lines().count()), (1, 1), "{}", refused.err);
}

#[tokio::test]
async fn each_object_has_a_transcript_of_its_own() {
    let tenant = Tenant::new();
    let place = tempfile::tempdir().unwrap();
    let second = EXAMPLE.split("---\n").nth(1).unwrap().replace("name: contoso", "name: fabrikam");
    let live = record(&tenant, &format!("{EXAMPLE}---\n{second}"), place.path()).await;
    assert_eq!(live.code, 0, "{}", live.err);
    let names: Vec<String> = written(place.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["README.md", "transcript-1.json", "transcript-2.json"]);
    for name in &names[1..] {
        let again = replay(&place.path().join(name)).await;
        assert_eq!((again.code, verdict(&again.out)), (0, verdict(&live.out)), "{name}: {}", again.err);
    }
}

#[tokio::test]
async fn the_readme_beside_a_recording_names_questions_that_are_open() {
    let tenant = Tenant::new();
    let place = tempfile::tempdir().unwrap();
    record(&tenant, EXAMPLE, place.path()).await;
    let readme = fs::read_to_string(place.path().join("README.md")).unwrap();
    let rows = |page: &str| -> Vec<String> {
        page.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect()
    };
    assert_eq!(rows(&readme), rows(include_str!("../../docs/recording.md")), "the page says the same");
    assert!(rows(&readme).len() > 5, "{readme}");
    for row in rows(&readme) {
        let knob = row.split('`').nth(1).unwrap();
        assert!(UNKNOWNS.iter().any(|unknown| unknown.knob == knob), "{knob} is no open question");
    }
    assert!(readme.contains("- transcript-1.json: 3 requests with their answers"), "{readme}");
    assert!(!readme.contains("FILES") && !readme.contains("VERSION"), "{readme}");
}

#[tokio::test]
async fn what_is_no_transcript_is_said_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.json");
    for text in ["", "{}", "[]", r#"{"format": 7}"#] {
        fs::write(&file, text).unwrap();
        let run = replay(&file).await;
        assert_eq!((run.code, run.out.as_str(), run.err.lines().count()), (1, "", 1), "{}", run.err);
        assert!(run.err.contains("is no transcript"), "{}", run.err);
    }
    let both = run(&["plan", "-f", "-", "--replay", file.to_str().unwrap()], "", &[]).await;
    assert_eq!(both.code, 2, "asked wrongly: {}", both.err);
}
