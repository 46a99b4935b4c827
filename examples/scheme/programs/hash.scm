; Association lists, and a hash table of vectors and lists.
(define (make-table) (make-vector 97 '()))

(define (hash text)
  (let loop ((i 0) (h 7))
    (if (= i (string-length text))
        h
        (loop (+ i 1) (modulo (+ (* h 31) (char->integer (string-ref text i))) 97)))))

(define (table-update! table key default update)
  (let* ((index (hash key))
         (entry (assoc key (vector-ref table index))))
    (if entry
        (set-cdr! entry (update (cdr entry)))
        (vector-set! table index (cons (cons key (update default)) (vector-ref table index))))))

(define (table-ref table key default)
  (let ((entry (assoc key (vector-ref table (hash key)))))
    (if entry (cdr entry) default)))

(define (table->list table)
  (let loop ((i 0) (result '()))
    (if (= i (vector-length table)) result (loop (+ i 1) (append (vector-ref table i) result)))))

(define words
  '("one" "two" "three" "two" "three" "three" "four" "four" "four" "four" "it" "was" "the" "best" "of" "times"
    "it" "was" "the" "worst" "of" "times"))

(define counts (make-table))
(for-each (lambda (word) (table-update! counts word 0 (lambda (n) (+ n 1)))) words)

(for-each (lambda (entry) (write entry) (newline))
          (sort (table->list counts) (lambda (a b) (string<? (car a) (car b)))))
(display (table-ref counts "nothing" 'missing)) (newline)

(define squares (make-table))
(do ((i 0 (+ i 1))) ((= i 2000))
  (table-update! squares (number->string (modulo (* i i) 1009)) 0 (lambda (n) (+ n 1))))
(display (list (length (table->list squares)) (table-ref squares "0" 0) (table-ref squares "1" 0) (table-ref squares "11" 'none)))
(newline)

(define inventory '((apples . 3) (pears . 0) (plums . 12)))
(display (map car (filter (lambda (entry) (> (cdr entry) 0)) inventory))) (newline)
(write (list (assq 'plums inventory) (assq 'kiwis inventory) (assv 2 '((1 one) (2 two))) (assoc "b" '(("a" . 1) ("b" . 2)))
             (memq 'c '(a b c d)) (member '(1) '((0) (1) (2))) (memv 7 '(1 2 3))))
(newline)
