;; A shift that folds wherever it is used; nothing is left of it on AArch64.
(module (memory 1) (func (param i32 i32 i32) (result i32) (local i32)
  (local.set 3 (i32.shl (local.get 0) (i32.const 3)))
  (i32.store (i32.add (local.get 1) (local.get 3)) (local.get 0))
  (i32.load (i32.add (local.get 2) (local.get 3)))))
;; -- x64, baseline: 11 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   lea esi, [rax*8]
;;   lea edi, [rcx+rsi]
;;   mov [r14+rdi], eax
;;   lea edi, [rdx+rsi]
;;   mov edi, [r14+rdi]
;;   mov rax, rdi
;;   leave
;;   ret
;; -- x64, optimizing: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   lea esi, [rax*8]
;;   add ecx, esi
;;   mov [r14+rcx], eax
;;   add edx, esi
;;   mov eax, [r14+rdx]
;;   leave
;;   ret
;; -- aarch64, baseline: 12 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   lsl w3, w0, #0x3
;;   add w4, w1, w3
;;   str w0, [x27, w4, uxtw]
;;   add w4, w2, w3
;;   ldr w4, [x27, w4, uxtw]
;;   mov x0, x4
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 8 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   add w1, w1, w0, lsl #3
;;   str w0, [x27, w1, uxtw]
;;   add w0, w2, w0, lsl #3
;;   ldr w0, [x27, w0, uxtw]
;;   ldp x29, x30, [sp], #0x10
;;   ret
