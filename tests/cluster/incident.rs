//! The incident, from the deletion to the restore and from the revoked permission to the consent.

use crate::{
    object::{IN_SYNC, conditions, integration, status},
    scene::{Scene, eventually},
    stage::Stage,
    tenant::{INTEGRATION, TENANT},
};

const REVOKED: &str = "GroupMember.Read.All";

pub async fn the_incident_is_told_until_it_is_mended(stage: &Stage) {
    let scene = Scene::operated(stage, "incident").await;
    scene.create(&integration("contoso")).await;
    let object = scene.until_says("contoso", "Ready=True InSync").await;
    assert_eq!(conditions(&object), IN_SYNC);
    let principal = status(&object).application("identity-integration").unwrap().service_principal_id.clone().unwrap();

    scene.tenants.delete(TENANT, INTEGRATION).await;
    let object = scene.until_says("contoso", "Ready=False ServicePrincipalSoftDeleted").await;
    assert_eq!(
        conditions(&object),
        [
            "Stalled=True ServicePrincipalSoftDeleted",
            "Ready=False ServicePrincipalSoftDeleted",
            "Observed=True ObservationComplete",
            "Drifted=True DriftDetected",
            "ServicePrincipalsPresent=False ServicePrincipalSoftDeleted",
            "SignInEnabled=Unknown NotObserved",
            "ConsentGranted=Unknown NotObserved",
            "ProvisioningHealthy=True Healthy",
            "CertificatesCurrent=True Current",
        ]
    );
    let told = status(&object);
    let application = told.application("identity-integration").unwrap();
    assert_eq!(application.state.as_deref(), Some("SoftDeleted"));
    assert_eq!(application.service_principal_id.as_ref(), Some(&principal));
    assert_eq!(application.consent_url, None, "a consent now would block the restore");
    let deleted = scene.tenants.truth(TENANT).await["deletedServicePrincipals"][0]["deletedDateTime"]
        .as_str()
        .unwrap()
        .to_owned();
    let deleted: jiff::Timestamp = deleted.parse().unwrap();
    let kept = application.restore_before.as_ref().unwrap().0.duration_since(deleted);
    assert_eq!(kept.as_hours(), 30 * 24);
    let remedy = told.drift[0].remedy.clone().unwrap();
    assert_eq!((told.drift.len(), remedy.action.as_str()), (1, "Restore"));
    assert_eq!(remedy.role.as_deref(), Some("Cloud Application Administrator"));
    assert_eq!(remedy.before.map(|before| before.0), application.restore_before.as_ref().map(|before| before.0));
    assert!(remedy.text.contains(&principal), "{}", remedy.text);

    scene.tenants.restore(TENANT, &principal).await;
    let object = scene.until_says("contoso", "Ready=True InSync").await;
    assert_eq!(conditions(&object), IN_SYNC);
    assert_eq!(status(&object).drift, []);

    scene.tenants.revoke(TENANT, REVOKED).await;
    let object = scene.until_says("contoso", "Ready=False ConsentIncomplete").await;
    assert_eq!(
        conditions(&object),
        [
            "Stalled=True ConsentIncomplete",
            "Ready=False ConsentIncomplete",
            "Observed=True ObservationComplete",
            "Drifted=True DriftDetected",
            "ServicePrincipalsPresent=True Present",
            "SignInEnabled=True Enabled",
            "ConsentGranted=False ConsentIncomplete",
            "ProvisioningHealthy=True Healthy",
            "CertificatesCurrent=True Current",
        ]
    );
    let told = status(&object);
    let application = told.application("identity-integration").unwrap();
    assert_eq!(told.summary.clone().unwrap().consent.as_deref(), Some("7/8"));
    assert_eq!(application.consent.as_ref().unwrap().missing.len(), 1);
    assert!(application.consent.as_ref().unwrap().missing[0].contains(REVOKED));
    let link = application.consent_url.clone().unwrap();
    assert_eq!(link, format!("{}/{TENANT}/adminconsent?client_id={INTEGRATION}", scene.tenants.url()));
    assert!(told.condition("Ready").unwrap().message.contains(REVOKED));
    assert_eq!(told.drift[0].remedy.clone().unwrap().role.as_deref(), Some("Privileged Role Administrator"));

    scene.tenants.accept(&link).await;
    let object = scene.until_says("contoso", "Ready=True InSync").await;
    assert_eq!(conditions(&object), IN_SYNC);

    // An event follows the status, so the last one may still be on its way.
    let expected = ["DriftDetected", "DriftResolved", "ConsentMissing", "DriftResolved"];
    eventually("the last event is written", async || scene.events("contoso").await.len() >= expected.len()).await;
    scene.until_looked(TENANT, 3).await;
    assert_eq!(scene.events("contoso").await, expected);
    scene.close().await;
}
