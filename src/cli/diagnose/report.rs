//! What `diagnose` prints: what Control Hub said, what it means, what the tenant says to it, and the verdict.

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    cli::{output, plan::examination::Examination},
    domain::{
        diagnosis::{
            Complaint, Remark,
            advice::{for_support, without_tenant},
            conclusion::{Conclusion, Examined, State, Verdict, conclude},
            meaning::{Meaning, meaning},
        },
        text::visible,
    },
    graph::Exchange,
};

/// Width of the labels before values.
const LABELS: usize = 19;

/// Everything that is printed.
#[derive(Debug)]
pub struct Report<'a> {
    complaint: &'a Complaint,
    meaning: Meaning,
    now: Timestamp,
    /// Where objects were looked for, and which were chosen.
    pub notes: Vec<String>,
    told: Vec<Told>,
    /// Objects that are meant and could not be looked at.
    untried: usize,
}

/// One object and what follows from it.
#[derive(Debug)]
struct Told {
    name: String,
    source: String,
    examination: Examination,
    conclusion: Conclusion,
}

impl<'a> Report<'a> {
    /// What the text alone tells.
    pub fn of(complaint: &'a Complaint, now: Timestamp) -> Self {
        Self { complaint, meaning: meaning(complaint), now, notes: Vec::new(), told: Vec::new(), untried: 0 }
    }

    /// Adds what is known of one object's tenant.
    pub fn add(&mut self, name: String, source: String, examination: Examination) {
        let examined = Examined {
            name: &name,
            desired: &examination.desired,
            status: examination.status(),
            state: examination.state(),
            is_published: examination.looked.is_none(),
        };
        let conclusion = conclude(self.complaint, examined, self.now);
        self.told.push(Told { name, source, examination, conclusion });
    }

    /// Adds an object that is meant and could not be looked at.
    pub fn add_untried(&mut self, name: &str, error: &anyhow::Error) {
        self.untried += 1;
        self.notes.push(visible(&format!("{name} was not looked at: {error:#}.")));
    }

    /// 0: the tenant is fine; 2: something differs; 1: it is not known.
    pub fn exit_status(&self) -> u8 {
        let of = |told: &Told| match (told.examination.state(), told.conclusion.verdict) {
            (State::Unread, _) | (_, Verdict::NotCovered) => 1,
            (State::Differs, _) => 2,
            (State::AsDeclared, _) => 0,
        };
        let statuses: Vec<u8> = self.told.iter().map(of).collect();
        if statuses.is_empty() || self.untried > 0 || statuses.contains(&1) {
            1
        } else {
            statuses.into_iter().max().unwrap_or(1)
        }
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.said(&mut text);
        self.meant(&mut text);
        if !self.notes.is_empty() || !self.told.is_empty() {
            text.push_str("\nThe tenant\n");
            text.push_str(&paragraphs(&self.notes));
        }
        for told in &self.told {
            let Told { name, source, examination, .. } = told;
            let separator = if text.ends_with("The tenant\n") { "" } else { "\n" };
            let tenant = examination.desired.tenant;
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}  {name}, tenant {tenant}\n{}\n\n", output::wrapped(source));
            text.push_str(&examination.table());
        }
        for told in &self.told {
            let whose = if self.told.len() > 1 { format!(" on {}", told.name) } else { String::new() };
            let _ = write!(text, "\nVerdict{whose}\n{}", paragraphs(&told.conclusion.paragraphs));
        }
        let advice = self.advice();
        if !advice.is_empty() {
            let _ = write!(text, "\nWhat to do\n{}", paragraphs(&advice));
        }
        self.handed_over(&mut text);
        text
    }

    fn said(&self, text: &mut String) {
        text.push_str("What Control Hub said\n");
        let lines = for_support(self.complaint);
        let known: Vec<(&str, String)> = lines.into_iter().filter_map(|(label, value)| Some((label, value?))).collect();
        let consented = self.complaint.consented.map(|tenant| ("consented in tenant", tenant.to_string()));
        for (label, value) in known.iter().chain(&consented) {
            let _ = writeln!(text, "  {label:LABELS$} {value}");
        }
        if known.is_empty() {
            text.push_str("  No identifiers.\n");
        }
        let remarks: Vec<String> = self.complaint.remarks.iter().map(Remark::sentence).collect();
        if !remarks.is_empty() {
            let _ = write!(text, "\n{}", paragraphs(&remarks));
        }
    }

    fn meant(&self, text: &mut String) {
        let Meaning { summary, can, cannot } = &self.meaning;
        let _ = write!(text, "\nWhat it means\n{}\n\n  What may be behind it:\n", output::wrapped(summary));
        text.extend(can.iter().map(|line| item(line)));
        text.push_str("\n  What it does not tell:\n");
        text.extend(cannot.iter().map(|line| item(line)));
    }

    /// What to do where nothing is known of the tenant.
    fn advice(&self) -> Vec<String> {
        if self.told.is_empty() && self.untried == 0 { without_tenant(self.complaint) } else { Vec::new() }
    }

    fn handed_over(&self, text: &mut String) {
        if self.is_for_support() {
            text.push_str("\nFor Cisco support\n");
            for (label, value) in for_support(self.complaint) {
                let value = value.unwrap_or_else(|| "not in the text".to_owned());
                let _ = writeln!(text, "  {label:LABELS$} {value}");
            }
            for told in self.told.iter().filter(|told| told.conclusion.verdict.is_for_support()) {
                let tenant = told.examination.desired.tenant;
                let state = match told.examination.state() {
                    State::AsDeclared => "as declared",
                    State::Differs => "differs as told above",
                    State::Unread => "not read",
                };
                let when = told.examination.looked.map(|at| format!(" at {at:.0}")).unwrap_or_default();
                let _ = writeln!(text, "  {:LABELS$} {tenant}{when}: {state}", "tenant");
            }
        }
        // What was asked in vain without being needed is no trouble.
        let in_trouble = self.told.iter().filter(|told| !told.examination.is_complete());
        let failed: Vec<&Exchange> = in_trouble.flat_map(|told| &told.examination.failed).collect();
        if !failed.is_empty() {
            text.push_str("\nFor Microsoft support: requests of this look that did not succeed\n");
            for exchange in failed {
                let _ = writeln!(text, "  {}", asked(exchange));
            }
        }
    }

    fn is_for_support(&self) -> bool {
        self.told.iter().any(|told| told.conclusion.verdict.is_for_support())
    }

    /// For programs.
    pub fn json(&self) -> anyhow::Result<String> {
        let Complaint { fault, status, code, organization, consented, tracking_id, client_request_id, .. } =
            self.complaint;
        let Complaint { request, time, build, remarks, .. } = self.complaint;
        let Meaning { summary, can, cannot } = &self.meaning;
        let printed = Printed {
            complaint: PrintedComplaint {
                fault: fault.as_str(),
                status: *status,
                code: code.as_deref(),
                organization_id: organization.map(|id| id.to_string()),
                consented_tenant_id: consented.map(|id| id.to_string()),
                tracking_id: tracking_id.as_ref().map(ToString::to_string),
                client_request_id: client_request_id.map(|id| id.to_string()),
                request: request.as_ref().map(ToString::to_string),
                time: *time,
                control_hub_build: build.as_deref(),
                remarks: remarks.iter().map(Remark::sentence).collect(),
            },
            meaning: PrintedMeaning { summary, can_mean: can, does_not_tell: cannot },
            notes: &self.notes,
            objects: self.told.iter().map(PrintedObject::of).collect(),
            advice: self.advice(),
            for_cisco_support: self.is_for_support().then(|| for_support(self.complaint).into_iter().collect()),
        };
        Ok(serde_json::to_string_pretty(&printed)?)
    }
}

