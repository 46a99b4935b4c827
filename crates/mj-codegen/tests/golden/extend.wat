;; Signed from a register and from memory, unsigned.
(module (memory 1) (func (param i32) (result i64)
  (i64.add (i64.extend_i32_s (local.get 0))
    (i64.add (i64.extend_i32_s (i32.load (local.get 0))) (i64.extend_i32_u (i32.add (local.get 0) (local.get 0)))))))
;; -- baseline: 11 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   movsxd rcx, eax
;;   movsxd rdx, [r14+rax]
;;   lea esi, [rax+rax]
;;   add rdx, rsi
;;   add rcx, rdx
;;   mov rax, rcx
;;   leave
;;   ret
;; -- optimizing: 9 instructions
;;   push rbp
;;   mov rbp, rsp
;;   movsxd rsi, eax
;;   movsxd rdi, [r14+rax]
;;   add eax, eax
;;   add rdi, rax
;;   lea rax, [rsi+rdi]
;;   leave
;;   ret
