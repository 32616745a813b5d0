"""Engines, which generate the emulator's responses; `base.Engine` is their interface."""
