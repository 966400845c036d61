//! What belongs together: one text may hold several incidents, and a support article around one.

use std::collections::BTreeSet;

use super::{
    Complaint, Fault, Interface, Remark, TrackingId,
    field::{Fact, Found, PUBLISHED, Scan},
    shape::Text,
};
use crate::api::identifier::OrganizationId;

/// Most incidents that are told apart.
const INCIDENTS_MAX: usize = 50;

/// What was found about one incident, in order.
type Incident = Vec<Found>;

/// The incident that the text is about, with everything that is to be said about the text; none if it is about none.
pub fn chosen(text: &Text, scan: Scan) -> Option<Complaint> {
    let phrases = Phrases::of(text);
    let Scan { found, lookalike, foreign_host, has_cut_tracking_id } = scan;
    let incidents = joined(split(text, found));
    let only_organization = one(incidents.iter().flatten().filter_map(organization));
    let mut complaints: Vec<Complaint> = incidents
        .iter()
        .map(|incident| complaint(incident, &phrases, only_organization))
        .filter(|complaint| is_evidence(complaint, &phrases))
        .collect();
    let best = (0..complaints.len()).max_by_key(|index| {
        let weight = complaints.get(*index).map(weight);
        // Among equals the first in the text.
        (weight, std::cmp::Reverse(*index))
    });
    let mut complaint = match best {
        Some(best) => complaints.remove(best),
        None => complaint(&Vec::new(), &phrases, None),
    };
    if best.is_none() && !is_evidence(&complaint, &phrases) {
        return None;
    }
    if !complaints.is_empty() {
        complaint.remarks.push(Remark::Several {
            chosen: complaint.tracking_id.clone(),
            others: complaints.iter().filter_map(|other| other.tracking_id.clone()).collect(),
            count: complaints.len(),
        });
    }
    complaint.remarks.extend(lookalike.map(Remark::Lookalike));
    complaint.remarks.extend(has_cut_tracking_id.then_some(Remark::TrackingIdCut));
    complaint.remarks.extend(foreign_host.map(Remark::ForeignHost));
    Some(complaint)
}

/// A known error before an unknown one, one with an organization before one without, a later one before an earlier one.
fn weight(complaint: &Complaint) -> impl Ord + use<> {
    let Complaint { fault, organization, time, tracking_id, .. } = complaint;
    (!matches!(fault, Fault::Unpublished | Fault::Untold), organization.is_some(), *time, tracking_id.is_some())
}

/// Whether there is enough to speak of.
fn is_evidence(complaint: &Complaint, phrases: &Phrases) -> bool {
    let Complaint { fault, organization, consented, tracking_id, client_request_id, request, code, .. } = complaint;
    let is_named = organization.is_some() || consented.is_some() || tracking_id.is_some() || request.is_some();
    let is_published = code.as_deref().is_some_and(|code| PUBLISHED.contains(&code));
    is_named || is_published || client_request_id.is_some() || phrases.tell(*fault)
}

/// Begins a new incident where something that an incident has once is there with another value.
fn split(text: &Text, found: Vec<Found>) -> Vec<Incident> {
    let mut incidents: Vec<Incident> = vec![Vec::new()];
    for next in found {
        if let Some(current) = incidents.last_mut() {
            let contradicted = current.iter().rev().find(|earlier| contradicts(&earlier.fact, &next.fact));
            if let Some(earlier) = contradicted {
                let border = border(text, earlier, &next);
                let rest = current.split_off(current.partition_point(|found| found.at < border));
                incidents.push(rest);
            }
        }
        if let Some(current) = incidents.last_mut() {
            current.push(next);
        }
    }
    incidents
}

fn contradicts(earlier: &Fact, next: &Fact) -> bool {
    match (earlier, next) {
        (Fact::Tracking(a), Fact::Tracking(b)) => a != b,
        (Fact::Organization(a), Fact::Organization(b)) => a != b,
        (Fact::ClientRequest(a), Fact::ClientRequest(b)) => a != b,
        (Fact::Request(a), Fact::Request(b)) => a.organization != b.organization || a.interface != b.interface,
        (Fact::Clock(a), Fact::Clock(b)) => a != b,
        _ => false,
    }
}

