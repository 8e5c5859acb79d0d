"""Stands in for the API for the self-employed (page 002), MONETA's other API."""
