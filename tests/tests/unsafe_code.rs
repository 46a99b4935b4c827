//! `unsafe` stands where the design says and nowhere else. That each has its `// SAFETY:`, clippy sees to (`undocumented_unsafe_blocks` is an error).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates that are about `unsafe`, whole.
const WHOLE: [&str; 1] = ["mj-runtime"];

/// Crates with seams, and their files in which it may stand.
const SEAMS: [(&str, &[&str]); 2] = [
    (
        "mj-jit",
        &[
            "cache/folder.rs",
            "engine/code.rs",
            "func.rs",
            "func/caller.rs",
            "func/host.rs",
            "func/typed.rs",
            "func/wasm_ty.rs",
            "global.rs",
            "instance.rs",
            "instance/create.rs",
            "instance/data.rs",
            "instance/hooks.rs",
            "instance/inspect.rs",
            "linker/late.rs",
            "memory.rs",
            "module/code.rs",
            "module/profile.rs",
            "module/serialize.rs",
            "store/hooks.rs",
            "store/inner.rs",
            "store/late.rs",
            "table.rs",
        ],
    ),
    ("mj-cli", &["precompiled.rs"]),
];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Whether code, comments left out, says `unsafe` where something unsafe is done or promised.
fn is_unsafe(text: &str) -> bool {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let marks = ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe(", "unsafe extern \"C\" {"];
    // A function pointer's type promises nothing.
    code.filter(|line| !line.contains("= unsafe extern")).any(|line| marks.iter().any(|mark| line.contains(mark)))
}

#[test]
fn unsafe_code_stands_where_the_design_says() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let mut wrong = Vec::new();
    for entry in fs::read_dir(&crates).unwrap() {
        let source = entry.unwrap().path().join("src");
        let name = source.parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
        if WHOLE.contains(&name.as_str()) {
            continue;
        }
        let mut files = Vec::new();
        sources(&source, &mut files);
        let relative = |path: &PathBuf| path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        let found: BTreeSet<String> = files.iter().filter(|path| is_unsafe(&fs::read_to_string(path).unwrap())).map(relative).collect();
        let Some((_, seams)) = SEAMS.iter().find(|(seam, _)| *seam == name) else {
            let root = ["lib.rs", "main.rs"].iter().find_map(|file| fs::read_to_string(source.join(file)).ok()).unwrap();
            if !root.contains("#![forbid(unsafe_code)]") {
                wrong.push(format!("{name} does not forbid unsafe code"));
            }
            continue;
        };
        let listed: BTreeSet<String> = seams.iter().map(|file| (*file).to_owned()).collect();
        wrong.extend(found.difference(&listed).map(|file| format!("{name}: unsafe code in {file}, which is no seam")));
        wrong.extend(listed.difference(&found).map(|file| format!("{name}: {file} is listed and has none")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
