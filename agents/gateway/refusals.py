"""Refusals: what a caller is told when a call is not carried out, with the status and what to do."""

from __future__ import annotations

from agents.gateway.answers import ErrorAnswer, ErrorBody

__all__ = ["Refusal"]


class Refusal(Exception):
    """A call that is not carried out. ``message`` is one sentence for whoever wrote the caller; ``retry_s`` says when
    it may be tried again.
    """

    def __init__(
        self, status: int, code: str, message: str, *, path: str | None = None, retry_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.path, self.retry_s = path, retry_s

    def body(self) -> ErrorAnswer:
        """The answer's body.

        >>> Refusal(404, "unknown", "there is no video").body().error
        ErrorBody(code='unknown', message='there is no video', path=None)
        """
        return ErrorAnswer(error=ErrorBody(code=self.code, message=self.message, path=self.path))
