"""Turns errors into JSON responses that say what happened and what to do."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from relay.errors import Busy, DocumentFaults, RelayError

NOT_FOUND = "There is nothing here: it was removed, or never was"


class ApiError(Exception):
    """A refused call and its status; `retry_after` in seconds."""

    def __init__(self, status: int, message: str, *, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def _too_busy(error: Any) -> ApiError:
    return ApiError(429, str(error), retry_after=error.retry_after)


def _status(error: Any) -> int:
    return int(error.status_code)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return JsonResponse({"error": NOT_FOUND}, status=404)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return JsonResponse({"error": "This call can't be read"}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"error": "Relay made a mistake; the reason is in its log"}, status=500)


def register(api: NinjaAPI) -> None:
    """Answer every error in one form: `{"error": "..."}`, for documents with `faults` and their paths."""

    def answer(request: HttpRequest, status: int, error: str, **more: Any) -> HttpResponse:
        return api.create_response(request, {"error": error, **more}, status=status)

    def refused(request: HttpRequest, error: Any) -> HttpResponse:
        response = answer(request, error.status, str(error))
        if error.retry_after:
            response["Retry-After"] = str(error.retry_after)
        if error.status == 401:
            response["WWW-Authenticate"] = "Bearer"
        return response

    def no_token(request: HttpRequest, error: Any) -> HttpResponse:
        return refused(request, ApiError(401, "Send a token, as Authorization: Bearer relay_..."))

    def faults(request: HttpRequest, error: Any) -> HttpResponse:
        rows = [{"path": fault.path, "message": fault.message} for fault in error.faults]
        return answer(request, 422, "The flow document has faults", faults=rows)

    def invalid(request: HttpRequest, error: Any) -> HttpResponse:
        names = sorted({str(detail["loc"][-1]) for detail in error.errors})
        return answer(request, 422, f"These can't be read: {', '.join(names)}")

    api.add_exception_handler(ApiError, refused)
    api.add_exception_handler(AuthenticationError, no_token)
    api.add_exception_handler(DocumentFaults, faults)
    api.add_exception_handler(Busy, lambda request, error: refused(request, _too_busy(error)))
    api.add_exception_handler(RelayError, lambda request, error: answer(request, 409, str(error)))
    api.add_exception_handler(ValidationError, invalid)
    api.add_exception_handler(HttpError, lambda request, error: answer(request, _status(error), str(error)))
    api.add_exception_handler(Http404, lambda request, _: answer(request, 404, NOT_FOUND))
