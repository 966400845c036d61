//! The seam under everything that speaks to Microsoft: the emulator, with latency, faults and a watch on what is sent.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use webex_azure_operator::graph::transport::{Body, Transport, TransportError};

use super::{
    fault::{Fault, Seam},
    journal::fingerprint,
    monitor::LOOK,
    world::{BASE, Shared, World},
};

/// The longest ordinary way of a request, in milliseconds.
const WAY: u64 = 300;

/// Carries requests to the emulator.
pub struct GraphSeam(pub Shared);

impl fmt::Debug for GraphSeam {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("GraphSeam")
    }
}

enum Outcome {
    Answer(Response<Bytes>),
    Broken,
    Silence,
}

impl Transport for GraphSeam {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'static, Result<Response<Body>, TransportError>> {
        let shared = self.0.clone();
        Box::pin(async move {
            let (there, back) = shared.lock().travel(WAY);
            tokio::time::sleep(there).await;
            let outcome = shared.lock().serve_graph(request);
            match outcome {
                Outcome::Answer(response) => {
                    tokio::time::sleep(back).await;
                    Ok(response.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync()))
                }
                Outcome::Broken => {
                    tokio::time::sleep(back).await;
                    Err(TransportError::Connection {
                        host: "microsoft.invalid".to_owned(),
                        source: "the simulation broke it".into(),
                    })
                }
                Outcome::Silence => std::future::pending().await,
            }
        })
    }
}

/// What is known of a request before it is served.
struct Sent {
    line: String,
    tenant: Option<usize>,
    is_token: bool,
}

impl World {
    fn serve_graph(&mut self, request: Request<Bytes>) -> Outcome {
        self.catch_up();
        let sent = self.watch(&request);
        let now = self.now();
        let fault = self.faults.strike(Seam::Graph, sent.tenant, now);
        if let Some(fault) = fault {
            let wait = match fault {
                Fault::TooMany(Some(value)) => value.parse::<f64>().map_or(1, |seconds| {
                    let wait = Duration::from_secs_f64(seconds.clamp(1.0, 900.0).ceil());
                    i64::try_from(wait.as_secs()).unwrap()
                }),
                // The deadline of a whole call.
                Fault::Silence => 30,
                Fault::LoseRequest
                | Fault::LoseAnswer
                | Fault::TooMany(None)
                | Fault::Unavailable
                | Fault::Page
                | Fault::CrashBefore
                | Fault::CrashAfter => 0,
            };
            self.hit(|object| Some(object.tenant) == sent.tenant, wait);
        }
        let (outcome, what) = match fault {
            None | Some(Fault::LoseAnswer | Fault::Silence | Fault::CrashAfter) => {
                let response = self.emulator.handle(now, request);
                self.hold_to_contract();
                self.learn(&sent, &response);
                let what = format!("{} {}", response.status().as_u16(), fingerprint(response.body()));
                match fault {
                    None => (Outcome::Answer(response), what),
                    Some(Fault::CrashAfter) => (self.crash_now(), format!("{what}, then the process ends")),
                    Some(Fault::Silence) => (Outcome::Silence, format!("{what}, which never arrives")),
                    Some(_) => (Outcome::Broken, format!("{what}, which is lost")),
                }
            }
            Some(Fault::LoseRequest) => (Outcome::Broken, "lost".to_owned()),
            Some(Fault::CrashBefore) => (self.crash_now(), "the process ends".to_owned()),
            Some(Fault::TooMany(wait)) => {
                (Outcome::Answer(refusal(StatusCode::TOO_MANY_REQUESTS, wait)), format!("429 {wait:?}"))
            }
            Some(Fault::Page) => (Outcome::Answer(page()), "200, somebody else's page".to_owned()),
            Some(Fault::Unavailable) => {
                (Outcome::Answer(refusal(StatusCode::SERVICE_UNAVAILABLE, None)), "503".to_owned())
            }
        };
        self.note("graph", &format!("{} -> {what}", sent.line));
        outcome
    }

    fn crash_now(&mut self) -> Outcome {
        self.hit(|_| true, 0);
        self.crash.notify_one();
        Outcome::Silence
    }

    /// Checks what is sent: reads only (S3), and each token and secret only to its own tenant (S8).
    fn watch(&mut self, request: &Request<Bytes>) -> Sent {
        let url = request.uri().to_string();
        let line = format!("{} {url} {}", request.method(), fingerprint(request.body()));
        let path = url.strip_prefix(BASE).unwrap_or_default().to_owned();
        self.require("S8", !path.is_empty() && path.starts_with('/'), || format!("{line} goes to another host"));
        if let Some(id) = path.trim_start_matches('/').strip_suffix("/oauth2/v2.0/token") {
            let tenant = self.tenant(id);
            self.watch_token_request(request, tenant, &line);
            return Sent { line, tenant, is_token: true };
        }
        let token =
            request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let tenant = token.and_then(|token| self.tokens.get(token).copied());
        self.require("S8", tenant.is_some(), || format!("{line} carries a token that nobody issued"));
        let is_batch = path == "/v1.0/$batch" && request.method() == http::Method::POST;
        let is_read = request.method() == http::Method::GET && path.starts_with("/v1.0/");
        self.require("S3", is_batch || is_read, || format!("{line} is no read"));
        if is_batch {
            self.watch_batch(request, tenant, &line);
        } else {
            let given = self.links.get(&url).copied();
            self.require("S8", given.is_some() && given == tenant, || {
                format!("{line} follows a link that this tenant did not give")
            });
        }
        Sent { line, tenant, is_token: false }
    }

