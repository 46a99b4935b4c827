;; A constant that is no immediate keeps the conjunction from folding into the test.
(module (func (param i64) (result i32) (i64.eqz (i64.and (local.get 0) (i64.const 0x100000000)))))
;; -- baseline: 10 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 38h
;;   mov rcx, 100000000h
;;   and rcx, rax
;;   sete cl
;;   movzx ecx, cl
;;   mov rax, rcx
;;   leave
;;   ret
;; -- optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   mov rsi, 100000000h
;;   and rax, rsi
;;   sete al
;;   movzx eax, al
;;   leave
;;   ret
