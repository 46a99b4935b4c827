; Multiplying matrices: vectors of vectors, and loops in loops.
(define (make-matrix rows columns element)
  (let ((matrix (make-vector rows)))
    (do ((i 0 (+ i 1))) ((= i rows) matrix)
      (let ((row (make-vector columns 0)))
        (do ((j 0 (+ j 1))) ((= j columns))
          (vector-set! row j (element i j)))
        (vector-set! matrix i row)))))

(define (matrix-ref m i j) (vector-ref (vector-ref m i) j))

(define (multiply a b)
  (let ((inner (vector-length b)))
    (make-matrix (vector-length a) (vector-length (vector-ref b 0))
                 (lambda (i j)
                   (do ((k 0 (+ k 1))
                        (sum 0 (+ sum (* (matrix-ref a i k) (matrix-ref b k j)))))
                       ((= k inner) sum))))))

(define (identity n) (make-matrix n n (lambda (i j) (if (= i j) 1 0))))

(define (trace m)
  (let loop ((i 0) (sum 0))
    (if (= i (vector-length m)) sum (loop (+ i 1) (+ sum (matrix-ref m i i))))))

(define (power m n)
  (cond ((= n 0) (identity (vector-length m)))
        ((even? n) (let ((half (power m (quotient n 2)))) (multiply half half)))
        (else (multiply m (power m (- n 1))))))

(define a (make-matrix 40 40 (lambda (i j) (- (modulo (+ (* 7 i) (* 3 j)) 11) 5))))
(define b (make-matrix 40 40 (lambda (i j) (- (modulo (* (+ i 1) (+ j 2)) 13) 6))))

(display (power #(#(1 1) #(1 0)) 30)) (newline)
(display (trace (multiply a b))) (newline)
(display (matrix-ref (multiply (multiply a b) a) 3 5)) (newline)
(display (equal? (multiply a (identity 40)) a)) (newline)
(define halves (make-matrix 6 6 (lambda (i j) (/ (+ i j 1) 2.0))))
(display (trace (multiply halves halves))) (newline)
