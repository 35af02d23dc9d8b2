INSERT INTO orders (product_id, quantity, total_cents)
SELECT id, 2, 2 * price_cents FROM products WHERE sku = 'cup-1';
