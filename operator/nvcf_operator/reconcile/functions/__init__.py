"""The stages of a CloudFunction: observing, registering, deleting, recording."""
