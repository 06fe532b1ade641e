"""Random stories of CloudFunctions and of the FunctionDeployments that follow them."""
