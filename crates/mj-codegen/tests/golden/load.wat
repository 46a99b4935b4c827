;; Folds into its only user, unless a store stands between.
(module (memory 1) (func (param i32 i32) (result i32)
  (local.set 1 (i32.add (local.get 1) (i32.load offset=8 (local.get 0))))
  (i32.load offset=12 (local.get 0))
  (i32.store (local.get 0) (i32.const 1))
  (i32.add (local.get 1))))
;; -- x64, baseline: 10 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   add ecx, [r14+rax+8]
;;   mov edx, [r14+rax+0Ch]
;;   mov dword ptr [r14+rax], 1
;;   add edx, ecx
;;   mov rax, rdx
;;   leave
;;   ret
;; -- x64, optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   add ecx, [r14+rax+8]
;;   mov esi, [r14+rax+0Ch]
;;   mov dword ptr [r14+rax], 1
;;   lea eax, [rsi+rcx]
;;   leave
;;   ret
;; -- aarch64, baseline: 14 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   add x15, x27, w0
;;   ldr w2, [x15, #0x8]
;;   add w1, w1, w2
;;   ldr w2, [x15, #0xc]
;;   mov w3, #0x1
;;   str w3, [x15]
;;   add w2, w2, w1
;;   mov x0, x2
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 11 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   add x15, x27, w0
;;   ldr w2, [x15, #0x8]
;;   add w1, w1, w2
;;   ldr w2, [x15, #0xc]
;;   mov w3, #0x1
;;   str w3, [x15]
;;   add w0, w2, w1
;;   ldp x29, x30, [sp], #0x10
;;   ret
