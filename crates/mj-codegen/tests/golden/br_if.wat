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
;; -- optimizing: 17 instructions
;;   push rbp
;;   mov rbp, rsp
;;   test ecx, ecx
;;   jne L2
;;   xor esi, esi
;;   nop [rax+rax]
;; L0:
;;   mov r11, [r15+18h]
;;   mov r11d, [r11]
;;   add esi, eax
;;   add eax, 0FFFFFFFFh
;;   cmp esi, eax
;;   jb L0
;;   mov rax, rsi
;; L1:
;;   leave
;;   ret
;; L2:
;;   xor eax, eax
;;   jmp L1
