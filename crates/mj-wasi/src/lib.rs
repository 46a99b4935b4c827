//! mj-wasi
