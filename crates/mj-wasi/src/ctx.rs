//! What a guest gets: arguments, environment, streams, folders, clocks, random bytes.
//!
//! A context starts with nothing. Everything a guest can reach was given to it here, by name.

use crate::cli::{StdinStream, StdoutStream, empty, stderr, stdin, stdout};
use crate::clocks::{Clocks, HostMonotonicClock, HostWallClock, MonotonicClock, WallClock};
use crate::descriptor::{Descriptors, Dir, Object, Stream};
use crate::interrupt::{Interrupter, Interruption};
use crate::p1::WasiP1Ctx;
use crate::perms::{DirPerms, FilePerms};
use crate::random::Rng;
use cap_std::ambient_authority;
use std::env;
use std::ffi::OsString;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Builds a [`WasiP1Ctx`].
///
/// ```
/// use mj_wasi::WasiCtxBuilder;
/// use mj_wasi::p2::pipe::MemoryOutputPipe;
///
/// let output = MemoryOutputPipe::new(1 << 20);
/// let wasi = WasiCtxBuilder::new()
///     .args(&["program", "--verbose"])
///     .env("HOME", "/")
///     .stdout(output.clone())
///     .build_p1();
/// # let _ = wasi;
/// ```
pub struct WasiCtxBuilder {
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: Box<dyn StdinStream>,
    stdout: Box<dyn StdoutStream>,
    stderr: Box<dyn StdoutStream>,
    dirs: Vec<Dir>,
    sockets: Vec<OwnedFd>,
    clocks: Clocks,
    random: Option<Box<dyn Rng + Send>>,
    interruption: Interruption,
}

impl Default for WasiCtxBuilder {
    fn default() -> Self {
        WasiCtxBuilder {
            args: Vec::new(),
            env: Vec::new(),
            stdin: Box::new(empty()),
            stdout: Box::new(empty()),
            stderr: Box::new(empty()),
            dirs: Vec::new(),
            sockets: Vec::new(),
            clocks: Clocks { wall: Box::new(WallClock), monotonic: Box::new(MonotonicClock::new()) },
            random: None,
            interruption: Interruption::default(),
        }
    }
}

impl WasiCtxBuilder {
    /// A builder of a context without arguments, environment, folders, input or output.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what the guest reads as standard input.
    pub fn stdin(&mut self, stdin: impl StdinStream + 'static) -> &mut Self {
        self.stdin = Box::new(stdin);
        self
    }

    /// Sets where the guest's standard output goes.
    pub fn stdout(&mut self, stdout: impl StdoutStream + 'static) -> &mut Self {
        self.stdout = Box::new(stdout);
        self
    }

    /// Sets where the guest's standard error goes.
    pub fn stderr(&mut self, stderr: impl StdoutStream + 'static) -> &mut Self {
        self.stderr = Box::new(stderr);
        self
    }

