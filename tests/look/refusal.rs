//! What the token endpoint and Microsoft Graph say when they do not let the operator in, and how often they are asked.

use jiff::Timestamp;
use serde_json::{Value, json};
use webex_azure_operator::{
    api::Reason,
    emulator::Knobs,
    graph::{Priority, Proof},
};

use super::{
    fixture::{
        CLIENT, IDENTITY, INTEGRATION, Looker, Read, Scene, TENANT, all_in_order, blocked, integration, pass,
        spec_with, unreadable,
    },
    seam::{Kind, Reply},
    tenant::{token, token_error},
};

#[tokio::test(start_paused = true)]
async fn g42_a_wrong_secret_is_not_tried_again_for_a_minute_unless_the_secret_changes() {
    let mut scene = Scene::emulated(Knobs::calm(), |_| {});
    let right = scene.looker.clone();
    scene.looker.credential.proof = Proof::Secret("wrong".into());
    assert_eq!(scene.blocked().await.reason, Reason::CredentialInvalid);
    assert_eq!(scene.kinds(), [Kind::Token]);
    pass(59).await;
    assert_eq!(scene.blocked().await.reason, Reason::CredentialInvalid);
    assert_eq!(scene.kinds(), []);
    let rotated = right.with_key(|key| key.version = "2".to_owned());
    scene.look_as(&rotated).await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "a new version of the Secret is tried at once");
    pass(1).await;
    assert_eq!(scene.blocked().await.reason, Reason::CredentialInvalid);
    assert_eq!(scene.kinds(), [Kind::Token], "once a minute");
}

#[tokio::test(start_paused = true)]
async fn g42_an_expired_secret_is_told_apart_from_a_wrong_one() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.client_secrets[0].expires = Some("2026-11-23T08:30:00Z".parse::<Timestamp>().unwrap());
    });
    scene.seen().await;
    pass(3600).await;
    let obstacle = scene.blocked().await;
    assert_eq!(obstacle.reason, Reason::CredentialExpired);
    assert!(obstacle.message.contains("AADSTS7000222"), "{}", obstacle.message);
}

#[tokio::test(start_paused = true)]
async fn g43_an_operator_application_that_is_unknown_or_disabled_is_named() {
    let disabled = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.service_principals[2].0.insert("accountEnabled".to_owned(), false.into());
    });
    let unknown = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.client_secrets[0].app_id = "00000000-0000-4000-8000-000000000099".to_owned();
        scenario.operator_app_id = None;
    });
    for (scene, code) in [(disabled, "AADSTS7000112"), (unknown, "AADSTS700016")] {
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, Reason::OperatorAppNotConsented);
        let client = scene.looker.desired.client.to_string();
        assert!(obstacle.message.contains(code) && obstacle.message.contains(&client), "{}", obstacle.message);
        assert_eq!(scene.kinds(), [Kind::Token]);
    }
}

#[tokio::test(start_paused = true)]
async fn g44_a_tenant_that_does_not_exist_is_told() {
    let scene = Scene::emulated(Knobs::calm(), |_| {});
    let looker = Looker::new(spec_with(|_| {}), "any");
    let obstacle = blocked(scene.look_as(&looker).await);
    assert_eq!(obstacle.reason, Reason::TenantNotFound);
    assert!(obstacle.message.contains("AADSTS90002"), "{}", obstacle.message);
}

/// The numbers are hints and change; `error` is the contract.
#[tokio::test(start_paused = true)]
async fn an_unknown_number_is_judged_by_its_error() {
    for (error, expected) in [
        ("invalid_client", Reason::CredentialInvalid),
        ("unauthorized_client", Reason::OperatorAppNotConsented),
        ("invalid_request", Reason::CredentialInvalid),
        ("invalid_scope", Reason::CredentialInvalid),
        ("invalid_grant", Reason::CredentialInvalid),
        ("temporarily_unavailable", Reason::TokenEndpointUnavailable),
        ("server_error", Reason::TokenEndpointUnavailable),
        ("something_new", Reason::CredentialInvalid),
    ] {
        for numbers in [json!([999_999]), json!([]), Value::Null] {
            let scene = Scene::healthy();
            scene.alter(Kind::Token, .., move |reply| {
                reply.status = 400;
                reply.set(&json!({"error": error, "error_description": "x", "error_codes": numbers}));
            });
            assert_eq!(scene.blocked().await.reason, expected, "{error}");
            assert_eq!(scene.kinds(), [Kind::Token]);
        }
    }
}

