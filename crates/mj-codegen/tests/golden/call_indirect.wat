;; A call through a table: bounds, type, and what the caller restores.
(module (type $t (func (param i32) (result i32))) (table 4 funcref)
  (func (param i32 i32) (result i32)
    (i32.add (call_indirect (type $t) (local.get 0) (local.get 1)) (local.get 0))))
;; -- x64, baseline: 32 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rdx, [r15+48h]
;;   mov r11, [rdx+8]
;;   cmp rcx, r11
;;   jae L0
;;   mov rdx, [r15+40h]
;;   lea r11, [rdx+rcx*8]
;;   cmovb rdx, r11
;;   mov rdx, [rdx]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], ecx
;;   mov r11, [r15+20h]
;;   mov r11d, [r11]
;;   cmp r11d, [rdx+10h]
;;   jne L1
;;   mov r11, [rdx]
;;   mov r15, [rdx+8]
;;   mov r14, [r15+8]
;;   call qword ptr [r11]
;;   mov r15, [rbp-8]
;;   mov r14, [r15+8]
;;   mov ecx, [rbp-28h]
;;   add eax, ecx
;;   leave
;;   ret
;; L0:
;;   ud2
;; L1:
;;   ud2
;; -- x64, optimizing: 33 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rsi, [r15+48h]
;;   mov r11, [rsi+8]
;;   cmp rcx, r11
;;   jae L1
;;   mov rsi, [r15+40h]
;;   lea r11, [rsi+rcx*8]
;;   cmovb rsi, r11
;;   mov rsi, [rsi]
;;   mov r11, [r15+20h]
;;   mov r11d, [r11]
;;   cmp r11d, [rsi+10h]
;;   jne L0
;;   mov r11, [rsi]
;;   mov r15, [rsi+8]
;;   mov r14, [r15+8]
;;   mov rbx, rax
;;   mov rax, rbx
;;   call qword ptr [r11]
;;   mov r15, [rbp-8]
;;   mov r14, [r15+8]
;;   add eax, ebx
;;   mov rbx, [rbp-10h]
;;   leave
;;   ret
;; L0:
;;   ud2
;; L1:
;;   ud2
;; -- aarch64, baseline: 34 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur x28, [x29, #-0x8]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldr x16, [x28, #0x48]
;;   ldr x16, [x16, #0x8]
;;   cmp x1, x16
;;   b.hs L0
;;   ldr x2, [x28, #0x40]
;;   add x16, x2, x1, lsl #3
;;   csel x2, x16, x2, lo
;;   ldr x2, [x2]
;;   stp x1, x0, [x29, #-0x58]
;;   ldr x16, [x28, #0x20]
;;   ldr w16, [x16]
;;   ldr w17, [x2, #0x10]
;;   cmp w17, w16
;;   b.ne L1
;;   ldr x16, [x2]
;;   ldr x28, [x2, #0x8]
;;   ldr x27, [x28, #0x8]
;;   ldr x16, [x16]
;;   blr x16
;;   ldur x28, [x29, #-0x8]
;;   ldr x27, [x28, #0x8]
;;   ldur w1, [x29, #-0x50]
;;   add w0, w0, w1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L0:
;;   udf #0x4
;; L1:
;;   udf #0x6
;; -- aarch64, optimizing: 35 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x50
;;   stp x19, x28, [x29, #-0x10]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldr x16, [x28, #0x48]
;;   ldr x16, [x16, #0x8]
;;   cmp x1, x16
;;   b.hs L1
;;   ldr x2, [x28, #0x40]
;;   add x16, x2, x1, lsl #3
;;   csel x2, x16, x2, lo
;;   ldr x2, [x2]
;;   ldr x16, [x28, #0x20]
;;   ldr w16, [x16]
;;   ldr w17, [x2, #0x10]
;;   cmp w17, w16
;;   b.ne L0
;;   ldr x16, [x2]
;;   ldr x28, [x2, #0x8]
;;   ldr x27, [x28, #0x8]
;;   mov x19, x0
;;   mov x0, x19
;;   ldr x16, [x16]
;;   blr x16
;;   ldur x28, [x29, #-0x8]
;;   ldr x27, [x28, #0x8]
;;   add w0, w0, w19
;;   ldur x19, [x29, #-0x10]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L0:
;;   udf #0x6
;; L1:
;;   udf #0x4
