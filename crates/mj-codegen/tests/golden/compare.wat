;; As a value, against memory, and negated.
(module (memory 1) (func (param i32 f64 f64) (result i32)
  (i32.add
    (i32.lt_s (local.get 0) (i32.load (local.get 0)))
    (i32.add (f64.lt (local.get 1) (local.get 2)) (i32.eqz (i32.gt_u (local.get 0) (i32.const 9)))))))
;; -- x64, baseline: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 58h
;;   cmp eax, [r14+rax]
;;   setl cl
;;   movzx ecx, cl
;;   ucomisd xmm1, xmm0
;;   seta dl
;;   movzx edx, dl
;;   cmp eax, 9
;;   setbe sil
;;   movzx esi, sil
;;   add edx, esi
;;   add ecx, edx
;;   mov rax, rcx
;;   leave
;;   ret
;; -- x64, optimizing: 15 instructions
;;   push rbp
;;   mov rbp, rsp
;;   cmp eax, [r14+rax]
;;   setl sil
;;   movzx esi, sil
;;   ucomisd xmm1, xmm0
;;   seta dil
;;   movzx edi, dil
;;   cmp eax, 9
;;   setbe al
;;   movzx eax, al
;;   add edi, eax
;;   lea eax, [rsi+rdi]
;;   leave
;;   ret
;; -- aarch64, baseline: 16 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   ldr w1, [x27, w0, uxtw]
;;   cmp w0, w1
;;   cset w1, lt
;;   fcmp d0, d1
;;   cset w2, mi
;;   cmp w0, #0x9
;;   cset w3, ls
;;   add w2, w2, w3
;;   add w1, w1, w2
;;   mov x0, x1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 13 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   ldr w1, [x27, w0, uxtw]
;;   cmp w0, w1
;;   cset w1, lt
;;   fcmp d0, d1
;;   cset w2, mi
;;   cmp w0, #0x9
;;   cset w0, ls
;;   add w2, w2, w0
;;   add w0, w1, w2
;;   ldp x29, x30, [sp], #0x10
;;   ret
