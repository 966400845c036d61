//! The watches: one for all namespaces or one for each that is named, merged into one stream that never ends by itself.
//!
//! Knows how to go on after trouble and how long to wait before; what an event does is the store's affair.

use std::{collections::BTreeSet, fmt, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use kube::{
    Api, Client, Resource,
    core::{DeserializeGuard, NamespaceResourceScope},
    runtime::watcher::{self, Event},
};

use super::{
    store::{ObjectKey, Watched},
    trouble::Trouble,
};

/// Longest time until the answer to a list or a watch begins.
const HEAD_DEADLINE: Duration = Duration::from_secs(30);

/// What one watch covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// All namespaces.
    All,
    /// This namespace.
    Namespace(String),
}

impl Area {
    /// One area for each of these namespaces; for all of them if none is named.
    pub fn of<N: Into<String>>(namespaces: impl IntoIterator<Item = N>) -> BTreeSet<Self> {
        let named: BTreeSet<Self> = namespaces.into_iter().map(|name| Self::Namespace(name.into())).collect();
        if named.is_empty() { BTreeSet::from([Self::All]) } else { named }
    }

    /// Whether the object lies in it.
    pub fn holds(&self, key: &ObjectKey) -> bool {
        match self {
            Self::All => true,
            Self::Namespace(namespace) => key.namespace == *namespace,
        }
    }

    pub(super) fn api<K>(&self, client: Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client),
            Self::Namespace(namespace) => Api::namespaced(client, namespace),
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all namespaces"),
            Self::Namespace(namespace) => write!(f, "namespace {namespace}"),
        }
    }
}

/// What a watch brings.
pub type Brought = Result<Event<DeserializeGuard<Watched>>, Trouble>;

/// The watches of these areas. After trouble the watch of that area waits, the longer the more often it failed in a row,
/// and then goes on; the others are not affected.
pub fn watches(client: &Client, areas: &BTreeSet<Area>) -> impl Stream<Item = (Area, Brought)> + Send + use<> {
    let client = with_head_deadline(client.clone());
    stream::select_all(areas.iter().map(|area| Box::pin(watch(client.clone(), area.clone()))))
}

fn watch(client: Client, area: Area) -> impl Stream<Item = (Area, Brought)> + Send {
    let events = Box::pin(watcher::watcher(area.api(client.clone()), watcher::Config::default()));
    stream::unfold((events, Patience::default()), move |(mut events, mut patience)| {
        let (client, area) = (client.clone(), area.clone());
        async move {
            if let Some(pause) = patience.pause.take() {
                tokio::time::sleep(pause).await;
            }
            let brought = match events.next().await? {
                Ok(event) => {
                    patience.regain_by(&event);
                    Ok(event)
                }
                Err(error) => {
                    patience.lose();
                    Err(Trouble::of_watch(&client, &area, &error).await)
                }
            };
            Some(((area, brought), (events, patience)))
        }
    })
}

/// Pauses between attempts to watch: growing, without randomness, so that a simulation repeats.
#[derive(Debug, Default)]
struct Patience {
    failures: u32,
    pause: Option<Duration>,
}

impl Patience {
    /// The watcher announces each attempt to list before it makes it; that is no success yet.
    fn regain_by<K>(&mut self, event: &Event<K>) {
        if !matches!(event, Event::Init) {
            self.failures = 0;
        }
    }

    fn lose(&mut self) {
        self.pause = Some(Duration::from_millis(800_u64 << self.failures.min(5)));
        self.failures = self.failures.saturating_add(1);
    }
}

/// The same client, which gives up a request whose answer does not begin in time. The watcher itself bounds the silence
/// of an open watch only; a list or a watch that is never answered would leave the loop deaf for good.
fn with_head_deadline(client: Client) -> Client {
    let namespace = client.default_namespace().to_owned();
    let send = move |request| {
        let client = client.clone();
        async move { tokio::time::timeout(HEAD_DEADLINE, client.send(request)).await?.map_err(tower::BoxError::from) }
    };
    Client::new(tower::service_fn(send), namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_means_all_namespaces_and_a_name_counts_once() {
        assert_eq!(Area::of(Vec::<String>::new()), BTreeSet::from([Area::All]));
        let named = Area::of(["b", "a", "b"]);
        assert_eq!(named.iter().map(Area::to_string).collect::<Vec<_>>(), ["namespace a", "namespace b"]);
    }

    #[test]
    fn pauses_grow_until_something_arrives() {
        let mut patience = Patience::default();
        let mut pauses = Vec::new();
        for _ in 0..8 {
            patience.regain_by(&Event::<()>::Init);
            patience.lose();
            pauses.push(patience.pause.take().unwrap().as_millis());
        }
        assert_eq!(pauses, [800, 1600, 3200, 6400, 12_800, 25_600, 25_600, 25_600]);
        patience.regain_by(&Event::<()>::InitDone);
        patience.lose();
        assert_eq!(patience.pause.unwrap().as_millis(), 800);
    }

    /// An API server that answers each list with the next of these, and a watch with silence.
    fn server(lists: Vec<(u16, serde_json::Value)>) -> Client {
        let lists = std::sync::Arc::new(std::sync::Mutex::new(lists.into_iter()));
        let answer = move |request: http::Request<kube::client::Body>| {
            let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
            let next = if is_watch { None } else { lists.lock().unwrap().next() };
            async move {
                let Some((status, body)) = next else { return std::future::pending().await };
                let body = kube::client::Body::from(body.to_string().into_bytes());
                Ok::<_, tower::BoxError>(http::Response::builder().status(status).body(body).unwrap())
            }
        };
        Client::new(tower::service_fn(answer), "default")
    }

    #[tokio::test(start_paused = true)]
    async fn a_right_that_is_taken_away_and_given_back_ends_in_a_list() {
        let message = "x is forbidden: User \"nobody\" cannot list resource \"x\" in API group \"y\"";
        let refusal = serde_json::json!({ "kind": "Status", "status": "Failure", "code": 403, "message": message });
        let list = serde_json::json!({ "kind": "List", "metadata": { "resourceVersion": "7" }, "items": [] });
        let client = server(vec![(403, refusal.clone()), (403, refusal), (200, list)]);
        let clock = crate::clock::Clock::system();
        let began = clock.instant();
        let brought: Vec<_> = watches(&client, &Area::of(["a"])).take(6).map(|(_, brought)| brought).collect().await;
        let shown = brought.iter().map(|brought| match brought {
            Ok(event) => format!("{event:?}"),
            Err(trouble) => trouble.to_string().split_once(';').unwrap().0.to_owned(),
        });
        let refused = "the user nobody may not list WebexAzureIntegration objects in namespace a";
        assert_eq!(shown.collect::<Vec<_>>(), ["Init", refused, "Init", refused, "Init", "InitDone"]);
        assert_eq!(clock.instant().duration_since(began).as_millis(), 800 + 1600);
    }
}
