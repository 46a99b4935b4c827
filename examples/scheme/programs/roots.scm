; Data that nothing but a variable or an unfinished expression of a running procedure refers to, while what it calls fills the memory.
(define (churn n)
  (let loop ((i 0) (list '()))
    (if (= i n) list (loop (+ i 1) (cons i list)))))

(define (fresh n) (list n (vector n (+ n 0.5)) (number->string n)))

(define (in-branches c x)
  (if c
      (list (length (churn 20)) x)
      (begin (churn 200) (list 'else x))))

(define (in-one-branch c x)
  (let ((y (fresh 2)))
    (if c (churn 30))
    (churn 200)
    (list x y)))

(define (in-conditions x)
  (cond ((and (pair? x) (null? (churn 10))) 'never)
        ((or (null? (churn 10)) (not (pair? (churn 40)))) 'never)
        (else (churn 40) x)))

(define (in-operands n)
  (list (fresh n) (length (churn 30)) (cons (fresh (+ n 1)) (length (churn 40))) (vector (fresh n) (churn 2) 1.5)))

(define (in-a-loop n)
  (let loop ((i 0) (kept '()) (last (fresh 0)))
    (if (= i n)
        (list (length kept) (car kept) last)
        (begin
          (churn 10)
          (let ((next (fresh i)))
            (churn 10)
            (loop (+ i 1) (cons last kept) next))))))

(define (in-nested-loops n)
  (let outer ((i 0) (rows '()))
    (if (= i n)
        rows
        (let ((row (fresh i)))
          (let inner ((j 0) (cells '()))
            (if (= j 3)
                (outer (+ i 1) (cons (cons row cells) rows))
                (inner (+ j 1) (cons (length (churn (+ i j))) cells))))))))

(define (assigned n)
  (let ((x (fresh n)) (y '()))
    (do ((i 0 (+ i 1))) ((= i 5))
      (churn 10)
      (set! y (cons x y))
      (set! x (fresh i))
      (churn 10))
    (list x (length y) (car y))))

(define (captured x)
  (let* ((y (fresh 7)) (get (lambda () (churn 20) (list x y))))
    (churn 20)
    (let ((first (get))) (churn 20) (list first (get)))))

(define (counter)
  (let ((items '()))
    (lambda (x) (set! items (cons x items)) (churn 20) items)))

(define (values-of-or x) (let ((found (or (assv 1 (list (cons 2 x))) (list x (length (churn 10)))))) (churn 30) found))

(define (or-without-call y n)
  (let* ((x (fresh n)) (found (or y (churn 10))))
    (churn 200)
    (list x found)))

(define (two-ways-in c n)
  (let ((x (fresh n)))
    (define (loop i kept) (if (= i 0) (list x kept) (begin (churn 200) (loop (- i 1) kept))))
    (if c
        (begin (churn 10) (loop 1 '()))
        (loop 2 '()))))

(define (two-ways-out c n)
  (let* ((x (fresh n))
         (y (let loop ((i 0))
              (cond ((= i 3) 'end)
                    (c (if (= i 1) (begin (churn 10) 'call) (loop (+ i 1))))
                    (else (loop (+ i 1)))))))
    (churn 200)
    (list x y)))

(define (perhaps-a-loop c n)
  (let* ((x (fresh n))
         (y (letrec ((loop (lambda (i) (if (= i 0) (begin (churn 10) 'end) (loop (- i 1)))))) (if c 'none (loop 2)))))
    (churn 200)
    (list x y)))

(define (parameter-assigned x) (churn 10) (set! x (list x (fresh 3))) (churn 200) x)

(define (one-after-another)
  (let* ((a (let ((x (fresh 1))) (churn 10) (car x)))
         (b (let ((y (fresh 2))) (churn 200) y)))
    (list a b)))

(define (with-rest . all) (churn 30) all)

(define (tail-called x) (churn 20) (tail-caller 30 x))
(define (tail-caller n x) (if (= n 0) (begin (churn 20) x) (tail-called-again (- n 1) x)))
(define (tail-called-again n x) (churn 5) (tail-caller n (if (= n 10) (fresh n) x)))

; Results of calls that were left to this caller.
(define (even-steps? n) (if (= n 0) #t (odd-steps? (- n 1))))
(define (odd-steps? n) (if (= n 0) #f (even-steps? (- n 1))))
(define (count-even n)
  (let loop ((i 0) (count 0))
    (if (= i n)
        count
        (loop (+ i 1) (if (even-steps? (+ (* i 9000) (modulo i 2))) (+ count 1) count)))))

(define (show value) (write value) (newline))

; Called by compiled code, so that no caller keeps the arguments.
(define (show-all)
  (show (in-branches #t (fresh 1)))
  (show (in-branches #f (fresh 1)))
  (show (in-one-branch #t (fresh 1)))
  (show (in-one-branch #f (fresh 1)))
  (show (in-conditions (fresh 3)))
  (show (in-operands 4))
  (show (in-a-loop 20))
  (show (in-nested-loops 4))
  (show (assigned 5))
  (show (captured (fresh 6)))
  (let ((count (counter))) (count (fresh 1)) (show (count (fresh 2))))
  (show (values-of-or (fresh 8)))
  (show (or-without-call (fresh 2) 1))
  (show (or-without-call #f 1))
  (show (list (two-ways-in #t 1) (two-ways-in #f 2)))
  (show (list (two-ways-out #t 1) (two-ways-out #f 2)))
  (show (list (perhaps-a-loop #t 1) (perhaps-a-loop #f 2)))
  (show (parameter-assigned (fresh 1)))
  (show (one-after-another))
  (show (with-rest (fresh 1) 2 (fresh 3)))
  (show (tail-called (fresh 9)))
  (show (count-even 12))
  (show (map (lambda (n) (churn n) (fresh n)) '(1 2 3)))
  (show (fold-left (lambda (sum x) (churn 10) (cons (fresh x) sum)) '() '(1 2 3)))
  (show (apply with-rest (fresh 1) (list (fresh 2) 3))))

(show-all)
