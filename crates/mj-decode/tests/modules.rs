//! Modules from text: what the environment holds, and what refusals say.

use mj_decode::{
    ConstExpr, ConstOp, DataMode, ElementItems, ElementMode, Features, ImportType, Module, Names, Proposal, ValType, parse_validated,
    validate, validate_on,
};

fn module(text: &str) -> (Vec<u8>, Module) {
    let bytes = wat::parse_str(text).expect("the test's text is right");
    let module = validate(&bytes, &Features::default()).expect("valid");
    (bytes, module)
}

#[test]
fn index_spaces_hold_imports_first() {
    let (_, module) = module(
        r#"(module
            (import "m" "f" (func (param i32)))
            (import "m" "g" (global i64))
            (import "m" "t" (table 1 funcref))
            (global (mut f32) (f32.const 1))
            (table 2 3 externref)
            (memory (export "memory") 1 2)
            (func (result i64) (i64.const 0)))"#,
    );
    assert_eq!(module.imports.len(), 3);
    assert!(matches!(module.imports[0].ty, ImportType::Function(0)));
    assert_eq!((module.imported_functions, module.imported_globals, module.imported_tables, module.imported_memories), (1, 1, 1, 0));
    assert_eq!(module.function_type(0).params(), [ValType::I32]);
    assert_eq!(module.function_type(1).results(), [ValType::I64]);
    assert_eq!(module.tables[1].element, ValType::ExternRef);
    assert_eq!((module.tables[1].minimum, module.tables[1].maximum), (2, Some(3)));
    assert_eq!((module.memories[0].minimum, module.memories[0].maximum, module.memories[0].page_size()), (1, Some(2), 65536));
    assert_eq!(module.global_initials, [ConstExpr::Value(ConstOp::F32(1f32.to_bits()))]);
    assert_eq!(module.own_global(1), Some(0));
    let counts = module.counts();
    assert_eq!((counts.imported_functions, counts.tables, counts.imported_globals, counts.own_globals), (1, 2, 1, 1));
}

#[test]
fn functions_that_can_become_references_are_numbered_in_order() {
    let (_, module) = module(
        r#"(module
            (table 4 funcref)
            (global funcref (ref.func 3))
            (elem (i32.const 0) 1)
            (elem declare func 4)
            (func) (func) (func) (func) (func (drop (ref.func 4)))
            (export "f" (func 0)))"#,
    );
    assert_eq!(module.func_refs, [0, 1, 3, 4]);
    assert_eq!(module.func_ref(3), Some(2));
    assert_eq!(module.func_ref(2), None);
}

#[test]
fn segments_are_ranges_and_programs() {
    let (bytes, module) = module(
        r#"(module
            (import "m" "base" (global $base i32))
            (memory 1) (table 4 funcref)
            (data (i32.add (global.get $base) (i32.const 8)) "abc")
            (data "passive")
            (elem (table 0) (i32.const 1) funcref (ref.null func) (ref.func 0))
            (elem func 0)
            (func))"#,
    );
    let DataMode::Active { memory: 0, offset } = &module.data[0].mode else { panic!("{:?}", module.data[0]) };
    assert_eq!(*offset, ConstExpr::Program([ConstOp::GlobalGet(0), ConstOp::I32(8), ConstOp::I32Add].into()));
    let text = |index: usize| &bytes[module.data[index].range.start as usize..module.data[index].range.end as usize];
    assert_eq!((text(0), text(1)), (&b"abc"[..], &b"passive"[..]));
    assert_eq!(module.data[1].mode, DataMode::Passive);
    assert!(matches!(module.elements[0].mode, ElementMode::Active { table: 0, .. }));
    assert_eq!(module.elements[0].items.len(), 2);
    assert_eq!(module.elements[1].items, ElementItems::Functions(vec![0]));
}

#[test]
fn bodies_are_where_the_module_has_them() {
    let (bytes, module) = module("(module (func $first (local i32)) (func $second (nop)))");
    let body = |index: usize| &bytes[module.bodies[index].start as usize..module.bodies[index].end as usize];
    assert_eq!(body(0), [1, 1, 0x7f, 0x0b]);
    assert_eq!(body(1), [0, 0x01, 0x0b]);
    let names = Names::parse(&bytes, module.name_section.clone());
    assert_eq!(names.function(&bytes, 1), Some("second"));
}

#[test]
fn a_refusal_names_the_proposal_that_is_missing() {
    let cases = [
        ("(module (func (drop (v128.const i64x2 0 0))))", "SIMD"),
        ("(module (func (param v128)))", "SIMD"),
        ("(module (memory 1) (func (result v128) (v128.load (i32.const 0))))", "SIMD"),
        ("(module (func unreachable i8x16.relaxed_swizzle drop))", "relaxed-SIMD"),
        ("(module (func return_call 0))", "tail-call"),
        ("(module (memory 1 1 shared))", "threads"),
        ("(module (memory 1) (func (result i32) (i32.atomic.load (i32.const 0))))", "threads"),
        ("(module (tag))", "exception-handling"),
        ("(module (func try_table end))", "exception-handling"),
        ("(module (memory 1) (memory 1))", "multi-memory"),
        ("(module (memory i64 1))", "memory64"),
        ("(module (table i64 1 funcref))", "memory64"),
        ("(module (type (func)) (func (param (ref 0))))", "function-references"),
        ("(module (type (struct)))", "GC"),
        ("(module (func (param anyref)))", "GC"),
        (
            "(module (func (param i64 i64 i64 i64) (result i64 i64) (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))",
            "wide-arithmetic",
        ),
        ("(module (memory 1 (pagesize 1)))", "custom-page-sizes"),
    ];
    for (text, proposal) in cases {
        let bytes = wat::parse_str(text).expect(text);
        let error = validate(&bytes, &Features::default()).expect_err(text);
        assert_eq!(error.proposal, Some(proposal), "{text}: {error}");
        assert!(error.to_string().contains(proposal), "{error}");
        assert!(error.to_string().contains("not supported") && error.to_string().contains("offset 0x"), "{error}");
        assert!((8..bytes.len() as u64).contains(&error.offset), "{text}: {error}");
    }
}

