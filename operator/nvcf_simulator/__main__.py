"""`python -m nvcf_simulator` is the command `nvcf-simulator`."""

from nvcf_simulator.cli import main

main()
