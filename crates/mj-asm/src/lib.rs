//! mj-asm
