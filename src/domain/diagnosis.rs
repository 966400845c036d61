//! What Control Hub said, read from whatever a person pasted, and what it can and cannot mean.
//!
//! The text is foreign: of it only values of known shapes are kept (identifiers, codes, times, addresses of Webex), and
//! nothing in it is followed. What the tenant has to say to it is put beside it in `conclusion`.

mod field;
mod incident;
mod label;
mod shape;
mod tidy;

pub mod advice;
pub mod conclusion;
pub mod matching;
pub mod meaning;

use std::fmt;

use jiff::Timestamp;
use uuid::Uuid;

use crate::api::{TenantId, identifier::OrganizationId};

/// Most bytes that are read of a text; a whole support article with its markup has a tenth of it.
pub const TEXT_MAX: usize = 1024 * 1024;

/// What Control Hub complained of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// What went wrong, as far as the text tells.
    pub fault: Fault,
    /// Status of the answer that Control Hub got.
    pub status: Option<u16>,
    /// Code of the error in that answer.
    pub code: Option<String>,
    /// The Webex organization.
    pub organization: Option<OrganizationId>,
    /// The tenant from which an administrator came back after consenting.
    pub consented: Option<TenantId>,
    /// Cisco's name for the request.
    pub tracking_id: Option<TrackingId>,
    /// The name that Webex gave its own request to Microsoft.
    pub client_request_id: Option<Uuid>,
    /// What Control Hub asked for.
    pub request: Option<Request>,
    /// When, by the clock of whoever was signed in.
    pub time: Option<Timestamp>,
    /// Build of Control Hub.
    pub build: Option<String>,
    /// What else is to be said about the text.
    pub remarks: Vec<Remark>,
}

/// What went wrong, as far as the text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 701018: Webex was refused as unauthorized when it asked Microsoft.
    DirectoryRefused,
    /// 100013: Webex does not know the tenant of the organization.
    TenantUnknown,
    /// 401 of the SCIM interface: whoever sent people to Webex was not let in.
    ScimUnauthenticated,
    /// "Unauthorized from O365": a mailbox or its domain was not found.
    CalendarUnauthorized,
    /// The message "unauthorized" about the integration, without a code.
    Unauthorized,
    /// A status or a code of which nothing is published.
    Unpublished,
    /// Identifiers without an error.
    Untold,
}

impl Fault {
    /// Its name in the output for programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DirectoryRefused => "DirectoryRefused",
            Self::TenantUnknown => "TenantUnknown",
            Self::ScimUnauthenticated => "ScimUnauthenticated",
            Self::CalendarUnauthorized => "CalendarUnauthorized",
            Self::Unauthorized => "Unauthorized",
            Self::Unpublished => "Unpublished",
            Self::Untold => "Untold",
        }
    }
}

/// Cisco's name for one request, such as `ATLAS_497d70df-8811-4b6b-9b6a-ef4f438b57f6_136`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackingId(String);

impl fmt::Display for TrackingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What Control Hub asked for. It is shown and never called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The host, one of Webex; none if only the path was there.
    pub host: Option<String>,
    /// The organization in its path.
    pub organization: OrganizationId,
    /// Which interface.
    pub interface: Interface,
    /// The path behind the organization.
    pub tail: String,
}

/// An interface of Webex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// Control Hub's own, to Microsoft Entra.
    Integration,
    /// SCIM, by which people are provisioned.
    Scim,
}

impl Request {
    /// Whether domains were asked for, rather than the state of the applications.
    pub fn is_for_domains(&self) -> bool {
        self.interface == Interface::Integration && self.tail == "/v1/Domains"
    }
}

impl fmt::Display for Request {
    /// Without `https://`, so that nothing makes a link of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, organization, interface, tail } = self;
        let prefix = match interface {
            Interface::Integration => "/extIntegration/azureAD/",
            Interface::Scim => "/identity/scim/",
        };
        write!(f, "{}{prefix}{organization}{tail}", host.as_deref().unwrap_or_default())
    }
}

