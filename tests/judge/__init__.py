"""Google's own tests as judges of gemwire.genai and of the emulator; see scripts/judge."""
