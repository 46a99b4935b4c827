;; Neighbouring slots are written and read in pairs where the machine can.
(module (func $f (param i64 i64 i64 i64) (result i64)
  (drop (call $f (local.get 3) (local.get 2) (local.get 1) (local.get 0)))
  (i64.add (i64.add (local.get 0) (local.get 1)) (i64.add (local.get 2) (local.get 3)))))
;; -- x64, baseline: 23 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 60h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], rax
;;   mov [rbp-30h], rcx
;;   mov [rbp-38h], rdx
;;   mov [rbp-40h], rsi
;;   xchg rsi, rax
;;   xchg rdx, rcx
;;   call qword ptr [4Ch]
;;   mov rax, [rbp-28h]
;;   mov rcx, [rbp-30h]
;;   lea rdx, [rax+rcx]
;;   mov rsi, [rbp-38h]
;;   mov rdi, [rbp-40h]
;;   lea r8, [rsi+rdi]
;;   add rdx, r8
;;   mov rax, rdx
;;   leave
;;   ret
;; -- x64, optimizing: 27 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 28h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov [rbp-18h], r12
;;   mov [rbp-20h], r13
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rbx, rax
;;   mov r12, rcx
;;   mov r13, rdx
;;   mov [rbp-28h], rsi
;;   mov rax, rsi
;;   mov rsi, rbx
;;   mov rdx, r12
;;   mov rcx, r13
;;   call qword ptr [4Fh]
;;   lea rax, [rbx+r12]
;;   mov rsi, [rbp-28h]
;;   add r13, rsi
;;   add rax, r13
;;   mov rbx, [rbp-10h]
;;   mov r12, [rbp-18h]
;;   mov r13, [rbp-20h]
;;   leave
;;   ret
;; -- aarch64, baseline: 26 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x90
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   stp x1, x0, [x29, #-0x58]
;;   stp x3, x2, [x29, #-0x68]
;;   mov x17, x3
;;   mov x3, x0
;;   mov x0, x17
;;   mov x17, x2
;;   mov x2, x1
;;   mov x1, x17
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   ldp x1, x0, [x29, #-0x58]
;;   add x2, x0, x1
;;   ldp x4, x3, [x29, #-0x68]
;;   add x5, x3, x4
;;   add x2, x2, x5
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 27 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x50
;;   stp x19, x28, [x29, #-0x10]
;;   stp x21, x20, [x29, #-0x20]
;;   stur x22, [x29, #-0x28]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   mov x19, x0
;;   mov x20, x1
;;   mov x21, x2
;;   mov x22, x3
;;   mov x0, x22
;;   mov x3, x19
;;   mov x2, x20
;;   mov x1, x21
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   add x0, x19, x20
;;   add x21, x21, x22
;;   add x0, x0, x21
;;   ldp x20, x19, [x29, #-0x18]
;;   ldp x22, x21, [x29, #-0x28]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
