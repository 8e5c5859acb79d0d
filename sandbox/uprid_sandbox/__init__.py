"""Stand-ins of the providers, to run against. Imported by nothing but the command and tests."""
