//! A proof that no secret and no token gets out: the built program runs with canaries for all of them, at the most
//! talkative level, through good and bad days, and nothing that it says or writes holds one of them.

use std::{collections::BTreeSet, fmt::Write as _};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::{Value, json};

use crate::{
    front::Front,
    object::{about, signing_in_with, with_secret},
    program::Program,
    recorder::{Exchange, Recorder},
    scene::{Scene, eventually},
    sign_in::{AUDIENCE, CERTIFICATE, Issuer, KEY, OTHER_KEY, key_lines, register},
    stage::Stage,
    tenant::{OPERATOR, TENANT, numbered},
};

/// A client secret that the tenant takes, with everything in it that is written differently somewhere.
const RIGHT: &str = "Canary1~right+hand/side=of&the \"client\" \\ secret%41";
/// One that it does not take.
const WRONG: &str = "Canary2-wrong-client-secret";
/// One in a Secret that the API server answers with as nothing that is a Secret.
const GARBLED: &str = "Canary3-in-a-garbled-secret";
/// A token of a ServiceAccount in such an answer.
const GARBLED_TOKEN: &str = "Canary4.in-a-garbled.token";
/// The operator's own token at the API server.
const KUBERNETES: &str = "Canary5-token-of-the-operator-itself";
/// What all of them begin with.
const MARK: &str = "Canary";

/// Tenants in which something is wrong.
const STRANGER: u32 = 3;
const UNPRIVILEGED: u32 = 4;
const CUT: u32 = 5;
const ECHO: u32 = 6;
const PAGE: u32 = 7;
const BROKEN: u32 = 8;

