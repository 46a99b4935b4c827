;; A product folds into an addition or a subtraction; factors near powers of two need no multiplication.
(module (func (param i32 i32 i32) (result i32)
  (i32.sub
    (i32.add (i32.mul (local.get 0) (local.get 1)) (local.get 2))
    (i32.mul (i32.mul (local.get 1) (i32.const 9)) (i32.add (local.get 2) (i32.mul (local.get 0) (i32.const 16)))))))
;; -- x64, baseline: 15 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 60h
;;   mov esi, eax
;;   imul esi, ecx
;;   add esi, edx
;;   lea edi, [rcx+rcx*8]
;;   mov r8d, eax
;;   shl r8d, 4
;;   add r8d, edx
;;   imul edi, r8d
;;   sub esi, edi
;;   mov rax, rsi
;;   leave
;;   ret
;; -- x64, optimizing: 13 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov esi, eax
;;   imul esi, ecx
;;   add esi, edx
;;   lea ecx, [rcx+rcx*8]
;;   shl eax, 4
;;   add edx, eax
;;   imul ecx, edx
;;   mov eax, esi
;;   sub eax, ecx
;;   leave
;;   ret
;; -- aarch64, baseline: 12 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   sub sp, sp, #0x90
;;   madd w3, w0, w1, w2
;;   add w4, w1, w1, lsl #3
;;   add w5, w2, w0, lsl #4
;;   mul w4, w4, w5
;;   sub w3, w3, w4
;;   mov x0, x3
;;   mov sp, x29
;;   ldp x29, x30, [sp], #0x10
;;   ret
;; -- aarch64, optimizing: 8 instructions
;;   stp x29, x30, [sp, #-0x10]!
;;   mov x29, sp
;;   madd w3, w0, w1, w2
;;   add w1, w1, w1, lsl #3
;;   add w2, w2, w0, lsl #4
;;   msub w0, w1, w2, w3
;;   ldp x29, x30, [sp], #0x10
;;   ret
