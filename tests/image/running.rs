//! The image's program as a container runs it.

use std::fs;

use super::{
    build::root,
    container::{Image, Root, Run},
    microsoft::{HOSTS, Microsoft},
};

/// As the kubelet writes it into a pod: names without enough dots are tried with these ends first.
const RESOLV_CONF: &str = "search webex.svc.cluster.local svc.cluster.local cluster.local\n\
                           nameserver 127.0.0.1\noptions ndots:5\n";

/// Where the image has its authorities, and a pod may have others.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

const EXAMPLE: &str = include_str!("../../examples/incident.yaml");

const IN_SYNC: &str = include_str!("../golden/cli/plan-in-sync.txt");

fn plan(root: &Root, more: &[&str], environment: &[(&str, &str)]) -> Run {
    root.run(&[&["plan", "-f", "/incident.yaml", "--log", "off"], more].concat(), environment)
}

fn check_in_sync(run: &Run) {
    assert_eq!((run.code, run.out.as_str()), (0, IN_SYNC), "{}", run.err);
}

pub fn it_runs_without_rights_on_a_root_that_cannot_be_written(image: &Image, _: &Microsoft) {
    let place = image.root("alone", &[]);
    assert!(fs::write(place.path.join("anything"), "").is_err(), "the root can be written");
    let version = place.run(&["--version"], &[]);
    assert_eq!(
        (version.code, version.out.as_str()),
        (0, concat!("webex-azure-operator ", env!("CARGO_PKG_VERSION"), "\n"))
    );
    let definition = place.run(&["crd"], &[]);
    let expected = fs::read_to_string(root().join("crds/webexazureintegrations.webexazure.dev.yaml")).unwrap();
    assert_eq!((definition.code, definition.out), (0, expected), "{}", definition.err);
}

pub fn no_pretend_tenant_is_shipped(image: &Image, _: &Microsoft) {
    let place = image.root("commands", &[]);
    for command in ["emulate", "demo"] {
        let refused = place.run(&[command], &[]);
        assert_eq!(refused.code, 2, "{command}: {}", refused.out);
        assert!(refused.err.contains("unrecognized subcommand"), "{}", refused.err);
    }
}

pub fn without_a_cluster_it_says_so_in_one_sentence(image: &Image, _: &Microsoft) {
    let none = image.root("no-cluster", &[]).run(&["run", "--log", "off"], &[]);
    assert_eq!((none.code, none.err.lines().count()), (1, 1), "{}", none.err);
    assert!(none.err.starts_with("error: no Kubernetes cluster is configured"), "{}", none.err);
}

pub fn microsoft_is_found_and_trusted_with_the_files_of_a_pod_alone(image: &Image, microsoft: &Microsoft) {
    let mounted =
        [("etc/resolv.conf", RESOLV_CONF), (AUTHORITIES, microsoft.authority.as_str()), ("incident.yaml", EXAMPLE)];
    check_in_sync(&plan(&image.root("pod", &mounted), &[], &[]));
    let asked = microsoft.names.asked();
    for host in HOSTS {
        let first = format!("{host}.webex.svc.cluster.local");
        assert!(asked.contains(&first), "the search list was not used: {asked:?}");
        assert!(asked.iter().any(|name| name == host), "{host} was not asked for: {asked:?}");
    }
}

pub fn names_may_come_from_the_hosts_of_a_pod(image: &Image, microsoft: &Microsoft) {
    let hosts = format!("127.0.0.1 {}\n", HOSTS.join(" "));
    // No name server answers there.
    let nobody = "nameserver 127.0.0.2\noptions timeout:1 attempts:1\n";
    let mounted = [
        ("etc/hosts", hosts.as_str()),
        ("etc/resolv.conf", nobody),
        (AUTHORITIES, microsoft.authority.as_str()),
        ("incident.yaml", EXAMPLE),
    ];
    check_in_sync(&plan(&image.root("hosts", &mounted), &[], &[]));
}

pub fn the_authorities_of_the_image_are_the_only_ones(image: &Image, _: &Microsoft) {
    let mounted = [("etc/resolv.conf", RESOLV_CONF), ("incident.yaml", EXAMPLE)];
    let refused = plan(&image.root("stranger", &mounted), &[], &[]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(format!("{}{}", refused.out, refused.err).contains("TLSFailure"), "{} {}", refused.out, refused.err);
}

pub fn an_authority_of_ones_own_is_trusted_by_flag_and_by_variable(image: &Image, microsoft: &Microsoft) {
    let mounted =
        [("etc/resolv.conf", RESOLV_CONF), ("own/ca.pem", microsoft.authority.as_str()), ("incident.yaml", EXAMPLE)];
    let place = image.root("own", &mounted);
    check_in_sync(&plan(&place, &["--trust-ca-file", "/own/ca.pem"], &[]));
    check_in_sync(&plan(&place, &[], &[("WEBEX_AZURE_OPERATOR_TRUST_CA_FILE", "/own/ca.pem")]));
    check_in_sync(&plan(&place, &[], &[("SSL_CERT_FILE", "/own/ca.pem")]));
}
