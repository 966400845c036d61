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
    /// The one audience that tokens of Kubernetes carry when they are exchanged for tokens of this cloud.
    pub exchange_audience: String,
}

/// One cloud.
struct Row {
    cloud: Cloud,
    login: &'static str,
    graph: &'static str,
    /// <https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-considerations>
    exchange_audience: &'static str,
    /// Hosts in the issuer of its tokens that no other cloud has. `sts.windows.net` is in none of them: tokens of several
    /// clouds may carry it, so that it says nothing.
    issuers: &'static [&'static str],
}

/// All clouds. The two of the US Government share a login host.
const TABLE: [Row; 4] = [
    Row {
        cloud: Cloud::Global,
        login: "https://login.microsoftonline.com",
        graph: "https://graph.microsoft.com",
        exchange_audience: "api://AzureADTokenExchange",
        issuers: &["login.microsoftonline.com"],
    },
    Row {
        cloud: Cloud::USGovernment,
        login: "https://login.microsoftonline.us",
        graph: "https://graph.microsoft.us",
        exchange_audience: "api://AzureADTokenExchangeUSGov",
        issuers: &["login.microsoftonline.us"],
    },
    Row {
        cloud: Cloud::USGovernmentDoD,
        login: "https://login.microsoftonline.us",
        graph: "https://dod-graph.microsoft.us",
        exchange_audience: "api://AzureADTokenExchangeUSGov",
        issuers: &["login.microsoftonline.us"],
    },
    Row {
        cloud: Cloud::China,
        login: "https://login.chinacloudapi.cn",
        graph: "https://microsoftgraph.chinacloudapi.cn",
        exchange_audience: "api://AzureADTokenExchangeChina",
        issuers: &["login.chinacloudapi.cn", "login.partner.microsoftonline.cn", "sts.chinacloudapi.cn"],
    },
];

fn row(cloud: Cloud) -> &'static Row {
    let [global, ..] = &TABLE;
    TABLE.iter().find(|row| row.cloud == cloud).unwrap_or(global)
}

impl Endpoints {
    /// The published hosts of this cloud.
    pub fn of(cloud: Cloud) -> Self {
        let Row { login, graph, exchange_audience, .. } = row(cloud);
        Self {
            login: (*login).to_owned(),
            graph: (*graph).to_owned(),
            exchange_audience: (*exchange_audience).to_owned(),
        }
    }

    /// The same cloud as one server plays it, such as the emulator.
    #[must_use]
    pub fn played_by(self, base: &str) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        Self { login: base.clone(), graph: base, ..self }
    }

    /// The token endpoint of this tenant; it is also the audience of assertions that are sent there.
    ///
    /// <https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials>
    pub fn token_url(&self, tenant: TenantId) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.login)
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

/// Whether this address leads to the login host of this cloud, by whichever of its names.
pub fn is_login_of(cloud: Cloud, url: &str) -> bool {
    host(url).is_some_and(|host| row(cloud).issuers.contains(&host))
}

fn host(url: &str) -> Option<&str> {
    url.strip_prefix("https://")?.split('/').next()
}

/// The cloud that a token gives itself away to be of, by its issuer or its audience, if that is surely not the declared
/// one. What no cloud of the table is known by says nothing.
pub fn foreign(declared: Cloud, issuer: &str, audience: &str) -> Option<Cloud> {
    let (issuer, audience) = (host(issuer), host(audience));
    let knows = |row: &Row| {
        let issues = issuer.is_some_and(|host| row.issuers.contains(&host));
        issues || (audience.is_some() && host(row.graph) == audience)
    };
    // Two clouds share a login host, so that an issuer may speak for the declared one and another at once.
    let mut known = TABLE.iter().filter(|row| knows(row)).map(|row| row.cloud).peekable();
    let first = *known.peek()?;
    (!known.any(|cloud| cloud == declared)).then_some(first)
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
    fn every_cloud_is_in_the_table_with_https_hosts_of_its_own() {
        let all = [Cloud::Global, Cloud::USGovernment, Cloud::USGovernmentDoD, Cloud::China];
        let mut graphs = all.map(|cloud| {
            assert_eq!(row(cloud).cloud, cloud);
            let endpoints = Endpoints::of(cloud);
            assert!(endpoints.login.starts_with("https://") && endpoints.graph.starts_with("https://"));
            endpoints.graph
        });
        graphs.sort();
        assert!(graphs.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_token_of_another_cloud_gives_itself_away_by_issuer_or_audience() {
        for (declared, issuer, audience, expected) in [
            (Cloud::Global, "https://sts.windows.net/t/", "https://graph.microsoft.com", None),
            (Cloud::USGovernment, "https://sts.windows.net/t/", "https://graph.microsoft.us", None),
            (Cloud::USGovernment, "https://login.microsoftonline.us/t/v2.0", "", None),
            (Cloud::USGovernmentDoD, "https://login.microsoftonline.us/t/v2.0", "", None),
            (Cloud::Global, "http://127.0.0.1:8080/t/", "http://127.0.0.1:8080", None),
            (Cloud::Global, "", "00000003-0000-0000-c000-000000000000", None),
            (Cloud::Global, "https://sts.chinacloudapi.cn/t/", "", Some(Cloud::China)),
            (Cloud::China, "https://login.microsoftonline.com/t/v2.0", "", Some(Cloud::Global)),
            (Cloud::USGovernment, "https://sts.windows.net/t/", "https://graph.microsoft.com/", Some(Cloud::Global)),
        ] {
            assert_eq!(foreign(declared, issuer, audience), expected, "{declared:?} {issuer} {audience}");
        }
    }
}
