//! What differs between systems and processors: the registers that a signal interrupted.

mod linux_x86_64;

pub(crate) use linux_x86_64::Cpu;
