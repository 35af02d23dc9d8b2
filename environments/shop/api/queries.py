"""Every SQL statement of the API."""

LIST_PRODUCTS = "SELECT id, sku, name, price_cents, stock, picture FROM products ORDER BY id"

GET_PRODUCT = "SELECT id, sku, name, price_cents, stock, picture FROM products WHERE id = %(id)s"

ADD_PRODUCT = """
    INSERT INTO products (sku, name, price_cents, stock, picture)
    VALUES (%(sku)s, %(name)s, %(price_cents)s, %(stock)s, %(picture)s)
    RETURNING id, sku, name, price_cents, stock, picture
"""

# No row comes back when there are too few; two orders at once cannot both take the last one.
TAKE_FROM_STOCK = """
    UPDATE products SET stock = stock - %(quantity)s
    WHERE id = %(product_id)s AND stock >= %(quantity)s
    RETURNING price_cents
"""

ADD_ORDER = """
    INSERT INTO orders (product_id, quantity, total_cents)
    VALUES (%(product_id)s, %(quantity)s, %(total_cents)s)
    RETURNING id, product_id, quantity, total_cents
"""

GET_ORDER = "SELECT id, product_id, quantity, total_cents FROM orders WHERE id = %(id)s"
