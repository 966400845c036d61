//! Finding "Cisco Webex Identity": by proof only, while it is not known, and looked at in the same look.

use serde_json::{Value, json};
use webex_azure_operator::{
    api::{AppId, Reason},
    domain::{
        Observed, Reading, Recall,
        observed::{Candidate, Candidates},
    },
    emulator::{Knobs, Scenario},
};

use super::{
    fixture::{
        IDENTITY, IDENTITY_OBJECT, INTEGRATION, INTEGRATION_OBJECT, Looker, Read, Scene, identity, spec_with,
        unreadable,
    },
    seam::Kind,
    tenant::error,
};

const OTHER: AppId = AppId::from_u128(0x66);

/// An object that has to find it, and knows nothing yet.
fn seeking() -> Scene {
    let mut scene = Scene::declaring(spec_with(|spec| spec["identity"] = json!({})));
    scene.recall = Recall::default();
    scene
}

fn emulated(knobs: Knobs, change: impl FnOnce(&mut Scenario)) -> (Scene, AppId) {
    let mut scene = Scene::emulated(knobs, change);
    let app = scene.looker.desired.applications[1].app_id;
    let spec = spec_with(|spec| {
        spec["tenantId"] = scene.looker.desired.tenant.to_string().into();
        spec["credentials"]["clientId"] = scene.looker.desired.client.to_string().into();
        spec["identity"] = json!({});
    });
    scene.looker = Looker::new(spec, "emulator-only-secret");
    scene.recall = Recall::default();
    (scene, app)
}

/// The same object, once it is known which application it is.
fn known(scene: &mut Scene, app: AppId) {
    scene.looker.desired = scene.looker.desired.with_identity(app);
    scene.recall.identity = Some(app);
}

fn candidates(observed: &Observed) -> &Candidates {
    observed.identity.known().unwrap()
}

fn principal(id: u128, app: AppId, maker: Option<AppId>) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.servicePrincipal", "id": format!("00000000-0000-0000-0000-{id:012x}"),
        "appId": app.to_string(), "displayName": "Cisco Webex Identity",
        "createdByAppId": maker.map(|maker| maker.to_string()), "deletedDateTime": null,
    })
}

fn registration(id: u128, app: AppId) -> Value {
    let mut object = principal(id, app, Some(INTEGRATION));
    object["@odata.type"] = "#microsoft.graph.application".into();
    object
}

