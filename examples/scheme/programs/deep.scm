; Recursion a million calls deep, and loops by tail calls between procedures that go on for as long.
(define (count-up n) (if (= n 0) 0 (+ 1 (count-up (- n 1)))))

(define (build n) (if (= n 0) '() (cons n (build (- n 1)))))

(define (sum list) (if (null? list) 0 (+ (car list) (sum (cdr list)))))

(define (even-steps? n) (if (= n 0) #t (odd-steps? (- n 1))))
(define (odd-steps? n) (if (= n 0) #f (even-steps? (- n 1))))

; Tail calls of procedures that are only known when they are called.
(define (ping n next) (if (= n 0) 'done (next (- n 1) ping)))

; In continuation-passing style the stack is made of closures.
(define (sum-to n continue)
  (if (= n 0)
      (continue 0)
      (sum-to (- n 1) (lambda (sum) (continue (+ sum n))))))

(display (count-up 1000000)) (newline)
(display (sum (build 30000))) (newline)
(display (length (build 500000))) (newline)
(display (even-steps? 1000000)) (newline)
(display (odd-steps? 1000000)) (newline)
(display (ping 1000000 ping)) (newline)
(display (sum-to 40000 (lambda (sum) sum))) (newline)
(let loop ((round 0))
  (if (< round 5)
      (begin
        (display (count-up (* round 5000)))
        (display " ")
        (loop (+ round 1)))))
(newline)
