//! Gives the crate an identity: compiled code that was stored is run only by the very engine that made it.
//!
//! In a checkout the version says little, so there the identity is a sum of the sources of all crates that code depends on. Published crates
//! depend on each other in exact versions: there the version is enough.

use std::path::Path;
use std::{env, fs};

/// Crates, beside this one, whose sources decide what compiled code looks like and what it expects.
const CRATES: &[&str] = &["mj-abi", "mj-asm", "mj-asm-aarch64", "mj-asm-x64", "mj-codegen", "mj-decode", "mj-ir", "mj-jit", "mj-runtime"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let crates = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let mut sum = 0xcbf2_9ce4_8422_2325;
    for name in CRATES {
        let sources = crates.join(name).join("src");
        if sources.is_dir() {
            println!("cargo::rerun-if-changed={}", sources.display());
            add_folder(&sources, &mut sum);
        }
    }
    println!("cargo::rustc-env=MJ_BUILD={sum:016x}");
}

/// Adds the names and contents of a folder's files, in the order of their names.
fn add_folder(folder: &Path, sum: &mut u64) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a folder's entry").path()).collect();
    paths.sort();
    for path in paths {
        add(path.file_name().expect("entries have names").as_encoded_bytes(), sum);
        if path.is_dir() {
            add_folder(&path, sum);
        } else {
            add(&fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())), sum);
        }
    }
}

/// FNV-1a, which is good enough to tell versions of a file apart.
fn add(bytes: &[u8], sum: &mut u64) {
    for &byte in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
        *sum = (*sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
}