/// Each family of numbers, the reason that it becomes, and words that tell a person what to do.
/// <https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>
const FAMILIES: [(u32, Reason, &str); 27] = [
    (7_000_215, Reason::CredentialInvalid, "the secret's ID in place of its value"),
    (7_000_222, Reason::CredentialExpired, "Create a new one"),
    (700_027, Reason::CredentialInvalid, "Put a valid one"),
    (700_024, Reason::CredentialInvalid, "Check the clock"),
    (50_027, Reason::CredentialInvalid, "Put a valid one"),
    (700_016, Reason::OperatorAppNotConsented, "Check spec.tenantId and spec.credentials.clientId"),
    (700_011, Reason::OperatorAppNotConsented, "Check spec.tenantId and spec.credentials.clientId"),
    (7_000_229, Reason::OperatorAppNotConsented, "Check spec.tenantId and spec.credentials.clientId"),
    (7_000_112, Reason::OperatorAppNotConsented, "is switched off"),
    (70_001, Reason::OperatorAppNotConsented, "is switched off"),
    (65_001, Reason::OperatorAppNotConsented, "Privileged Role Administrator"),
    (65_004, Reason::OperatorAppNotConsented, "Privileged Role Administrator"),
    (90_094, Reason::OperatorAppNotConsented, "Privileged Role Administrator"),
    (90_095, Reason::OperatorAppNotConsented, "Privileged Role Administrator"),
    (650_052, Reason::OperatorAppNotConsented, "API permissions"),
    (650_056, Reason::OperatorAppNotConsented, "API permissions"),
    (650_057, Reason::OperatorAppNotConsented, "API permissions"),
    (50_105, Reason::OperatorAppNotConsented, "Assignment required"),
    (90_002, Reason::TenantNotFound, "Check the tenant ID"),
    (90_038, Reason::WrongCloud, "spec.cloud"),
    (900_382, Reason::WrongCloud, "spec.cloud"),
    (500_011, Reason::WrongCloud, "spec.cloud"),
    (53_003, Reason::ConditionalAccessBlocked, "Conditional Access Administrator"),
    (530_032, Reason::ConditionalAccessBlocked, "Conditional Access Administrator"),
    (90_033, Reason::TokenEndpointUnavailable, "the look is repeated"),
    (50_196, Reason::TokenEndpointUnavailable, "the look is repeated"),
    (90_055, Reason::TokenEndpointUnavailable, "the look is repeated"),
];

#[tokio::test(start_paused = true)]
async fn a_known_number_says_more_than_its_error() {
    for (number, expected, words) in FAMILIES {
        let scene = Scene::healthy();
        scene.alter(Kind::Token, .., move |reply| {
            reply.status = 400;
            reply.set(&token_error("invalid_request", number));
        });
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, expected, "{number}");
        assert!(obstacle.message.contains(words), "{number} {}", obstacle.message);
        let is_named = obstacle.message.contains(&format!("(AADSTS{number})"));
        assert_eq!(is_named, expected != Reason::TokenEndpointUnavailable, "{}", obstacle.message);
        assert!(obstacle.message.len() <= 1024);
        assert_eq!(scene.kinds(), [Kind::Token]);
    }
}

#[tokio::test(start_paused = true)]
async fn g41_a_policy_that_keeps_the_operator_out_is_named_and_tried_again_slowly() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.blocked_applications.push(scenario.client_secrets[0].app_id.clone());
    });
    let obstacle = scene.blocked().await;
    assert_eq!(obstacle.reason, Reason::ConditionalAccessBlocked);
    assert!(obstacle.message.contains("AADSTS53003"), "{}", obstacle.message);
    let mut asked = Vec::new();
    for minute in 0..32 {
        scene.blocked().await;
        if !scene.kinds().is_empty() {
            asked.push(minute);
        }
        pass(60).await;
    }
    assert_eq!(asked, [0, 15, 30]);
    // Whoever mended the policy and asks for a look does not wait for a quarter of an hour; only who asks.
    pass(5).await;
    scene.look_for(&scene.looker, Priority::Mending).await;
    assert_eq!(scene.kinds(), []);
    scene.look_for(&scene.looker, Priority::Asked).await;
    assert_eq!(scene.kinds(), [Kind::Token]);
}

#[tokio::test(start_paused = true)]
async fn g45_a_token_of_another_cloud_is_not_used() {
    for (name, value, cloud) in [
        ("iss", "https://sts.chinacloudapi.cn/t/", "China"),
        ("iss", "https://login.microsoftonline.us/t/v2.0", "USGovernment"),
        ("aud", "https://microsoftgraph.chinacloudapi.cn", "China"),
        ("aud", "https://dod-graph.microsoft.us/", "USGovernmentDoD"),
    ] {
        let scene = Scene::healthy();
        scene.alter(Kind::Token, .., move |reply| {
            reply.edit(|body| {
                let claims = json!({"tid": TENANT.to_string(), "appid": CLIENT.to_string(), name: value});
                body["access_token"] = token(&claims, 1).into();
            });
        });
        let obstacle = scene.blocked().await;
        assert_eq!(obstacle.reason, Reason::WrongCloud, "{value}");
        assert!(obstacle.message.contains(cloud), "{}", obstacle.message);
        assert_eq!(scene.kinds(), [Kind::Token], "Microsoft Graph was not asked");
    }
}

