//! Custom sections: what stays, what goes, what is added.

mod common;

use common::run;
use mj_jit::{Engine, Module};
use wasmparser::{BinaryReader, Parser, Payload, ProducersSectionReader};

/// Text of a custom section; `data` is escaped.
fn custom(name: &str, data: &str) -> String {
    format!("(@custom \"{name}\" \"{data}\")")
}

fn customs(wasm: &[u8]) -> Vec<(String, Vec<u8>)> {
    let sections = Parser::new(0).parse_all(wasm).filter_map(|payload| match payload.unwrap() {
        Payload::CustomSection(section) => Some((section.name().to_owned(), section.data().to_vec())),
        _ => None,
    });
    sections.collect()
}

#[test]
fn sections_of_tools_stay_but_for_those_that_tell_of_places_in_code() {
    let gone = [
        ".debug_info",
        ".debug_line",
        "external_debug_info",
        "sourceMappingURL",
        "metadata.code.branch_hint",
        "linking",
        "reloc.CODE",
        "build_id",
    ];
    let sections: String = gone.iter().map(|name| custom(name, "\\00")).collect();
    let text = format!("(module $m (func $f) {sections} {} {})", custom("licence", "free"), custom("licence", "twice"));
    let mut program = run(&text);
    let wasm = program.write();
    let names: Vec<String> = customs(&wasm).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["licence", "licence", "name", "producers"]);
    assert_eq!(customs(&wasm)[1].1, b"twice");
    let module = Module::new(&Engine::default(), text).unwrap();
    assert_eq!(mj_snapshot::left_out(&module), gone);
}

#[test]
fn producers_and_features_are_those_of_all_modules() {
    let producers = |language: &str| custom("producers", &format!("\\01\\08language\\01\\01{language}\\0299"));
    let features = |name: &str| custom("target_features", &format!("\\02+\\0cmutable-glob+\\01{name}"));
    let mut program = run(&format!("(module {} {})", producers("C"), features("x")));
    program.link(&format!("(module {} {})", producers("S"), features("y")));
    let wasm = program.write();
    let found = customs(&wasm);
    let section = ProducersSectionReader::new(BinaryReader::new(&found[0].1, 0)).unwrap();
    let fields: Vec<(String, Vec<String>)> = section
        .into_iter()
        .map(|field| {
            let field = field.unwrap();
            (field.name.to_owned(), field.values.into_iter().map(|value| value.unwrap().name.to_owned()).collect())
        })
        .collect();
    let expected = [("language", vec!["C", "S"]), ("processed-by", vec!["mj-snapshot"])];
    assert_eq!(fields, expected.map(|(name, values)| (name.to_owned(), values.into_iter().map(str::to_owned).collect())));
    assert_eq!(found[1].0, "target_features");
    assert_eq!(found[1].1, b"\x03+\x0cmutable-glob+\x01x+\x01y");
    // Another snapshot does not list the tool twice.
    let again = common::Running::of(&wasm).write();
    assert_eq!(again, wasm);
}

#[test]
fn damaged_custom_sections_do_no_harm() {
    for name in ["name", "producers", "target_features"] {
        for data in ["\\ff", "\\01\\05\\01\\ff\\01a", "\\05\\05abc", ""] {
            run(&format!("(module (func) {})", custom(name, data))).write();
        }
    }
}
