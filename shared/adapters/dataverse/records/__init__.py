"""Reads person records as a mapping needs them."""
