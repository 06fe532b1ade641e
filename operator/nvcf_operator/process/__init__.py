"""The process itself: signals, background loops, watchdog and probes."""
