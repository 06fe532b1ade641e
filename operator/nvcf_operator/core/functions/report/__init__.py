"""What status and Events say of a CloudFunction."""
