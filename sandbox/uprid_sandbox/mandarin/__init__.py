"""Stands in for Mandarin's simplified identification (page 004)."""