/// What each of the three lists shows.
fn listing(scene: &Scene, named: Vec<Value>, owned: Vec<Value>, created: Vec<Value>) {
    for (part, list) in [("startswith(", named), ("/ownedObjects?", owned), ("/createdObjects?", created)] {
        scene.url(.., part, move |item| item["body"] = json!({"value": list}));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_proved_is_looked_at_in_the_same_look_and_then_not_sought_again() {
    let mut scene = seeking();
    let observed = scene.seen().await;
    let select = "$select=id,appId,displayName,createdByAppId,deletedDateTime";
    let batches = scene.batches();
    for url in [
        format!("/servicePrincipals?$filter=startswith(displayName,%27Cisco%20Webex%20Identity%27)&{select}"),
        format!("/servicePrincipals(appId='{INTEGRATION}')/ownedObjects?{select}"),
        format!("/servicePrincipals(appId='{INTEGRATION}')/createdObjects?{select}"),
    ] {
        assert!(batches[0].contains(&url), "{url}: {batches:?}");
    }
    assert_eq!(batches.len(), 2);
    let whole = format!("/servicePrincipals(appId='{IDENTITY}')");
    let jobs = format!("/servicePrincipals/{IDENTITY_OBJECT}/synchronization/jobs");
    assert!(batches[1].contains(&whole) && batches[1].contains(&jobs), "{batches:?}");

    let candidate = Candidate { id: IDENTITY_OBJECT, display_name: "Cisco Webex Identity".to_owned() };
    let proved = [(IDENTITY, candidate)].into();
    assert_eq!(*candidates(&observed), Candidates { proved, suggested: [].into() });
    assert!(!candidates(&observed).proved.contains_key(&INTEGRATION), "its name begins alike");
    let declared = Scene::healthy().seen().await;
    assert_eq!(observed.applications, declared.applications, "as if it had been declared");
    assert_eq!(observed.obstacle(), None);

    known(&mut scene, IDENTITY);
    let again = scene.seen().await;
    assert_eq!(again.applications, observed.applications);
    assert_eq!(again.identity, Reading::NotAsked);
    let reads = scene.reads();
    assert!(!reads.iter().any(|url| url.contains("startswith") || url.contains("Objects")), "{reads:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_not_sought_where_it_is_declared_or_not_checked() {
    for spec in [super::fixture::spec(), spec_with(|spec| spec["identity"] = json!({"check": false}))] {
        let scene = Scene::declaring(spec);
        assert_eq!(scene.seen().await.identity, Reading::NotAsked);
        assert!(!scene.reads().iter().any(|url| url.contains("startswith") || url.contains("Objects")));
    }
}

#[tokio::test(start_paused = true)]
async fn each_of_the_proofs_is_enough_and_a_name_is_none() {
    let (none, integration) = (Vec::new, || principal(0x21, INTEGRATION, None));
    let named = |maker| vec![integration(), principal(0x11, IDENTITY, maker)];
    let it = || vec![principal(0x11, IDENTITY, None)];
    for (name, lists, proved, suggested) in [
        ("it names its maker", (named(Some(INTEGRATION)), none(), none()), 1, 0),
        ("owned", (named(None), it(), none()), 1, 0),
        ("created", (named(None), none(), it()), 1, 0),
        ("owned under another name", (none(), it(), none()), 1, 0),
        ("its registration is owned", (named(None), vec![registration(0x13, IDENTITY)], none()), 1, 0),
        ("only its name", (named(None), none(), none()), 0, 1),
        ("it names another maker", (named(Some(OTHER)), none(), none()), 0, 1),
        ("nothing", (vec![integration()], none(), none()), 0, 0),
    ] {
        let scene = seeking();
        listing(&scene, lists.0, lists.1, lists.2);
        let observed = scene.seen().await;
        let found = candidates(&observed);
        assert_eq!((found.proved.len(), found.suggested.len()), (proved, suggested), "{name}: {found:?}");
        let is_seen = observed.applications.get(&IDENTITY).is_some_and(|seen| seen.jobs.known().is_some());
        assert_eq!(is_seen, proved == 1, "{name}");
        assert_eq!(observed.obstacle(), None, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_that_are_proved_none_is_taken() {
    let scene = seeking();
    listing(&scene, vec![principal(0x11, IDENTITY, Some(INTEGRATION))], vec![principal(0x67, OTHER, None)], Vec::new());
    let observed = scene.seen().await;
    assert_eq!(candidates(&observed).proved.keys().copied().collect::<Vec<_>>(), [IDENTITY, OTHER]);
    assert_eq!(observed.applications.keys().copied().collect::<Vec<_>>(), [INTEGRATION]);
}

#[tokio::test(start_paused = true)]
async fn a_registration_leads_to_its_service_principal_if_there_is_one() {
    let scene = seeking();
    listing(&scene, Vec::new(), vec![registration(0x13, IDENTITY)], vec![registration(0x13, IDENTITY)]);
    let observed = scene.seen().await;
    assert_eq!(candidates(&observed).only_proved(), Some(IDENTITY));
    assert!(identity(&observed).jobs.known().is_some());
    assert_eq!(scene.batches().len(), 3);

    let scene = seeking();
    listing(&scene, Vec::new(), vec![registration(0x13, IDENTITY)], Vec::new());
    scene.refuse(IDENTITY, Read::Principal, 404, "Request_ResourceNotFound");
    let observed = scene.seen().await;
    assert_eq!(*candidates(&observed), Candidates::default());

    let scene = seeking();
    listing(&scene, Vec::new(), vec![registration(0x13, IDENTITY)], Vec::new());
    scene.refuse(IDENTITY, Read::Principal, 503, "ServiceUnavailable");
    assert_eq!(unreadable(&scene.seen().await.identity), Reason::GraphUnavailable);
}

#[tokio::test(start_paused = true)]
async fn what_was_deleted_and_what_is_no_application_prove_nothing() {
    let mut deleted = principal(0x11, IDENTITY, Some(INTEGRATION));
    deleted["deletedDateTime"] = "2026-11-20T08:00:00Z".into();
    let user = json!({"@odata.type": "#microsoft.graph.user", "id": "00000000-0000-0000-0000-000000000051"});
    let odd = [json!({}), json!({"id": 7, "appId": [], "displayName": {}}), json!({"appId": null}), user];
    let scene = seeking();
    let owned = odd.into_iter().chain([deleted.clone()]).collect();
    listing(&scene, vec![deleted.clone()], owned, vec![deleted]);
    let observed = scene.seen().await;
    assert_eq!(*candidates(&observed), Candidates::default());
    assert_eq!(observed.obstacle(), None);
}

#[tokio::test(start_paused = true)]
async fn without_the_integration_the_application_itself_may_prove_it() {
    for maker in [Some(INTEGRATION), None] {
        let scene = seeking();
        scene.url(.., "startswith(", move |item| {
            item["body"] = json!({"value": [principal(0x11, IDENTITY, maker)]});
        });
        for part in ["/ownedObjects?", "/createdObjects?"] {
            scene.url(.., part, |item| {
                item["status"] = 404.into();
                item["body"] = error("Request_ResourceNotFound");
            });
        }
        let observed = scene.seen().await;
        assert_eq!(candidates(&observed).only_proved(), maker.map(|_| IDENTITY));
        assert_eq!(observed.obstacle(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_leaves_it_open() {
    for part in ["startswith(", "/ownedObjects?", "/createdObjects?"] {
        for (status, body, expected) in [
            (403, error("Authorization_RequestDenied"), Reason::PermissionMissing),
            (429, error("TooManyRequests"), Reason::Throttled),
            (500, error("InternalServerError"), Reason::GraphUnavailable),
            (400, error("Request_BadRequest"), Reason::MalformedResponse),
            (200, Value::Null, Reason::MalformedResponse),
            (200, json!({"value": [7]}), Reason::MalformedResponse),
            (200, json!([[]]), Reason::MalformedResponse),
        ] {
            let scene = seeking();
            let shown = body.clone();
            scene.url(.., part, move |item| {
                item["status"] = status.into();
                item["body"] = body.clone();
            });
            let observed = scene.seen().await;
            assert_eq!(unreadable(&observed.identity), expected, "{part} {status} {shown}");
            assert_eq!(observed.obstacle().map(|obstacle| obstacle.reason), Some(expected));
            assert!(!observed.applications.contains_key(&IDENTITY), "nothing is concluded from the rest");
        }
        let scene = seeking();
        scene.url(.., part, |item| {
            item["status"] = 501.into();
            item["body"] = error("NotImplemented");
        });
        let observed = scene.seen().await;
        assert_eq!(observed.obstacle(), None, "a list that is not offered is none: {part}");
        let is_found = candidates(&observed).only_proved().is_some();
        assert_eq!(is_found, part != "startswith(", "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_known_and_is_gone_for_good_is_sought_again() {
    let mut scene = seeking();
    known(&mut scene, OTHER);
    scene.absent(OTHER);
    let observed = scene.seen().await;
    assert_eq!(candidates(&observed).only_proved(), Some(IDENTITY));
    assert!(identity(&observed).jobs.known().is_some());
    assert!(!observed.applications.contains_key(&OTHER), "as with_identity would have it");
    assert_eq!(observed.obstacle(), None);

    let mut scene = seeking();
    known(&mut scene, OTHER);
    scene.absent(OTHER);
    listing(&scene, Vec::new(), Vec::new(), Vec::new());
    let observed = scene.seen().await;
    assert_eq!(*candidates(&observed), Candidates::default());
    assert_eq!(observed.applications[&OTHER].service_principal, Reading::Absent, "nothing took its place");
}

#[tokio::test(start_paused = true)]
async fn what_was_known_and_can_be_restored_is_not_sought_again() {
    for read in [Read::DeletedPrincipals, Read::DeletedApplications] {
        let mut scene = seeking();
        known(&mut scene, OTHER);
        scene.absent(OTHER);
        scene.finds(
            OTHER,
            read,
            json!({"value": [{"id": INTEGRATION_OBJECT.to_string(), "appId": OTHER.to_string()}]}),
        );
        let observed = scene.seen().await;
        assert_eq!(observed.identity, Reading::NotAsked);
        assert_eq!(observed.applications[&OTHER].service_principal, Reading::Absent);
        scene.settle();
        scene.absent(OTHER);
        scene.refuse(OTHER, read, 403, "Authorization_RequestDenied");
        assert_eq!(scene.seen().await.identity, Reading::NotAsked, "nor while that is not known");
    }
}

#[tokio::test(start_paused = true)]
async fn an_emulated_tenant_proves_it_under_every_answer_to_the_open_questions() {
    for (names_maker, shows_deleted) in [(true, true), (true, false), (false, true), (false, false)] {
        let knobs = Knobs {
            wizard_app_has_created_by_app_id: names_maker,
            owned_objects_show_deleted: shows_deleted,
            ..Knobs::calm()
        };
        let (mut scene, app) = emulated(knobs, |_| {});
        let observed = scene.seen().await;
        assert_eq!(candidates(&observed).only_proved(), Some(app), "{names_maker} {shows_deleted}");
        assert!(observed.applications[&app].jobs.known().is_some());
        assert_eq!(observed.obstacle(), None);
        assert_eq!(scene.kinds(), [Kind::Token, Kind::Batch, Kind::Batch]);

        scene.as_administrator("DELETE", &format!("/servicePrincipals(appId='{app}')"), &Value::Null);
        let gone = scene.seen().await;
        assert_eq!(
            candidates(&gone).only_proved(),
            None,
            "{names_maker} {shows_deleted}: what is deleted proves nothing"
        );
        known(&mut scene, app);
        let gone = scene.seen().await;
        assert_eq!(gone.identity, Reading::NotAsked, "it can be restored");
        assert_eq!(gone.applications[&app].deleted_service_principals.known().map(Vec::len), Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_emulated_application_that_only_has_the_name_is_suggested() {
    let knobs = Knobs { wizard_app_has_created_by_app_id: false, ..Knobs::calm() };
    let (scene, app) = emulated(knobs, |scenario| scenario.owners.clear());
    let observed = scene.seen().await;
    let found = candidates(&observed);
    assert!(found.proved.is_empty());
    assert_eq!(found.suggested.keys().copied().collect::<Vec<_>>(), [app]);
    assert!(found.suggested[&app].display_name.starts_with("Cisco Webex Identity"), "{found:?}");
}
