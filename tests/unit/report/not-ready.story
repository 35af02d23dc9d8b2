envrun run shop
environment with exit code 75 after 11.5 s

environments/shop/envrun.yaml:15:5: failed: db did not become ready: it exited with code 1 after 10.7 s
  db | 2024-05-01 12:00:01.123 UTC [1] LOG:  starting PostgreSQL 15.6
  db | 2024-05-01 12:00:02.456 UTC [1] FATAL:  data directory "/var/lib/postgresql/data" has wrong ownership
  db | 2024-05-01 12:00:02.457 UTC [1] HINT:  The server must be started by the user that owns the data directory.
  -> envrun up --environment shop holds the environment open, so that you can look inside
  -> envrun run --keep=on-failure keeps a failed one

          0                                                               11.5 s
db        srrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrx
cache     iiiis==============================================================
api       iiiiiiiii..........................................................
web       ...................................................................
teardown                                                                    ----
          i image  c create  . wait  s start  r until ready  x failed  = up  - teardown

up in 1.0 s: cache 1.0 s
