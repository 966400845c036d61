//! What the audit log says of differences that were found: who did it, and when.
//!
//! Nothing that is declared depends on it, and it has a small limit of its own. So it is asked last and in a request of its
//! own, which delays and fails nothing else; what does not fit the limit now is left for a later look; and one page is
//! mostly enough.

use std::{collections::BTreeMap, time::Duration};

use http::StatusCode;
use serde_json::Value;

use super::{
    super::{
        batch::{Item, ItemAnswer},
        budget::Cost,
        list::Pages,
        look::Priority,
        metric::Strange,
        trail::Operation,
        transport::Transport,
        wire::{Page, WireDirectoryAudit},
    },
    Reader, budget_key,
    reading::{Answered, error_code},
};
use crate::domain::{
    Obstacle, Reading,
    observed::{AuditQuestion, AuditRecord, AuditSubject},
    permission::{self, Need},
};

/// Records of one page.
const TOP: u32 = 50;

/// Pages that are read of one question. Records come newest first; what is further back is not worth what it costs.
const PAGES_MAX: usize = 3;

/// Longest time that a look spends on the audit log.
const WITHIN: Duration = Duration::from_secs(20);

type Audits = BTreeMap<AuditQuestion, Reading<Vec<AuditRecord>>>;

impl<T: Transport> Reader<'_, T> {
    /// The answers to everything that the audit log is to be asked.
    pub(super) async fn audits(&self) -> Audits {
        let questions = &self.question.recall.audits;
        let mut audits: Audits = questions.iter().map(|question| (question.clone(), Reading::NotAsked)).collect();
        if questions.is_empty() || !permission::offers_audits(self.question.desired.cloud) {
            return audits;
        }
        let (budgets, key, now) = (&self.graph.budgets, budget_key(self.question), self.graph.clock.instant());
        if budgets.pause(&key, now).is_some() {
            return audits;
        }
        let wanted = u32::try_from(questions.len()).unwrap_or(u32::MAX);
        let allowed = usize::try_from(budgets.take_audits(&key, wanted, now)).unwrap_or_default();
        let asked: Vec<&AuditQuestion> = self.question.recall.audits_in_turn().take(allowed).collect();
        // Late is as good as not asked: the next look tries again.
        if let Ok(answered) = tokio::time::timeout(WITHIN, self.answered(&asked)).await {
            audits.extend(answered);
        }
        audits
    }

    async fn answered(&self, asked: &[&AuditQuestion]) -> Audits {
        let item = |(number, question): (usize, &&AuditQuestion)| {
            let (name, request) = (format!("audit {number}"), self.graph.clock.uuid().to_string());
            let gives_way = self.question.priority == Priority::Nobody;
            Item::get(Operation::DirectoryAudits, name, url(question), request, gives_way)
        };
        let items: Vec<Item> = asked.iter().enumerate().map(item).collect();
        if items.is_empty() {
            return Audits::new();
        }
        // A token that is refused only now is the next look's business.
        let Ok(mut answers) = self.further(&items).await else { return Audits::new() };
        let mut audits = Audits::new();
        for (question, item) in asked.iter().zip(items) {
            let unanswered = || Err(Obstacle::malformed("$batch left a question unanswered"));
            let answer = answers.remove(&item.id).unwrap_or_else(unanswered);
            audits.insert((*question).clone(), self.records(answer).await);
        }
        audits
    }

    /// The records of one question. Those of the first page stay known, whatever becomes of further ones.
    async fn records(&self, answer: Answered) -> Reading<Vec<AuditRecord>> {
        let mut page = match self.first_page(answer) {
            Reading::Known(page) => page,
            Reading::Unreadable(obstacle) => return Reading::Unreadable(obstacle),
            Reading::Absent => return Reading::Unreadable(Obstacle::malformed("the audit log was not found")),
            Reading::NotAsked => return Reading::NotAsked,
        };
        let (budgets, key) = (&self.graph.budgets, budget_key(self.question));
        let mut pages: Pages<WireDirectoryAudit> = Pages::new(self.question.endpoints.graph.clone());
        let mut records = Vec::new();
        for number in 1..=PAGES_MAX {
            let Page { value, next_link } = page;
            records.extend(value.into_iter().filter_map(WireDirectoryAudit::observed));
            let Ok(link) = pages.take(Page { value: Vec::new(), next_link }) else {
                self.line.metrics.strange(Strange::RefusedLink, 1);
                break;
            };
            let Some(link) = link.filter(|_| number < PAGES_MAX) else { break };
            if budgets.take_audits(&key, 1, self.graph.clock.instant()) == 0 {
                break;
            }
            let next = self.page_of(Operation::DirectoryAudits, Cost::default(), &link, Need::AuditLog).await;
            let Ok(next) = next else { break };
            page = next;
        }
        Reading::Known(records)
    }

    fn first_page(&self, answer: Answered) -> Reading<Page<WireDirectoryAudit>> {
        match &answer {
            Ok(answer) if answer.status == StatusCode::FORBIDDEN => Reading::Unreadable(self.forbidden(answer)),
            Ok(_) | Err(_) => self.read(answer, Need::AuditLog),
        }
    }

    /// A licence that does not cover the log is refused with the same status as a permission that is missing.
    fn forbidden(&self, answer: &ItemAnswer) -> Obstacle {
        let code = answer.body.as_ref().and_then(error_code).unwrap_or_default();
        let message = answer.body.as_ref().and_then(|body| body.pointer("/error/message")).and_then(Value::as_str);
        let is_licence = code == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
            || message.is_some_and(|message| message.contains("not licensed for this feature"));
        if is_licence {
            return Obstacle::not_licensed("the audit log");
        }
        let lacking = [(Need::AuditLog.least(), Need::AuditLog.purpose().to_owned())];
        Obstacle::permission_missing(self.question.desired.client, &lacking)
    }
}

/// <https://learn.microsoft.com/en-us/graph/api/directoryaudit-list>
fn url(question: &AuditQuestion) -> String {
    let AuditQuestion { since, subject } = question;
    let about = match subject {
        AuditSubject::Target(id) => format!("targetResources/any(t:%20t/id%20eq%20%27{id}%27)"),
        AuditSubject::Activity(name) => format!("activityDisplayName%20eq%20%27{}%27", escaped(name)),
        AuditSubject::Service(name) => format!("loggedByService%20eq%20%27{}%27", escaped(name)),
    };
    format!(
        "/auditLogs/directoryAudits?$filter=activityDateTime%20ge%20{since}%20and%20{about}\
         &$orderby=activityDateTime%20desc&$top={TOP}"
    )
}

/// A name in a text of a filter, in an address.
fn escaped(name: &str) -> String {
    let doubled = name.replace('\'', "''");
    let bytes = doubled.bytes().map(|byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    bytes.collect()
}
