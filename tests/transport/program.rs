//! The built program: the variables for proxies count for Microsoft's hosts and for nobody else, and a file of
//! authorities is read or complained about by name.

use std::{path::PathBuf, process::Stdio};

use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{
    authority::Authority,
    proxy::forwarding,
    server::{Server, answer_once, json, soon},
    site::Site,
};

const MANIFEST: &str = include_str!("../../examples/incident.yaml");

/// The secret in it.
const SECRET: &str = "emulator-only-secret";

/// Standard output, standard error.
async fn plan(arguments: &[&str], environment: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_webex-azure-operator"))
        .args(["plan", "-f", "-", "--log", "trace"])
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A program that complains about its arguments does not read its input.
    let _ = stdin.write_all(MANIFEST.as_bytes()).await;
    drop(stdin);
    let output = soon(child.wait_with_output()).await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// A proxy that lets nobody through.
async fn refusing() -> Server<String> {
    Server::start(|stream, _| answer_once(stream, b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")).await
}

/// As sentences, without the line breaks of a terminal.
fn flowing(output: &str) -> String {
    output.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn g52_the_variables_count_for_the_hosts_of_microsoft() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let mut proxy = refusing().await;
        // The second @ belongs to the password, as people write it who do not encode it.
        for password in ["swordfish", "sword@fish"] {
            let url = proxy.url("http", "").replace("http://", &format!("http://someone:{password}@"));
            let (code, out, err) = plan(&[], &[(variable, &url)]).await;
            let seen = proxy.ended().await;
            assert!(seen.starts_with("CONNECT login.microsoftonline.com:443 HTTP/1.1\r\n"), "{variable} {seen}");
            assert!(seen.ends_with("\r\n\r\n") && !seen.contains(SECRET), "nothing else is sent: {seen}");
            assert!(seen.to_lowercase().contains("\r\nproxy-authorization: basic "), "{seen}");
            assert_eq!(code, Some(1), "{out} {err}");
            let told = flowing(&out);
            assert!(told.contains("NetworkUnavailable The proxy that is set for login.microsoftonline.com"), "{told}");
            for text in [&out, &err] {
                assert!(!text.contains("fish") && !text.contains("someone") && !text.contains(SECRET), "{text}");
            }
        }
        assert_eq!(proxy.connections(), 2, "{variable}");
    }
}

#[tokio::test]
async fn g52_the_variables_do_not_count_for_this_machine() {
    let (proxy, here) =
        (refusing().await, Server::start(|stream, _| async move { answer_once(stream, &json("{}")).await }).await);
    let (proxy_url, url) = (proxy.url("http", ""), here.url("http", ""));
    let all: Vec<(&str, &str)> = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .map(|name| (name, &*proxy_url))
        .into();
    let (code, out, err) = plan(&["--emulator", &url], &all).await;
    assert_eq!(code, Some(1), "{out} {err}");
    assert!(here.connections() > 0, "it was asked: {out} {err}");
    assert_eq!(proxy.connections(), 0);
}

/// A file of this test, removed at its end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn g51_the_authority_of_a_proxy_that_opens_connections_can_be_trusted_by_file() {
    let authority = Authority::new();
    let site = Site::start(&authority.certify("login.microsoftonline.com"), &["http/1.1"]).await;
    let proxy = forwarding(site.address()).await;
    let proxy_url = proxy.url("http", "");
    let environment = [("HTTPS_PROXY", &*proxy_url)];
    let (_, out, err) = plan(&[], &environment).await;
    assert!(
        flowing(&out).contains("TLSFailure Whoever answered for login.microsoftonline.com did not prove"),
        "{out} {err}"
    );
    assert_eq!(site.requests(http::Version::HTTP_11), 0);

    let file = File::new("bundle.pem", &format!("# Two of them\n{}{}", Authority::new().pem(), authority.pem()));
    let (_, out, err) = plan(&["--trust-ca-file", file.path()], &environment).await;
    assert!(out.contains("TokenEndpointUnavailable"), "it was asked, and answered with no token: {out} {err}");
    assert_eq!(site.requests(http::Version::HTTP_11), 1);
    let (_, _, _) = plan(&[], &[environment[0], ("WEBEX_AZURE_OPERATOR_TRUST_CA_FILE", file.path())]).await;
    assert_eq!(site.requests(http::Version::HTTP_11), 2);
}

#[tokio::test]
async fn g51_a_file_without_authorities_is_named() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let one = Authority::new().pem();
    for (name, text, reason) in [
        ("empty.pem", String::new(), "there is no certificate in it"),
        ("text.pem", "Not a certificate\n".to_owned(), "there is no certificate in it"),
        ("cut.pem", one.split_at(200).0.to_owned(), "it is not PEM"),
        ("second.pem", format!("{one}{broken}"), "certificate 2 in it cannot be used"),
    ] {
        let file = File::new(name, &text);
        let (code, out, err) = plan(&["--trust-ca-file", file.path()], &[]).await;
        let expected = format!("error: could not read the authorities to trust from {}: {reason}", file.path());
        assert!(err.starts_with(&expected), "{name}: {err}");
        assert_eq!((code, err.lines().count(), out.as_str()), (Some(1), 1, ""), "{name}: {err}");
    }
    let (code, _, err) = plan(&["--trust-ca-file", "/nowhere/bundle.pem"], &[]).await;
    assert_eq!(code, Some(1));
    assert!(
        err.starts_with("error: could not read the authorities to trust from /nowhere/bundle.pem: No such file"),
        "{err}"
    );
}
