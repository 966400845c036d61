//! What nobody outside Microsoft knows for sure, as a table: each question is a knob, and each answer that it may have
//! is a setting. A client is right only if it is right under every one of them.
//!
//! `docs/unknowns.md` is printed from this table, and the tests turn every knob that stands in it.

use std::fmt::Write as _;

use serde_json::Value;

use super::knob::Knobs;

mod table;

pub use table::UNKNOWNS;

/// A question that no public page answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown {
    /// The knob, as the control surface spells it.
    pub knob: &'static str,
    /// The question.
    pub question: &'static str,
    /// What is known, and from where.
    pub known: &'static str,
    /// What the answer may be, the default first.
    pub settings: &'static [Setting],
    /// What the owner of a live tenant could read to settle it.
    pub settle: &'static str,
    /// The test in `tests/emulator/unknown.rs` that shows each setting.
    pub test: &'static str,
}

/// One possible answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The knob's value, as JSON.
    pub value: &'static str,
    /// What the service then does.
    pub meaning: &'static str,
}

impl Unknown {
    /// The knobs with this setting; all others stay as they are.
    pub fn turned(&self, knobs: &Knobs, setting: &Setting) -> Result<Knobs, serde_json::Error> {
        let mut all = serde_json::to_value(knobs)?;
        let value: Value = serde_json::from_str(setting.value)?;
        if let Some(all) = all.as_object_mut() {
            all.insert(self.knob.to_owned(), value);
        }
        serde_json::from_value(all)
    }
}

/// `docs/unknowns.md`.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for unknown in UNKNOWNS {
        let Unknown { knob, question, known, settings, settle, test } = unknown;
        let _ = write!(page, "\n## {question}\n\n{known}\n\n| `{knob}` | the service |\n| --- | --- |\n");
        for (index, Setting { value, meaning }) in settings.iter().enumerate() {
            let default = if index == 0 { " (default)" } else { "" };
            let _ = writeln!(page, "| `{value}`{default} | {meaning} |");
        }
        let _ = write!(page, "\nShown by `tests/emulator/unknown.rs`, `{test}`.\nTo settle it: {settle}\n");
    }
    page
}

const HEAD: &str = "\
<!-- Printed from src/emulator/unknown/table.rs. UPDATE=1 cargo test --test generated rewrites it. -->

# What nobody outside Microsoft knows

The operator was never run against the live service by those who wrote it.
Where Microsoft's documentation is silent, the emulator has a knob, and the operator has to be right under every setting:
`tests/look/unknown.rs` tells every story of the incident under each setting alone, and the histories of `tests/sim` draw a setting for each knob, so that all pairs of them meet.

The knobs are read and set at `/knobs` of the emulator's control surface (`webex-azure-operator emulate`).
If you own a live tenant: each question names what to read. Everything that is asked for is a read.
Some of it `webex-azure-operator plan --record DIR` reads and keeps, without names, ids and secrets; [recording.md](recording.md) says which questions such a recording answers, and how to look it through before you send it.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unknown_is_a_knob_whose_default_is_its_first_setting() {
        for unknown in UNKNOWNS {
            let [first, others @ ..] = unknown.settings else { panic!("{} has no settings", unknown.knob) };
            for knobs in [Knobs::calm(), Knobs::default()] {
                assert_eq!(unknown.turned(&knobs, first).unwrap(), knobs, "{}", unknown.knob);
                assert!(!others.is_empty(), "{} has one setting only", unknown.knob);
                for other in others {
                    assert_ne!(unknown.turned(&knobs, other).unwrap(), knobs, "{}: {}", unknown.knob, other.value);
                }
            }
        }
    }
}
