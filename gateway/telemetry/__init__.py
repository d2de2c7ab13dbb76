"""What the gateway tells about itself: logs and metrics. It never decides anything."""
