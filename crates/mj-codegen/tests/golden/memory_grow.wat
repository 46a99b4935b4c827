;; A helper, which takes its arguments as a function does.
(module (memory 1) (func (param i32 i64) (result i64)
  (i64.add (local.get 1) (i64.extend_i32_s (memory.grow (local.get 0))))))
;; -- baseline: 18 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov [rbp-8], r15
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], rcx
;;   mov rcx, rax
;;   mov eax, 0
;;   mov r11, [r15+28h]
;;   call qword ptr [r11]
;;   mov eax, eax
;;   movsxd rax, eax
;;   mov rcx, [rbp-30h]
;;   add rax, rcx
;;   leave
;;   ret
;; -- optimizing: 18 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 20h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   mov rbx, rcx
;;   mov rcx, rax
;;   mov eax, 0
;;   mov r11, [r15+28h]
;;   call qword ptr [r11]
;;   mov eax, eax
;;   movsxd rax, eax
;;   add rax, rbx
;;   mov rbx, [rbp-10h]
;;   leave
;;   ret
