"""How the sync fares over time: figures, the dashboard, metrics and traces."""
