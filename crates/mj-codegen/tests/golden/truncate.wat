;; What does not fit is found behind the conversion; saturating ones are the machine's where it can.
(module (func (param f64 f32) (result i64)
  (i64.add
    (i64.add (i64.extend_i32_u (i32.trunc_f64_u (local.get 0))) (i64.trunc_f64_s (local.get 0)))
    (i64.add (i64.trunc_f32_u (local.get 1)) (i64.trunc_sat_f32_s (local.get 1))))))
;; -- x64, baseline: 54 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   cvttsd2si rax, xmm0
;;   mov r11d, eax
;;   cmp r11, rax
;;   je L1
;;   ucomisd xmm0, xmm0
;;   jp L0
;;   ud2
;; L0:
;;   ud2
;; L1:
;;   mov eax, eax
;;   cvttsd2si rcx, xmm0
;;   cmp rcx, 1
;;   jno L4
;;   ucomisd xmm0, [0E0h]
;;   jp L2
;;   je L4
;; L2:
;;   ucomisd xmm0, xmm0
;;   jp L3
;;   ud2
;; L3:
;;   ud2
;; L4:
;;   add rax, rcx
;;   ucomiss xmm1, [0E8h]
;;   jae L7
;;   cvttss2si rcx, xmm1
;;   test rcx, rcx
;;   jns L8
;; L5:
;;   ucomiss xmm1, xmm1
;;   jp L6
;;   ud2
;; L6:
;;   ud2
;; L7:
;;   movaps xmm2, xmm1
;;   subss xmm2, [0E8h]
;;   cvttss2si rcx, xmm2
;;   test rcx, rcx
;;   js L5
;;   mov r11, 8000000000000000h
;;   xor rcx, r11
;; L8:
;;   cvttss2si rdx, xmm1
;;   cmp rdx, 1
;;   jno L11
;;   xorps xmm2, xmm2
;;   ucomiss xmm1, xmm2
;;   jnp L9
;;   xor edx, edx
;;   jmp L11
;; L9:
;;   ja L10
;;   jmp L11
;; L10:
;;   mov rdx, 7FFFFFFFFFFFFFFFh
;; L11:
;;   add rcx, rdx
;;   add rax, rcx
;;   leave
;;   ret
;; -- x64, optimizing: 53 instructions
;;   push rbp
;;   mov rbp, rsp
;;   cvttsd2si rax, xmm0
;;   mov r11d, eax
;;   cmp r11, rax
;;   je L1
;;   ucomisd xmm0, xmm0
;;   jp L0
;;   ud2
;; L0:
;;   ud2
;; L1:
;;   mov eax, eax
;;   cvttsd2si rsi, xmm0
;;   cmp rsi, 1
;;   jno L4
;;   ucomisd xmm0, [0E0h]
;;   jp L2
;;   je L4
;; L2:
;;   ucomisd xmm0, xmm0
;;   jp L3
;;   ud2
;; L3:
;;   ud2
;; L4:
;;   add rax, rsi
;;   ucomiss xmm1, [0E8h]
;;   jae L7
;;   cvttss2si rsi, xmm1
;;   test rsi, rsi
;;   jns L8
;; L5:
;;   ucomiss xmm1, xmm1
;;   jp L6
;;   ud2
;; L6:
;;   ud2
;; L7:
;;   movaps xmm0, xmm1
;;   subss xmm0, [0E8h]
;;   cvttss2si rsi, xmm0
;;   test rsi, rsi
;;   js L5
;;   mov r11, 8000000000000000h
;;   xor rsi, r11
;; L8:
;;   cvttss2si rdi, xmm1
;;   cmp rdi, 1
;;   jno L11
;;   xorps xmm0, xmm0
;;   ucomiss xmm1, xmm0
;;   jnp L9
;;   xor edi, edi
;;   jmp L11
;; L9:
;;   ja L10
;;   jmp L11
;; L10:
;;   mov rdi, 7FFFFFFFFFFFFFFFh
;; L11:
;;   add rsi, rdi
;;   add rax, rsi
;;   leave
;;   ret
;; -- aarch64, baseline: 41 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   fcvtzu w0, d0
;;   fcvtzs x16, d0
;;   cmp x16, w0
;;   fccmp d0, d0, #0x1, eq
;;   b.vs L1
;;   fcvtzs x1, d0
;;   fcmp d0, d0
;;   ccmp x1, #0x1, #0x1, vc
;;   ccmn x1, #0x1, #0x1, vc
;;   b.vs L3
;; L0:
;;   add x0, x0, x1
;;   fmov s31, #-1.0
;;   fcmp s1, s31
;;   fcvtzu x1, s1
;;   ccmn x1, #0x1, #0x4, gt
;;   b.eq L5
;;   fcvtzs x2, s1
;;   add x1, x1, x2
;;   add x0, x0, x1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L1:
;;   fcmp d0, d0
;;   b.vs L2
;;   udf #0x7
;; L2:
;;   udf #0x9
;; L3:
;;   mov x17, #0xc3e0000000000000
;;   fmov d31, x17
;;   fcmp d0, d31
;;   b.eq L0
;;   fcmp d0, d0
;;   b.vs L4
;;   udf #0x7
;; L4:
;;   udf #0x9
;; L5:
;;   fcmp s1, s1
;;   b.vs L6
;;   udf #0x7
;; L6:
;;   udf #0x9
;; -- aarch64, optimizing: 39 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   fcvtzu w0, d0
;;   fcvtzs x16, d0
;;   cmp x16, w0
;;   fccmp d0, d0, #0x1, eq
;;   b.vs L1
;;   fcvtzs x1, d0
;;   fcmp d0, d0
;;   ccmp x1, #0x1, #0x1, vc
;;   ccmn x1, #0x1, #0x1, vc
;;   b.vs L3
;; L0:
;;   add x0, x0, x1
;;   fmov s31, #-1.0
;;   fcmp s1, s31
;;   fcvtzu x1, s1
;;   ccmn x1, #0x1, #0x4, gt
;;   b.eq L5
;;   fcvtzs x2, s1
;;   add x1, x1, x2
;;   add x0, x0, x1
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L1:
;;   fcmp d0, d0
;;   b.vs L2
;;   udf #0x7
;; L2:
;;   udf #0x9
;; L3:
;;   mov x17, #0xc3e0000000000000
;;   fmov d31, x17
;;   fcmp d0, d31
;;   b.eq L0
;;   fcmp d0, d0
;;   b.vs L4
;;   udf #0x7
;; L4:
;;   udf #0x9
;; L5:
;;   fcmp s1, s1
;;   b.vs L6
;;   udf #0x7
;; L6:
;;   udf #0x9
