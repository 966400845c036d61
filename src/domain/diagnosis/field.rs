//! Everything in a text that has the shape of something known, and stands where that is to be expected.

use uuid::Uuid;

use super::{
    Interface, Request, TrackingId,
    label::Label,
    shape::{Date, Text, is_of_word},
};
use crate::{
    api::{TenantId, identifier::OrganizationId},
    domain::text::safe,
};
use jiff::Timestamp;

/// Codes that are known wherever they stand.
pub const PUBLISHED: [&str; 2] = ["701018", "100013"];

/// Most findings that are kept; an incident has about fifteen.
const FOUND_MAX: usize = 5000;

/// Longest address that is looked at.
const ADDRESS_MAX: usize = 300;

/// Paths of Control Hub's interface that were published, behind the organization.
const TAILS: [&str; 2] = ["/v1/WebexApplications/status", "/v1/Domains"];

/// What was found, and where.
#[derive(Debug)]
pub struct Found {
    /// Where it begins.
    pub at: usize,
    /// What it is.
    pub fact: Fact,
}

/// Something that a text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Cisco's name for a request.
    Tracking(TrackingId),
    /// The organization that is open in Control Hub.
    Organization(OrganizationId),
    /// The organization of whoever is signed in.
    SignedInOrganization(OrganizationId),
    /// The tenant that an administrator came back from.
    Consented(TenantId),
    /// Webex's name for its request to Microsoft.
    ClientRequest(Uuid),
    /// What Control Hub asked for.
    Request(Request),
    /// The clock of whoever is signed in.
    Clock(Timestamp),
    /// Some other date in words.
    Date(Timestamp),
    /// Status of the answer.
    Status(u16),
    /// Code of the error, named as such.
    Code(String),
    /// A published code somewhere in the text.
    Mentioned(&'static str),
    /// Build of Control Hub.
    Build(String),
}

/// What a text holds.
#[derive(Debug, Default)]
pub struct Scan {
    /// In order.
    pub found: Vec<Found>,
    /// A character that made an identifier useless.
    pub lookalike: Option<char>,
    /// A host that is not one of Webex, made safe.
    pub foreign_host: Option<String>,
    /// Whether a tracking ID is cut short.
    pub has_cut_tracking_id: bool,
}

/// Looks at every place where a value may begin.
pub fn scan(text: &Text) -> Scan {
    let mut scan = Scan::default();
    let mut place = 0;
    while place < text.len() && scan.found.len() < FOUND_MAX {
        let begins = text.at(place).is_some_and(is_of_word) && !text.before(place).is_some_and(is_of_word);
        // Wide digits are no part of words here, but may pretend to begin an identifier.
        let pretends = !begins && text.at(place).is_some_and(|c| !c.is_ascii() && c.is_numeric());
        if pretends {
            scan.note_oddity(text, place);
        }
        place = if begins { scan.take(text, place) } else { place + 1 };
    }
    scan
}

impl Scan {
    /// Takes what begins here; where to look next.
    fn take(&mut self, text: &Text, place: usize) -> usize {
        if let Some((id, end)) = text.uuid(place) {
            return self.identifier(text, place, id, end);
        }
        if let Some(date) = text.date(place) {
            let fact = match (date, Label::before(text, place)) {
                (Date::InWords(time) | Date::Plain(time), Some(Label::Clock)) => Some(Fact::Clock(time)),
                (Date::InWords(time), _) => Some(Fact::Date(time)),
                (Date::Plain(_), _) => None,
            };
            if let Some(fact) = fact {
                self.push(place, fact);
                return behind_date(text, place);
            }
        }
        if let Some((build, end)) = text.build(place) {
            if Label::before(text, place) == Some(Label::Build) {
                self.push(place, Fact::Build(build));
            }
            return end;
        }
        let published = PUBLISHED.into_iter().find_map(|code| Some((code, text.code(place, code)?)));
        if let Some((code, end)) = published {
            let is_named = Label::before(text, place) == Some(Label::Code);
            self.push(place, if is_named { Fact::Code(code.to_owned()) } else { Fact::Mentioned(code) });
            return end;
        }
        if let Some((digits, end)) = text.number(place) {
            self.number(text, place, &digits);
            return end;
        }
        self.note_oddity(text, place);
        place + 1
    }