/// A way to spoil a token answer.
type Spoil = fn(&mut Reply);

#[tokio::test(start_paused = true)]
async fn g47_a_token_endpoint_that_does_not_do_its_part_is_no_verdict_about_the_credential() {
    let spoils: [(&str, Spoil); 10] = [
        ("429", |reply| reply.status = 429),
        ("500", |reply| reply.status = 500),
        ("503 with a refusal in it", |reply| {
            reply.status = 503;
            reply.set(&token_error("invalid_client", 7_000_215));
        }),
        ("HTML with 200", |reply| {
            reply.html(200);
        }),
        ("HTML with 502", |reply| {
            reply.html(502);
        }),
        ("HTML with 401", |reply| {
            reply.html(401);
        }),
        ("cut in the middle", |reply| reply.body = reply.body.slice(..40)),
        ("an empty object", |reply| {
            reply.set(&json!({}));
        }),
        ("a refusal without its fields", |reply| {
            reply.status = 401;
            reply.set(&json!({"message": "Words for people."}));
        }),
        ("nothing", |reply| reply.body = bytes::Bytes::new()),
    ];
    for (name, spoil) in spoils {
        let scene = Scene::healthy();
        scene.alter(Kind::Token, 0..1, spoil);
        assert_eq!(scene.blocked().await.reason, Reason::TokenEndpointUnavailable, "{name}");
        assert_eq!(scene.kinds(), [Kind::Token], "{name}");
        scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "{name}: the next look tries again");
    }
}

#[tokio::test(start_paused = true)]
async fn g47_a_token_endpoint_that_asks_to_wait_is_left_alone_by_that_credential_only() {
    let scene = Scene::healthy();
    scene.alter(Kind::Token, 0..1, |reply| {
        reply.refuse(429, "TooManyRequests").header("retry-after", "30");
    });
    let obstacle = scene.blocked().await;
    assert_eq!((obstacle.reason, obstacle.wait_seconds), (Reason::TokenEndpointUnavailable, Some(30)));
    scene.asked();
    pass(20).await;
    let obstacle = scene.blocked().await;
    assert_eq!((obstacle.reason, obstacle.wait_seconds), (Reason::TokenEndpointUnavailable, Some(10)));
    assert_eq!(scene.kinds(), []);
    let other = scene.looker.with_key(|key| key.namespace = "other".to_owned());
    scene.look_as(&other).await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch], "nobody is stopped by what others are told at the door");
    pass(10).await;
    scene.seen().await;
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_graph_refuses_is_replaced_once() {
    let expected = all_in_order().await;
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, 0..1, |reply| {
        reply.refuse(401, "InvalidAuthenticationToken");
    });
    assert_eq!(scene.seen().await, expected);
    let asked = scene.asked();
    let kinds: Vec<Kind> = asked.iter().map(super::seam::Asked::kind).collect();
    assert_eq!(kinds, [Kind::Token, Kind::Batch, Kind::Token, Kind::Batch]);
    assert_ne!(asked[1].bearer(), asked[3].bearer());
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_of_the_token_is_told_without_a_loop() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., |reply| {
        reply.refuse(401, "InvalidAuthenticationToken");
    });
    let obstacle = scene.blocked().await;
    assert_eq!(obstacle.reason, Reason::CredentialInvalid);
    assert!(obstacle.needs_person());
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Token, Kind::Batch]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_replaced_behind_a_token_endpoint_that_refuses() {
    let scene = Scene::healthy();
    scene.alter(Kind::Batch, .., |reply| {
        reply.refuse(401, "InvalidAuthenticationToken");
    });
    scene.alter(Kind::Token, 1.., |reply| {
        reply.status = 401;
        reply.set(&token_error("invalid_client", 7_000_222));
    });
    assert_eq!(scene.blocked().await.reason, Reason::CredentialExpired);
    assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Token]);
}

/// Where in a look the token ends.
#[derive(Debug, Clone, Copy)]
enum Place {
    Item,
    Page,
    DeletedItems,
    DeletedItem,
}

