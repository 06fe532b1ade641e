"""`python -m nvcf_simulator` runs the command `nvcf-simulator`."""

from nvcf_simulator.cli import main

main()
