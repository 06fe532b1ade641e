"""What an account holds, and how it changes by itself: functions, deployments, instances, the server's own loop."""
