//! Canaries: texts and ids that stand everywhere in a tenant, and must stand nowhere in a transcript of it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use webex_azure_operator::{
    domain::{
        Recall,
        observed::{AuditQuestion, AuditSubject},
    },
    graph::transcript::{Content, Outcome, Transcript},
};

use super::{
    fixture::{IDENTITY, INTEGRATION, Looker, Read, Scene, spec_with},
    property::{any_json, replace},
    seam::{Kind, Reply},
    tenant,
    transcript::{comes_to_the_same, recorded, recorded_knowing},
};

/// Stands in every text that is a canary, in this or the other case.
const MARK: &str = "kqz";
/// Every id that is a canary begins so.
const ID: &str = "dec0de00-0000-4000-8000-0000000000";

/// Texts that a person might call a name, a domain, an address, a sentence, a token or a number.
const CANARIES: [&str; 15] = [
    "Kqz",
    "kqz.example",
    "alice@kqz.example",
    "https://kqz.example/kqz?kqz=kqz",
    "CN=Kqz, O=Kqz",
    "the tenant 'Kqz Corp' was not found for \"Kqz\" in Kqz, object dec0de00-0000-4000-8000-000000000011",
    "eyJrcXoiOiJrcXoifQ.eyJrcXoiOiJrcXoifQ.kqz",
    "dec0de00-0000-4000-8000-000000000012",
    "DEC0DE00-0000-4000-8000-000000000013",
    "Request_KqzNotFound",
    "Kqz.Read.All User.Read kqz",
    "2026-11-23T08:00:00Z Kqz",
    "+49 kqz 151 23456789",
    "AllPrincipals'kqz'",
    "signed in from 203.0.113.77 as Will Kqz (will@kqz.example)",
];

/// What a declaration may name.
fn spec() -> Value {
    spec_with(|spec| {
        spec["tenantId"] = format!("{ID}01").into();
        spec["organizationId"] = format!("{ID}02").into();
        spec["credentials"]["clientId"] = format!("{ID}03").into();
        spec["credentials"]["clientSecret"] = json!({"name": "kqz-secret", "key": "kqz.key"});
        let names = ["kqz-b", "kqz-a"].into_iter().zip(4..);
        spec["additionalApplications"] = names
            .map(|(name, number)| {
                json!({"name": name, "appId": format!("{ID}{number:02}"),
                       "permissions": [{"value": "Kqz.Read.All", "kind": "Either"}, {"value": "User.Read", "kind": "Delegated"}]})
            })
            .collect();
    })
}

fn scene() -> Scene {
    let mut scene = Scene::healthy();
    scene.looker = Looker::new(spec(), "kqz-the-secret");
    scene
}

