;; What a loop carries is in slots where it begins.
(module (func (param $n i32) (result i32) (local $sum i32)
  (loop $again
    (local.set $sum (i32.add (local.get $sum) (local.get $n)))
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
  (local.get $sum)))
;; -- x64, baseline: 25 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-28h], eax
;;   mov qword ptr [rbp-30h], 0
;;   nop [rax+rax]
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov eax, [rbp-30h]
;;   mov ecx, [rbp-28h]
;;   add eax, ecx
;;   mov [rbp-38h], eax
;;   mov eax, [rbp-38h]
;;   mov [rbp-30h], eax
;;   mov eax, [rbp-28h]
;;   add eax, 0FFFFFFFFh
;;   mov [rbp-38h], eax
;;   mov eax, [rbp-38h]
;;   mov [rbp-28h], eax
;;   mov eax, [rbp-28h]
;;   test eax, eax
;;   jne L0
;;   mov eax, [rbp-30h]
;;   leave
;;   ret
;; -- x64, optimizing: 66 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 60h
;;   mov [rbp-28h], rax
;;   mov rsi, [r15+18h]
;;   mov [rbp-30h], rsi
;;   mov qword ptr [rbp-38h], 0
;;   movsd xmm15, [rbp-28h]
;;   movsd [rbp-40h], xmm15
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rax, [rbp-38h]
;;   mov rsi, [rbp-40h]
;;   add eax, esi
;;   mov [rbp-28h], rax
;;   mov rsi, [rbp-40h]
;;   lea eax, [rsi-1]
;;   mov [rbp-48h], rax
;;   mov rax, [rbp-48h]
;;   test eax, eax
;;   je L1
;;   mov rax, [rbp-28h]
;;   mov rsi, [rbp-48h]
;;   add eax, esi
;;   mov [rbp-50h], rax
;;   mov rsi, [rbp-40h]
;;   lea eax, [rsi-2]
;;   mov [rbp-58h], rax
;;   mov rax, [rbp-58h]
;;   test eax, eax
;;   je L2
;;   mov rax, [rbp-50h]
;;   mov rsi, [rbp-58h]
;;   add eax, esi
;;   mov [rbp-48h], rax
;;   mov rsi, [rbp-40h]
;;   lea edi, [rsi-3]
;;   mov [rbp-60h], rdi
;;   mov rsi, [rbp-60h]
;;   test esi, esi
;;   je L3
;;   mov rax, [rbp-48h]
;;   mov rsi, [rbp-60h]
;;   add eax, esi
;;   mov [rbp-38h], rax
;;   mov rsi, [rbp-40h]
;;   add esi, 0FFFFFFFCh
;;   mov [rbp-40h], rsi
;;   mov rsi, [rbp-40h]
;;   test esi, esi
;;   jne L0
;;   jmp L4
;; L1:
;;   movsd xmm15, [rbp-28h]
;;   movsd [rbp-40h], xmm15
;;   jmp L5
;; L2:
;;   movsd xmm15, [rbp-50h]
;;   movsd [rbp-40h], xmm15
;;   jmp L5
;; L3:
;;   movsd xmm15, [rbp-48h]
;;   movsd [rbp-40h], xmm15
;;   jmp L5
;; L4:
;;   movsd xmm15, [rbp-38h]
;;   movsd [rbp-40h], xmm15
;; L5:
;;   mov rax, [rbp-40h]
;;   leave
;;   ret
;; -- aarch64, baseline: 24 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   stur x0, [x29, #-0x50]
;;   stur xzr, [x29, #-0x58]
;; L0:
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldur w0, [x29, #-0x58]
;;   ldur w1, [x29, #-0x50]
;;   add w0, w0, w1
;;   stur x0, [x29, #-0x60]
;;   ldur w0, [x29, #-0x60]
;;   stur x0, [x29, #-0x58]
;;   ldur w0, [x29, #-0x50]
;;   sub w0, w0, #0x1
;;   stur x0, [x29, #-0x60]
;;   ldur w0, [x29, #-0x60]
;;   stur x0, [x29, #-0x50]
;;   ldur w0, [x29, #-0x50]
;;   cbnz w0, L0
;;   ldur w0, [x29, #-0x58]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 61 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x90
;;   stur x0, [x29, #-0x50]
;;   ldr x0, [x28, #0x18]
;;   stur x0, [x29, #-0x58]
;;   stur xzr, [x29, #-0x60]
;;   ldur d31, [x29, #-0x50]
;;   stur d31, [x29, #-0x68]
;; L0:
;;   ldr x16, [x28, #0x18]
;;   ldr wzr, [x16]
;;   ldp x1, x0, [x29, #-0x68]
;;   add w0, w0, w1
;;   stur x0, [x29, #-0x50]
;;   ldur x0, [x29, #-0x68]
;;   sub w1, w0, #0x1
;;   stur x1, [x29, #-0x70]
;;   ldur x0, [x29, #-0x70]
;;   cbz w0, L1
;;   ldur x0, [x29, #-0x50]
;;   ldur x1, [x29, #-0x70]
;;   add w0, w0, w1
;;   stur x0, [x29, #-0x78]
;;   ldur x0, [x29, #-0x68]
;;   sub w1, w0, #0x2
;;   stur x1, [x29, #-0x80]
;;   ldur x0, [x29, #-0x80]
;;   cbz w0, L2
;;   ldp x1, x0, [x29, #-0x80]
;;   add w0, w0, w1
;;   stur x0, [x29, #-0x70]
;;   ldur x0, [x29, #-0x68]
;;   sub w1, w0, #0x3
;;   stur x1, [x29, #-0x88]
;;   ldur x0, [x29, #-0x88]
;;   cbz w0, L3
;;   ldur x0, [x29, #-0x70]
;;   ldur x1, [x29, #-0x88]
;;   add w0, w0, w1
;;   stur x0, [x29, #-0x60]
;;   ldur x0, [x29, #-0x68]
;;   sub w0, w0, #0x4
;;   stur x0, [x29, #-0x68]
;;   ldur x0, [x29, #-0x68]
;;   cbnz w0, L0
;;   b L4
;; L1:
;;   ldur d31, [x29, #-0x50]
;;   stur d31, [x29, #-0x68]
;;   b L5
;; L2:
;;   ldur d31, [x29, #-0x78]
;;   stur d31, [x29, #-0x68]
;;   b L5
;; L3:
;;   ldur d31, [x29, #-0x70]
;;   stur d31, [x29, #-0x68]
;;   b L5
;; L4:
;;   ldur d31, [x29, #-0x60]
;;   stur d31, [x29, #-0x68]
;; L5:
;;   ldur x0, [x29, #-0x68]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