    fn push(&mut self, at: usize, fact: Fact) {
        self.found.push(Found { at, fact });
    }

    fn identifier(&mut self, text: &Text, place: usize, id: Uuid, end: usize) -> usize {
        if let Some((prefix, at)) = text.tracking_prefix(place) {
            let suffix = text.tracking_suffix(end);
            let number = suffix.as_ref().map(|(number, _)| format!("_{number}")).unwrap_or_default();
            self.push(at, Fact::Tracking(TrackingId(format!("{prefix}_{id}{number}"))));
            return suffix.map_or(end, |(_, end)| end);
        }
        if let Some(interface) = interface_before(text, place) {
            self.address(text, place, id, interface, end);
            return end;
        }
        if let Some(name) = parameter_before(text, place) {
            self.push(
                place,
                match name {
                    Parameter::Tenant => Fact::Consented(TenantId::new(id)),
                    Parameter::Organization => Fact::Organization(OrganizationId::new(id)),
                },
            );
            return end;
        }
        // A parameter of some address is no label.
        let label = Label::before(text, place).filter(|_| !is_in_address(text, place));
        let fact = match label {
            Some(Label::Organization) => Some(Fact::Organization(OrganizationId::new(id))),
            Some(Label::SignedInOrganization) => Some(Fact::SignedInOrganization(OrganizationId::new(id))),
            Some(Label::ClientRequestId) => Some(Fact::ClientRequest(id)),
            Some(Label::SignedInUser | Label::Clock | Label::Status | Label::Code | Label::Build) | None => None,
        };
        if let Some(fact) = fact {
            self.push(place, fact);
        }
        end
    }

    fn address(&mut self, text: &Text, place: usize, id: Uuid, (interface, path): (Interface, usize), end: usize) {
        match host_before(text, path) {
            Host::Webex(host) => self.request(text, place, id, interface, Some(host), end),
            Host::None => self.request(text, place, id, interface, None, end),
            Host::Foreign(host) => {
                // Written so that no terminal makes a link of it.
                let shown = safe(&host).replace('.', "[.]");
                self.foreign_host.get_or_insert(shown);
            }
            Host::Hidden => {}
        }
    }

    fn request(&mut self, text: &Text, at: usize, id: Uuid, interface: Interface, host: Option<String>, end: usize) {
        let published = TAILS.into_iter().find(|tail| text.goes_on_with(end, tail).is_some());
        let tail = match published {
            Some(tail) => tail.to_owned(),
            None => text.between(end, end + 80).iter().take_while(|c| is_of_path(**c)).collect(),
        };
        self.push(at, Fact::Request(Request { host, organization: OrganizationId::new(id), interface, tail }));
    }

    fn number(&mut self, text: &Text, place: usize, digits: &str) {
        let status = digits.parse().ok().filter(|status| (100..600).contains(status) && digits.len() == 3);
        if status.is_none() && !(4..=8).contains(&digits.len()) {
            return;
        }
        match (Label::before(text, place), status) {
            (Some(Label::Status), Some(status)) => self.push(place, Fact::Status(status)),
            (Some(Label::Code), None) => self.push(place, Fact::Code(digits.to_owned())),
            _ => {}
        }
    }

    /// What would have been an identifier.
    fn note_oddity(&mut self, text: &Text, place: usize) {
        if self.lookalike.is_none() {
            self.lookalike = lookalike(text.between(place, place + 36));
        }
        let is_begun = !self.has_cut_tracking_id && text.goes_on_with(place, "ATLAS_").is_some();
        if is_begun {
            let rest = text.between(place + 6, place + 6 + 60);
            let length = rest.iter().take_while(|c| c.is_alphanumeric() || matches!(c, '-' | '\n' | ' ')).count();
            let has_identifier = (0..=length.min(40)).any(|skipped| text.uuid(place + 6 + skipped).is_some());
            self.has_cut_tracking_id = rest.first().is_some_and(char::is_ascii_hexdigit) && !has_identifier;
        }
    }
}