/// Answers as a broken or hostile service in between gives them, with what it was shown inside.
fn spoil(exchange: &Exchange) -> Option<(u16, &'static str, String)> {
    let Exchange { path, bearer, form, body, .. } = exchange;
    let token_of = |number| path.contains(&numbered(number)) && path.ends_with("/token");
    if token_of(CUT) {
        return Some((200, "application/json", body.strip_suffix("\"}")?.to_owned()));
    }
    if token_of(ECHO) {
        let text = format!("AADSTS7000215: Invalid client secret {} provided.", form["client_secret"]);
        let refusal = json!({ "error": "invalid_client", "error_description": text, "error_codes": [7_000_215] });
        return Some((401, "application/json", refusal.to_string()));
    }
    let bearer = bearer.as_ref()?;
    let claims = URL_SAFE_NO_PAD.decode(bearer.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    if claims["tid"] == numbered(PAGE) {
        return Some((200, "text/html", format!("<html>You sent Authorization: {bearer}</html>")));
    }
    let echo = json!({ "responses": [{ "id": "1", "status": bearer, "body": bearer }] });
    (claims["tid"] == numbered(BROKEN)).then(|| (200, "application/json", echo.to_string()))
}

fn with_certificate(name: &str) -> Value {
    signing_in_with(name, &json!({ "clientCertificate": { "name": name, "key": "client.pem" } }))
}

fn with_account(name: &str, account: &str) -> Value {
    signing_in_with(name, &json!({ "workloadIdentity": { "serviceAccountName": account } }))
}

/// Objects of all four kinds, good and bad, and what each says in the end.
fn objects() -> Vec<(Value, &'static str)> {
    let secret = |name, secret, number| about(&numbered(number), with_secret(name, secret));
    vec![
        (with_secret("secret", "right"), "Ready=True InSync"),
        (with_certificate("certificate"), "Ready=True InSync"),
        (with_account("account", "reader"), "Ready=True InSync"),
        (with_account("untold", "garbled"), "Observed=Unknown NotObserved"),
        (signing_in_with("operator", &json!({ "operatorIdentity": {} })), "Ready=True InSync"),
        (with_secret("wrong", "wrong"), "Ready=False CredentialInvalid"),
        (with_certificate("two-keys"), "Ready=False CredentialInvalid"),
        (about(&numbered(STRANGER), with_certificate("unregistered")), "Ready=False CredentialInvalid"),
        (about(&numbered(STRANGER), with_account("refused", "reader")), "Ready=False CredentialInvalid"),
        (secret("unprivileged", "right", UNPRIVILEGED), "Ready=False PermissionMissing"),
        (secret("cut", "right", CUT), "Observed=Unknown TokenEndpointUnavailable"),
        (secret("echo", "right", ECHO), "Ready=False CredentialInvalid"),
        (secret("page", "right", PAGE), "Observed=Unknown MalformedResponse"),
        (secret("broken", "right", BROKEN), "Observed=Unknown MalformedResponse"),
    ]
}

/// The pretend Microsoft with all tenants.
async fn tenants(scene: &Scene<'_>) -> Recorder {
    let issuer = Issuer::of(&scene.cluster.client).await;
    let recorder = Recorder::start(spoil).await;
    let with_secret = |scenario: &mut Value| scenario["clientSecrets"][0]["secret"] = RIGHT.into();
    recorder.load(TENANT, |scenario| {
        with_secret(scenario);
        register(scenario);
        issuer.trusted(scenario, &scene.subject("reader"), AUDIENCE);
        issuer.trusted(scenario, &scene.subject("operator"), AUDIENCE);
    });
    recorder.load(&numbered(STRANGER), |scenario| issuer.trusted(scenario, "someone else", AUDIENCE));
    recorder.load(&numbered(UNPRIVILEGED), |scenario| {
        with_secret(scenario);
        scenario["appRoleAssignments"].as_array_mut().unwrap().retain(|row| row["client"] != OPERATOR);
    });
    for number in [CUT, ECHO, PAGE, BROKEN] {
        recorder.load(&numbered(number), with_secret);
    }
    recorder
}

/// The Secrets, accounts and objects in the cluster; the object `garbled` has a Secret that no client can read.
async fn declare(scene: &Scene<'_>) {
    let pem = |parts: &[&str]| json!({ "client.pem": parts.concat() });
    scene.secret("right", &json!({ "client-secret": format!("{RIGHT}\n") })).await;
    scene.secret("wrong", &json!({ "client-secret": WRONG })).await;
    scene.secret("certificate", &pem(&[CERTIFICATE, KEY])).await;
    scene.secret("unregistered", &pem(&[CERTIFICATE, KEY])).await;
    scene.secret("two-keys", &pem(&[CERTIFICATE, KEY, OTHER_KEY])).await;
    scene.service_account("reader", Some(OPERATOR)).await;
    scene.service_account("garbled", Some(OPERATOR)).await;
    for (object, _) in objects() {
        scene.create(&object).await;
    }
    scene.create(&with_secret("garbled", "garbled")).await;
}

/// Answers of the API server that are nothing of what was asked for, and hold it all the same.
fn garbled() -> Vec<(&'static str, String)> {
    let answer = |kind: &str, name: &str, value: &str| {
        json!({ "kind": kind, "metadata": { "name": "garbled" }, name: value }).to_string()
    };
    vec![
        ("/secrets/garbled", answer("Secret", "data", GARBLED)),
        ("/serviceaccounts/garbled/token", answer("TokenRequest", "status", GARBLED_TOKEN)),
    ]
}

/// The built program, as talkative as can be.
fn start(scene: &Scene<'_>, microsoft: &str, kubeconfig: &str, token_file: &str) -> Program {
    let allowed = format!("{}={TENANT}", scene.namespace);
    let arguments = [
        ["run", "--log=trace"],
        ["--log-format", "json"],
        ["--namespace", scene.namespace],
        ["--emulator", microsoft],
        ["--metrics-address", "127.0.0.1:0"],
        ["--timing-divisor", "30"],
        ["--allow-operator-identity", &allowed],
    ];
    let environment = [
        ("KUBECONFIG", kubeconfig),
        ("AZURE_CLIENT_ID", OPERATOR),
        ("AZURE_FEDERATED_TOKEN_FILE", token_file),
        ("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com/"),
    ];
    Program::start(arguments.as_flattened(), &environment)
}

pub async fn no_secret_and_no_token_gets_out(stage: &Stage) {
    let scene = Scene::open(stage, "canary").await;
    let front = Front::open(scene.cluster.client.clone(), garbled()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    scene.service_account("operator", None).await;
    let own = scene.token("operator", AUDIENCE).await;
    let (kubeconfig, token_file) = (file("kubeconfig", &front.kubeconfig(KUBERNETES)), file("token", &own));
    let recorder = tenants(&scene).await;
    declare(&scene).await;
    let program = start(&scene, &recorder.url, &kubeconfig, &token_file);
    let address = program.until_logged("\"message\":\"serving metrics at /metrics\",\"address\":\"").await;
    for (object, says) in objects() {
        scene.until_says(object["metadata"]["name"].as_str().unwrap(), says).await;
    }
    program.until_logged("the pass over canary/garbled failed").await;
    let looked_at = |kind: &Kind, is_challenged| recorder.saw(|exchange| kind.is_accepted(exchange, is_challenged));
    recorder.revoke_tokens(TENANT);
    for kind in &KINDS {
        eventually("a new token is fetched after the challenge", async || looked_at(kind, true)).await;
        assert!(looked_at(kind, false), "{kind:?}");
    }
    for (object, says) in objects() {
        scene.until_says(object["metadata"]["name"].as_str().unwrap(), says).await;
    }

    let metrics = metrics(address.split('"').next().unwrap()).await;
    let (out, log) = program.stop().await;
    let canaries = canaries(&recorder.exchanges(), &own);
    were_used(&recorder, &front);
    is_talkative(&log);
    let told = [("log", log), ("standard output", out), ("metrics", metrics), ("cluster", in_cluster(&scene).await)];
    for (place, text) in &told {
        let leaked: Vec<&str> =
            canaries.iter().filter(|(_, shape)| text.contains(shape)).map(|(what, _)| what.as_str()).collect();
        assert_eq!(leaked, Vec::<&str>::new(), "in {place}: {}", shown(text, &canaries));
    }
    scene.close().await;
}

/// How an exchange with the token endpoint shows that it was this kind of credential.
#[derive(Debug)]
enum Kind {
    Secret,
    Certificate,
    Account(&'static str),
}

const KINDS: [Kind; 4] = [Kind::Secret, Kind::Certificate, Kind::Account("reader"), Kind::Account("operator")];

impl Kind {
    /// Whether the incident's tenant gave a token for it, after a challenge or without.
    fn is_accepted(&self, exchange: &Exchange, is_challenged: bool) -> bool {
        let Exchange { path, form, status, .. } = exchange;
        let is_asked = path.contains(TENANT) && *status == 200 && form.contains_key("claims") == is_challenged;
        let subject = || {
            let payload = URL_SAFE_NO_PAD.decode(form.get("client_assertion")?.split('.').nth(1)?).ok()?;
            serde_json::from_slice::<Value>(&payload).ok()?["sub"].as_str().map(str::to_owned)
        };
        is_asked
            && match self {
                Self::Secret => form.get("client_secret").is_some_and(|secret| secret == RIGHT),
                Self::Certificate => subject().as_deref() == Some(OPERATOR),
                Self::Account(name) => subject().is_some_and(|subject| subject.ends_with(&format!(":canary:{name}"))),
            }
    }
}

/// All canaries in all shapes, each with what it is.
fn canaries(exchanges: &[Exchange], own: &str) -> Vec<(String, String)> {
    let mut canaries = vec![("the beginning of a secret".to_owned(), MARK.to_owned())];
    for secret in [RIGHT, WRONG, GARBLED, GARBLED_TOKEN, KUBERNETES] {
        let json = Value::from(secret).to_string();
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for shape in [secret, json.trim_matches('"'), &format!("{secret:?}"), &encoded] {
            canaries.push((format!("secret {secret}"), shape.to_owned()));
        }
        canaries.push((format!("secret {secret} in base64"), in_base64(secret)));
        canaries.push((format!("secret {secret} in base64url"), URL_SAFE_NO_PAD.encode(secret)));
    }
    for pem in [KEY, OTHER_KEY] {
        canaries.extend(key_lines(pem).map(|line| ("a line of a private key".to_owned(), line.to_owned())));
        // As a Secret holds it, at each place where a line of a log could begin.
        let encoded = STANDARD.encode(pem);
        let pieces = encoded.as_bytes().chunks_exact(64).skip(1);
        let pieces = pieces.map(|piece| String::from_utf8(piece.to_vec()).unwrap());
        canaries.extend(pieces.map(|piece| ("a private key in base64".to_owned(), piece)));
    }
    let tokens: BTreeSet<String> = exchanges.iter().flat_map(tokens_of).chain([own.to_owned()]).collect();
    for token in tokens {
        for (what, part) in ["payload", "signature"].into_iter().zip(token.split('.').skip(1)) {
            canaries.push((format!("{what} of token {token}"), middle(part)));
        }
        canaries.push((format!("token {token} in base64"), in_base64(&token)));
    }
    canaries
}

/// Base64 of a text that may be followed by more.
fn in_base64(text: &str) -> String {
    STANDARD_NO_PAD.encode(&text.as_bytes()[..text.len() / 3 * 3])
}

/// Long enough to be nothing else, even where the ends are cut off.
fn middle(part: &str) -> String {
    let cut = part.len() / 4;
    part.chars().skip(cut).take(part.len() - 2 * cut).collect()
}

/// All tokens of an exchange: shown, received, and shown to get one.
fn tokens_of(exchange: &Exchange) -> Vec<String> {
    let Exchange { bearer, form, body, .. } = exchange;
    let bearer = bearer.as_ref().and_then(|bearer| bearer.strip_prefix("Bearer ")).map(str::to_owned);
    let after = body.split_once("\"access_token\":\"").map(|(_, rest)| rest);
    let access = after.map(|rest| rest.split('"').next().unwrap_or(rest).to_owned());
    bearer.into_iter().chain(form.get("client_assertion").cloned()).chain(access).collect()
}

/// The canaries went where they belong, so that they could have got out on the way.
fn were_used(recorder: &Recorder, front: &Front) {
    assert!(front.saw(KUBERNETES));
    let is_wrong = |exchange: &Exchange| exchange.form.get("client_secret").is_some_and(|secret| secret == WRONG);
    assert!(recorder.saw(|exchange| is_wrong(exchange) && exchange.status == 401));
    let is_refused = |exchange: &Exchange| exchange.form.contains_key("client_assertion") && exchange.status == 401;
    assert!(recorder.saw(|exchange| exchange.path.contains(&numbered(STRANGER)) && is_refused(exchange)));
    for echo in
        ["AADSTS7000215: Invalid client secret Canary", "You sent Authorization: Bearer ", "\"status\":\"Bearer "]
    {
        assert!(recorder.saw(|exchange| exchange.body.contains(echo)), "{echo}");
    }
    let is_challenge = |exchange: &Exchange| exchange.bearer.is_some() && exchange.status == 401;
    assert!(recorder.saw(is_challenge), "a token was revoked");
    let is_read = |exchange: &Exchange| exchange.bearer.is_some() && exchange.status == 200;
    let read: Vec<Exchange> = recorder.exchanges().into_iter().filter(is_read).collect();
    let tokens: BTreeSet<&String> = read.iter().filter_map(|exchange| exchange.bearer.as_ref()).collect();
    assert!(tokens.len() >= 8, "four kinds, before the challenge and after it: {}", tokens.len());
}

/// The log is one in which something could have been found. Libraries that speak through the crate `log`, such as reqwest
/// and rustls, are not heard in this program at all.
fn is_talkative(log: &str) {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let targets: BTreeSet<&str> = lines.iter().filter_map(|line| line["target"].as_str()).collect();
    let levels: BTreeSet<&str> = lines.iter().filter_map(|line| line["level"].as_str()).collect();
    assert!(lines.len() > 300, "{} lines", lines.len());
    assert!(levels.contains("TRACE") && levels.contains("DEBUG"), "{levels:?}");
    for library in ["hyper_util", "kube_client", "tower", "webex_azure_operator"] {
        assert!(targets.iter().any(|target| target.starts_with(library)), "nothing of {library} in {targets:?}");
    }
}

async fn metrics(address: &str) -> String {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = http.get(format!("http://{address}/metrics")).header("accept", "application/openmetrics-text");
    let answer = asked.send().await.unwrap();
    let text = answer.error_for_status().unwrap().text().await.unwrap();
    assert!(text.contains("# EOF"), "{text}");
    text
}

/// Everything that the program wrote into the cluster: objects with their statuses, and events.
async fn in_cluster(scene: &Scene<'_>) -> String {
    let events: Api<Event> = Api::namespaced(scene.cluster.client.clone(), scene.namespace);
    let events = events.list(&ListParams::default()).await.unwrap().items;
    assert!(events.iter().any(|event| event.reason.as_deref() == Some("SecretTrimmed")), "{events:#?}");
    let objects = scene.objects.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(objects.len(), self::objects().len() + 1);
    format!("{}\n{}", json!(events), json!(objects))
}

/// The lines in which something leaked, for whoever has to find out why.
fn shown(text: &str, canaries: &[(String, String)]) -> String {
    let leaks = |line: &&str| canaries.iter().any(|(_, shape)| line.contains(shape));
    let mut shown = String::new();
    for line in text.lines().filter(leaks).take(5) {
        // Writing to a String cannot fail.
        let _ = writeln!(shown, "{}", line.chars().take(2000).collect::<String>());
    }
    shown
}
