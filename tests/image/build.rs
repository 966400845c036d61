//! Makes the image from the Containerfile, with nothing pulled: the builder stage's commands run here, and its folder is
//! given to buildah in place of that stage.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use super::folder;

/// Where the authorities are on Debian, in the builder's image as well as here.
const AUTHORITIES: &str = "etc/ssl/certs/ca-certificates.crt";

/// The folder of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn containerfile() -> String {
    fs::read_to_string(root().join("Containerfile")).unwrap()
}

/// Builds the program, which takes minutes the first time, and from it the image into `layout`.
pub fn image() {
    let folder = folder();
    fs::create_dir_all(folder.join("cargo")).unwrap();
    let builder = folder.join("builder");
    for stale in ["builder", "layout", "roots", "storage"] {
        // It may not be there.
        let _ = fs::remove_dir_all(folder.join(stale));
    }
    // As the builder stage copies it: what .dockerignore leaves, and of that nothing but the manifests and the sources.
    let work = builder.join("build");
    let context = folder.join("context.Containerfile");
    fs::write(&context, "FROM scratch\nCOPY Cargo.toml Cargo.lock /\nCOPY src /src\n").unwrap();
    let to_folder = format!("type=local,dest={}", work.display());
    buildah(&["--output", &to_folder, "--file", context.to_str().unwrap()]);
    symlink(folder.join("cargo"), work.join("target")).unwrap();
    let mut shell = Command::new("sh");
    compile(shell.args(["-c", &builder_command(&containerfile())]).current_dir(&work));
    fs::create_dir_all(builder.join("etc/ssl/certs")).unwrap();
    fs::copy(Path::new("/").join(AUTHORITIES), builder.join(AUTHORITIES))
        .unwrap_or_else(|error| panic!("/{AUTHORITIES}, of the package ca-certificates, is needed: {error}"));
    buildah(&[
        "--build-context",
        &format!("builder={}", builder.display()),
        "--file",
        root().join("Containerfile").to_str().unwrap(),
        "--tag",
        &format!("oci:{}:image", folder.join("layout").display()),
    ]);
}

/// What the Containerfile's one `RUN` does.
fn builder_command(containerfile: &str) -> String {
    let mut commands = containerfile.split("\nRUN ").skip(1);
    let command = commands.next().expect("the builder stage runs something");
    assert!(commands.next().is_none(), "there is one RUN, and this test runs it");
    let mut joined = String::new();
    for line in command.lines() {
        let (part, goes_on) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        joined.push_str(part);
        if !goes_on {
            break;
        }
    }
    joined
}

/// Runs a build as in a fresh image: without the settings of the build that these tests are part of.
fn compile(command: &mut Command) {
    let kept = ["CARGO_HOME", "CARGO_NET_", "CARGO_HTTP_", "CARGO_REGISTR"];
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        let is_of_cargo = name.starts_with("CARGO") && !kept.iter().any(|kept| name.starts_with(kept));
        if is_of_cargo || name == "RUSTFLAGS" {
            command.env_remove(name);
        }
    }
    eprintln!("image: compiling the program as the Containerfile says");
    run(command, "the command of the Containerfile");
}

/// `buildah build` of what stands in the repository, with a store of our own.
fn buildah(arguments: &[&str]) {
    let (storage, run_root) = (folder().join("storage"), folder().join("storage/run"));
    let mut command = Command::new("buildah");
    command.arg("--root").arg(storage).arg("--runroot").arg(run_root);
    command.args(["--storage-driver", "vfs", "build", "--isolation", "chroot", "--quiet"]);
    run(command.args(["--timestamp", "0"]).args(arguments).arg(root()), "buildah, of the package of that name,");
}

/// Runs a command that has to succeed.
pub fn run(command: &mut Command, what: &str) {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{what} is needed: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} failed, {}:\n{said}", output.status);
}
