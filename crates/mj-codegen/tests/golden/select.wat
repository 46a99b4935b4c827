;; Of integers by a comparison, of floats by a value.
(module (func (param i32 i64 i64 f64 f64) (result f64)
  (i64.store (i32.const 0) (select (local.get 1) (local.get 2) (i64.gt_s (local.get 1) (local.get 2))))
  (select (local.get 3) (local.get 4) (local.get 0)))
  (memory 1))
;; -- baseline: 14 instructions
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
;; -- optimizing: 10 instructions
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
