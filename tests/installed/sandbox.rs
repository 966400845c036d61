//! What a container runtime does: a program in a root of its own that it cannot write to, as a user that may do nothing.
//!
//! The tools are those of every Linux (util-linux, coreutils, libc): `unshare`, `mount`, `setpriv`, `chroot`, `ldd`.

use std::{
    fs::Permissions,
    io::ErrorKind,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, ChildStdin, Command},
    task::JoinSet,
};

/// Where the program is in its root.
const PROGRAM: &str = "/webex-azure-operator";

/// Where the image has the authorities of the public web.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Starts what follows in a process group that ends when the pipe on standard input does: also when this process was
/// killed.
const GUARD: &str = r#"
exec 3<&0 </dev/null
(
    read -r _ <&3
    kill -s KILL 0
) >/dev/null 2>&1 &
exec "$@" 3<&-
"#;

/// Runs as root of mount and process namespaces of its own: lays the volumes over the root, makes all of it read-only, and
/// turns into the program as the given user, process 1 of its namespace as in a container.
///
/// A mount keeps the flags that it has from its file system, because a user namespace may not take them away. The process
/// tells which one it is outside, which only the old `/proc` knows.
const SEAL: &str = r#"
set -eu
way=$1 image=$2 report=$3 user=$4 group=$5
shift 5
read -r process _ </proc/self/stat
seal() {
    kept=$(findmnt --noheadings --output VFS-OPTIONS --mountpoint "$1" | tail -n 1)
    mount -o "remount,bind,$kept,ro" "$1"
}
mount --bind "$image" "$image"
mount -t proc -o nosuid,nodev,noexec proc "$image/proc" 2>/dev/null || mount --rbind /proc "$image/proc"
while [ "$1" != -- ]; do
    mount --bind "$1" "$image$2"
    seal "$image$2"
    shift 2
done
shift
seal "$image"
echo "$process" >"$report.unfinished"
mv "$report.unfinished" "$report"
case $way in
root) exec setpriv --no-new-privs chroot --userspec="$user:$group" --groups= "$image" "$@" ;;
mapped) exec setpriv --no-new-privs unshare --user --map-user="$user" --map-group="$group" --root="$image" --wd=/ "$@" ;;
esac
"#;

/// The parts of it that a machine may forbid.
const TRIAL: &str = r"
set -eu
mount --bind /proc /proc
case $1 in
root) exec setpriv --no-new-privs --reuid=65532 --regid=65532 --clear-groups true ;;
mapped) exec setpriv --no-new-privs unshare --user --map-user=65532 --map-group=65532 true ;;
esac
";

/// How a process becomes root of namespaces of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It is root already; users in the container are users of the machine.
    Root,
    /// By a user namespace, in which the one user of the container is who runs the tests.
    Mapped,
}

impl Way {
    /// The way that is open on this machine; a test that finds none fails.
    async fn found() -> Self {
        let mut said = Vec::new();
        for way in [Self::Root, Self::Mapped] {
            let mut tried = Command::new("unshare");
            tried.args(way.namespaces()).args(["/bin/sh", "-c", TRIAL, "trial", way.name()]);
            match tried.output().await {
                Ok(output) if output.status.success() => return way,
                Ok(output) => said.push(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
                Err(error) => said.push(error.to_string()),
            }
        }
        panic!(
            "the program cannot be given a root of its own: unshare (of util-linux) must be there, and these tests must run \
             as root with CAP_SYS_ADMIN or where everybody may make user namespaces (user.max_user_namespaces above 0, and \
             0 in kernel.apparmor_restrict_unprivileged_userns where that exists); it said: {}",
            said.join("; ")
        )
    }

    fn namespaces(self) -> &'static [&'static str] {
        match self {
            Self::Root => &["--mount", "--pid", "--fork", "--"],
            Self::Mapped => &["--user", "--map-root-user", "--mount", "--pid", "--fork", "--"],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Mapped => "mapped",
        }
    }
}

/// What the image holds: the program and whom it trusts. A program of a debug build needs libraries too.
#[derive(Debug)]
pub struct Image {
    folder: TempDir,
    /// How it is entered.
    pub way: Way,
}

impl Image {
    /// Of the program that cargo built for these tests.
    pub async fn built() -> Self {
        let way = Way::found().await;
        // A program can be run from there, which is not said of every folder for temporary files.
        let folder = tempfile::Builder::new()
            .prefix("image-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap();
        let image = Self { folder, way };
        let program = Path::new(env!("CARGO_BIN_EXE_webex-azure-operator"));
        // A debug build is large; where it cannot be linked it is copied.
        if std::fs::hard_link(program, image.inside(PROGRAM)).is_err() {
            image.hold(program, PROGRAM);
        }
        for library in libraries(program).await {
            image.hold(Path::new(&library), &library);
        }
        image.mount_point("/proc");
        image.mount_point("/etc/ssl/certs");
        std::fs::write(image.inside(AUTHORITIES), some_authority()).unwrap();
        image
    }

    fn hold(&self, file: &Path, path: &str) {
        let own = self.inside(path);
        std::fs::create_dir_all(own.parent().unwrap()).unwrap();
        std::fs::copy(file, &own).unwrap();
        std::fs::set_permissions(&own, Permissions::from_mode(0o755)).unwrap();
    }

    /// Makes a folder for a mount, as runtimes do.
    pub fn mount_point(&self, path: &str) {
        std::fs::create_dir_all(self.inside(path)).unwrap();
    }

    fn inside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path.trim_start_matches('/'))
    }
}

