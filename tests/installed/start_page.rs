//! The commands of docs/start.md, followed word by word in a cluster that has nothing of ours.

use std::path::Path;

use crate::{
    page::{self, Step},
    release::Replicas,
    site::{Site, is_ready},
    tenant::Tenants,
};

const PAGE: &str = include_str!("../../docs/start.md");

/// Namespace and name of the release on the page.
const RELEASE: &str = "webex-azure-operator";

#[tokio::test(flavor = "multi_thread")]
async fn the_page_about_your_own_cluster_leads_from_nothing_to_a_verdict() {
    let site = Site::start().await;
    let tenants = Tenants::start();
    let mut steps = page::steps(PAGE);
    assert!(steps.len() > 9, "the page is read to its end");
    on_free_ports(&mut steps);
    let declaring = steps.iter().position(|step| step.command.starts_with("kubectl apply")).unwrap();
    let declare = steps.split_off(declaring);
    // Each half has a shell of its own, and what is exported counts for both.
    let exported = steps.iter().filter(|step| step.command.starts_with("export "));
    let exported: Vec<Step> = exported.map(|step| Step { command: step.command.clone(), ..Step::default() }).collect();

    follow(&site, &steps).await;
    let pods = site.pods(RELEASE, RELEASE).await;
    assert!(pods.iter().all(is_ready), "{pods:#?}");
    let mut replicas = Replicas::none(&site, &tenants.url()).await;
    replicas.run(&pods).await;
    follow(&site, &[exported, declare].concat()).await;
    site.team("webex").until_says("contoso", "Ready=True InSync").await;

    replicas.stop_all().await;
    tenants.stop().await;
    site.stop().await;
}

/// What listens on all addresses of the page's ports, elsewhere on this machine, would be in the way.
fn on_free_ports(steps: &mut [Step]) {
    let install = steps.iter_mut().find(|step| step.command.starts_with("helm install ")).unwrap();
    let [health, metrics] = crate::release::free_ports();
    install.command = format!("{} --set health.port={health},metrics.port={metrics}", install.command);
}

/// In the folder of the repository, with a home of one's own.
async fn follow(site: &Site, steps: &[Step]) {
    let control_plane = site.cluster.control_plane();
    let home = control_plane.folder().join("home");
    std::fs::create_dir_all(&home).unwrap();
    let path = site.programs().await;
    let environment = [
        ("PATH", path.as_str()),
        ("HOME", home.to_str().unwrap()),
        ("KUBECONFIG", control_plane.kubeconfig().to_str().unwrap()),
    ];
    page::follow(steps, Path::new(env!("CARGO_MANIFEST_DIR")), &environment).await;
}
