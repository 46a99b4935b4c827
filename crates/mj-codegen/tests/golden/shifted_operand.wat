;; Shifts and extensions fold into additions, logic and comparisons; so does an inversion.
(module (func (param i32 i32 i64) (result i64)
  (i64.add
    (i64.add (local.get 2) (i64.extend_i32_s (i32.sub (local.get 0) (i32.shr_s (local.get 1) (i32.const 3)))))
    (i64.extend_i32_u
      (i32.add
        (i32.and (local.get 0) (i32.xor (local.get 1) (i32.const -1)))
        (i32.add (i32.xor (local.get 0) (i32.rotl (local.get 1) (i32.const 7))) (i32.lt_u (local.get 0) (i32.shl (local.get 1) (i32.const 2)))))))))
;; -- x64, baseline: 24 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 68h
;;   mov esi, ecx
;;   sar esi, 3
;;   mov edi, eax
;;   sub edi, esi
;;   movsxd rdi, edi
;;   lea rsi, [rdx+rdi]
;;   mov edi, ecx
;;   xor edi, 0FFFFFFFFh
;;   and edi, eax
;;   rorx r8d, ecx, 19h
;;   xor r8d, eax
;;   lea r9d, [rcx*4]
;;   cmp eax, r9d
;;   setb r9b
;;   movzx r9d, r9b
;;   add r8d, r9d
;;   add edi, r8d
;;   add rsi, rdi
;;   mov rax, rsi
;;   leave
;;   ret
;; -- x64, optimizing: 22 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov esi, ecx
;;   sar esi, 3
;;   mov edi, eax
;;   sub edi, esi
;;   movsxd rdi, edi
;;   add rdx, rdi
;;   mov esi, ecx
;;   xor esi, 0FFFFFFFFh
;;   and esi, eax
;;   rorx edi, ecx, 19h
;;   xor edi, eax
;;   shl ecx, 2
;;   cmp eax, ecx
;;   setb al
;;   movzx eax, al
;;   add edi, eax
;;   add esi, edi
;;   lea rax, [rdx+rsi]
;;   leave
;;   ret
;; -- aarch64, baseline: 16 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x90
;;   sub w3, w0, w1, asr #3
;;   add x3, x2, w3, sxtw
;;   bic w4, w0, w1
;;   eor w5, w0, w1, ror #25
;;   cmp w0, w1, lsl #2
;;   cset w6, lo
;;   add w5, w5, w6
;;   add w4, w4, w5
;;   add x3, x3, x4
;;   mov x0, x3
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 13 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub w3, w0, w1, asr #3
;;   add x2, x2, w3, sxtw
;;   bic w3, w0, w1
;;   eor w4, w0, w1, ror #25
;;   cmp w0, w1, lsl #2
;;   cset w0, lo
;;   add w4, w4, w0
;;   add w3, w3, w4
;;   add x0, x2, x3
;;   ldp x29, x30, [sp], #0x10
;;   ret
