//! Claims challenges: a revoked token is replaced once, with what Microsoft Graph asked for, and never in a loop.

use serde_json::json;
use webex_azure_operator::{api::Reason, emulator::Knobs};

use super::{
    fixture::{INTEGRATION, Read, Scene, all_in_order, pass},
    seam::{Kind, Reply},
};

const CLAIMS: &str = r#"{"access_token":{"nbf":{"essential":true, "value":"1795161600"}}}"#;

fn header() -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    format!(
        "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
         error=\"insufficient_claims\", claims=\"{}\"",
        STANDARD.encode(CLAIMS)
    )
}

fn challenge(reply: &mut Reply) {
    reply.refuse(401, "InvalidAuthenticationToken").header("www-authenticate", &header());
}

#[tokio::test(start_paused = true)]
async fn g40_a_challenge_is_answered_once_with_the_claims_that_were_asked_for() {
    let expected = all_in_order().await;
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, 0..1, challenge);
    assert_eq!(scene.seen().await, expected);
    let asked = scene.asked();
    let kinds: Vec<Kind> = asked.iter().map(super::seam::Asked::kind).collect();
    assert_eq!(kinds, [Kind::Token, Kind::Batch, Kind::Token, Kind::Batch]);
    let claims = |place: usize| asked[place].form().into_iter().find(|(name, _)| name == "claims");
    assert_eq!(claims(0), None);
    assert_eq!(claims(2), Some(("claims".to_owned(), CLAIMS.to_owned())));
    assert_ne!(asked[1].bearer(), asked[3].bearer());
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Batch], "the new token serves");
}

#[tokio::test(start_paused = true)]
async fn g40_a_challenge_of_one_item_is_read_from_the_item() {
    let scene = Scene::healthy();
    scene.item_in(0..1, INTEGRATION, Read::Grants, |item| {
        *item = json!({"id": item["id"], "status": 401, "headers": {"WWW-Authenticate": header()}});
    });
    assert_eq!(scene.seen().await, all_in_order().await);
    let asked = scene.asked();
    assert_eq!(asked[2].form().into_iter().find(|(name, _)| name == "claims").unwrap().1, CLAIMS);
}

#[tokio::test(start_paused = true)]
async fn g40_a_second_challenge_is_told_and_not_answered_again_at_once() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., challenge);
    let obstacle = scene.blocked().await;
    assert_eq!(obstacle.reason, Reason::ClaimsChallenge);
    assert!(obstacle.needs_person());
    assert!(obstacle.message.contains("Risky workload identities"), "{}", obstacle.message);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Token, Kind::Batch]);
    pass(59).await;
    assert_eq!(scene.blocked().await.reason, Reason::ClaimsChallenge);
    assert_eq!(scene.kinds(), []);
    pass(1).await;
    scene.blocked().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn g40_two_looks_that_are_challenged_at_once_fetch_one_new_token() {
    let scene = Scene::healthy();
    scene.seen().await;
    scene.asked();
    scene.alter(Kind::Batch, 0..2, |reply| {
        challenge(reply);
        reply.head_after = std::time::Duration::from_secs(1);
    });
    scene.alter(Kind::Token, .., |reply| reply.head_after = std::time::Duration::from_secs(1));
    tokio::join!(scene.seen(), scene.seen());
    assert_eq!(scene.kinds().iter().filter(|kind| **kind == Kind::Token).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn g40_the_emulated_tenant_accepts_the_answer_to_its_challenge() {
    let scene = Scene::emulated(Knobs::calm(), |_| {});
    scene.seen().await;
    scene.asked();
    scene.control(|tenant, client| ("/revoke", json!({"tenantId": tenant, "appId": client})));
    assert_eq!(scene.seen().await.obstacle(), None);
    assert_eq!(scene.kinds(), [Kind::Batch, Kind::Token, Kind::Batch]);
}
