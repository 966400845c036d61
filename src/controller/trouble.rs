//! What keeps the operator from its objects, in a sentence that names what to do: the same at the start, where the process
//! ends with it, and later, where it waits.

use std::{borrow::Cow, collections::BTreeSet, error::Error as StdError, time::Duration};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroup;
use kube::{
    Api, Client, Resource as _,
    api::{ListParams, WatchParams},
    core::{DeserializeGuard, Status},
    runtime::watcher,
};

use super::{store::Watched, watch::Area};
use crate::{
    api::{GROUP, WebexAzureIntegration},
    domain::text::visible,
    graph::transport::causes,
};

/// The server where nobody knows its address.
const SERVER: &str = "the Kubernetes API server";

/// Longest wait for one answer at the start.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How the definition is installed.
const INSTALL: &str = "`webex-azure-operator crd | kubectl apply -f -`, or with crds.install=true of the chart";

/// What keeps the operator from its objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The cluster does not know the kind.
    #[error("the kind WebexAzureIntegration is not installed in this cluster; install it with {INSTALL}")]
    NotInstalled,
    /// The cluster knows other versions of the kind only.
    #[error(
        "this cluster serves WebexAzureIntegration as {served} and not as {}, which this operator reads; install the operator that goes with that definition, or this operator's definition with {INSTALL}",
        version()
    )]
    VersionNotServed {
        /// Those that it knows.
        served: String,
    },
    /// The operator may not read the objects.
    #[error("{who} may not {verb} WebexAzureIntegration objects in {area}; {}", permission(area))]
    Forbidden {
        /// As whom the server knows the operator.
        who: String,
        /// What it may not.
        verb: String,
        /// Where.
        area: Area,
    },
    /// The operator is not known.
    #[error(
        "{server} does not accept the credentials of the operator (401 Unauthorized); in a pod, see that its ServiceAccount still exists and restart it; elsewhere, sign in to the cluster again and look at the user in the kubeconfig"
    )]
    Unauthorized {
        /// Who refused.
        server: String,
    },
    /// There are no credentials to show.
    #[error("could not sign in to {server} ({reason}); look at the user in the kubeconfig")]
    NoCredentials {
        /// To whom.
        server: String,
        /// Why.
        reason: String,
    },
    /// The other side may be somebody else.
    #[error(
        "the certificate of {server} is not trusted ({reason}); put the cluster's authority into certificate-authority-data of the kubeconfig, and use a name that the certificate is for"
    )]
    Untrusted {
        /// Whose certificate.
        server: String,
        /// Why.
        reason: String,
    },
    /// Nobody answers.
    #[error(
        "could not reach {server} ({reason}); see that it runs, that the kubeconfig names it rightly, and that no network policy or proxy is in the way"
    )]
    Unreachable {
        /// Whom.
        server: String,
        /// Why.
        reason: String,
    },
    /// It answers, but not with objects.
    #[error("{server} could not answer ({reason}); the operator goes on when it can")]
    Unwell {
        /// Who.
        server: String,
        /// What it said.
        reason: String,
    },
}

fn version() -> Cow<'static, str> {
    WebexAzureIntegration::version(&())
}

fn permission(area: &Area) -> String {
    match area {
        Area::All => "give it the roles of the chart with `namespaces` left empty, or name the namespaces that it may read with --namespace".to_owned(),
        Area::Namespace(namespace) => format!("add {namespace} to `namespaces` of the chart, which makes the roles"),
    }
}

impl Trouble {
    /// What an error of the Kubernetes client means; `server` is how the API server is called.
    pub fn of(error: &kube::Error, server: &str) -> Self {
        let server = server.to_owned();
        if let kube::Error::Api(status) = error {
            return match status.code {
                401 => Self::Unauthorized { server },
                _ => Self::Unwell { server, reason: told(status) },
            };
        }
        let reason = root(error);
        if matches!(error, kube::Error::Auth(_)) {
            return Self::NoCredentials { server, reason };
        }
        if causes(error).any(<dyn StdError>::is::<rustls::Error>) {
            return Self::Untrusted { server, reason };
        }
        let is_way = matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_));
        if is_way { Self::Unreachable { server, reason } } else { Self::Unwell { server, reason } }
    }

    /// What an error of a watch means.
    pub(super) async fn of_watch(client: &Client, area: &Area, error: &watcher::Error) -> Self {
        match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => Self::of_objects(client, area, error, SERVER).await,
            watcher::Error::WatchError(status) => {
                Self::of_objects(client, area, &kube::Error::Api(status.clone()), SERVER).await
            }
            watcher::Error::NoResourceVersion => Self::Unwell { server: SERVER.to_owned(), reason: error.to_string() },
        }
    }

    /// What an error about the objects of this area means.
    async fn of_objects(client: &Client, area: &Area, error: &kube::Error, server: &str) -> Self {
        let kube::Error::Api(status) = error else { return Self::of(error, server) };
        match status.code {
            403 => forbidden(area, status),
            404 => match served(client).await {
                Ok(Some(versions)) if versions.contains(version().as_ref()) => Self::of(error, server),
                Ok(Some(versions)) => {
                    Self::VersionNotServed { served: versions.into_iter().collect::<Vec<_>>().join(", ") }
                }
                Ok(None) => Self::NotInstalled,
                Err(error) => Self::of(&error, server),
            },
            _ => Self::of(error, server),
        }
    }
}

