//! One run of QEMU: a kernel and an initramfs become messages, and the way it ended.
//!
//! The machine is emulated, so it works where there is no KVM. The console and the messages go to files that are
//! followed while it runs. It is killed when it says nothing for too long.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::image::Image;
use super::kernel_package::Kernel;

const QEMU: &str = "qemu-system-x86_64";
/// How long a machine may take until its first message.
const BOOT_LIMIT: Duration = Duration::from_secs(180);
/// How long it may be silent: more than the longest case with its time limit stretched.
const SILENCE_LIMIT: Duration = Duration::from_secs(300);

/// What the machine tells.
pub enum Message {
    /// It is up, with this kernel.
    Kernel(String),
    /// A case passed.
    Passed(String),
    /// A case failed, with details.
    Failed(String, String),
    /// A case cannot run there, and why.
    Skipped(String, String),
}

/// How a machine ended.
pub enum End {
    /// All cases were run.
    Done,
    /// It died, hung or never came up.
    Crashed {
        /// The case that was running.
        during: Option<String>,
        /// What the console said last.
        why: String,
    },
}

/// Says what is missing to run virtual machines.
pub fn available() -> Result<(), String> {
    let found =
        |program: &str| Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found(QEMU).map(drop).map_err(|_| format!("{QEMU} is not installed (package qemu-system-x86)"))
}

/// Boots a machine and follows it to its end.
pub fn boot(kernel: &Kernel, image: &Image, took: &mut dyn FnMut(Message)) -> End {
    let console = image.folder.join("console");
    let messages = image.folder.join("messages");
    let crashed = |why: String| End::Crashed { during: None, why };
    let file = match File::create(&messages).and_then(|_| File::open(&messages)) {
        Ok(file) => file,
        Err(error) => return crashed(format!("{}: {error}", messages.display())),
    };
    let mut qemu = match start(kernel, image, &console, &messages) {
        Ok(child) => Killed(child),
        Err(error) => return crashed(format!("{QEMU}: {error}")),
    };
    let mut follower =
        Follower { file, rest: String::new(), running: None, details: String::new(), up: false, done: false };
    let mut heard = Instant::now();
    let mut why = None;
    while !follower.done && why.is_none() {
        let gone = !matches!(qemu.0.try_wait(), Ok(None));
        if follower.read(took) {
            heard = Instant::now();
        } else if gone {
            why = Some(last_words(&console));
        } else if heard.elapsed() > if follower.up { SILENCE_LIMIT } else { BOOT_LIMIT } {
            why = Some(format!("the machine was silent for {} s", heard.elapsed().as_secs()));
        }
        sleep(Duration::from_millis(30));
    }
    match why {
        None => End::Done,
        Some(why) => End::Crashed { during: follower.running, why },
    }
}

fn start(kernel: &Kernel, image: &Image, console: &Path, messages: &Path) -> std::io::Result<Child> {
    let serial = |path: &Path| format!("file:{}", path.display());
    // With a thread for each processor the emulator sometimes runs into code that the kernel is just patching.
    Command::new(QEMU)
        .args([
            "-accel",
            "tcg,thread=single",
            "-cpu",
            "max",
            "-smp",
            "2",
            "-m",
            "1536",
            "-nodefaults",
            "-no-user-config",
        ])
        .args(["-display", "none", "-no-reboot", "-kernel"])
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(&image.initramfs)
        .args(["-append", "console=ttyS0 quiet panic=-1 oops=panic mitigations=off"])
        .args(["-serial", &serial(console), "-serial", &serial(messages)])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Reads messages as they are written.
struct Follower {
    file: File,
    rest: String,
    running: Option<String>,
    details: String,
    up: bool,
    done: bool,
}

impl Follower {
    /// Takes what is new; false when there is nothing.
    fn read(&mut self, took: &mut dyn FnMut(Message)) -> bool {
        let mut bytes = Vec::new();
        if self.file.read_to_end(&mut bytes).unwrap_or(0) == 0 {
            return false;
        }
        self.rest += &String::from_utf8_lossy(&bytes);
        while let Some((line, rest)) = self.rest.split_once('\n') {
            let line = line.trim_end_matches('\r').to_owned();
            self.rest = rest.to_owned();
            self.line(&line, took);
        }
        true
    }

    fn line(&mut self, line: &str, took: &mut dyn FnMut(Message)) {
        if let Some(detail) = line.strip_prefix('|') {
            self.details.extend([detail, "\n"]);
            return;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "@kernel" => {
                self.up = true;
                took(Message::Kernel(rest.to_owned()));
            }
            "@start" => self.running = Some(rest.to_owned()),
            "@passed" => {
                self.running = None;
                took(Message::Passed(rest.to_owned()));
            }
            "@failed" => {
                self.running = None;
                took(Message::Failed(rest.to_owned(), std::mem::take(&mut self.details)));
            }
            "@skipped" => {
                let (name, reason) = rest.split_once('\t').unwrap_or((rest, ""));
                took(Message::Skipped(name.to_owned(), reason.to_owned()));
            }
            "@done" => self.done = true,
            _ => {}
        }
    }
}

/// What the kernel says of a panic, from its first word to the registers and the call trace.
const LINES_OF_PANIC: usize = 60;

/// The panic, or else the last lines of the console.
fn last_words(console: &Path) -> String {
    let bytes = std::fs::read(console).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let begins =
        |line: &&str| ["BUG:", "Oops", "general protection", "Kernel panic"].iter().any(|word| line.contains(word));
    match lines.iter().position(begins) {
        Some(first) => {
            let end = lines.len().min(first + LINES_OF_PANIC);
            format!("the kernel panicked: {}", lines[first..end].join("\n"))
        }
        None => {
            format!(
                "the machine ended early; its console says:\n{}",
                lines[lines.len().saturating_sub(15)..].join("\n")
            )
        }
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
