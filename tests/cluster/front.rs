//! A door to the API server for a program with a token of its own, that spoils the answers to some questions.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use kube::Client;
use tokio::{net::TcpListener, task::JoinSet};

/// The door. Whoever comes through it acts as the administrator.
pub struct Front {
    /// Where it is.
    pub url: String,
    bearers: Arc<Mutex<Vec<String>>>,
    _tasks: JoinSet<()>,
}

impl Front {
    /// Opens it. What is asked at a path with one of these ends is answered with what stands beside it.
    pub async fn open(client: Client, spoiled: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let bearers = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&bearers);
        let router = Router::new().fallback(move |request: Request<Body>| {
            if let Some(bearer) = request.headers().get(header::AUTHORIZATION) {
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(bearer.to_str().unwrap().to_owned());
            }
            let instead = spoiled.iter().find(|(end, _)| request.uri().path().ends_with(end));
            let (client, instead) = (client.clone(), instead.map(|(_, answer)| answer.clone()));
            async move {
                match instead {
                    Some(answer) => {
                        let head = Response::builder().header(header::CONTENT_TYPE, "application/json");
                        head.body(Body::from(answer)).unwrap()
                    }
                    None => forward(client, request).await,
                }
            }
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, bearers, _tasks: tasks }
    }

    /// Whether somebody came with this token.
    pub fn saw(&self, token: &str) -> bool {
        let bearers = self.bearers.lock().unwrap_or_else(PoisonError::into_inner);
        bearers.iter().any(|bearer| bearer.strip_prefix("Bearer ") == Some(token))
    }

    /// A kubeconfig that leads here.
    pub fn kubeconfig(&self, token: &str) -> String {
        let Self { url, .. } = self;
        format!(
            "{{apiVersion: v1, kind: Config, clusters: [{{name: front, cluster: {{server: '{url}'}}}}], \
             users: [{{name: operator, user: {{token: '{token}'}}}}], \
             contexts: [{{name: front, context: {{cluster: front, user: operator}}}}], current-context: front}}"
        )
    }
}

async fn forward(client: Client, request: Request<Body>) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    for name in [header::AUTHORIZATION, header::HOST, header::CONTENT_LENGTH] {
        parts.headers.remove(name);
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    match client.send(Request::from_parts(parts, kube::client::Body::from(body.to_vec()))).await {
        Ok(response) => response.map(Body::new),
        Err(_) => Response::builder().status(StatusCode::BAD_GATEWAY).body(Body::empty()).unwrap(),
    }
}
