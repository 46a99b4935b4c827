//! mj-runtime