/// Where the second of two incidents begins, given something of each: the JSON around the latter, else the paragraph,
/// else the line after a message that names the former, else the latter itself.
fn border(text: &Text, earlier: &Found, next: &Found) -> usize {
    let from = earlier.at + 1;
    let gap = text.between(from, next.at);
    let mut depth = 0_i32;
    let mut brace = None;
    for (position, c) in gap.iter().enumerate().rev() {
        match c {
            '}' => depth += 1,
            '{' if depth == 0 => brace = Some(position),
            '{' => depth -= 1,
            _ => {}
        }
    }
    if let Some(brace) = brace {
        return from + brace;
    }
    if let Some(paragraph) = paragraph(gap) {
        return from + paragraph;
    }
    let line_end = gap.iter().position(|c| *c == '\n');
    match (&earlier.fact, line_end) {
        (Fact::Tracking(_), Some(end)) if is_in_message(text, earlier.at) => from + end,
        _ => next.at,
    }
}

/// Where the last paragraph begins.
fn paragraph(gap: &[char]) -> Option<usize> {
    let mut is_blank = false;
    let mut last = None;
    for (position, c) in gap.iter().enumerate() {
        match c {
            '\n' if is_blank => last = Some(position),
            '\n' => is_blank = true,
            ' ' | '\t' | '>' | '|' => {}
            _ => is_blank = false,
        }
    }
    last
}

/// Whether a sentence stands before this place in its line.
fn is_in_message(text: &Text, place: usize) -> bool {
    let before = text.between(place.saturating_sub(200), place);
    before.iter().rev().take_while(|c| **c != '\n').filter(|c| matches!(c, '.' | '!' | '?')).count() > 0
}

/// Puts together what has the same tracking ID, such as the message on the screen and the details behind it.
fn joined(incidents: Vec<Incident>) -> Vec<Incident> {
    let mut joined: Vec<Incident> = Vec::new();
    for incident in incidents.into_iter().filter(|incident| !incident.is_empty()) {
        let ids: BTreeSet<&TrackingId> = incident.iter().filter_map(tracking).collect();
        let same = joined.iter().position(|earlier| earlier.iter().filter_map(tracking).any(|id| ids.contains(id)));
        if let Some(earlier) = same.and_then(|same| joined.get_mut(same)) {
            earlier.extend(incident);
        } else if joined.len() < INCIDENTS_MAX {
            joined.push(incident);
        }
    }
    joined
}

fn tracking(found: &Found) -> Option<&TrackingId> {
    if let Fact::Tracking(id) = &found.fact { Some(id) } else { None }
}

fn organization(found: &Found) -> Option<OrganizationId> {
    if let Fact::Request(request) = &found.fact {
        return Some(request.organization);
    }
    if let Fact::Organization(id) = &found.fact { Some(*id) } else { None }
}

/// The value, if there is exactly one.
fn one<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: BTreeSet<T> = values.collect();
    let first = values.pop_first();
    if values.is_empty() { first } else { None }
}

