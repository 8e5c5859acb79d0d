"""IntellectMoney's personal API: UserTokens, registries of payments, scheduled operations."""
