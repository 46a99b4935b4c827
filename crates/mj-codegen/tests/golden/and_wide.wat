;; A constant that is no immediate keeps the conjunction from folding into the test.
(module (func (param i64) (result i32) (i64.eqz (i64.and (local.get 0) (i64.const 0x100000000)))))
;; -- x64, baseline: 10 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 38h
;;   mov rcx, 100000000h
;;   and rcx, rax
;;   sete cl
;;   movzx ecx, cl
;;   mov rax, rcx
;;   leave
;;   ret
;; -- x64, optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov rsi, 100000000h
;;   and rax, rsi
;;   sete al
;;   movzx eax, al
;;   leave
;;   ret
;; -- aarch64, baseline: 9 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x60
;;   tst x0, #0x100000000
;;   cset w1, eq
;;   mov x0, x1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 6 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   tst x0, #0x100000000
;;   cset w0, eq
;;   ldp x29, x30, [sp], #0x10
;;   ret