    /// Lets the guest read this process's standard input.
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stdin(stdin())
    }

    /// Lets the guest write to this process's standard output.
    pub fn inherit_stdout(&mut self) -> &mut Self {
        self.stdout(stdout())
    }

    /// Lets the guest write to this process's standard error.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stderr(stderr())
    }

    /// All three standard streams of this process.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Guest calls run and wait on the calling thread, always; this changes nothing.
    pub fn allow_blocking_current_thread(&mut self, _enable: bool) -> &mut Self {
        self
    }

    /// Adds environment variables.
    pub fn envs(&mut self, env: &[(impl AsRef<str>, impl AsRef<str>)]) -> &mut Self {
        for (name, value) in env {
            self.env(name, value);
        }
        self
    }

    /// Adds an environment variable.
    pub fn env(&mut self, k: impl AsRef<str>, v: impl AsRef<str>) -> &mut Self {
        self.env.push((k.as_ref().to_owned(), v.as_ref().to_owned()));
        self
    }

    /// Adds this process's environment, except for what is not UTF-8.
    pub fn inherit_env(&mut self) -> &mut Self {
        let utf8 = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        self.env.extend(env::vars_os().filter_map(utf8));
        self
    }

    /// Adds arguments; the first of all is by custom the program's name.
    pub fn args(&mut self, args: &[impl AsRef<str>]) -> &mut Self {
        self.args.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<str>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds this process's arguments; what is not UTF-8 in them becomes U+FFFD.
    pub fn inherit_args(&mut self) -> &mut Self {
        self.args.extend(env::args_os().map(|arg| arg.to_string_lossy().into_owned()));
        self
    }

    /// Preview 1 has no working directory; this changes nothing.
    pub fn initial_cwd(&mut self, _path: impl AsRef<str>) -> &mut Self {
        self
    }

    /// Gives the guest the folder `host_path` under the name `guest_path`.
    ///
    /// Nothing outside the folder can be reached through it, whatever `..` and symbolic links
    /// say. The permissions hold for everything below; a call that they forbid is `EPERM`.
    ///
    /// # Errors
    ///
    /// An error that names `host_path` if that is not a folder or cannot be opened.
    pub fn preopened_dir(
        &mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl AsRef<str>,
        dir_perms: DirPerms,
        file_perms: FilePerms,
    ) -> mj_jit::Result<&mut Self> {
        let path = host_path.as_ref();
        let dir = cap_std::fs::Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| unopened(path, error))?;
        let preopen = Some(guest_path.as_ref().to_owned());
        self.dirs.push(Dir { dir, dir_perms, file_perms, preopen, listing: None });
        Ok(self)
    }

    /// Gives the guest a socket of the host: a listener, a stream or a datagram socket of
    /// [`std::net`] or [`std::os::unix::net`].
    ///
    /// Sockets are numbered after the folders, in the order of these calls: with `n` folders,
    /// the first is descriptor `3 + n`.
    pub fn preopened_socket(&mut self, socket: impl Into<OwnedFd>) -> &mut Self {
        self.sockets.push(socket.into());
        self
    }

    /// Takes the guest's random bytes from `random` and not from the operating system.
    pub fn secure_random(&mut self, random: impl Rng + Send + 'static) -> &mut Self {
        self.random = Some(Box::new(random));
        self
    }

    /// Preview 1 has only one source of random bytes, [`WasiCtxBuilder::secure_random`]; this
    /// changes nothing.
    pub fn insecure_random(&mut self, _insecure_random: impl Rng + Send + 'static) -> &mut Self {
        self
    }

    /// Tells the guest the time of day of `clock`.
    pub fn wall_clock(&mut self, clock: impl HostWallClock + 'static) -> &mut Self {
        self.clocks.wall = Box::new(clock);
        self
    }

    /// Tells the guest the monotonic time of `clock`. Waiting still takes real time.
    pub fn monotonic_clock(&mut self, clock: impl HostMonotonicClock + 'static) -> &mut Self {
        self.clocks.monotonic = Box::new(clock);
        self
    }

    /// A guest of preview 1 opens no connections of its own, so there is no network to give; this
    /// changes nothing. See [`WasiCtxBuilder::preopened_socket`].
    pub fn inherit_network(&mut self) -> &mut Self {
        self
    }

    /// Changes nothing, as [`WasiCtxBuilder::inherit_network`].
    pub fn allow_ip_name_lookup(&mut self, _enable: bool) -> &mut Self {
        self
    }

    /// Changes nothing, as [`WasiCtxBuilder::inherit_network`].
    pub fn allow_tcp(&mut self, _enable: bool) -> &mut Self {
        self
    }

    /// Changes nothing, as [`WasiCtxBuilder::inherit_network`].
    pub fn allow_udp(&mut self, _enable: bool) -> &mut Self {
        self
    }

    /// A handle that ends the guest's waits, for sleep, input and connections, with `EINTR`.
    ///
    /// With the engine's own interruption this stops a guest that computes or waits.
    ///
    /// # Errors
    ///
    /// Fails if this process can open no more files.
    pub fn interrupter(&mut self) -> mj_jit::Result<Interrupter> {
        let (interrupter, interruption) = Interruption::new()?;
        self.interruption = interruption;
        Ok(interrupter)
    }

    /// Builds the context and leaves an empty builder.
    pub fn build_p1(&mut self) -> WasiP1Ctx {
        let built = mem::take(self);
        let mut descriptors = Descriptors::default();
        let streams = [
            Object::Stdin(Stream { stream: built.stdin, nonblocking: false }),
            Object::Stdout(Stream { stream: built.stdout, nonblocking: false }),
            Object::Stdout(Stream { stream: built.stderr, nonblocking: false }),
        ];
        let dirs = built.dirs.into_iter().map(Object::Dir);
        let sockets = built.sockets.into_iter().map(Object::Socket);
        for object in streams.into_iter().chain(dirs).chain(sockets) {
            // There are fewer objects than numbers: each holds a file of this process.
            let _ = descriptors.give(object);
        }
        let env = built.env.into_iter().map(|(name, value)| format!("{name}={value}"));
        WasiP1Ctx {
            args: built.args,
            env: env.collect(),
            clocks: built.clocks,
            random: built.random,
            descriptors,
            interruption: built.interruption,
        }
    }
}

fn unopened(path: &Path, error: io::Error) -> io::Error {
    let message = format!("cannot open the folder {}: {error}", path.display());
    io::Error::new(error.kind(), message)
}
