INSERT INTO nodes (id, uuid, driver, conductor_group, protected, version, extra)
VALUES (77, '0f000000-0000-4000-8000-000000000001', 'redfish', '', 0, '1.44', '{}');
INSERT INTO ports (uuid, address, node_id, version, available_for_dynamic_portgroup)
VALUES ('0f000000-0000-4000-8000-000000000002', '52:54:00:00:00:02', 77, '1.16', 1);
