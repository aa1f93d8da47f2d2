"""Ray: a cluster to attach to, or one of this process's own on loopback.

Import `environment` before Ray, whose settings it makes. Knows the configuration and a study's store, nothing of
trials. Start reading at `connection.connected`.
"""