#[test]
fn a_component_is_called_one() {
    let error = validate(b"\0asm\x0d\0\x01\0", &Features::default()).unwrap_err();
    assert_eq!(error.proposal, Some("component-model"));
}

#[test]
fn text_is_called_text() {
    let error = validate(b"\n  (module)", &Features::default()).unwrap_err();
    assert!(error.message.contains("text"), "{error}");
}

#[test]
fn what_is_wrong_with_every_proposal_blames_none() {
    let cases = ["(module (func (result i32)))", "(module (func (i32.add)))", "(module (start 3))", "(module (memory 65537))"];
    for text in cases {
        let error = validate(&wat::parse_str(text).expect(text), &Features::default()).expect_err(text);
        assert_eq!(error.proposal, None, "{text}: {error}");
    }
}

#[test]
fn a_proposal_that_is_turned_off_is_blamed_as_such() {
    let bytes = wat::parse_str("(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))").unwrap();
    let mut features = Features::default();
    features.set(Proposal::SignExtension, false);
    let error = validate(&bytes, &features).unwrap_err();
    assert_eq!(error.proposal, Some("sign-extension"));
    assert!(error.message.contains("turned off"), "{error}");
}

#[test]
fn every_truncation_is_an_error_with_an_offset_inside() {
    let (bytes, _) = module(r#"(module (memory 1) (func (export "f") (result i32) (i32.const 1)) (data (i32.const 0) "x"))"#);
    for length in 0..bytes.len() {
        match validate(&bytes[..length], &Features::default()) {
            Err(error) => assert!(error.offset <= length as u64, "{length}: {error}"),
            // A module may end between sections, as long as its code section is not missing.
            Ok(module) => assert_eq!(module.functions.len(), module.bodies.len(), "{length}"),
        }
    }
}

#[test]
fn no_byte_changed_makes_it_panic() {
    let (bytes, _) = module(
        r#"(module (table 2 funcref) (memory 1) (elem (i32.const 0) func 0) (global i32 (i32.add (i32.const 1) (i32.const 2)))
            (func (export "f") (param i32) (result i32) (local i64) (block (br_table 0 0 (local.get 0))) (i32.const 1)) (data (i32.const 0) "x"))"#,
    );
    for place in 0..bytes.len() {
        for change in [0x01, 0x7f, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            if let Ok(module) = validate(&changed, &Features::default()) {
                assert_eq!(Names::parse(&changed, module.name_section).function(&changed, u32::MAX), None);
            }
        }
    }
}

#[test]
fn several_threads_find_the_same_first_error() {
    let functions = |wrong: &[usize]| {
        let mut text = String::from("(module ");
        for index in 0..4000 {
            let value = if wrong.contains(&index) { "(i64.const 1)" } else { "(i32.const 1)" };
            let adds = "i32.const 1000000 i32.add ".repeat(60);
            text += &format!("(func (result i32) {value} {adds})\n");
        }
        wat::parse_str(text + ")").unwrap()
    };
    let features = Features::default();
    let right = functions(&[]);
    assert!(right.len() > 1 << 20);
    let (one, many) = (validate(&right, &features).unwrap(), validate_on(&right, &features, 4).unwrap());
    assert_eq!((one.bodies, one.types, one.functions), (many.bodies, many.types, many.functions));
    let wrong = functions(&[3999, 700, 2000, 701]);
    let first = validate(&wrong, &features).unwrap_err();
    for _ in 0..5 {
        assert_eq!(validate_on(&wrong, &features, 4).unwrap_err(), first);
    }
    // What is wrong outside bodies is found, too.
    let cut = &right[..right.len() - 3];
    assert_eq!(validate_on(cut, &features, 4).unwrap_err(), validate(cut, &features).unwrap_err());
}

#[test]
fn a_validated_module_is_parsed_again_to_the_same_environment() {
    let (bytes, module) = module(
        r#"(module $named
            (import "m" "f" (func $f (param i32)))
            (import "m" "g" (global i64))
            (table 2 3 funcref) (memory 1 2) (global (mut f32) (f32.const 1))
            (elem (i32.const 0) func $f $own) (data (i32.const 8) "abc") (data "passive")
            (func $own (export "own") (result i64) (i64.const 0))
            (func $start) (start $start) (@custom "more" "contents"))"#,
    );
    let again = parse_validated(&bytes, &Features::default()).unwrap();
    assert_eq!(format!("{again:?}"), format!("{module:?}"));
    parse_validated(&bytes[..bytes.len() - 3], &Features::default()).unwrap_err();
}
