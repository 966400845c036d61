//! The story, step by step. Each step waits for the operator to say what it should, and shows it with kubectl.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    runtime::wait,
};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, process::Command, time::Instant};

use super::tenant::{TENANT, Tenant};
use crate::{
    api::{
        ConditionType, REQUESTED_AT_ANNOTATION, Reason, WebexAzureIntegration, status::DriftEntry,
        validation::IDENTITY_INTEGRATION_APP_ID,
    },
    cli::{crd_yaml, output},
    clock::Clock,
    control_plane::ControlPlane,
    domain::catalog,
    emulator::server::Running,
};

/// Longest wait for the operator at one step.
const PATIENCE: Duration = Duration::from_secs(30);

/// The object of the story, as the repository shows it.
const EXAMPLE: &str = include_str!("../../../examples/incident.yaml");

/// The permission that is taken away.
const REVOKED: &str = "GroupMember.Read.All";

/// Everyone who plays a part.
pub struct Story<'a> {
    control_plane: &'a ControlPlane,
    objects: Api<WebexAzureIntegration>,
    kubectl: PathBuf,
    tenant: Tenant,
    clock: Clock,
    began: Instant,
}

impl<'a> Story<'a> {
    /// Sets the stage.
    pub fn new(
        control_plane: &'a ControlPlane,
        client: Client,
        kubectl: PathBuf,
        tenant: Tenant,
        clock: Clock,
    ) -> Self {
        let began = clock.instant();
        let objects = Api::namespaced(client, "webex");
        Self { control_plane, objects, kubectl, tenant, clock, began }
    }

    /// Tells the story; an error if the operator does not play its part.
    pub async fn tell(&self) -> anyhow::Result<()> {
        output::line(
            "A real kube-apiserver and etcd are running, and a pretend Microsoft Entra tenant (an emulator on this machine).",
        )?;
        output::line(
            "The operator's pauses are 20 times shorter than in production: what it confirms after 60 s there takes 3 s here.\n",
        )?;
        self.declare().await?;
        self.delete_and_restore().await?;
        self.revoke_and_consent().await?;
        self.narrate("The whole story, without anybody opening a portal to find out what is wrong.")
    }

    /// Tells what can be tried while everything stays up.
    pub fn invite(&self, emulator: &Running) -> anyhow::Result<()> {
        let kubeconfig = self.control_plane.kubeconfig().display();
        let kubectl = self.kubectl.display();
        let consent =
            format!("{}/{TENANT}/adminconsent?client_id={IDENTITY_INTEGRATION_APP_ID}", emulator.public_url());
        output::line(&format!(
            "\nEverything stays up until Ctrl-C. In another terminal:\n\n  \
             export KUBECONFIG={kubeconfig}\n  \
             alias k={kubectl}\n  \
             k get wai -n webex -o wide\n  \
             k describe wai -n webex contoso\n  \
             k explain wai.spec\n  \
             k wait wai -n webex contoso --for=condition=Ready --timeout=60s\n\n\
             Delete the application once more, as an administrator would:\n\n  \
             curl -s {}/as -d '{{\"tenantId\":\"{TENANT}\",\"user\":\"admin@contoso.com\",\"method\":\"DELETE\",\
             \"path\":\"/servicePrincipals(appId='\\''{IDENTITY_INTEGRATION_APP_ID}'\\'')\"}}'\n\n\
             The consent page of the pretend tenant, for a browser:\n\n  {consent}\n",
            emulator.control_url()
        ))?;
        Ok(())
    }

    async fn declare(&self) -> anyhow::Result<()> {
        self.narrate(
            "A platform team installs the resource and declares its Webex integration (examples/incident.yaml).",
        )?;
        self.apply(&crd_yaml()?).await?;
        self.kubectl(&["wait", "--for=condition=Established", "crd/webexazureintegrations.webexazure.dev"]).await?;
        self.kubectl(&["create", "namespace", "webex"]).await?;
        self.apply(EXAMPLE).await?;
        self.until("the integration is in sync", |object| reason(object) == Some(Reason::InSync.as_str())).await?;
        self.show().await
    }

    async fn delete_and_restore(&self) -> anyhow::Result<()> {
        self.narrate("An administrator deletes the enterprise application \"Cisco Webex Identity Integration\".\nControl Hub only says: \"The request was unauthorized. Please sign out and try again.\"")?;
        self.tenant.delete_principal(&IDENTITY_INTEGRATION_APP_ID.to_string()).await?;
        self.ask_for_a_look().await?;
        let expected = Reason::ServicePrincipalSoftDeleted.as_str();
        let object = self.until("the deletion is told", |object| reason(object) == Some(expected)).await?;
        self.show().await?;
        Self::show_drift(&object)?;
        ensure!(is_true(&object, ConditionType::Stalled), "a deletion needs a person, so Stalled must be True");

        self.narrate("The administrator restores it, as the message says.")?;
        let deleted = application(&object).and_then(|entry| entry.service_principal_id.clone());
        self.tenant.restore(&deleted.context("the status does not name the deleted object")?).await?;
        self.until("the restore is seen", |object| reason(object) == Some(Reason::InSync.as_str())).await?;
        self.show().await
    }

