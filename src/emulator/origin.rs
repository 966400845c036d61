//! The address that a client used. Links in answers lead back to it, whatever name the client knows the emulator by.

use http::request::Parts;
use http::uri::Authority;

use super::graph::header;

/// The hosts of one national cloud.
/// <https://learn.microsoft.com/graph/deployments>
/// <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
#[derive(Debug)]
pub(super) struct NationalCloud {
    /// As the Azure command line names it.
    pub(super) name: &'static str,
    /// Where people and applications sign in; the first is the one that links name.
    pub(super) login: &'static [&'static str],
    /// Where Microsoft Graph is; the first is the one that links name.
    pub(super) graph: &'static [&'static str],
    /// Where Azure Resource Manager is, which publishes the metadata of the cloud.
    pub(super) management: &'static str,
    pub(super) portal: &'static str,
    /// The end of storage addresses; those of other services are made from it.
    pub(super) core: &'static str,
    pub(super) vault: &'static str,
    pub(super) registry: &'static str,
    /// Who issues version 1 tokens.
    pub(super) issuer: &'static str,
    /// How tokens and keys name the cloud.
    pub(super) instance: &'static str,
    /// Under which of its names the libraries of Microsoft keep tokens.
    pub(super) cache: &'static str,
}

/// The clouds whose names the emulator answers to. A test that resolves them to loopback, and trusts the authority of
/// the emulator, needs to change nothing else about its client.
pub(super) const CLOUDS: [NationalCloud; 3] = [
    NationalCloud {
        name: "AzureCloud",
        login: &["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
        graph: &["graph.microsoft.com"],
        management: "management.azure.com",
        portal: "portal.azure.com",
        core: "core.windows.net",
        vault: "vault.azure.net",
        registry: "azurecr.io",
        issuer: "https://sts.windows.net",
        instance: "microsoftonline.com",
        cache: "login.windows.net",
    },
    NationalCloud {
        name: "AzureUSGovernment",
        login: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        graph: &["graph.microsoft.us", "dod-graph.microsoft.us"],
        management: "management.usgovcloudapi.net",
        portal: "portal.azure.us",
        core: "core.usgovcloudapi.net",
        vault: "vault.usgovcloudapi.net",
        registry: "azurecr.us",
        issuer: "https://sts.windows.net",
        instance: "microsoftonline.us",
        cache: "login.microsoftonline.us",
    },
    NationalCloud {
        name: "AzureChinaCloud",
        login: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        graph: &["microsoftgraph.chinacloudapi.cn"],
        management: "management.chinacloudapi.cn",
        portal: "portal.azure.cn",
        core: "core.chinacloudapi.cn",
        vault: "vault.azure.cn",
        registry: "azurecr.cn",
        issuer: "https://sts.chinacloudapi.cn",
        instance: "partner.microsoftonline.cn",
        cache: "login.partner.microsoftonline.cn",
    },
];

impl NationalCloud {
    /// The cloud that a host belongs to.
    pub(super) fn of(host: &str) -> Option<&'static Self> {
        CLOUDS.iter().find(|cloud| cloud.hosts().any(|own| own.eq_ignore_ascii_case(host)))
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = &'static str> {
        self.login.iter().chain(self.graph).copied().chain([self.management])
    }
}

/// Base address of a request, such as `https://localhost:8443`, without a slash at the end.
///
/// A request that names no host, or one that is not the emulator's, gets links with the configured address: what a
/// stranger sends is not repeated in answers.
pub(super) fn of(parts: &Parts, configured: &str) -> String {
    let sent = parts.uri.authority().map(Authority::as_str).or_else(|| header(&parts.headers, "host"));
    let scheme = parts.uri.scheme_str().or_else(|| configured.split_once("://").map(|(scheme, _)| scheme));
    match (scheme, sent) {
        (Some(scheme), Some(authority)) if is_own(authority) => {
            format!("{scheme}://{}", authority.to_ascii_lowercase())
        }
        _ => configured.to_owned(),
    }
}

/// The host of a base address, without its port.
pub(super) fn host(base: &str) -> &str {
    let authority = base.split_once("://").map_or(base, |(_, authority)| authority);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => host,
        _ => authority,
    }
}

fn is_own(authority: &str) -> bool {
    let Ok(authority) = authority.parse::<Authority>() else {
        return false;
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_clean = !authority.as_str().contains('@');
    is_clean && (is_loopback || host.eq_ignore_ascii_case("localhost") || NationalCloud::of(host).is_some())
}

/// Where a client of this address finds sign-in, Graph and Azure Resource Manager.
#[derive(Debug)]
pub(super) struct Neighbours {
    pub(super) login: String,
    pub(super) graph: String,
    pub(super) management: String,
    pub(super) portal: String,
    /// The cloud's name, which is that of the public one when the emulator is asked under its own address.
    pub(super) cloud: &'static NationalCloud,
}

impl Neighbours {
    pub(super) fn of(base: &str) -> Self {
        let [public, ..] = &CLOUDS;
        let Some(cloud) = NationalCloud::of(host(base)) else {
            let own = || base.to_owned();
            return Self { login: own(), graph: own(), management: own(), portal: own(), cloud: public };
        };
        let address = |host: Option<&&'static str>| format!("https://{}", host.copied().unwrap_or_default());
        Self {
            login: address(cloud.login.first()),
            graph: address(cloud.graph.first()),
            management: address(Some(&cloud.management)),
            portal: address(Some(&cloud.portal)),
            cloud,
        }
    }
}
