//! What is printed of a text alone.

use proptest::prelude::*;

use super::*;
use crate::domain::diagnosis::read;

const INCIDENT: &str = include_str!("../../../../tests/fixtures/diagnosis/article-en.txt");

fn now() -> Timestamp {
    "2026-11-23T08:05:00Z".parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn nothing_of_a_text_controls_the_terminal_that_it_is_explained_on(
        head in any::<String>(), tail in any::<String>(), at in any::<prop::sample::Index>(), control in prop::char::range('\0', '\u{9f}')
    ) {
        let mut chars: Vec<char> = INCIDENT.chars().collect();
        chars.insert(at.index(chars.len()), control);
        let text = format!("{head}\n{}\u{1b}]0;{tail}", chars.into_iter().collect::<String>());
        if let Ok(complaint) = read(text.as_bytes()) {
            let report = Report::of(&complaint, now());
            prop_assert!(!report.text().chars().any(|c| c.is_control() && c != '\n'), "{}", report.text());
            prop_assert!(!report.json().unwrap().chars().any(|c| c.is_control() && c != '\n'));
            prop_assert_eq!(report.exit_status(), 1);
        }
    }
}

#[test]
fn an_error_about_an_object_is_one_paragraph_and_counts() {
    let complaint = read(INCIDENT.as_bytes()).unwrap();
    let mut report = Report::of(&complaint, now());
    report.add_untried("webex/contoso", &anyhow::anyhow!("bad \u{1b}[2J luck"));
    assert!(report.text().contains("  webex/contoso was not looked at: bad \\u{1b}[2J luck.\n"), "{}", report.text());
    assert_eq!(report.exit_status(), 1);
}
