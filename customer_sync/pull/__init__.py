"""Customers fetched from the shop itself, as the events that a file of them would hold."""
