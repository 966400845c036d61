//! Identifiers of Microsoft Entra as types that cannot be mixed up.
//!
//! All are UUIDs and are compared as 16 bytes, so that case and look-alike characters do not matter.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The text is not a UUID in its hyphenated form of 36 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID of the form xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")]
pub struct NotAUuid;

fn parse(text: &str) -> Result<Uuid, NotAUuid> {
    // `Uuid` would also take braces, urn: and unhyphenated forms; Microsoft Graph takes only this one.
    if text.len() != uuid::fmt::Hyphenated::LENGTH {
        return Err(NotAUuid);
    }
    Uuid::try_parse(text).map_err(|_| NotAUuid)
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to be of this kind.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Wraps the UUID with this value; for constants.
            pub const fn from_u128(value: u128) -> Self {
                Self(Uuid::from_u128(value))
            }
        }

        impl FromStr for $name {
            type Err = NotAUuid;

            fn from_str(text: &str) -> Result<Self, NotAUuid> {
                parse(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0.hyphenated())
            }
        }
    };
}

identifier! {
    /// A Microsoft Entra tenant (directory).
    TenantId
}
identifier! {
    /// The application (client) ID: the same in all tenants for a multi-tenant application.
    AppId
}
identifier! {
    /// The object ID of a directory object: it exists in one tenant only.
    ObjectId
}
identifier! {
    /// The ID of an app role, which is what an application permission is compared by.
    AppRoleId
}
identifier! {
    /// The ID of a delegated permission (OAuth 2.0 scope) that a resource offers.
    ScopeId
}
identifier! {
    /// A Webex organization.
    OrganizationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_and_output_is_lower_case() {
        let upper: AppId = "90DB942A-C1EB-4E8D-82E4-EEBF64A7E2AE".parse().unwrap();
        let lower: AppId = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae".parse().unwrap();
        assert_eq!(upper, lower);
        assert_eq!(upper.to_string(), "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae");
    }

    #[test]
    fn only_the_hyphenated_form_is_taken() {
        for text in [
            "",
            "common",
            "organizations",
            "../90db942a-c1eb-4e8d-82e4-eebf64a7e2ae",
            "90db942ac1eb4e8d82e4eebf64a7e2ae",
            "{90db942a-c1eb-4e8d-82e4-eebf64a7e2ae}",
            "urn:uuid:90db942a-c1eb-4e8d-82e4-eebf64a7e2ae",
            "90db942a-c1eb-4e8d-82e4-eebf64a7e2ag",
            "90db942a-c1eb-4e8d-82e4-eebf64a7e2a\u{0435}",
        ] {
            assert_eq!(text.parse::<TenantId>(), Err(NotAUuid), "{text}");
        }
    }
}
