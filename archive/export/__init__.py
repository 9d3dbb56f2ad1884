"""A release: every public table as CSV and Parquet, the reports as JSON Lines, and what they mean.

`release.export` writes one; `archive.checkout` brings back the captures that a release came from.
"""
