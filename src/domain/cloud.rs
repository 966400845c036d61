//! Hosts of the Microsoft clouds: the one table that decides where a credential or a request goes, and where a link leads.
//!
//! <https://learn.microsoft.com/en-us/graph/deployments>

use crate::api::{AppId, Cloud, TenantId};

/// Where one cloud is reached. Base addresses have no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Token endpoint and consent page.
    pub login: String,
    /// Microsoft Graph.
    pub graph: String,
}

impl Endpoints {
    /// The published hosts of this cloud.
    pub fn of(cloud: Cloud) -> Self {
        let (login, graph) = match cloud {
            Cloud::Global => ("https://login.microsoftonline.com", "https://graph.microsoft.com"),
            Cloud::USGovernment => ("https://login.microsoftonline.us", "https://graph.microsoft.us"),
            Cloud::USGovernmentDoD => ("https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
            Cloud::China => ("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
        };
        Self { login: login.to_owned(), graph: graph.to_owned() }
    }

    /// One server for everything, such as the emulator.
    pub fn single(base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { login: base.clone(), graph: base }
    }

    /// The page on which an administrator of this tenant grants consent to this application for the whole
    /// organization. Always the declared tenant, never `common`: the consent must not land in whatever tenant the
    /// administrator happens to be signed in to.
    ///
    /// <https://learn.microsoft.com/en-us/entra/identity/enterprise-apps/grant-admin-consent>
    pub fn consent_url(&self, tenant: TenantId, application: AppId) -> String {
        format!("{}/{tenant}/adminconsent?client_id={application}", self.login)
    }

    /// The request that restores a deleted directory object.
    ///
    /// <https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-restore>
    pub fn restore_url(&self, object: crate::api::ObjectId) -> String {
        format!("{}/v1.0/directory/deletedItems/{object}/restore", self.graph)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_link_names_the_tenant() {
        let tenant = "00000000-0000-4000-8000-000000000001".parse().unwrap();
        let application = "90db942a-c1eb-4e8d-82e4-eebf64a7e2ae".parse().unwrap();
        assert_eq!(
            Endpoints::of(Cloud::Global).consent_url(tenant, application),
            "https://login.microsoftonline.com/00000000-0000-4000-8000-000000000001/adminconsent?client_id=90db942a-c1eb-4e8d-82e4-eebf64a7e2ae"
        );
    }

    #[test]
    fn every_cloud_has_https_hosts_of_its_own() {
        let graphs = [Cloud::Global, Cloud::USGovernment, Cloud::USGovernmentDoD, Cloud::China].map(|cloud| {
            let endpoints = Endpoints::of(cloud);
            assert!(endpoints.login.starts_with("https://") && endpoints.graph.starts_with("https://"));
            endpoints.graph
        });
        let mut distinct = graphs.to_vec();
        distinct.dedup();
        assert_eq!(distinct.len(), 4);
    }
}
