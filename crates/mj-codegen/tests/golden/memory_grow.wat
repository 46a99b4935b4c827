;; A helper, which takes its arguments as a function does.
(module (memory 1) (func (param i32 i64) (result i64)
  (i64.add (local.get 1) (i64.extend_i32_s (memory.grow (local.get 0))))))
;; -- x64, baseline: 18 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], rcx
;;   mov rcx, rax
;;   mov eax, 0
;;   mov r11, [r15+28h]
;;   call qword ptr [r11]
;;   mov eax, eax
;;   movsxd rax, eax
;;   mov rcx, [rbp-30h]
;;   add rax, rcx
;;   leave
;;   ret
;; -- x64, optimizing: 18 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rbx, rcx
;;   mov rcx, rax
;;   mov eax, 0
;;   mov r11, [r15+28h]
;;   call qword ptr [r11]
;;   mov eax, eax
;;   movsxd rax, eax
;;   add rax, rbx
;;   mov rbx, [rbp-10h]
;;   leave
;;   ret
;; -- aarch64, baseline: 18 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   stp x1, x0, [x29, #-0x58]
;;   mov x1, x0
;;   mov w0, #0x0
;;   ldr x16, [x28, #0x28]
;;   ldr x16, [x16]
;;   blr x16
;;   mov w0, w0
;;   ldur x1, [x29, #-0x58]
;;   add x0, x1, w0, sxtw
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 18 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x50
;;   stp x19, x28, [x29, #-0x10]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   mov x19, x1
;;   mov x1, x0
;;   mov w0, #0x0
;;   ldr x16, [x28, #0x28]
;;   ldr x16, [x16]
;;   blr x16
;;   mov w0, w0
;;   add x0, x19, w0, sxtw
;;   ldur x19, [x29, #-0x10]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
