;; A shifted operand and a constant fold into address arithmetic, whose result is in another register than its operands.
(module (func (param i32 i64 i64) (result i64)
  (i64.add (i64.add (local.get 1) (i64.shl (local.get 2) (i64.const 3))) (i64.extend_i32_u (i32.add (local.get 0) (i32.const 5))))))
;; -- baseline: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   lea rsi, [rcx+rdx*8]
;;   lea edi, [rax+5]
;;   add rsi, rdi
;;   mov rax, rsi
;;   leave
;;   ret
;; -- optimizing: 7 instructions
;;   push rbp
;;   mov rbp, rsp
;;   lea rcx, [rcx+rdx*8]
;;   add eax, 5
;;   add rax, rcx
;;   leave
;;   ret
