"""The control API: read everything, change anything, as tests and demos need it. No part of NVCF."""
