"""The payment registry that IntellectMoney's stand-in serves: what a client's is compared with."""

from uprid_sandbox.intellectmoney.papers import invoice_data
from uprid_sandbox.intellectmoney.registry import newest, totals
from uprid_sandbox.intellectmoney.tree import Items, Value

__all__ = ["Items", "Value", "invoice_data", "newest", "totals"]
