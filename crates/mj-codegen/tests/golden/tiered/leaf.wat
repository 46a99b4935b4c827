;; A function without loops that calls nothing needs no frame for tiering; its call weighs a few instructions.
(module (func (param i32 i32) (result i32)
  (i32.add (local.get 0) (local.get 1))))
;; -- tiered: 16 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 40h
;;   mov r11, [r15+18h]
;;   sub dword ptr [r11], 2
;;   js L1
;; L0:
;;   lea edx, [rax+rcx]
;;   mov rax, rdx
;;   leave
;;   ret
;; L1:
;;   mov dword ptr [r11], 3E8h
;;   push 0
;;   push 19h
;;   mov r11, [r15+28h]
;;   call qword ptr [r11+58h]
;;   jmp L0
