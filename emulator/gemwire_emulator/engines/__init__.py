"""What writes the answers. `base.Engine` is the interface."""
