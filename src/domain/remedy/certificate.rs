//! What a person does about a certificate or client secret that has ended.

use super::{Action, CLOUD_APPLICATION_ADMINISTRATOR, Context, Remedy};

impl Context<'_> {
    /// Replace what has ended.
    /// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/tutorial-manage-certificates-for-federated-single-sign-on>
    pub fn renew_certificate(&self, certificate: bool, secret: bool) -> Remedy {
        let app_id = self.application.app_id;
        let of_certificate = certificate.then(|| {
            format!(
                "Create a new certificate, make it active (Entra admin center > Enterprise applications > {app_id} > Single \
                 sign-on > SAML Certificates) and give it to Webex (Control Hub > Organization Settings > Single sign-on)."
            )
        });
        let of_secret = secret.then(|| {
            format!(
                "Create a new client secret (az ad sp credential reset --id {app_id} --append) and give it to whatever signs in \
                 with it."
            )
        });
        let steps: Vec<String> = of_certificate.into_iter().chain(of_secret).collect();
        Remedy {
            action: Action::RenewCertificate,
            role: Some(CLOUD_APPLICATION_ADMINISTRATOR),
            url: None,
            before: None,
            text: format!("As {CLOUD_APPLICATION_ADMINISTRATOR} or owner: {}", steps.join(" ")),
        }
    }
}
