;; Registers, and a memory operand on either side.
(module (memory 1) (func (param i32 f64 f64) (result f64)
  (f64.add (f64.add (local.get 1) (local.get 2)) (f64.add (f64.load (local.get 0)) (local.get 1)))))
;; -- baseline: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   vaddsd xmm2, xmm0, xmm1
;;   vaddsd xmm3, xmm0, [r14+rax]
;;   vaddsd xmm2, xmm2, xmm3
;;   movaps xmm0, xmm2
;;   leave
;;   ret
;; -- optimizing: 7 instructions
;;   push rbp
;;   mov rbp, rsp
;;   vaddsd xmm1, xmm0, xmm1
;;   vaddsd xmm0, xmm0, [r14+rax]
;;   vaddsd xmm0, xmm1, xmm0
;;   leave
;;   ret
