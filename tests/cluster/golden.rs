//! Golden files: what a tool printed, with everything that differs from run to run replaced.
//!
//! `UPDATE=1` writes them anew.

use std::{fs, path::Path};

use webex_azure_operator::api::WebexAzureIntegration;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/kubectl");

/// Compares with the golden file, or writes it.
pub fn check(file: &str, text: &str) {
    let path = Path::new(FOLDER).join(file);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(FOLDER).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == text, "{} is not what kubectl prints now; UPDATE=1 writes it anew:\n{text}", path.display());
}

/// What differs from run to run.
pub struct Mask {
    values: Vec<(String, &'static str)>,
}

impl Mask {
    /// For this object, and an emulator at this address.
    pub fn of(object: &WebexAzureIntegration, url: &str) -> Self {
        Self { values: vec![(url.to_owned(), "http://127.0.0.1:PORT"), (object.metadata.uid.clone().unwrap(), "UID")] }
    }

    /// The text with times, ages and all that replaced; columns keep their width.
    pub fn applied(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, name) in &self.values {
            text = text.replace(value, name);
        }
        let lines: Vec<String> = text
            .lines()
            .map(|line| with_ages(&with_times(&without_request(&without_version(line.trim_end())))))
            .collect();
        lines.join("\n") + "\n"
    }
}

fn without_version(line: &str) -> String {
    for (field, name) in [("Resource Version:  ", "VERSION"), ("Correlation Id:  ", "CORRELATION-ID")] {
        if let Some((before, _)) = line.split_once(field) {
            return format!("{before}{field}{name}");
        }
    }
    line.to_owned()
}

/// Microsoft's name for a request.
fn without_request(line: &str) -> String {
    match line.split_once("(request ID ") {
        Some((before, rest)) => {
            let after = rest.split_once(')').map_or("", |(_, after)| after);
            format!("{before}(request ID REQUEST-ID){after}")
        }
        None => line.to_owned(),
    }
}

/// `2026-11-23T08:00:00Z` becomes `YYYY-MM-DDThh:mm:ssZ`.
fn with_times(line: &str) -> String {
    let mut shown: Vec<char> = line.chars().collect();
    for (pattern, name) in [("0000-00-00", "YYYY-MM-DD"), ("00:00:00", "hh:mm:ss")] {
        for from in 0..(shown.len() + 1).saturating_sub(pattern.len()) {
            let until = from + pattern.len();
            let is_like = |(c, like): (&char, char)| if like == '0' { c.is_ascii_digit() } else { *c == like };
            let is_digit = |c: Option<&char>| c.is_some_and(char::is_ascii_digit);
            let is_alone =
                !is_digit(from.checked_sub(1).and_then(|before| shown.get(before))) && !is_digit(shown.get(until));
            if is_alone && shown[from..until].iter().zip(pattern.chars()).all(is_like) {
                shown.splice(from..until, name.chars());
            }
        }
    }
    shown.into_iter().collect()
}

/// A column that holds nothing but an age, such as `12s` or `1m30s`, becomes `AGE` in the same width.
fn with_ages(line: &str) -> String {
    // A declared duration is no age.
    if ["Interval:", "Warn Before:"].iter().any(|field| line.trim_start().starts_with(field)) {
        return line.to_owned();
    }
    let is_age = |word: &str| {
        let inner = |c: char| c.is_ascii_digit() || matches!(c, 's' | 'm' | 'h');
        word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['s', 'm', 'h']) && word.chars().all(inner)
    };
    // Each further space between two columns counts as an empty word.
    let words: Vec<&str> = line.split(' ').collect();
    let is_gap = |index: Option<usize>| index.and_then(|index| words.get(index)).is_none_or(|word| word.is_empty());
    let mut shown: Vec<&str> = Vec::new();
    let mut surplus = 0;
    for (index, word) in words.iter().enumerate() {
        if is_age(word) && is_gap(index.checked_sub(1)) && is_gap(Some(index + 1)) {
            shown.push("AGE");
            surplus = usize::from(word.len() < "AGE".len());
            let lacking = word.len().saturating_sub("AGE".len());
            shown.extend(std::iter::repeat_n("", lacking));
        } else if surplus > 0 && word.is_empty() {
            surplus -= 1;
        } else {
            shown.push(word);
        }
    }
    shown.join(" ")
}
