//! What the operator's own application may do: too much is told once and never as a condition, too little is named whole.

use serde_json::{Value, json};

use crate::{
    object::{IN_SYNC, conditions, in_vain, integration, message, status, with_secret},
    scene::{Scene, eventually},
    stage::Stage,
    tenant::{OPERATOR, SECRET, TENANT},
    wire::Trouble,
};

/// Gives the operator's application a permission that no object needs.
fn with_excess(scenario: &mut Value) {
    let role = json!({ "client": OPERATOR, "role": "Group.Read.All" });
    scenario["appRoleAssignments"].as_array_mut().unwrap().push(role);
}

/// Takes away what reads applications and grants.
fn without_reading(scenario: &mut Value) {
    let is_kept = |row: &Value| {
        let is_reading = row["role"] == "Application.Read.All" || row["role"] == "Directory.Read.All";
        row["client"] != OPERATOR || !is_reading
    };
    scenario["appRoleAssignments"].as_array_mut().unwrap().retain(is_kept);
}

pub async fn k13_excess_and_a_trimmed_secret_are_told_once_and_in_no_condition(stage: &Stage) {
    let scene = Scene::operated(stage, "advice").await;
    scene.tenants.reload(with_excess).await;
    scene.secret("trailing", &json!({ "client-secret": format!("{SECRET}\n") })).await;
    scene.create(&with_secret("contoso", "trailing")).await;
    let object = scene.until_in_sync("contoso").await;
    for condition in &status(&object).conditions {
        let is_advice =
            ["Group.Read.All", "line break", "not need"].iter().any(|part| condition.message.contains(part));
        assert!(!is_advice, "{condition:?}");
    }
    let told = async || {
        let mut reasons = scene.events("contoso").await;
        // That the tenant could not be read is no advice.
        reasons.retain(|reason| reason != "ObservationFailed");
        reasons.sort();
        reasons
    };
    eventually("both are told", async || told().await == ["ExcessPermissions", "SecretTrimmed"]).await;
    scene.until_looked(TENANT, 3).await;

    // The Secret is read again, with nothing new in it.
    scene.touch_secret("trailing", "once").await;
    scene.until_asked("contoso", "after the touch").await;
    // The author writes something else.
    scene.edit("contoso", &json!({ "spec": { "interval": "31s" } })).await;
    let is_judged = |object: &_| status(object).observed_generation == Some(2);
    scene.until("contoso", "the edit has a verdict", is_judged).await;
    // A look that ends before there is a token knows nothing of permissions, and one without its Secret nothing at all.
    scene.wire.set(Some(Trouble::NoTokens));
    scene.touch_secret("trailing", "twice").await;
    scene.ask("contoso", "without tokens").await;
    scene.until_says("contoso", "Observed=Unknown TokenEndpointUnavailable").await;
    scene.wire.set(None);
    scene.until_in_sync("contoso").await;
    scene.labelled_secret("trailing", &json!({ "client-secret": format!("{SECRET}\n") }), &json!({})).await;
    scene.ask("contoso", "without the label").await;
    scene.until_says("contoso", "Observed=False SecretNotLabelled").await;
    scene.secret("trailing", &json!({ "client-secret": format!("{SECRET}\n") })).await;
    scene.until_in_sync("contoso").await;
    scene.until_looked(TENANT, 3).await;
    assert_eq!(told().await, ["ExcessPermissions", "SecretTrimmed"], "nothing is repeated");
    scene.close().await;
}

pub async fn everything_that_the_operators_application_lacks_is_named_at_once_and_heals_when_granted(stage: &Stage) {
    let scene = Scene::operated(stage, "lacking-permissions").await;
    scene.tenants.reload(without_reading).await;
    // New permissions come with the next token, and this one serves for two seconds.
    scene.tenants.turn(&json!({ "tokenLifetimeSeconds": 4 })).await;
    scene.create(&integration("contoso")).await;
    let says = [
        "lacks the application permissions Application.Read.All (reading service principals",
        "Directory.Read.All (reading delegated permission grants)",
        "API permissions, then grant admin consent",
    ];
    let told = scene.until_in_vain("contoso", "PermissionMissing", &says).await;
    assert!(
        !told.contains("AuditLog") && !told.contains("Synchronization"),
        "what is not needed is not asked for: {told}"
    );
    let before = scene.tenants.sign_ins(TENANT).await;
    eventually("the next token lacks them too", async || scene.tenants.sign_ins(TENANT).await > before).await;
    let object = scene.get("contoso").await;
    assert_eq!((conditions(&object), message(&object, "Observed")), (in_vain("PermissionMissing"), told));

    scene.tenants.reload(|_| {}).await;
    let object = scene.until_in_sync("contoso").await;
    assert_eq!(conditions(&object), IN_SYNC);
    scene.close().await;
}
