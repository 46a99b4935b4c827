;; Fixed registers: the second dividend and a value that is needed later are in the way.
(module (func (param i32 i32 i32) (result i32)
  (i32.add (i32.div_s (local.get 1) (local.get 2)) (i32.add (i32.div_s (local.get 0) (local.get 1)) (local.get 2)))))
;; -- baseline: 18 instructions
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
;; -- optimizing: 15 instructions
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
