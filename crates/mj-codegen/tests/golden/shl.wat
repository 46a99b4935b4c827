;; By a constant, and by a value.
(module (func (param i32 i64) (result i64)
  (i64.add (i64.shl (local.get 1) (i64.const 9)) (i64.extend_i32_u (i32.shl (local.get 0) (i32.add (local.get 0) (i32.const 1)))))))
;; -- x64, baseline: 11 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov rdx, rcx
;;   shl rdx, 9
;;   lea esi, [rax+1]
;;   shlx esi, eax, esi
;;   add rdx, rsi
;;   mov rax, rdx
;;   leave
;;   ret
;; -- x64, optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   shl rcx, 9
;;   lea esi, [rax+1]
;;   shlx eax, eax, esi
;;   add rax, rcx
;;   leave
;;   ret
;; -- aarch64, baseline: 11 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   lsl x2, x1, #0x9
;;   add w3, w0, #0x1
;;   lsl w3, w0, w3
;;   add x2, x2, x3
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 7 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   add w2, w0, #0x1
;;   lsl w0, w0, w2
;;   add x0, x0, x1, lsl #9
;;   ldp x29, x30, [sp], #0x10
;;   ret
