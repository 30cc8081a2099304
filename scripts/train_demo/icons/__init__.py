"""Trains a text-to-image model on the icons of free icon sets: see ../README.md."""
