//! Tenants that answer slowly or not at all cost the others nothing.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use webex_azure_operator::clock::Clock;

use crate::{
    object::{IN_SYNC, about, conditions, integration, status},
    scene::{Scene, eventually},
    stage::Stage,
    tenant::{OTHER, TENANT, numbered},
    wire::Trouble,
};

/// The tenant that answers slowly, with more objects than the operator has slots.
const SLOW: &str = OTHER;
const SLOW_OBJECTS: usize = 10;

/// How slowly: shorter than the deadline, and many times the interval of the objects, which is a second at this speed.
const DELAY: Duration = Duration::from_secs(12);

/// What the throttled tenant asks for, which is longer than a look waits.
const RETRY_AFTER_SECONDS: u32 = 7;

/// Looks at each of the others that are waited for, before and during the trouble.
const LOOKS: usize = 8;

/// How much longer the same looks may take while others are in trouble. They take five times as long if slow looks hold
/// all slots.
const FACTOR: u32 = 3;

/// How long it takes until each of these tenants was looked at so often.
async fn time_of_looks(scene: &Scene<'_>, tenants: &[String]) -> Duration {
    let (before, began) = (scene.tenants.count().await, Clock::system().instant());
    let is_enough = async || {
        let looks = scene.tenants.looks_since(before).await;
        tenants.iter().all(|tenant| looks.get(tenant).is_some_and(|count| *count >= LOOKS))
    };
    eventually("each was looked at often enough", is_enough).await;
    Clock::system().instant().duration_since(began)
}

/// When this tenant refused.
async fn refusals(scene: &Scene<'_>, tenant: &str) -> Vec<Timestamp> {
    let requests = scene.tenants.requests(tenant).await;
    let refused = requests.iter().filter(|entry| entry["status"] == 429);
    refused.map(|entry| entry["time"].as_str().unwrap().parse().unwrap()).collect()
}

pub async fn slow_and_throttled_tenants_cost_the_others_nothing(stage: &Stage) {
    let scene = Scene::operated(stage, "fairness").await;
    scene.tenants.add_other().await;
    let others: Vec<String> = (3..8).map(numbered).collect();
    let slow: Vec<String> = (0..SLOW_OBJECTS).map(|n| format!("slow-{n}")).collect();
    let throttled = ["throttled-0", "throttled-1", "throttled-2"];
    for tenant in &others {
        scene.tenants.load(tenant, |_| {}).await;
        scene.create(&about(tenant, integration(tenant))).await;
    }
    for name in &slow {
        scene.create(&about(SLOW, integration(name))).await;
    }
    for name in throttled {
        scene.create(&integration(name)).await;
    }
    let names = others.iter().chain(&slow).map(String::as_str).chain(throttled);
    for name in names.clone() {
        scene.until_in_sync(name).await;
    }
    let before = status(&scene.get(throttled[0]).await);
    let healthy = time_of_looks(&scene, &others).await;

    scene.tenants.throttle(TENANT, RETRY_AFTER_SECONDS).await;
    scene.wire.set(Some(Trouble::Slow(SLOW, DELAY)));
    let mut expected = IN_SYNC.map(str::to_owned);
    "Observed=Unknown Throttled".clone_into(&mut expected[1]);
    for name in throttled {
        scene.until(name, "Throttled", |object| conditions(object) == expected).await;
    }
    let troubled = time_of_looks(&scene, &others).await;
    assert!(
        troubled < healthy * FACTOR,
        "{LOOKS} looks at each took {troubled:?}, and {healthy:?} without the trouble"
    );
    for name in others.iter().chain(&slow) {
        assert_eq!(conditions(&scene.get(name).await), IN_SYNC, "{name}");
    }
    let now = status(&scene.get(throttled[0]).await);
    assert_eq!((now.condition("Ready"), &now.applications), (before.condition("Ready"), &before.applications));
    // Its objects share the wait, and may all come at its end; none comes twice within it.
    let round = throttled.len();
    eventually("it is asked again when it allows", async || refusals(&scene, TENANT).await.len() > round).await;
    let asked = SignedDuration::from_secs(RETRY_AFTER_SECONDS.into());
    let times = refusals(&scene, TENANT).await;
    let is_kept = |times: &[Timestamp]| times[round].duration_since(times[0]) >= asked;
    assert!(times.windows(round + 1).all(is_kept), "{times:?}");

    scene.tenants.unthrottle(TENANT).await;
    scene.wire.set(None);
    for name in names {
        scene.until_in_sync(name).await;
    }
    scene.close().await;
}
