//! The operator's own identity: the pod's federated token, lent to objects of allowed namespaces for allowed tenants.

use std::path::PathBuf;

use super::Allowed;
use crate::{
    api::AppId,
    domain::{
        Desired, Obstacle,
        cloud::{self, Endpoints},
    },
    graph::TokenFile,
};

/// What the process was given: the variables of Microsoft's workload identity webhook, and to whom it may be lent.
///
/// <https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html>
#[derive(Debug, Clone, Default)]
pub struct OperatorIdentity {
    /// Its application (`AZURE_CLIENT_ID`).
    pub client: Option<AppId>,
    /// Where its token is (`AZURE_FEDERATED_TOKEN_FILE`).
    pub token_file: Option<PathBuf>,
    /// The login host of its cloud (`AZURE_AUTHORITY_HOST`), where told. It is compared and never called.
    pub authority_host: Option<String>,
    /// Where it may be used. Nobody may by default.
    pub allowed: Allowed,
}

impl OperatorIdentity {
    /// The file to sign in with for an object of this namespace, or why it may not.
    pub fn token_file_for(
        &self,
        namespace: &str,
        desired: &Desired,
        endpoints: &Endpoints,
    ) -> Result<TokenFile, Obstacle> {
        let Self { client, token_file, authority_host, allowed } = self;
        if !allowed.contains(&(namespace.to_owned(), desired.tenant)) {
            return Err(Obstacle::operator_identity_not_allowed(namespace, desired.tenant));
        }
        let Some(client) = client else {
            return Err(Obstacle::operator_identity_missing("AZURE_CLIENT_ID"));
        };
        let Some(token_file) = token_file else {
            return Err(Obstacle::operator_identity_missing("AZURE_FEDERATED_TOKEN_FILE"));
        };
        if *client != desired.client {
            return Err(Obstacle::operator_identity_is_another(desired.client));
        }
        let is_here =
            |url: &String| url.trim_end_matches('/') == endpoints.login || cloud::is_login_of(desired.cloud, url);
        if !authority_host.as_ref().is_none_or(is_here) {
            return Err(Obstacle::operator_identity_of_another_cloud());
        }
        Ok(TokenFile(token_file.clone()))
    }
}
