INSERT INTO conductors (hostname, drivers, online, updated_at, conductor_group)
VALUES ('ironic-1', '[]', 1, UTC_TIMESTAMP() - INTERVAL 1 HOUR, '');
