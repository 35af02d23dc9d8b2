"""The shop's HTTP API: products and orders in PostgreSQL, a read-through cache in Redis."""

import json
import os

import redis
from flask import Flask, abort, jsonify, request
from psycopg.errors import CheckViolation, UniqueViolation
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool
from werkzeug.exceptions import HTTPException

import queries

CACHE_SECONDS = 60

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
database = ConnectionPool(
    os.environ["DATABASE_URL"], min_size=1, max_size=8, timeout=5, kwargs={"row_factory": dict_row}
)


def cache_key(product_id):
    return f"product:{product_id}"


def read_body(*required):
    """The request's JSON object, or a 400 that names the key that is missing."""
    body = request.get_json()
    for key in required:
        if key not in body:
            abort(400, f"{key} is missing")
    return body


@app.errorhandler(HTTPException)
def as_json(error):
    return jsonify(error=error.description), error.code


@app.get("/health")
def health():
    with database.connection() as connection:
        connection.execute("SELECT 1")
    cache.ping()
    return jsonify(status="ok")


@app.get("/settings")
def settings():
    return jsonify(cache.hgetall("settings"))


@app.get("/products")
def list_products():
    with database.connection() as connection:
        return jsonify(connection.execute(queries.LIST_PRODUCTS).fetchall())


@app.get("/products/<int:product_id>")
def get_product(product_id):
    key = cache_key(product_id)
    cached = cache.get(key)
    if cached:
        return jsonify(json.loads(cached))
    with database.connection() as connection:
        product = connection.execute(queries.GET_PRODUCT, {"id": product_id}).fetchone()
    if product is None:
        abort(404, f"there is no product {product_id}")
    cache.set(key, json.dumps(product), ex=CACHE_SECONDS)
    return jsonify(product)


@app.post("/products")
def add_product():
    body = {"picture": None, **read_body("sku", "name", "price_cents", "stock")}
    try:
        with database.connection() as connection:
            product = connection.execute(queries.ADD_PRODUCT, body).fetchone()
    except CheckViolation:
        abort(400, "the price or the stock is out of range")
    except UniqueViolation:
        abort(409, f"there is a product {body['sku']} already")
    return jsonify(product), 201


@app.post("/orders")
def add_order():
    order = read_body("product_id", "quantity")
    with database.connection() as connection:
        taken = connection.execute(queries.TAKE_FROM_STOCK, order).fetchone()
        if taken is None:
            abort(409, "too few are left")
        order["total_cents"] = taken["price_cents"] * order["quantity"]
        order = connection.execute(queries.ADD_ORDER, order).fetchone()
    cache.delete(cache_key(order["product_id"]))
    return jsonify(order), 201


@app.get("/orders/<int:order_id>")
def get_order(order_id):
    with database.connection() as connection:
        order = connection.execute(queries.GET_ORDER, {"id": order_id}).fetchone()
    if order is None:
        abort(404, f"there is no order {order_id}")
    return jsonify(order)
