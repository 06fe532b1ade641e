"""Types of arguments and results under the names that the SDK `nvidia_cloud_functions` has for them."""
