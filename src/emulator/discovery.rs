//! The documents that clients read before they sign in: which clouds there are, where their endpoints are, and which
//! keys sign their tokens.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Answer;
use super::graph::header;
use super::origin::{self, CLOUDS, NationalCloud, Neighbours};
use super::request_log::Noted;
use super::token::Denial;
use super::{Emulator, signing};

/// Which document is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Document<'a> {
    /// `/{tenant}/v2.0/.well-known/openid-configuration`, or without `v2.0`.
    /// <https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document>
    OpenId { tenant: &'a str, version: Version },
    /// `/{tenant}/discovery/v2.0/keys`, or without `v2.0`.
    Keys { tenant: &'a str },
    /// `/common/discovery/instance`: whether a host signs people in, and by which other names it is known.
    Instance,
    /// `/metadata/endpoints` of Azure Resource Manager: all hosts of a cloud.
    Endpoints,
}

/// The two generations of endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// Names that stand for tenants of a kind.
pub(super) const KINDS: [&str; 3] = ["common", "organizations", "consumers"];

impl Emulator {
    /// Answers one of the documents.
    pub(super) fn discover(&mut self, now: Timestamp, document: Document<'_>, parts: &Parts) -> Response<Bytes> {
        let trace_id = self.identifiers.guid();
        let correlation_id = header(&parts.headers, "client-request-id").unwrap_or(&trace_id).to_owned();
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let outcome =
            if super::is_read(&parts.method) { self.document(document, &query) } else { Err(Refused::Method) };
        let answer = match outcome {
            Ok(body) => Answer::json(StatusCode::OK, body).with("access-control-allow-origin", "*"),
            Err(Refused::Sign(denial)) => denial.answer(now, &self.public_url, &trace_id, &correlation_id),
            Err(Refused::Version(message)) => {
                let error = json!({"error": {"code": "InvalidApiVersionParameter", "message": message}});
                Answer::json(StatusCode::BAD_REQUEST, error)
            }
            Err(Refused::Method) => {
                let message = "The requested resource does not support this http method.";
                Answer::json(StatusCode::METHOD_NOT_ALLOWED, json!({"Message": message})).with("allow", "GET")
            }
        };
        let answer = answer.with("x-ms-request-id", trace_id.clone());
        let noted = Noted { status: answer.status, request_id: &trace_id, ..Default::default() };
        self.log.note(now, parts, noted);
        answer.render(now, &trace_id)
    }

    fn document(&self, document: Document<'_>, query: &BTreeMap<String, String>) -> Result<Value, Refused> {
        match document {
            Document::OpenId { tenant, version } => {
                let issuer = self.realm(tenant)?;
                Ok(openid(&self.public_url, tenant, &issuer, version, query.get("appid")))
            }
            Document::Keys { tenant } => {
                self.realm(tenant)?;
                Ok(json!({"keys": [signing::public_key(&self.public_url)]}))
            }
            Document::Instance => Ok(instance(&self.public_url, query)?),
            Document::Endpoints => endpoints(&self.public_url, query.get("api-version").map(String::as_str)),
        }
    }

    /// What stands for the tenant in issuers: its id, or the place of one when a kind of tenants is meant.
    fn realm(&self, tenant: &str) -> Result<String, Denial> {
        if KINDS.contains(&tenant) {
            return Ok("{tenantid}".to_owned());
        }
        self.tenant_id_named(tenant).ok_or_else(|| Denial::tenant(tenant))
    }
}

/// Why there is no document.
enum Refused {
    Sign(Denial),
    Version(String),
    Method,
}

impl From<Denial> for Refused {
    fn from(denial: Denial) -> Self {
        Self::Sign(denial)
    }
}

/// Members as in the documented example, and those that real answers have besides. Links keep the tenant as it was
/// named; the issuer has its id.
fn openid(base: &str, tenant: &str, realm: &str, version: Version, app_id: Option<&String>) -> Value {
    let Neighbours { login, graph, cloud, .. } = Neighbours::of(base);
    let of_app = app_id.map(|app_id| format!("?appid={app_id}")).unwrap_or_default();
    let (oauth, keys, issuer) = match version {
        Version::One => ("oauth2", "discovery/keys", issuer(base, realm)),
        Version::Two => ("oauth2/v2.0", "discovery/v2.0/keys", format!("{login}/{realm}/v2.0")),
    };
    let mut document = json!({
        "token_endpoint": format!("{login}/{tenant}/{oauth}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{login}/{tenant}/{keys}{of_app}"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": format!("{graph}/oidc/userinfo"),
        "authorization_endpoint": format!("{login}/{tenant}/{oauth}/authorize"),
        "device_authorization_endpoint": format!("{login}/{tenant}/{oauth}/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{login}/{tenant}/{oauth}/logout"),
        "claims_supported": ["sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name",
            "msgraph_host", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid",
            "ver", "at_hash", "c_hash", "email"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": cloud.instance,
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": graph.split_once("://").map_or(graph.as_str(), |(_, host)| host),
    });
    if version == Version::One
        && let Some(members) = document.as_object_mut()
    {
        members.insert("microsoft_multi_refresh_token".to_owned(), true.into());
        members.insert("check_session_iframe".to_owned(), format!("{login}/{tenant}/oauth2/checksession").into());
    }
    document
}

/// Who signs the tokens of a tenant, as version 1 access tokens say it, which are those of Microsoft Graph.
/// <https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>
pub(super) fn issuer(base: &str, realm: &str) -> String {
    let issuer = NationalCloud::of(origin::host(base)).map_or(base, |cloud| cloud.issuer);
    format!("{issuer}/{realm}/")
}

/// The document by which the Microsoft authentication libraries learn whether a host may be trusted with secrets.
/// <https://learn.microsoft.com/entra/msal/dotnet/advanced/instance-discovery> tells of it; the members are those that
/// these libraries read.
fn instance(base: &str, query: &BTreeMap<String, String>) -> Result<Value, Denial> {
    let endpoint = query.get("authorization_endpoint").filter(|endpoint| !endpoint.is_empty()).ok_or_else(|| {
        let text = "The request body must contain the following parameter: 'authorization_endpoint'.";
        Denial::request(900_144, text)
    })?;
    let invalid = || Denial::new(StatusCode::BAD_REQUEST, "invalid_instance", 50_049, "Unknown or invalid instance.");
    let url = url::Url::parse(endpoint).map_err(|_| invalid())?;
    let host = url.host_str().unwrap_or_default();
    let asked = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let own = base.split_once("://").map_or(base, |(_, authority)| authority);
    let is_login = |host: &str| CLOUDS.iter().any(|cloud| cloud.login.contains(&host));
    if asked != own && !is_login(host) {
        return Err(invalid());
    }
    let tenant = url.path_segments().and_then(|mut segments| segments.next()).unwrap_or("common");
    let known = CLOUDS.iter().map(|cloud| {
        let first = cloud.login.first().copied().unwrap_or_default();
        json!({"preferred_network": first, "preferred_cache": cloud.cache, "aliases": cloud.login})
    });
    let own_entry = (!is_login(origin::host(base)))
        .then(|| json!({"preferred_network": own, "preferred_cache": own, "aliases": [own]}));
    Ok(json!({
        "tenant_discovery_endpoint": format!("{}://{asked}/{tenant}/v2.0/.well-known/openid-configuration", url.scheme()),
        "api-version": query.get("api-version").map_or("1.1", String::as_str),
        "metadata": known.chain(own_entry).collect::<Vec<_>>(),
    }))
}

/// The metadata of the cloud, as Azure Resource Manager publishes it without sign-in.
/// <https://learn.microsoft.com/azure/azure-stack/user/azure-stack-version-profiles-go> shows a reader of it. The
/// version of 2022 is one cloud, those of 2018 to 2020 are a list, the one of 2015 has other names.
fn endpoints(base: &str, version: Option<&str>) -> Result<Value, Refused> {
    const KNOWN: &str = "'2015-01-01,2018-05-01,2019-05-01,2020-06-01,2022-09-01'";
    let Some(version) = version else {
        return Err(Refused::Version(
            "The api-version query parameter (?api-version=) is required for all requests.".to_owned(),
        ));
    };
    let Neighbours { login, graph, management, portal, cloud } = Neighbours::of(base);
    let audiences = [format!("{management}/")];
    let authentication = json!({
        "loginEndpoint": login,
        "audiences": audiences,
        "tenant": "common",
        "identityProvider": "AAD",
    });
    let core = cloud.core;
    let domain = core.strip_prefix("core.").unwrap_or(core);
    let whole = json!({
        "portal": portal,
        "authentication": authentication,
        "media": format!("https://rest.media.{domain}"),
        "graphAudience": "https://graph.windows.net/",
        "graph": "https://graph.windows.net/",
        "name": cloud.name,
        "suffixes": {
            "acrLoginServer": cloud.registry,
            "keyVaultDns": cloud.vault,
            "sqlServerHostname": format!("database.{domain}"),
            "mysqlServerEndpoint": format!("mysql.database.{domain}"),
            "postgresqlServerEndpoint": format!("postgres.database.{domain}"),
            "storage": core,
        },
        "batch": format!("https://batch.{core}/"),
        "resourceManager": format!("{management}/"),
        "vmImageAliasDoc": "",
        "sqlManagement": format!("https://management.{core}:8443/"),
        "gallery": format!("https://gallery.{domain}/"),
        "microsoftGraphResourceId": format!("{graph}/"),
    });
    match version {
        "2022-09-01" => Ok(whole),
        "2018-05-01" | "2019-05-01" | "2020-06-01" => Ok(json!([whole])),
        "2015-01-01" => Ok(json!({
            "galleryEndpoint": "",
            "graphEndpoint": "https://graph.windows.net/",
            "portalEndpoint": portal,
            "authentication": {"loginEndpoint": format!("{login}/"), "audiences": audiences},
        })),
        _ => Err(Refused::Version(format!(
            "The api-version '{version}' is invalid. The supported versions are {KNOWN}."
        ))),
    }
}
