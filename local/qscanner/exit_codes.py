"""QScanner's exit codes, as the public pipeline wrappers list them, and the error that carries one."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The codes that the stand-in itself can end with; a real QScanner has more."""

    SUCCESS = 0
    GENERIC_ERROR = 1
    BAD_PARAMETER = 2
    FILESYSTEM_UNREADABLE = 5
    IMAGE_UNREADABLE = 6
    STORAGE_DRIVER_FAILED = 8
    OPERATING_SYSTEM_FAILED = 12
    SCA_FAILED = 13
    OPERATING_SYSTEM_NOT_FOUND = 15
    OPERATING_SYSTEM_NOT_SUPPORTED = 17
    WRITING_RESULT_FAILED = 30
    REPORT_NOT_OBTAINED = 40
    POLICY_RESULT_NOT_OBTAINED = 41
    POLICY_DENY = 42
    POLICY_AUDIT = 43


class ScanError(Exception):
    """A run that must end early: why, and with which code."""

    def __init__(self, code: ExitCode, reason: str) -> None:
        """Keep the exit code and a reason in words, which is logged."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
