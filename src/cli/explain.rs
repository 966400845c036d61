//! `explain`: the runbook of one reason on a terminal.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;

use super::output;
use crate::api::{
    Reason,
    reason::{
        TABLE,
        runbook::{self, Page, Runbook},
    },
};

/// How many letters may be wrong for a name to be offered.
const NEAR: usize = 4;

/// Most names that are offered.
const OFFERED: usize = 3;

#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The reason, as a condition gives it; without one all reasons are listed.
    #[arg(value_name = "REASON")]
    reason: Option<String>,
}

/// Explains a reason, or lists all.
pub fn explain(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let Some(name) = &arguments.reason else {
        for reason in Reason::ALL {
            output::line(reason.as_str())?;
            output::line(&wrapped(reason.meaning()))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let known = Reason::ALL.iter().find(|reason| reason.as_str().eq_ignore_ascii_case(name));
    let Some(reason) = known else {
        let near = near(name);
        output::say(&format!("error: no condition gives a reason \"{}\"", crate::domain::text::safe(name)));
        output::say(&match near.as_slice() {
            [] => "hint: webex-azure-operator explain lists all reasons".to_owned(),
            near => format!("hint: did you mean {}?", near.join(" or ")),
        });
        return Ok(ExitCode::from(1));
    };
    output::text(&text(*reason))?;
    Ok(ExitCode::SUCCESS)
}

/// Broken like all output; what stands in backticks stays in one line, so that it can be copied.
fn wrapped(sentence: &str) -> String {
    const HARD_SPACE: &str = "\u{a0}";
    let parts = sentence.split('`').enumerate();
    let kept =
        parts.map(|(number, part)| if number % 2 == 1 { part.replace(' ', HARD_SPACE) } else { part.to_owned() });
    output::wrapped(&kept.collect::<Vec<_>>().join("`")).replace(HARD_SPACE, " ")
}

/// The runbook for a terminal.
fn text(reason: Reason) -> String {
    let mut text = format!("{reason}\n{}\n", wrapped(reason.meaning()));
    let mut section = |title: &str, body: &str| {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{title}\n{body}\n");
    };
    section("Given by", &wrapped(&given_by(reason)));
    let Some(runbook) = runbook::of(reason) else {
        section("What to do", &wrapped("Nothing."));
        return text;
    };
    let Runbook { happened, breaks, tell, reads, steps, role, deadline, avoid, heals, otherwise, pages } = runbook;
    section("What happened", &wrapped(happened));
    section("What it breaks", &wrapped(breaks));
    let reads = reads.iter().fold(wrapped(tell), |body, read| format!("{body}\n    {read}"));
    section("How to tell", &reads);
    let steps: Vec<String> = (1..).zip(*steps).map(|(number, step)| wrapped(&format!("{number}. {step}"))).collect();
    section("What to do", &steps.join("\n"));
    section("Who can", &wrapped(role));
    section("Until when", &wrapped(deadline));
    section("What not to do", &wrapped(avoid));
    section("How it heals", &wrapped(heals));
    section("What else it can be", &wrapped(otherwise));
    if !pages.is_empty() {
        let pages: Vec<String> = pages.iter().map(|Page { title, url }| format!("  {title}\n    {url}")).collect();
        section("Read on", &pages.join("\n"));
    }
    text
}

/// The conditions that give a reason, and whether a person is needed.
fn given_by(reason: Reason) -> String {
    let rows: Vec<_> = TABLE.iter().filter(|row| row.reason == reason).collect();
    let conditions: Vec<String> = rows.iter().map(|row| format!("{}={}", row.condition, row.status)).collect();
    let person = if rows.iter().any(|row| row.person_needed) { "a person is needed" } else { "nobody is needed" };
    format!("{}; {person}.", conditions.join(", "))
}

/// The names that this may be meant for, the nearest first.
fn near(name: &str) -> Vec<&'static str> {
    let name = name.to_ascii_lowercase();
    let mut near: Vec<(usize, &str)> = Reason::ALL
        .iter()
        .map(|reason| {
            let known = reason.as_str().to_ascii_lowercase();
            let is_part = name.len() > 3 && known.contains(&name);
            (if is_part { 0 } else { distance(&name, &known) }, reason.as_str())
        })
        .filter(|(distance, _)| *distance <= NEAR)
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name).take(OFFERED).collect()
}

/// How many letters have to be changed, added or left out to make one of the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (number, letter) in from.chars().enumerate() {
        let mut last = number + 1;
        let mut next = vec![last];
        for ((other, above), corner) in to.chars().zip(row.iter().skip(1)).zip(&row) {
            last = (corner + usize::from(letter != other)).min(above + 1).min(last + 1);
            next.push(last);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_almost_right_are_offered() {
        assert_eq!(near("ServicePrincipalSoftDelete"), ["ServicePrincipalSoftDeleted"]);
        assert_eq!(near("consentmisssing"), ["ConsentMissing"]);
        assert_eq!(near("quarantined"), ["ProvisioningQuarantined"]);
        assert!(near("Banana").is_empty());
    }

    #[test]
    fn letters_are_counted() {
        for (from, to, letters) in [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)] {
            assert_eq!((distance(from, to), distance(to, from)), (letters, letters), "{from} {to}");
        }
    }
}
