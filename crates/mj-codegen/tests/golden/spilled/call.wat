;; Results of calls are stored at once, whether their registers survive or not.
(module (func $f (param i32 i64) (result i32 i64)
  (call $f (local.get 0) (local.get 1))
  (i64.add (local.get 1))))
;; -- x64, baseline: 21 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], rcx
;;   mov eax, [rbp-28h]
;;   mov rcx, [rbp-30h]
;;   call qword ptr [44h]
;;   mov [rbp-38h], eax
;;   mov [rbp-40h], rcx
;;   mov rax, [rbp-40h]
;;   mov rcx, [rbp-30h]
;;   add rax, rcx
;;   mov [rbp-40h], rax
;;   mov eax, [rbp-38h]
;;   mov rcx, [rbp-40h]
;;   leave
;;   ret
;; -- x64, optimizing: 21 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], rax
;;   mov [rbp-30h], rcx
;;   mov rax, [rbp-28h]
;;   mov rcx, [rbp-30h]
;;   call qword ptr [46h]
;;   mov [rbp-38h], rax
;;   mov [rbp-40h], rcx
;;   mov rcx, [rbp-40h]
;;   mov rsi, [rbp-30h]
;;   add rcx, rsi
;;   mov [rbp-48h], rcx
;;   mov rax, [rbp-38h]
;;   mov rcx, [rbp-48h]
;;   leave
;;   ret
;; -- aarch64, baseline: 22 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   stp x1, x0, [x29, #-0x58]
;;   ldur w0, [x29, #-0x50]
;;   ldur x1, [x29, #-0x58]
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   stp x1, x0, [x29, #-0x68]
;;   ldur x0, [x29, #-0x68]
;;   ldur x1, [x29, #-0x58]
;;   add x0, x0, x1
;;   stur x0, [x29, #-0x68]
;;   ldur w0, [x29, #-0x60]
;;   ldur x1, [x29, #-0x68]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 21 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   stp x1, x0, [x29, #-0x58]
;;   ldp x1, x0, [x29, #-0x58]
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   stp x1, x0, [x29, #-0x68]
;;   ldur x1, [x29, #-0x68]
;;   ldur x0, [x29, #-0x58]
;;   add x1, x1, x0
;;   stur x1, [x29, #-0x70]
;;   ldur x0, [x29, #-0x60]
;;   ldur x1, [x29, #-0x70]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
