"""What holds work back: the brake on mass changes, circuits, priority, isolation of defects."""
