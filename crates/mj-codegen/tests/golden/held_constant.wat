;; In a loop, a factor is an immediate on x86-64, and a register in front of the loop on AArch64, so that it multiplies and adds at once. The address
;; of the interrupt page has a register on both.
(module (func (param i32) (result i32) (local i32)
  (loop
    (local.set 1 (i32.add (i32.mul (local.get 0) (i32.const 3200)) (local.get 1)))
    (call $f)
    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (local.get 1))
  (func $f))
;; -- x64, baseline: 25 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], r12
;;   mov [rbp-18h], r13
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov qword ptr [rbp-30h], 0
;;   mov r13, rax
;;   mov r12d, [rbp-30h]
;;   nop
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   imul eax, r13d, 0C80h
;;   add r12d, eax
;;   call qword ptr [57h]
;;   add r13d, 0FFFFFFFFh
;;   test r13d, r13d
;;   jne L0
;;   mov rax, r12
;;   mov r12, [rbp-10h]
;;   mov r13, [rbp-18h]
;;   leave
;;   ret
;; -- x64, optimizing: 27 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov [rbp-18h], r12
;;   mov [rbp-20h], r13
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rbx, [r15+18h]
;;   mov r12, rax
;;   xor esi, esi
;;   nop [rax]
;; L0:
;;   mov r11d, [rbx]
;;   imul edi, r12d, 0C80h
;;   lea r13d, [rdi+rsi]
;;   call qword ptr [54h]
;;   add r12d, 0FFFFFFFFh
;;   je L1
;;   mov rsi, r13
;;   jmp L0
;; L1:
;;   mov rax, r13
;;   mov rbx, [rbp-10h]
;;   mov r12, [rbp-18h]
;;   mov r13, [rbp-20h]
;;   leave
;;   ret
;; -- aarch64, baseline: 25 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stp x25, x28, [x29, #-0x10]
;;   stur x26, [x29, #-0x18]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   stur xzr, [x29, #-0x58]
;;   mov x26, x0
;;   ldur w25, [x29, #-0x58]
;; L0:
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   mov w0, #0xc80
;;   mul w0, w26, w0
;;   add w25, w0, w25
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   sub w26, w26, #0x1
;;   cbnz w26, L0
;;   mov x0, x25
;;   ldp x26, x25, [x29, #-0x18]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 29 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x50
;;   stp x19, x28, [x29, #-0x10]
;;   stp x21, x20, [x29, #-0x20]
;;   stur x22, [x29, #-0x28]
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldr x19, [x28, #0x18]
;;   mov w20, #0xc80
;;   mov x21, x0
;;   mov w0, #0x0
;;   nop
;;   nop
;; L0:
;;   ldr wzr, [x19]
;;   madd w22, w21, w20, w0
;;   adrp x16, $+0x0
;;   ldr x16, [x16]
;;   blr x16
;;   sub w21, w21, #0x1
;;   cbz w21, L1
;;   mov x0, x22
;;   b L0
;; L1:
;;   mov x0, x22
;;   ldp x20, x19, [x29, #-0x18]
;;   ldp x22, x21, [x29, #-0x28]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
