"""What is so, and why: shop and account side by side, one person's story, trial runs."""
