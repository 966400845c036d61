//! Tokens: how one is asked for, where it goes, how long it serves and who shares it.

use std::time::Duration;

use serde_json::json;
use webex_azure_operator::{
    api::{AppId, Cloud, CredentialKind, Reason, TenantId},
    domain::Observation,
    graph::Proof,
};

use super::{
    fixture::{CLIENT, INTEGRATION, Looker, Read, SECRET, Scene, TENANT, blocked, pass, spec, spec_with},
    seam::{Kind, Reply, Trouble},
    tenant,
};

/// Name, login host and Microsoft Graph host of each cloud.
/// <https://learn.microsoft.com/en-us/graph/deployments>
const CLOUDS: [(&str, &str, &str); 4] = [
    ("Global", "login.microsoftonline.com", "graph.microsoft.com"),
    ("USGovernment", "login.microsoftonline.us", "graph.microsoft.us"),
    ("USGovernmentDoD", "login.microsoftonline.us", "dod-graph.microsoft.us"),
    ("China", "login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
];

#[tokio::test(start_paused = true)]
async fn each_cloud_is_asked_at_its_own_hosts_in_the_documented_form() {
    for (cloud, login, graph) in CLOUDS {
        let scene = Scene::declaring(spec_with(|spec| {
            spec["cloud"] = cloud.into();
            spec["identityIntegration"] = json!({"appId": INTEGRATION.to_string()});
        }));
        scene.seen().await;
        let [token, batch] = <[_; 2]>::try_from(scene.asked()).unwrap();
        assert_eq!(token.method, "POST");
        assert_eq!(token.uri.to_string(), format!("https://{login}/{TENANT}/oauth2/v2.0/token"));
        assert_eq!(token.headers["content-type"], "application/x-www-form-urlencoded");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &CLIENT.to_string()),
            ("client_secret", SECRET),
            ("scope", &format!("https://{graph}/.default")),
        ];
        assert_eq!(token.form(), form.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(batch.method, "POST");
        assert_eq!(batch.uri.to_string(), format!("https://{graph}/v1.0/$batch"));
        assert_eq!(batch.headers["content-type"], "application/json");
    }
}

#[tokio::test(start_paused = true)]
async fn the_secret_is_in_the_form_and_nowhere_else() {
    let scene = Scene::healthy();
    let observation = scene.look().await;
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    for asked in scene.asked() {
        // A body of bytes prints as text, so that its content is searched too, but for the form itself.
        let is_token = asked.kind() == Kind::Token;
        let body = if is_token { String::new() } else { format!("{:?}", asked.body) };
        let headers: Vec<&[u8]> = asked.headers.values().map(http::HeaderValue::as_bytes).collect();
        let rest = format!("{} {} {body}", asked.uri, String::from_utf8_lossy(&headers.concat()));
        assert!(!rest.contains(SECRET) && !rest.contains(&encoded) && !rest.contains("Canary"), "{rest}");
        assert_eq!(is_token, asked.form().iter().any(|(_, value)| value == SECRET));
    }
    for printed in [
        format!("{:?}", scene.graph),
        format!("{:#?}", scene.graph),
        format!("{:?}", scene.looker.credential),
        format!("{observation:?}"),
    ] {
        assert!(!printed.contains("Canary"), "{printed}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_is_in_one_header_of_graph_requests_and_nowhere_else() {
    let scene = Scene::healthy();
    scene.item(INTEGRATION, Read::Roles, |item| {
        item["body"]["@odata.nextLink"] = "https://graph.microsoft.com/v1.0/next".into();
    });
    scene.pages(|_| Reply::json(200, &json!({"value": []})));
    let observation = scene.look().await;
    let asked = scene.asked();
    assert_eq!(asked.len(), 3);
    let bearer = asked[1].bearer().unwrap().to_owned();
    assert!(bearer.ends_with(".serial-1"));
    for request in &asked {
        let is_token = request.kind() == Kind::Token;
        assert_eq!(request.bearer(), (!is_token).then_some(bearer.as_str()));
        assert_eq!(
            request.uri.host(),
            Some(if is_token { "login.microsoftonline.com" } else { "graph.microsoft.com" })
        );
        assert_eq!(request.uri.scheme_str(), Some("https"));
        let printed = format!("{} {:?} {:?}", request.uri, request.headers, request.body);
        assert!(!printed.contains("serial-1"), "headers print without the token: {printed}");
    }
    let printed = format!("{:?} {observation:?}", scene.graph);
    assert!(!printed.contains("serial-1"), "{printed}");
}

#[tokio::test(start_paused = true)]
async fn a_token_serves_until_five_minutes_before_its_end_and_is_renewed_once() {
    let scene = Scene::healthy();
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
    pass(3599 - 300 - 1).await;
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Batch]);
    pass(1).await;
    scene.seen().await;
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_token_counts_from_before_it_was_asked_for() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, 0..1, |reply| reply.head_after = Duration::from_secs(10));
    scene.seen().await;
    pass(3599 - 300 - 10).await;
    scene.asked();
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_lives_shorter_than_the_margin_serves_half_its_life() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| {
        reply.edit(|body| body["expires_in"] = 60.into());
    });
    scene.seen().await;
    pass(29).await;
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Batch]);
    pass(1).await;
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn two_looks_at_once_fetch_one_token() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| reply.head_after = Duration::from_secs(2));
    let (one, two) = tokio::join!(scene.seen(), scene.seen());
    assert_eq!(one, two);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_given_up_while_a_token_is_fetched_harms_no_other() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, 0..1, |reply| reply.trouble = Some(Trouble::Silence));
    let given_up = tokio::time::timeout(Duration::from_secs(1), scene.look());
    let (given_up, _) = tokio::join!(given_up, scene.seen());
    assert!(given_up.is_err());
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Token, Kind::Batch], "who waited for it fetches one");
}

