//! ServiceAccounts: a token of Kubernetes is asked for each time that Microsoft Entra is shown one, for Entra alone.
//!
//! The account has to name the application that it may sign in as, so that the author of an object cannot borrow a
//! stronger account of the namespace.

use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, Client, api::PostParams};
use secrecy::SecretString;
use tracing::warn;

use super::{Found, Identity};
use crate::{
    api::{AppId, CLIENT_ID_ANNOTATION},
    controller::{pass::PassError, publish::within_deadline},
    domain::Obstacle,
    graph::{AssertionSource, Proof},
    ops,
};

/// The shortest lifetime that Kubernetes grants, in seconds; each token is shown once, at once.
const TOKEN_SECONDS: i64 = 600;

/// The ServiceAccount as a source of assertions, if it is bound to this application.
pub(super) async fn read(
    client: &Client,
    namespace: &str,
    name: &str,
    application: AppId,
    audience: &str,
) -> Result<Found, PassError> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let account = match within_deadline(api.get(name)).await {
        Ok(account) => account,
        Err(error) if error.has_code(404) => {
            return Ok(Err(Obstacle::service_account_missing(namespace, name, application)));
        }
        Err(error) if error.has_code(403) => {
            return Ok(Err(Obstacle::service_account_forbidden(namespace, name, "read")));
        }
        Err(error) => return Err(error.about("read the ServiceAccount", &format!("{namespace}/{name}"))),
    };
    let annotations = account.metadata.annotations.as_ref();
    let bound = annotations.and_then(|annotations| annotations.get(CLIENT_ID_ANNOTATION)?.parse::<AppId>().ok());
    if bound != Some(application) {
        return Ok(Err(Obstacle::service_account_not_bound(namespace, name, application)));
    }
    let source = Account { api, namespace: namespace.to_owned(), name: name.to_owned(), audience: audience.to_owned() };
    let identity = Identity { uid: account.metadata.uid.unwrap_or_default(), ..Identity::default() };
    Ok(Ok((Proof::Federated(Arc::new(source)), identity)))
}

/// Asks Kubernetes for tokens of one account.
struct Account {
    api: Api<ServiceAccount>,
    namespace: String,
    name: String,
    audience: String,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { api: _, namespace, name, audience } = self;
        f.debug_struct("Account")
            .field("namespace", namespace)
            .field("name", name)
            .field("audience", audience)
            .finish_non_exhaustive()
    }
}

impl AssertionSource for Account {
    fn assertion(&self) -> BoxFuture<'_, Result<SecretString, Obstacle>> {
        Box::pin(async {
            let Self { api, namespace, name, audience } = self;
            let request = TokenRequest {
                spec: TokenRequestSpec {
                    // Exactly one: a token for several would be good elsewhere too.
                    audiences: vec![audience.clone()],
                    expiration_seconds: Some(TOKEN_SECONDS),
                    bound_object_ref: None,
                },
                ..TokenRequest::default()
            };
            let asked = within_deadline(api.create_token_request(name, &PostParams::default(), &request)).await;
            let token = match asked {
                Ok(answer) => answer.status.map(|status| status.token),
                Err(error) if error.has_code(403) => {
                    let what = "request tokens for";
                    return Err(Obstacle::service_account_forbidden(namespace, name, what));
                }
                Err(error) => {
                    let error = error.about("request a token for the ServiceAccount", &format!("{namespace}/{name}"));
                    warn!(error = %ops::chain(&error), "Kubernetes did not issue a token");
                    None
                }
            };
            token.map(SecretString::from).ok_or_else(|| Obstacle::service_account_token_failed(namespace, name))
        })
    }
}
