"""The tables of a payment registry. Amounts are decimals as text: exact, of any scale.

With this module imported, `METADATA` knows every table.
"""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, Column, Index, Text
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from worker.store.columns import id_column
from worker.store.tables import METADATA


class StoredInvoice(SQLModel, table=True):
    """An invoice of a payment registry, in its newest version. Amounts are decimals as text."""

    __tablename__: ClassVar[Any] = "invoice"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (Index("invoice_fetched_at", "fetched_at"),)

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    state: str = Field(max_length=40)
    created_at: datetime | None = None
    changed_at: datetime | None = None
    expires_at: datetime | None = None
    amount: str | None = Field(default=None, max_length=40)
    currency: str | None = Field(default=None, max_length=10)
    current_amount: str | None = Field(default=None, max_length=40)
    current_currency: str | None = Field(default=None, max_length=10)
    surcharge_amount: str | None = Field(default=None, max_length=40)
    surcharge_currency: str | None = Field(default=None, max_length=10)
    eshop_id: int | None = Field(default=None, sa_column=Column(BigInteger))
    order: str | None = Field(default=None, sa_column=Column("order_number", Text))
    #: Comment, owner's name and e-mail as a Fernet token over a JSON object; None once erased.
    sealed: str | None = Field(default=None, sa_column=Column(Text))
    fetched_at: datetime


class StoredTransaction(SQLModel, table=True):
    """A transaction of an invoice, in its newest version."""

    __tablename__: ClassVar[Any] = "invoice_transaction"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        Index("invoice_transaction_invoice", "invoice_id"),
    )

    id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    invoice_id: int = Field(sa_column=Column(BigInteger, nullable=False))
    number: int | None = Field(default=None, sa_column=Column(BigInteger))
    state: str = Field(max_length=40)
    payment_type: str | None = Field(default=None, max_length=40)
    created_at: datetime | None = None
    paid_amount: str | None = Field(default=None, max_length=40)
    paid_currency: str | None = Field(default=None, max_length=10)
    received_amount: str | None = Field(default=None, max_length=40)
    received_currency: str | None = Field(default=None, max_length=10)
    sealed: str | None = Field(default=None, sa_column=Column(Text))


class FetchedInvoice(SQLModel, table=True):
    """Which invoices an attempt's registry held: what its counts and sums are made of."""

    __tablename__: ClassVar[Any] = "invoice_fetch"
    __table_args__: ClassVar[tuple[SchemaItem, ...]] = (
        Index("invoice_fetch_invoice", "invoice_id"),
    )

    operation_id: str = Field(sa_column=id_column(primary=True))
    attempt: int = Field(primary_key=True)
    invoice_id: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


INVOICES: Final = METADATA.tables["invoice"]
TRANSACTIONS: Final = METADATA.tables["invoice_transaction"]
INVOICE_FETCHES: Final = METADATA.tables["invoice_fetch"]
