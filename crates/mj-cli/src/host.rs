//! What a guest runs in: a store with its WASI context and limits, and a linker with everything it may import.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use mj_jit::{Engine, Linker, Store, StoreLimits};
use mj_wasi::p1::{self, WasiP1Ctx};
use mj_wasi::{DirPerms, FilePerms, WasiCtxBuilder, p0};

use crate::failure::Failure;
use crate::options::Settings;

/// The data of a guest's store.
pub(crate) struct Host {
    pub wasi: WasiP1Ctx,
    pub limits: StoreLimits,
    /// When the guest called `bench.start`, and how long after that `bench.end`.
    pub started: Option<Instant>,
    pub span: Option<Duration>,
}

/// A store with limits and fuel as the settings say.
pub(crate) fn store(engine: &Engine, settings: &Settings, wasi: WasiP1Ctx) -> Result<Store<Host>, Failure> {
    let mut store = Store::new(engine, Host { wasi, limits: settings.limits(), started: None, span: None });
    store.limiter(|host| &mut host.limits);
    // Nobody counts epochs here.
    store.set_epoch_deadline(u64::MAX / 2);
    if let Some(fuel) = settings.fuel {
        store.set_fuel(fuel).map_err(|error| Failure::other(format!("{error:#}")))?;
    }
    Ok(store)
}

/// A linker with both versions of WASI, as far as the settings allow them.
pub(crate) fn linker(engine: &Engine, settings: &Settings) -> Result<Linker<Host>, Failure> {
    let mut linker = Linker::new(engine);
    let define = |linker: &mut Linker<Host>| {
        if settings.wasi {
            p1::add_to_linker_sync(linker, |host: &mut Host| &mut host.wasi)?;
        }
        if settings.wasi && settings.preview0 {
            p0::add_to_linker_sync(linker, |host: &mut Host| &mut host.wasi)?;
        }
        Ok::<(), mj_jit::Error>(())
    };
    define(&mut linker).map_err(|error| Failure::other(format!("{error:#}")))?;
    Ok(linker)
}

/// Opens a folder of the host for the guest.
pub(crate) fn open_folder(wasi: &mut WasiCtxBuilder, folder: &Path, guest: &str) -> Result<(), Failure> {
    wasi.preopened_dir(folder, guest, DirPerms::all(), FilePerms::all())
        .map(drop)
        .map_err(|error| Failure::other(format!("--dir: {error:#}; name a folder that exists and may be read")))
}

/// Listens where `-S tcplisten` says.
pub(crate) fn listen(wasi: &mut WasiCtxBuilder, addresses: &[String]) -> Result<(), Failure> {
    for address in addresses {
        let listener = TcpListener::bind(address.as_str())
            .map_err(|error| Failure::other(format!("cannot listen at {address}: {error} (-S tcplisten=HOST:PORT)")))?;
        wasi.preopened_socket(listener);
    }
    Ok(())
}
