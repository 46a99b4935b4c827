; Church's numerals: numbers made of nothing but procedures.
(define zero (lambda (f) (lambda (x) x)))
(define (successor n) (lambda (f) (lambda (x) (f ((n f) x)))))
(define (add a b) (lambda (f) (lambda (x) ((a f) ((b f) x)))))
(define (multiply a b) (lambda (f) (a (b f))))
(define (power a b) (b a))
(define (predecessor n)
  (lambda (f)
    (lambda (x)
      (((n (lambda (g) (lambda (h) (h (g f)))))
        (lambda (u) x))
       (lambda (u) u)))))

(define (numeral n) (if (= n 0) zero (successor (numeral (- n 1)))))
(define (number n) ((n (lambda (x) (+ x 1))) 0))

(define three (numeral 3))
(define five (numeral 5))
(define ten (numeral 10))

(display (number (add three five))) (newline)
(display (number (multiply three five))) (newline)
(display (number (power three five))) (newline)
(display (number (predecessor ten))) (newline)
(display (number (multiply ten (multiply ten (multiply ten ten))))) (newline)

; Recursion without names.
(define (fixpoint f)
  ((lambda (x) (x x))
   (lambda (x) (f (lambda (n) ((x x) n))))))
(define factorial (fixpoint (lambda (self) (lambda (n) (if (= n 0) 1 (* n (self (- n 1))))))))
(display (map factorial '(0 1 5 10 12))) (newline)

; Higher-order procedures.
(display (fold-left + 0 (map * '(1 2 3) '(4 5 6)))) (newline)
(display (fold-right cons '() '(1 2 3))) (newline)
(display (reduce max 0 '(3 9 2 7))) (newline)
(display (vector-map (lambda (x) (* x x)) #(1 2 3 4))) (newline)
(display (apply + 1 2 '(3 4 5))) (newline)
