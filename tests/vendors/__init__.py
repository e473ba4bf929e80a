"""Do the stand-ins answer as the vendors' own SDKs expect it? Run in an environment of their own."""
