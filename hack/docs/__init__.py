"""The CRD's file and the reference pages in ``docs``, generated from the operator's code."""
