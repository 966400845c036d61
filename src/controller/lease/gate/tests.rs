//! What passes the gate, and when.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const LASTS: Duration = Duration::from_secs(10);

fn clock() -> Clock {
    Clock::seeded("2026-11-23T08:00:00Z".parse().unwrap(), 1)
}

fn opened(clock: &Clock) -> Gate {
    let gate = Gate::new(clock.clone());
    gate.open((clock.instant(), clock.now()), LASTS);
    gate
}

/// A client whose server counts what reaches it and answers after this long.
fn client(after: Duration) -> (Client, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let answer = move |_: http::Request<kube::client::Body>| {
        seen.fetch_add(1, Ordering::SeqCst);
        async move {
            tokio::time::sleep(after).await;
            Ok::<_, BoxError>(http::Response::new(kube::client::Body::empty()))
        }
    };
    (Client::new(tower::service_fn(answer), "default"), count)
}

async fn send(client: &Client, method: Method) -> bool {
    let request = http::Request::builder().method(method).uri("/").body(kube::client::Body::empty()).unwrap();
    client.send(request).await.is_ok()
}

#[tokio::test(start_paused = true)]
async fn changes_pass_an_open_gate_only_and_reading_always_does() {
    let clock = clock();
    let (inner, count) = client(Duration::ZERO);
    let gate = opened(&clock);
    let client = gate.guard(&inner);
    let changes = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    for method in &changes {
        assert!(send(&client, method.clone()).await, "{method}");
    }
    let close: [(&str, &dyn Fn()); 4] = [
        ("closed", &|| gate.close()),
        ("over by the monotonic clock", &|| gate.open((clock.instant() - LASTS, clock.now()), LASTS)),
        ("over by the wall clock", &|| {
            gate.open((clock.instant(), clock.now() - SignedDuration::try_from(LASTS).unwrap()), LASTS);
        }),
        ("over by both", &|| {
            gate.open((clock.instant() - LASTS, clock.now() - SignedDuration::try_from(LASTS).unwrap()), LASTS);
        }),
    ];
    for (what, close) in close {
        close();
        let before = count.load(Ordering::SeqCst);
        for method in &changes {
            assert!(!send(&client, method.clone()).await, "{what}: {method}");
        }
        assert_eq!(count.load(Ordering::SeqCst), before, "{what}: nothing of it reached the server");
        assert!(send(&client, Method::GET).await, "{what}: whoever only reads does no harm");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_under_way_is_given_up_when_the_gate_closes_and_goes_on_when_it_stays_open() {
    let clock = clock();
    let (inner, _) = client(Duration::from_secs(15));
    let gate = opened(&clock);
    let client = gate.guard(&inner);
    let began = clock.instant();
    assert!(!send(&client, Method::PATCH).await);
    assert_eq!(clock.instant() - began, LASTS);

    gate.open((clock.instant(), clock.now()), LASTS);
    let renewed = async {
        tokio::time::sleep(Duration::from_secs(8)).await;
        gate.open((clock.instant(), clock.now()), LASTS);
    };
    let (is_done, ()) = tokio::join!(send(&client, Method::PATCH), renewed);
    assert!(is_done);
}

/// A process that stood still finds everything ready at once: what it waited for, and that its time is over.
#[tokio::test(start_paused = true)]
async fn no_step_is_made_after_a_pause_even_if_the_work_is_ready_before_the_timer() {
    let clock = clock();
    let gate = opened(&clock);
    let steps = AtomicUsize::new(0);
    let work = poll_fn(|_| {
        steps.fetch_add(1, Ordering::SeqCst);
        Poll::<()>::Pending
    });
    let mut sent = pin!(gate.while_open(work));
    let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(sent.as_mut().poll(&mut waker).is_pending());
    assert_eq!(steps.load(Ordering::SeqCst), 1);
    // The clock has moved, and no timer has fired: as after SIGCONT.
    gate.open((clock.instant() - LASTS, clock.now()), LASTS);
    assert!(matches!(sent.as_mut().poll(&mut waker), Poll::Ready(Err(NotHeld))));
    assert_eq!(steps.load(Ordering::SeqCst), 1);
}
