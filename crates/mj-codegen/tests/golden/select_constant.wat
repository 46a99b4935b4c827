;; Selections of 0, 1 and -1 need no register for them on AArch64.
(module (func (param i32 i32 i32) (result i32)
  (i32.add
    (select (i32.const 0) (local.get 1) (i32.gt_s (local.get 0) (local.get 2)))
    (i32.add
      (select (local.get 1) (i32.const 1) (i32.lt_u (local.get 0) (local.get 2)))
      (select (local.get 1) (i32.const -1) (local.get 0))))))
;; -- x64, baseline: 19 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 60h
;;   cmp eax, edx
;;   mov esi, 0
;;   cmovle esi, ecx
;;   cmp eax, edx
;;   mov edi, 1
;;   mov r8d, ecx
;;   cmovae r8d, edi
;;   test eax, eax
;;   mov edi, 0FFFFFFFFh
;;   mov r9d, ecx
;;   cmove r9d, edi
;;   add r8d, r9d
;;   add esi, r8d
;;   mov rax, rsi
;;   leave
;;   ret
;; -- x64, optimizing: 16 instructions
;;   push rbp
;;   mov rbp, rsp
;;   cmp eax, edx
;;   mov esi, 0
;;   cmovle esi, ecx
;;   cmp eax, edx
;;   mov edi, 1
;;   mov r8d, ecx
;;   cmovae r8d, edi
;;   test eax, eax
;;   mov edi, 0FFFFFFFFh
;;   cmove ecx, edi
;;   add r8d, ecx
;;   lea eax, [rsi+r8]
;;   leave
;;   ret
;; -- aarch64, baseline: 18 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x90
;;   cmp w0, w2
;;   mov w3, #0x0
;;   csel w3, w3, w1, gt
;;   cmp w0, w2
;;   mov w4, #0x1
;;   csel w4, w1, w4, lo
;;   cmp w0, #0x0
;;   mov w5, #0xffffffff
;;   csel w5, w1, w5, ne
;;   add w4, w4, w5
;;   add w3, w3, w4
;;   mov x0, x3
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 12 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   cmp w0, w2
;;   csel w3, w1, wzr, le
;;   cmp w0, w2
;;   csinc w2, w1, wzr, lo
;;   cmp w0, #0x0
;;   csinv w1, w1, wzr, ne
;;   add w2, w2, w1
;;   add w0, w3, w2
;;   ldp x29, x30, [sp], #0x10
;;   ret
