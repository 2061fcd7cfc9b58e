-- What nova.conf has its nodes advertise becomes their capabilities, as in 2014.
INSERT INTO bm_nodes (
    id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
    pm_address, pm_user, pm_password, service_host, task_state, root_mb, swap_mb,
    ephemeral_mb, preserve_ephemeral, instance_uuid, instance_name, image_path
) VALUES (
    1, '0d000000-0000-4000-8000-000000000001', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, '10.0.0.1', 'admin', 's3cret-1',
    'compute-1', 'active', 10240, 1, 20480, 0,
    '15000000-0000-4000-8000-000000000001', 'server-1',
    '/var/lib/nova/instances/server-1/disk'
);
INSERT INTO bm_interfaces (
    id, bm_node_id, created_at, updated_at, deleted, address, vif_uuid
) VALUES (
    10, 1, '2014-03-01 10:00:00', '2014-09-01 11:12:13', 0, '52:54:00:00:00:01',
    'f1000000-0000-4000-8000-000000000001'
);
INSERT INTO bm_nodes (
    id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
    pm_address, pm_user, pm_password, service_host, task_state, root_mb, swap_mb,
    ephemeral_mb, preserve_ephemeral, instance_uuid, instance_name, image_path
) VALUES (
    2, '0d000000-0000-4000-8000-000000000002', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, '10.0.0.2', 'admin', 's3cret-2',
    'compute-2', 'active', 10240, 1, 20480, 0,
    '15000000-0000-4000-8000-000000000002', 'server-2',
    '/var/lib/nova/instances/server-2/disk'
);
INSERT INTO bm_interfaces (
    id, bm_node_id, created_at, updated_at, deleted, address, vif_uuid
) VALUES (
    20, 2, '2014-03-01 10:00:00', '2014-09-01 11:12:13', 0, '52:54:00:00:00:02',
    'f1000000-0000-4000-8000-000000000002'
);
INSERT INTO bm_nodes (
    id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
    pm_address, pm_user, pm_password, service_host, task_state, root_mb, swap_mb,
    ephemeral_mb, preserve_ephemeral
) VALUES (
    3, '0d000000-0000-4000-8000-000000000003', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, '10.0.0.3', 'admin', 's3cret-3',
    'compute-3', 'deleted', 0, 0, 20480, 0
);
INSERT INTO bm_interfaces (
    id, bm_node_id, created_at, updated_at, deleted, address
) VALUES (
    30, 3, '2014-03-01 10:00:00', '2014-09-01 11:12:13', 0, '52:54:00:00:00:03'
);
