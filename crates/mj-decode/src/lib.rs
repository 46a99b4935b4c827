//! mj-decode
