//! The name of a Lease, as it is given on the command line.

use std::{fmt, str::FromStr};

/// Where the Lease is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for LeaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, name } = self;
        write!(f, "{namespace}/{name}")
    }
}

/// The text names no Lease.
#[derive(Debug, thiserror::Error)]
#[error("must be NAMESPACE/NAME, both in lower case, such as webex/webex-azure-operator")]
pub struct NotALeaseName;

impl FromStr for LeaseName {
    type Err = NotALeaseName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (namespace, name) = text.split_once('/').ok_or(NotALeaseName)?;
        let is_part = |part: &str| {
            let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            let inside = |c: char| ends(c) || c == '-' || c == '.';
            part.starts_with(ends) && part.ends_with(ends) && part.chars().all(inside)
        };
        let is_good = is_part(namespace) && !namespace.contains('.') && is_part(name);
        is_good.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned() }).ok_or(NotALeaseName)
    }
}
