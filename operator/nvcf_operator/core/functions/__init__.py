"""The decisions on a CloudFunction: one version for one template, whatever crashes."""
