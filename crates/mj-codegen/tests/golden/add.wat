;; A shifted operand and a constant fold into address arithmetic, whose result is in another register than its operands.
(module (func (param i32 i64 i64) (result i64)
  (i64.add (i64.add (local.get 1) (i64.shl (local.get 2) (i64.const 3))) (i64.extend_i32_u (i32.add (local.get 0) (i32.const 5))))))
;; -- x64, baseline: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   lea rsi, [rcx+rdx*8]
;;   lea edi, [rax+5]
;;   add rsi, rdi
;;   mov rax, rsi
;;   leave
;;   ret
;; -- x64, optimizing: 7 instructions
;;   push rbp
;;   mov rbp, rsp
;;   lea rcx, [rcx+rdx*8]
;;   add eax, 5
;;   add rax, rcx
;;   leave
;;   ret
;; -- aarch64, baseline: 10 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   add x3, x1, x2, lsl #3
;;   add w4, w0, #0x5
;;   add x3, x3, x4
;;   mov x0, x3
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 7 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   add x1, x1, x2, lsl #3
;;   add w0, w0, #0x5
;;   add x0, x1, x0
;;   ldp x29, x30, [sp], #0x10
;;   ret
