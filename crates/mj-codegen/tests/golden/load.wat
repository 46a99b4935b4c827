;; Folds into its only user, unless a store stands between.
(module (memory 1) (func (param i32 i32) (result i32)
  (local.set 1 (i32.add (local.get 1) (i32.load offset=8 (local.get 0))))
  (i32.load offset=12 (local.get 0))
  (i32.store (local.get 0) (i32.const 1))
  (i32.add (local.get 1))))
;; -- baseline: 10 instructions
;;   push rbp
;;   mov rbp, rsp
;;   sub rsp, 48h
;;   add ecx, [r14+rax+8]
;;   mov edx, [r14+rax+0Ch]
;;   mov dword ptr [r14+rax], 1
;;   add edx, ecx
;;   mov rax, rdx
;;   leave
;;   ret
;; -- optimizing: 8 instructions
;;   push rbp
;;   mov rbp, rsp
;;   add ecx, [r14+rax+8]
;;   mov esi, [r14+rax+0Ch]
;;   mov dword ptr [r14+rax], 1
;;   lea eax, [rsi+rcx]
;;   leave
;;   ret
