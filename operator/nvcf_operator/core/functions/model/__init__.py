"""What decisions on a CloudFunction are made from, and made of: plain data."""
