;; Of integers by a comparison, of floats by a value.
(module (func (param i32 i64 i64 f64 f64) (result f64)
  (i64.store (i32.const 0) (select (local.get 1) (local.get 2) (i64.gt_s (local.get 1) (local.get 2))))
  (select (local.get 3) (local.get 4) (local.get 0)))
  (memory 1))
;; -- x64, baseline: 14 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 70h
;;   cmp rcx, rdx
;;   mov rsi, rcx
;;   cmovle rsi, rdx
;;   mov [r14], rsi
;;   test eax, eax
;;   movaps xmm2, xmm0
;;   jne L0
;;   movaps xmm2, xmm1
;; L0:
;;   movaps xmm0, xmm2
;;   leave
;;   ret
;; -- x64, optimizing: 10 instructions
;;   push rbp
;;   mov rbp, rsp
;;   cmp rcx, rdx
;;   cmovle rcx, rdx
;;   mov [r14], rcx
;;   test eax, eax
;;   jne L0
;;   movaps xmm0, xmm1
;; L0:
;;   leave
;;   ret
;; -- aarch64, baseline: 12 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0xa0
;;   cmp x1, x2
;;   csel x3, x1, x2, gt
;;   str x3, [x27]
;;   cmp w0, #0x0
;;   fcsel d2, d0, d1, ne
;;   mov v0.16b, v2.16b
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 9 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   cmp x1, x2
;;   csel x1, x1, x2, gt
;;   str x1, [x27]
;;   cmp w0, #0x0
;;   fcsel d0, d0, d1, ne
;;   ldp x29, x30, [sp], #0x10
;;   ret
