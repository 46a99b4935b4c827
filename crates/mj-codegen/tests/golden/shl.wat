;; By a constant, and by a value.
(module (func (param i32 i64) (result i64)
  (i64.add (i64.shl (local.get 1) (i64.const 9)) (i64.extend_i32_u (i32.shl (local.get 0) (i32.add (local.get 0) (i32.const 1)))))))
;; -- baseline: 11 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov rdx, rcx
;;   shl rdx, 9
;;   lea esi, [rax+1]
;;   shlx esi, eax, esi
;;   add rdx, rsi
;;   mov rax, rdx
;;   leave
;;   ret
;; -- optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   shl rcx, 9
;;   lea esi, [rax+1]
;;   shlx eax, eax, esi
;;   add rax, rcx
;;   leave
;;   ret