fn complaint(incident: &Incident, phrases: &Phrases, only_organization: Option<OrganizationId>) -> Complaint {
    macro_rules! first {
        ($variant:ident) => {
            incident
                .iter()
                .find_map(|found| if let Fact::$variant(value) = &found.fact { Some(value.clone()) } else { None })
        };
    }
    let request = first!(Request);
    let mentioned = || {
        let codes = incident.iter();
        one(codes.filter_map(|found| if let Fact::Mentioned(code) = found.fact { Some(code.to_owned()) } else { None }))
    };
    let dated = || {
        let dates = incident.iter();
        one(dates.filter_map(|found| if let Fact::Date(time) = found.fact { Some(time) } else { None }))
    };
    let code = first!(Code).or_else(mentioned);
    // Around an incident other statuses may be spoken of.
    let is_published = |status: &u16| published_status(code.as_deref()) == Some(*status);
    let statuses = incident.iter();
    let status = statuses
        .filter_map(|found| if let Fact::Status(status) = found.fact { Some(status) } else { None })
        .find(is_published)
        .or_else(|| first!(Status));
    let viewed = first!(Organization);
    let signed_in = first!(SignedInOrganization);
    let requested = request.as_ref().map(|request| request.organization);
    let organization = requested.or(viewed).or(only_organization);
    let mut remarks = Vec::new();
    if let (Some(viewed), Some(requested)) = (viewed, requested)
        && viewed != requested
    {
        remarks.push(Remark::OrganizationsDiffer { viewed, requested });
    }
    if let (Some(theirs), Some(organization)) = (signed_in, organization)
        && theirs != organization
    {
        remarks.push(Remark::PartnerSignedIn { organization: theirs });
    }
    Complaint {
        fault: fault(code.as_deref(), status, request.as_ref().map(|request| request.interface), phrases),
        status,
        code,
        organization: organization.or(signed_in),
        consented: first!(Consented),
        tracking_id: first!(Tracking),
        client_request_id: first!(ClientRequest),
        request,
        time: first!(Clock).or_else(dated),
        build: first!(Build),
        remarks,
    }
}

fn published_status(code: Option<&str>) -> Option<u16> {
    match code {
        Some("701018") => Some(401),
        Some("100013") => Some(400),
        _ => None,
    }
}

fn fault(code: Option<&str>, status: Option<u16>, interface: Option<Interface>, phrases: &Phrases) -> Fault {
    match (code, interface) {
        (Some("701018"), _) => Fault::DirectoryRefused,
        (Some("100013"), _) => Fault::TenantUnknown,
        (Some(_), _) => Fault::Unpublished,
        (None, Some(Interface::Scim)) if status.unwrap_or(401) == 401 => Fault::ScimUnauthenticated,
        (None, _) if phrases.tell(Fault::CalendarUnauthorized) => Fault::CalendarUnauthorized,
        (None, _) if phrases.tell(Fault::TenantUnknown) => Fault::TenantUnknown,
        (None, _) if phrases.tell(Fault::Unauthorized) => Fault::Unauthorized,
        (None, Some(Interface::Integration)) if status == Some(401) => Fault::Unauthorized,
        (None, None) if phrases.tell(Fault::ScimUnauthenticated) && status.unwrap_or(401) == 401 => {
            Fault::ScimUnauthenticated
        }
        (None, _) if status.is_some() => Fault::Unpublished,
        (None, _) => Fault::Untold,
    }
}

/// The errors of which a published sentence tells.
#[derive(Debug)]
struct Phrases(BTreeSet<Fault>);

/// Sentences of one error: each group has several wordings, of which one must be there.
const PHRASES: [(Fault, &[&[&str]]); 5] = [
    (
        Fault::Unauthorized,
        &[
            &["integration error", "集成错误", "集成錯誤", "整合錯誤", "集成出错"],
            &["unauthorized", "未授权", "未经授权", "未經授權", "未授權", "未获授权", "未獲授權"],
        ],
    ),
    (Fault::TenantUnknown, &[&["tenantid is required"]]),
    (
        Fault::ScimUnauthenticated,
        &[&[
            "scim:api:messages:2.0:error",
            "user credentials are missing or incorrect",
            "users credentials are missing or incorrect",
            "user s credentials are missing or incorrect",
            "用户的凭证缺失或不正确",
            "用户凭证缺失或不正确",
            "用户的凭据缺失或不正确",
            "用户的凭据丢失或不正确",
        ]],
    ),
    (Fault::CalendarUnauthorized, &[&["unauthorized from o365"]]),
    (Fault::CalendarUnauthorized, &[&["from o365"], &["received error unauthorized"]]),
];

impl Phrases {
    fn of(text: &Text) -> Self {
        let words = text.to_string().to_lowercase();
        let words = words.split(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '*' | '`' | '>'));
        let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let tells = |groups: &&[&[&str]]| groups.iter().all(|group| group.iter().any(|phrase| words.contains(phrase)));
        Self(PHRASES.iter().filter(|(_, groups)| tells(groups)).map(|(fault, _)| *fault).collect())
    }

    fn tell(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }
}
