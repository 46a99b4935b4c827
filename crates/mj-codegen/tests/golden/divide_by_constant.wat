;; Divisors that cannot trap are not looked at; powers of two are shifts.
(module (func (param i32 i32) (result i32)
  (i32.add
    (i32.add (i32.div_s (local.get 0) (i32.const 8)) (i32.rem_u (local.get 0) (i32.const 16)))
    (i32.add (i32.div_s (local.get 1) (i32.const 7)) (i32.rem_s (local.get 1) (i32.const 10))))))
;; -- x64, baseline: 32 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov rdx, rax
;;   mov rsi, rdx
;;   mov edi, 8
;;   cdq
;;   idiv edi
;;   mov edx, esi
;;   and edx, 0Fh
;;   add eax, edx
;;   mov rdx, rax
;;   mov rax, rcx
;;   mov rdi, rdx
;;   mov r8d, 7
;;   cdq
;;   idiv r8d
;;   mov rdx, rax
;;   mov rax, rcx
;;   mov r8, rdx
;;   mov r9d, 0Ah
;;   cmp r9d, 0FFFFFFFFh
;;   je L0
;;   cdq
;;   idiv r9d
;;   jmp L1
;; L0:
;;   xor edx, edx
;; L1:
;;   add r8d, edx
;;   add edi, r8d
;;   mov rax, rdi
;;   leave
;;   ret
;; -- x64, optimizing: 25 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov esi, eax
;;   sar esi, 1Fh
;;   shr esi, 1Dh
;;   add esi, eax
;;   sar esi, 3
;;   and eax, 0Fh
;;   add eax, esi
;;   movsxd rsi, ecx
;;   mov edi, 92492493h
;;   imul rdi, rsi
;;   sar rdi, 22h
;;   mov r8d, ecx
;;   shr r8d, 1Fh
;;   add edi, r8d
;;   imul rsi, 66666667h
;;   sar rsi, 22h
;;   add esi, r8d
;;   imul esi, 0Ah
;;   sub ecx, esi
;;   add edi, ecx
;;   add eax, edi
;;   leave
;;   ret
;; -- aarch64, baseline: 19 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   asr w17, w0, #0x1f
;;   add w17, w0, w17, lsr #29
;;   asr w2, w17, #0x3
;;   and w3, w0, #0xf
;;   add w2, w2, w3
;;   mov w3, #0x7
;;   sdiv w3, w1, w3
;;   mov w4, #0xa
;;   sdiv w17, w1, w4
;;   msub w4, w17, w4, w1
;;   add w3, w3, w4
;;   add w2, w2, w3
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 24 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   asr w2, w0, #0x1f
;;   add w2, w0, w2, lsr #29
;;   and w0, w0, #0xf
;;   add w0, w0, w2, asr #3
;;   sxtw x2, w1
;;   mov w3, #0x2493
;;   movk w3, #0x9249, lsl #16
;;   mul x3, x2, x3
;;   asr x3, x3, #0x22
;;   add w3, w3, w1, lsr #31
;;   mov w4, #0x6667
;;   movk w4, #0x6666, lsl #16
;;   mul x2, x2, x4
;;   asr x2, x2, #0x22
;;   add w2, w2, w1, lsr #31
;;   mov w4, #0xa
;;   mul w2, w2, w4
;;   sub w1, w1, w2
;;   add w3, w3, w1
;;   add w0, w0, w3
;;   ldp x29, x30, [sp], #0x10
;;   ret
