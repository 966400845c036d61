//! Hosts that are never asked through a proxy, whatever the variables say.

use std::net::{IpAddr, Ipv6Addr};

use url::Host;

/// Metadata service of some clouds over IPv6; over IPv4 its address is link-local.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether the host is this machine or something that only this machine can reach: a proxy would give the request to its
/// own machine, or to its own metadata service. The host is as in a URL, an IPv6 address in brackets.
pub fn is_never_proxied(host: &str) -> bool {
    // Read as a URL is: 127.1 and 0x7f000001 are addresses too.
    let address = match Host::parse(host) {
        Ok(Host::Domain(name)) => return name.trim_end_matches('.') == "localhost",
        Ok(Host::Ipv4(address)) => IpAddr::V4(address),
        Ok(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical(),
        Err(_) => return false,
    };
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local() || address == METADATA_V6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_its_metadata_service_are_never_asked_through_a_proxy() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "127.0.0.1",
            "127.255.255.254",
            "127.1",
            "0x7f000001",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "169.254.0.1",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[febf::1]",
        ] {
            assert!(is_never_proxied(host), "{host}");
        }
    }

    #[test]
    fn everybody_else_may_be() {
        for host in [
            "login.microsoftonline.com",
            "graph.microsoft.com",
            "localhost.example.com",
            "notlocalhost",
            "127.0.0.1.example.com",
            "128.0.0.1",
            "10.0.0.1",
            "169.253.255.255",
            "[fd00:ec2::253]",
            "[fec0::1]",
            "[::2]",
            "",
        ] {
            assert!(!is_never_proxied(host), "{host}");
        }
    }
}
