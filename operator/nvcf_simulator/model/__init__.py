"""What accounts hold, and how it changes over time: functions, deployments, instances, the server's own loop."""
