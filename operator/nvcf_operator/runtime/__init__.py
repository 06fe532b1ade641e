"""Where the parts meet: kopf wiring, keyed queue, workers, pollers."""
