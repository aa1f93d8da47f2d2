"""A further node of a cluster on loopback, until it is ended: `python node.py HEAD CPUS GPUS`.

What `ray start --address` does, which refuses to join a cluster on loopback.
"""

import signal
import sys

from ray._private.node import Node
from ray._private.parameter import RayParams

if __name__ == "__main__":
    head, cpus, gpus = sys.argv[1:]
    parameters = RayParams(
        gcs_address=head,
        node_ip_address="127.0.0.1",
        num_cpus=int(cpus),
        num_gpus=int(gpus),
        object_store_memory=128 * 2**20,
        min_worker_port=0,
        max_worker_port=0,
        node_manager_port=0,
        dashboard_agent_listen_port=None,
        include_log_monitor=False,
    )
    node = Node(parameters, head=False, shutdown_at_exit=True, spawn_reaper=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print("Ray runtime started", flush=True)
    signal.pause()
