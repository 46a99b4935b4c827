;; A call may write memory, so that no load moves behind it.
(module (memory 1) (func (param i32 i32) (result i32)
  (i32.add (i32.load (local.get 0)) (call 1 (local.get 1))))
  (func (param i32) (result i32) (local.get 0)))
;; -- baseline: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov edx, [r14+rax]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], ecx
;;   mov [rbp-38h], edx
;;   mov rax, rcx
;;   call qword ptr [46h]
;;   mov ecx, [rbp-38h]
;;   add ecx, eax
;;   mov rax, rcx
;;   leave
;;   ret
;; -- optimizing: 14 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov ebx, [r14+rax]
;;   mov rax, rcx
;;   call qword ptr [3Dh]
;;   add eax, ebx
;;   mov rbx, [rbp-10h]
;;   leave
;;   ret