#[tokio::test(start_paused = true)]
async fn g39_a_token_that_ends_in_the_middle_of_a_look_is_replaced_and_the_look_repeated() {
    const NEXT: &str = "https://graph.microsoft.com/v1.0/next";
    for place in [Place::Item, Place::Page, Place::DeletedItems, Place::DeletedItem] {
        let scene = Scene::healthy();
        scene.absent(IDENTITY);
        scene.item(INTEGRATION, Read::Grants, |item| item["body"]["@odata.nextLink"] = NEXT.into());
        scene.pages(|_| Reply::json(200, &json!({"value": []})));
        let expected = scene.seen().await;
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Link, Kind::Batch]);
        let refuse = |reply: &mut Reply| {
            reply.refuse(401, "InvalidAuthenticationToken");
        };
        let refuse_item = |reply: &mut Reply| {
            reply.edit(|body| body["responses"][0] = json!({"id": body["responses"][0]["id"], "status": 401}));
        };
        match place {
            Place::Item => scene.alter(Kind::Batch, 0..1, refuse_item),
            Place::Page => scene.alter(Kind::Link, 0..1, refuse),
            Place::DeletedItems => scene.alter(Kind::Batch, 1..2, refuse),
            Place::DeletedItem => scene.alter(Kind::Batch, 1..2, refuse_item),
        }
        assert_eq!(scene.seen().await, expected, "{place:?}");
        let kinds = scene.kinds();
        assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Token).count(), 1, "{place:?} {kinds:?}");
        assert!(kinds.ends_with(&[Kind::Token, Kind::Batch, Kind::Link, Kind::Batch]), "{place:?} {kinds:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn g46_a_lost_permission_of_the_operator_is_named_and_is_nobody_elses_drift() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.app_role_assignments.retain(|assignment| assignment.role != "Directory.Read.All");
    });
    let observed = scene.seen().await;
    let seen = integration(&observed);
    assert_eq!(unreadable(&seen.oauth2_permission_grants), Reason::PermissionMissing);
    let message = &seen.oauth2_permission_grants.obstacle().unwrap().message;
    assert!(message.contains("Directory.Read.All"), "{message}");
    assert_eq!(seen.app_role_assignments.known().unwrap().len(), 7, "the rest is read");
    assert_eq!(observed.obstacle().unwrap().reason, Reason::PermissionMissing);
}

#[tokio::test(start_paused = true)]
async fn g46_every_read_names_the_permission_that_it_needs() {
    for (read, permission) in [
        (Read::Principal, "Application.Read.All"),
        (Read::Roles, "Application.Read.All"),
        (Read::Grants, "Directory.Read.All"),
        (Read::DeletedPrincipals, "Application.Read.All"),
        (Read::DeletedApplications, "Application.Read.All"),
    ] {
        let scene = Scene::healthy();
        if matches!(read, Read::DeletedPrincipals | Read::DeletedApplications) {
            scene.absent(INTEGRATION);
        }
        scene.refuse(INTEGRATION, read, 403, "Authorization_RequestDenied");
        let observed = scene.seen().await;
        let obstacle = observed.obstacle().unwrap();
        assert_eq!(obstacle.reason, Reason::PermissionMissing, "{read:?}");
        assert!(obstacle.message.contains(permission), "{read:?} {}", obstacle.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_without_a_permission_is_dropped_at_most_every_five_minutes() {
    let scene = Scene::healthy();
    scene.refuse(INTEGRATION, Read::Grants, 403, "Authorization_RequestDenied");
    let mut fetched = Vec::new();
    for minute in 0..20 {
        scene.seen().await;
        if scene.kinds().contains(&Kind::Token) {
            fetched.push(minute);
        }
        pass(60).await;
    }
    // The look that meets the refusal with an old token drops it; the next one fetches.
    assert_eq!(fetched, [0, 6, 12, 18]);
}

#[tokio::test(start_paused = true)]
async fn g46_one_refusal_names_everything_that_the_token_lacks_for_this_declaration() {
    let scene = Scene::emulated(Knobs::calm(), |scenario| {
        scenario.app_role_assignments.retain(|assignment| !assignment.role.starts_with("Directory."));
        scenario.app_role_assignments.retain(|assignment| !assignment.role.starts_with("Application.Read.All"));
    });
    let observed = scene.seen().await;
    let message = &observed.obstacle().unwrap().message;
    assert!(message.contains("permissions Application.Read.All (reading service principals and"), "{message}");
    assert!(message.contains("Directory.Read.All (reading delegated permission grants)"), "{message}");
    assert!(!message.contains("AuditLog") && !message.contains("Synchronization"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn g38_what_a_cloud_does_not_offer_is_unknown_and_the_rest_is_read() {
    let scene = Scene::healthy();
    scene.refuse(INTEGRATION, Read::Grants, 501, "NotSupported");
    let mut expected = all_in_order().await;
    let observed = scene.seen().await;
    let grants = integration(&observed).oauth2_permission_grants.clone();
    assert_eq!(unreadable(&grants), Reason::NotObserved);
    assert!(!grants.obstacle().unwrap().needs_person());
    assert!(grants.obstacle().unwrap().message.contains("reading delegated permission grants in this cloud"));
    expected.applications.get_mut(&INTEGRATION).unwrap().oauth2_permission_grants = grants;
    assert_eq!(observed, expected);
}
