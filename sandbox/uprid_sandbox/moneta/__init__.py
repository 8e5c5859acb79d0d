"""MONETA.MerchantAPI's stand-in, in JSON and in SOAP: an independent reading of the protocol."""