    fn watch_token_request(&mut self, request: &Request<Bytes>, tenant: Option<usize>, line: &str) {
        self.require("S3", request.method() == http::Method::POST, || format!("{line} is no token request"));
        self.require("S8", !request.headers().contains_key(header::AUTHORIZATION), || {
            format!("{line} carries a token")
        });
        let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body()).into_owned().collect();
        let secret =
            form.iter().find(|(name, _)| name == "client_secret").map(|(_, value)| value.clone()).unwrap_or_default();
        let theirs = self.tenants.iter().position(|other| secret.contains(&other.secret));
        self.require("S8", theirs.is_none() || theirs == tenant, || {
            format!("{line} carries the secret of another tenant")
        });
    }

    fn watch_batch(&mut self, request: &Request<Bytes>, tenant: Option<usize>, line: &str) {
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let items = body["requests"].as_array().cloned().unwrap_or_default();
        self.require("S3", (1..=20).contains(&items.len()), || format!("{line} has {} items", items.len()));
        let now = self.now();
        for item in &items {
            let url = item["url"].as_str().unwrap_or_default();
            self.require("S3", item["method"] == "GET" && item.get("body").is_none(), || {
                format!("{line} holds {item}, which is no read")
            });
            let Some(place) = self.objects.iter().position(|object| url.contains(&object.marker)) else { continue };
            let theirs = self.objects[place].tenant;
            self.require("S8", Some(theirs) == tenant, || {
                format!("{line} asks for tenant {theirs} with a token of {tenant:?}")
            });
            // Several items of one look name the marker; the look counts once.
            let id = item["id"].as_str().unwrap_or_default();
            let is_first = now > self.objects[place].looked + LOOK;
            if id.starts_with("principal ") || (id.starts_with("whole ") && is_first) {
                self.looked(place, now);
            }
        }
    }

    /// An object's tenant is asked: neither too late, nor too early, nor after the object is gone.
    fn looked(&mut self, place: usize, now: jiff::Timestamp) {
        let lag = self.lag;
        let object = &mut self.objects[place];
        let (due, early, key) = (object.due(), object.too_early(lag), object.key());
        let is_late = object.is_watched() && now > due && !self.is_cache_held;
        let is_released = !object.exists && now > object.edited.max(object.deaf).max(object.hit) + LOOK * 4;
        object.looked = now;
        self.counts.looks += 1;
        self.require("L2", !is_late, || format!("{key} was due by {due}"));
        self.require("K1", early.is_none_or(|early| now >= early), || {
            format!("{key} is looked at before {early:?} without a cause")
        });
        self.require("released", !is_released || self.is_cache_held, || format!("{key} is gone and still looked at"));
    }

    /// Takes in what an answer tells.
    fn learn(&mut self, sent: &Sent, response: &Response<Bytes>) {
        let body = std::str::from_utf8(response.body()).unwrap_or_default();
        let Some(tenant) = sent.tenant else { return };
        if sent.is_token && response.status() == StatusCode::OK {
            let answer: Value = serde_json::from_str(body).unwrap_or_default();
            self.tokens.insert(answer["access_token"].as_str().unwrap_or_default().to_owned(), tenant);
        }
        for rest in body.split("\"@odata.nextLink\":\"").skip(1) {
            let link = rest.split('"').next().unwrap_or_default().to_owned();
            self.links.insert(link, tenant);
        }
        if response.status() == StatusCode::TOO_MANY_REQUESTS || body.contains("\"status\":429") {
            self.faults.count("Graph: 429 of its own");
            self.hit(|object| object.tenant == tenant, 15);
        }
    }
}

fn refusal(status: StatusCode, wait: Option<&str>) -> Response<Bytes> {
    let body = r#"{"error":{"code":"TooManyRequests","message":"The simulation refuses."}}"#;
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    if let Some(wait) = wait {
        response = response.header(header::RETRY_AFTER, wait);
    }
    response.body(Bytes::from_static(body.as_bytes())).expect("a response")
}

fn page() -> Response<Bytes> {
    let response = Response::builder().header(header::CONTENT_TYPE, "text/html; charset=utf-8");
    response
        .body(Bytes::from_static(b"<!doctype html><title>Sign in to the guest network</title>"))
        .expect("a response")
}