/// Something about the text that its reader should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// Only its beginning was read.
    Cut,
    /// It holds more than one incident; this is about one of them.
    Several {
        /// The one that was chosen.
        chosen: Option<TrackingId>,
        /// The others that can be named.
        others: Vec<TrackingId>,
        /// How many others there are.
        count: usize,
    },
    /// The request went to another organization than the one that was open in Control Hub.
    OrganizationsDiffer {
        /// The one that was open.
        viewed: OrganizationId,
        /// The one in the request.
        requested: OrganizationId,
    },
    /// Whoever was signed in belongs to another organization.
    PartnerSignedIn {
        /// Theirs.
        organization: OrganizationId,
    },
    /// An identifier holds a character that only looks like one of its digits.
    Lookalike(char),
    /// A tracking ID is cut short.
    TrackingIdCut,
    /// An address looks like one of Webex and is not.
    ForeignHost(String),
}

impl Remark {
    /// The sentences.
    pub fn sentence(&self) -> String {
        match self {
            Self::Cut => format!("The text is too long; only its first {} KiB were read.", TEXT_MAX / 1024),
            Self::Several { chosen, others, count } => several(chosen.as_ref(), others, *count),
            Self::OrganizationsDiffer { viewed, requested } => format!(
                "Control Hub showed organization {viewed}, but the request was for {requested}; the latter is taken, because that \
                 request failed."
            ),
            Self::PartnerSignedIn { organization } => format!(
                "Whoever was signed in belongs to another organization ({organization}), such as a partner's. Consent and set-up need \
                 a full administrator of the customer's own organization."
            ),
            Self::Lookalike(c) => format!(
                "An identifier in the text holds a character that only looks right (U+{:04X}), so it was not used; copy it again \
                 from Control Hub.",
                u32::from(*c)
            ),
            Self::TrackingIdCut => "A tracking ID in the text is cut short; copy it whole, Cisco needs it.".to_owned(),
            Self::ForeignHost(host) => {
                format!(
                    "An address in the text is made to look like one of Webex but leads to {host}; it was not used."
                )
            }
        }
    }
}

fn several(chosen: Option<&TrackingId>, others: &[TrackingId], count: usize) -> String {
    let chosen =
        chosen.map_or_else(|| "one without a tracking ID".to_owned(), |id| format!("the one with tracking ID {id}"));
    let mut named: Vec<String> = others.iter().take(3).map(ToString::to_string).collect();
    let unnamed = count.saturating_sub(named.len());
    if unnamed > 0 {
        named.push(if named.is_empty() {
            format!("{unnamed} without a tracking ID")
        } else {
            format!("{unnamed} more")
        });
    }
    format!(
        "The text holds {} incidents; this is about {chosen}, because it is the most complete and the latest. To have another \
         explained, give it alone: {}.",
        count + 1,
        named.join(", ")
    )
}

/// Why a text leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is nothing in it.
    #[error(
        "the text is empty: give what Control Hub shows, such as the debug information, its JSON, or the message with the tracking ID"
    )]
    Empty,
    /// Nothing in it is known.
    #[error(
        "nothing in the text is of Control Hub: give the debug information, its JSON, or the message with the tracking ID (ATLAS_…)"
    )]
    Nothing,
}

/// Reads what a person pasted.
pub fn read(bytes: &[u8]) -> Result<Complaint, Unreadable> {
    let head = bytes.get(..TEXT_MAX).unwrap_or(bytes);
    let text = tidy::tidy(head);
    let scan = field::scan(&text);
    if !text.has_content() {
        return Err(Unreadable::Empty);
    }
    let mut complaint = incident::chosen(&text, scan).ok_or(Unreadable::Nothing)?;
    if bytes.len() > TEXT_MAX {
        complaint.remarks.insert(0, Remark::Cut);
    }
    Ok(complaint)
}

#[cfg(test)]
mod tests;
