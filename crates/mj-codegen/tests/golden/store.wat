;; Of a register, a constant, and a part of a register; to an address known now.
(module (memory 1) (func (param i32 i64 f64)
  (i64.store offset=16 (local.get 0) (local.get 1))
  (i32.store8 (local.get 0) (i32.const 7))
  (i64.store16 (local.get 0) (local.get 1))
  (f64.store (i32.const 1000) (local.get 2))))
;; -- x64, baseline: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   mov [r14+rax+10h], rcx
;;   mov byte ptr [r14+rax], 7
;;   mov [r14+rax], cx
;;   movsd [r14+3E8h], xmm0
;;   leave
;;   ret
;; -- x64, optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov [r14+rax+10h], rcx
;;   mov byte ptr [r14+rax], 7
;;   mov [r14+rax], cx
;;   movsd [r14+3E8h], xmm0
;;   leave
;;   ret
;; -- aarch64, baseline: 12 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x70
;;   add x15, x27, w0
;;   str x1, [x15, #0x10]
;;   mov w2, #0x7
;;   strb w2, [x15]
;;   strh w1, [x15]
;;   str d0, [x27, #0x3e8]
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 10 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   add x15, x27, w0
;;   str x1, [x15, #0x10]
;;   mov w2, #0x7
;;   strb w2, [x15]
;;   strh w1, [x15]
;;   str d0, [x27, #0x3e8]
;;   ldp x29, x30, [sp], #0x10
;;   ret
