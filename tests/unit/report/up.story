envrun run shop
passed in 2.4 s

         0                                                                 2.4 s
db       csssrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr=====================================
migrate  c.................................sss                   =
api      c.......................................................sssrrrrrrrrrrr=
         i image  c create  s start  r until ready  = up  . wait

up in 2.4 s: db 1.2 s + migrate 0.7 s + api 0.5 s
