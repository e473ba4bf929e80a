"""Which mails were sent? A mail server of the least that smtplib speaks, on loopback."""

import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum, auto


class Tls(Enum):
    """When does the server speak TLS?"""

    NEVER = auto()
    STARTTLS = auto()  #: once it is asked to; before that it takes no mail
    ALWAYS = auto()  #: from the first byte, as on port 465


@dataclass
class Mailbox:
    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    refuse: bool = False  #: answers 451 to each recipient
    secured: list[bool] = field(default_factory=list)  #: of each mail, whether it came by TLS
    passwords: list[bytes] = field(default_factory=list)  #: as sent with AUTH PLAIN

    def to(self, address: str) -> list[EmailMessage]:
        return [m for m in self.mails if address in str(m["To"])]


@contextmanager
def mailbox(certificate: ssl.SSLContext | None = None, tls: Tls = Tls.NEVER) -> Iterator[Mailbox]:
    """`certificate` is needed for whatever isn't NEVER."""
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            try:
                if tls is Tls.ALWAYS:
                    self._secure()
                self._serve()
            except OSError:
                return  # whoever calls doesn't trust the certificate, or is gone
            finally:
                self.connection.close()

        def _secure(self) -> None:
            assert certificate is not None, "TLS needs a certificate"
            self.request = self.connection = certificate.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", buffering=0)

        def _serve(self) -> None:
            secure = tls is Tls.ALWAYS
            self.wfile.write(b"220 mailbox\r\n")
            while line := self.rfile.readline():
                match line[:4].upper():
                    case b"EHLO":
                        offers = b"STARTTLS" if tls is Tls.STARTTLS and not secure else b"AUTH PLAIN"
                        self.wfile.write(b"250-mailbox\r\n250 " + offers + b"\r\n")
                    case b"STAR" if tls is Tls.STARTTLS and not secure:
                        self.wfile.write(b"220 go on\r\n")
                        self._secure()
                        secure = True
                    case b"AUTH":
                        box.passwords.append(line.split()[2])
                        self.wfile.write(b"235 welcome\r\n")
                    case b"MAIL" if tls is Tls.STARTTLS and not secure:
                        self.wfile.write(b"530 STARTTLS first\r\n")
                    case b"HELO" | b"MAIL" | b"RSET" | b"NOOP":
                        self.wfile.write(b"250 ok\r\n")
                    case b"RCPT":
                        self.wfile.write(b"451 later\r\n" if box.refuse else b"250 ok\r\n")
                    case b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b""
                        while (part := self.rfile.readline()) not in (b".\r\n", b""):
                            text += part
                        box.mails.append(message_from_bytes(text, policy=policy.default))
                        box.secured.append(secure)
                        self.wfile.write(b"250 ok\r\n")
                    case b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    case _:
                        self.wfile.write(b"502 no\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
