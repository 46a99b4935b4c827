//! What differs between systems and processors: the registers that a signal interrupted, what makes written instructions run, and the calls
//! that a system has and others have not.
//!
//! | | |
//! |---|---|
//! | `linux.rs`, `macos.rs` | the system, with the same items |
//! | `linux_*.rs`, `macos_*.rs` | registers of an interrupted thread ([`Cpu`]) |
//! | `code_*.rs` | instruction caches on Linux; `macos.rs` has its own |
//! | `pages.rs`, `pages_miri.rs` | pages, from the system and for Miri |
//!
//! Nobody has run what is written for macOS; that it compiles is all that is known of it.

#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[path = "sys/code_aarch64.rs"]
mod code;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "sys/code_x86_64.rs"]
mod code;
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[path = "sys/linux_aarch64.rs"]
mod cpu;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "sys/linux_x86_64.rs"]
mod cpu;
#[cfg(all(target_os = "macos", target_arch = "aarch64"))]
#[path = "sys/macos_aarch64.rs"]
mod cpu;
#[cfg(not(miri))]
mod pages;
#[cfg(miri)]
#[path = "sys/pages_miri.rs"]
mod pages;
#[cfg(target_os = "linux")]
#[cfg_attr(miri, allow(dead_code))]
#[path = "sys/linux.rs"]
mod system;
#[cfg(target_os = "macos")]
#[path = "sys/macos.rs"]
mod system;

#[cfg(target_os = "linux")]
pub(crate) use code::{BREAKPOINT, make_executable};
pub(crate) use cpu::Cpu;
#[cfg(miri)]
pub(crate) use pages::{anonymous_file, discard, prefer_small_pages};
pub(crate) use pages::{map, protect, unmap};
pub(crate) use system::{ALL_SOON, STACK, SWITCHED_CODE, Writing, has_address, host_stack, is_fault};
#[cfg(target_os = "macos")]
pub(crate) use system::{BREAKPOINT, make_executable};
#[cfg(not(miri))]
pub(crate) use system::{anonymous_file, discard, prefer_small_pages};
