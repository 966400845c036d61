//! What of Azure Resource Manager a sign-in needs: command-line tools look for subscriptions before they do anything
//! else. There are none here, so that they stay at the level of the tenant.

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::graph::header;
use super::origin::Neighbours;
use super::request_log::Noted;
use super::{Emulator, is_read, signing};

/// Which list is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum List {
    /// <https://learn.microsoft.com/rest/api/resources/subscriptions/list>
    Subscriptions,
    /// <https://learn.microsoft.com/rest/api/resources/tenants/list>
    Tenants,
}

/// A token's tenant and client, once it is believed.
struct Admitted {
    tenant_id: String,
    app_id: String,
}

/// Status, code and message.
type Refused = (StatusCode, &'static str, String);

impl Emulator {
    /// Answers with one of the lists.
    pub(super) fn resource_manager(&mut self, now: Timestamp, list: List, parts: &Parts) -> Response<Bytes> {
        let request_id = self.identifiers.guid();
        let admitted = self.admitted(now, parts);
        let (tenant, client) = match &admitted {
            Ok(Admitted { tenant_id, app_id }) => (Some(tenant_id.clone()), Some(app_id.clone())),
            Err(_) => (None, None),
        };
        let outcome = admitted.and_then(|admitted| self.listed(list, parts, &admitted));
        let answer = match outcome {
            Ok(body) => Answer::json(StatusCode::OK, body),
            Err((status, code, message)) => Answer::json(status, json!({"error": {"code": code, "message": message}})),
        };
        let answer = if answer.status == StatusCode::UNAUTHORIZED {
            let login = Neighbours::of(&self.public_url).login;
            answer.with("www-authenticate", format!("Bearer authorization_uri=\"{login}/\", error=\"invalid_token\""))
        } else {
            answer
        };
        let answer = answer.with("x-ms-request-id", request_id.clone());
        let noted = Noted {
            status: answer.status,
            request_id: &request_id,
            tenant: tenant.as_deref(),
            client: client.as_deref(),
            ..Default::default()
        };
        self.log.note(now, parts, noted);
        answer.render(now, &request_id)
    }

    fn listed(&self, list: List, parts: &Parts, admitted: &Admitted) -> Result<Value, Refused> {
        if !is_read(&parts.method) {
            let message = "The requested resource does not support this http method.";
            return Err((StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message.to_owned()));
        }
        let query = parts.uri.query().unwrap_or_default();
        if !url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name.eq_ignore_ascii_case("api-version")) {
            let message = "The api-version query parameter (?api-version=) is required for all requests.";
            return Err((StatusCode::BAD_REQUEST, "MissingApiVersionParameter", message.to_owned()));
        }
        let tenant = self.tenants.get(&admitted.tenant_id);
        Ok(match (list, tenant) {
            (List::Subscriptions, _) | (List::Tenants, None) => {
                json!({"value": [], "count": {"type": "Total", "value": 0}})
            }
            (List::Tenants, Some(tenant)) => json!({"value": [{
                "id": format!("/tenants/{}", tenant.id),
                "tenantId": tenant.id,
                "tenantCategory": "Home",
                "displayName": tenant.display_name,
                "defaultDomain": tenant.domains.first(),
                "domains": tenant.domains,
                "tenantType": "AAD",
            }]}),
        })
    }

    fn admitted(&self, now: Timestamp, parts: &Parts) -> Result<Admitted, Refused> {
        let refused = |code, message: &str| (StatusCode::UNAUTHORIZED, code, message.to_owned());
        let authorization = header(&parts.headers, "authorization").unwrap_or_default();
        let token = authorization.strip_prefix("Bearer ").filter(|token| !token.is_empty()).ok_or_else(|| {
            let message = "Authentication failed. The 'Authorization' header is missing.";
            refused("AuthenticationFailed", message)
        })?;
        let is_own = |audience: &str| signing::is_management(audience, &self.public_url);
        let claims = signing::verify_for(token, now, is_own)
            .map_err(|message| refused("InvalidAuthenticationToken", &message))?;
        Ok(Admitted { tenant_id: claims.tid, app_id: claims.appid })
    }
}
