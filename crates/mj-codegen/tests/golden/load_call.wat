;; A call may write memory, so that no load moves behind it.
(module (memory 1) (func (param i32 i32) (result i32)
  (i32.add (i32.load (local.get 0)) (call 1 (local.get 1))))
  (func (param i32) (result i32) (local.get 0)))
;; -- x64, baseline: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov edx, [r14+rax]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], ecx
;;   mov [rbp-38h], edx
;;   mov rax, rcx
;;   call qword ptr [46h]
;;   mov ecx, [rbp-38h]
;;   add ecx, eax
;;   mov rax, rcx
;;   leave
;;   ret
;; -- x64, optimizing: 14 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov ebx, [r14+rax]
;;   mov rax, rcx
;;   call qword ptr [3Dh]
;;   add eax, ebx
;;   mov rbx, [rbp-10h]
;;   leave
;;   ret
;; -- aarch64, baseline: 19 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldr w2, [x27, w0, uxtw]
;;   stp x1, x0, [x29, #-0x58]
;;   stur x2, [x29, #-0x60]
;;   mov x0, x1
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   ldur w1, [x29, #-0x60]
;;   add w1, w1, w0
;;   mov x0, x1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 16 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x50
;;   stp x19, x28, [x29, #-0x10]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldr w19, [x27, w0, uxtw]
;;   mov x0, x1
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   add w0, w19, w0
;;   ldur x19, [x29, #-0x10]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
