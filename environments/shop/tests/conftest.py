"""What the tests share: the shop over HTTP, and its database and cache behind its back."""

import json
import os
import urllib.error
import urllib.request
from collections import namedtuple

import psycopg
import pytest
import redis
from psycopg.rows import dict_row

Answer = namedtuple("Answer", "status headers body")


class Shop:
    """A client that gives every answer back, also those that say no."""

    def __init__(self, url):
        self.url = url

    def request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()
            if answer.headers.get_content_type() == "application/json":
                body = json.loads(body)
            return Answer(answer.status, answer.headers, body)

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body)

    def order(self, product, quantity=1):
        return self.post("/orders", {"product_id": product["id"], "quantity": quantity})


@pytest.fixture(scope="session")
def shop():
    return Shop(os.environ["SHOP_URL"])


@pytest.fixture(scope="session")
def database():
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(scope="session")
def cache():
    with redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True) as client:
        yield client


@pytest.fixture
def product(database):
    """A product of this test's own, with three in stock; it is gone afterwards."""
    row = database.execute(
        "INSERT INTO products (sku, name, price_cents, stock) VALUES ('test', 'Test', 500, 3) RETURNING *"
    ).fetchone()
    yield row
    database.execute("DELETE FROM orders WHERE product_id = %(id)s", row)
    database.execute("DELETE FROM products WHERE id = %(id)s", row)
