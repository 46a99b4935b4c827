;; What is needed behind the call survives it; arguments change places.
(module (func (param i32 i64 i32) (result i32)
  (i32.add (call 1 (local.get 2) (local.get 1) (local.get 0)) (i32.add (local.get 0) (local.get 2))))
  (func (param i32 i64 i32) (result i32) (local.get 2)))
;; -- x64, baseline: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], rcx
;;   mov [rbp-38h], edx
;;   xchg rdx, rax
;;   call qword ptr [43h]
;;   mov ecx, [rbp-28h]
;;   mov edx, [rbp-38h]
;;   lea esi, [rcx+rdx]
;;   add eax, esi
;;   leave
;;   ret
;; -- x64, optimizing: 19 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov [rbp-18h], r12
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rbx, rax
;;   mov r12, rdx
;;   mov rax, r12
;;   mov rdx, rbx
;;   call qword ptr [42h]
;;   add ebx, r12d
;;   add eax, ebx
;;   mov rbx, [rbp-10h]
;;   mov r12, [rbp-18h]
;;   leave
;;   ret
;; -- aarch64, baseline: 21 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   stp x1, x0, [x29, #-0x58]
;;   stur x2, [x29, #-0x60]
;;   mov x17, x2
;;   mov x2, x0
;;   mov x0, x17
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   ldur w1, [x29, #-0x50]
;;   ldur w2, [x29, #-0x60]
;;   add w3, w1, w2
;;   add w0, w0, w3
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 20 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x50
;;   stp x19, x28, [x29, #-0x10]
;;   stur x20, [x29, #-0x18]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   mov x19, x0
;;   mov x20, x2
;;   mov x0, x20
;;   mov x2, x19
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   add w19, w19, w20
;;   add w0, w0, w19
;;   ldp x20, x19, [x29, #-0x18]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
