//! mj-codegen
