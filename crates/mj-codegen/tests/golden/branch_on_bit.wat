;; Comparisons with zero and of one bit belong to the branch.
(module (func (param i32 i64) (result i32)
  (block (br_if 0 (i32.eqz (local.get 0)))
    (br_if 0 (i32.lt_s (local.get 0) (i32.const 0)))
    (br_if 0 (i32.and (local.get 0) (i32.const 64)))
    (br_if 0 (i64.eqz (i64.and (local.get 1) (i64.const 0x4000000000))))
    (br_if 0 (i64.ge_s (local.get 1) (i64.const 0)))
    (if (i32.and (local.get 0) (i32.const 6)) (then (return (i32.const 1)))))
  (i32.const 2)))
;; -- x64, baseline: 21 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   test eax, eax
;;   je L0
;;   test eax, eax
;;   jl L0
;;   test eax, 40h
;;   jne L0
;;   mov rdx, 4000000000h
;;   and rdx, rcx
;;   je L0
;;   test rcx, rcx
;;   jge L0
;;   test eax, 6
;;   je L0
;;   mov eax, 1
;;   jmp L1
;; L0:
;;   mov eax, 2
;; L1:
;;   leave
;;   ret
;; -- x64, optimizing: 21 instructions
;;   push rbp
;;   mov rbp, rsp
;;   test eax, eax
;;   je L0
;;   test eax, eax
;;   jl L0
;;   test eax, 40h
;;   jne L0
;;   mov rsi, 4000000000h
;;   and rsi, rcx
;;   je L0
;;   test rcx, rcx
;;   jge L0
;;   test eax, 6
;;   je L0
;;   mov eax, 1
;;   leave
;;   ret
;; L0:
;;   mov eax, 2
;;   leave
;;   ret
;; -- aarch64, baseline: 16 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   cbz w0, L0
;;   tbnz w0, #0x1f, L0
;;   tbnz w0, #0x6, L0
;;   tbz x1, #0x26, L0
;;   tbz x1, #0x3f, L0
;;   tst w0, #0x6
;;   b.eq L0
;;   mov w0, #0x1
;;   b L1
;; L0:
;;   mov w0, #0x2
;; L1:
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 15 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   cbz w0, L0
;;   tbnz w0, #0x1f, L0
;;   tbnz w0, #0x6, L0
;;   tbz x1, #0x26, L0
;;   tbz x1, #0x3f, L0
;;   tst w0, #0x6
;;   b.eq L0
;;   mov w0, #0x1
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L0:
;;   mov w0, #0x2
;;   ldp x29, x30, [sp], #0x10
;;   ret
