"""`Response` as the page's examples have it."""

from typing import Final

from uprid_sandbox.intellectmoney.acts import Codes
from uprid_sandbox.intellectmoney.tree import Content, Number, Value

_OPERATION: Final = {"0": "Успешно обработана", "1": "В процессе выполнения", "2": "Ошибка"}
_REQUEST: Final = {
    "0": "Успешно обработан.",
    "1": "Обработан с предупреждениями",
    "2": "Аутентификация не пройдена",
}


def response(
    codes: Codes, operation_id: str | None, content: Content, text: str | None = None
) -> Content:
    """Return a `Response`; a text takes the place of the operation's description."""
    members: dict[str, Value] = {}
    if codes.operation is not None:
        members["OperationState"] = _coded(codes.operation, _OPERATION, text)
    if operation_id is not None:
        members["OperationId"] = operation_id
    # The example says 0 though an eshop was asked for.
    members["EshopId"] = Number(0)
    if codes.request is not None:
        members["Result"] = {"State": _coded(codes.request, _REQUEST, None), **content}
    return members


def _coded(code: str, texts: dict[str, str], text: str | None) -> Content:
    written: Value = Number(code) if code.isdecimal() else code
    return {"Code": written, "Desc": text or texts.get(code, "Неизвестно")}
