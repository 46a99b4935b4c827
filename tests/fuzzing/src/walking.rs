//! A guest that does anything with paths, and a folder beside its own that must stay what it is.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process};

use mj_jit::{Engine, Instance, Linker, Memory, Module, Store};
use mj_wasi::p1::{self, WasiP1Ctx};
use mj_wasi::{DirPerms, FilePerms, WasiCtxBuilder};

use crate::Random;

/// What the guest imports and hands on: its own name for it, WASI's, and the parameters.
const CALLS: [(&str, &str, &str); 11] = [
    ("open", "path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32"),
    ("mkdir", "path_create_directory", "i32 i32 i32"),
    ("rmdir", "path_remove_directory", "i32 i32 i32"),
    ("unlink", "path_unlink_file", "i32 i32 i32"),
    ("symlink", "path_symlink", "i32 i32 i32 i32 i32"),
    ("link", "path_link", "i32 i32 i32 i32 i32 i32 i32"),
    ("rename", "path_rename", "i32 i32 i32 i32 i32 i32"),
    ("readlink", "path_readlink", "i32 i32 i32 i32 i32 i32"),
    ("times", "path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32"),
    ("write", "fd_write", "i32 i32 i32 i32"),
    ("read", "fd_read", "i32 i32 i32 i32"),
];

/// The guest: WASI wants to be called by code that has a memory.
fn guest() -> Vec<u8> {
    let mut text = String::from("(module");
    for (_, name, params) in CALLS {
        let _ = write!(text, "(import \"wasi_snapshot_preview1\" \"{name}\" (func ${name} (param {params}) (result i32)))");
    }
    text += "(memory (export \"memory\") 1)";
    for (own, name, params) in CALLS {
        let arguments: String = (0..params.split(' ').count()).map(|number| format!("(local.get {number})")).collect();
        let _ = write!(text, "(func (export \"{own}\") (param {params}) (result i32) (call ${name} {arguments}))");
    }
    wat::parse_str(text + ")").expect("well formed")
}

/// What stands in each file outside, and nowhere else.
const SECRET: &[u8] = b"what is outside";

/// Where the guest has its two paths, an operand of reads and writes, results, and a buffer.
const FIRST: i32 = 0x100;
const SECOND: i32 = 0x1100;
const LIST: i32 = 0x2100;
const RESULT: i32 = 0x2200;
const BUFFER: i32 = 0x3000;

/// Calls of a round.
const STEPS: usize = 60;

/// Lets a guest do what the bytes say with paths below its folder; returns whether there were any.
///
/// # Panics
///
/// If something outside its folder has changed, or the guest has read it.
pub fn wasi_paths(bytes: &[u8]) -> bool {
    let Some(seed) = bytes.first_chunk() else { return false };
    let random = &mut Random::new(u64::from_le_bytes(*seed));
    let folder = Folder::new();
    let before = folder.outside();
    let mut guest = Guest::new(&folder.0.join("inside"));
    for _ in 0..STEPS {
        guest.step(random, &folder.0);
    }
    assert!(folder.outside() == before, "the guest has changed what is outside its folder");
    true
}

/// A folder with `inside`, the guest's, and `outside`.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("mj-paths-{}-{number}", process::id()));
        let make = || {
            fs::create_dir_all(path.join("inside/a/b"))?;
            fs::create_dir_all(path.join("outside/a"))?;
            for file in ["secret", "outside/secret", "outside/a/b"] {
                fs::write(path.join(file), SECRET)?;
            }
            // Links that the host has put there: up, to absolute paths, to each other.
            for (link, target) in
                [("up", "../outside".into()), ("far", path.join("outside")), ("a/out", "../../secret".into()), ("l", "up".into())]
            {
                let target: PathBuf = target;
                std::os::unix::fs::symlink(target, path.join("inside").join(link))?;
            }
            Ok::<_, std::io::Error>(())
        };
        make().expect("a folder for temporary files");
        Self(path)
    }

    /// Everything but what is in the guest's folder: names, contents, times.
    fn outside(&self) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("still there") {
                let entry = entry.expect("can be read");
                let data = entry.metadata().expect("has some");
                let path = entry.path();
                if path == self.0.join("inside") {
                    continue;
                }
                let contents = if data.is_file() { fs::read(&path).expect("a file") } else { Vec::new() };
                if data.is_dir() {
                    folders.push(path.clone());
                }
                found.insert(path, (contents, data.modified().expect("known")));
            }
        }
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

struct Guest {
    store: Store<WasiP1Ctx>,
    instance: Instance,
    memory: Memory,
}

