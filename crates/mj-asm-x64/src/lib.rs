//! mj-asm-x64
