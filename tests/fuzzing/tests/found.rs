//! What the fuzzers found, minimised: each module did something else in one configuration or another.

use mj_fuzzing::compare;

fn agree(text: &str) {
    compare(&wat::parse_str(text).unwrap()).unwrap();
}

#[test]
fn a_settled_result_that_a_conditional_branch_brings_to_its_register_survives_a_call() {
    agree(
        r#"(module
            (func $clobber (result i64) (i64.const 99))
            (func (export "f") (param i32) (result i64)
                (block (result i64)
                    (i64.const 7)
                    (block)
                    (br_if 0 (local.get 0))
                    (drop (call $clobber)))))"#,
    );
}

#[test]
fn a_settled_result_that_a_conditional_branch_brings_to_its_register_is_settled_again_by_a_block() {
    agree(
        r#"(module
            (func (export "f") (param i32 i32) (result i64)
                (block (result i64)
                    (i64.extend_i32_u (local.get 1))
                    (block)
                    (br_if 0 (local.get 0))
                    (loop (br_if 1 (i64.const 3) (local.get 1)) (drop) (br_if 0 (local.tee 1 (i32.shr_u (local.get 1) (i32.const 1))))))))"#,
    );
}

#[test]
fn a_copy_between_tables_that_leaves_one_of_them_is_a_trap_for_the_oracle_too() {
    for (to, from, length) in [(3, 0, 2), (0, 7, 2), (0, 0, 9), (5, 0, 0), (0, 9, 0)] {
        agree(&format!(
            r#"(module
                (table $to (export "to") 4 funcref) (table $from 8 funcref)
                (func (export "f") (table.copy $to $from (i32.const {to}) (i32.const {from}) (i32.const {length}))))"#,
        ));
    }
}

#[test]
fn a_wrapped_value_is_extended_again_where_64_bits_are_read() {
    agree(
        r#"(module
            (func (export "f") (param i64 i64) (result i64)
                (i64.add (i64.extend_i32_u (i32.wrap_i64 (local.get 0))) (local.get 1)))
            (func (export "g") (param i64 i64) (result i64)
                (i64.sub (local.get 1) (i64.extend_i32_u (i32.wrap_i64 (i64.shr_u (local.get 0) (i64.const 8)))))))"#,
    );
}

#[test]
fn a_constant_that_a_loop_only_carries_round_is_extended_without_its_sign() {
    agree(
        r#"(module
            (func (export "f") (param i64) (result i64) (local i32)
                (local.set 1 (i32.const -1))
                (loop (local.set 1 (local.get 1)) (br_if 0 (i32.const 0)))
                (i64.add (local.get 0) (i64.extend_i32_u (local.get 1))))
            (func (export "g") (param i32) (result i64) (local i32 i64)
                (local.set 1 (i32.const -2))
                (loop (local.set 1 (local.get 1)) (br_if 0 (i32.const 0)))
                (if (local.get 0) (then (local.set 2 (i64.extend_i32_u (local.get 1)))) (else (return (i64.extend_i32_u (local.get 1)))))
                (local.get 2)))"#,
    );
}

/// What was wrong was the mode of dirty upper bits.
#[test]
fn the_upper_half_of_an_i64_stays_when_its_lower_half_is_multiplied_by_what_it_commutes_with() {
    agree(
        r#"(module (memory 1) (global $g (export "g") (mut i64) (i64.const -9223372034707292160))
            (func (export "f") (local i64)
                (local.set 0 (global.get $g))
                (if (i32.mul (i32.wrap_i64 (local.get 0)) (i32.load16_s offset=16 (i32.const 0))) (then))
                (global.set $g (if (result i64) (i64.eqz (local.get 0)) (then (global.get $g)) (else (i64.const 4294967296))))))"#,
    );
}

/// More constants than a loop of tiered code leaves to its way out, under a loop that is not always reached.
#[test]
fn constants_below_a_loop_that_is_jumped_over_are_still_there() {
    let constants: String = (0..40).map(|number| format!("(i64.const {})", 1000 + number)).collect();
    let sum = "i64.const 5 i64.rotl i64.add ".repeat(39);
    agree(&format!(
        "(module (func (export \"f\") (param i32) (result i64)
            {constants}
            (block
                (br_if 0 (i32.and (local.get 0) (i32.const 1)))
                (loop (br_if 0 (local.tee 0 (i32.shr_u (local.get 0) (i32.const 1))))))
            {sum}))"
    ));
}
