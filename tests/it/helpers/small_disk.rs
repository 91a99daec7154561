//! A small disk of its own: a file system in memory, seen only by those whom it
//! is for, gone with them.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Mounts it in a name space of its own and lives until its input ends.
const HOLD: &str = r#"mount -t tmpfs -o size="$1" none "$2" && echo mounted && exec cat"#;

/// A mounted disk; unmounted with the value.
pub struct SmallDisk {
    holder: Child,
    dir: PathBuf,
}

impl SmallDisk {
    /// A disk of so many bytes at a directory, for the test of this name; `None`,
    /// said aloud, where the machine does not let it mount.
    pub fn mount(test: &str, dir: &Path, bytes: u64) -> Option<SmallDisk> {
        std::fs::create_dir_all(dir).unwrap();
        let holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", HOLD, "sh", &bytes.to_string()])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mounted = holder.ok().and_then(|mut holder| {
            let mut said = String::new();
            BufReader::new(holder.stdout.take()?).read_line(&mut said).ok()?;
            let disk = SmallDisk { holder, dir: dir.to_owned() };
            (said == "mounted\n").then_some(disk)
        });
        if mounted.is_none() {
            println!("skipped: {test}: a file system cannot be mounted here; run it as root");
        }
        mounted
    }

    /// A command run where the disk is seen.
    pub fn sees(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        for (name, _) in command.get_envs().filter(|(_, value)| value.is_none()) {
            inside.env_remove(name);
        }
        inside
            .args(["--target", &self.holder.id().to_string(), "--mount", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null());
        inside
    }

    /// Where the disk is for everyone else.
    pub fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.dir.strip_prefix("/").unwrap())
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let path = self.path().join("filler");
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        let mut more = || file.write_all(&[0; 4_096]).is_ok();
        // Whoever else writes there may give a page back right after the first refusal.
        while more() || more() {}
    }

    /// Fills it but for about so many bytes.
    pub fn fill_but(&self, left: u64) {
        self.fill();
        let file = File::options().write(true).open(self.path().join("filler")).unwrap();
        let all = file.metadata().unwrap().len();
        file.set_len(all.saturating_sub(left)).unwrap();
    }

    /// Takes away what filled it.
    pub fn free(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
