"""One module for each step; its number gives the order."""
