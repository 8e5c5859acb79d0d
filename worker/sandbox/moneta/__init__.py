"""MONETA.MerchantAPI's stand-in, JSON form: an independent reading of the protocol."""
