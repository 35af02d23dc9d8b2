"""Products: what was seeded, what is added, and what the cache remembers."""

import json


def test_seeded_products_are_listed(shop):
    answer = shop.get("/products")
    assert answer.status == 200
    assert {p["sku"] for p in answer.body} >= {"pot-1", "cup-1", "tea-1", "tea-2", "box-1"}


def test_product_is_read_through_the_cache(shop, cache, product):
    key = f"product:{product['id']}"
    assert not cache.exists(key)
    answer = shop.get(f"/products/{product['id']}")
    assert answer.status == 200
    assert answer.body == product
    assert json.loads(cache.get(key)) == product
    assert 0 < cache.ttl(key) <= 60


def test_cached_product_is_served_without_the_database(shop, cache, product):
    cache.set(f"product:{product['id']}", json.dumps({**product, "name": "From the cache"}), ex=5)
    assert shop.get(f"/products/{product['id']}").body["name"] == "From the cache"


def test_unknown_product_is_not_found(shop):
    answer = shop.get("/products/0")
    assert answer.status == 404
    assert answer.body == {"error": "there is no product 0"}


def test_added_product_is_in_the_database(shop, database):
    answer = shop.post("/products", {"sku": "jug-1", "name": "Jug", "price_cents": 1150, "stock": 4})
    try:
        assert answer.status == 201
        row = database.execute("SELECT * FROM products WHERE sku = 'jug-1'").fetchone()
        assert row == answer.body
        assert shop.post("/products", answer.body).status == 409
    finally:
        database.execute("DELETE FROM products WHERE sku = 'jug-1'")


def test_product_with_a_negative_price_is_refused(shop, database):
    answer = shop.post("/products", {"sku": "bad-1", "name": "Bad", "price_cents": -1, "stock": 1})
    assert answer.status == 400
    assert database.execute("SELECT count(*) FROM products WHERE sku = 'bad-1'").fetchone()["count"] == 0
