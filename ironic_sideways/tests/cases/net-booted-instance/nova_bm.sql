-- An instance that boots over the network would not boot again after the move.
INSERT INTO bm_nodes (
    id, uuid, created_at, updated_at, deleted, cpus, memory_mb, local_gb,
    pm_address, pm_user, pm_password, service_host, task_state, root_mb, swap_mb,
    ephemeral_mb, preserve_ephemeral, instance_uuid, instance_name, image_path,
    pxe_config_path
) VALUES (
    1, '0d000000-0000-4000-8000-000000000001', '2014-03-01 10:00:00',
    '2014-09-01 11:12:13', 0, 4, 8192, 100, '10.0.0.1', 'admin', 's3cret-1',
    'compute-1', 'active', 10240, 1, 20480, 0,
    '15000000-0000-4000-8000-000000000001', 'server-1',
    '/var/lib/nova/instances/server-1/disk',
    '/tftpboot/15000000-0000-4000-8000-000000000001/config'
);
INSERT INTO bm_interfaces (
    id, bm_node_id, created_at, updated_at, deleted, address, vif_uuid
) VALUES (
    10, 1, '2014-03-01 10:00:00', '2014-09-01 11:12:13', 0, '52:54:00:00:00:01',
    'f1000000-0000-4000-8000-000000000001'
);