/// The program does not start with nobody to trust. Nobody has to be who this says: the emulator is asked without TLS, and
/// the API server's certificate comes with the token.
fn some_authority() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem()
}

/// What the dynamic loader would load, and the loader; nothing for a static program.
async fn libraries(program: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output().await.expect("ldd, which comes with every libc, can be run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    // `name => /path (address)`, or `/path (address)` for the loader.
    let paths = said.split_whitespace().filter(|word| word.starts_with('/') && !word.ends_with(':'));
    paths.map(str::to_owned).collect()
}

/// What is run in an image.
#[derive(Debug, Default)]
pub struct Order {
    /// Arguments of the program.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: Vec<(String, String)>,
    /// Folders and where they are mounted, read-only.
    pub mounts: Vec<(PathBuf, String)>,
    /// Its user.
    pub user: u32,
    /// Its only group.
    pub group: u32,
}

/// What was read of a stream so far.
type Text = Arc<Mutex<Vec<u8>>>;

/// The running program.
#[derive(Debug)]
pub struct Container {
    name: String,
    child: Child,
    process: u32,
    out: Text,
    err: Text,
    readers: JoinSet<()>,
    _guard: ChildStdin,
    _report: TempDir,
}

impl Container {
    /// Starts it, with a file for the time being in this folder.
    pub async fn start(name: &str, image: &Image, order: &Order, folder: &Path) -> Self {
        for (_, path) in &order.mounts {
            image.mount_point(path);
        }
        let folder = tempfile::tempdir_in(folder).unwrap();
        let report = folder.path().join("process");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "guard", "unshare"]).args(image.way.namespaces());
        command.args(["/bin/sh", "-c", SEAL, "seal", image.way.name()]).arg(image.folder.path()).arg(&report);
        command.args([order.user.to_string(), order.group.to_string()]);
        for (folder, path) in &order.mounts {
            command.arg(folder).arg(path);
        }
        command.args(["--", PROGRAM]).args(&order.arguments);
        // The shells need a path too, and it is the one that runtimes give.
        command.env_clear().envs(order.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.process_group(0).kill_on_drop(true).spawn().unwrap();
        let (out, err) = (Text::default(), Text::default());
        let mut readers = JoinSet::new();
        readers.spawn(read(child.stdout.take().unwrap(), Arc::clone(&out)));
        readers.spawn(read(child.stderr.take().unwrap(), Arc::clone(&err)));
        let guard = child.stdin.take().unwrap();
        let process = reported(&report, &mut child, &err).await;
        Self { name: name.to_owned(), child, process, out, err, readers, _guard: guard, _report: folder }
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        text(&self.err)
    }

    /// A file below `/proc` of the machine about this process.
    pub fn about(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process)).unwrap()
    }

    /// What it sees at the top of its file system.
    pub fn root(&self) -> Vec<String> {
        let entries = std::fs::read_dir(format!("/proc/{}/root", self.process)).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Tells it to stop, as a kubelet does, and waits as long as a kubelet would before it kills; its standard output and
    /// its log.
    pub async fn stop(mut self, grace: Duration) -> (String, String) {
        let told = Command::new("kill").args(["-s", "TERM", &self.process.to_string()]).status().await.unwrap();
        assert!(told.success());
        let ended = tokio::time::timeout(grace, self.child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("{} still runs {grace:?} after SIGTERM", self.name)).unwrap();
        while self.readers.join_next().await.is_some() {}
        assert!(ended.success(), "{}: {ended}", self.name);
        (text(&self.out), text(&self.err))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the end of the log of {}:\n{}", self.name, lines[lines.len().saturating_sub(40)..].join("\n"));
        }
    }
}

/// The process as the machine numbers it, which is there when the root is ready.
async fn reported(report: &Path, child: &mut Child, err: &Text) -> u32 {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        match std::fs::read_to_string(report) {
            Ok(process) => return process.trim().parse().unwrap(),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => panic!("{}: {error}", report.display()),
        }
        if let Some(ended) = child.try_wait().unwrap() {
            panic!("no root could be made for the program ({ended}): {}", text(err));
        }
    }
}

/// Writes a file that only the user of a container may read, as a kubelet does with tokens.
pub fn write_for(image: &Image, user: u32, path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
    match image.way {
        Way::Root => chown(path, Some(user), None).unwrap(),
        Way::Mapped => {} // whoever runs the tests is that user
    }
}

async fn read(mut stream: impl AsyncRead + Unpin, into: Text) {
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut chunk).await {
        into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&chunk[..count]);
    }
}

fn text(of: &Text) -> String {
    String::from_utf8_lossy(&of.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
}
