INSERT INTO products (sku, name, price_cents, stock, picture) VALUES
    ('pot-1', 'Teapot',         2450, 20, '/uploads/teapot.svg'),
    ('cup-1', 'Cup',             690, 60, '/uploads/cup.svg'),
    ('tea-1', 'Darjeeling 100g', 850,  5, NULL),
    ('tea-2', 'Sencha 50g',     1200,  0, NULL);
