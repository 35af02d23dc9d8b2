envrun run shop
two words=1 with exit code 75 after 1.0 s

failed: first line
  second line
  数据库 | a
  数据库 | blink
  数据库 | two
  数据库 | lines
  -> do this

        0                                                                  1.0 s
数据库  iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii
naïve                 rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr
café                                ............................................
        i image  r until ready  . wait

