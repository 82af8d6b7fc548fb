//! Finds Debian's kernels: a label such as `6.12` becomes a kernel image on this machine.
//!
//! The machine's own package client fetches them, with sources and lists of their own beside the image cache, so the
//! machine's configuration stays as it is. The mirror is the one the machine uses, if it is a Debian. Kernels are kept in
//! `$XDG_CACHE_HOME/lancet/kernels` (`~/.cache/lancet/kernels`); nothing is fetched twice.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A kernel to boot.
pub struct Kernel {
    /// The image.
    pub image: PathBuf,
}

/// Which suite and package a label means.
const KERNELS: &[(&str, &str, &str)] = &[
    ("5.10", "bullseye", "linux-image-cloud-amd64"),
    ("6.1", "bookworm", "linux-image-cloud-amd64"),
    ("6.12", "bookworm-security", "linux-image-6.12-cloud-amd64"),
    ("7.2", "sid", "linux-image-cloud-amd64"),
];

/// The kernel of a label, fetched when it is not there yet.
pub fn get(label: &str) -> Result<Kernel, String> {
    let Some((_, suite, package)) = KERNELS.iter().find(|(known, ..)| *known == label) else {
        let known: Vec<&str> = KERNELS.iter().map(|(label, ..)| *label).collect();
        return Err(format!("unknown kernel {label}: one of {}", known.join(", ")));
    };
    let folder = cache()?.join(label);
    if !folder.is_dir() {
        println!("kernel {label}: fetching {package} of {suite}");
        fetch(&folder, suite, package).map_err(|error| format!("kernel {label} cannot be fetched: {error}"))?;
    }
    image_below(&folder)
        .map(|image| Kernel { image })
        .ok_or_else(|| format!("no kernel image below {}", folder.display()))
}

fn cache() -> Result<PathBuf, String> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    Ok(base.or_else(home).ok_or("neither XDG_CACHE_HOME nor HOME is set")?.join("lancet/kernels"))
}

/// Fetches and unpacks a kernel's packages; the folder appears only when it is complete.
fn fetch(folder: &Path, suite: &str, package: &str) -> Result<(), String> {
    let work = folder.with_extension("incomplete");
    let _ = std::fs::remove_dir_all(&work);
    for part in ["lists/partial", "archives/partial", "packages", "files"] {
        std::fs::create_dir_all(work.join(part)).map_err(|error| error.to_string())?;
    }
    let client = Client::new(&work, suite)?;
    client.call("apt-get", &["update"])?;
    let packages = client.with_parts(package)?;
    let mut arguments = vec!["download"];
    arguments.extend(packages.iter().map(String::as_str));
    client.call("apt-get", &arguments)?;
    let archives = std::fs::read_dir(work.join("packages")).map_err(|error| error.to_string())?;
    for archive in archives.flatten() {
        output(Command::new("dpkg-deb").arg("-x").args([archive.path(), work.join("files")]))?;
    }
    std::fs::rename(work.join("files"), folder).map_err(|error| error.to_string())?;
    let _ = std::fs::remove_dir_all(&work);
    Ok(())
}

/// The newest image, wherever the release keeps it.
fn image_below(folder: &Path) -> Option<PathBuf> {
    let modules = ["usr/lib/modules", "lib/modules"].map(|path| folder.join(path));
    let listed = |folder: &Path| std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let boot = listed(&folder.join("boot"))
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-")));
    let beside = modules.iter().flat_map(|folder| listed(folder)).map(|path| path.join("vmlinuz"));
    boot.chain(beside).filter(|path| path.exists()).max()
}

/// The package client with its own configuration.
struct Client {
    options: Vec<String>,
    packages: PathBuf,
}

impl Client {
    fn new(work: &Path, suite: &str) -> Result<Client, String> {
        let (url, key) = mirror(suite)?;
        let signed = key.map(|key| format!(" signed-by={key}")).unwrap_or_default();
        let sources = work.join("sources.list");
        std::fs::write(&sources, format!("deb [arch=amd64{signed}] {url} {suite} main\n"))
            .map_err(|error| error.to_string())?;
        let settings = [
            format!("Dir::Etc::SourceList={}", sources.display()),
            "Dir::Etc::SourceParts=-".to_owned(),
            format!("Dir::State::Lists={}", work.join("lists").display()),
            format!("Dir::Cache={}", work.display()),
            "Acquire::Languages=none".to_owned(),
            "APT::Architecture=amd64".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
        ];
        let options = settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]).collect();
        Ok(Client { options, packages: work.join("packages") })
    }

    fn call(&self, program: &str, arguments: &[&str]) -> Result<String, String> {
        output(Command::new(program).args(&self.options).args(arguments).current_dir(&self.packages))
    }

    /// The packages that hold the kernel which a meta package names today.
    fn with_parts(&self, meta: &str) -> Result<Vec<String>, String> {
        let depends = |package: &str| -> Result<Vec<String>, String> {
            let text = self.call("apt-cache", &["depends", package])?;
            let named = text.lines().filter_map(|line| line.trim().trim_start_matches('|').strip_prefix("Depends: "));
            Ok(named.map(str::to_owned).collect())
        };
        let is_part = |name: &String| {
            let kinds = ["linux-image-", "linux-binary-", "linux-modules-"];
            kinds
                .iter()
                .any(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
        };
        let mut waiting = depends(meta)?;
        let mut found = Vec::new();
        while let Some(package) = waiting.pop() {
            if is_part(&package) && !found.contains(&package) {
                waiting.extend(depends(&package)?);
                found.push(package);
            }
        }
        if found.is_empty() { Err(format!("{meta} names no kernel")) } else { Ok(found) }
    }
}

/// The mirror for a suite and the key ring it is signed with.
fn mirror(suite: &str) -> Result<(String, Option<String>), String> {
    const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
    let security = suite.ends_with("-security");
    let own = machine_mirror(security);
    let url = own.unwrap_or_else(|| format!("http://deb.debian.org/debian{}", if security { "-security" } else { "" }));
    if Path::new(KEYS).exists() {
        return Ok((url, Some(KEYS.to_owned())));
    }
    let is_debian = std::fs::read_to_string("/etc/os-release").unwrap_or_default().contains("\nID=debian");
    if is_debian { Ok((url, None)) } else { Err(format!("{KEYS} is missing (package debian-archive-keyring)")) }
}

/// The first Debian mirror among the machine's own sources.
fn machine_mirror(security: bool) -> Option<String> {
    let folder = std::fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> = folder.chain([PathBuf::from("/etc/apt/sources.list")]).collect();
    files.sort();
    let text: String =
        files.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect::<Vec<_>>().join("\n");
    let wanted = if security { "/debian-security" } else { "/debian" };
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let urls = lines.flat_map(str::split_whitespace).filter(|word| word.starts_with("http"));
    urls.map(|url| url.trim_end_matches('/')).find(|url| url.ends_with(wanted)).map(str::to_owned)
}

fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program}: {}", text.trim().lines().last().unwrap_or("failed")))
}
