"""The shop as a whole: its health, its settings, its files."""


def test_health_is_green(shop):
    answer = shop.get("/health")
    assert answer.status == 200
    assert answer.body == {"status": "ok"}


def test_settings_come_from_the_cache(shop):
    assert shop.get("/settings").body == {"currency": "EUR", "vat_percent": "20"}


def test_picture_of_a_seeded_product_is_served(shop, database):
    path = database.execute("SELECT picture FROM products WHERE sku = 'pot-1'").fetchone()["picture"]
    answer = shop.get(path)
    assert answer.status == 200
    assert answer.headers.get_content_type() == "image/svg+xml"
    assert b"<title>Teapot</title>" in answer.body
