;; Constants: zero, a short one, a power of ten, one of the pool.
(module (func (param f64) (result f64)
  (if (f64.lt (local.get 0) (f64.const 0)) (then (return (f64.const 0))))
  (f64.add (f64.mul (local.get 0) (f64.const 1.5)) (f64.div (f64.const 1e9) (f64.sub (local.get 0) (f64.const 0.1))))))
;; -- x64, baseline: 16 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   xorps xmm1, xmm1
;;   ucomisd xmm1, xmm0
;;   jbe L0
;;   xorps xmm0, xmm0
;;   jmp L1
;; L0:
;;   vmulsd xmm1, xmm0, [70h]
;;   vsubsd xmm2, xmm0, [78h]
;;   movsd xmm3, [80h]
;;   vdivsd xmm3, xmm3, xmm2
;;   vaddsd xmm1, xmm1, xmm3
;;   movaps xmm0, xmm1
;; L1:
;;   leave
;;   ret
;; -- x64, optimizing: 15 instructions
;;   push rbp
;;   mov rbp, rsp
;;   xorps xmm1, xmm1
;;   ucomisd xmm1, xmm0
;;   jbe L0
;;   xorps xmm0, xmm0
;;   leave
;;   ret
;; L0:
;;   vmulsd xmm1, xmm0, [70h]
;;   vsubsd xmm0, xmm0, [78h]
;;   movsd xmm2, [80h]
;;   vdivsd xmm2, xmm2, xmm0
;;   vaddsd xmm0, xmm1, xmm2
;;   leave
;;   ret
;; -- aarch64, baseline: 20 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   fcmp d0, #0.0
;;   b.pl L0
;;   movi d0, #0x0
;;   b L1
;; L0:
;;   fmov d1, #1.5
;;   fmul d1, d0, d1
;;   ldr d2, constant
;;   fsub d2, d0, d2
;;   mov x17, #0xcd6500000000
;;   movk x17, #0x41cd, lsl #48
;;   fmov d3, x17
;;   fdiv d3, d3, d2
;;   fadd d1, d1, d3
;;   mov v0.16b, v1.16b
;; L1:
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 18 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   fcmp d0, #0.0
;;   b.pl L0
;;   movi d0, #0x0
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L0:
;;   fmov d1, #1.5
;;   fmul d1, d0, d1
;;   ldr d2, constant
;;   fsub d0, d0, d2
;;   mov x17, #0xcd6500000000
;;   movk x17, #0x41cd, lsl #48
;;   fmov d2, x17
;;   fdiv d2, d2, d0
;;   fadd d0, d1, d2
;;   ldp x29, x30, [sp], #0x10
;;   ret
