//! How many connections are made, and of which kind.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use http::Version;
use tokio::sync::Barrier;
use webex_azure_operator::graph::HttpTransport;

use super::{
    authority::{Authority, Identity},
    request::{get, transport},
    server::soon,
    site::{Manner, Site},
};

const REQUESTS: usize = 200;

/// Looks side by side, as `run` has them by default.
const SIDE_BY_SIDE: usize = 32;

/// The first few of two hundred requests are answered at once, and of the others none before thirty-two are under way.
fn really_side_by_side(identity: &Identity, protocols: &[&str]) -> Manner {
    let (barrier, alone) = (Arc::new(Barrier::new(SIDE_BY_SIDE)), REQUESTS % SIDE_BY_SIDE);
    let hold = move |number| -> futures::future::BoxFuture<'static, ()> {
        let barrier = Arc::clone(&barrier);
        Box::pin(async move {
            if number % REQUESTS >= alone {
                barrier.wait().await;
            }
        })
    };
    Manner { hold: Arc::new(hold), ..Manner::plain(identity, protocols) }
}

async fn ask(transport: &HttpTransport, url: &str) {
    let asked = stream::iter(0..REQUESTS).map(|_| get(transport, url)).buffer_unordered(SIDE_BY_SIDE);
    let answers: Vec<_> = soon(asked.collect()).await;
    assert_eq!(answers.into_iter().filter(|answer| answer.as_ref().unwrap().status == 200).count(), REQUESTS);
}

#[expect(clippy::print_stdout, reason = "a number for whoever runs the test to see")]
fn tell(protocol: &str, connections: usize) {
    println!("{REQUESTS} requests, {SIDE_BY_SIDE} side by side, {protocol}: {connections} connections");
}

// On one thread all of them begin before the first has a connection.
#[tokio::test]
async fn over_http_2_one_connection_carries_all_requests() {
    let authority = Authority::new();
    let site = Site::with(really_side_by_side(&authority.certify("127.0.0.1"), &["h2", "http/1.1"])).await;
    let transport = transport(&[&authority]);
    ask(&transport, &site.url()).await;
    tell("HTTP/2", site.connections());
    assert_eq!(site.requests(Version::HTTP_2), REQUESTS);
    assert_eq!(site.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn over_http_1_there_are_as_many_connections_as_requests_side_by_side() {
    let authority = Authority::new();
    let site = Site::with(really_side_by_side(&authority.certify("127.0.0.1"), &["http/1.1"])).await;
    let transport = transport(&[&authority]);
    ask(&transport, &site.url()).await;
    tell("HTTP/1.1", site.connections());
    assert_eq!(site.requests(Version::HTTP_11), REQUESTS);
    let connections = site.connections();
    assert!((SIDE_BY_SIDE..=2 * SIDE_BY_SIDE).contains(&connections), "{connections}");
    ask(&transport, &site.url()).await;
    assert!(site.connections() <= 2 * SIDE_BY_SIDE, "{} after {connections}", site.connections());
}

#[tokio::test]
async fn whoever_goes_ahead_in_vain_does_not_hold_up_the_others() {
    // A host that accepts connections and says nothing: all must have tried before the first has given up.
    let authority = Authority::new();
    let all = Arc::new(Barrier::new(SIDE_BY_SIDE));
    let hold = move |_| -> futures::future::BoxFuture<'static, ()> {
        let all = Arc::clone(&all);
        Box::pin(async move {
            all.wait().await;
        })
    };
    let manner = Manner { hold: Arc::new(hold), ..Manner::plain(&authority.certify("127.0.0.1"), &["h2"]) };
    let site = Site::with(manner).await;
    let (transport, url) = (transport(&[&authority]), site.url());
    let asked = stream::iter(0..SIDE_BY_SIDE).map(|_| get(&transport, &url)).buffer_unordered(SIDE_BY_SIDE);
    let answers: Vec<_> = soon(asked.collect()).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
}
