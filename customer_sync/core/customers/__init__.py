"""What the shop said of its customers, folded into what they are now."""
