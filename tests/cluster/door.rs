//! Doors to the API server, one for each process of a test, that write down who changed what in which order, and can be
//! shut or hold back what passes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, body::Body};
use futures::StreamExt as _;
use http::{Method, Request, Response, StatusCode, header};
use kube::Client;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};

use crate::scene::eventually;

/// A request that changes something.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whose door it came through.
    pub who: &'static str,
    /// Its path.
    pub path: String,
    /// What it carried.
    pub body: Value,
    /// Status of the answer, if there was one yet.
    pub status: Option<u16>,
}

impl Entry {
    /// Whether it is about a Lease.
    pub fn is_of_lease(&self) -> bool {
        self.path.contains("/leases")
    }
}

/// What came through the doors of one test, in the order of arrival.
#[derive(Debug, Clone, Default)]
pub struct Book(Arc<Mutex<Vec<Entry>>>);

impl Book {
    /// All entries so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn note(&self, entry: Entry) -> usize {
        let mut entries = self.lock();
        entries.push(entry);
        entries.len() - 1
    }

    fn answered(&self, number: usize, status: u16) {
        self.lock()[number].status = Some(status);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a door does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Everything passes.
    Open,
    /// Nothing passes, nothing is answered, and what streamed is cut off.
    Shut,
    /// The answers to reads of one object are held back.
    HoldsReads,
    /// Writes of statuses are held back before they reach the API server.
    HoldsWrites,
}

/// A door. Whoever comes through it acts as the administrator.
pub struct Door {
    url: String,
    mood: watch::Sender<Mood>,
    held: Arc<Mutex<usize>>,
    _tasks: JoinSet<()>,
}

#[derive(Clone)]
struct Keeper {
    who: &'static str,
    client: Client,
    book: Book,
    mood: watch::Receiver<Mood>,
    held: Arc<Mutex<usize>>,
}

impl Door {
    /// Opens it for this process.
    pub async fn open(who: &'static str, client: Client, book: Book) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (mood, receiver) = watch::channel(Mood::Open);
        let held = Arc::default();
        let keeper = Keeper { who, client, book, mood: receiver, held: Arc::clone(&held) };
        let router = Router::new().fallback(move |request: Request<Body>| keeper.clone().serve(request));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, mood, held, _tasks: tasks }
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self) -> String {
        let Self { url, .. } = self;
        format!(
            "{{apiVersion: v1, kind: Config, clusters: [{{name: door, cluster: {{server: '{url}'}}}}], \
             users: [{{name: operator, user: {{}}}}], \
             contexts: [{{name: door, context: {{cluster: door, user: operator}}}}], current-context: door}}"
        )
    }

    /// Changes what it does; what was held back is let go.
    pub fn turn(&self, mood: Mood) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        self.mood.send_replace(mood);
    }

    /// Waits until it holds back this many.
    pub async fn until_holding(&self, count: usize) {
        let held = || *self.held.lock().unwrap_or_else(PoisonError::into_inner);
        eventually(&format!("{count} are held back"), async || held() >= count).await;
    }
}

impl Keeper {
    async fn serve(mut self, request: Request<Body>) -> Response<Body> {
        if *self.mood.borrow() == Mood::Shut {
            self.pause(Mood::Shut).await;
            return failure();
        }
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let path = parts.uri.path().to_owned();
        let is_read = parts.method == Method::GET;
        let number = (!is_read).then(|| {
            let body = serde_json::from_slice(&body).unwrap_or_default();
            self.book.note(Entry { who: self.who, path: path.clone(), body, status: None })
        });
        if path.ends_with("/status") {
            self.pause(Mood::HoldsWrites).await;
        }
        let answer = self.forward(Request::from_parts(parts, body.into())).await;
        if let Some(number) = number {
            self.book.answered(number, answer.status().as_u16());
        }
        if is_read && path.contains("/webexazureintegrations/") {
            self.pause(Mood::HoldsReads).await;
        }
        answer
    }

    /// Waits while the door is in this mood.
    async fn pause(&mut self, during: Mood) {
        if *self.mood.borrow() == during {
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            self.mood.wait_for(|mood| *mood != during).await.unwrap();
        }
    }

    async fn forward(&self, request: Request<kube::client::Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        for name in [header::AUTHORIZATION, header::HOST, header::CONTENT_LENGTH] {
            parts.headers.remove(name);
        }
        let Ok(answer) = self.client.send(Request::from_parts(parts, body)).await else { return failure() };
        let mut mood = self.mood.clone();
        let shut = async move {
            // A door that is gone lets nothing pass either.
            let _ = mood.wait_for(|mood| *mood == Mood::Shut).await;
        };
        answer.map(|body| Body::from_stream(Body::new(body).into_data_stream().take_until(Box::pin(shut))))
    }
}

fn failure() -> Response<Body> {
    Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap()
}
