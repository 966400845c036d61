//! What an access token says of itself. A token is opaque to its user by contract, so that all of this is a hint; two of
//! the hints are strong enough to throw a token away: it is for someone else, or of another cloud.
//!
//! <https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference>

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::assertion::payload;
use crate::{
    api::{AppId, Cloud, TenantId},
    domain::cloud,
};

/// The claims that are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Claims {
    tenant: Option<TenantId>,
    application: Option<AppId>,
    issuer: String,
    audience: String,
    /// Application permissions.
    pub roles: BTreeSet<String>,
}

impl Claims {
    /// The claims of this token; what cannot be read is not there.
    pub fn of(token: &str) -> Self {
        let claims = payload(token).unwrap_or_default();
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let roles = claims.get("roles").and_then(Value::as_array).into_iter().flatten();
        Self {
            tenant: text("tid").and_then(|id| id.parse().ok()),
            // In tokens of version 1, and of version 2.
            application: text("appid").or_else(|| text("azp")).and_then(|id| id.parse().ok()),
            issuer: text("iss").unwrap_or_default().to_owned(),
            audience: text("aud").unwrap_or_default().to_owned(),
            roles: roles.filter_map(Value::as_str).map(str::to_owned).collect(),
        }
    }

    /// Whether the token is for the declared tenant and application.
    pub fn belong(&self, client: AppId, tenant: TenantId) -> bool {
        self.tenant == Some(tenant) && self.application == Some(client)
    }

    /// The cloud that the token is of, if that is surely another one.
    pub fn foreign_cloud(&self, declared: Cloud) -> Option<Cloud> {
        cloud::foreign(declared, &self.issuer, &self.audience)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.x", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_of_another_tenant_or_application_does_not_belong() {
        let (client, tenant) = (AppId::from_u128(1), TenantId::from_u128(2));
        let (id1, id2) = (client.to_string(), tenant.to_string());
        let belongs = |claims: &str| Claims::of(&token(claims)).belong(client, tenant);
        assert!(belongs(&format!(r#"{{"tid":"{id2}","appid":"{id1}"}}"#)));
        assert!(belongs(&format!(r#"{{"tid":"{id2}","azp":"{id1}"}}"#)));
        for other in [
            format!(r#"{{"tid":"{id1}","appid":"{id1}"}}"#),
            format!(r#"{{"tid":"{id2}","appid":"{id2}"}}"#),
            format!(r#"{{"tid":"{id2}","appid":1}}"#),
            format!(r#"{{"appid":"{id1}"}}"#),
            "{}".to_owned(),
            "[]".to_owned(),
            "nonsense".to_owned(),
        ] {
            assert!(!belongs(&other), "{other}");
        }
        assert!(!Claims::of("opaque").belong(client, tenant));
    }

    #[test]
    fn odd_roles_are_left_out_and_harm_nothing_else() {
        let id = "00000000-0000-4000-8000-000000000001";
        for (roles, expected) in
            [(r#"["B","A","A",7,null]"#, vec!["A", "B"]), ("null", vec![]), (r#""A""#, vec![]), ("[]", vec![])]
        {
            let claims = Claims::of(&token(&format!(r#"{{"tid":"{id}","appid":"{id}","roles":{roles}}}"#)));
            assert!(claims.belong(id.parse().unwrap(), id.parse().unwrap()), "{roles}");
            assert_eq!(claims.roles.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{roles}");
        }
    }

    proptest! {
        #[test]
        fn no_token_panics_and_none_belongs_by_chance(token in "[A-Za-z0-9_.=-]{0,200}") {
            prop_assert!(!Claims::of(&token).belong(AppId::from_u128(1), TenantId::from_u128(2)));
        }

        #[test]
        fn any_json_for_claims_is_read_without_a_panic(
            tid in ".{0,40}", appid in ".{0,40}", roles in proptest::collection::vec(".{0,20}", 0..5)
        ) {
            let json = serde_json::json!({"tid": tid, "appid": appid, "roles": roles});
            let claims = Claims::of(&token(&json.to_string()));
            prop_assert_eq!(claims.roles, roles.into_iter().collect());
        }
    }
}
