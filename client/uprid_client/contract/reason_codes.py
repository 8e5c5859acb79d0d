"""Why an operation ended or waits, as a code for programs."""

from enum import StrEnum


class ReasonCode(StrEnum):
    """Why an operation ended or waits. The marketplace branches on these."""

    DATA_MISMATCH = "data_mismatch"
    DOCUMENT_INVALID = "document_invalid"
    PHONE_NOT_CONFIRMED = "phone_not_confirmed"
    PHONE_NOT_VERIFIED = "phone_not_verified"
    DATA_INCOMPLETE = "data_incomplete"
    NOT_ELIGIBLE = "not_eligible"
    NOT_IDENTIFIED = "not_identified"
    NOT_FOUND_AT_PROVIDER = "not_found_at_provider"
    CODES_EXHAUSTED = "codes_exhausted"
    DEADLINE_PASSED = "deadline_passed"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_ERROR = "provider_error"
    CONFIGURATION = "configuration"
    DOUBTFUL_SUBMIT = "doubtful_submit"
    UNKNOWN_ANSWER = "unknown_answer"
    PAYLOAD_UNREADABLE = "payload_unreadable"
    POISON = "poison"
    ERASED = "erased"
    BY_PERSON = "by_person"
