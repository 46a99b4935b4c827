//! What differs between systems and processors: the registers that a signal interrupted, and what makes written instructions run.

#[cfg(target_arch = "aarch64")]
#[path = "sys/code_aarch64.rs"]
mod code;
#[cfg(target_arch = "x86_64")]
#[path = "sys/code_x86_64.rs"]
mod code;
#[cfg(all(target_os = "linux", target_arch = "aarch64"))]
#[path = "sys/linux_aarch64.rs"]
mod cpu;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[path = "sys/linux_x86_64.rs"]
mod cpu;

pub(crate) use code::{BREAKPOINT, make_executable};
pub(crate) use cpu::Cpu;