/// Sees that the objects of these areas can be listed and watched. A process that finds they cannot ends with the
/// sentence; whoever runs it, such as a kubelet, starts it again after a pause that grows.
pub async fn preflight(client: &Client, areas: &BTreeSet<Area>, server: &str) -> Result<(), Trouble> {
    for area in areas {
        let objects: Api<DeserializeGuard<Watched>> = area.api(client.clone());
        let first = ListParams::default().limit(1);
        let listed = objects.list(&first);
        let version = in_time(client, area, server, listed).await?.metadata.resource_version.unwrap_or_default();
        let brief = WatchParams::default().timeout(1);
        let opened = objects.watch(&brief, &version);
        drop(in_time(client, area, server, opened).await?);
    }
    Ok(())
}

async fn in_time<T>(
    client: &Client,
    area: &Area,
    server: &str,
    asked: impl Future<Output = kube::Result<T>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Trouble::of_objects(client, area, &error, server).await),
        Err(_) => Err(Trouble::silent(server)),
    }
}

impl Trouble {
    /// Nobody answered in time.
    pub fn silent(server: &str) -> Self {
        let reason = format!("no answer in {} seconds", ANSWER_WITHIN.as_secs());
        Self::Unreachable { server: server.to_owned(), reason }
    }
}

/// The versions in which the cluster serves our group, which every account may ask; none if it has no such group.
async fn served(client: &Client) -> kube::Result<Option<BTreeSet<String>>> {
    let request = http::Request::get(format!("/apis/{GROUP}")).body(Vec::new()).map_err(kube::Error::HttpError)?;
    match client.request::<APIGroup>(request).await {
        Ok(group) => Ok(Some(group.versions.into_iter().map(|version| version.version).collect())),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Who may not do what, from the server's own sentence: `User "…" cannot list resource "…" in API group "…" …`.
fn forbidden(area: &Area, status: &Status) -> Trouble {
    let between =
        |before: &str, after: &str| status.message.split_once(before)?.1.split_once(after).map(|(text, _)| text);
    let who = match between("User \"", "\"") {
        Some(user) => match user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':')) {
            Some((namespace, name)) => format!("the ServiceAccount {}", visible(&format!("{namespace}/{name}"))),
            None => format!("the user {}", visible(user)),
        },
        None => "the operator".to_owned(),
    };
    let verb = between("cannot ", " resource").unwrap_or("list and watch");
    Trouble::Forbidden { who, verb: visible(verb), area: area.clone() }
}

/// What the server said, in one line.
fn told(status: &Status) -> String {
    let message = visible(status.message.trim());
    if message.is_empty() { status.code.to_string() } else { format!("{}, {message}", status.code) }
}

/// The cause of all causes: what is above it only tells which layers it went through.
fn root(error: &kube::Error) -> String {
    visible(&causes(error).last().map(ToString::to_string).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str, area: &Area) -> String {
        forbidden(area, &Status::failure(message, "Forbidden").with_code(403)).to_string()
    }

    #[test]
    fn a_refusal_names_the_account_the_verb_the_place_and_the_value_of_the_chart() {
        let message = "webexazureintegrations.webexazure.dev is forbidden: User \"system:serviceaccount:webex:operator\" cannot watch resource \"webexazureintegrations\" in API group \"webexazure.dev\" in the namespace \"team-a\"";
        assert_eq!(
            refused(message, &Area::Namespace("team-a".to_owned())),
            "the ServiceAccount webex/operator may not watch WebexAzureIntegration objects in namespace team-a; add team-a to `namespaces` of the chart, which makes the roles"
        );
        let message = "webexazureintegrations.webexazure.dev is forbidden: User \"nobody\" cannot list resource \"webexazureintegrations\" in API group \"webexazure.dev\" at the cluster scope";
        assert_eq!(
            refused(message, &Area::All),
            "the user nobody may not list WebexAzureIntegration objects in all namespaces; give it the roles of the chart with `namespaces` left empty, or name the namespaces that it may read with --namespace"
        );
    }

    #[test]
    fn a_refusal_in_other_words_is_still_a_sentence() {
        let sentence = refused("computer says no\u{1b}[31m", &Area::All);
        assert!(
            sentence.starts_with("the operator may not list and watch WebexAzureIntegration objects"),
            "{sentence}"
        );
        assert!(!sentence.contains('\u{1b}'), "{sentence}");
    }
}
