INSERT INTO nodes (id, uuid, driver, conductor_group, protected, version, extra)
VALUES (5, '0d000000-0000-4000-8000-000000000001', 'redfish', '', 0, '1.44', '{}');
