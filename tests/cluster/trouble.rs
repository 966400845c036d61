//! Trouble on the way to Microsoft Graph says nothing about the tenant.

use webex_azure_operator::api::status::ApplicationStatus;

use crate::{
    object::{IN_SYNC, conditions, integration, says, status},
    scene::Scene,
    stage::Stage,
    wire::Trouble,
};

/// Without the time of the last provisioning cycle, which moves with any other change.
fn still(applications: &[ApplicationStatus]) -> Vec<ApplicationStatus> {
    let mut applications = applications.to_vec();
    for provisioning in applications.iter_mut().filter_map(|application| application.provisioning.as_mut()) {
        provisioning.last_success_time = None;
    }
    applications
}

pub async fn trouble_at_microsoft_graph_leaves_the_verdict_as_it_was(stage: &Stage) {
    let scene = Scene::operated(stage, "trouble").await;
    scene.create(&integration("contoso")).await;
    let before = status(&scene.until_says("contoso", "Ready=True InSync").await);
    for (trouble, reason, part) in [
        (Trouble::Html, "MalformedResponse", "its content type was not JSON"),
        (Trouble::CutShort, "MalformedResponse", "it was not the JSON that is documented"),
        (Trouble::Redirect, "MalformedResponse", "it was a redirect"),
        (Trouble::Throttled, "Throttled", "asked to slow down"),
        (Trouble::ServerError, "GraphUnavailable", "answered with status 500"),
    ] {
        scene.wire.set(Some(trouble));
        let condition = format!("Observed=Unknown {reason}");
        let has_said = |object: &_| {
            says(object, &condition) && status(object).condition("Observed").unwrap().message.contains(part)
        };
        let object = scene.until("contoso", &format!("{condition}: {part}"), has_said).await;
        let mut expected: Vec<String> = IN_SYNC.map(str::to_owned).into();
        expected[1].clone_from(&condition);
        assert_eq!(conditions(&object), expected, "{trouble:?}");
        let now = status(&object);
        assert_eq!(now.condition("Ready"), before.condition("Ready"), "{trouble:?}");
        assert_eq!(
            (still(&now.applications), &now.summary),
            (still(&before.applications), &before.summary),
            "{trouble:?}"
        );

        scene.wire.set(None);
        let object = scene.until_says("contoso", "Observed=True ObservationComplete").await;
        assert_eq!(conditions(&object), IN_SYNC, "{trouble:?}");
    }
    // Each but the request to slow down is told with Microsoft's code; none is an alarm about the tenant.
    assert_eq!(scene.events("contoso").await, ["ObservationFailed"; 4]);
    scene.close().await;
}
