"""The control API: what a test or a person does to the simulated world, beside the API itself."""
