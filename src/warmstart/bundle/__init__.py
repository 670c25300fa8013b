"""Builds what is shipped: a zip, a layer, an image. First a plan, then its execution."""