fn paragraphs(sentences: &[String]) -> String {
    sentences.iter().map(|sentence| output::wrapped(sentence) + "\n").collect::<Vec<_>>().join("\n")
}

/// One of several, with its lines below each other.
fn item(sentence: &str) -> String {
    let wrapped = output::wrapped(sentence);
    let lines: Vec<&str> = wrapped.lines().map(str::trim_start).collect();
    format!("  - {}\n", lines.join("\n    "))
}

fn asked(exchange: &Exchange) -> String {
    let Exchange { operation, method, target, status, code, request_id, client_request_id, .. } = exchange;
    let mut line = format!("{} {method} {target}:", operation.as_str());
    let status = status.map(|status| status.to_string());
    for part in [status.as_deref(), code.as_deref()].into_iter().flatten() {
        line.push(' ');
        line.push_str(part);
    }
    if let Some(id) = request_id {
        let _ = write!(line, ", request-id {id}");
    }
    let _ = write!(line, ", client-request-id {client_request_id}");
    line
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Printed<'a> {
    complaint: PrintedComplaint<'a>,
    meaning: PrintedMeaning<'a>,
    notes: &'a [String],
    objects: Vec<PrintedObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advice: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    for_cisco_support: Option<BTreeMap<&'static str, Option<String>>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PrintedComplaint<'a> {
    fault: &'static str,
    status: Option<u16>,
    code: Option<&'a str>,
    organization_id: Option<String>,
    consented_tenant_id: Option<String>,
    tracking_id: Option<String>,
    client_request_id: Option<String>,
    request: Option<String>,
    time: Option<Timestamp>,
    control_hub_build: Option<&'a str>,
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PrintedMeaning<'a> {
    summary: &'a str,
    can_mean: &'a [&'static str],
    does_not_tell: &'a [&'static str],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PrintedObject<'a> {
    #[serde(flatten)]
    examination: &'a Examination,
    source: &'a str,
    verdict: &'static str,
    conclusion: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed_requests: Vec<FailedRequest<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FailedRequest<'a> {
    operation: &'static str,
    method: &'a str,
    target: &'a str,
    status: Option<u16>,
    code: Option<&'a str>,
    request_id: Option<&'a str>,
    client_request_id: &'a str,
}

impl<'a> PrintedObject<'a> {
    fn of(told: &'a Told) -> Self {
        let Told { name: _, source, examination, conclusion: Conclusion { verdict, paragraphs } } = told;
        let failed = examination.failed.iter().map(|exchange| FailedRequest {
            operation: exchange.operation.as_str(),
            method: &exchange.method,
            target: &exchange.target,
            status: exchange.status,
            code: exchange.code.as_deref(),
            request_id: exchange.request_id.as_deref(),
            client_request_id: &exchange.client_request_id,
        });
        Self {
            examination,
            source,
            verdict: verdict.as_str(),
            conclusion: paragraphs,
            failed_requests: failed.collect(),
        }
    }
}

#[cfg(test)]
mod tests;
