; Much garbage, and trees that stay alive meanwhile.
(define (make-tree depth)
  (if (= depth 0)
      '()
      (cons (make-tree (- depth 1)) (make-tree (- depth 1)))))

(define (check tree)
  (if (null? tree)
      1
      (+ 1 (check (car tree)) (check (cdr tree)))))

(define (churn depth count)
  (let loop ((i 0) (sum 0))
    (if (= i count) sum (loop (+ i 1) (+ sum (check (make-tree depth)))))))

(define long-lived (make-tree 14))

(display (churn 4 2000)) (newline)
(display (churn 8 200)) (newline)
(display (churn 12 12)) (newline)
(display (check long-lived)) (newline)

; Lists, vectors and strings of all sizes, some of them kept.
(define kept
  (let loop ((i 0) (kept '()))
    (if (= i 3000)
        kept
        (let ((numbers (iota 20 i)) (copies (make-vector (modulo i 300) i)) (text (make-string (modulo i 50) #\x)))
          (loop (+ i 1)
                (if (= (modulo i 100) 0) (cons (vector numbers copies text (+ i 0.5)) kept) kept))))))
(display (fold-left (lambda (sum v)
                      (+ sum (fold-left + 0 (vector-ref v 0)) (vector-length (vector-ref v 1)) (string-length (vector-ref v 2)) (vector-ref v 3)))
                    0 kept))
(newline)

(define (make-queue) (cons '() '()))
(define (enqueue! queue x)
  (let ((cell (cons x '())))
    (if (null? (car queue))
        (begin (set-car! queue cell) (set-cdr! queue cell))
        (begin (set-cdr! (cdr queue) cell) (set-cdr! queue cell)))))
(define (dequeue! queue)
  (let ((x (car (car queue))))
    (set-car! queue (cdr (car queue)))
    x))

; A queue that is always short, and passes through the whole heap.
(define queue (make-queue))
(do ((i 0 (+ i 1))) ((= i 10)) (enqueue! queue i))
(let loop ((i 0))
  (if (< i 100000)
      (begin
        (enqueue! queue (+ (dequeue! queue) 10))
        (loop (+ i 1)))))
(display (car queue)) (newline)
