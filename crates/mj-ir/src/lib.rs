//! mj-ir
