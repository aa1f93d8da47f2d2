"""What is measured: adversarial objectives, populations of replicas, metrics and known answers."""
