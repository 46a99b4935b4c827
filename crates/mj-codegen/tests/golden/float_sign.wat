;; Operators on signs, minimum and maximum, roundings.
(module (func (param f32 f32) (result f32)
  (f32.copysign
    (f32.min (f32.neg (local.get 0)) (f32.abs (local.get 1)))
    (f32.max (f32.floor (local.get 0)) (f32.nearest (local.get 1))))))
;; -- x64, baseline: 34 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   movaps xmm2, xmm0
;;   xorps xmm2, [0A0h]
;;   movaps xmm3, xmm1
;;   andps xmm3, [0B0h]
;;   ucomiss xmm2, xmm3
;;   jne L1
;;   jp L0
;;   orps xmm2, xmm3
;;   jmp L2
;; L0:
;;   addss xmm2, xmm3
;;   jmp L2
;; L1:
;;   minss xmm2, xmm3
;; L2:
;;   xorps xmm3, xmm3
;;   roundss xmm3, xmm0, 1
;;   xorps xmm4, xmm4
;;   roundss xmm4, xmm1, 0
;;   ucomiss xmm3, xmm4
;;   jne L4
;;   jp L3
;;   andps xmm3, xmm4
;;   jmp L5
;; L3:
;;   addss xmm3, xmm4
;;   jmp L5
;; L4:
;;   maxss xmm3, xmm4
;; L5:
;;   movaps xmm4, xmm3
;;   andps xmm4, [0A0h]
;;   andps xmm2, [0B0h]
;;   orps xmm2, xmm4
;;   movaps xmm0, xmm2
;;   leave
;;   ret
;; -- x64, optimizing: 31 instructions
;;   push rbp
;;   mov rbp, rsp
;;   movaps xmm2, xmm0
;;   xorps xmm2, [0A0h]
;;   movaps xmm3, xmm1
;;   andps xmm3, [0B0h]
;;   ucomiss xmm2, xmm3
;;   jne L1
;;   jp L0
;;   orps xmm2, xmm3
;;   jmp L2
;; L0:
;;   addss xmm2, xmm3
;;   jmp L2
;; L1:
;;   minss xmm2, xmm3
;; L2:
;;   roundss xmm0, xmm0, 1
;;   roundss xmm1, xmm1, 0
;;   ucomiss xmm0, xmm1
;;   jne L4
;;   jp L3
;;   andps xmm0, xmm1
;;   jmp L5
;; L3:
;;   addss xmm0, xmm1
;;   jmp L5
;; L4:
;;   maxss xmm0, xmm1
;; L5:
;;   movaps xmm1, xmm0
;;   andps xmm1, [0A0h]
;;   andps xmm2, [0B0h]
;;   orps xmm2, xmm1
;;   movaps xmm0, xmm2
;;   leave
;;   ret
;; -- aarch64, baseline: 15 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   fneg s2, s0
;;   fabs s3, s1
;;   fmin s2, s2, s3
;;   frintm s3, s0
;;   frintn s4, s1
;;   fmax s3, s3, s4
;;   ushr v31.2s, v3.2s, #0x1f
;;   sli v2.2s, v31.2s, #0x1f
;;   mov v0.16b, v2.16b
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 13 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   fneg s2, s0
;;   fabs s3, s1
;;   fmin s2, s2, s3
;;   frintm s0, s0
;;   frintn s1, s1
;;   fmax s0, s0, s1
;;   ushr v31.2s, v0.2s, #0x1f
;;   sli v2.2s, v31.2s, #0x1f
;;   mov v0.16b, v2.16b
;;   ldp x29, x30, [sp], #0x10
;;   ret
