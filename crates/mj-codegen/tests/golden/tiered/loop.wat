;; A countdown at the entry and at the header; behind them what happens when it goes negative: the loop's state goes to its slots.
(module (func (param i32) (result i32) (local i32 i64)
  (i32.const 7)
  (loop
    (local.set 1 (i32.add (local.get 1) (local.get 0)))
    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (i32.add (local.get 1))))
;; -- x64, tiered: 45 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov [rbp-18h], r12
;;   mov [rbp-20h], r13
;;   mov r11, [r15+18h]
;;   sub dword ptr [r11], 9
;;   js L4
;; L0:
;;   xorps xmm15, xmm15
;;   movups [rbp-38h], xmm15
;;   mov r10d, [rbp-30h]
;;   nop [rax]
;; L1:
;;   mov r11, [r15+18h]
;;   sub dword ptr [r11], 6
;;   js L3
;; L2:
;;   add r10d, eax
;;   add eax, 0FFFFFFFFh
;;   test eax, eax
;;   jne L1
;;   lea ecx, [r10+7]
;;   mov rax, rcx
;;   mov rbx, [rbp-10h]
;;   mov r12, [rbp-18h]
;;   mov r13, [rbp-20h]
;;   leave
;;   ret
;; L3:
;;   mov dword ptr [r11], 3E8h
;;   push 0
;;   push 21h
;;   mov r11, [r15+28h]
;;   call qword ptr [r11+58h]
;;   test r11, r11
;;   je L2
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], r10d
;;   mov dword ptr [rbp-40h], 7
;;   jmp r11
;; L4:
;;   mov dword ptr [r11], 3E8h
;;   push 0
;;   push 18h
;;   mov r11, [r15+28h]
;;   call qword ptr [r11+58h]
;;   jmp L0
;; -- aarch64, tiered: 51 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   stp x19, x28, [x29, #-0x10]
;;   stp x21, x20, [x29, #-0x20]
;;   stp x23, x22, [x29, #-0x30]
;;   stp x25, x24, [x29, #-0x40]
;;   stur x26, [x29, #-0x48]
;;   ldr x16, [x28, #0x18]
;;   ldr w17, [x16]
;;   subs w17, w17, #0xc
;;   str w17, [x16]
;;   b.mi L4
;; L0:
;;   sub x17, x29, #0x60
;;   stp xzr, xzr, [x17], #0x10
;;   ldur w14, [x29, #-0x58]
;; L1:
;;   ldr x16, [x28, #0x18]
;;   ldr w17, [x16]
;;   subs w17, w17, #0x8
;;   str w17, [x16]
;;   b.mi L3
;; L2:
;;   add w14, w14, w0
;;   sub w0, w0, #0x1
;;   cbnz w0, L1
;;   add w1, w14, #0x7
;;   mov x0, x1
;;   ldp x20, x19, [x29, #-0x18]
;;   ldp x22, x21, [x29, #-0x28]
;;   ldp x24, x23, [x29, #-0x38]
;;   ldp x26, x25, [x29, #-0x48]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L3:
;;   mov w17, #0x3e8
;;   str w17, [x16]
;;   mov w16, #0x21
;;   ldr x30, [x28, #0x28]
;;   ldr x30, [x30, #0x58]
;;   blr x30
;;   cbz x16, L2
;;   stp x14, x0, [x29, #-0x58]
;;   mov w17, #0x7
;;   stur w17, [x29, #-0x68]
;;   br x16
;; L4:
;;   mov w17, #0x3e8
;;   str w17, [x16]
;;   mov w16, #0x18
;;   ldr x30, [x28, #0x28]
;;   ldr x30, [x30, #0x58]
;;   blr x30
;;   b L0
