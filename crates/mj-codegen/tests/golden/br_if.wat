;; A loop with a condition that fuses, and one that is a value.
(module (func (param i32 i32) (result i32) (local i32)
  (block
    (br_if 0 (local.get 1))
    (loop
      (local.set 2 (i32.add (local.get 2) (local.get 0)))
      (local.set 0 (i32.add (local.get 0) (i32.const -1)))
      (br_if 0 (i32.lt_u (local.get 2) (local.get 0)))))
  (local.get 2)))
;; -- x64, baseline: 21 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   mov qword ptr [rbp-38h], 0
;;   test ecx, ecx
;;   jne L1
;;   mov [rbp-30h], ecx
;;   mov r10d, [rbp-38h]
;;   nop [rax+rax]
;;   nop
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   add r10d, eax
;;   add eax, 0FFFFFFFFh
;;   cmp r10d, eax
;;   jb L0
;;   mov [rbp-38h], r10d
;;   mov ecx, [rbp-30h]
;; L1:
;;   mov eax, [rbp-38h]
;;   leave
;;   ret
;; -- x64, optimizing: 36 instructions
;;   push rbp
;;   mov rbp, rsp
;;   test ecx, ecx
;;   jne L6
;;   mov rsi, [r15+18h]
;;   xor edi, edi
;;   xchg ax, ax
;; L0:
;;   mov r11d, [rsi]
;;   add edi, eax
;;   lea r8d, [rax-1]
;;   cmp edi, r8d
;;   jae L1
;;   add edi, r8d
;;   lea r8d, [rax-2]
;;   cmp edi, r8d
;;   jae L2
;;   add edi, r8d
;;   lea r8d, [rax-3]
;;   cmp edi, r8d
;;   jae L3
;;   add edi, r8d
;;   add eax, 0FFFFFFFCh
;;   cmp edi, eax
;;   jb L0
;;   jmp L4
;; L1:
;;   mov rax, rdi
;;   jmp L5
;; L2:
;;   mov rax, rdi
;;   jmp L5
;; L3:
;;   mov rax, rdi
;;   jmp L5
;; L4:
;;   mov rax, rdi
;; L5:
;;   leave
;;   ret
;; L6:
;;   xor eax, eax
;;   jmp L5
;; -- aarch64, baseline: 21 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur xzr, [x29, #-0x60]
;;   cbnz w1, L1
;;   stur x1, [x29, #-0x58]
;;   ldur w14, [x29, #-0x60]
;;   nop
;;   nop
;; L0:
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   add w14, w14, w0
;;   sub w0, w0, #0x1
;;   cmp w14, w0
;;   b.lo L0
;;   stur x14, [x29, #-0x60]
;;   ldur w1, [x29, #-0x58]
;; L1:
;;   ldur w0, [x29, #-0x60]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 34 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   cbnz w1, L6
;;   ldr x1, [x28, #0x18]
;;   mov w2, #0x0
;; L0:
;;   ldr wzr, [x1]
;;   add w2, w2, w0
;;   sub w3, w0, #0x1
;;   cmp w2, w3
;;   b.hs L1
;;   add w2, w2, w3
;;   sub w3, w0, #0x2
;;   cmp w2, w3
;;   b.hs L2
;;   add w2, w2, w3
;;   sub w3, w0, #0x3
;;   cmp w2, w3
;;   b.hs L3
;;   add w2, w2, w3
;;   sub w0, w0, #0x4
;;   cmp w2, w0
;;   b.lo L0
;;   b L4
;; L1:
;;   mov x0, x2
;;   b L5
;; L2:
;;   mov x0, x2
;;   b L5
;; L3:
;;   mov x0, x2
;;   b L5
;; L4:
;;   mov x0, x2
;; L5:
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L6:
;;   mov w0, #0x0
;;   b L5
