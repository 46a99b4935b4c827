;; Registers, and a memory operand on either side.
(module (memory 1) (func (param i32 f64 f64) (result f64)
  (f64.add (f64.add (local.get 1) (local.get 2)) (f64.add (f64.load (local.get 0)) (local.get 1)))))
;; -- x64, baseline: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   vaddsd xmm2, xmm0, xmm1
;;   vaddsd xmm3, xmm0, [r14+rax]
;;   vaddsd xmm2, xmm2, xmm3
;;   movaps xmm0, xmm2
;;   leave
;;   ret
;; -- x64, optimizing: 7 instructions
;;   push rbp
;;   mov rbp, rsp
;;   vaddsd xmm1, xmm0, xmm1
;;   vaddsd xmm0, xmm0, [r14+rax]
;;   vaddsd xmm0, xmm1, xmm0
;;   leave
;;   ret
;; -- aarch64, baseline: 11 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   fadd d2, d0, d1
;;   ldr d3, [x27, w0, uxtw]
;;   fadd d3, d3, d0
;;   fadd d2, d2, d3
;;   mov v0.16b, v2.16b
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 8 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   fadd d1, d0, d1
;;   ldr d2, [x27, w0, uxtw]
;;   fadd d2, d2, d0
;;   fadd d0, d1, d2
;;   ldp x29, x30, [sp], #0x10
;;   ret
