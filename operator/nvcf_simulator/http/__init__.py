"""The HTTP side: routing, media types, envelopes, views, faults and the request log."""
