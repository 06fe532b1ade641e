"""The HTTP side: paths, negotiation, envelopes, faults, and the log of every request."""