/// The character that keeps these from being an identifier: a letter or digit of another script, or a circled one.
fn lookalike(chars: &[char]) -> Option<char> {
    let is_formed = chars.len() == 36
        && chars.iter().enumerate().all(|(position, c)| {
            if matches!(position, 8 | 13 | 18 | 23) { *c == '-' } else { c.is_ascii_hexdigit() || !c.is_ascii() }
        });
    is_formed.then(|| chars.iter().copied().find(|c| !c.is_ascii())).flatten()
}

/// Whether this is part of an address.
fn is_in_address(text: &Text, place: usize) -> bool {
    let before = text.between(place.saturating_sub(ADDRESS_MAX), place);
    let is_part = |c: &&char| !c.is_whitespace() && !matches!(c, '"' | '\'' | '|' | ',' | ';' | '<' | '>');
    let part: String = before.iter().rev().take_while(is_part).collect();
    part.contains("//:")
}

fn interface_before(text: &Text, id: usize) -> Option<(Interface, usize)> {
    [
        ("/extIntegration/azureAD/", Interface::Integration),
        ("/identity/scim/", Interface::Scim),
        ("/v1/scim/", Interface::Scim),
    ]
    .into_iter()
    .find_map(|(path, interface)| Some((interface, text.ends_with(id, path)?)))
}

/// Whom an address leads to.
enum Host {
    Webex(String),
    Foreign(String),
    /// Only a path was there.
    None,
    /// The path is part of something else, such as another address's query.
    Hidden,
}

fn host_before(text: &Text, path: usize) -> Host {
    let before = text.between(path.saturating_sub(ADDRESS_MAX), path);
    let length = before.iter().rev().take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-')).count();
    let start = path - length;
    let host: String = text.between(start, path).iter().collect::<String>().to_lowercase();
    let is_begun = match text.before(start) {
        None | Some('@') => true,
        Some('/') => text.before(start - 1) == Some('/'),
        Some(c) => c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | '[' | '<' | '>' | '|' | ':'),
    };
    if !is_begun {
        return Host::Hidden;
    }
    let is_webex = host.ends_with(".webex.com") || host == "webexapis.com" || host == "api.ciscospark.com";
    match (host.is_empty(), is_webex && host.is_ascii()) {
        (true, _) => Host::None,
        (false, true) => Host::Webex(host),
        (false, false) => Host::Foreign(host),
    }
}

/// A date is over with its time of day.
fn behind_date(text: &Text, place: usize) -> usize {
    let rest = text.between(place, place + 40);
    place + rest.iter().rposition(|c| *c == ':').map_or(1, |colon| colon + 1)
}

/// What Microsoft's consent page hands over when it sends an administrator back to Control Hub.
enum Parameter {
    Tenant,
    Organization,
}

fn parameter_before(text: &Text, id: usize) -> Option<Parameter> {
    let is_tenant = text.ends_with(id, "tenant=");
    let start = is_tenant.or_else(|| text.ends_with(id, "orgId="))?;
    let before = text.between(start.saturating_sub(ADDRESS_MAX), start);
    let length = before.iter().rev().take_while(|c| !c.is_whitespace()).count();
    let address: String = text.between(start - length, start).iter().collect::<String>().to_lowercase();
    let host = address.rsplit_once("://").map_or(address.as_str(), |(_, rest)| rest);
    let (host, rest) = host.split_once('/')?;
    let is_control_hub = host.starts_with("admin") && host.ends_with(".webex.com") && rest.ends_with(['?', '&']);
    is_control_hub.then_some(if is_tenant.is_some() { Parameter::Tenant } else { Parameter::Organization })
}

const fn is_of_path(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.')
}
