//! Links in the documents, in messages and in rules lead somewhere, and the reference leaves no reason out.

#![expect(clippy::unwrap_used, reason = "a document that cannot be read ends the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use webex_azure_operator::{
    api::{ConditionType, Reason, reason::runbook},
    cli::reference_markdown,
    domain::{notice::EventReason, permission::Need, remedy::Action},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Texts below these folders, and beside them, with such an ending.
fn texts(folders: &[&str], endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found.sort();
    found
}

fn documents() -> Vec<(PathBuf, String)> {
    texts(&["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "FIDELITY.md", "docs", "src", "charts"], &["md"])
}

/// Anchors of a page, with how often each is there: those that are written, and those that GitHub makes of headings.
fn anchors(text: &str) -> BTreeMap<String, usize> {
    let mut anchors = BTreeMap::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        for part in line.split("<a id=\"").skip(1) {
            *anchors.entry(part.split('"').next().unwrap_or_default().to_owned()).or_default() += 1;
        }
        if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            *anchors.entry(kept.map(|c| if c == ' ' { '-' } else { c }).collect()).or_default() += 1;
        }
    }
    anchors
}

/// Targets of the links of a page, those to other hosts left out.
fn links(text: &str) -> Vec<String> {
    let inside = |part: &str| part.split(')').next().unwrap_or_default().to_owned();
    text.split("](").skip(1).map(inside).filter(|link| !link.contains("://") && !link.starts_with("mailto:")).collect()
}

#[test]
fn every_reason_has_one_anchor_and_so_have_conditions_remedies_and_events() {
    let anchors = anchors(&reference_markdown());
    let reasons = Reason::ALL.iter().map(|reason| runbook::anchor(*reason));
    let named = |kind: &'static str, name: &str| format!("{kind}-{}", name.to_ascii_lowercase());
    let conditions = ConditionType::ALL.iter().map(|condition| named("condition", condition.as_str()));
    let remedies = Action::ALL.iter().map(|action| named("remedy", action.as_str()));
    let events = EventReason::ALL.iter().map(|event| named("event", event.as_str()));
    for anchor in reasons.chain(conditions).chain(remedies).chain(events) {
        assert_eq!(anchors.get(&anchor), Some(&1), "#{anchor}");
    }
    let twice: Vec<_> = anchors.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    for (path, text) in documents() {
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            assert!(target.exists(), "{} links to {link}, which is not there", path.display());
            if !anchor.is_empty() {
                let there = fs::read_to_string(&target).unwrap();
                assert!(anchors(&there).contains_key(anchor), "{} links to {link}: no such anchor", path.display());
            }
        }
    }
}

#[test]
fn whatever_names_an_anchor_of_the_reference_names_one_that_is_there() {
    // Alerts name the anchor of whatever reason they have; that each reason has one, the first test here asserts.
    const OF_ANY_REASON: &str = "reason-{{ $labels.reason | toLower }}";
    let anchors = anchors(&reference_markdown());
    let endings = ["md", "rs", "yaml", "yml", "json", "tpl", "txt"];
    for (path, text) in texts(&["src", "charts", "docs", "examples", "README.md", "CHANGELOG.md"], &endings) {
        for part in text.split("reference.md#").skip(1).filter(|part| !part.starts_with(OF_ANY_REASON)) {
            let anchor: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            assert!(anchors.contains_key(&anchor), "{} names reference.md#{anchor}", path.display());
        }
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = "# A page\n\n<a id=\"here\"></a>\n## Two words, and more\n\n```sh\n# no heading\n```\n[a](#here) [b](other.md#there) [c](https://x.example/#y)\n";
    assert_eq!(
        anchors(page).into_iter().collect::<Vec<_>>(),
        [("a-page".to_owned(), 1), ("here".to_owned(), 1), ("two-words-and-more".to_owned(), 1)]
    );
    assert_eq!(links(page), ["#here", "other.md#there"]);
}

#[test]
fn pages_that_are_linked_are_microsofts_ciscos_or_kubernetes() {
    let hosts = [
        "https://learn.microsoft.com/en-us/",
        "https://www.cisco.com/",
        "https://help.webex.com/",
        "https://kubernetes.io/docs/",
    ];
    for reason in Reason::ALL {
        for page in runbook::of(*reason).map_or(&[][..], |runbook| runbook.pages) {
            assert!(hosts.iter().any(|host| page.url.starts_with(host)), "{reason} links to {}", page.url);
        }
    }
}

/// IDs of Microsoft Graph's application permissions, by name, as published.
fn published() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("src/emulator/permissions.json")).unwrap();
    let catalog: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let roles = catalog.pointer("/appRoles").and_then(serde_json::Value::as_array).unwrap();
    let part = |role: &serde_json::Value, name: &str| text(role.get(name).unwrap());
    roles.iter().map(|role| (part(role, "value"), part(role, "id"))).collect()
}

#[test]
fn the_page_about_the_application_asks_for_what_looks_need_by_its_published_ids() {
    let page = fs::read_to_string(root().join("docs/entra-application.md")).unwrap();
    let between = |begin: &str, end: &str| page.split_once(begin).unwrap().1.split_once(end).unwrap().0;
    let ids = published();
    let needed: BTreeMap<&str, &str> =
        Need::ALL.iter().map(|need| (need.least(), ids.get(need.least()).unwrap().as_str())).collect();

    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, needed.len(), "the table has a permission that nothing needs, or lacks one");
    for (permission, id) in &needed {
        let row = format!("| `{permission}` | `{id}` |");
        assert!(page.contains(&row), "{row}");
    }
    let granted = between("for ROLE in ", "; do").split_whitespace().filter(|word| *word != "\\");
    assert_eq!(granted.collect::<BTreeSet<_>>(), needed.values().copied().collect());
    let terraform = between("webex_operator_reads = toset([", "])").split(", ").map(|name| name.trim_matches('"'));
    assert_eq!(terraform.collect::<BTreeSet<_>>(), needed.keys().copied().collect());
    let alternative = between("try `DelegatedPermissionGrant.Read.All` (`", "`)");
    assert_eq!(ids.get("DelegatedPermissionGrant.Read.All").map(String::as_str), Some(alternative));
}
