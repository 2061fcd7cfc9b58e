-- Free nodes on which the deploy helper wrote its word after the driver's cleaning up.
INSERT INTO bm_nodes (
    id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
    pm_address, pm_user, pm_password, service_host, task_state, root_mb, swap_mb,
    ephemeral_mb, preserve_ephemeral
) VALUES (
    1, '0d000000-0000-4000-8000-000000000001', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, '10.0.0.1', 'admin', 's3cret-1',
    'compute-1', 'deploy failed', 0, 0, 20480, 0
), (
    2, '0d000000-0000-4000-8000-000000000002', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, '10.0.0.2', 'admin', 's3cret-2',
    'compute-1', 'deploy complete', 0, 0, 20480, 0
);
