-- An empty nova_bm is moved at once.

