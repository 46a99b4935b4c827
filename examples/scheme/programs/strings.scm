; Building, taking apart and comparing strings.
(define (repeat text count)
  (if (= count 0) "" (string-append text (repeat text (- count 1)))))

(define (reverse-string text) (list->string (reverse (string->list text))))

(define (palindrome? text)
  (let loop ((i 0) (j (- (string-length text) 1)))
    (or (>= i j)
        (and (char=? (string-ref text i) (string-ref text j))
             (loop (+ i 1) (- j 1))))))

(define (split text separator)
  (let loop ((i 0) (start 0) (parts '()))
    (cond ((= i (string-length text)) (reverse (cons (substring text start i) parts)))
          ((char=? (string-ref text i) separator) (loop (+ i 1) (+ i 1) (cons (substring text start i) parts)))
          (else (loop (+ i 1) start parts)))))

(define (join parts separator)
  (if (null? parts)
      ""
      (fold-left (lambda (text part) (string-append text separator part)) (car parts) (cdr parts))))

; Caesar's cipher.
(define (shift-char c by)
  (define (rotate base) (integer->char (+ base (modulo (+ (- (char->integer c) base) by) 26))))
  (cond ((and (char<? #\` c) (char<? c #\{)) (rotate 97))
        ((and (char<? #\@ c) (char<? c #\[)) (rotate 65))
        (else c)))

(define (encode text by)
  (let ((result (make-string (string-length text) #\-)))
    (do ((i 0 (+ i 1))) ((= i (string-length text)) result)
      (string-set! result i (shift-char (string-ref text i) by)))))

(define text "The quick brown fox jumps over the lazy dog")

(display (repeat "ab" 10)) (newline)
(display (reverse-string text)) (newline)
(write (split text #\space)) (newline)
(display (join (reverse (split text #\space)) "-")) (newline)
(display (encode text 13)) (newline)
(display (string=? text (encode (encode text 13) 13))) (newline)
(display (map palindrome? '("" "a" "anna" "level" "levels"))) (newline)
(display (string-length (repeat "0123456789" 500))) (newline)
(write (list (string<? "abc" "abd") (string<? "abc" "ab") (substring text 4 9) (string->symbol "sym") (number->string 255 16)
             (string->number "1e3") (string->number "ff" 16) (string->number "nothing")))
(newline)
(write (sort (split text #\space) string<?)) (newline)
(write '(#\a #\space #\newline "quoted \"text\"\\")) (newline)
