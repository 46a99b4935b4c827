;; Fixed registers: the second dividend and a value that is needed later are in the way.
(module (func (param i32 i32 i32) (result i32)
  (i32.add (i32.div_s (local.get 1) (local.get 2)) (i32.add (i32.div_s (local.get 0) (local.get 1)) (local.get 2)))))
;; -- x64, baseline: 18 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov rsi, rax
;;   mov rax, rcx
;;   mov rdi, rdx
;;   cdq
;;   idiv edi
;;   mov rdx, rax
;;   mov rax, rsi
;;   mov r8, rdx
;;   cdq
;;   idiv ecx
;;   add eax, edi
;;   add r8d, eax
;;   mov rax, r8
;;   leave
;;   ret
;; -- x64, optimizing: 15 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov rsi, rax
;;   mov rdi, rdx
;;   mov rax, rcx
;;   cdq
;;   idiv edi
;;   mov r8, rax
;;   mov rax, rsi
;;   cdq
;;   idiv ecx
;;   add eax, edi
;;   add eax, r8d
;;   leave
;;   ret
;; -- aarch64, baseline: 23 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x80
;;   cbz w2, L0
;;   cmn w2, #0x1
;;   ccmp w1, #0x1, #0x0, eq
;;   b.vs L1
;;   sdiv w3, w1, w2
;;   cbz w1, L2
;;   cmn w1, #0x1
;;   ccmp w0, #0x1, #0x0, eq
;;   b.vs L3
;;   sdiv w4, w0, w1
;;   add w4, w4, w2
;;   add w3, w3, w4
;;   mov x0, x3
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L0:
;;   udf #0x8
;; L1:
;;   udf #0x7
;; L2:
;;   udf #0x8
;; L3:
;;   udf #0x7
;; -- aarch64, optimizing: 20 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   cbz w2, L0
;;   cmn w2, #0x1
;;   ccmp w1, #0x1, #0x0, eq
;;   b.vs L1
;;   sdiv w3, w1, w2
;;   cbz w1, L2
;;   cmn w1, #0x1
;;   ccmp w0, #0x1, #0x0, eq
;;   b.vs L3
;;   sdiv w0, w0, w1
;;   add w0, w0, w2
;;   add w0, w3, w0
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; L0:
;;   udf #0x8
;; L1:
;;   udf #0x7
;; L2:
;;   udf #0x8
;; L3:
;;   udf #0x7
