"""Orders: they take from the stock, never more than there is, and the cache follows."""

from concurrent.futures import ThreadPoolExecutor


def stock_of(database, product):
    return database.execute("SELECT stock FROM products WHERE id = %(id)s", product).fetchone()["stock"]


def test_order_takes_from_the_stock(shop, database, product):
    answer = shop.order(product, quantity=2)
    assert answer.status == 201
    assert answer.body["total_cents"] == 1000
    assert stock_of(database, product) == 1
    assert shop.get(f"/orders/{answer.body['id']}").body == answer.body


def test_order_of_more_than_there_is_changes_nothing(shop, database, product):
    answer = shop.order(product, quantity=4)
    assert answer.status == 409
    assert stock_of(database, product) == 3


def test_order_drops_the_cached_product(shop, cache, product):
    path = f"/products/{product['id']}"
    assert shop.get(path).body["stock"] == 3
    shop.order(product)
    assert not cache.exists(f"product:{product['id']}")
    assert shop.get(path).body["stock"] == 2


def test_orders_at_the_same_moment_never_oversell(shop, database, product):
    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(lambda _: shop.order(product).status, range(12)))
    assert sorted(statuses) == [201] * 3 + [409] * 9
    assert stock_of(database, product) == 0
    orders = database.execute("SELECT count(*) FROM orders WHERE product_id = %(id)s", product)
    assert orders.fetchone()["count"] == 3
