"""The custom resource FunctionDeployment: typed spec, status and conditions, and the CRD generated from them."""
