//! The seam under the Kubernetes client: the API server in memory, with latency, faults and a watch on what is written.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use serde_json::Value;
use tower::{BoxError, Service};

use super::{
    api_server::{ApiService, RequestLine, Resource, Verb, Verdict},
    check::Violation,
    fault::{Fault, Seam},
    journal::fingerprint,
    world::{After, Shared, World},
};

/// The longest ordinary way of a request, in milliseconds.
const WAY: u64 = 40;

type Answer = <ApiService as Service<Request<kube::client::Body>>>::Response;

/// Carries requests to the API server.
#[derive(Clone)]
pub struct KubeSeam {
    pub service: ApiService,
    pub shared: Shared,
}

impl KubeSeam {
    /// Puts the faults of the world under the API server.
    pub fn new(service: ApiService, shared: Shared) -> Self {
        let world = shared.clone();
        service.server().set_fault(Some(Box::new(move |line| world.lock().strike_kubernetes(line))));
        Self { service, shared }
    }

    /// A client on this seam.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.clone(), "default")
    }
}

impl Service<Request<kube::client::Body>> for KubeSeam {
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let Self { mut service, shared } = self.clone();
        Box::pin(async move {
            let (there, back) = shared.lock().travel(WAY);
            tokio::time::sleep(there).await;
            let answer: Result<Response<_>, BoxError> = service.call(request).await;
            let seen = Seen::last(&service);
            let after = {
                let mut world = shared.lock();
                world.served(seen);
                std::mem::take(&mut world.after)
            };
            match after {
                After::Answer => {}
                After::Silence => std::future::pending::<()>().await,
                After::Crash => {
                    shared.lock().crash.notify_one();
                    std::future::pending::<()>().await;
                }
            }
            tokio::time::sleep(back).await;
            answer
        })
    }
}

/// What the last request did.
struct Seen {
    line: RequestLine,
    verdict: Verdict,
    code: Option<StatusCode>,
    body: Value,
    status: Option<Value>,
}

impl Seen {
    fn last(service: &ApiService) -> Self {
        let server = service.server();
        let exchange = server.exchanges().last().expect("a request was just served");
        let line = exchange.line.clone();
        let is_stored = line.verb.is_write() && exchange.code.is_some_and(|code| code.is_success());
        let write = server.writes().last().filter(|write| write.line.number == line.number);
        let stored = || server.object(line.namespace.as_deref()?, line.name.as_deref()?);
        Self {
            verdict: exchange.verdict,
            code: exchange.code,
            body: write.map(|write| write.body.clone()).unwrap_or_default(),
            status: if is_stored && line.subresource.is_some() {
                stored().map(|object| object["status"].clone())
            } else {
                None
            },
            line,
        }
    }
}

impl World {
    fn strike_kubernetes(&mut self, line: &RequestLine) -> Verdict {
        let now = self.now();
        let named = line.name.clone().unwrap_or_default();
        let of_name = |object: &super::monitor::Object| object.name == named || object.secret == named;
        let tenant = self.objects.iter().find(|object| of_name(object)).map(|object| object.tenant);
        let Some(fault) = self.faults.strike(Seam::Kubernetes, tenant, now) else { return Verdict::Pass };
        let is_silent = fault == Fault::Silence;
        if tenant.is_some() {
            self.hit(of_name, if is_silent { 30 } else { 0 });
        } else {
            // The list and the watch are everybody's; whose event it is does not show here.
            self.hit(|_| true, 60);
        }
        let (verdict, what) = match fault {
            Fault::LoseRequest => (Verdict::LoseRequest, "lost".to_owned()),
            Fault::LoseAnswer => (Verdict::LoseAnswer, "the answer will be lost".to_owned()),
            Fault::TooMany(wait) => {
                let seconds = wait.and_then(|wait| wait.parse().ok());
                (Verdict::Answer(StatusCode::TOO_MANY_REQUESTS, seconds), "429".to_owned())
            }
            Fault::Unavailable | Fault::Page => {
                (Verdict::Answer(StatusCode::SERVICE_UNAVAILABLE, None), "503".to_owned())
            }
            Fault::Silence => {
                self.after = After::Silence;
                (Verdict::LoseAnswer, "the answer will never arrive".to_owned())
            }
            Fault::CrashBefore => {
                self.hit(|_| true, 0);
                self.crash.notify_one();
                (Verdict::Never, "the process ends".to_owned())
            }
            Fault::CrashAfter => {
                self.hit(|_| true, 0);
                self.after = After::Crash;
                (Verdict::LoseAnswer, "then the process ends".to_owned())
            }
        };
        self.note("fault", &format!("{line} -> {what}"));
        verdict
    }

    fn served(&mut self, seen: Seen) {
        let Seen { line, verdict, code, body, status } = seen;
        let code = code.map_or_else(|| "-".to_owned(), |code| code.as_u16().to_string());
        let digest = if body.is_null() { String::new() } else { fingerprint(body.to_string().as_bytes()) };
        self.note(
            "kube",
            &format!("{line} {digest} -> {code} {}", if verdict == Verdict::Pass { "" } else { "(fault)" }),
        );
        self.watch_kubernetes(&line, &body);
        if let (Some(status), Some(namespace), Some(name)) = (status, &line.namespace, &line.name) {
            self.written(namespace, name, status);
        }
    }

    /// Only what the operator is meant to do (S3), and no secret or token in it (S7).
    fn watch_kubernetes(&mut self, line: &RequestLine, body: &Value) {
        let is_status = line.subresource.as_deref() == Some("status");
        let is_meant = match (line.resource, line.verb) {
            (Some(Resource::Integrations), Verb::List | Verb::Watch) | (Some(Resource::Events), Verb::Create) => true,
            (Some(Resource::Integrations), Verb::Get) => !is_status,
            (Some(Resource::Integrations), Verb::Apply) => is_status,
            (Some(Resource::Secrets), Verb::Get) => {
                self.objects.iter().any(|object| Some(&object.secret) == line.name.as_ref())
            }
            _ => false,
        };
        if !is_meant {
            self.fail(Violation { property: "S3", text: format!("{line} is not what the operator is for") });
        }
        if line.resource == Some(Resource::Events) {
            self.counts.events += 1;
            self.watch_event(body);
        }
        if body.is_null() {
            return;
        }
        let text = body.to_string();
        let betrayed = self.tenants.iter().any(|tenant| text.contains(&tenant.secret)) || text.contains("eyJ");
        let betrayed = betrayed || self.tokens.keys().any(|token| text.contains(token.as_str()));
        if betrayed || text.contains("wrong-canary") {
            self.fail(Violation { property: "S7", text: format!("{line} holds a secret or a token") });
        }
    }

    /// A difference is told once, when it is told first: whoever made it may be named later, and that is no event.
    fn watch_event(&mut self, event: &Value) {
        if !["DriftDetected", "ConsentMissing"].iter().any(|reason| event["reason"] == *reason) {
            return;
        }
        let (namespace, name) = (&event["regarding"]["namespace"], &event["regarding"]["name"]);
        let is_it = |object: &&mut super::monitor::Object| {
            *namespace == object.namespace.as_str() && *name == object.name.as_str()
        };
        let Some(object) = self.objects.iter_mut().find(is_it) else { return };
        if let Some(left) = object.untold.checked_sub(1) {
            object.untold = left;
        } else {
            let text = format!("{} is alarmed twice: {}", object.key(), event["note"]);
            self.fail(Violation { property: "no second alarm", text });
        }
    }
}
