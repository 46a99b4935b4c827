;; What is needed behind the call survives it; arguments change places.
(module (func (param i32 i64 i32) (result i32)
  (i32.add (call 1 (local.get 2) (local.get 1) (local.get 0)) (i32.add (local.get 0) (local.get 2))))
  (func (param i32 i64 i32) (result i32) (local.get 2)))
;; -- baseline: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], rcx
;;   mov [rbp-38h], edx
;;   xchg rdx, rax
;;   call qword ptr [43h]
;;   mov ecx, [rbp-28h]
;;   mov edx, [rbp-38h]
;;   lea esi, [rcx+rdx]
;;   add eax, esi
;;   leave
;;   ret
;; -- optimizing: 19 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov [rbp-18h], r12
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rbx, rax
;;   mov r12, rdx
;;   mov rax, r12
;;   mov rdx, rbx
;;   call qword ptr [42h]
;;   add ebx, r12d
;;   add eax, ebx
;;   mov rbx, [rbp-10h]
;;   mov r12, [rbp-18h]
;;   leave
;;   ret
