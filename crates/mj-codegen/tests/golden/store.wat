;; Of a register, a constant, and a part of a register; to an address known now.
(module (memory 1) (func (param i32 i64 f64)
  (i64.store offset=16 (local.get 0) (local.get 1))
  (i32.store8 (local.get 0) (i32.const 7))
  (i64.store16 (local.get 0) (local.get 1))
  (f64.store (i32.const 1000) (local.get 2))))
;; -- baseline: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   mov [r14+rax+10h], rcx
;;   mov byte ptr [r14+rax], 7
;;   mov [r14+rax], cx
;;   movsd [r14+3E8h], xmm0
;;   leave
;;   ret
;; -- optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov [r14+rax+10h], rcx
;;   mov byte ptr [r14+rax], 7
;;   mov [r14+rax], cx
;;   movsd [r14+3E8h], xmm0
;;   leave
;;   ret
