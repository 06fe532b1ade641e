"""The dashboard over an hour of a busy operator: recorded, evaluated by Prometheus' engine, and drawn for the docs."""