impl Guest {
    fn new(folder: &Path) -> Self {
        let make = || {
            let engine = Engine::default();
            let module = Module::new(&engine, guest())?;
            let mut linker = Linker::new(&engine);
            p1::add_to_linker_sync(&mut linker, |context: &mut WasiP1Ctx| context)?;
            let mut builder = WasiCtxBuilder::new();
            builder.preopened_dir(folder, "/", DirPerms::all(), FilePerms::all())?;
            let mut store = Store::new(&engine, builder.build_p1());
            let instance = linker.instantiate(&mut store, &module)?;
            let memory = instance.get_memory(&mut store, "memory").expect("exported");
            Ok::<_, mj_jit::Error>(Self { store, instance, memory })
        };
        make().expect("the guest is fine")
    }

    fn put(&mut self, at: i32, bytes: &[u8]) {
        self.memory.write(&mut self.store, at as usize, bytes).expect("inside");
    }

    fn take(&self, at: i32, length: usize) -> &[u8] {
        &self.memory.data(&self.store)[at as usize..][..length]
    }

    fn result(&self) -> usize {
        u32::from_le_bytes(self.take(RESULT, 4).try_into().expect("four bytes")) as usize
    }

    /// Calls with 32-bit arguments. Whether it succeeded.
    fn call<P: mj_jit::WasmParams>(&mut self, name: &str, arguments: P) -> bool {
        let function = self.instance.get_typed_func::<P, i32>(&mut self.store, name).expect("of this type");
        function.call(&mut self.store, arguments).expect("no trap") == 0
    }

    /// One call of any function, below the guest's folder or one that it has opened.
    fn step(&mut self, random: &mut Random, folder: &Path) {
        let (first, second) = (path(random, folder), path(random, folder));
        self.put(FIRST, first.as_bytes());
        self.put(SECOND, second.as_bytes());
        let (n, m) = (first.len() as i32, second.len() as i32);
        let fd = 3 + if random.below(3) == 0 { random.below(6) as i32 } else { 0 };
        let follow = random.below(2) as i32;
        match random.below(9) {
            0 => _ = self.call("mkdir", (fd, FIRST, n)),
            1 => _ = self.call("rmdir", (fd, FIRST, n)),
            2 => _ = self.call("unlink", (fd, FIRST, n)),
            3 => _ = self.call("symlink", (FIRST, n, fd, SECOND, m)),
            4 => _ = self.call("link", (fd, follow, FIRST, n, fd, SECOND, m)),
            5 => _ = self.call("rename", (fd, FIRST, n, fd, SECOND, m)),
            6 => {
                if self.call("readlink", (fd, FIRST, n, BUFFER, 0x1000, RESULT)) {
                    // Links lead nowhere, but what a link says may still be the host's business.
                    assert_ne!(self.take(BUFFER, 1), b"/", "an absolute link is read");
                }
            }
            7 => _ = self.call("times", (fd, follow, FIRST, n, 5_i64, 5_i64, 5)),
            _ => self.open(random, fd, follow, n),
        }
    }

    /// Opens the first path in some way, reads, and writes.
    fn open(&mut self, random: &mut Random, fd: i32, follow: i32, length: i32) {
        let rights = random.pick(&[1_i64 << 1, 1 << 1 | 1 << 6, 0x1fff_ffff]);
        let flags = random.below(16) as i32;
        if !self.call("open", (fd, follow, FIRST, length, flags, rights, rights, 0, RESULT)) {
            return;
        }
        let opened = self.result() as i32;
        self.put(LIST, &[BUFFER.to_le_bytes(), 0x1000_i32.to_le_bytes()].concat());
        if self.call("read", (opened, LIST, 1, RESULT)) {
            assert_ne!(self.take(BUFFER, self.result()), SECRET, "the guest reads what is outside");
        }
        self.put(BUFFER, b"by the guest");
        self.put(LIST, &[BUFFER.to_le_bytes(), 12_i32.to_le_bytes()].concat());
        self.call("write", (opened, LIST, 1, RESULT));
    }
}

/// A path of few names that meet often, and of all that leads elsewhere.
fn path(random: &mut Random, folder: &Path) -> String {
    let mut path = String::new();
    if random.below(8) == 0 {
        path = ["/", "//", folder.to_str().expect("a plain name"), "/proc/self/cwd", "/tmp"][random.below(5)].to_owned() + "/";
    }
    for number in 0..1 + random.below(5) {
        if number > 0 {
            path.push('/');
        }
        path +=
            random.pick(&["a", "b", "c", "..", "..", ".", "up", "far", "l", "out", "secret", "outside", "inside", "", "\0", "\u{fffd}"]);
    }
    path
}