/// Puts canaries into every object: as names of properties, as values of every type, and in place of every text that
/// no decision depends on.
fn infest(value: &mut Value, next: &mut usize) {
    let mut canary = || {
        *next += 1;
        CANARIES[*next % CANARIES.len()]
    };
    match value {
        Value::Object(fields) => {
            for name in ["displayName", "message", "error_description", "date", "request-id", "description"] {
                if fields.contains_key(name) {
                    fields.insert(name.to_owned(), canary().into());
                }
            }
            let (text, other) = (canary(), canary());
            fields.values_mut().for_each(|inner| infest(inner, next));
            let dictionary = json!({"kqz.example": other, "alice@kqz.example": [other, {"Kqz": 15_123_456_789_u64}]});
            let more = json!({"kqzText": text, "extension_dec0de00000040008000_kqz": dictionary, "homepage": text, "tags": [text]});
            fields.extend::<Map<String, Value>>(more.as_object().unwrap().clone());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| infest(item, next)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn infest_reply(reply: &mut Reply) {
    let mut next = reply.body.len();
    if let Ok(mut body) = serde_json::from_slice::<Value>(&reply.body) {
        let token = body.get("access_token").cloned();
        infest(&mut body, &mut next);
        if let Some(token) = token {
            body["access_token"] = token;
        }
        reply.set(&body);
    }
    for (name, value) in [
        ("x-kqz", "kqz"),
        ("x-ms-ags-diagnostic", r#"{"ServerInfo":{"DataCenter":"Kqz","Kqz":"Kqz"}}"#),
        ("request-id", "dec0de00-0000-4000-8000-000000000021"),
        ("x-ms-throttle-scope", "Kqz/dec0de00-0000-4000-8000-000000000003"),
        ("set-cookie", "kqz=kqz"),
        ("location", "https://kqz.example"),
        ("odata-version", "kqz"),
    ] {
        reply.header(name, value);
    }
}

/// No canary stands in the transcript, not even where it is written otherwise.
fn is_clean(transcript: &Transcript) {
    let mut text = serde_json::to_string_pretty(transcript).unwrap();
    for exchange in &transcript.exchanges {
        let Outcome::Answer(answer) = &exchange.outcome else { continue };
        let challenges = answer.headers.get("www-authenticate").into_iter().flatten();
        for claims in challenges.filter_map(|challenge| challenge.split("claims=\"").nth(1)?.split('"').next()) {
            text += &String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap();
        }
        if let Content::Json(body) = &answer.body {
            text += &body.to_string();
        }
    }
    let small = text.to_lowercase();
    for mark in [
        MARK, "dec0de", "151234", "151 2345", "serial-", "eyjrcxo", "2026", "alice", "corp", "will", ".example",
        "203.", "+49",
    ] {
        assert!(!small.contains(mark), "{mark} is in the transcript: {text}");
    }
}

async fn checked(scene: &Scene) -> Transcript {
    let (transcript, _) = recorded(scene, &spec()).await;
    is_clean(&transcript);
    comes_to_the_same(&transcript).await;
    transcript
}

#[tokio::test(start_paused = true)]
async fn no_canary_of_a_tenant_is_in_its_transcript_whatever_is_found() {
    type Arrange = fn(&Scene);
    let arranged: [(&str, Arrange); 10] = [
        ("in order", |_| {}),
        ("deleted", |scene| {
            scene.absent(INTEGRATION);
            let item = json!({"id": format!("{ID}31"), "appId": INTEGRATION.to_string(), "displayName": "Kqz",
                              "deletedDateTime": "2026-11-22T08:00:00Z"});
            scene.finds(INTEGRATION, Read::DeletedPrincipals, json!({"value": [item]}));
        }),
        ("refused", |scene| scene.refuse(INTEGRATION, Read::Grants, 403, "Authorization_RequestDenied")),
        ("odd code", |scene| scene.refuse(INTEGRATION, Read::Roles, 400, "Kqz_BadRequest")),
        ("challenged", |scene| {
            scene.item_in(..1, IDENTITY, Read::Principal, |item| {
                let claims = STANDARD.encode(r#"{"access_token":{"kqz":{"essential":true,"value":"kqz"},"nbf":{"value":"1795420800"}}}"#);
                item["status"] = 401.into();
                item["headers"]["WWW-Authenticate"] = format!(
                    "Bearer realm=\"kqz\", authorization_uri=\"https://login.microsoftonline.com/kqz/oauth2/authorize\", kqz=\"kqz\", \
                     error=\"insufficient_claims\", claims=\"{claims}\""
                )
                .into();
            });
        }),
        ("throttled", |scene| {
            scene.item_in(..1, INTEGRATION, Read::Principal, |item| {
                item["status"] = 429.into();
                item["headers"] = json!({"Retry-After": 2, "X-Kqz": "kqz", "x-ms-throttle-information": "Kqz"});
                item["body"] = tenant::error("TooManyRequests");
            });
        }),
        ("paged", |scene| {
            scene.item(INTEGRATION, Read::Roles, |item| {
                item["body"]["@odata.nextLink"] =
                    "https://graph.microsoft.com/v1.0/servicePrincipals(appId='dec0de00-0000-4000-8000-000000000022')/appRoleAssignments?$skiptoken=kqz%20kqz&kqz=1&$top=5"
                        .into();
            });
            scene.pages(|_| Reply::json(200, &json!({"value": tenant::assignments(), "kqz": "kqz"})));
        }),
        ("led away", |scene| {
            scene.item(INTEGRATION, Read::Grants, |item| {
                item["body"]["@odata.nextLink"] = "https://kqz.example/v1.0/x".into();
            });
        }),
        ("not signed in", |scene| {
            scene.alter(Kind::Token, .., |reply| {
                reply.status = 400;
                reply.set(&json!({
                    "error": "invalid_client", "error_codes": [7_000_222], "trace_id": format!("{ID}41"),
                    "error_description": "AADSTS7000222: The provided client secret keys for app 'Kqz' of kqz.example are expired.\r\n\
                                          Trace ID: dec0de00-0000-4000-8000-000000000041\r\nTimestamp: 2026-11-23 08:00:00Z",
                }));
            });
        }),
        ("a page of a proxy", |scene| {
            scene.alter(Kind::Batch, .., |reply| {
                reply.html(403).body = bytes::Bytes::from_static(b"<title>kqz</title>");
            });
        }),
    ];
    for (name, arrange) in arranged {
        let scene = scene();
        arrange(&scene);
        for kind in [Kind::Token, Kind::Batch, Kind::Link] {
            scene.alter(kind, .., infest_reply);
        }
        println!("{name}: {} exchanges", checked(&scene).await.exchanges.len());
        // Not each of them leads to a request of every kind.
        scene.forget();
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_stay_stays() {
    let scene = scene();
    let additional = format!("{ID}04").parse().unwrap();
    scene.refuse(additional, Read::Grants, 403, "Authorization_RequestDenied");
    scene.item(additional, Read::Grants, |item| {
        item["headers"]["x-ms-resource-unit"] = "2".into();
        item["body"]["error"]["message"] = "Insufficient privileges to complete the operation.".into();
    });
    let text = serde_json::to_string(&checked(&scene).await).unwrap();
    for expected in [
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
        "Application.Read.All",
        "User.Read",
        "AllPrincipals",
        "\"x-ms-resource-unit\":\"2\"",
        "\"expires_in\":3599",
        "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae",
        "18a4783c-866b-4cc7-a460-3d5e5662c884",
        "/servicePrincipals(appId='90db942a-c1eb-4e8d-82e4-eebf64a7e2ae')/oauth2PermissionGrants?$select=resourceId,consentType,scope",
        "\"accountEnabled\":true",
        "Cisco Webex Identity Integration",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// Certificates and secrets with something of somebody's in every text.
fn whole_principal(item: &mut Value) {
    let key = |usage: &str| {
        json!({"customKeyIdentifier": "a3F6a3F6a3F6a3F6a3F6a3F6a3E=", "displayName": "CN=Kqz", "endDateTime": "2026-12-01T08:00:00Z",
               "key": "a3F6a3F6", "keyId": format!("{ID}51"), "type": "AsymmetricX509Cert", "usage": usage})
    };
    let secret = json!({"customKeyIdentifier": "a3F6", "displayName": "Kqz", "endDateTime": "2026-11-01T08:00:00Z", "hint": "kqz",
                        "keyId": format!("{ID}52"), "secretText": "kqz~secret"});
    item["body"]["keyCredentials"] = json!([key("Sign"), key("Verify")]);
    item["body"]["passwordCredentials"] = json!([secret]);
    // The same thumbprint, as the other property has it.
    item["body"]["preferredTokenSigningKeyThumbprint"] = "6B717A6B717A6B717A6B717A6B717A6B717A6B71".into();
}

fn odd_job(item: &mut Value) {
    let mut job = tenant::job();
    job["id"] = format!("kqz.0123.{ID}53").into();
    job["status"]["code"] = "Quarantine".into();
    job["status"]["quarantine"] = json!({
        "reason": "EncounteredQuarantineException", "seriesBegan": "2026-11-20T08:00:00Z", "nextAttempt": "2026-11-24T08:00:00Z",
        "error": {"code": "KqzInvalidCredentials", "message": "The credentials of Kqz are refused by kqz.example.", "tenantActionable": true},
    });
    job["status"]["synchronizedEntryCountByType"] = json!([{"key": "User to Kqz", "value": 15_123_456}]);
    job["synchronizationJobSettings"] = json!([{"name": "KqzSetting", "value": "kqz"}]);
    item["body"]["value"] = json!([job]);
}

#[tokio::test(start_paused = true)]
async fn credentials_and_jobs_are_recorded_without_what_they_hold_and_come_to_the_same_verdict() {
    for is_sought in [false, true] {
        let mut spec = spec();
        if is_sought {
            spec["identity"] = json!({});
        }
        let mut scene = scene();
        scene.looker = Looker::new(spec.clone(), "kqz-the-secret");
        scene.item(IDENTITY, Read::Principal, whole_principal);
        scene.item(IDENTITY, Read::Jobs, odd_job);
        scene.alter(Kind::Batch, .., infest_reply);
        let (transcript, _) = recorded(&scene, &spec).await;
        is_clean(&transcript);
        comes_to_the_same(&transcript).await;
        let reason = |type_: &str| {
            let condition = transcript.verdict.conditions.iter().find(|condition| condition.type_ == type_);
            condition.map(|condition| condition.reason.clone())
        };
        // The verdict depends on what was replaced: the secret has ended, the job is in quarantine.
        assert_eq!(reason("CertificatesCurrent").as_deref(), Some("Expired"));
        assert_eq!(reason("ProvisioningHealthy").as_deref(), Some("ProvisioningQuarantined"));
        let text = serde_json::to_string(&transcript).unwrap();
        assert!(!text.contains("15123456") && text.contains("PT40M"), "{text}");
        assert_eq!(text.contains("startswith("), is_sought, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn records_of_the_audit_log_are_recorded_without_whom_they_are_about() {
    let scene = scene();
    let since = "2026-11-20T08:00:00Z".parse().unwrap();
    let object = format!("{ID}61").parse().unwrap();
    let subjects = [AuditSubject::Target(object), AuditSubject::Activity("Remove service principal")];
    let audits = subjects.map(|subject| AuditQuestion { since, subject }).into();
    let change = |name: &str, new: &str| json!({"displayName": name, "oldValue": null, "newValue": new});
    let record = json!({
        "id": format!("Directory_{ID}62_KQZ"), "category": "ApplicationManagement", "correlationId": format!("{ID}63"),
        "result": "success", "resultReason": "Kqz wished so", "activityDisplayName": "Remove service principal",
        "activityDateTime": "2026-11-22T08:00:00.1234567Z", "loggedByService": "Core Directory", "operationType": "Delete",
        "initiatedBy": {"app": null, "user": {"id": format!("{ID}64"), "displayName": "Will Kqz",
                        "userPrincipalName": "will@kqz.example", "ipAddress": "203.0.113.77", "homeTenantName": "Kqz"}},
        "targetResources": [{"id": format!("{ID}61"), "displayName": "Kqz", "type": "ServicePrincipal",
            "userPrincipalName": "alice@kqz.example", "modifiedProperties": [
                change("ServicePrincipal.ObjectID", &format!("\"{ID}61\"")),
                change("AccountEnabled", "[false]"),
                change("Kqz", "{\"kqz.example\":[\"alice@kqz.example\"]}"),
                change("TargetId.ServicePrincipalNames", "https://kqz.example"),
            ]}],
        "additionalDetails": [{"key": "User-Agent", "value": "Kqz/1.0"}],
    });
    scene.url(.., "/auditLogs/", move |item| item["body"] = json!({"value": [record]}));
    scene.alter(Kind::Batch, .., |reply| {
        reply.edit(|body| add_canaries(body, &mut 0));
    });
    let (transcript, _) = recorded_knowing(&scene, &spec(), &Recall { audits, ..Recall::default() }).await;
    is_clean(&transcript);
    let text = serde_json::to_string(&transcript).unwrap();
    for expected in [
        "\"activityDisplayName\":\"Remove service principal\"",
        "\"loggedByService\":\"Core Directory\"",
        "\"ServicePrincipal.ObjectID\"",
        "\"newValue\":\"[false]\"",
        "activityDateTime%20ge%202019-12-29T00:00:00Z%20and%20targetResources/any(t:%20t/id%20eq%20%27",
        "\"2019-12-31T00:00:00.1234567Z\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

/// Canaries as properties that nobody published, beside what is there.
fn add_canaries(value: &mut Value, next: &mut usize) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(|inner| add_canaries(inner, next));
            *next += 1;
            fields.insert("kqzText".to_owned(), CANARIES[*next % CANARIES.len()].into());
        }
        Value::Array(items) => items.iter_mut().for_each(|item| add_canaries(item, next)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn in_virtual_time(test: impl AsyncFnOnce()) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(test());
}

fn any_canary() -> impl Strategy<Value = Value> {
    let texts = prop::sample::select(CANARIES.to_vec()).prop_map(Value::from);
    prop_oneof![
        texts.clone(),
        any_json(),
        (texts.clone(), texts).prop_map(|(name, value)| json!({name.as_str().unwrap(): value}))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_answers_are_recorded_without_canaries_and_come_to_the_same_verdict(
        statuses in prop::collection::vec(prop::sample::select(vec![200_u16, 200, 200, 200, 301, 400, 401, 403, 404, 429, 501, 503]), 2),
        ways in prop::collection::vec((prop::collection::vec(0_usize..12, 0..7), any_canary()), 0..4),
        token_ways in prop::collection::vec((prop::collection::vec(0_usize..6, 0..2), any_canary()), 0..2),
        headers in prop::collection::vec((
            prop::sample::select(vec!["retry-after", "content-type", "content-encoding", "www-authenticate", "x-kqz", "date"]),
            prop::sample::select(vec!["2", "kqz", "Mon, 23 Nov 2026 08:00:03 GMT", "application/json; kqz=kqz", "identity",
                "Bearer error=\"insufficient_claims\", claims=\"eyJrcXoiOiJrcXoifQ==\"", "1e3", ""]),
        ), 0..3),
        absent in any::<bool>(),
    ) {
        in_virtual_time(async || {
            let scene = scene();
            if absent {
                scene.absent(INTEGRATION);
            }
            let (token_status, batch_status) = (statuses[0], statuses[1]);
            scene.alter(Kind::Token, .., move |reply| {
                reply.status = token_status;
                reply.edit(|body| token_ways.iter().for_each(|(way, with)| replace(body, way, with)));
            });
            scene.alter(Kind::Batch, .., move |reply| {
                reply.status = batch_status;
                reply.edit(|body| ways.iter().for_each(|(way, with)| replace(body, way, with)));
                for (name, value) in &headers {
                    reply.header(name, value);
                }
            });
            checked(&scene).await;
            scene.forget();
        });
    }
}