    async fn revoke_and_consent(&self) -> anyhow::Result<()> {
        self.narrate(&format!("An administrator revokes one permission, {REVOKED}."))?;
        let role = catalog::app_role(REVOKED).context("the permission is not in the catalog")?;
        self.tenant.revoke(&IDENTITY_INTEGRATION_APP_ID.to_string(), &role.to_string()).await?;
        self.ask_for_a_look().await?;
        let expected = Reason::ConsentIncomplete.as_str();
        let object = self.until("the lost permission is told", |object| reason(object) == Some(expected)).await?;
        self.show().await?;
        Self::show_drift(&object)?;

        let url = application(&object)
            .and_then(|entry| entry.consent_url.clone())
            .context("the status gives no consent link")?;
        self.narrate("The administrator opens that link and presses Accept.")?;
        self.tenant.accept_consent(&url).await?;
        self.until("the consent is seen", |object| reason(object) == Some(Reason::InSync.as_str())).await?;
        self.show().await
    }

    fn narrate(&self, sentence: &str) -> anyhow::Result<()> {
        let seconds = self.clock.instant().duration_since(self.began).as_secs_f64();
        Ok(output::line(&format!("[{seconds:5.1} s] {sentence}\n"))?)
    }

    fn show_drift(object: &WebexAzureIntegration) -> anyhow::Result<()> {
        let status = object.status.clone().unwrap_or_default();
        let ready = status.condition(ConditionType::Ready.as_str()).context("Ready is always there")?;
        output::line(&format!("{}\n", output::wrapped(&ready.message)))?;
        for DriftEntry { remedy, .. } in &status.drift {
            let remedy = remedy.clone().unwrap_or_default();
            let rows = [
                ("Remedy", Some(remedy.action)),
                ("Role", remedy.role),
                ("Where", remedy.url),
                ("Until", remedy.before.map(|before| before.0.to_string())),
            ];
            for (name, value) in rows.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                output::line(&format!("  {name:<7} {value}"))?;
            }
            output::line("")?;
        }
        Ok(())
    }

    async fn show(&self) -> anyhow::Result<()> {
        output::line("  $ kubectl get wai -n webex")?;
        let table = self.kubectl(&["get", "wai", "-n", "webex"]).await?;
        for line in table.lines() {
            output::line(&format!("  {}", line.trim_end()))?;
        }
        Ok(output::line("")?)
    }

    /// What `flux reconcile` does: the operator need not wait for its interval.
    async fn ask_for_a_look(&self) -> anyhow::Result<()> {
        let patch = json!({ "metadata": { "annotations": { REQUESTED_AT_ANNOTATION: self.clock.now().to_string() } } });
        self.objects.patch("contoso", &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    async fn until(
        &self,
        what: &str,
        is_met: impl Fn(&WebexAzureIntegration) -> bool + Send,
    ) -> anyhow::Result<WebexAzureIntegration> {
        let condition = |object: Option<&WebexAzureIntegration>| object.is_some_and(&is_met);
        let met =
            tokio::time::timeout(PATIENCE, wait::await_condition(self.objects.clone(), "contoso", condition)).await;
        let object = met.with_context(|| format!("waited {} s in vain until {what}", PATIENCE.as_secs()))??;
        object.context("the object is gone")
    }

    async fn apply(&self, yaml: &str) -> anyhow::Result<()> {
        let mut command = self.command(&["apply", "-f", "-"]);
        let mut child = command
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()?;
        let mut stdin = child.stdin.take().context("kubectl has no standard input")?;
        stdin.write_all(yaml.as_bytes()).await?;
        drop(stdin);
        finished(child.wait_with_output().await?, "apply").map(drop)
    }

    async fn kubectl(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output().await.context("could not start kubectl")?;
        finished(output, arguments.first().copied().unwrap_or_default())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let kubeconfig: &Path = self.control_plane.kubeconfig();
        let mut command = Command::new(&self.kubectl);
        command.arg("--kubeconfig").arg(kubeconfig).arg("--cache-dir").arg(self.control_plane.folder().join("kubectl"));
        command.args(arguments).kill_on_drop(true);
        command
    }
}

fn finished(output: std::process::Output, what: &str) -> anyhow::Result<String> {
    ensure!(output.status.success(), "kubectl {what} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(String::from_utf8(output.stdout)?)
}

fn reason(object: &WebexAzureIntegration) -> Option<&str> {
    let ready = object.status.as_ref()?.condition(ConditionType::Ready.as_str())?;
    Some(ready.reason.as_str())
}

fn is_true(object: &WebexAzureIntegration, condition: ConditionType) -> bool {
    let condition = object.status.as_ref().and_then(|status| status.condition(condition.as_str()));
    condition.is_some_and(|condition| condition.status == "True")
}

fn application(object: &WebexAzureIntegration) -> Option<&crate::api::status::ApplicationStatus> {
    object.status.as_ref()?.application("identity-integration")
}
