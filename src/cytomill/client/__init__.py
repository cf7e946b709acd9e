"""The Python client of a kiosk."""
