;; A function without loops that calls nothing needs no frame for tiering; its call weighs a few instructions.
(module (func (param i32 i32) (result i32)
  (i32.add (local.get 0) (local.get 1))))
;; -- x64, tiered: 16 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov r11, [r15+18h]
;;   sub dword ptr [r11], 2
;;   js L1
;; L0:
;;   lea edx, [rax+rcx]
;;   mov rax, rdx
;;   leave
;;   ret
;; L1:
;;   mov dword ptr [r11], 3E8h
;;   push 0
;;   push 19h
;;   mov r11, [r15+28h]
;;   call qword ptr [r11+58h]
;;   jmp L0
;; -- aarch64, tiered: 20 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   ldr x16, [x28, #0x18]
;;   ldr w17, [x16]
;;   subs w17, w17, #0x5
;;   str w17, [x16]
;;   b.mi L1
;; L0:
;;   add w2, w0, w1
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L1:
;;   mov w17, #0x3e8
;;   str w17, [x16]
;;   mov w16, #0x19
;;   ldr x30, [x28, #0x28]
;;   ldr x30, [x30, #0x58]
;;   blr x30
;;   b L0
