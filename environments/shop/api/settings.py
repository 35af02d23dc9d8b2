"""How gunicorn serves the API."""

bind = "0.0.0.0:8080"
threads = 8
worker_tmp_dir = "/dev/shm"