#[tokio::test(start_paused = true)]
async fn objects_that_differ_in_any_part_of_their_credential_share_no_token() {
    let scene = Scene::healthy();
    let base = &scene.looker;
    let others = [
        base.with_key(|key| key.namespace = "other".to_owned()),
        base.with_key(|key| key.kind = CredentialKind::ClientCertificate),
        base.with_key(|key| key.uid = "other".to_owned()),
        base.with_key(|key| key.version = "2".to_owned()),
        base.with_key(|key| key.key = "other".to_owned()),
        base.with_key(|key| key.client = AppId::from_u128(0x99)),
        base.with_key(|key| key.tenant = TenantId::from_u128(0x99)),
        base.with_key(|key| key.cloud = Cloud::China),
    ];
    scene.seen().await;
    scene.asked();
    for other in &others {
        scene.look_as(other).await;
        let first = scene.asked();
        assert_eq!(first[0].kind(), Kind::Token, "{:?}", other.credential.key);
        scene.look_as(other).await;
        scene.look_as(base).await;
        let second = scene.asked();
        assert_eq!(second.len(), 2, "both hold tokens of their own by now");
        assert_eq!(second[0].bearer(), first[1].bearer());
        assert_ne!(second[0].bearer(), second[1].bearer());
    }
}

#[tokio::test(start_paused = true)]
async fn two_looks_at_once_with_two_credentials_fetch_two_tokens() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, .., |reply| reply.head_after = Duration::from_secs(2));
    let other = scene.looker.with_key(|key| key.namespace = "other".to_owned());
    tokio::join!(scene.look(), scene.look_as(&other));
    let kinds = scene.kinds();
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Token).count(), 2, "{kinds:?}");
}

#[tokio::test(start_paused = true)]
async fn an_object_with_a_wrong_secret_gains_nothing_from_those_who_are_signed_in() {
    let scene = Scene::emulated(webex_azure_operator::emulator::Knobs::calm(), |_| {});
    scene.seen().await;
    scene.asked();
    let mut intruder = scene.looker.with_key(|key| key.namespace = "other".to_owned());
    intruder.credential.proof = Proof::Secret("guessed".into());
    assert_eq!(blocked(scene.look_as(&intruder).await).reason, Reason::CredentialInvalid);
    assert_eq!(scene.kinds(), [Kind::Token], "Microsoft Graph was not asked");
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Batch], "the others did not notice");
}

#[tokio::test(start_paused = true)]
async fn a_token_for_another_tenant_or_application_is_not_used() {
    let (tenant, client, other) = (TENANT.to_string(), CLIENT.to_string(), TenantId::from_u128(0x99).to_string());
    for claims in [
        json!({"tid": other, "appid": client}),
        json!({"tid": tenant, "appid": other}),
        json!({"tid": tenant, "azp": other}),
        json!({"appid": client}),
        json!({"tid": tenant}),
        json!({"tid": "", "appid": ""}),
    ] {
        let scene = Scene::healthy();
        let access_token = tenant::token(&claims, 1);
        scene.alter(Kind::Token, .., move |reply| {
            reply.edit(|body| body["access_token"] = access_token.clone().into());
        });
        assert_eq!(scene.blocked().await.reason, Reason::TenantNotAllowed, "{claims}");
        assert_eq!(scene.kinds(), [Kind::Token], "{claims}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_of_version_two_and_identifiers_in_upper_case_are_taken() {
    let (tenant, client) = (TENANT.to_string().to_uppercase(), CLIENT.to_string().to_uppercase());
    for claims in [json!({"tid": tenant, "azp": client}), json!({"tid": tenant, "appid": client, "ver": "1.0"})] {
        let scene = Scene::healthy();
        let access_token = tenant::token(&claims, 1);
        scene.alter(Kind::Token, .., move |reply| {
            reply.edit(|body| body["access_token"] = access_token.clone().into());
        });
        assert!(matches!(scene.look().await, Observation::Looked(_)), "{claims}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_tenants_are_read_with_tokens_of_their_own() {
    let scene = Scene::healthy();
    let other = Looker::new(spec_with(|spec| spec["tenantId"] = TenantId::from_u128(0x99).to_string().into()), SECRET);
    let same = Looker::new(spec(), SECRET);
    for looker in [&scene.looker, &other, &same] {
        scene.look_as(looker).await;
    }
    let asked = scene.asked();
    let kinds: Vec<Kind> = asked.iter().map(super::seam::Asked::kind).collect();
    assert_eq!(kinds, [Kind::Token, Kind::Batch, Kind::Token, Kind::Batch, Kind::Batch]);
    assert_eq!(asked[1].bearer(), asked[4].bearer());
    assert_ne!(asked[1].bearer(), asked[3].bearer());
}

#[tokio::test(start_paused = true)]
async fn whether_a_token_is_at_hand_is_told_until_it_is_due() {
    let scene = Scene::healthy();
    let key = &scene.looker.credential.key;
    assert!(!scene.graph.holds_token(key));
    scene.seen().await;
    assert!(scene.graph.holds_token(key));
    assert!(!scene.graph.holds_token(&scene.looker.with_key(|key| key.version = "2".to_owned()).credential.key));
    pass(3599 - 300 - 1).await;
    assert!(scene.graph.holds_token(key));
    pass(1).await;
    assert!(!scene.graph.holds_token(key), "its Secret is read anew before the next one is fetched");
}
