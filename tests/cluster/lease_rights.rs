//! What a candidate needs to be allowed, as the chart has to grant it, and what it says if that is taken away.

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    coordination::v1::Lease,
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use webex_azure_operator::{
    clock::Clock,
    controller::{
        lease::{Candidate, election::Terms},
        vital::{Standing, Vital},
    },
};

use crate::{
    scene::{Scene, eventually},
    stage::Stage,
};

const NAMESPACE: &str = "lease-rights";

/// All that is needed; `create` cannot be bound to a name.
const RIGHTS: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: candidate, namespace: lease-rights }
rules:
- { apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create] }
- { apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [operator], verbs: [get, update] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: candidate, namespace: lease-rights }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: candidate }
subjects: [{ kind: ServiceAccount, name: candidate, namespace: lease-rights }]
";

pub async fn k23_three_verbs_on_one_lease_are_enough_and_their_lack_is_told_and_survived(stage: &Stage) {
    let scene = Scene::open(stage, NAMESPACE).await;
    scene.service_account("candidate", None).await;
    let accounts: Api<ServiceAccount> = Api::namespaced(scene.cluster.client.clone(), NAMESPACE);
    let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
    let issued = accounts.create_token_request("candidate", &PostParams::default(), &request).await.unwrap();
    let client = scene.cluster.client_with(issued.status.unwrap().token).await;

    let (clock, stop) = (Clock::system(), CancellationToken::new());
    let vital = Vital::new(clock.clone());
    let (name, terms) = ("lease-rights/operator".parse().unwrap(), Terms::PRODUCTION.shortened_by(30));
    let candidate = Candidate::new(client, name, "candidate".to_owned(), terms, clock, vital.clone());
    let told = stop.clone();
    let run = move |_| {
        let told = told.clone();
        async move {
            told.cancelled().await;
            Ok(())
        }
    };
    let mut tasks = JoinSet::new();
    tasks.spawn(candidate.lead(stop.clone(), run));
    let lack = "may not get the lease lease-rights/operator: the Role with get, create and update on leases";
    eventually("the lack is told", async || {
        vital.ready().iter().any(|sign| sign.state.as_ref().is_err_and(|sentence| sentence.contains(lack)))
    })
    .await;

    let leads = async || vital.standing() == Standing::Leading;
    scene.cluster.apply(RIGHTS).await.succeeded();
    eventually("it leads", leads).await;
    scene.cluster.kubectl(&["delete", "role", "candidate", "--namespace", NAMESPACE]).await.succeeded();
    eventually("it leads no more", async || !leads().await).await;
    assert!(vital.live().iter().all(|sign| sign.state.is_ok()), "a restart would not help");
    scene.cluster.apply(RIGHTS).await.succeeded();
    eventually("it leads again", leads).await;

    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
    let leases: Api<Lease> = Api::namespaced(scene.cluster.client.clone(), NAMESPACE);
    let spec = leases.get("operator").await.unwrap().spec.unwrap();
    assert_eq!((spec.holder_identity.as_deref(), spec.lease_transitions), (Some(""), Some(0)));
    scene.close().await;
}
