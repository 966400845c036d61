//! A pretend Microsoft that keeps all that went over its socket, secrets and tokens too, and spoils some answers.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};
use webex_azure_operator::{
    clock::Clock,
    emulator::{Emulator, Knobs, Scenario, Settings},
};

use crate::{
    contract::{self, Contract},
    tenant::OPERATOR,
};

/// A request and its answer, as far as tests want to know.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Its path.
    pub path: String,
    /// The token that was shown, if one was.
    pub bearer: Option<String>,
    /// What was sent to the token endpoint.
    pub form: BTreeMap<String, String>,
    /// Status of the answer.
    pub status: u16,
    /// The answer.
    pub body: String,
}

/// An answer in place of the one in the exchange: status, content type and body.
pub type Spoil = fn(&Exchange) -> Option<(u16, &'static str, String)>;

/// The pretend Microsoft.
pub struct Recorder {
    /// Where it is.
    pub url: String,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
    /// Fails the test at its end if the emulator answered otherwise than Microsoft describes.
    _contract: Contract,
}

struct State {
    clock: Clock,
    emulator: Emulator,
    spoil: Spoil,
    exchanges: Vec<Exchange>,
}

impl Recorder {
    /// Starts it, without a tenant.
    pub async fn start(spoil: Spoil) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut emulator = Emulator::new(Settings { seed: 1, public_url: url.clone(), knobs: Knobs::calm() });
        let contract = contract::watch(&mut emulator);
        let state = Arc::new(Mutex::new(State { clock: Clock::system(), emulator, spoil, exchanges: Vec::new() }));
        let shared = Arc::clone(&state);
        let router = Router::new().fallback(move |request: Request<Body>| {
            let state = Arc::clone(&shared);
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                lock(&state).answer(Request::from_parts(parts, body)).map(Body::from)
            }
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, _tasks: tasks, _contract: contract }
    }

    /// Loads a tenant of this id that is the incident's in everything else, changed by this.
    pub fn load(&self, tenant: &str, change: impl FnOnce(&mut Value)) {
        let mut scenario = json!(Scenario::incident());
        scenario["tenant"]["id"] = tenant.into();
        change(&mut scenario);
        let mut state = lock(&self.state);
        let now = state.clock.now();
        state.emulator.load(now, &serde_json::from_value(scenario).unwrap()).unwrap();
    }

    /// Revokes what was issued to the operator in this tenant until now.
    pub fn revoke_tokens(&self, tenant: &str) {
        let wish = json!({ "tenantId": tenant, "appId": OPERATOR }).to_string();
        let mut state = lock(&self.state);
        let now = state.clock.now();
        let answer = state.emulator.control(now, Request::post("/revoke").body(Bytes::from(wish)).unwrap());
        assert!(answer.status().is_success(), "{answer:?}");
    }

    /// All that went over the socket.
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.state).exchanges.clone()
    }

    /// Whether something went over the socket that is so.
    pub fn saw(&self, is_so: impl Fn(&Exchange) -> bool) -> bool {
        lock(&self.state).exchanges.iter().any(is_so)
    }
}

impl State {
    fn answer(&mut self, request: Request<Bytes>) -> Response<Bytes> {
        let path = request.uri().path().to_owned();
        let bearer = request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        let form = url::form_urlencoded::parse(request.body()).into_owned();
        let form = if path.ends_with("/token") { form.collect() } else { BTreeMap::new() };
        let response = self.emulator.handle(self.clock.now(), request);
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        let mut exchange = Exchange { path, bearer, form, status: response.status().as_u16(), body };
        let response = match (self.spoil)(&exchange) {
            None => response,
            Some((status, content_type, body)) => {
                (exchange.status, exchange.body) = (status, body.clone());
                let spoiled = Response::builder().status(status).header(header::CONTENT_TYPE, content_type);
                spoiled.body(Bytes::from(body)).unwrap()
            }
        };
        self.exchanges.push(exchange);
        response
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
