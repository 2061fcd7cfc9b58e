-- A node without BMC address, user or password is refused.
INSERT INTO bm_nodes (
    id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
    pm_address, pm_user, pm_password, service_host, task_state, root_mb, swap_mb,
    ephemeral_mb, preserve_ephemeral
) VALUES (
    1, '0d000000-0000-4000-8000-000000000001', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, NULL, 'admin', NULL, 'compute-1',
    'deleted', 0, 0, 20480, 0
);
INSERT INTO bm_interfaces (
    id, bm_node_id, created_at, updated_at, deleted, address
) VALUES (
    10, 1, '2014-03-01 10:00:00', '2014-09-01 11:12:13', 0, '52:54:00:00:00:01'
);
