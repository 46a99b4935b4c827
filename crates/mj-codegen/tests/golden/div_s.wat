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
;; -- graph: 19 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-10h], rbx
;;   mov rbx, rax
;;   mov rsi, rdx
;;   mov rax, rcx
;;   cdq
;;   idiv esi
;;   mov rdi, rax
;;   mov rax, rbx
;;   cdq
;;   idiv ecx
;;   add eax, esi
;;   add edi, eax
;;   mov rax, rdi
;;   mov rbx, [rbp-10h]
;;   leave
;;   ret
