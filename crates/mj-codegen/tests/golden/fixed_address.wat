;; Variables at fixed addresses, near each other and far from address 0.
(module (memory 1000) (func (result i32)
  (i32.store (i32.const 0x10008f8) (i32.const 1))
  (i32.store8 (i32.const 0x10008f0) (i32.const 2))
  (i64.store (i32.const 0x13458) (i64.const 3))
  (i32.add (i32.load (i32.const 0x13460)) (i32.load (i32.const 1024)))))
;; -- x64, baseline: 14 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 30h
;;   mov eax, 1
;;   mov [r14+10008F8h], eax
;;   mov eax, 2
;;   mov [r14+10008F0h], al
;;   mov eax, 3
;;   mov [r14+13458h], rax
;;   mov eax, [r14+13460h]
;;   mov ecx, [r14+400h]
;;   add eax, ecx
;;   leave
;;   ret
;; -- x64, optimizing: 13 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov esi, 1
;;   mov [r14+10008F8h], esi
;;   mov esi, 2
;;   mov [r14+10008F0h], sil
;;   mov esi, 3
;;   mov [r14+13458h], rsi
;;   mov eax, [r14+13460h]
;;   mov esi, [r14+400h]
;;   add eax, esi
;;   leave
;;   ret
;; -- aarch64, baseline: 18 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x60
;;   mov w0, #0x1
;;   mov w17, #0x1000000
;;   add x15, x27, x17
;;   str w0, [x15, #0x8f8]
;;   mov w0, #0x2
;;   strb w0, [x15, #0x8f0]
;;   mov w0, #0x3
;;   add x15, x27, #0x10, lsl #12
;;   str x0, [x15, #0x3458]
;;   ldr w0, [x15, #0x3460]
;;   ldr w1, [x27, #0x400]
;;   add w0, w0, w1
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 16 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   mov w0, #0x1
;;   mov w17, #0x1000000
;;   add x15, x27, x17
;;   str w0, [x15, #0x8f8]
;;   mov w0, #0x2
;;   strb w0, [x15, #0x8f0]
;;   mov w0, #0x3
;;   add x15, x27, #0x10, lsl #12
;;   str x0, [x15, #0x3458]
;;   ldr w0, [x15, #0x3460]
;;   ldr w1, [x27, #0x400]
;;   add w0, w0, w1
;;   ldp x29, x30, [sp], #0x10
;;   ret
