;; Signed from a register and from memory, unsigned.
(module (memory 1) (func (param i32) (result i64)
  (i64.add (i64.extend_i32_s (local.get 0))
    (i64.add (i64.extend_i32_s (i32.load (local.get 0))) (i64.extend_i32_u (i32.add (local.get 0) (local.get 0)))))))
;; -- x64, baseline: 11 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   movsxd rcx, eax
;;   movsxd rdx, [r14+rax]
;;   lea esi, [rax+rax]
;;   add rdx, rsi
;;   add rcx, rdx
;;   mov rax, rcx
;;   leave
;;   ret
;; -- x64, optimizing: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   movsxd rsi, eax
;;   movsxd rdi, [r14+rax]
;;   add eax, eax
;;   add rdi, rax
;;   lea rax, [rsi+rdi]
;;   leave
;;   ret
;; -- aarch64, baseline: 12 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   sxtw x1, w0
;;   ldrsw x2, [x27, w0, uxtw]
;;   add w3, w0, w0
;;   add x2, x2, x3
;;   add x1, x1, x2
;;   mov x0, x1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 8 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   ldr w1, [x27, w0, uxtw]
;;   add w2, w0, w0
;;   add x2, x2, w1, sxtw
;;   add x0, x2, w0, sxtw
;;   ldp x29, x30, [sp], #0x10
;;   ret
