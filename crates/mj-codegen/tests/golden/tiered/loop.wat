;; A countdown at the entry and at the header; behind them what happens when it goes negative: the loop's state goes to its slots.
(module (func (param i32) (result i32) (local i32 i64)
  (i32.const 7)
  (loop
    (local.set 1 (i32.add (local.get 1) (local.get 0)))
    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (i32.add (local.get 1))))
;; -- tiered: 45 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 50h
;;   mov [rbp-8], r15
;;   mov [rbp-10h], rbx
;;   mov [rbp-18h], r12
;;   mov [rbp-20h], r13
;;   mov r11, [r15+18h]
;;   sub dword ptr [r11], 9
;;   js L4
;; L0:
;;   xorps xmm15, xmm15
;;   movups [rbp-38h], xmm15
;;   mov r10d, [rbp-30h]
;;   nop [rax]
;; L1:
;;   mov r11, [r15+18h]
;;   sub dword ptr [r11], 6
;;   js L3
;; L2:
;;   add r10d, eax
;;   add eax, 0FFFFFFFFh
;;   test eax, eax
;;   jne L1
;;   lea ecx, [r10+7]
;;   mov rax, rcx
;;   mov rbx, [rbp-10h]
;;   mov r12, [rbp-18h]
;;   mov r13, [rbp-20h]
;;   leave
;;   ret
;; L3:
;;   mov dword ptr [r11], 3E8h
;;   push 0
;;   push 21h
;;   mov r11, [r15+28h]
;;   call qword ptr [r11+58h]
;;   test r11, r11
;;   je L2
;;   mov [rbp-28h], eax
;;   mov [rbp-30h], r10d
;;   mov dword ptr [rbp-40h], 7
;;   jmp r11
;; L4:
;;   mov dword ptr [r11], 3E8h
;;   push 0
;;   push 18h
;;   mov r11, [r15+28h]
;;   call qword ptr [r11+58h]
;;   jmp L0
