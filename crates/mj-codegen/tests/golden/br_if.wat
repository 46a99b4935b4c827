;; A loop with a condition that fuses, and one that is a value.
(module (func (param i32 i32) (result i32) (local i32)
  (block
    (br_if 0 (local.get 1))
    (loop
      (local.set 2 (i32.add (local.get 2) (local.get 0)))
      (local.set 0 (i32.add (local.get 0) (i32.const -1)))
      (br_if 0 (i32.lt_u (local.get 2) (local.get 0)))))
  (local.get 2)))
;; -- baseline: 21 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   mov qword ptr [rbp-38h], 0
;;   test ecx, ecx
;;   jne L1
;;   mov [rbp-30h], ecx
;;   mov r10d, [rbp-38h]
;;   nop [rax+rax]
;;   nop
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   add r10d, eax
;;   add eax, 0FFFFFFFFh
;;   cmp r10d, eax
;;   jb L0
;;   mov [rbp-38h], r10d
;;   mov ecx, [rbp-30h]
;; L1:
;;   mov eax, [rbp-38h]
;;   leave
;;   ret
;; -- optimizing: 36 instructions
;;   push rbp
;;   mov rbp, rsp
;;   test ecx, ecx
;;   jne L6
;;   xor esi, esi
;;   nop [rax+rax]
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   add esi, eax
;;   lea edi, [rax-1]
;;   cmp esi, edi
;;   jae L1
;;   add esi, edi
;;   lea edi, [rax-2]
;;   cmp esi, edi
;;   jae L2
;;   add esi, edi
;;   lea edi, [rax-3]
;;   cmp esi, edi
;;   jae L3
;;   add esi, edi
;;   add eax, 0FFFFFFFCh
;;   cmp esi, eax
;;   jb L0
;;   jmp L4
;; L1:
;;   mov rax, rsi
;;   jmp L5
;; L2:
;;   mov rax, rsi
;;   jmp L5
;; L3:
;;   mov rax, rsi
;;   jmp L5
;; L4:
;;   mov rax, rsi
;; L5:
;;   leave
;;   ret
;; L6:
;;   xor eax, eax
;;   jmp L5
