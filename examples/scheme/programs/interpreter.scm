; An interpreter of a small language, which computes with the interpreted program's own data.
(define (lookup name environment)
  (let ((entry (assq name environment)))
    (if entry (cdr entry) (error "unbound" name))))

(define (evaluate expression environment)
  (cond ((number? expression) expression)
        ((boolean? expression) expression)
        ((symbol? expression) (lookup expression environment))
        (else
         (case (car expression)
           ((quote) (cadr expression))
           ((if) (if (evaluate (cadr expression) environment)
                     (evaluate (caddr expression) environment)
                     (evaluate (car (cdr (cddr expression))) environment)))
           ((lambda) (list 'closure (cadr expression) (caddr expression) environment))
           ((rec) (let* ((entry (cons (cadr expression) #f))
                         (inner (cons entry environment)))
                    (set-cdr! entry (evaluate (caddr expression) inner))
                    (cdr entry)))
           (else (call (evaluate (car expression) environment)
                       (map (lambda (operand) (evaluate operand environment)) (cdr expression))))))))

(define (call procedure arguments)
  (if (and (pair? procedure) (eq? (car procedure) 'closure))
      (evaluate (caddr procedure)
                (append (map cons (cadr procedure) arguments) (car (cdr (cdr (cdr procedure))))))
      (apply procedure arguments)))

(define initial
  (list (cons '+ +) (cons '- -) (cons '* *) (cons '< <) (cons '= =) (cons 'list list) (cons 'cons cons)))

(define fib
  '(rec fib (lambda (n) (if (< n 2) n (+ (fib (- n 1)) (fib (- n 2)))))))

(define factorials
  '((rec loop (lambda (n result) (if (= n 0) result (loop (- n 1) (cons (* n 10) result))))) 8 (quote ())))

(display (evaluate '(+ 1 (* 2 3)) initial)) (newline)
(display (evaluate (list fib 15) initial)) (newline)
(display (evaluate factorials initial)) (newline)
(display (evaluate '(((lambda (f) (lambda (x) (f (f x)))) (lambda (y) (* y y))) 3) initial)) (newline)
(display `(quasi ,(+ 1 2) ,@(map (lambda (x) (* x x)) '(1 2 3)) end)) (newline)
