envrun run shop
failed with exit code 1 after 4.0 s

warning: port 5432 of db is written as 5432:5432 and answers at 127.0.0.1:32768 (--ports=written keeps it)
died during the suite: api was killed for memory (exit code 137)
  api | INFO: GET /orders
  api | MemoryError
failed: the suite failed with exit code 1; api had died 1.5 s before
  -> envrun-out/shop-broken-77c0 holds its reports and the services' logs

suite failed with exit code 1 after 3.2 s

       0                                                                   4.0 s
db     crrrr====================================================================
api    c........srrrr===============================x
tests  cf
suite                ##########################################################x
       i image  s start  c create  r until ready  = up  . wait  x failed  f copy files  # suite

up in 0.8 s: db 0.3 s + api 0.5 s
