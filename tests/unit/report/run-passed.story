envrun run shop
passed in 6.7 s

suite api passed in 3.2 s

           0                                                               6.7 s
db         ssrrrrrrrrrrrrrreeeee==========================================------
cache      iiiiiiisr======================================================------
api        iiiiiiiiiiiiiii......ssrrrr====================================-----
web        ...........................ssr=================================----
suite api                                ##################################
teardown                                                                  ------
           i image  c create  . wait  s start  r until ready  e seed  = up  - teardown  f copy files  # suite

up in 3.0 s: db 2.1 s + api 0.6 s + web 0.3 s; cache 0.9 s
