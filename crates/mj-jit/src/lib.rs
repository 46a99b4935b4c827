//! mj-jit
