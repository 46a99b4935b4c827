; Loops of all kinds: in each other, through each other, without an end of their own, with results of all types.
(define (count-pairs n)
  (let outer ((i 0) (count 0))
    (if (= i n)
        count
        (let inner ((j 0) (count count))
          (if (= j i)
              (outer (+ i 1) count)
              (inner (+ j 1) (+ count 1)))))))

; Every way out of the body is another turn.
(define (collatz-steps n)
  (let/steps n 0))
(define (let/steps n steps)
  (cond ((= n 1) steps)
        ((even? n) (if (= (modulo n 4) 0) (let/steps (quotient n 4) (+ steps 2)) (let/steps (quotient n 2) (+ steps 1))))
        (else (let/steps (+ (* 3 n) 1) (+ steps 1)))))

; Two procedures that only jump to each other, and one that is used as a value as well.
(define (parse characters)
  (define (in-space rest words)
    (cond ((null? rest) (reverse words))
          ((char=? (car rest) #\space) (in-space (cdr rest) words))
          (else (in-word rest '() words))))
  (define (in-word rest letters words)
    (if (or (null? rest) (char=? (car rest) #\space))
        (in-space rest (cons (list->string (reverse letters)) words))
        (in-word (cdr rest) (cons (car rest) letters) words)))
  (in-space characters '()))

(define (sum-with f n)
  (define (go i sum) (if (> i n) sum (go (+ i 1) (+ sum (f i)))))
  (if (< n 0) go (go 0 0)))

; A loop in an operand, and one whose result is a test.
(define (both n)
  (+ (let loop ((i 0)) (if (< (* i i) n) (loop (+ i 1)) i))
     (do ((i 0 (+ i 1)) (sum 0 (+ sum i))) ((= i n) sum))))

(define (divides-any? n list)
  (if (let loop ((l list)) (and (pair? l) (or (= (remainder n (car l)) 0) (loop (cdr l)))))
      'yes
      'no))

; Floating-point loops that become exact at the end, and some that change their mind.
(define (harmonic n) (let loop ((i 1) (sum 0.0)) (if (> i n) sum (loop (+ i 1) (+ sum (/ 1.0 i))))))
(define (newton x)
  (let loop ((guess 1.0) (rounds 0))
    (let ((next (/ (+ guess (/ x guess)) 2.0)))
      (if (or (= rounds 40) (= next guess)) (list next rounds) (loop next (+ rounds 1))))))
(define (mixed n) (let loop ((i 0) (x 1.5)) (if (= i n) x (loop (+ i 1) (if (even? i) 3 (- x 0.25))))))
(define (minimum-of numbers)
  (let loop ((best 1e6) (l numbers))
    (cond ((null? l) best) ((< (car l) best) (loop (+ (car l) 0.0) (cdr l))) (else (loop best (cdr l))))))

; Parameters that are no fixnums where they usually are.
(define (twice n) (if (< n 10) (+ n n) (- n 1)))
(define (down n) (if (<= n 0) n (down (- n 1))))

(define (step n) (if (< n 10) (- n 1) (+ n 1)))
(define (step-from m n) (if (< m n) (+ m 1) (- m 1)))

(define (repeat n thunk) (if (> n 0) (begin (thunk) (repeat (- n 1) thunk))))

(define (show . values)
  (for-each (lambda (value) (write value) (display " ")) values)
  (newline))

(show (count-pairs 100) (count-pairs 1))
(show (map collatz-steps '(1 7 27 97)))
(show (parse (string->list "  the quick  brown fox ")))
(show (sum-with (lambda (i) (* i i)) 100) (procedure? (sum-with car -1)) ((sum-with (lambda (i) 1) -1) -5 0))
(show (both 50) (both 10))
(show (divides-any? 35 '(2 3 5)) (divides-any? 37 '(2 3 5)) (divides-any? 1 '()))
(show (harmonic 1000) (newton 2.0) (newton 9))
(show (mixed 0) (mixed 1) (mixed 2) (mixed 5))
(show (minimum-of '(3 1 2)) (minimum-of '(2.5 7)) (minimum-of '()))
(repeat 600 (lambda () (twice 3) (down 2) (step 5) (step-from 1 2)))
(show (twice 3) (twice 12) (twice 2.5) (twice 20.5) (down 3) (down 2.5) (down 1000))
(show (= (twice 1073741823) 1073741822) (= (twice -1073741824) -2147483648) (= (down 1e3) 0))
(show (step 9) (step 10) (= (step -1073741824) -1073741825) (= (step 1073741823) 1073741824))
(show (step-from 1 2) (= (step-from 1073741822 1073741823) 1073741823) (= (step-from -1073741824 -1073741824) -1073741825))
(show (let ((x 0)) (repeat 1000 (lambda () (set! x (+ x 3)))) x))
